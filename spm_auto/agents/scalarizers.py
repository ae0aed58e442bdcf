"""Scalarizers: spectrum to one number, or a flag that says why there is none.

All look at a spectrum's first channel. A failed fit must be recognised here, from the spectrum
alone: to an agent it would be the most rewarding place of all.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray, Spectrum
from .loops import (
    Loop,
    LoopError,
    branches,
    check,
    clean_loop,
    noise_of,
    pair,
    running_median,
    window,
)
from .protocol import Scalar

LEAST_SWITCHING = 3.0  # standard deviations that saturations must differ by to be two
OPENING_FROM = 0.25  # share of the bias amplitude below which a loop's opening is not looked at


def loop_area(spectrum: Spectrum) -> Scalar:
    """Return the loop's area over the difference of its saturations [V].

    It is the mean width of the loop: twice the coercive bias of a rectangular one. It depends
    neither on the sensitivity of the cantilever nor on the sign of the response.
    """
    return _of_loop(spectrum, _normalised_area, "V")


def loop_area_raw(spectrum: Spectrum) -> Scalar:
    """Return the loop's area, positive when it runs as a ferroelectric's [unit of channel x V].

    On most samples it says where the response is strong, rather than where the loop is wide.
    """
    return _of_loop(spectrum, _raw_area, f"{spectrum.channels[0].unit} V")


def loop_opening(spectrum: Spectrum) -> Scalar:
    """Return log10 of the mean distance of the branches [log10 of the channel's unit].

    The branches are compared at equal bias, after a running median, from a quarter of the bias
    amplitude up to all of it. The first point does not enter: it belongs to what was before the
    loop, and on a recorded map it may be what the overview shows.
    """
    try:
        clean, rises = clean_loop(spectrum.bias, spectrum.channel())
        opening = _openings(spectrum.bias, clean, rises)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    mean = float(np.mean(opening))
    if mean <= 0:
        return Scalar(math.nan, flag="no opening")
    spread = noise_of(clean) * math.sqrt(2 / len(opening))
    return Scalar(math.log10(mean), spread / mean / math.log(10))


def coercive_bias(spectrum: Spectrum) -> Scalar:
    """Return half the distance of the biases at which the two branches switch [V]."""

    def value(loop: Loop) -> Scalar:
        (up, up_noise), (down, down_noise) = _switching(loop)
        return Scalar((up - down) / 2, math.hypot(up_noise, down_noise) / 2)

    return _of_loop(spectrum, value, "V")


def imprint(spectrum: Spectrum) -> Scalar:
    """Return the middle of the biases at which the two branches switch [V]."""

    def value(loop: Loop) -> Scalar:
        (up, up_noise), (down, down_noise) = _switching(loop)
        return Scalar((up + down) / 2, math.hypot(up_noise, down_noise) / 2)

    return _of_loop(spectrum, value, "V")


def peak(spectrum: Spectrum) -> Scalar:
    """Return the highest running median of three points [unit of channel].

    One failed point does not count, however high; a peak's top is one that a neighbour shares.
    """
    response = spectrum.channel()
    try:
        check(response)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    if len(response) < 3:
        return Scalar(math.nan, flag="fewer than 3 points")
    value = float(np.max(running_median(response, 3, closed=False)))
    return Scalar(value, noise_of(response), unit=spectrum.channels[0].unit)


def integral(spectrum: Spectrum) -> Scalar:
    """Return the integral over the bias, there and back averaged [unit of channel x V].

    Single failed points are taken out by a running median of three.
    """
    bias, response = spectrum.bias, spectrum.channel()
    try:
        check(response)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    if len(response) < 3 or not np.isfinite(bias).all() or np.ptp(bias) == 0:
        return Scalar(math.nan, flag="no sweep of the bias")
    smooth = running_median(response, 3, closed=False)
    noise, unit = noise_of(response), f"{spectrum.channels[0].unit} V"
    step = np.diff(bias)
    if np.all(step >= 0) or np.all(step <= 0):
        value = float(np.trapezoid(smooth, bias)) * (1 if bias[-1] > bias[0] else -1)
        return Scalar(value, noise * float(np.sqrt(np.sum(step**2))), unit=unit)
    try:
        grid, rising, falling = pair(bias, smooth, branches(bias))
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    value = float(np.trapezoid((rising + falling) / 2, grid))
    return Scalar(value, noise * float(np.sqrt(np.sum(np.diff(grid) ** 2) / 2)), unit=unit)


def _openings(bias: FloatArray, response: FloatArray, rises: NDArray[np.bool_]) -> FloatArray:
    """Return the distance of the branches at each bias that `loop_opening` looks at."""
    width = window(len(bias))
    grid, rising, falling = pair(bias, running_median(response, width), rises)
    middle, amplitude = (grid[-1] + grid[0]) / 2, (grid[-1] - grid[0]) / 2
    # the running median carries the first point into its neighbours at either end of the loop
    touched = np.take(bias, np.arange(-(width // 2), width // 2 + 1), mode="wrap")
    apart = np.min(np.abs(grid[:, None] - touched[None, :]), axis=1)
    used = (apart > 1e-9 * amplitude) & (np.abs(grid - middle) >= (OPENING_FROM - 1e-9) * amplitude)
    used[[0, -1]] = False  # where the branches meet
    if not used.any():
        raise LoopError("no loop: too few points")
    return np.asarray(np.abs(falling - rising)[used])


def _of_loop(spectrum: Spectrum, value: Callable[[Loop], Scalar], unit: str) -> Scalar:
    try:
        return replace(value(Loop.of(spectrum.bias, spectrum.channel())), unit=unit)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))


def _normalised_area(loop: Loop) -> Scalar:
    difference = _difference(loop)
    value = loop.area / difference
    if abs(value) > float(loop.bias[-1] - loop.bias[0]):
        raise LoopError("no loop: wider than the bias window")
    spread = math.hypot(loop.area_noise, value * loop.saturation_noise) / abs(difference)
    return Scalar(value, spread)


def _raw_area(loop: Loop) -> Scalar:
    low, high = loop.saturation
    return Scalar(loop.area if high >= low else -loop.area, loop.area_noise)


def _switching(loop: Loop) -> tuple[tuple[float, float], tuple[float, float]]:
    _difference(loop)
    return loop.crossings()


def _difference(loop: Loop) -> float:
    """Return the difference of the saturations, refused when it is within the noise."""
    low, high = loop.saturation
    if abs(high - low) <= LEAST_SWITCHING * loop.saturation_noise:
        raise LoopError("no switching: the saturations do not differ")
    return high - low
