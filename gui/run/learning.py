"""Learning: what an agent expected and what it found. It knows nothing of Qt."""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Learning:
    """How well an agent does: what it expected and what it found.

    Attributes:
        values: Of each scored spectrum in order, NaN for one that is no good.
        means: What was expected of it; NaN where nothing was.
        deviations: Standard deviation of that, the spectrum's noise included where predicted.
        times: Instrument time at which each began [s].
        scalarizer: By which they are judged.
        unit: Of the values.
        rejudged: When those began that another scalarizer judged first: what was expected of them
            was another quantity [s].
    """

    values: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    deviations: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    scalarizer: str = ""
    unit: str = "1"
    rejudged: frozenset[float] = frozenset()

    @property
    def best(self) -> np.ndarray:
        """The best value up to each spectrum, shape (n,)."""
        values = np.array(self.values, dtype=float)
        return np.fmax.accumulate(values) if values.size else values

    def coverage(self, deviations: float) -> tuple[int, int]:
        """Return how many values lay within so many deviations, and how many were expected."""
        expected = [
            abs(value - mean) <= deviations * deviation
            for value, mean, deviation in zip(self.values, self.means, self.deviations, strict=True)
            if math.isfinite(value) and math.isfinite(mean) and deviation > 0
        ]
        return sum(expected), len(expected)
