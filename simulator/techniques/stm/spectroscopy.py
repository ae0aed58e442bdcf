"""Sweep: what electronics and shaking make of the current and the conductance of one spectrum."""

import math
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.instrument import BiasWaveform, FloatArray

from ...coloured_noise import FlickerNoise
from ...lock_in import LockInSettings
from ...noise_sources import FLICKER_BAND, CurrentNoiseSettings, MechanicalNoise

if TYPE_CHECKING:
    from .settings import StmSettings

AVERAGED_SHARE = 5 / 8  # of the time at a point; before that the lock-in settles


class Sweep:
    """One sweep of the bias with the tip held where the loop brought it.

    Args:
        settings: Of the microscope.
        lock_in: That measures dI/dV.
        point_time: Time at each point [s].
        waveform: The biases.
    """

    def __init__(
        self,
        settings: "StmSettings",
        lock_in: LockInSettings,
        point_time: float,
        waveform: BiasWaveform,
    ) -> None:
        self._settings = settings
        self._lock_in = lock_in
        self._point_time = point_time
        self._cycles = waveform.cycles

    def read(
        self, current: FloatArray, didv: FloatArray, rng: np.random.Generator, decay: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return current [A] and dI/dV [S] as they are read.

        Args:
            current: Without noise [A], shape (n,).
            didv: Without noise [S], shape (n,).
            rng: Of this spectrum; its children are used, one for each source.
            decay: 2 kappa [1/m].
        """
        settings = self._settings
        shaking, noise, slow, slope = rng.spawn(4)
        averaged = AVERAGED_SHARE * self._point_time * self._cycles
        closer = self._closer(len(current), shaking)
        if closer is not None:
            factor = np.exp(decay * closer)
            current, didv = current * factor, didv * factor
        flicker = settings.current_noise.flicker
        if flicker:
            factor = 1 + flicker * _drifting(len(current), self._point_time, slow)
            current, didv = current * factor, didv * factor
        if settings.current_noise != CurrentNoiseSettings.none():
            white = settings.current_noise.white(current) * math.sqrt(1 / (2 * averaged))
            read = current + white * noise.standard_normal(len(current))
        else:
            read = current
        if not settings.ideal_lock_in:
            didv = self._demodulated(current, didv, averaged, slope)
        is_over = np.abs(read) > settings.rail
        if np.any(is_over):  # the preamplifier shows its rail, and no slope
            read = np.clip(read, -settings.rail, settings.rail)
            didv = np.where(is_over, 0.0, didv)
        return read, didv

    def _demodulated(
        self, current: FloatArray, didv: FloatArray, averaged: float, rng: np.random.Generator
    ) -> FloatArray:
        """Return dI/dV with what is left of the last point, the phase error and the noise."""
        from scipy.signal import lfilter

        lock_in, settings = self._lock_in, self._settings
        left = _left_over(lock_in, self._point_time)
        lagging, _ = lfilter([1 - left], [1.0, -left], didv, zi=[left * didv[0]])
        shown = lock_in.in_phase(np.asarray(lagging))
        bandwidth = min(lock_in.noise_bandwidth, 1 / (2 * averaged))
        frequency = np.array([lock_in.frequency])
        amplifier = float(settings.current_noise.density(frequency, 0.0)[0])
        shot = settings.current_noise.white(current) ** 2 - settings.current_noise.white(0.0) ** 2
        density = np.sqrt(amplifier**2 + shot)
        deviation = density * math.sqrt(bandwidth) / lock_in.modulation
        return np.asarray(shown + deviation * rng.standard_normal(len(didv)))

    def _closer(self, points: int, rng: np.random.Generator) -> FloatArray | None:
        """Return by how much the gap is smaller than it was set, point by point [m]."""
        settings = self._settings.mechanical_noise
        if not any((settings.white, settings.flicker, settings.vibration, settings.mains)):
            return None
        shaking = MechanicalNoise(settings, self._point_time, rng).samples(points)
        return np.asarray(shaking / math.sqrt(self._cycles))


def _drifting(points: int, dt: float, rng: np.random.Generator) -> FloatArray:
    """Return 1/f noise of a density of 1 per root hertz at 1 Hz, point by point."""
    return FlickerNoise(*FLICKER_BAND, dt, rng).samples(points)


def _left_over(lock_in: LockInSettings, point_time: float) -> float:
    """Return the share of the last point that is still in the average over this one."""
    from scipy.special import gammaincc

    waits = (1 - AVERAGED_SHARE) * point_time + AVERAGED_SHARE * point_time * (
        np.arange(16) + 0.5
    ) / 16
    return float(np.mean(gammaincc(lock_in.order, waits / lock_in.time_constant)))
