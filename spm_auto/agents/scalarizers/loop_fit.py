"""LoopFit: the classical hysteresis loop fitted to a spectrum, and judged.

Both branches go from one saturation to the other, each at its own bias V_b and over its own width
w_b: R = offset + tilt V + height tanh((V - V_b) / w_b).
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

from ..loops import LoopError, judged_loop, noise_of
from .least_squares import Fitted, fit

NUCLEATED = 0.1  # share of the switching from which on a branch has left its saturation
# in units of a width, from the middle back to there: tanh(x) = 2 NUCLEATED - 1
NUCLEATION = math.atanh(1 - 2 * NUCLEATED)
LEAST_SWITCHING = 4.0  # standard deviations that the two saturations must differ by
PLACES = 12  # where each branch is first looked for, along the sweep
WIDTHS = (0.03, 0.12)  # with which, in sweeps
TURNED_OVER = 1.5  # misfit at which the other sign is tried, and by which that must be better
NARROWEST = 0.25  # width of a branch, in steps of the bias
WIDEST = 0.5  # width of a branch, in sweeps: beyond, it saturates nowhere
LARGEST_MISFIT = 3.0  # what the fit leaves, in the noise of a point ...
LARGEST_SHARE = 0.25  # ... if that is also this share of half the loop's height
MOST_NOISE = 0.7  # what the fit leaves, as a share of half the loop's height, in any case
LEAST_KNOWN = 0.15  # standard deviation of a switching bias, in sweeps: beyond, nothing is known

OFFSET, HEIGHT, TILT, UP, DOWN, UP_WIDTH, DOWN_WIDTH = range(7)


class FormError(LoopError):
    """A loop is one, but not of the form that is fitted: it may switch in steps."""


@dataclass(frozen=True, slots=True, eq=False)
class LoopFit:
    """A hysteresis loop as seven numbers with their covariance.

    Attributes:
        parameters: Offset and height, half the distance of the saturations [unit of the response],
            tilt [the same per V], biases where the rising and the falling branch are in their
            middle [V], and the logarithms of their widths [of V], shape (7,).
        covariance: Of these, shape (7, 7).
        deviation: Of a point from the fit [unit of the response].

    Source:
        S. Jesse, H. N. Lee, S. V. Kalinin, Rev. Sci. Instrum. 77, 073702 (2006), for the numbers
        that a loop is told by.
    """

    parameters: FloatArray
    covariance: FloatArray
    deviation: float

    @classmethod
    def of(cls, bias: FloatArray, response: FloatArray) -> Self:
        """Fit the points of a loop that did not fail.

        Args:
            bias: Bias of each point in the order of time [V], shape [point].
            response: What was measured, shape [point].

        Raises:
            LoopError: It is no loop, or one that failed.
            FormError: It is a loop of another form.
        """
        clean, gross, rises = judged_loop(bias, response)
        is_rising = np.roll(rises, 1)  # a point belongs to the branch that led to it
        low, high = float(np.min(bias)), float(np.max(bias))
        span, middle = (high - low) / 2, (high + low) / 2
        level, size = float(np.mean(clean)), float(np.std(clean))
        # the search runs in half sweeps and in standard deviations of the response
        x, y = (bias - middle) / span, (clean - level) / size
        moved = np.abs(np.diff(x))
        pitch = float(np.median(moved[moved > 1e-9]))
        narrowest = math.log(NARROWEST * pitch)
        noise = noise_of(clean) / size
        found = _search(x[~gross], y[~gross], is_rising[~gross], narrowest, noise)
        _judge(found, noise)
        unit = np.array([size, size, size / span, span, span, 1.0, 1.0])
        parameters = found.parameters * unit
        parameters[OFFSET] += level - parameters[TILT] * middle
        parameters[[UP, DOWN]] += middle
        parameters[[UP_WIDTH, DOWN_WIDTH]] += math.log(span)
        unit = unit * _ignorance(found, pitch)
        return cls(parameters, found.covariance * np.outer(unit, unit), found.deviation * size)

    @property
    def widths(self) -> tuple[float, float]:
        """Of the rising and the falling branch [V]."""
        up, down = np.exp(self.parameters[[UP_WIDTH, DOWN_WIDTH]])
        return float(up), float(down)

    @property
    def sign(self) -> float:
        """1 where the response grows with the bias, -1 where it falls."""
        return 1.0 if self.parameters[HEIGHT] >= 0 else -1.0

    def value(self, weights: dict[int, float]) -> tuple[float, float]:
        """Return a weighted sum of the parameters and its standard deviation."""
        gradient = np.zeros(7)
        gradient[list(weights)] = list(weights.values())
        return float(gradient @ self.parameters), self.noise(gradient)

    def noise(self, gradient: FloatArray) -> float:
        """Return the standard deviation of what has this gradient by the parameters."""
        return math.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0))

    def nucleation(self) -> tuple[float, float]:
        """Return the mean distance from the middle of the loop to where a branch sets off [V].

        And its standard deviation; a branch has set off when it has done a tenth of its switching.
        """
        up, down = self.widths
        value = (self.parameters[UP] - self.parameters[DOWN] - NUCLEATION * (up + down)) / 2
        gradient = np.zeros(7)
        gradient[[UP, DOWN]] = 0.5, -0.5
        gradient[[UP_WIDTH, DOWN_WIDTH]] = -NUCLEATION * up / 2, -NUCLEATION * down / 2
        return float(value), self.noise(gradient)

    def remanence(self) -> tuple[float, float]:
        """Return half the distance of the branches at 0 V, and its standard deviation."""
        height, up, down = self.parameters[[HEIGHT, UP, DOWN]]
        up_width, down_width = self.widths
        rising, falling = math.tanh(-up / up_width), math.tanh(-down / down_width)
        steep_up, steep_down = (1 - rising**2) / up_width, (1 - falling**2) / down_width
        gradient = np.zeros(7)
        gradient[HEIGHT] = (falling - rising) / 2
        gradient[[UP, DOWN]] = height * steep_up / 2, -height * steep_down / 2
        gradient[UP_WIDTH] = -height * steep_up * up / 2
        gradient[DOWN_WIDTH] = height * steep_down * down / 2
        return float(height * (falling - rising) / 2), self.noise(gradient)

    def work(self) -> tuple[float, float]:
        """Return the area between the branches if both saturate, and its standard deviation."""
        height, up, down = self.parameters[[HEIGHT, UP, DOWN]]
        gradient = np.zeros(7)
        gradient[HEIGHT] = 2 * (up - down)
        gradient[[UP, DOWN]] = 2 * height, -2 * height
        return float(2 * height * (up - down)), self.noise(gradient)

    def at(self, bias: FloatArray, is_rising: NDArray[np.bool_]) -> FloatArray:
        """Return the fitted response at biases [V], on the branches said, shape (n,)."""
        return _Branches(bias, is_rising)(self.parameters)[0]


class _Branches:
    """The two branches and their derivatives by the seven parameters."""

    def __init__(self, bias: FloatArray, is_rising: NDArray[np.bool_]) -> None:
        self._bias = bias
        self._up = is_rising

    def __call__(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        offset, height, tilt, up, down, up_width, down_width = parameters
        width = np.exp(np.where(self._up, up_width, down_width))
        far = (self._bias - np.where(self._up, up, down)) / width
        switched = np.tanh(far)
        slope = height * (1 - switched**2)
        slopes = np.empty((len(far), 7))
        slopes[:, OFFSET], slopes[:, HEIGHT], slopes[:, TILT] = 1.0, switched, self._bias
        by_bias, by_width = -slope / width, -slope * far
        slopes[:, UP], slopes[:, DOWN] = by_bias * self._up, by_bias * ~self._up
        slopes[:, UP_WIDTH], slopes[:, DOWN_WIDTH] = by_width * self._up, by_width * ~self._up
        return offset + tilt * self._bias + height * switched, slopes


def _search(
    x: FloatArray, y: FloatArray, is_rising: NDArray[np.bool_], narrowest: float, noise: float
) -> Fitted:
    """Fit with the height that the ends of the loop show; turned over where that is no fit.

    A tilt and a loop of the opposite height can look like a loop that saturates late.
    """
    order, edge = np.argsort(x), max(1, len(x) // 8)
    rise = float(np.mean(y[order[-edge:]]) - np.mean(y[order[:edge]]))
    sign = 1.0 if rise >= 0 else -1.0
    found = _fit(x, y, is_rising, narrowest, sign)
    if found.deviation > TURNED_OVER * noise:
        other = _fit(x, y, is_rising, narrowest, -sign)
        if other.deviation < found.deviation / TURNED_OVER:
            return other
    return found


def _fit(
    x: FloatArray, y: FloatArray, is_rising: NDArray[np.bool_], narrowest: float, sign: float
) -> Fitted:
    """Fit from the best of a coarse grid of biases and widths, with a height of one sign."""
    places = (np.arange(PLACES) + 0.5) / PLACES * 2 - 1
    up, down, width = (
        each.ravel() for each in np.meshgrid(places, places, 2 * np.array(WIDTHS), indexing="ij")
    )
    at = np.where(is_rising, up[:, np.newaxis], down[:, np.newaxis])
    switched = np.tanh((x - at) / width[:, np.newaxis])
    flat = np.column_stack([np.ones_like(x), x])
    basis, _ = np.linalg.qr(flat)
    left = y - basis @ (basis.T @ y)
    apart = switched - (switched @ basis) @ basis.T
    power = np.maximum(np.sum(apart**2, axis=1), 1e-12)
    heights = (apart @ left) / power
    best = int(np.argmax(np.where(sign * heights > 0, heights**2 * power, -1.0)))
    height = sign * max(sign * float(heights[best]), 0.1)
    offset, tilt = np.linalg.lstsq(flat, y - height * switched[best], rcond=None)[0]
    log_width = math.log(width[best])
    start = np.array([offset, height, tilt, up[best], down[best], log_width, log_width])
    least = np.array([-9.0, 0.0, -9.0, -1.5, -1.5, narrowest, narrowest])
    most = np.array([9.0, 9.0, 9.0, 1.5, 1.5, math.log(4.0), math.log(4.0)])
    if sign < 0:
        least[HEIGHT], most[HEIGHT] = -9.0, 0.0
    return fit(_Branches(x, is_rising), start, y, least, most)


def _ignorance(found: Fitted, pitch: float) -> FloatArray:
    """Return by how much each deviation is to be changed where a branch switches abruptly.

    Between two points it can be anywhere: no better known than that, and no worse.
    """
    factor = np.ones(7)
    anywhere = pitch / math.sqrt(12)
    for bias, width in ((UP, UP_WIDTH), (DOWN, DOWN_WIDTH)):
        spread = math.sqrt(max(float(found.covariance[bias, bias]), 1e-300))
        is_abrupt = math.exp(found.parameters[width]) < pitch / 2
        if found.at_bound[width] or (is_abrupt and spread > anywhere):
            factor[bias] = anywhere / spread
    return factor


def _judge(found: Fitted, noise: float) -> None:
    """Refuse a fit that does not say what it seems to say; in half sweeps.

    Raises:
        LoopError: With the reason.
    """
    parameters = found.parameters
    height = abs(float(parameters[HEIGHT]))
    if not found.is_settled or not np.isfinite(found.deviation):
        raise LoopError("no loop: the fit does not settle")
    if found.deviation > LARGEST_MISFIT * noise and found.deviation > LARGEST_SHARE * height:
        raise FormError("the loop has another form")
    if found.deviation > MOST_NOISE * height:
        raise LoopError("no loop: the fit leaves most of it")
    spread = found.deviation_of(np.eye(7)[HEIGHT])
    if not height > LEAST_SWITCHING * spread:
        raise LoopError("no switching: the saturations do not differ")
    for name, at, width in (("rising", UP, UP_WIDTH), ("falling", DOWN, DOWN_WIDTH)):
        if abs(parameters[at]) >= 1:
            raise LoopError(f"the {name} branch does not switch within the sweep")
        if math.exp(parameters[width]) > 2 * WIDEST:
            raise LoopError(f"the {name} branch does not saturate within the sweep")
        if not found.deviation_of(np.eye(7)[at]) < 2 * LEAST_KNOWN and not found.at_bound[width]:
            raise LoopError(f"where the {name} branch switches is not known")
