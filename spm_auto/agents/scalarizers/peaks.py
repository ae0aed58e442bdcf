"""Scalarizers of curves: the highest peak, how high and where, and the integral.

A peak's top is fitted, so that its noise is known and no failed point passes for one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray, Spectrum

from ..loops import (
    LoopError,
    branches,
    check,
    noise_of,
    pair,
    running_median,
)
from ..protocol import Scalar
from .channels import liveliest, need_spectrum

MEDIAN = 5  # points of the running median: two failed neighbours do not pass it
FAILED_SIGMAS = 8.0  # a point farther from the running median has failed ...
FAILED_SPAN = 0.5  # ... if that is also this share of what the running median spans
MOST_FAILED = 1 / 6  # share of the points
FEWEST = 8  # points of a curve that failed ones can be told apart in
LEAST = 3  # points of a curve
CURVED = 9  # points above half the height from which the fitted top is of the fourth degree
FREE = 6  # points more than parameters from which the fit itself says what the noise is
FAR = 3.0  # half-widths of the peak, beyond which the curve is its base
STANDS_OUT = 5.0  # deviations by which the top must exceed the median of the curve
LEAST_CORRELATION = 3.0  # of neighbours, in deviations of that of white noise ...
ENOUGH_CORRELATION = 0.8  # ... but no more than this, which a line of few points reaches


def peak(spectrum: Spectrum) -> Scalar:
    """Return the highest value, by a fit around it [unit of channel].

    It looks at dI/dV where the spectrum has it, else at the first channel. Failed points do not
    count, however high, nor do two neighbours; so a peak must be at least three points wide. The
    top may be flat or lie at the end of the sweep, then it is as many as 2 deviations too high.
    """
    return _of_top(spectrum, lambda top, unit: Scalar(top.height, top.height_noise, unit=unit))


def peak_height(spectrum: Spectrum) -> Scalar:
    """Return by how much the highest peak stands above the curve around it [unit of channel].

    The channel is as for `peak`. The peak must lie within the sweep; around it is the median beyond
    three half-widths, or of the whole curve where little lies beyond.
    """

    def value(top: Top, unit: str) -> Scalar:
        return Scalar(top.height - top.base, math.hypot(top.height_noise, top.base_noise), "", unit)

    return _of_top(spectrum, value, is_within=True)


def peak_position(spectrum: Spectrum) -> Scalar:
    """Return the bias of the highest peak [V], which must lie within the sweep.

    The channel is as for `peak`.
    """
    return _of_top(
        spectrum, lambda top, _: Scalar(top.position, top.position_noise, unit="V"), is_within=True
    )


def integral(spectrum: Spectrum) -> Scalar:
    """Return the integral of the first channel over the bias [unit of channel x V].

    There and back is averaged; failed points are bridged.
    """
    bias, response = need_spectrum(spectrum).bias, spectrum.channel()
    unit = f"{spectrum.channels[0].unit} V"
    try:
        clean = _clean(bias, response)
        least = min(LEAST_CORRELATION / math.sqrt(len(clean)), ENOUGH_CORRELATION)
        if len(clean) >= FEWEST and _agreement(clean) < least:
            raise LoopError("noise: neighbouring points do not agree")
        step = np.diff(bias)
        noise = noise_of(clean)
        if np.all(step >= 0) or np.all(step <= 0):
            value = float(np.trapezoid(clean, bias)) * (1 if bias[-1] > bias[0] else -1)
            return Scalar(value, noise * float(np.sqrt(np.sum(step**2))), unit=unit)
        grid, rising, falling = pair(bias, clean, branches(bias))
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    value = float(np.trapezoid((rising + falling) / 2, grid))
    return Scalar(value, noise * float(np.sqrt(np.sum(np.diff(grid) ** 2) / 2)), unit=unit)


@dataclass(frozen=True, slots=True)
class Top:
    """The top of the highest peak of a curve.

    Attributes:
        height: [unit of the curve].
        height_noise: Its standard deviation.
        position: Bias [V].
        position_noise: Its standard deviation [V].
        base: Median of the curve away from it.
        base_noise: Its standard deviation.
        is_within: Whether it lies within the sweep and is round.
    """

    height: float
    height_noise: float
    position: float
    position_noise: float
    base: float
    base_noise: float
    is_within: bool

    @classmethod
    def of(cls, bias: FloatArray, response: FloatArray) -> Self:
        """Find it in a curve in the order of time.

        Raises:
            LoopError: There is none.
        """
        clean = _clean(bias, response)
        size, level = float(np.ptp(clean)), float(np.median(clean))
        y = (clean - level) / size
        smooth = running_median(y, MEDIAN, closed=False)
        first, last = _above_half(smooth)
        u = np.arange(first, last + 1, dtype=float)
        centre, half = (first + last) / 2, max((last - first) / 2, 1.0)
        u = (u - centre) / half
        degree = 4 if len(u) >= CURVED else 2
        powers = np.vander(u, degree + 1)
        inverse = np.linalg.inv(powers.T @ powers)
        curve = inverse @ (powers.T @ y[first : last + 1])
        sigma = noise_of(y)
        if len(u) - degree - 1 >= FREE:
            left = y[first : last + 1] - powers @ curve
            sigma = math.sqrt(float(left @ left) / (len(u) - degree - 1))
        at, is_round = _highest(curve)
        by_height = np.vander([at], degree + 1)[0]
        height_noise = sigma * math.sqrt(float(by_height @ inverse @ by_height))
        height = float(by_height @ curve)
        if not height > STANDS_OUT * height_noise:
            raise LoopError("noise: no peak stands out")
        by_slope = np.append(np.vander([at], degree)[0] * np.arange(degree, 0, -1), 0.0)
        bend = float(np.polyval(np.polyder(curve, 2), at))
        index = centre + half * at
        slope_noise = sigma * math.sqrt(float(by_slope @ inverse @ by_slope))
        place = np.arange(len(bias), dtype=float)
        pitch = abs(
            float(np.interp(index + 0.5, place, bias) - np.interp(index - 0.5, place, bias))
        )
        beyond = y[np.abs(place - centre) > FAR * half]
        if len(beyond) < FEWEST:
            beyond = y
        return cls(
            height=level + size * height,
            height_noise=size * height_noise,
            position=float(np.interp(index, place, bias)),
            position_noise=half * pitch * slope_noise / abs(bend) if bend else math.inf,
            base=level + size * float(np.median(beyond)),
            base_noise=size * noise_of(y) * math.sqrt(math.pi / 2 / len(beyond)),
            is_within=is_round and 1 < index < len(y) - 2,
        )


def _of_top(
    spectrum: Spectrum, value: Callable[[Top, str], Scalar], is_within: bool = False
) -> Scalar:
    response, unit = liveliest(need_spectrum(spectrum))
    try:
        top = Top.of(spectrum.bias, response)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    if is_within and not top.is_within:
        return Scalar(math.nan, flag="no peak within the sweep")
    return value(top, unit)


def _agreement(curve: FloatArray) -> float:
    """Return how alike neighbours of an open curve are: 1 for a smooth one, 0 for white noise.

    Source:
        J. von Neumann, Ann. Math. Stat. 12, 367 (1941), the ratio of the successive differences.
    """
    step, centred = np.diff(curve), curve - np.mean(curve)
    power = float(centred @ centred)
    return 1.0 - float(step @ step) / (2 * power) if power > 0 else 0.0


def _clean(bias: FloatArray, response: FloatArray) -> FloatArray:
    """Return an open curve whose failed points are bridged.

    Raises:
        LoopError: It says nothing.
    """
    check(response)
    if len(response) < LEAST:
        raise LoopError(f"fewer than {LEAST} points")
    if not np.isfinite(bias).all() or np.ptp(bias) == 0:
        raise LoopError("no sweep of the bias")
    if len(response) < FEWEST:
        return response
    smooth = running_median(response, MEDIAN, closed=False)
    away = np.abs(response - smooth)
    sigma = noise_of(response)
    failed = away > max(FAILED_SIGMAS * sigma, FAILED_SPAN * float(np.ptp(smooth)))
    if np.count_nonzero(failed) > MOST_FAILED * len(response):
        raise LoopError(f"{np.count_nonzero(failed)} of {len(response)} points failed")
    place = np.arange(len(response))
    clean = np.interp(place, place[~failed], response[~failed])
    check(clean)
    return np.asarray(clean)


def _above_half(smooth: FloatArray) -> tuple[int, int]:
    """Return the first and the last point around the highest that are above half of it."""
    top = np.flatnonzero(smooth == smooth.max())
    middle = int(top[len(top) // 2])
    low = np.flatnonzero(smooth < smooth[middle] / 2)
    first = int(low[low < middle][-1]) + 1 if (low < middle).any() else 0
    last = int(low[low > middle][0]) - 1 if (low > middle).any() else len(smooth) - 1
    # a parabola needs five points to say anything of its noise
    first, last = min(first, middle - 2), max(last, middle + 2)
    return max(first, 0), min(last, len(smooth) - 1)


def _highest(curve: FloatArray) -> tuple[float, bool]:
    """Return where in -1 to 1 a polynomial is highest, and whether that is within and round."""
    roots = np.roots(np.polyder(curve))
    inner = roots[np.abs(roots.imag) < 1e-9].real
    places = np.concatenate([inner[np.abs(inner) < 1], [-1.0, 1.0]])
    best = int(np.argmax(np.polyval(curve, places)))
    return float(places[best]), best < len(places) - 2
