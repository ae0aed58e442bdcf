"""Curve fits: a line, a parabola, a peak, a step or a loop through a curve, with its numbers.

Each form is a sum of columns with weights, and the columns depend on a few places and widths. These
are first looked for on a grid, then all are refined together.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.analysis import plus_minus
from spm_auto.errors import SpmError
from spm_auto.instrument import FloatArray

from .traces import branches

_PLACES = 16  # along x, at which a peak or a step is first looked for
_WIDTHS = (0.02, 0.06, 0.2)  # of the range of x, likewise
_LOOP_PLACES, _LOOP_WIDTHS = 12, (0.03, 0.12)  # for a loop, where there are two places
_GRID_POINTS = 128  # of the curve, looked at on the grid
_STEPS = 60  # of the refinement
_SETTLED = 1e-9  # of the cost, relative, by which a step no longer lowers it
_NUDGE = 1e-6  # by which a parameter is changed to see what depends on it
_LEAST_WEIGHT = 5.0  # deviations that a height must be, since it was looked for in many places

Rising = NDArray[np.bool_]
Columns = Callable[[FloatArray, Rising, FloatArray], FloatArray]


class FitError(SpmError):
    """A curve cannot be fitted with this form; the message says why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a fit has found.

    Attributes:
        name: What it is.
        value: Its value [unit].
        deviation: Its standard deviation, from what the fit leaves [unit].
        unit: SI unit.
    """

    name: str
    value: float
    deviation: float
    unit: str

    def words(self) -> str:
        """Return it as text: "height 3.02 ± 0.04 pm"."""
        return f"{self.name} {plus_minus(self.value, self.deviation, self.unit)}"


@dataclass(frozen=True, slots=True, eq=False)
class CurveFit:
    """A fitted form.

    Attributes:
        form: Its name.
        parameters: What was found.
        x: Where the curve is drawn, in the order of the points that were fitted, shape (n,).
        y: The fitted curve there, shape (n,).
        left: Standard deviation of a point from it [unit of y].
        explained: Share of the variance of y that it explains (Wright, 1921).
        unit: SI unit of y.
    """

    form: str
    parameters: tuple[Parameter, ...]
    x: FloatArray
    y: FloatArray
    left: float
    explained: float
    unit: str

    def words(self) -> str:
        """Return all of it as text."""
        return ", ".join(each.words() for each in self.parameters)


@dataclass(frozen=True, slots=True)
class _Form:
    """A form: how many places and widths it has, its columns, and what its numbers mean.

    Attributes:
        places: How many places along x it has.
        widths: How many widths; their logarithms follow the places.
        columns: Of points x in the order of time, whether x was rising there, and these: shape
            [point, column]; in units of the scales.
        named: Names of the weights of the columns and, before them, of places and widths.
        powers: Unit of each weight, as powers of y and x.
        height: Column that must not vanish; None where the form may be flat.
    """

    places: int
    widths: int
    columns: Columns
    named: tuple[str, ...]
    powers: tuple[tuple[int, int], ...]
    height: int | None = None


def _line(x: FloatArray, _: Rising, __: FloatArray) -> FloatArray:
    return np.column_stack([x, np.ones_like(x)])


def _parabola(x: FloatArray, _: Rising, __: FloatArray) -> FloatArray:
    return np.column_stack([x**2, x, np.ones_like(x)])


def _peak(x: FloatArray, _: Rising, at: FloatArray) -> FloatArray:
    far = (x - at[0]) / np.exp(at[1])
    return np.column_stack([np.exp(-(far**2) / 2), np.ones_like(x), x])


def _step(x: FloatArray, _: Rising, at: FloatArray) -> FloatArray:
    return np.column_stack([np.tanh((x - at[0]) / np.exp(at[1])), np.ones_like(x), x])


def _loop(x: FloatArray, rising: Rising, at: FloatArray) -> FloatArray:
    far = (x - np.where(rising, at[0], at[1])) / np.exp(at[2])
    return np.column_stack([np.tanh(far), np.ones_like(x), x])


_FORMS = {
    "line": _Form(0, 0, _line, ("slope", "value at 0"), ((1, -1), (1, 0))),
    "parabola": _Form(
        0, 0, _parabola, ("curvature", "slope at 0", "value at 0"), ((1, -2), (1, -1), (1, 0))
    ),
    "peak": _Form(
        1, 1, _peak, ("at", "width", "height", "base", "tilt"), ((1, 0), (1, 0), (1, -1)), 0
    ),
    "step": _Form(
        1, 1, _step, ("at", "width", "half height", "middle", "tilt"), ((1, 0), (1, 0), (1, -1)), 0
    ),
    "loop": _Form(
        2,
        1,
        _loop,
        ("up at", "down at", "width", "half height", "middle", "tilt"),
        ((1, 0), (1, 0), (1, -1)),
        0,
    ),
}
FORMS = tuple(_FORMS)
FORMULAS = {
    "line": "y = slope x + y(0)",
    "parabola": "y = curvature x² + slope x + y(0)",
    "peak": "y = base + tilt x + height exp(-(x - at)² / (2 width²)), Gauss (1809)",
    "step": "y = middle + tilt x + half height tanh((x - at) / width)",
    "loop": "as a step, at one place where x rises and at another where it falls: "
    "after Jesse, Lee and Kalinin (2006)",
}


def fit_curve(
    form: str,
    x: FloatArray,
    y: FloatArray,
    units: tuple[str, str],
    part: tuple[float, float] | None = None,
) -> CurveFit:
    """Fit a form to a curve.

    Args:
        form: One of `FORMS`.
        x: Of the points in the order of time, shape [point].
        y: Values, shape [point]; missing is NaN, and does not count.
        units: SI units of x and y.
        part: Only points with x between these count; None for all.

    Returns:
        The numbers with their standard deviations, and the curve through the points that counted.

    Raises:
        FitError: There are too few points, or they do not have this form.
    """
    wanted = _FORMS[form]
    counts = np.isfinite(x) & np.isfinite(y)
    if part is not None:
        counts &= (x >= part[0]) & (x <= part[1])
    rising = _rising(x)[counts]
    x, y = x[counts], y[counts]
    n_free = len(wanted.named)
    if len(x) < n_free + 3:
        raise FitError(f"a {form} needs at least {n_free + 3} points, here are {len(x)}")
    low, high = float(x.min()), float(x.max())
    if not high > low:
        raise FitError(f"a {form} needs a range, here all points have the same place")
    if wanted.places == 2 and not (rising.any() and not rising.all()):
        raise FitError("a loop needs a way up and a way down, here is only one of them")
    # all is done in units in which the curve is about 1 wide and 1 high
    scales = (max(abs(low), abs(high)), float(np.abs(y).max()) or 1.0)
    u, v = x / scales[0], y / scales[1]
    start = _look(wanted, u, v, rising)
    found, covariance, fitted = _refine(wanted, u, v, rising, start)
    left = math.sqrt(float(np.sum((v - fitted) ** 2)) / (len(u) - n_free))
    _judge(form, found, covariance, u)
    parameters = _told(wanted, found, covariance, scales, units)
    spread = float(np.sum((v - v.mean()) ** 2))
    explained = 1.0 - float(np.sum((v - fitted) ** 2)) / spread if spread > 0 else 0.0
    return CurveFit(
        form, parameters, x, fitted * scales[1], left * scales[1], max(explained, 0.0), units[1]
    )


def _rising(x: FloatArray) -> Rising:
    """Return whether each point belongs to a way up: to the branch that led to it."""
    rising = np.zeros(len(x), dtype=bool)
    for part in reversed(branches(x)):
        rising[part] = x[part][-1] > x[part][0]
    return rising


def _look(form: _Form, x: FloatArray, y: FloatArray, rising: Rising) -> FloatArray:
    """Return the best places and widths of a grid with their weights, one after another."""
    step = max(1, len(x) // _GRID_POINTS)
    few, values, ways = x[::step], y[::step], rising[::step]
    low, span = float(x.min()), float(np.ptp(x))
    n_places, widths = (_LOOP_PLACES, _LOOP_WIDTHS) if form.places == 2 else (_PLACES, _WIDTHS)
    places = low + span * (np.arange(n_places) + 0.5) / n_places
    axes = [places] * form.places + [np.log(span * np.array(widths))] * form.widths
    best, least = np.empty(0), math.inf
    for each in itertools.product(*axes):
        at = np.array(each)
        columns = form.columns(few, ways, at)
        weights = np.linalg.lstsq(columns, values, rcond=None)[0]
        cost = float(np.sum((values - columns @ weights) ** 2))
        if cost < least:
            best, least = np.concatenate([at, weights]), cost
    return best


def _refine(
    form: _Form, x: FloatArray, y: FloatArray, rising: Rising, start: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Go down from there; returns parameters, their covariance and the fitted values.

    Levenberg (1944), Marquardt (1963).
    """
    n_at = form.places + form.widths

    def values(parameters: FloatArray) -> FloatArray:
        return np.asarray(form.columns(x, rising, parameters[:n_at]) @ parameters[n_at:])

    at, fitted = start, values(start)
    cost, damping = float(np.sum((y - fitted) ** 2)), 1e-3
    for _ in range(_STEPS):
        slopes = _slopes(values, at, fitted)
        curvature = slopes.T @ slopes
        gradient = slopes.T @ (y - fitted)
        inner = curvature + damping * np.diag(np.diag(curvature) + 1e-12)
        step = np.linalg.lstsq(inner, gradient, rcond=None)[0]
        trial = at + step
        trial[form.places : n_at] = np.clip(trial[form.places : n_at], -12.0, 4.0)
        there = values(trial)
        trial_cost = float(np.sum((y - there) ** 2))
        if not trial_cost <= cost:
            damping *= 8
            if damping > 1e8:
                break
            continue
        gain, at, fitted, cost = cost - trial_cost, trial, there, trial_cost
        damping = max(damping / 5, 1e-9)
        if gain <= _SETTLED * cost:
            break
    slopes = _slopes(values, at, fitted)
    variance = cost / (len(x) - len(at))
    covariance = np.asarray(variance * np.linalg.pinv(slopes.T @ slopes), dtype=float)
    return at, covariance, fitted


