"""Drift: where the sample is by now, estimated from a look every now and then.

A Kalman filter of two axes: offset and velocity, the velocity being pushed by random acceleration
and the offset walking randomly besides. A state is a value; time is handed in.

Source:
    R. E. Kalman, J. Basic Eng. 82, 35 (1960); Y. Bar-Shalom, X. R. Li, T. Kirubarajan, Estimation
    with Applications to Tracking and Navigation (Wiley, 2001), ch. 5.4 for the test of consistency
    and ch. 6.2 for the motion.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from ..instrument import FloatArray

LEAST_SCALE, LARGEST_SCALE = 0.1, 100.0  # of the motion's noise, when it is adapted
_MEMORY = 0.8  # of the surprise from one look to the next
_SEEN = np.eye(2, 4)  # of the state, by a look


@dataclass(frozen=True, slots=True)
class DriftModel:
    """How a sample may drift; the defaults suit a microscope at room temperature.

    Attributes:
        speed: Standard deviation of the velocity to begin with, each axis [m/s].
        walk: Standard deviation of the random walk after one second, each axis [m].
        change: Standard deviation by which the velocity has changed after ten minutes, each axis
            [m/s].
        gate: Standard deviations beyond which a look is an outlier.
        is_adapted: Whether the noise of the motion is scaled to what the looks show.
    """

    speed: float = 0.1e-9
    walk: float = 30e-12
    change: float = 15e-12
    gate: float = 4.0
    is_adapted: bool = True

    def __post_init__(self) -> None:
        for name, unit in (("speed", "m/s"), ("walk", "m"), ("change", "m/s"), ("gate", "1")):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"a drift's {name} must be positive, got {value} {unit}")

    def noise(self, seconds: float) -> FloatArray:
        """Return the covariance that the motion gains over a time [s], shape (4, 4)."""
        push = self.change**2 / 600.0  # spectral density of the acceleration [m^2/s^3]
        axes = np.eye(2)
        own = push * seconds**3 / 3 + self.walk**2 * seconds
        return np.block(
            [
                [own * axes, push * seconds**2 / 2 * axes],
                [push * seconds**2 / 2 * axes, push * seconds * axes],
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What is known of the drift at a moment.

    Attributes:
        model: How it may go on.
        time: Instrument time [s].
        mean: Offsets x and y [m], and their velocities [m/s], shape (4,).
        covariance: Of these, shape (4, 4).
        scale: By which the noise of the motion is multiplied.
    """

    model: DriftModel
    time: float
    mean: FloatArray
    covariance: FloatArray
    scale: float = 1.0

    @classmethod
    def begin(cls, model: DriftModel, time: float, offset: tuple[float, float] = (0, 0)) -> "Drift":
        """Begin with a known offset [m] at a time [s], and an unknown velocity."""
        covariance = np.diag([0.0, 0.0, model.speed**2, model.speed**2])
        return cls(model, time, np.array([*offset, 0.0, 0.0]), covariance)

    @property
    def offset(self) -> tuple[float, float]:
        """Where what was at (0, 0) is at its time [m]."""
        return float(self.mean[0]), float(self.mean[1])

    @property
    def velocity(self) -> tuple[float, float]:
        """How fast it moves then [m/s]."""
        return float(self.mean[2]), float(self.mean[3])

    @property
    def sd(self) -> float:
        """Standard deviation of the offset along the axis that is known worse [m]."""
        return math.sqrt(max(float(np.max(np.diag(self.covariance)[:2])), 0.0))

    def at(self, time: float) -> "Drift":
        """Predict.

        Args:
            time: Instrument time, not before this one [s].

        Raises:
            ValueError: It lies before.
        """
        seconds = time - self.time
        if not seconds >= 0:
            raise ValueError(f"drift is predicted forwards; {time} s lies before {self.time} s")
        step = np.eye(4)
        step[0, 2] = step[1, 3] = seconds
        noise = self.scale * self.model.noise(seconds)
        return replace(
            self,
            time=time,
            mean=step @ self.mean,
            covariance=step @ self.covariance @ step.T + noise,
        )

    def looked(self, time: float, seen: FloatArray, covariance: FloatArray) -> "Look":
        """Hear of a look.

        Args:
            time: When [s].
            seen: The offset that it showed [m], shape (2,).
            covariance: Of that [m^2], shape (2, 2).

        Returns:
            What it says, with the state after it; after an outlier the state is as predicted.

        Raises:
            ValueError: The time lies before this state's, or what was seen is not finite.
        """
        if not (np.isfinite(seen).all() and np.isfinite(covariance).all()):
            raise ValueError(f"a look shows a finite offset, got {seen} m")
        before = self.at(time)
        innovation = seen - before.mean[:2]
        expected = before.covariance[:2, :2] + covariance
        surprise = float(innovation @ np.linalg.solve(expected, innovation))
        if surprise > self.model.gate**2:
            return Look(before, innovation, surprise, is_outlier=True)
        gain = np.linalg.solve(expected, before.covariance[:2, :]).T
        rest = np.eye(4) - gain @ _SEEN
        after = rest @ before.covariance @ rest.T + gain @ covariance @ gain.T  # Joseph's form
        state = replace(
            before,
            mean=before.mean + gain @ innovation,
            covariance=(after + after.T) / 2,
            scale=self._rescaled(surprise),
        )
        return Look(state, innovation, surprise)

    def reacquired(self, time: float, seen: FloatArray, covariance: FloatArray) -> "Drift":
        """Return the state after the sample was found where it was not expected.

        The offset is what was seen; the velocity is as good as unknown, but for what it was.

        Args:
            time: When [s].
            seen: The offset that it showed [m], shape (2,).
            covariance: Of that [m^2], shape (2, 2).
        """
        before = self.at(time)
        spread = np.zeros((4, 4))
        spread[:2, :2] = covariance
        spread[2:, 2:] = before.covariance[2:, 2:] + self.model.speed**2 * np.eye(2)
        return replace(before, mean=np.array([*seen, *before.mean[2:]]), covariance=spread)

    def loosened(self, far: float) -> "Drift":
        """Return the state after something that may have moved the sample by so far [m]."""
        more = np.diag([far, far, self.model.speed, self.model.speed]) ** 2
        return replace(self, covariance=self.covariance + more)

    def _rescaled(self, surprise: float) -> float:
        """Match the noise of the motion to the surprises, 2 on average when it is right.

        Source: R. K. Mehra, IEEE Trans. Autom. Control 17, 693 (1972), as a running mean.
        """
        if not self.model.is_adapted:
            return self.scale
        factor = _MEMORY + (1 - _MEMORY) * min(surprise, 2 * self.model.gate) / 2
        return min(max(self.scale * factor, LEAST_SCALE), LARGEST_SCALE)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a look says of the drift.

    Attributes:
        drift: What is known after it.
        innovation: What was seen less what was predicted [m], shape (2,).
        surprise: Its square in units of its covariance; 2 on average.
        is_outlier: Whether it is too surprising to be believed.
    """

    drift: Drift
    innovation: FloatArray
    surprise: float
    is_outlier: bool = False
