"""Detectors: from the distance between tip and set-point height to the signal that a loop holds.

The error e = z_eq - z [m] is positive where the tip is too close. A detector passes it on between
two bounds: beyond them it says nothing more, however far off the tip is.
"""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Current:
    """A tunnelling current I = setpoint exp(decay e), held by its logarithm or as it is.

    Attributes:
        setpoint: Current that the loop holds [A].
        decay: 2 kappa, the slope of ln I towards the surface [1/m].
        logarithmic: Whether the error is ln(I / setpoint) / decay, as is usual; else it is
            (I / setpoint - 1) / decay, which drives the tip off a step fast and down it slowly.
        rail: Where the preamplifier saturates [A].
        floor: What it cannot tell from nothing [A].
    """

    setpoint: float
    decay: float = 2.05e10
    logarithmic: bool = True
    rail: float = 10e-9
    floor: float = 0.1e-12

    def __post_init__(self) -> None:
        if not 0 < self.floor < self.setpoint < self.rail < math.inf:
            raise ValueError(
                f"a current set-point must lie between what the preamplifier resolves and its "
                f"rail, {self.floor:g} A and {self.rail:g} A, got {self.setpoint:g} A"
            )
        if not 0 < self.decay < math.inf:
            raise ValueError(f"the current's decay must be positive, got {self.decay:g} 1/m")

    @property
    def bounds(self) -> Bounds:
        """Smallest and largest error that it tells [m]."""
        return (
            math.log(self.floor / self.setpoint) / self.decay,
            math.log(self.rail / self.setpoint) / self.decay,
        )

    def at(self, error: FloatArray) -> FloatArray:
        """Return the current [A] that flows at an error [m], not limited by the preamplifier."""
        return np.asarray(self.setpoint * np.exp(self.decay * error))


@dataclass(frozen=True, slots=True)
class Deflection:
    """The deflection of a cantilever in contact, against the one that the loop holds.

    Attributes:
        setpoint: Deflection that the loop holds [m], by which the tip can be too high before it
            hangs free and the error grows no further.
        limit: Deflection above it at which the light leaves the photodiode [m].
    """

    setpoint: float = math.inf
    limit: float = math.inf

    def __post_init__(self) -> None:
        if not (self.setpoint > 0 and self.limit > 0):
            raise ValueError(
                f"a deflection's set-point and limit must be positive, "
                f"got {self.setpoint:g} m and {self.limit:g} m"
            )

    @property
    def bounds(self) -> Bounds:
        """Smallest and largest error that it tells [m]."""
        return -self.setpoint, self.limit

    def at(self, error: FloatArray) -> FloatArray:
        """Return the deflection beyond the set-point [m] at an error [m]."""
        return np.clip(error, *self.bounds)


@dataclass(frozen=True, slots=True)
class Amplitude:
    """The amplitude of an oscillating cantilever, which falls as the tip comes closer.

    Downhill the tip leaves the surface: its amplitude is then the free one and the error no
    larger than free - setpoint, so that the loop comes down at a limited speed (parachuting).

    Attributes:
        setpoint: Amplitude that the loop holds [m].
        free: Amplitude away from the surface [m].
        slope: Fall of the amplitude per way towards the surface; 1 on a hard one.
    """

    setpoint: float
    free: float
    slope: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.setpoint < self.free < math.inf:
            raise ValueError(
                f"an amplitude set-point must lie between 0 and the free amplitude of "
                f"{self.free:g} m, got {self.setpoint:g} m"
            )
        if not 0 < self.slope < math.inf:
            raise ValueError(f"the amplitude's slope must be positive, got {self.slope:g}")

    @property
    def bounds(self) -> Bounds:
        """Smallest and largest error that it tells [m]."""
        return (self.setpoint - self.free) / self.slope, self.setpoint / self.slope

    def at(self, error: FloatArray) -> FloatArray:
        """Return the amplitude [m] at an error [m]."""
        return np.asarray(self.setpoint - self.slope * np.clip(error, *self.bounds))


Detector = Current | Deflection | Amplitude
