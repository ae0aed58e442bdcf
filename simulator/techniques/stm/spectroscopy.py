"""Sweep: what electronics and shaking make of the current and the conductance of one spectrum."""

import math
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.instrument import BiasWaveform, FloatArray

from ...lock_in import LockInSettings
from ...noise_sources import CurrentNoiseSettings, MechanicalNoiseSettings

if TYPE_CHECKING:
    from .settings import StmSettings

FINE, FINE_AVERAGED = 8, 5  # moments of a point that are followed, and those that are averaged
AVERAGED_SHARE = FINE_AVERAGED / FINE  # of a point's time; before that the lock-in settles


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
            rng: Of this spectrum; all is drawn whatever is switched on.
            decay: 2 kappa [1/m].
        """
        settings = self._settings
        averaged = AVERAGED_SHARE * self._point_time * self._cycles
        white, slope = rng.standard_normal((2, len(current)))
        factor = self._unsteadiness(len(current), decay, rng)
        if factor is not None:
            current, didv = current * factor, didv * factor
        read = current
        if settings.current_noise != CurrentNoiseSettings.none():
            deviation = settings.current_noise.white(current) * math.sqrt(1 / (2 * averaged))
            read = current + deviation * white
        if not settings.ideal_lock_in:
            didv = self._demodulated(current, didv, averaged, slope)
        is_over = np.abs(read) > settings.rail
        if np.any(is_over):  # the preamplifier shows its rail, and no slope
            read = np.clip(read, -settings.rail, settings.rail)
            didv = np.where(is_over, 0.0, didv)
        return read, didv

    def _demodulated(
        self, current: FloatArray, didv: FloatArray, averaged: float, white: FloatArray
    ) -> FloatArray:
        """Return dI/dV with what is left of the last point, the phase error and the noise."""
        from scipy.signal import lfilter

        lock_in, noise = self._lock_in, self._settings.current_noise
        left = _left_over(lock_in, self._point_time)
        lagging, _ = lfilter([1 - left], [1.0, -left], didv, zi=[left * didv[0]])
        shown = lock_in.in_phase(np.asarray(lagging))
        bandwidth = min(lock_in.noise_bandwidth, 1 / (2 * averaged))
        amplifier = noise.density(np.array([lock_in.frequency]), 0.0)[0]
        shot = noise.white(current) ** 2 - noise.white(0.0) ** 2
        deviation = np.sqrt((amplifier**2 + shot) * bandwidth) / lock_in.modulation
        return np.asarray(shown + deviation * white)

    def _unsteadiness(
        self, points: int, decay: float, rng: np.random.Generator
    ) -> FloatArray | None:
        """Return by which factor the current is off at each point: shaking and 1/f noise.

        Both are made of waves of random amplitude, finer than the points, and then averaged as the
        instrument averages.
        """
        mechanical, flicker = self._settings.mechanical_noise, self._settings.current_noise.flicker
        if mechanical == MechanicalNoiseSettings.none() and not flicker:
            return None
        count = points * FINE
        step = self._point_time / FINE
        frequency: FloatArray = np.arange(1, count // 2 + 1) / (count * step)
        shaking, relative = decay * mechanical.density(frequency), flicker / np.sqrt(frequency)
        scale = np.sqrt((shaking**2 + relative**2) * count / (4 * step))
        waves = np.zeros(len(frequency) + 1, dtype=complex)
        waves[1:] = scale * rng.standard_normal((len(frequency), 2)).view(complex)[:, 0]
        fine = np.fft.irfft(waves, count)
        phases = 2 * math.pi * rng.random(2)
        turn = 2 * math.pi * mechanical.mains_frequency * step * np.arange(count)
        if mechanical.mains or mechanical.mains_third:
            fine += decay * mechanical.mains * np.sin(turn + phases[0])
            fine += decay * mechanical.mains_third * np.sin(3 * turn + phases[1])
        read = np.exp(fine).reshape(points, FINE)[:, FINE - FINE_AVERAGED :]
        return np.asarray(1 + (read.mean(axis=1) - 1) / math.sqrt(self._cycles))


def _left_over(lock_in: LockInSettings, point_time: float) -> float:
    """Return the share of the last point that is still in the average over this one."""
    from scipy.special import gammaincc

    waits = (1 - AVERAGED_SHARE) * point_time + AVERAGED_SHARE * point_time * (
        np.arange(16) + 0.5
    ) / 16
    return float(np.mean(gammaincc(lock_in.order, waits / lock_in.time_constant)))
