"""ZLoop: the tip's height under feedback, line after line."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from ..compiled import compiled
from .detectors import Current, Detector
from .linear import coefficients
from .settings import Control, FeedbackSettings
from .stepping import follow_current, follow_error

NO_NOISE = np.empty(0)


@dataclass(frozen=True, slots=True)
class LoopState:
    """What the loop carries from one line to the next.

    Attributes:
        wanted: Height that the set-point asked for last [m].
        position: Of the piezo [m].
        last_position: One control step before [m].
        error: Behind the amplifier [m].
        integrator: Output of the integral part [m].
        drive: What the piezo is driven to [m].
    """

    wanted: float
    position: float
    last_position: float
    error: float
    integrator: float
    drive: float

    @classmethod
    def at_rest(cls, height: float) -> "LoopState":
        """Return the state of a tip that has long been at a height [m]."""
        return cls(height, height, height, 0.0, height, height)


@dataclass(frozen=True, slots=True, eq=False)
class LoopLine:
    """One line under feedback; arrays of shape (n,), a value for each sample of the path.

    Attributes:
        z: Height of the tip, mean over the sample [m].
        signal: What the detector read, mean over the sample: a current [A], the deflection beyond
            the set-point [m] or an amplitude [m].
        closest: Largest distance in the sample by which the tip was closer than wanted [m];
            ``detector.at(line.closest)`` is the largest current or deflection.
    """

    z: FloatArray
    signal: FloatArray
    closest: FloatArray


class ZLoop:
    """Holds a signal by moving the tip up and down; its state goes on from line to line.

    The surface is given as the height z_eq at which the signal would be the set-point, so another
    set-point or bias is a step of z_eq. While nothing saturates the loop is a linear filter.

    Args:
        settings: How the loop is built.
        detector: What it holds.
        exact_current: Whether a current that is held by its logarithm is computed at each control
            step before the amplifier; else the amplifier smoothes the logarithm, which differs by
            some hundredths of a picometre and takes a fraction of the time.
    """

    def __init__(
        self, settings: FeedbackSettings, detector: Detector, exact_current: bool = False
    ) -> None:
        self._settings = settings
        self._detector = detector
        self._exact = exact_current
        self._state: LoopState | None = None

    @property
    def settings(self) -> FeedbackSettings:
        """How the loop is built."""
        return self._settings

    @property
    def detector(self) -> Detector:
        """What it holds."""
        return self._detector

    def change(
        self, settings: FeedbackSettings | None = None, detector: Detector | None = None
    ) -> None:
        """Go on with other settings or hold another signal, from where the tip is."""
        self._settings = settings or self._settings
        self._detector = detector or self._detector

    def settle(self, height: float) -> None:
        """Let the tip come to rest at a height [m]."""
        self._state = LoopState.at_rest(height)

    def line(
        self,
        z_eq: FloatArray,
        control: Control,
        error_noise: FloatArray | None = None,
        height_noise: FloatArray | None = None,
    ) -> LoopLine:
        """Follow one line; a loop that has not been settled starts at rest on its first sample.

        Args:
            z_eq: Height that the set-point asks for at each sample of the path [m], shape (n,).
            control: The clock of the scan, from ``settings.control``.
            error_noise: Of the detector, as a height, at each control step [m],
                shape (n * control.steps,).
            height_noise: Shaking of tip against sample at each control step [m], likewise. Where
                the error is linear it has the same effect as the detector's: draw only their sum.
        """
        noises = [noise for noise in (error_noise, height_noise) if noise is not None]
        for noise in noises:
            if noise.shape != (z_eq.size * control.steps,):
                raise ValueError(
                    f"noise must have {control.steps} values for each of {z_eq.size} samples, "
                    f"got shape {noise.shape}"
                )
        if self._settings.ideal:
            return self._followed(z_eq, control, noises)
        state = self._state or LoopState.at_rest(float(z_eq[0]))
        parts = [state.wanted, state.position, state.last_position]
        carried = np.array([*parts, state.error, state.integrator, state.drive])
        line = self._run(z_eq, control, error_noise, height_noise, carried)
        self._state = LoopState(*carried.tolist())
        return line

    def hold(self, z: FloatArray, z_eq: FloatArray) -> LoopLine:
        """Move the tip with the feedback off, and read the detector.

        Args:
            z: Height of the tip at each sample [m], shape (n,).
            z_eq: Height that the set-point would ask for [m], shape (n,).
        """
        error = z_eq - z
        signal = self._detector.at(np.clip(error, *self._detector.bounds))
        if z.size:
            self.settle(float(z[-1]))
        return LoopLine(z, signal, error)

    def snapshot(self) -> LoopState | None:
        """Return the state as a value; None before the first line."""
        return self._state

    def restore(self, snapshot: LoopState | None) -> None:
        """Go back to a snapshot."""
        self._state = snapshot

    def _followed(self, z_eq: FloatArray, control: Control, noises: list[FloatArray]) -> LoopLine:
        z = z_eq
        for noise in noises:
            z = z + noise.reshape(-1, control.steps).mean(axis=1)
        nothing = np.zeros_like(z_eq)
        if z_eq.size:
            self.settle(float(z[-1]))
        return LoopLine(z, self._detector.at(nothing), nothing)

    def _run(
        self,
        z_eq: FloatArray,
        control: Control,
        error_noise: FloatArray | None,
        height_noise: FloatArray | None,
        state: FloatArray,
    ) -> LoopLine:
        settings, detector = self._settings, self._detector
        loop = coefficients(settings, control)
        recursion = np.array(
            [loop.integral, loop.proportional, loop.smoothing, loop.memory, loop.echo, loop.push]
        )
        reach = settings.slew * control.step_time
        limits = np.array([*detector.bounds, -settings.z_range, settings.z_range, reach])
        wanted = np.ascontiguousarray(z_eq, dtype=float)
        z, signal, closest = (np.empty(z_eq.size) for _ in range(3))
        a, b = (
            NO_NOISE if noise is None else np.ascontiguousarray(noise, dtype=float)
            for noise in (error_noise, height_noise)
        )
        steps = control.steps
        if isinstance(detector, Current) and (self._exact or not detector.logarithmic):
            compiled(follow_current)(
                wanted, a, b, steps, recursion, limits, detector.decay, detector.logarithmic,
                state, z, signal, closest,
            )  # fmt: skip
            return LoopLine(z, detector.setpoint * signal, closest)
        noise = a + b if a.size and b.size else a if a.size else b
        decay = detector.decay if isinstance(detector, Current) else 0.0
        compiled(follow_error)(
            wanted, noise, steps, recursion, limits, decay, state, z, signal, closest,
            np.empty(steps),
        )  # fmt: skip
        if isinstance(detector, Current):
            return LoopLine(z, detector.setpoint * signal, closest)
        return LoopLine(z, detector.at(signal), closest)
