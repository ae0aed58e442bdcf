"""RunModel: what a run has said so far, put together record by record. It knows nothing of Qt."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from enum import Flag, auto

import numpy as np

from spm_auto.data import (
    ASIDE,
    AgentAnswered,
    CostsEstimated,
    Event,
    FeedbackSet,
    Finding,
    ForceCurveAcquired,
    Intervention,
    JudgedCurve,
    LineAcquired,
    LoadFinished,
    Measurement,
    ModelFitted,
    PointChosen,
    ProbePositioned,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    Scores,
    SpectraDoubted,
    SpectrumAcquired,
    SpectrumScored,
    StageMoved,
    StepStarted,
    TipConditioned,
)
from spm_auto.instrument import (
    Limits,
    SetFeedback,
    limits_from_table,
)

from .growing_scan import GrowingScan
from .learning import Learning
from .sayings import Saying, saying

PREVIEW = 64  # pixels at most each way of what is kept of an image that was let go of
KEPT_SCANS = 16  # images in memory at most; the journal has all of them
KEPT_BYTES = 48 * 2**20  # [bytes] of images in memory, but for the newest and the one before
KEPT_SAYINGS = 20_000  # lines of the log


class Part(Flag):
    """What of a run has changed, so that nothing is drawn twice."""

    NOTHING = 0
    RUN = auto()  # its beginning, state or end
    SCAN = auto()  # lines of the scan in progress
    SCANS = auto()  # a scan began or ended
    SPECTRA = auto()  # spectra or their scores
    CURVES = auto()  # force curves or their scores
    CHOICE = auto()  # where the agent wants to measure
    FIT = auto()  # what its model believes
    PROBE = auto()  # where the probe was last sent
    SAYINGS = auto()  # lines of the log
    ALL = RUN | SCAN | SCANS | SPECTRA | CURVES | CHOICE | FIT | PROBE | SAYINGS


_LINE, _CURVE = Part.SCAN | Part.PROBE, Part.PROBE | Part.CHOICE  # made once: they come often


class RunModel:
    """What a run has said: fed with its records in order, at any speed.

    Attributes:
        started: How it began; None before its first record.
        finished: How it ended; None while it goes on.
        is_paused: Whether it waits.
        limits: What was allowed when it began; None where nobody said.
        scans: Its scans, the newest last.
        spectra: Its spectra with choice and score, in order.
        curves: Its force curves likewise.
        choices: Where the agent chose to measure, in order.
        pending: Its last choice, while no spectrum has come of it.
        costs: How long a measurement takes, as the agent weighs it; None where nobody said.
        fit: What its model believes now; None where there is none.
        n_fits: How often a model was fitted.
        fit_learning: What had been found when it was fitted, by the scalarizer whose values it
            predicts; that of the step before goes on to count until there is another fit.
        learning: What the agent expected and found.
        thinking: How long it thought at last [s]; NaN before.
        step: The step that goes on.
        stage: Where the coarse stage stands (x, y) [m]; None where there is none.
        feedback: What was last set of the feedback; None where nobody set it.
        is_loaded: Whether the instrument was readied.
        interventions: What humans did.
        findings: What steps found.
        forbidden: Interventions that closed regions to the agent, while they are closed.
        sayings: Lines of the log, the newest last.
        n_records: How many records have been taken in.
        time: Instrument time of the newest one [s].
        utc: When it was written [s since 1970].
        exposure: Bias times duration of all spectra so far [V s].
    """

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.is_paused = False
        self.limits: Limits | None = None
        self.scans: list[GrowingScan] = []
        self.spectra: list[Measurement] = []
        self.curves: list[JudgedCurve] = []
        self.choices: list[PointChosen] = []
        self.pending: PointChosen | None = None
        self.costs: CostsEstimated | None = None
        self.fit: ModelFitted | None = None
        self.n_fits = 0
        self.fit_learning = Learning()
        self.learning = Learning()
        self.thinking = math.nan
        self.step: StepStarted | None = None
        self.stage: tuple[float, float] | None = None
        self.feedback: SetFeedback | None = None
        self.is_loaded = False
        self.interventions: list[Intervention] = []
        self.findings: list[Finding] = []
        self.forbidden: list[Intervention] = []
        self.sayings: deque[Saying] = deque(maxlen=KEPT_SAYINGS)
        self.n_records = 0
        self.start_time = self.time = 0.0
        self.start_utc = self.utc = 0.0
        self.exposure = 0.0
        self._scores = Scores()
        self._probe: tuple[float, float] | None = None
        self._by_start: dict[float, int] = {}
        self._curves_by_start: dict[float, int] = {}
        self._learned: dict[float, int] = {}  # where in `learning`, by the spectrum's start
        self._is_sought = False

    def take(self, records: Iterable[Record]) -> Part:
        """Take in what was said, and return what has changed."""
        changed = newest = Part.NOTHING
        n_said = 0
        for record in records:
            if self.n_records == 0:
                self.start_time, self.start_utc = record.time, record.utc
            self.n_records += 1
            self.time, self.utc = record.time, record.utc
            of_record = self._take(record)
            if of_record is not newest:  # lines come in hundreds, and a flag is slow to add
                newest = of_record
                changed |= newest
            said = saying(record)
            if said is not None:
                self.sayings.append(said)
                n_said += 1
        return changed | Part.SAYINGS if n_said else changed

    @property
    def probe(self) -> tuple[float, float] | None:
        """Where the probe was last sent or measured (x, y) [m]; None before."""
        if self._probe is None and self.scans and self.scans[-1].n_lines:
            x, y = self.scans[-1].frame.to_sample(self.scans[-1].last_line, 0)
            self._probe = (float(x), float(y))
        return self._probe

    @property
    def images(self) -> list[GrowingScan]:
        """The scans that show the sample, in order."""
        return [scan for scan in self.scans if not scan.is_aside]

    @property
    def scan(self) -> GrowingScan | None:
        """The newest scan of the sample; None before the first."""
        return next((scan for scan in reversed(self.scans) if not scan.is_aside), None)

    @property
    def best(self) -> Measurement | None:
        """The spectrum with the highest value by the scalarizer used last; None without one."""
        name = self.learning.scalarizer
        good = [
            m
            for m in self.spectra
            if m.scored is not None
            and m.scored.scalarizer == name
            and math.isfinite(m.scored.value)
            and not m.scored.flag
            and not m.doubt
        ]
        return max(good, key=lambda m: m.scored.value if m.scored else -math.inf, default=None)

    @property
    def spent(self) -> float:
        """Instrument time from the first record to the newest [s]."""
        return self.time - self.start_time

    def _take(self, record: Record) -> Part:
        event = record.event
        match event:
            case LineAcquired():
                return self._take_line(event, record.time)
            case ScanStarted():
                return self._begin_scan(event, record)
            case ScanFinished():
                return self._end_scan(record.time)
            case SpectrumAcquired() | ForceCurveAcquired():
                return self._take_curve(event)
            case SpectraDoubted():
                return self._doubt(event)
            case SpectrumScored() | PointChosen() | ModelFitted() | CostsEstimated():
                return self._take_of_agent(event)
            case AgentAnswered(seconds=seconds):
                self.thinking = seconds
                return Part.CHOICE
            case ProbePositioned() | TipConditioned() | StageMoved() | FeedbackSet():
                return self._take_motion(event)
            case _:
                return self._take_of_run(event)

    def _take_of_run(self, event: Event) -> Part:
        self._scores.take(event)
        match event:
            case RunStarted(settings=settings):
                self.started = event
                self.limits = (
                    limits_from_table(settings["limits"]) if "limits" in settings else None
                )
                stage = settings.get("stage")
                self.stage = None if stage is None else (float(stage[0]), float(stage[1]))
            case StepStarted():
                self.step = event
                if not event.path:
                    self.learning, self._learned = Learning(), {}
                    self.pending = None
                return Part.RUN | Part.CHOICE
            case LoadFinished():
                self.is_loaded = True
            case RunPaused():
                self.is_paused = True
            case RunResumed():
                self.is_paused = False
            case RunFinished():
                self.finished, self.is_paused, self.pending = event, False, None
                if self.scans:
                    self.scans[-1].is_over = True
                return Part.RUN | Part.SCANS | Part.CHOICE
            case RunContinued():
                self.finished, self.is_paused, self._is_sought = None, False, False
            case SampleSought():
                self._is_sought = True
            case SampleFound():
                self._is_sought = False
            case Intervention(kind=kind):
                self.interventions.append(event)
                if kind == "forbid_region":
                    self.forbidden.append(event)
                elif kind == "allow_region":
                    self.forbidden = [
                        each for each in self.forbidden if each.values != event.values
                    ]
                return Part.CHOICE | Part.RUN
            case Finding():
                self.findings.append(event)
                return Part.CHOICE | Part.RUN
            case _:
                return Part.NOTHING
        return Part.RUN

    def _take_motion(
        self, event: ProbePositioned | TipConditioned | StageMoved | FeedbackSet
    ) -> Part:
        match event:
            case ProbePositioned(x=x, y=y) | TipConditioned(x=x, y=y):
                self._probe = (x, y)
            case StageMoved(x=x, y=y):
                self.stage = (x, y)
            case FeedbackSet(instruction=instruction, bias=bias):
                self.feedback = _merged(self.feedback, instruction, bias)
        return Part.PROBE

    def _begin_scan(self, event: ScanStarted, record: Record) -> Part:
        shape = (len(event.channels), *event.instruction.frame.shape)
        is_aside = event.instruction.purpose in ASIDE or self._is_sought
        self._probe = self.probe  # where the last line has left it
        if self.scans:
            self.scans[-1].is_over = True
        self.scans.append(
            GrowingScan(
                index=len(self.scans),
                started=event,
                start_time=record.time,
                utc=record.utc,
                forward=np.full(shape, np.nan),
                backward=np.full(shape, np.nan),
                is_aside=is_aside,
                stage=self.stage,
                end_time=record.time,
            )
        )
        self._let_go()
        return Part.SCANS | Part.SCAN

    def _let_go(self) -> None:
        """Keep no more images than there is room for, the newest ones."""
        room = float(KEPT_BYTES)
        for age, scan in enumerate(reversed(self.scans)):
            if scan.forward is None or scan.backward is None:
                return
            room -= scan.forward.nbytes + scan.backward.nbytes
            if age >= KEPT_SCANS or (age > 1 and room < 0):
                step = max(1, -(-max(scan.frame.shape) // PREVIEW))
                scan.preview = scan.forward[0, ::step, ::step].copy()
                scan.forward = scan.backward = None

    def _take_line(self, event: LineAcquired, time: float) -> Part:
        if not self.scans:
            return Part.NOTHING
        scan, line = self.scans[-1], event.line
        if scan.forward is not None and scan.backward is not None:
            scan.forward[:, line.index] = line.forward
            scan.backward[:, line.index] = line.backward
        scan.n_lines, scan.last_line, scan.end_time = scan.n_lines + 1, line.index, time
        self._probe = None
        return _LINE

    def _end_scan(self, time: float) -> Part:
        if self.scans:
            self.scans[-1].is_over, self.scans[-1].end_time = True, time
        return Part.SCANS | Part.SCAN

    def _take_curve(self, event: SpectrumAcquired | ForceCurveAcquired) -> Part:
        self.pending = None
        if isinstance(event, ForceCurveAcquired):
            curve = event.curve
            self._curves_by_start[curve.start_time] = len(self.curves)
            self.curves.append(JudgedCurve(len(self.curves), curve))
            self._probe = (curve.x, curve.y)
            return Part.CURVES | _CURVE
        spectrum, instruction = event.spectrum, event.instruction
        waveform = instruction.waveform
        if self.spectra and self.spectra[-1].instruction.waveform == waveform:
            waveform = self.spectra[-1].instruction.waveform  # kept once: it is half of it all
            instruction = replace(instruction, waveform=waveform)
        self._by_start[spectrum.start_time] = len(self.spectra)
        self.spectra.append(Measurement(len(self.spectra), instruction, spectrum, stage=self.stage))
        self._probe = (spectrum.x, spectrum.y)
        self.exposure += float(np.abs(waveform.bias).sum()) * waveform.dwell * waveform.cycles
        return Part.SPECTRA | _CURVE

    def _doubt(self, event: SpectraDoubted) -> Part:
        """Doubt what was taken between the last good look at the tip and the bad one."""
        for at, measured in enumerate(self.spectra):
            if event.since <= measured.spectrum.start_time < event.until and not measured.doubt:
                self.spectra[at] = replace(measured, doubt=event.reason)
        for at, judged in enumerate(self.curves):
            if event.since <= judged.curve.start_time < event.until and not judged.doubt:
                self.curves[at] = replace(judged, doubt=event.reason)
        return Part.SPECTRA | Part.CURVES | Part.CHOICE

    def _take_of_agent(
        self, event: SpectrumScored | PointChosen | ModelFitted | CostsEstimated
    ) -> Part:
        start = self._scores.take(event)
        match event:
            case PointChosen():
                self.choices.append(event)
                self.pending = event
                return Part.CHOICE
            case ModelFitted():
                self.fit, self.n_fits = event, self.n_fits + 1
                self.fit_learning = self.learning
                return Part.FIT
            case CostsEstimated():
                self.costs = event
                return Part.CHOICE
            case SpectrumScored() if start is not None:
                return self._score(event, start)
        return Part.NOTHING

    def _score(self, event: SpectrumScored, start: float) -> Part:
        scored, chosen = self._scores.of(start)
        changed = Part.NOTHING
        if start in self._by_start:
            at = self._by_start[start]
            self.spectra[at] = replace(self.spectra[at], scored=scored, chosen=chosen)
            changed |= Part.SPECTRA
        if start in self._curves_by_start:
            at = self._curves_by_start[start]
            self.curves[at] = replace(self.curves[at], scored=scored, chosen=chosen)
            changed |= Part.CURVES
        self._learn(event, chosen)
        return changed | Part.CHOICE

    def _learn(self, event: SpectrumScored, chosen: PointChosen | None) -> None:
        learning = self.learning
        if event.scalarizer != learning.scalarizer:  # all are judged anew, one after another
            before, rejudged = learning, learning.rejudged | set(learning.times)
            self.learning = learning = Learning(scalarizer=event.scalarizer, rejudged=rejudged)
            if self.fit_learning is before and not before.scalarizer:  # fitted to earlier steps
                self.fit_learning = learning
            self._learned = {}
        if not event.flag:  # a spectrum that is no good has no unit
            learning.unit = event.unit
        value = math.nan if event.flag else event.value
        if event.start_time in self._learned:
            learning.values[self._learned[event.start_time]] = value
            return
        self._learned[event.start_time] = len(learning.times)
        learning.times.append(event.start_time)
        learning.values.append(value)
        is_expected = chosen is not None and event.start_time not in learning.rejudged
        learning.means.append(chosen.mean if chosen and is_expected else math.nan)
        learning.deviations.append(_scatter(chosen) if chosen and is_expected else math.nan)


def _scatter(chosen: PointChosen) -> float:
    """Return the standard deviation of what will be found: of the truth, and of noise around it."""
    noise = chosen.noise / math.sqrt(chosen.averages) if math.isfinite(chosen.noise) else 0.0
    return math.hypot(chosen.deviation, noise)


def _merged(before: SetFeedback | None, now: SetFeedback, bias: float) -> SetFeedback:
    """Return what is set of a feedback after it was changed again; the bias is read back."""
    if before is None:
        return replace(now, bias=bias)
    return SetFeedback(
        bias=bias,
        setpoint=before.setpoint if now.setpoint is None else now.setpoint,
        gain=before.gain if now.gain is None else now.gain,
    )
