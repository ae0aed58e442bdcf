"""History: what an agent chose, expected and found, as arrays, gathered from a run's records."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..agents import noise_deviation, z_score
from ..data import (
    AgentAnswered,
    ModelFitted,
    PointChosen,
    Record,
    RecordedRun,
    SpectrumAcquired,
    SpectrumScored,
    StepStarted,
)
from ..instrument import FloatArray


@dataclass(frozen=True, slots=True)
class Choice:
    """A point that the agent chose, and what came of it.

    Attributes:
        number: Counts the run's spectra from 1.
        chosen: The choice as it was recorded.
        value: What was found, by the scalarizer used last; NaN when the spectrum is no good.
        first_value: What was found, as the agent was told first.
        judge: Name of the scalarizer that said so first.
        noise: Standard deviation of the noise, by the scalarizer and the model at that time.
        is_foreseen: Whether prediction and first value are by the same scalarizer.
        flag: Why the spectrum is no good.
        start_time: Instrument time of the spectrum's start [s].
        end_time: Instrument time of its end [s].
        idle: Time that the instrument waited for this choice [s].
        move: Time between the spectrum before and this one, waiting included [s].
        fits: How many fits there were before the choice.
    """

    number: int
    chosen: PointChosen
    value: float
    first_value: float
    judge: str
    noise: float
    is_foreseen: bool
    flag: str
    start_time: float
    end_time: float
    idle: float
    move: float
    fits: int

    @property
    def spread(self) -> float:
        """Standard deviation of what was expected to be found, noise included."""
        return math.hypot(self.chosen.deviation, self.noise)

    @property
    def z(self) -> float:
        """How far the value lies from its prediction [standard deviations]; NaN without one."""
        if not self.is_foreseen:
            return math.nan
        return z_score(self.first_value, self.chosen.mean, self.chosen.deviation, self.noise)


@dataclass(frozen=True, slots=True)
class History:
    """All choices of an agent that were measured, with its fits.

    Attributes:
        choices: In order.
        fits: What its model believed, fit after fit.
        judges: Name of the scalarizer that each fit was made by.
        scalarizer: Name of the scalarizer used last.
        unit: Unit of its values.
        n_unmeasured: Choices that were never measured and scored.
        is_whole: Whether it is about the whole run, rather than the last step with an agent.
    """

    choices: tuple[Choice, ...]
    fits: tuple[ModelFitted, ...]
    judges: tuple[str, ...]
    scalarizer: str
    unit: str
    n_unmeasured: int
    is_whole: bool

    def of(self, name: str) -> FloatArray:
        """Return one attribute of all choices as an array, shape (n,)."""
        values = [getattr(c, name, None) for c in self.choices]
        if None in values:
            values = [getattr(c.chosen, name) for c in self.choices]
        return np.array(values, dtype=float)

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Line and pixel of each choice on the overview of the last fit, shape (n, 2)."""
        if not self.fits:
            return np.empty((0, 2), dtype=np.int64)
        line, pixel = self.fits[-1].frame.to_pixel(self.of("x"), self.of("y"))
        return np.rint(np.column_stack([line, pixel])).astype(np.int64)


@dataclass(slots=True)
class _Expected:
    """A choice that waits for its spectrum."""

    chosen: PointChosen
    scalarizer: str
    noise: float
    idle: float
    fits: int


@dataclass(slots=True)
class _Found:
    """A spectrum that was scored, perhaps several times."""

    first: SpectrumScored
    last: SpectrumScored
    expected: _Expected | None


@dataclass(slots=True)
class _Book:
    """What is known while the records are read one after another."""

    scalarizer: str = ""
    fits: list[ModelFitted] = field(default_factory=list)
    judges: list[str] = field(default_factory=list)
    open: dict[int, list[_Expected]] = field(default_factory=dict)
    found: dict[float, _Found] = field(default_factory=dict)
    idle: float = 0.0

    def read(self, record: Record) -> None:
        match record.event:
            case AgentAnswered(waited=waited):
                self.idle += waited
            case PointChosen(candidate=candidate) as chosen:
                noise = chosen.noise if math.isfinite(chosen.noise) else self._noise()
                waiting = _Expected(chosen, self.scalarizer, noise, self.idle, len(self.fits))
                self.open.setdefault(candidate, []).append(waiting)
                self.idle = 0.0
            case SpectrumScored(start_time=start, candidate=candidate) as score:
                self.scalarizer = score.scalarizer
                if start in self.found:
                    self.found[start].last = score
                else:
                    waiting_here = self.open.get(candidate)
                    expected = waiting_here.pop(0) if waiting_here else None
                    self.found[start] = _Found(score, score, expected)
            case ModelFitted() as fit:
                self.fits.append(fit)
                self.judges.append(self.scalarizer)

    def _noise(self) -> float:
        if not self.fits:
            return 0.0
        values = [f.last.value for f in self.found.values() if math.isfinite(f.last.value)]
        fit = self.fits[-1]
        return noise_deviation(fit.parameters, values[: fit.n_observations])


def history_of(run: RecordedRun) -> History:
    """Gather what the agent of a run did; of several steps with an agent the last one.

    Args:
        run: The run, finished or not.
    """
    records = _last_exploration(run.records)
    book = _Book()
    for record in records:
        book.read(record)
    spectra = [r.event.spectrum for r in run.records if isinstance(r.event, SpectrumAcquired)]
    name = book.scalarizer
    choices: list[Choice] = []
    unit, before = "1", math.nan
    for number, spectrum in enumerate(spectra, start=1):
        found = book.found.get(spectrum.start_time)
        if found is not None and found.expected is not None:
            first, last, expected = found.first, found.last, found.expected
            unit = last.unit if math.isfinite(last.value) and last.scalarizer == name else unit
            known = first.noise if math.isfinite(first.noise) else 0.0
            choices.append(
                Choice(
                    number=number,
                    chosen=expected.chosen,
                    value=last.value if last.scalarizer == name else math.nan,
                    first_value=first.value,
                    judge=first.scalarizer,
                    noise=math.hypot(known, expected.noise),
                    is_foreseen=expected.scalarizer == first.scalarizer,
                    flag=last.flag,
                    start_time=spectrum.start_time,
                    end_time=spectrum.end_time,
                    idle=expected.idle,
                    move=max(0.0, spectrum.start_time - before) if choices else 0.0,
                    fits=expected.fits,
                )
            )
        before = spectrum.end_time
    return History(
        choices=tuple(choices),
        fits=tuple(book.fits),
        judges=tuple(book.judges),
        scalarizer=name,
        unit=unit,
        n_unmeasured=sum(map(len, book.open.values())),
        is_whole=len(records) == len(run.records),
    )


def _last_exploration(records: Sequence[Record]) -> Sequence[Record]:
    """Return the records of the last step in which an agent chose; all when there are no steps."""
    begin, last = 0, 0
    for index, record in enumerate(records):
        match record.event:
            case StepStarted():
                begin = index
            case PointChosen():
                last = begin
    others = any(isinstance(record.event, PointChosen) for record in records[:last])
    return records[last:] if others else records
