"""ShortShaking: how the gap shakes during one spectrum or force curve."""

import math
from functools import lru_cache

import numpy as np

from spm_auto.instrument import FloatArray

from .noise_sources import MechanicalNoiseSettings


class ShortShaking:
    """The shaking of the gap over a known number of samples, as waves of random amplitude.

    What is slower than the whole measurement is left out: it would be an offset. `MechanicalNoise`
    is for scans, which go on and on.

    Args:
        settings: How much.
        count: Samples.
        dt: Time between two of them [s].
    """

    def __init__(self, settings: MechanicalNoiseSettings, count: int, dt: float) -> None:
        from scipy.fft import next_fast_len

        self._count = count
        self._period: int = next_fast_len(count, real=True)  # samples of the longest wave
        self.frequency: FloatArray = np.arange(1, self._period // 2 + 1) / (self._period * dt)
        self.scale = math.sqrt(self._period / (4 * dt))  # of a wave for a density of one
        self._waves = self.scale * settings.density(self.frequency)
        turn = 2 * math.pi * settings.mains_frequency * dt * np.arange(count)
        hum, third = settings.mains, settings.mains_third
        swings = np.sin(turn), np.cos(turn), np.sin(3 * turn), np.cos(3 * turn)
        self._hum = np.array([[hum], [hum], [third], [third]]) * np.stack(swings)

    def samples(
        self, rng: np.random.Generator, amount: float = 1.0, beside: FloatArray | None = None
    ) -> FloatArray:
        """Draw a series, shape (count,).

        Args:
            rng: Where chance comes from.
            amount: By which the shaking is multiplied, such as 2 kappa for the logarithm of a
                current; 1 leaves it in metres.
            beside: Another noise to be added, as the size of each wave: density times `scale`.
        """
        first, third = (2 * math.pi * rng.random(2)).tolist()
        white = rng.standard_normal(2 * len(self._waves)).view(complex)
        size = amount * self._waves
        if beside is not None:
            size = np.sqrt(size**2 + beside**2)
        waves = np.zeros(len(white) + 1, dtype=complex)
        np.multiply(size, white, out=waves[1:])
        swings = math.cos(first), math.sin(first), math.cos(third), math.sin(third)
        shaking = np.fft.irfft(waves, self._period)[: self._count]
        return np.asarray(shaking + amount * (np.array(swings) @ self._hum))


@lru_cache(maxsize=8)
def short_shaking(settings: MechanicalNoiseSettings, count: int, dt: float) -> ShortShaking:
    """Return the shaking of a measurement; made once for all that are alike."""
    return ShortShaking(settings, count, dt)
