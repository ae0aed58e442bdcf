"""Coloured noise: 1/f and damped oscillators as filters of white noise that go on for ever."""

import math
from collections.abc import Callable

import numpy as np

from spm_auto.instrument import FloatArray

POLES_PER_DECADE = 1.5
AT_ONCE = 4096  # slow samples that are made in one go: filters are dear to start


class OscillatorNoise:
    """Position of a damped oscillator that is shaken by white noise.

    Its exact values at the times of the samples: a filter with two poles and one zero has the same
    autocorrelation as the oscillator, whatever the step, so its standard deviation is right even
    where a period is shorter than the step. It begins in equilibrium.

    Args:
        frequency: Of the undamped oscillator [Hz].
        quality: Its quality factor, above 1/2.
        deviation: Standard deviation of the position [m].
        dt: Time between two samples [s].
        rng: Where chance comes from.

    Source:
        Autocorrelation of a damped oscillator: M. C. Wang and G. E. Uhlenbeck,
        Rev. Mod. Phys. 17, 323 (1945).
    """

    def __init__(
        self,
        frequency: float,
        quality: float,
        deviation: float,
        dt: float,
        rng: np.random.Generator,
    ) -> None:
        if not quality > 0.5:
            raise ValueError(f"an oscillator needs a quality factor above 0.5, got {quality}")
        self._zeros, self._poles = _oscillator(frequency, quality, dt)
        self._deviation = deviation
        self._rng = rng
        self._state = _equilibrium(self._zeros, self._poles, rng)

    def samples(self, count: int) -> FloatArray:
        """Return the next samples [m], shape (count,)."""
        from scipy.signal import lfilter

        white = self._rng.standard_normal(count)
        position, self._state = lfilter(self._zeros, self._poles, white, zi=self._state)
        return np.asarray(self._deviation * position)


class FlickerNoise:
    """Noise whose power goes as 1/f between two frequencies, below and above it is flat.

    Poles and zeros in turn, evenly spaced on the logarithmic frequency scale; it begins at zero.

    Args:
        low: Where it begins [Hz].
        high: Where it ends [Hz]; at most a quarter of the sampling rate is used.
        dt: Time between two samples [s].
        rng: Where chance comes from.

    Source:
        M. S. Keshner, Proc. IEEE 70, 212 (1982).
    """

    def __init__(self, low: float, high: float, dt: float, rng: np.random.Generator) -> None:
        high = min(high, 0.25 / dt)
        self._sections = _flicker_sections(min(low, high / 10), high, dt)
        self._state = np.zeros((len(self._sections), 2))
        self._deviation = math.sqrt(1 / (2 * dt))  # of white noise of one per hertz
        self._rng = rng

    def samples(self, count: int) -> FloatArray:
        """Return the next samples, of a density of 1 per root hertz at 1 Hz, shape (count,)."""
        from scipy.signal import sosfilt

        white = self._deviation * self._rng.standard_normal(count)
        noise, self._state = sosfilt(self._sections, white, zi=self._state)
        return np.asarray(noise)


class Stretched:
    """A slow series of samples as a faster one: straight lines between the slow samples.

    Args:
        series: Gives the next samples of the slow series, as many as it is asked for.
        factor: Fast samples for each slow one.
    """

    def __init__(self, series: Callable[[int], FloatArray], factor: int) -> None:
        self._series = series
        self._factor = factor
        self._at = 0  # fast samples given since the first slow sample that is left
        self._left = np.zeros(0)

    def samples(self, count: int) -> FloatArray:
        """Return the next fast samples, shape (count,)."""
        if self._factor == 1:
            return self._series(count)
        needed = (self._at + count) // self._factor + 2
        if len(self._left) < needed:
            more = self._series(max(needed - len(self._left), AT_ONCE))
            self._left = np.concatenate([self._left, more])
        slow = self._left[:needed]
        share = np.arange(self._factor) / self._factor
        fast = slow[:-1, np.newaxis] + np.diff(slow)[:, np.newaxis] * share
        given = fast.reshape(-1)[self._at : self._at + count]
        whole, self._at = divmod(self._at + count, self._factor)
        self._left = self._left[whole:]
        return given


def _oscillator(frequency: float, quality: float, dt: float) -> tuple[FloatArray, FloatArray]:
    """Return numerator and denominator of a filter whose output has the variance 1."""
    damping = math.pi * frequency / quality  # [1/s]
    turning = 2 * math.pi * frequency * math.sqrt(1 - 1 / (4 * quality**2))
    lag = dt * np.arange(4)
    swing = np.cos(turning * lag) + damping / turning * np.sin(turning * lag)
    correlation = np.exp(-damping * lag) * swing
    decay = math.exp(-damping * dt)
    poles = np.array([1.0, -2 * decay * math.cos(turning * dt), decay**2])
    offsets = np.subtract.outer(np.arange(3), np.arange(3))
    at_once = float(poles @ correlation[np.abs(offsets)] @ poles)
    next_to = float(poles @ correlation[np.abs(offsets - 1)] @ poles)
    both, opposed = math.sqrt(at_once + 2 * next_to), math.sqrt(max(at_once - 2 * next_to, 0.0))
    return np.array([(both + opposed) / 2, (both - opposed) / 2, 0.0]), poles


def _equilibrium(zeros: FloatArray, poles: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw the state of a filter of second order as white noise leaves it, shape (2,)."""
    step = np.array([[-poles[1], 1.0], [-poles[2], 0.0]])
    kick = zeros[1:] - poles[1:] * zeros[0]
    unknown = np.eye(4) - np.kron(step, step)
    covariance = np.linalg.solve(unknown, np.outer(kick, kick).reshape(-1)).reshape(2, 2)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    drawn = np.sqrt(np.clip(values, 0.0, None)) * rng.standard_normal(2)
    return np.asarray(vectors @ drawn)


def _flicker_sections(low: float, high: float, dt: float) -> FloatArray:
    """Return second-order sections that turn white noise into 1/f, 1 at 1 Hz, shape (k, 6)."""
    count = 2 * max(1, round(POLES_PER_DECADE * math.log10(high / low) / 2))
    ratio = (high / low) ** (1 / count)
    corners = low * ratio ** np.arange(count)
    poles = np.exp(-2 * math.pi * dt * corners * ratio**0.25)
    zeros = np.exp(-2 * math.pi * dt * corners * ratio**0.75)
    middle = math.sqrt(low * high)
    turn = np.exp(-2j * math.pi * middle * dt)
    gain = np.prod(np.abs((1 - zeros * turn) / (1 - poles * turn)))
    sections = np.ones((count // 2, 6))
    for place, roots in ((0, zeros), (3, poles)):
        sections[:, place + 1] = -roots[0::2] - roots[1::2]
        sections[:, place + 2] = roots[0::2] * roots[1::2]
    sections[0, :3] /= gain * math.sqrt(middle)
    return sections
