"""StmImaging: one scan in progress, with its loop, its noise and what happens to the tip."""

import math
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.instrument import FloatArray, Scan

from ...coloured_noise import add_white
from ...feedback import Control, ZLoop
from ...lock_in import low_passed
from ...noise_sources import CurrentNoise, CurrentNoiseSettings, MechanicalNoise
from ...noise_sources import MechanicalNoiseSettings as Mechanical
from ...path import Path
from ...randomness import RandomStreams
from ..protocol import LinePair
from .tip import TipOverSample

if TYPE_CHECKING:
    from .technique import StmTechnique

LOST = 1.0  # logarithm of the current over its set-point from which the loop does not follow


class StmImaging:
    """One scan in progress.

    Args:
        technique: Whose tip scans.
        scan: What was asked for.
        streams: Where noise and accidents come from.
        number: Of the action.
    """

    def __init__(
        self, technique: "StmTechnique", scan: Scan, streams: RandomStreams, number: int
    ) -> None:
        self._technique = technique
        self._settings = technique.settings
        self._held = technique.held
        self._lines = scan.frame.pixels[1]
        self._streams = streams
        self._number = number
        self._line = 0
        self._roughness = 0.0
        self._tip = technique.over_sample()
        self._loop = ZLoop(self._held.feedback, technique.detector(self._tip.decay))
        self._control: Control | None = None
        self._current_noise: CurrentNoise | None = None
        self._mechanical: MechanicalNoise | None = None
        self._filter: FloatArray | None = None
        self._chance = streams.stream("tip", number)
        self._slope_stream = streams.stream("lock-in", number)
        self._slope_noise = np.zeros(1)

    def line(self, path: Path) -> LinePair:
        """Measure one line."""
        control = self._control or self._begin(path)
        z_eq, conductance = self._surface(path)
        line = self._loop.line(z_eq + path.z, control, self._noise(len(path.x) * control.steps))
        didv = self._demodulated(conductance * (line.signal / self._held.setpoint), path)
        self._look_for_accidents(path, line.closest)
        self._line += 1
        pairs = [path.by_pixel(channel) for channel in (line.z, line.signal, didv)]
        return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])

    def _begin(self, path: Path) -> Control:
        """Choose the loop's clock and start the noise."""
        settings, number = self._settings, self._number
        control = self._held.feedback.control(path.dt, len(path.x) * self._lines)
        self._control = control
        if settings.current_noise != CurrentNoiseSettings.none():
            rng = self._streams.stream("current noise", number)
            self._current_noise = CurrentNoise(settings.current_noise, control.step_time, rng)
            lock_in = self._technique.lock_in
            density = settings.current_noise.density(
                np.array([lock_in.frequency]), self._held.setpoint
            )
            self._slope_noise = density / lock_in.modulation * math.sqrt(1 / (2 * path.dt))
        if settings.mechanical_noise != Mechanical.none():
            rng = self._streams.stream("mechanical noise", number)
            self._mechanical = MechanicalNoise(settings.mechanical_noise, control.step_time, rng)
        return control

    def _surface(self, path: Path) -> tuple[FloatArray, FloatArray]:
        """Return height and conductance at the set-point along a line; the tip may change on it."""
        before = self._tip
        changed = self._next_tip(path)
        z, conductance = before.topography(path.x, path.y)
        if changed is None:
            return z, conductance
        at, tip = changed
        self._take(tip)
        z[at:], conductance[at:] = tip.topography(path.x[at:], path.y[at:])
        return z, conductance

    def _next_tip(self, path: Path) -> tuple[int, TipOverSample] | None:
        """Draw whether the tip changes on a line: from which sample on, and into what."""
        if self._settings.tip_life.change_time is None:
            return None
        history = len(self._technique.tip_history)
        self._technique.pass_time(path.duration, self._chance, path.start, self._roughness)
        events = self._technique.tip_history[history:]
        if not events:
            return None
        at = math.floor((events[-1].time - path.start) / path.dt)
        return min(max(at, 0), len(path.x)), self._technique.over_sample()

    def _noise(self, count: int) -> FloatArray | None:
        """Return current noise and shaking as one error in height at each control step [m].

        The error is linear in the height, so where the noise enters makes no difference.
        """
        held, noise = self._held, None
        if self._current_noise is not None:
            noise = self._current_noise.samples(held.setpoint, count)
            noise *= 1 / (self._tip.decay * held.setpoint)
        if self._mechanical is not None:
            shaking = self._mechanical.samples(count)
            noise = shaking if noise is None else np.add(noise, shaking, out=noise)
        return noise

    def _demodulated(self, didv: FloatArray, path: Path) -> FloatArray:
        """Return what the lock-in makes of dI/dV along a line [S]."""
        if self._settings.ideal_lock_in:
            return didv
        lock_in = self._technique.lock_in
        shown = lock_in.in_phase(didv)
        add_white(shown, self._slope_stream, self._slope_noise)
        shown, self._filter = low_passed(shown, path.dt, lock_in, self._filter)
        return shown

    def _look_for_accidents(self, path: Path, closest: FloatArray) -> None:
        """See how well the loop followed, and whether the tip ran into something."""
        decay, settings = self._tip.decay, self._settings
        lost = np.abs(closest) > LOST / decay
        self._roughness = int(np.count_nonzero(lost)) / len(closest)
        worst = int(np.argmax(closest))
        excess = decay * float(closest[worst])
        crash = math.log(settings.crash_current / self._held.setpoint)
        suffers = settings.tip_life.damage or settings.tip_life.crash_change
        if excess <= crash or not suffers:
            return
        rng = self._streams.stream("crash", self._number, self._line)
        at = float(path.x[worst]), float(path.y[worst])
        time = path.start + worst * path.dt
        self._technique.crash(at, rng, time, excess / crash)
        self._take(self._technique.over_sample())

    def _take(self, tip: TipOverSample) -> None:
        self._tip = tip
        self._loop.change(detector=self._technique.detector(tip.decay))
