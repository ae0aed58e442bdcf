"""Calibration: the controller's counts and SI units."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray
from spm_auto.wire import red_panda as wire

LEAST_CURRENT = 8  # [counts] that a loop can hold
BESIDE = 2  # [counts] to both sides of a bias that a point of a sweep needs


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a count is worth.

    Attributes:
        x: [m].
        y: [m].
        z: [m], towards the sample.
        bias: [V].
        current: [A].
        z_zero: Of the z DAC where the height is called zero [counts].
    """

    x: float
    y: float
    z: float
    bias: float
    current: float
    z_zero: int

    @property
    def x_range(self) -> tuple[float, float]:
        """Reach along x [m]."""
        return -wire.MIDDLE * self.x, (wire.LARGEST - wire.MIDDLE) * self.x

    @property
    def y_range(self) -> tuple[float, float]:
        """Reach along y [m]."""
        return -wire.MIDDLE * self.y, (wire.LARGEST - wire.MIDDLE) * self.y

    @property
    def bias_range(self) -> tuple[float, float]:
        """Range of biases [V]."""
        low, high = BESIDE - wire.MIDDLE, wire.LARGEST - BESIDE - wire.MIDDLE
        return low * self.bias, high * self.bias

    @property
    def setpoints(self) -> tuple[float, float]:
        """Range of currents that the loop can hold [A]."""
        return LEAST_CURRENT * self.current, wire.MIDDLE / 2 * self.current

    def x_counts(self, x: float) -> int:
        """Return the nearest count."""
        return round(x / self.x) + wire.MIDDLE

    def y_counts(self, y: float) -> int:
        """Return the nearest count."""
        return round(y / self.y) + wire.MIDDLE

    def bias_counts(self, bias: float) -> int:
        """Return the nearest count."""
        return round(bias / self.bias) + wire.MIDDLE

    def current_counts(self, current: float) -> int:
        """Return the nearest count."""
        return round(current / self.current)

    def position(self, status: wire.Status) -> tuple[float, float]:
        """Return where the tip stands [m]."""
        return (status.x - wire.MIDDLE) * self.x, (status.y - wire.MIDDLE) * self.y

    def bias_of(self, counts: int) -> float:
        """Return a bias [V]."""
        return (counts - wire.MIDDLE) * self.bias

    def heights(self, z: FloatArray) -> FloatArray:
        """Return heights [m] of regulated z [counts]: over a hill the tip is further away."""
        return (self.z_zero - z) * self.z

    def currents(self, errors: FloatArray, target: int) -> FloatArray:
        """Return currents [A] of the errors of the loop's logarithm."""
        counts = np.exp((wire.log_of(target) - errors) / wire.LOG_SCALE) - 1
        return np.asarray(counts * self.current)
