"""Quality: how good an image is, told from the image alone.

Whoever tunes a loop does not know what the surface looks like. What is known is that a line shows
the same surface there and back, and that a loop that follows has no error left. All of it is
independent of the surface's height, so that images of different loops can be compared; images of
different places can not.
"""

from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray, ScanImage

TOLERATED = 0.3  # error of the loop, in units of its set-point, at which an image counts half
LARGEST_LAG = 0.25  # of a line, both ways
ALIKE = 0.03  # correlation by which a lag must be better than a smaller one
JUMP = 6.0  # spreads of the step between lines, from which a line stands out
LEAST_JUMP = 0.5  # of the spread of the heights along the lines, likewise
_WIDE = 1  # [bins] on each side of a peak of a spectrum that still belong to it
_LOW = 0.25  # share of a spectrum's frequencies, from the lowest, that the surface itself fills
_FEWEST = 8  # pixels along a line
_SPREAD = 1.4826  # standard deviation of a normal distribution over its median deviation


@dataclass(frozen=True, slots=True)
class Quality:
    """How good an image is, and why.

    Attributes:
        score: Product of ``agreement``, ``common``, ``calm``, 1 - ``ringing`` and 1 - ``scars``,
            from 0 to 1. Of a loop that is too slow the first falls, of noise and of a loop that
            oscillates the second, of both the third.
        agreement: Half of one plus the correlation of there and back, pixel by pixel. For a loop of
            first order, of response H at the surface's frequency, there and back are delayed both
            ways and it is the squared magnitude of H.
        common: Correlation of there and back at the lag where it is largest, 0 at least: the share
            of the variance that is no noise.
        calm: 1 / (1 + (error / `TOLERATED`)^2); 1 where no channel tells of the error.
        lag: Between there and back [pixel]; positive when each is late.
        noise: Standard deviation of what there and back do not share [the channel's unit].
        corrugation: Standard deviation of what they share [the channel's unit].
        error: Standard deviation of the loop's error over its set-point; NaN where not known.
        slow: Part of the error that neighbouring pixels share: the loop comes late.
        rough: Part that they do not, and the median, which an integrating loop holds unless it
            oscillates so far that it is rectified: it oscillates, or there is noise.
        peak: Largest error, over the set-point, both ways; NaN where not known.
        ringing: Share of the variance that stands in a single peak of the spectrum along the fast
            axis, of what there and back do not share.
        scars: Share of the lines that jump against the line before.
    """

    score: float
    agreement: float
    common: float
    calm: float
    lag: int
    noise: float
    corrugation: float
    error: float
    slow: float
    rough: float
    peak: float
    ringing: float
    scars: float

    @classmethod
    def none(cls) -> "Quality":
        """Return what is known of an image that has a hole or shows nothing at all."""
        nan = float("nan")
        return cls(0.0, 0.0, 0.0, 0.0, 0, nan, 0.0, nan, nan, nan, nan, 0.0, 0.0)


def judge_image(
    image: ScanImage, channel: str = "", error: str = "", setpoint: float | None = None
) -> Quality:
    """Say how good an image is.

    Args:
        image: There and back.
        channel: The channel that shows the surface; empty for the first one.
        error: The channel that the loop holds, such as a current; empty where there is none.
        setpoint: What it holds it at, in that channel's unit; None: the channel's median.

    Returns:
        The quality; `Quality.none` where a value is missing or the image is flat.

    Raises:
        ValueError: There is no such channel, or a line has too few pixels.
    """
    there, back = image.channel(channel), image.channel(channel, backward=True)
    if there.shape[1] < _FEWEST:
        raise ValueError(f"a line needs {_FEWEST} pixels to be judged, got {there.shape[1]}")
    if not (np.isfinite(there).all() and np.isfinite(back).all()):
        return Quality.none()
    one, other = straightened(there), straightened(back)
    if not (one.any() and other.any()):
        return Quality.none()
    agreement = (1 + _correlation(one, other)) / 2
    lag, common = _best_lag(one, other)
    power = float(np.mean(one**2) + np.mean(other**2)) / 2
    differences = one - other if lag == 0 else _moved(one, lag) - _moved(other, -lag)
    signal = [np.ones(1)]
    if error:
        signal = [image.channel(error), image.channel(error, backward=True)]
        if not all(np.isfinite(each).all() for each in signal):
            return Quality.none()
    held = float(np.median(np.concatenate([s.ravel() for s in signal])))
    slow, rough, peak = _errors(signal, setpoint or held) if error else (np.nan,) * 3
    total = float(np.hypot(slow, rough))
    calm = 1 / (1 + (total / TOLERATED) ** 2) if error else 1.0
    ringing, scars = _peak_power(differences) / 2 / power, _scars(there)
    return Quality(
        score=float(agreement * common * calm * (1 - min(ringing, 1.0)) * (1 - scars)),
        agreement=agreement,
        common=common,
        calm=float(calm),
        lag=lag,
        noise=float(np.sqrt(power * (1 - common))),
        corrugation=float(np.sqrt(power * common)),
        error=total,
        slow=slow,
        rough=rough,
        peak=peak,
        ringing=min(ringing, 1.0),
        scars=scars,
    )