def _slopes(
    values: Callable[[FloatArray], FloatArray], at: FloatArray, fitted: FloatArray
) -> FloatArray:
    """Return how the values depend on each parameter, shape [point, parameter]."""
    columns = []
    for index in range(len(at)):
        nudged = at.copy()
        nudged[index] += _NUDGE
        columns.append((values(nudged) - fitted) / _NUDGE)
    return np.column_stack(columns)


def _judge(name: str, found: FloatArray, covariance: FloatArray, x: FloatArray) -> None:
    """Refuse what does not say what it seems to say.

    Raises:
        FitError: With the reason.
    """
    form, ends = _FORMS[name], (float(x.min()), float(x.max()))
    if form.height is None:
        return
    n_at = form.places + form.widths
    height = float(found[n_at + form.height])
    spread = math.sqrt(max(float(covariance[n_at + form.height, n_at + form.height]), 0.0))
    if not abs(height) > _LEAST_WEIGHT * spread:
        raise FitError(f"there is no {name}: its height is not told from none")
    if any(not ends[0] <= place <= ends[1] for place in found[: form.places]):
        raise FitError(f"there is no {name} within the range: it lies outside")
    width = math.exp(float(found[form.places]))
    if name == "peak" and width < float(np.median(np.abs(np.diff(x)))):
        raise FitError("there is no peak: what stands out is narrower than the points are apart")
    if width > ends[1] - ends[0]:
        raise FitError(f"there is no {name} within the range: it is wider than that")


