"""Sweep: what electronics and shaking make of the current and the conductance of one spectrum."""

import math
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.instrument import FloatArray

from ...compiled import compiled
from ...lock_in import LockInSettings, smooth
from ...noise_sources import CurrentNoiseSettings, MechanicalNoiseSettings
from ...short_noise import ShortShaking

if TYPE_CHECKING:
    from .settings import StmSettings

FINE, FINE_AVERAGED = 8, 5  # moments of a point that are followed, and those that are averaged
AVERAGED_SHARE = FINE_AVERAGED / FINE  # of a point's time; before that the lock-in settles
EVENLY = np.full(FINE_AVERAGED, 1 / FINE_AVERAGED)


class Sweep:
    """Sweeps of the bias with the tip held where the loop brought it: what they have in common.

    Args:
        settings: Of the microscope.
        lock_in: That measures dI/dV.
        points: Biases of a sweep.
        point_time: Time at each of them [s].
        cycles: How many sweeps are averaged.
    """

    def __init__(
        self,
        settings: "StmSettings",
        lock_in: LockInSettings,
        points: int,
        point_time: float,
        cycles: int,
    ) -> None:
        self.key = points, point_time, cycles
        self._settings = settings
        self._lock_in = lock_in
        mechanical, noise = settings.mechanical_noise, settings.current_noise
        self._is_steady = mechanical == MechanicalNoiseSettings.none() and not noise.flicker
        self._is_noisy = noise != CurrentNoiseSettings.none()
        averaged = AVERAGED_SHARE * point_time * cycles
        self._bandwidth = 1 / (2 * averaged)
        self._left = _left_over(lock_in, point_time)
        frequency = np.array([lock_in.frequency])
        self._amplifier = float(noise.density(frequency, 0.0)[0])
        self._johnson = float(noise.white(0.0))
        self._shaking = ShortShaking(mechanical, points * FINE, point_time / FINE)
        self._flicker = self._shaking.scale * noise.flicker / np.sqrt(self._shaking.frequency)

    def read(
        self, current: FloatArray, didv: FloatArray, rng: np.random.Generator, decay: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return current [A] and dI/dV [S] as they are read.

        Args:
            current: Without noise [A], shape (n,).
            didv: Without noise [S], shape (n,).
            rng: Of this spectrum; no source shifts what another draws.
            decay: 2 kappa [1/m].
        """
        settings, points = self._settings, len(current)
        white, slope = rng.standard_normal((2, points))
        if not self._is_steady:
            factor = self._unsteadiness(rng, decay)
            current, didv = current * factor, didv * factor
        density = settings.current_noise.white(current)
        read = current
        if self._is_noisy:
            read = current + math.sqrt(self._bandwidth) * density * white
        if not settings.ideal_lock_in:
            didv = self._demodulated(didv, density, slope)
        if max(read.max(), -read.min()) > settings.rail:
            is_over = np.abs(read) > settings.rail  # the preamplifier shows its rail, and no slope
            read = np.clip(read, -settings.rail, settings.rail)
            didv = np.where(is_over, 0.0, didv)
        return read, didv

    def _demodulated(self, didv: FloatArray, density: FloatArray, white: FloatArray) -> FloatArray:
        """Return dI/dV with what is left of the last point, the phase error and the noise."""
        lock_in, lagging = self._lock_in, np.empty(len(didv))
        compiled(smooth)(didv, self._left, didv[:1].copy(), lagging)
        shown = lock_in.in_phase(lagging)
        bandwidth = min(lock_in.noise_bandwidth, self._bandwidth)
        power = density**2 + (self._amplifier**2 - self._johnson**2)
        return shown + math.sqrt(bandwidth) / lock_in.modulation * np.sqrt(power) * white

    def _unsteadiness(self, rng: np.random.Generator, decay: float) -> FloatArray:
        """Return by which factor the current is off at each point: shaking and 1/f noise.

        Both are followed more finely than the points, and averaged as the instrument averages.
        """
        points, _, cycles = self.key
        fine = self._shaking.samples(rng, decay, self._flicker)
        read = np.exp(fine.reshape(points, FINE)[:, FINE - FINE_AVERAGED :])
        return np.asarray(1 + (read @ EVENLY - 1) / math.sqrt(cycles))


def _left_over(lock_in: LockInSettings, point_time: float) -> float:
    """Return the share of the last point that is still in the average over this one."""
    from scipy.special import gammaincc

    waits = (1 - AVERAGED_SHARE) * point_time + AVERAGED_SHARE * point_time * (
        np.arange(16) + 0.5
    ) / 16
    return float(np.mean(gammaincc(lock_in.order, waits / lock_in.time_constant)))
