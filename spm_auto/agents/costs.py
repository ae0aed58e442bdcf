"""Costs: how long a measurement is expected to take, from the instrument's own time model."""

from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Instrument time of a measurement: there, settle, sweep as often as is averaged.

    Attributes:
        sweep: Time of one spectrum at each level [s], shape (m,).
        overhead: What each measurement takes besides, however near it is [s], shape (P,) or (1,).
        per_metre: Time to travel [s/m].
    """

    sweep: FloatArray
    overhead: FloatArray
    per_metre: float = 0.0

    def __post_init__(self) -> None:
        parts = (self.sweep, self.overhead, np.array(self.per_metre))
        if not all(np.isfinite(part).all() and (part >= 0).all() for part in parts):
            raise ValueError("no cost may be negative or not a number of seconds")
        if not np.min(self.sweep) + np.min(self.overhead) > 0:
            raise ValueError("each measurement must take some time")

    def seconds(
        self, positions: FloatArray, here: tuple[float, float] | None, averages: int = 1
    ) -> FloatArray:
        """Return the expected time of every measurement [s], shape (P, m).

        Args:
            positions: x and y of each place [m], shape (P, 2).
            here: Where the probe is; None where that is not known, and travel does not count.
            averages: How many spectra are averaged.
        """
        travel = np.zeros(len(positions))
        if here is not None and self.per_metre > 0:
            travel = self.per_metre * np.hypot(*(positions - np.asarray(here)).T)
        return np.asarray((travel + self.overhead)[:, None] + averages * self.sweep[None, :])

    @property
    def differ(self) -> bool:
        """Whether one measurement may cost more than another."""
        return bool(self.per_metre > 0 or np.ptp(self.sweep) > 0 or np.ptp(self.overhead) > 0)
