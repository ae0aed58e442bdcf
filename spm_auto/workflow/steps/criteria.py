"""Criteria: when a block has done enough, counted from what passes through it."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ...data import Finding, SpectrumScored
from ...instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    FloatArray,
    ForceCurve,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from ...units import BiasTime, Duration, Length
from ..requests import Note, Request, Wait

_FINE = 64  # cells along each side of a frame, when it is counted how much of it is covered


class Tally:
    """What a block has used and found so far.

    Attributes:
        began: Instrument time at its start [s].
        now: Instrument time as far as it is known [s].
        n_spectra: Spectra and force curves.
        bias_time: Bias that the sample has borne, times its duration [V s].
        n_pulses: Pulses and pokes of the tip.
        places: Where spectra were taken, as asked for [m].
        frame: Of the last image; None before one.
        values: What good spectra were worth, in order.
        findings: The last finding of each kind.
    """

    def __init__(self, began: float, frame: ScanFrame | None) -> None:
        self.began = self.now = began
        self.frame = frame
        self.n_spectra = self.n_pulses = 0
        self.bias_time = 0.0
        self.places: list[tuple[float, float]] = []
        self.values: list[float] = []
        self.findings: dict[str, Mapping[str, Any]] = {}

    @property
    def seconds(self) -> float:
        """Time since the start [s]."""
        return self.now - self.began

    def passed(self, request: Request, answer: object) -> None:
        """Hear of a request that was answered."""
        match request, answer:
            case AcquireSpectrum(x=x, y=y, waveform=waveform), Spectrum(end_time=end):
                self.n_spectra += 1
                self.places.append((x, y))
                each = float(np.abs(waveform.bias).sum()) * waveform.dwell
                self.bias_time += each * waveform.cycles
                self.now = end
            case AcquireForceCurve(x=x, y=y), ForceCurve(end_time=end):
                self.n_spectra += 1
                self.places.append((x, y))
                self.now = end
            case Scan(frame=frame), ScanImage(end_time=end):
                self.frame, self.now = frame, end
            case ConditionTip(), _:
                self.n_pulses += 1
            case Wait(), float(now):
                self.now = now
            case Note(event=SpectrumScored(value=value, flag="")), _ if math.isfinite(value):
                self.values.append(value)
            case Note(event=Finding(kind=kind, values=values)), _:
                self.findings[kind] = values


class Criterion(BaseModel):
    """When it is enough; each kind derives its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str

    def is_met(self, tally: Tally) -> bool:
        """Say whether it is enough."""
        raise TypeError(f"criterion {self.kind!r} does not say when it is met: {tally}")

    @property
    def longest(self) -> float:
        """Instrument time after which it is met whatever happens [s]; infinite where none is."""
        return math.inf


class TimeCriterion(Criterion):
    """Enough time has passed: ``{kind = "time", limit = "1 h"}``."""

    kind: Literal["time"]
    limit: Annotated[Duration, Field(gt=0)]

    def is_met(self, tally: Tally) -> bool:
        """Say whether the time is over."""
        return tally.seconds >= self.limit

    @property
    def longest(self) -> float:
        """The time itself [s]."""
        return self.limit


class SpectraCriterion(Criterion):
    """Enough spectra and force curves were taken: ``{kind = "spectra", limit = 100}``."""

    kind: Literal["spectra"]
    limit: Annotated[int, Field(ge=1)]

    def is_met(self, tally: Tally) -> bool:
        """Say whether there are as many."""
        return tally.n_spectra >= self.limit


class ExposureCriterion(Criterion):
    """The sample has borne enough: ``{kind = "exposure", limit = "500 V s"}``."""

    kind: Literal["exposure"]
    limit: Annotated[BiasTime, Field(gt=0)]

    def is_met(self, tally: Tally) -> bool:
        """Say whether bias times duration, added up, has reached the limit."""
        return tally.bias_time >= self.limit


class CoverageCriterion(Criterion):
    """Enough of the last frame lies near a spectrum.

    ``{kind = "coverage", share = 0.9, radius = "50 nm"}``
    """

    kind: Literal["coverage"]
    share: Annotated[float, Field(gt=0, le=1)]
    radius: Annotated[Length, Field(gt=0)]

    def is_met(self, tally: Tally) -> bool:
        """Say whether the frame is covered."""
        if tally.frame is None or not tally.places:
            return False
        frame = ScanFrame(tally.frame.center, tally.frame.size, (_FINE, _FINE), tally.frame.angle)
        x, y = frame.positions()
        return covered(x, y, tally.places, self.radius) >= self.share


class ConvergedCriterion(Criterion):
    """Nothing better was found for some time: ``{kind = "converged", spectra = 20}``.

    Attributes:
        spectra: For how many good spectra in a row.
        tolerance: By what share of the spread of all values the best one may still have grown.
    """

    kind: Literal["converged"]
    spectra: Annotated[int, Field(ge=2)]
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def is_met(self, tally: Tally) -> bool:
        """Say whether the best value has stopped growing."""
        values = np.array(tally.values)
        if len(values) <= self.spectra:
            return False
        best = np.maximum.accumulate(values)
        return bool(best[-1] - best[-1 - self.spectra] <= self.tolerance * np.ptp(values))


class FindingCriterion(Criterion):
    """A number that a step found is small or large enough.

    ``{kind = "finding", of = "law", name = "probability", least = 0.95}``

    Attributes:
        of: Kind of the finding.
        name: Of the number among its values.
        least: From which on it is enough; without it however small.
        most: Up to which it is enough; without it however large.
    """

    kind: Literal["finding"]
    of: str
    name: str
    least: float | None = None
    most: float | None = None

    def is_met(self, tally: Tally) -> bool:
        """Say whether the number lies in between; one that was not found does not."""
        value = tally.findings.get(self.of, {}).get(self.name, math.nan)
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        is_enough = self.least is None or value >= self.least
        return is_enough and (self.most is None or value <= self.most)


AnyCriterion = Annotated[
    TimeCriterion
    | SpectraCriterion
    | ExposureCriterion
    | CoverageCriterion
    | ConvergedCriterion
    | FindingCriterion,
    Field(discriminator="kind"),
]


def covered(
    x: FloatArray, y: FloatArray, places: list[tuple[float, float]], radius: float
) -> float:
    """Return the share of points [m] that lie within a radius [m] of one of the places [m]."""
    is_near = np.zeros(np.shape(x), dtype=bool)
    for at in places:
        is_near |= np.hypot(x - at[0], y - at[1]) <= radius
    return float(is_near.mean())
