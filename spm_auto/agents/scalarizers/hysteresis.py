"""Scalarizers of hysteresis loops: areas, and the numbers of the fitted loop.

All look at a spectrum's first channel. A failed fit must be recognised here, from the spectrum
alone: to an agent it would be the most rewarding place of all.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray, Spectrum

from ..loops import (
    Loop,
    LoopError,
    clean_loop,
    noise_of,
    pair,
    running_median,
    window,
)
from ..protocol import Scalar
from .channels import need_spectrum
from .loop_fit import DOWN, HEIGHT, UP, FormError, LoopFit

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
        clean, rises = clean_loop(need_spectrum(spectrum).bias, spectrum.channel())
        opening = _openings(spectrum.bias, clean, rises)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    mean = float(np.mean(opening))
    if mean <= 0:
        return Scalar(math.nan, flag="no opening")
    spread = noise_of(clean) * math.sqrt(2 / len(opening))
    return Scalar(math.log10(mean), spread / mean / math.log(10))


def coercive_bias(spectrum: Spectrum) -> Scalar:
    """Return half the distance of the biases at which the two branches switch [V].

    That is where the fitted loop is in the middle of its switching; where a loop has another form,
    such as one that switches in steps, where its branches cross the middle of the saturations.
    """
    return _of_switching(spectrum, 0.5, -0.5)


def imprint(spectrum: Spectrum) -> Scalar:
    """Return the middle of the biases at which the two branches switch [V], as `coercive_bias`."""
    return _of_switching(spectrum, 0.5, 0.5)


def nucleation_bias(spectrum: Spectrum) -> Scalar:
    """Return half the distance of the biases at which the two branches begin to switch [V].

    A branch has begun when it has done a tenth of its switching; from the fitted loop.
    """
    return _of_fit(spectrum, LoopFit.nucleation, "V")


def remanence(spectrum: Spectrum) -> Scalar:
    """Return half the distance of the branches at 0 V, from the fitted loop [unit of channel].

    It is positive whatever the sign of the response, and negative for a loop that runs backwards.
    """

    def value(fitted: LoopFit) -> tuple[float, float]:
        found, noise = fitted.remanence()
        return found * fitted.sign, noise

    return _of_fit(spectrum, value, spectrum.channels[0].unit)


def switchable_response(spectrum: Spectrum) -> Scalar:
    """Return the distance of the two saturations without the tilt [unit of channel].

    From the fitted loop; positive whatever the sign of the response.
    """

    def value(fitted: LoopFit) -> tuple[float, float]:
        found, noise = fitted.value({HEIGHT: 2.0})
        return found * fitted.sign, noise

    return _of_fit(spectrum, value, spectrum.channels[0].unit)


def work_of_switching(spectrum: Spectrum) -> Scalar:
    """Return the area that the fitted loop encloses when both ends saturate [channel x V].

    It is that of the loop with its saturations carried on beyond the sweep; see `remanence` for its
    sign.
    """

    def value(fitted: LoopFit) -> tuple[float, float]:
        found, noise = fitted.work()
        return found * fitted.sign, noise

    return _of_fit(spectrum, value, f"{spectrum.channels[0].unit} V")


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


def _of_switching(spectrum: Spectrum, of_rising: float, of_falling: float) -> Scalar:
    """Return a weighted sum of the two switching biases."""
    try:
        loop = _switching_loop(spectrum)
        try:
            fitted = LoopFit.of(spectrum.bias, spectrum.channel())
            value, noise = fitted.value({UP: of_rising, DOWN: of_falling})
        except FormError:
            (up, up_noise), (down, down_noise) = loop.crossings()
            value, noise = of_rising * up + of_falling * down, math.hypot(up_noise, down_noise) / 2
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    return Scalar(value, noise, unit="V")


def _switching_loop(spectrum: Spectrum) -> Loop:
    """Return the loop if its ends differ; a butterfly is one step and a tilt to a fit."""
    loop = Loop.of(need_spectrum(spectrum).bias, spectrum.channel())
    _difference(loop)
    return loop


def _of_fit(
    spectrum: Spectrum, value: Callable[[LoopFit], tuple[float, float]], unit: str
) -> Scalar:
    try:
        _switching_loop(spectrum)
        found, noise = value(LoopFit.of(spectrum.bias, spectrum.channel()))
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    return Scalar(found, noise, unit=unit)


def _of_loop(spectrum: Spectrum, value: Callable[[Loop], Scalar], unit: str) -> Scalar:
    try:
        return replace(value(Loop.of(need_spectrum(spectrum).bias, spectrum.channel())), unit=unit)
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


def _difference(loop: Loop) -> float:
    """Return the difference of the saturations, refused when it is within the noise."""
    low, high = loop.saturation
    if abs(high - low) <= LEAST_SWITCHING * loop.saturation_noise:
        raise LoopError("no switching: the saturations do not differ")
    return high - low
