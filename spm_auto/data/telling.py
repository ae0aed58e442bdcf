"""Telling: records put together again: images of their lines, spectra with what they are worth."""

from dataclasses import dataclass

import numpy as np

from ..instrument import AcquireSpectrum, ForceCurve, ScanImage, ScanLine, Spectrum
from .choices import PointChosen, SpectrumScored
from .events import (
    Event,
    LineAcquired,
    Record,
    RunContinued,
    RunStarted,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    StepStarted,
)
from .findings import Judged, Verdict
from .recovery import ASIDE, ForceCurveAcquired, SpectraDoubted, StageMoved
from .remembered import stage_at_start


@dataclass(frozen=True, slots=True)
class Measurement:
    """A spectrum of a run with all that belongs to it.

    Attributes:
        number: Counts the run's spectra from 0.
        instruction: What was asked for.
        spectrum: What was measured.
        chosen: The agent's choice, None for spectra that no agent chose.
        scored: What it was worth, None for spectra that were not scored.
        doubt: Why the tip may have been bad, in words; empty where nobody doubts it.
        stage: Where the coarse stage stood [m]; None where there is none.
    """

    number: int
    instruction: AcquireSpectrum
    spectrum: Spectrum
    chosen: PointChosen | None = None
    scored: SpectrumScored | None = None
    doubt: str = ""
    stage: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class JudgedCurve:
    """A force curve of a run with all that belongs to it.

    Attributes:
        number: Counts the run's force curves from 0.
        curve: What was measured.
        chosen: The agent's choice, None for curves that no agent chose.
        scored: What it was worth, None for curves that were not scored.
        doubt: Why the tip may have been bad, in words; empty where nobody doubts it.
    """

    number: int
    curve: ForceCurve
    chosen: PointChosen | None = None
    scored: SpectrumScored | None = None
    doubt: str = ""


def assemble(
    started: ScanStarted, start_time: float, lines: list[ScanLine], end_time: float
) -> ScanImage:
    """Put the lines of a scan together; lines that are missing are NaN."""
    frame = started.instruction.frame
    shape = (len(started.channels), *frame.shape)
    forward, backward = np.full(shape, np.nan), np.full(shape, np.nan)
    for line in lines:
        forward[:, line.index], backward[:, line.index] = line.forward, line.backward
    return ScanImage(frame, started.channels, forward, backward, start_time, end_time)


def scans_of(records: tuple[Record, ...], looks: bool = False) -> list[ScanImage]:
    """Put images together from their lines.

    A scan that was cut off and gone on with is one image; those by which a run that goes on found
    its sample again are none.

    Args:
        records: All of them.
        looks: Whether the images of the tip are wanted; else those of the sample.
    """
    scans: list[tuple[ScanStarted, float, list[ScanLine]]] = []
    ends: list[float] = []
    is_aside = is_other = False
    for record in records:
        match record.event:
            case SampleSought():
                is_aside = True
            case SampleFound() | RunContinued():  # found, or killed before
                is_aside = False
            case ScanStarted(instruction=scan) if not is_aside:
                is_other = (scan.purpose in ASIDE) is not looks
                if not is_other:
                    scans.append((record.event, record.time, []))
                    ends.append(record.time)
            case LineAcquired(line=line) if scans and not (is_aside or is_other):
                scans[-1][2].append(line)
                ends[-1] = record.time
            case ScanFinished() if ends and not (is_aside or is_other):
                ends[-1] = record.time
    return [assemble(*scan, end) for scan, end in zip(scans, ends, strict=True)]


def stage_at(records: tuple[Record, ...], time: float) -> tuple[float, float] | None:
    """Return where the coarse stage stood at an instrument time [m]; None where nobody knows."""
    stage = None
    for record in records:
        match record.event:
            case RunStarted():
                stage = stage_at_start(record.event)
            case StageMoved(x=x, y=y) if record.time <= time:
                stage = (x, y)
    return stage


def measurements_of(records: tuple[Record, ...]) -> list[Measurement]:
    """Return the spectra with all that belongs to each."""
    scores = _scores(records)
    taken: list[tuple[SpectrumAcquired, tuple[float, float] | None]] = []
    stage = None
    for record in records:
        match record.event:
            case RunStarted():
                stage = stage_at_start(record.event)
            case StageMoved(x=x, y=y):
                stage = (x, y)
            case SpectrumAcquired():
                taken.append((record.event, stage))
    doubts = _doubts(records)
    measurements = []
    for number, (event, stage) in enumerate(taken):
        start = event.spectrum.start_time
        scored, chosen = scores.of(start)
        measurements.append(
            Measurement(
                number,
                event.instruction,
                event.spectrum,
                chosen,
                scored,
                _doubt(doubts, start),
                stage,
            )
        )
    return measurements


def judged_curves_of(records: tuple[Record, ...]) -> list[JudgedCurve]:
    """Return the force curves with all that belongs to each."""
    scores, doubts = _scores(records), _doubts(records)
    taken = [r.event for r in records if isinstance(r.event, ForceCurveAcquired)]
    curves = []
    for number, event in enumerate(taken):
        start = event.curve.start_time
        scored, chosen = scores.of(start)
        curves.append(JudgedCurve(number, event.curve, chosen, scored, _doubt(doubts, start)))
    return curves


class Scores:
    """What was measured is worth, and who chose it; told one record after another."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[PointChosen]] = {}
        self._known: dict[float, tuple[SpectrumScored, PointChosen | None]] = {}
        self._last: PointChosen | None = None

    def take(self, event: Event) -> float | None:
        """Take in what happened; returns when the spectrum began that is scored now [s]."""
        match event:
            case Judged(kind="point", verdict=verdict) if verdict is not Verdict.APPROVED:
                last = self._last
                if last is not None and last in self._waiting.get(last.candidate, ()):
                    self._waiting[last.candidate].remove(last)  # a human did not want it measured
            case StepStarted():  # it counts its candidates anew
                self._waiting.clear()
            case PointChosen(candidate=candidate) as choice:
                self._waiting.setdefault(candidate, []).append(choice)
                self._last = choice
            case SpectrumScored(candidate=candidate, start_time=start) as score:
                if start in self._known:  # judged anew
                    self._known[start] = (score, self._known[start][1])
                else:
                    choices = self._waiting.get(candidate)
                    self._known[start] = (score, choices.pop(0) if choices else None)
                return start
        return None

    def of(self, start: float) -> tuple[SpectrumScored | None, PointChosen | None]:
        """Return score and choice of what began then [s]; None for what there is none of."""
        return self._known.get(start, (None, None))


def _scores(records: tuple[Record, ...]) -> Scores:
    scores = Scores()
    for record in records:
        scores.take(record.event)
    return scores


def _doubts(records: tuple[Record, ...]) -> list[SpectraDoubted]:
    return [r.event for r in records if isinstance(r.event, SpectraDoubted)]


def _doubt(doubts: list[SpectraDoubted], start: float) -> str:
    return next((d.reason for d in doubts if d.since <= start < d.until), "")