def _told(
    form: _Form,
    found: FloatArray,
    covariance: FloatArray,
    scales: tuple[float, float],
    units: tuple[str, str],
) -> tuple[Parameter, ...]:
    deviations = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    told = []
    for at, name in enumerate(form.named):
        value, deviation = float(found[at]), float(deviations[at])
        if at < form.places:
            factor, unit = scales[0], units[0]
        elif at < form.places + form.widths:
            value = math.exp(value)
            deviation *= value
            factor, unit = scales[0], units[0]
        else:
            of_y, of_x = form.powers[at - form.places - form.widths]
            factor = scales[1] ** of_y * scales[0] ** of_x
            unit = per(units[1], units[0], -of_x)
        told.append(Parameter(name, value * factor, deviation * factor, unit))
    if form.places == 2:
        told += _of_loop(found, covariance, scales[0], units[0])
    return tuple(told)


def _of_loop(
    found: FloatArray, covariance: FloatArray, scale: float, unit: str
) -> Sequence[Parameter]:
    """Return how wide a loop is, and by how much its middle is off 0."""
    both = covariance[:2, :2]
    apart, middle = np.array([1.0, -1.0]), np.array([0.5, 0.5])
    return [
        Parameter(
            name,
            float(weights @ found[:2]) * scale,
            math.sqrt(max(float(weights @ both @ weights), 0.0)) * scale,
            unit,
        )
        for name, weights in (("opening", apart), ("imprint", middle))
    ]


def per(unit: str, other: str, power: int = 1) -> str:
    """Return the unit of something per something else, such as "A/V" or "A/V2"."""
    if power == 0 or other == "1":
        return unit
    head, _, tail = unit.partition("/")
    known = 0
    if tail == other:
        known = 1
    elif tail.startswith(other) and tail[len(other) :].isdigit():
        known = int(tail[len(other) :])
    elif tail:
        return f"{unit}/{other}" if power == 1 else f"{unit}/{other}{power}"
    power += known
    return f"{head}/{other}" if power == 1 else f"{head}/{other}{power}"
