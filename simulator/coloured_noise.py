"""White and coloured noise: 1/f and damped oscillators as filters that go on for ever.

The loops that draw the numbers are compiled: a normal number costs them less than half of what it
costs when numpy draws it, and is the same to the last bit.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from spm_auto.instrument import FloatArray

from .compiled import compiled

POLES_PER_DECADE = 1.5
AT_ONCE = 4096  # slow samples that are made in one go
NONE, ONE = np.zeros(1), np.ones(1)


def add_white(
    noise: FloatArray,
    rng: np.random.Generator,
    now: FloatArray,
    before: FloatArray = NONE,
    last: float = 0.0,
) -> float:
    """Add normal numbers to a noise, each of them now and one sample later.

    Args:
        noise: To be added to, shape (n,).
        rng: Where they come from.
        now: How much each counts at once, shape (n,), or (1,) for all.
        before: And one sample later, of now's shape.
        last: Number before the first.

    Returns:
        The last number, for what comes next.
    """
    if not (now.any() or before.any()):
        return last
    left: float = compiled(_add_white)(noise, rng, now, before, last)
    return left


def add_wave(noise: FloatArray, amplitude: float, phase: float, turn: float) -> None:
    """Add a wave to a noise.

    Args:
        noise: To be added to, shape (n,).
        amplitude: Of the wave, in the noise's unit.
        phase: At the first sample [rad].
        turn: From sample to sample [rad].
    """
    compiled(_add_wave)(noise, amplitude, phase, turn)


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
        section, equilibrium = _oscillator(frequency, quality, dt)
        amounts = np.array([deviation, deviation, deviation, 1.0, 1.0, 1.0])
        self._sections = (amounts * section)[np.newaxis]
        self._state = deviation * (equilibrium @ rng.standard_normal(2))[np.newaxis]
        self._rng = rng

    def samples(self, count: int) -> FloatArray:
        """Return the next samples [m], shape (count,)."""
        noise = np.empty(count)
        compiled(_draw_filtered)(self._rng, self._sections, self._state, noise)
        return noise


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
        self._rng = rng

    def samples(self, count: int) -> FloatArray:
        """Return the next samples, of a density of 1 per root hertz at 1 Hz, shape (count,)."""
        noise = np.empty(count)
        compiled(_draw_filtered)(self._rng, self._sections, self._state, noise)
        return noise


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
        fast = np.zeros(count)
        self.add_to(fast, ONE)
        return fast

    def add_to(self, noise: FloatArray, amount: FloatArray) -> None:
        """Add the next fast samples to a noise.

        Args:
            noise: To be added to, shape (n,).
            amount: How much each sample counts, shape (n,), or (1,) for all.
        """
        count = len(noise)
        needed = (self._at + count) // self._factor + 2
        if len(self._left) < needed:
            more = self._series(max(needed - len(self._left), AT_ONCE))
            self._left = np.concatenate([self._left, more])
        compiled(_add_straight)(noise, amount, self._left, self._factor, self._at)
        whole, self._at = divmod(self._at + count, self._factor)
        self._left = self._left[whole:]


@lru_cache(maxsize=32)
def _oscillator(frequency: float, quality: float, dt: float) -> tuple[FloatArray, FloatArray]:
    """Return a second-order section whose output has the variance 1, and its state in equilibrium.

    The state is the second matrix, shape (2, 2), times two normal numbers.
    """
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
    zeros = np.array([(both + opposed) / 2, (both - opposed) / 2, 0.0])
    return np.concatenate([zeros, poles]), _equilibrium(zeros, poles)


def _equilibrium(zeros: FloatArray, poles: FloatArray) -> FloatArray:
    """Return a root of the covariance of the state that white noise leaves, shape (2, 2)."""
    step = np.array([[-poles[1], 1.0], [-poles[2], 0.0]])
    kick = zeros[1:] - poles[1:] * zeros[0]
    unknown = np.eye(4) - np.kron(step, step)
    covariance = np.linalg.solve(unknown, np.outer(kick, kick).reshape(-1)).reshape(2, 2)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))


@lru_cache(maxsize=32)
def _flicker_sections(low: float, high: float, dt: float) -> FloatArray:
    """Return second-order sections that make 1/f noise of normal numbers, shape (k, 6).

    Its density is 1 per root hertz at 1 Hz.
    """
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
    sections[0, :3] *= math.sqrt(1 / (2 * dt)) / (gain * math.sqrt(middle))
    return sections


def _add_white(
    noise: FloatArray,
    rng: np.random.Generator,
    now: FloatArray,
    before: FloatArray,
    last: float,
) -> float:
    """Do what `add_white` says; compiled."""
    step = 1 if now.size > 1 else 0
    for i in range(noise.size):
        number = rng.standard_normal()
        noise[i] += now[i * step] * number + before[i * step] * last
        last = number
    return last


def _add_wave(noise: FloatArray, amplitude: float, phase: float, turn: float) -> None:
    """Do what `add_wave` says, turning a pointer; compiled."""
    x, y = amplitude * math.sin(phase), amplitude * math.cos(phase)
    cos, sin = math.cos(turn), math.sin(turn)
    for i in range(noise.size):
        noise[i] += x
        x, y = cos * x + sin * y, cos * y - sin * x


def _draw_filtered(
    rng: np.random.Generator, sections: FloatArray, state: FloatArray, noise: FloatArray
) -> None:
    """Send normal numbers through one second-order section after the other; compiled.

    Args:
        rng: Where they come from.
        sections: Numerator and denominator of each, shape (k, 6).
        state: Of each, shape (k, 2); changed in place.
        noise: Takes the output, shape (n,).
    """
    for i in range(noise.size):
        value = rng.standard_normal()
        for k in range(sections.shape[0]):
            output = sections[k, 0] * value + state[k, 0]
            state[k, 0] = sections[k, 1] * value - sections[k, 4] * output + state[k, 1]
            state[k, 1] = sections[k, 2] * value - sections[k, 5] * output
            value = output
        noise[i] = value


def _add_straight(
    noise: FloatArray, amount: FloatArray, slow: FloatArray, factor: int, at: int
) -> None:
    """Add straight lines between slow samples; compiled.

    Args:
        noise: To be added to, shape (n,).
        amount: How much each sample counts, shape (n,), or (1,) for all.
        slow: Samples.
        factor: Fast samples for each slow one.
        at: Which fast sample after the first slow one comes first, less than the factor.
    """
    stride = 1 if amount.size > 1 else 0
    i = part = 0
    while i < noise.size:
        begin = at if part == 0 else 0
        steps = min(factor - begin, noise.size - i)
        step = (slow[part + 1] - slow[part]) / factor
        for k in range(steps):
            noise[i + k] += amount[(i + k) * stride] * (slow[part] + (begin + k) * step)
        i += steps
        part += 1
