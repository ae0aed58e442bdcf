"""Loops: a triangular bias sweep taken apart into its rising and its falling branch, and judged."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..instrument import FloatArray, QualityFlag

WINDOW = 7  # points of the running median
GROSS_SIGMAS = 8.0  # a point farther from the running median is a failed fit ...
GROSS_SPAN = 0.25  # ... if this is also a good part of what the loop spans
GROSS_PERCENTILES = (20, 80)  # of the running median; its span, even if a fifth has failed
MOST_PASSES = 3  # of finding failed points
GROSS_MAGNITUDE = 10.0  # and so is one with this many times the loop's median magnitude
MOST_GROSS = 1 / 6  # share of failed fits that a loop survives
LEAST_CORRELATION = 0.5  # of neighbouring points; white noise has none
FEWEST_POINTS = 8
LARGEST = 1e100  # beyond, and below its inverse, squares leave the range of floats
ABRUPT = 0.6  # share of the switching that a branch does in one step, if it is abrupt
_MAD = 1.4826  # standard deviations per median absolute deviation of a normal distribution


class LoopError(ValueError):
    """A spectrum is not a loop that a number can be taken from; the text is its flag."""


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A hysteresis loop, despiked, its branches at equal biases.

    Attributes:
        bias: Biases that both branches reach, ascending [V], shape (n,).
        rising: Response while the bias rises, shape (n,).
        falling: Response while the bias falls, shape (n,).
        noise: Standard deviation of a point's noise, in the unit of the response.
    """

    bias: FloatArray
    rising: FloatArray
    falling: FloatArray
    noise: float

    @classmethod
    def of(cls, bias: FloatArray, response: FloatArray) -> Self:
        """Take a spectrum apart, after its failed points were replaced.

        Args:
            bias: Bias of each point in the order of time [V], shape [point].
            response: What was measured, shape [point].

        Raises:
            LoopError: It is no loop, or one that failed.
        """
        clean, rises = clean_loop(bias, response)
        grid, rising, falling = pair(bias, clean, rises)
        return cls(grid, rising, falling, noise_of(clean))

    @property
    def saturation(self) -> tuple[float, float]:
        """Mean response of both branches in the outer quarters of the bias, low and high end."""
        n = max(1, len(self.bias) // 4)
        both = (self.rising + self.falling) / 2
        return float(np.mean(both[:n])), float(np.mean(both[-n:]))

    @property
    def saturation_noise(self) -> float:
        """Standard deviation of the difference of the two saturations."""
        return self.noise / math.sqrt(max(1, len(self.bias) // 4))

    @property
    def area(self) -> float:
        """What the branches enclose, positive when the falling one is the upper one [unit V]."""
        return float(np.sum(_weights(self.bias) * (self.falling - self.rising)))

    @property
    def area_noise(self) -> float:
        """Standard deviation of the area."""
        return self.noise * math.sqrt(2 * float(np.sum(_weights(self.bias) ** 2)))

    def crossings(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return where the rising and the falling branch cross the middle of the saturations.

        Returns:
            Bias and its standard deviation for the rising and for the falling branch [V]; of
            several crossings the median, as noise adds as many on either side.

        Raises:
            LoopError: A branch does not cross.
        """
        low, high = self.saturation
        sign = 1.0 if high >= low else -1.0
        middle = (low + high) / 2
        return (
            self._crossing(sign * (self.rising - middle), "rising"),
            self._crossing(sign * (self.falling - middle), "falling"),
        )

    def _crossing(self, height: FloatArray, name: str) -> tuple[float, float]:
        below = height < 0
        steps = np.flatnonzero(below[:-1] != below[1:])
        if len(steps) == 0:
            raise LoopError(f"no crossing: the {name} branch does not switch")
        pitch = np.diff(self.bias)
        slope = np.diff(height)[steps] / pitch[steps]
        places = self.bias[steps] - height[steps] / slope
        middle = int(np.argsort(places, kind="stable")[len(places) // 2])
        step = steps[middle]
        spread = self.noise / abs(float(slope[middle]))
        if abs(float(height[step + 1] - height[step])) > ABRUPT * float(np.ptp(height)):
            # within one step of an abrupt switch nothing is known of where it happened
            spread = math.hypot(spread, float(pitch[step]) / math.sqrt(12))
        return float(np.median(places)), spread


def clean_loop(bias: FloatArray, response: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return a loop's response without its failed points, and which steps of the bias rise.

    Raises:
        LoopError: It is no loop, or one that failed.
    """
    clean, _, rises = judged_loop(bias, response)
    return clean, rises


def judged_loop(
    bias: FloatArray, response: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a loop's clean response, which points had failed, and which steps rise.

    Raises:
        LoopError: It is no loop, or one that failed.
    """
    rises = branches(bias)
    check(response)
    clean, gross = despike(response)
    if np.count_nonzero(gross) > MOST_GROSS * len(response):
        raise LoopError(f"{np.count_nonzero(gross)} of {len(response)} points failed")
    if neighbour_correlation(clean) < LEAST_CORRELATION:
        raise LoopError("noise: neighbouring points do not agree")
    return clean, gross, rises


def branches(bias: FloatArray) -> NDArray[np.bool_]:
    """Say for each step of a closed triangular sweep whether the bias rises.

    The sweep may start anywhere, have any offset and several cycles; its last point is followed by
    its first. Step i leads from point i to point i + 1.

    Raises:
        LoopError: The bias does not run up and down between two fixed turning points.
    """
    n = len(bias)
    if n < FEWEST_POINTS:
        raise LoopError(f"no loop: {n} points are fewer than {FEWEST_POINTS}")
    if not np.isfinite(bias).all() or np.max(np.abs(bias)) > LARGEST:
        raise LoopError(str(QualityFlag.NOT_FINITE))
    step = np.diff(bias, append=bias[0])
    span = float(np.ptp(bias))
    if span <= max(1e-9 * float(np.max(np.abs(bias))), 1 / LARGEST):
        raise LoopError("no loop: the bias is constant")
    moves = np.flatnonzero(np.abs(step) > 1e-9 * span)
    # a step that stands still belongs to the one before it
    last = moves[np.searchsorted(moves, np.arange(n), side="right") - 1]
    rises = step[last] > 0
    turns = np.flatnonzero(rises != np.roll(rises, 1))
    reach = bias[turns]
    is_top = rises[turns - 1]
    tolerance = float(np.max(np.abs(step[moves]))) if len(moves) else 0.0
    strays = np.where(is_top, np.max(bias) - reach, reach - np.min(bias))
    if tolerance > span / 3 or len(turns) == 0 or np.any(strays > min(tolerance, span / 4)):
        raise LoopError("no loop: the bias does not run up and down between two turning points")
    return rises


def pair(
    bias: FloatArray, response: FloatArray, rises: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bring both branches to the same ascending biases.

    Args:
        bias: Bias of each point [V], shape [point].
        response: Response of each point, shape [point].
        rises: Whether the step after each point rises, shape [point].

    Returns:
        The biases that both branches reach [V], and the rising and the falling branch there;
        turning points belong to both, cycles are averaged.
    """
    came = np.roll(rises, 1)
    up = _branch(bias, response, rises | came)
    down = _branch(bias, response, ~(rises & came))
    grid = np.union1d(up[0], down[0])
    grid = grid[np.concatenate([[True], np.diff(grid) > 1e-9 * np.ptp(grid)])]
    grid = grid[(grid >= max(up[0][0], down[0][0])) & (grid <= min(up[0][-1], down[0][-1]))]
    if len(grid) < 3:
        raise LoopError("no loop: the branches share too few biases")
    return grid, np.interp(grid, *up), np.interp(grid, *down)


def despike(response: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Find the failed points of a closed loop and bridge them by straight lines.

    Failed fits come in clusters, in which a running median fails too; so it only finds them, and is
    asked again when the worst are gone.

    Args:
        response: What was measured, shape [point].

    Returns:
        The clean response and which points were replaced, each of shape [point].
    """
    clean, gross = response, np.zeros(len(response), dtype=bool)
    place = np.arange(len(response))
    for _ in range(MOST_PASSES):
        found = _stray(clean)
        if not found.any():
            break
        gross |= found
        if gross.all():
            break
        clean = np.interp(place, place[~gross], response[~gross], period=len(response))
    return clean, gross


def running_median(response: FloatArray, width: int, closed: bool = True) -> FloatArray:
    """Return the median of each point and its neighbours.

    Args:
        response: What was measured, shape [point].
        width: Points of the window, odd.
        closed: Whether the last point is followed by the first; else the ends are mirrored.
    """
    padded = np.pad(response, width // 2, mode="wrap" if closed else "reflect")
    return np.asarray(np.median(sliding_window_view(padded, width), axis=1))


def window(points: int) -> int:
    """Return the width of the running median for a loop: `WINDOW`, fewer for short loops."""
    return max(3, min(WINDOW, points // 8 * 2 - 1))


def check(response: FloatArray) -> None:
    """Refuse a response that says nothing.

    Raises:
        LoopError: A point is missing or absurd, or all are equal.
    """
    if not np.isfinite(response).all():
        raise LoopError(str(QualityFlag.NOT_FINITE))
    largest = float(np.max(np.abs(response), initial=0.0))
    if largest > LARGEST:
        raise LoopError(f"{largest:.1e} is too large to have been measured")
    if len(response) == 0 or np.ptp(response) <= max(1e-12 * largest, 1 / LARGEST):
        raise LoopError("constant")


def neighbour_correlation(response: FloatArray) -> float:
    """Return the autocorrelation of a closed loop at a lag of one point, 0 for a constant."""
    centred = response - np.mean(response)
    power = float(centred @ centred)
    return float(centred @ np.roll(centred, -1)) / power if power > 0 else 0.0


def noise_of(response: FloatArray) -> float:
    """Estimate the standard deviation of the noise of a smooth curve, robust against its steps.

    White noise of deviation s gives second differences of deviation sqrt(6) s.
    """
    if len(response) < 3:
        return math.nan
    second = np.diff(response, n=2)
    return _MAD * float(np.median(np.abs(second))) / math.sqrt(6)


def _stray(response: FloatArray) -> NDArray[np.bool_]:
    """Say which points are too far from their neighbours, or too large, to be true."""
    smooth = running_median(response, window(len(response)))
    away = np.abs(response - smooth)
    sigma = _MAD * float(np.median(away))
    low, high = np.percentile(smooth, GROSS_PERCENTILES)
    far = away > max(GROSS_SIGMAS * sigma, GROSS_SPAN * float(high - low))
    typical = float(np.median(np.abs(response)))
    return np.asarray(far | ((np.abs(response) > GROSS_MAGNITUDE * typical) & (typical > 0)))


def _branch(
    bias: FloatArray, response: FloatArray, member: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Sort the points of a branch by bias and average those of equal bias."""
    order = np.argsort(bias[member], kind="stable")
    x, y = bias[member][order], response[member][order]
    first = np.concatenate([[True], np.diff(x) > 1e-9 * np.ptp(bias)])
    group = np.cumsum(first) - 1
    count = np.bincount(group)
    return x[first], np.bincount(group, weights=y) / count


def _weights(bias: FloatArray) -> FloatArray:
    """Return the weights of the trapezoid rule [V]."""
    half = np.diff(bias) / 2
    return np.asarray(np.append(half, 0.0) + np.append(0.0, half))