def straightened(lines: FloatArray) -> FloatArray:
    """Return lines with the straight line that fits each best taken off, shape [line, pixel]."""
    along = np.arange(lines.shape[1]) - (lines.shape[1] - 1) / 2
    level = lines - lines.mean(axis=1, keepdims=True)
    slopes = level @ along / (along @ along)
    return np.asarray(level - slopes[:, np.newaxis] * along)


def _correlation(one: FloatArray, other: FloatArray) -> float:
    norm = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    return float(np.sum(one * other)) / norm if norm > 0 else 0.0


def _best_lag(one: FloatArray, other: FloatArray) -> tuple[int, float]:
    """Return the lag at which there and back are most alike [pixel], and their correlation then."""
    most = max(1, int(LARGEST_LAG * one.shape[1]))
    found = {lag: _correlation(_moved(one, lag), _moved(other, -lag)) for lag in _lags(most)}
    enough = max(found.values()) - ALIKE
    best = next(lag for lag in found if found[lag] >= enough)  # rows of atoms are alike, too
    return best, max(found[best], 0.0)


def _lags(most: int) -> list[int]:
    """Return the lags that are tried, the small ones first, as the first of equals is taken."""
    return [0, *(sign * n for n in range(1, most + 1) for sign in (1, -1))]


def _moved(lines: FloatArray, lag: int) -> FloatArray:
    """Return the part of lines that another one, later by a lag [pixel], shows too."""
    if lag == 0:
        return lines
    return lines[:, lag:] if lag > 0 else lines[:, :lag]


def _errors(signal: list[FloatArray], setpoint: float) -> tuple[float, float, float]:
    """Return the slow and the rough error and the peak, each over the set-point."""
    scale = abs(setpoint) or 1.0
    errors = [(each - setpoint) / scale for each in signal]
    power = float(np.mean([np.mean(each**2) for each in errors]))
    changes = [each - each.mean() for each in errors]
    alone = [np.mean(each**2) - np.mean(each[:, 1:] * each[:, :-1]) for each in changes]
    middle = float(np.median(np.concatenate([each.ravel() for each in errors])))
    rough = min(max(float(np.mean(alone)), 0.0) + middle**2, power)
    peak = max(float(np.max(np.abs(each))) for each in errors)
    return float(np.sqrt(power - rough)), float(np.sqrt(rough)), peak


def _peak_power(differences: FloatArray) -> float:
    """Return the mean square of what stands in the highest peak along the fast axis."""
    pixels = differences.shape[1]
    window = np.hanning(pixels + 2)[1:-1]
    power = np.mean(np.abs(np.fft.rfft(straightened(differences) * window, axis=1)) ** 2, axis=0)
    upper = power[max(1, int(_LOW * power.size)) :]
    wide = 2 * _WIDE + 1
    if upper.size <= 2 * wide:
        return 0.0
    peak = float(np.max(np.convolve(upper, np.ones(wide), "valid")))
    rest = float(upper.sum() - peak) / (upper.size - wide) * wide  # as much of it is no peak
    found: float = max(peak - 2 * rest, 0.0) * 2 / (pixels * float(np.sum(window**2)))
    return found


def _scars(lines: FloatArray) -> float:
    """Return the share of the lines that jump against the line before."""
    if lines.shape[0] < 3:
        return 0.0
    steps = np.diff(np.median(lines, axis=1))
    away = np.abs(steps - np.median(steps))
    usual = _SPREAD * float(np.median(away))
    least = LEAST_JUMP * float(np.std(straightened(lines)))
    return float(np.mean(away > max(JUMP * usual, least)))
