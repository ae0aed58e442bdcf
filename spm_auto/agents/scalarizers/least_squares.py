"""Least squares that outliers cannot pull far: Levenberg and Marquardt's, with Huber's weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

HUBER = 2.5  # deviations beyond which a point pulls no stronger; costs 1 % of the precision
ROUNDS = 3  # of finding the deviation and fitting with it
MOST_STEPS = 60  # of one round
PRECISION = 1e-6  # of the cost, relative, at which a round ends
NEARLY = 1e-3  # the same when the steps have run out
SLACK = 1e-9  # of the data's span: deviations below are those of the arithmetic
_MAD = 1.4826  # standard deviations per median absolute deviation of a normal distribution

Model = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The parameters that leave least, and how well they are known.

    Attributes:
        parameters: Shape (p,).
        covariance: Of the parameters, from what the fit leaves; NaN where one cannot be told from
            the others, shape (p, p).
        residual: What the fit leaves, shape (n,).
        deviation: Standard deviation of that, outliers weighed down.
        is_settled: Whether the search came to an end.
        at_bound: Whether a parameter ended at a bound, shape (p,).
    """

    parameters: FloatArray
    covariance: FloatArray
    residual: FloatArray
    deviation: float
    is_settled: bool
    at_bound: NDArray[np.bool_]

    def deviation_of(self, gradient: FloatArray) -> float:
        """Return the standard deviation of a value with this gradient by the parameters."""
        variance = float(gradient @ self.covariance @ gradient)
        return float(np.sqrt(variance)) if variance >= 0 else float("nan")


def fit(
    model: Model, start: FloatArray, data: FloatArray, low: FloatArray, high: FloatArray
) -> Fitted:
    """Fit a model.

    Args:
        model: Gives prediction, shape (n,), and its derivatives, shape (n, p), at parameters.
        start: Parameters to start from, shape (p,).
        data: What was measured, shape (n,).
        low: Least value of each parameter, shape (p,).
        high: Largest value of each parameter, shape (p,).

    Source:
        D. Marquardt, J. Soc. Indust. Appl. Math. 11, 431 (1963); P. Huber, Robust Statistics
        (1981), section 7.8, for the weights.
    """
    at = np.clip(start, low, high)
    slack = SLACK * max(float(np.ptp(data)), float(np.max(np.abs(data))), 1e-300)
    is_settled = False
    for _ in range(ROUNDS):
        prediction, _ = model(at)
        scale = max(_MAD * float(np.median(np.abs(data - prediction))), slack)
        at, is_settled = _descend(model, at, data, low, high, scale)
    prediction, slopes = model(at)
    residual = data - prediction
    weight = _weights(residual, scale)
    free = max(float(np.sum(weight)) - len(at), 1.0)
    deviation = float(np.sqrt(np.sum((weight * residual) ** 2) / free))
    size = np.sqrt(np.sum(slopes**2, axis=0))
    live = np.flatnonzero(size > 0)  # what nothing depends on is given, and known
    scaled = slopes[:, live] / size[live]
    covariance = np.zeros((len(at), len(at)))
    try:
        inverse = np.linalg.inv((scaled * weight[:, np.newaxis]).T @ scaled)
        inverse = deviation**2 * inverse / np.outer(size[live], size[live])
        covariance[np.ix_(live, live)] = inverse
    except np.linalg.LinAlgError:
        covariance[:] = np.nan
        is_settled = False
    margin = 1e-9 * (high - low)
    at_bound = (at <= low + margin) | (at >= high - margin)
    return Fitted(at, covariance, residual, deviation, is_settled, at_bound)


def _descend(
    model: Model,
    at: FloatArray,
    data: FloatArray,
    low: FloatArray,
    high: FloatArray,
    scale: float,
) -> tuple[FloatArray, bool]:
    """Go down to the least cost with a fixed scale; say whether the end was reached."""
    damping, gain = 1e-3, np.inf
    prediction, slopes = model(at)
    residual = data - prediction
    cost = _cost(residual, scale)
    for _ in range(MOST_STEPS):
        weight = _weights(residual, scale)[:, np.newaxis]
        curvature = (slopes * weight).T @ slopes
        gradient = slopes.T @ (weight[:, 0] * residual)
        # a parameter at its bound that would go beyond stays there
        held = ((at <= low) & (gradient < 0)) | ((at >= high) & (gradient > 0))
        free = np.flatnonzero(~held)
        diagonal = np.diag(curvature)[free]
        floor = 1e-12 * max(float(np.max(diagonal, initial=0.0)), 1e-300)
        inner = curvature[np.ix_(free, free)] + np.diag(damping * diagonal + floor * 1e-6)
        step = np.zeros_like(at)
        try:
            step[free] = np.linalg.solve(inner, gradient[free])
        except np.linalg.LinAlgError:
            return at, False
        trial = np.clip(at + step, low, high)
        prediction, trial_slopes = model(trial)
        trial_cost = _cost(data - prediction, scale)
        if not trial_cost <= cost:
            damping *= 8
            if damping > 1e8:
                return at, True  # no step leads further down
            continue
        gain = cost - trial_cost
        at, slopes, residual, cost = trial, trial_slopes, data - prediction, trial_cost
        damping = max(damping / 5, 1e-9)
        if gain <= PRECISION * cost:
            return at, True
    return at, bool(gain <= NEARLY * cost)


def _weights(residual: FloatArray, scale: float) -> FloatArray:
    return np.asarray(np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-300)))


def _cost(residual: FloatArray, scale: float) -> float:
    far = np.abs(residual) / scale
    return float(np.sum(np.where(far <= HUBER, far**2 / 2, HUBER * far - HUBER**2 / 2)))
