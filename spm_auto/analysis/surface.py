"""A surface through few noisy values: what is believed of a quantity where nobody has measured it.

A Gaussian process with a Matern-5/2 covariance, solved exactly (C. E. Rasmussen and C. K. I.
Williams, Gaussian Processes for Machine Learning, 2006, ch. 2 and 5). For some hundred values at
most: which position of a stage, which composition; maps of pixels are the agents' affair.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray

MOST_VALUES = 300  # that a surface goes through
# prior: median and spread of the logarithm; lengths in units of the extent of all places, variances
# in units of that of the values
_LENGTH = (0.25, 0.7)
_VARIANCE = (1.0, 1.0)
_NOISE = (0.02, 1.5)
_STARTS = (0.08, 0.25, 0.6)  # lengths from which the best ones are looked for
_JITTER = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What is believed at some places.

    Attributes:
        mean: Expected value, shape (n,).
        deviation: Its standard deviation, shape (n,); noise of a new measurement not included.
        lengths: Over which it changes along each axis, shape (d,); infinite along an axis on which
            all places are equal.
        noise: Standard deviation of a measured value beyond what was said of it.
    """

    mean: FloatArray
    deviation: FloatArray
    lengths: FloatArray
    noise: float


def surface_through(
    places: FloatArray, values: FloatArray, errors: FloatArray, at: FloatArray
) -> Surface:
    """Fit a surface to values by maximum a posteriori likelihood.

    Args:
        places: Where values were measured, in any unit, shape (n, d).
        values: The values, finite, shape (n,).
        errors: Their standard deviations as far as they are known, shape (n,).
        at: Where to say what is believed, shape (m, d).

    Raises:
        ValueError: There are none, too many, or some are not finite.
    """
    from scipy.optimize import minimize

    if not 1 <= len(values) <= MOST_VALUES:
        raise ValueError(f"a surface goes through 1 to {MOST_VALUES} values, got {len(values)}")
    if not (np.isfinite(values).all() and np.isfinite(places).all() and np.isfinite(errors).all()):
        raise ValueError("a surface goes through finite values at finite places")
    every = np.concatenate([places, at])
    low, extent = every.min(axis=0), np.ptp(every, axis=0)
    axes = extent > 0
    x, new = ((p[:, axes] - low[axes]) / extent[axes] for p in (places, at))
    scale = float(np.std(values)) or float(np.abs(values).max()) or 1.0
    center = float(np.mean(values))
    y, known = (values - center) / scale, (errors / scale) ** 2
    n_axes = int(axes.sum())

    def cost(parameters: FloatArray) -> float:
        return _surprise(parameters) - _Fit.of(x, y, known, parameters, n_axes).evidence

    starts = [np.log([*[length] * n_axes, _VARIANCE[0], _NOISE[0]]) for length in _STARTS]
    found = [minimize(cost, start, method="L-BFGS-B") for start in starts]
    best = min(found, key=lambda result: float(result.fun)).x
    fit = _Fit.of(x, y, known, best, n_axes)
    mean, variance = fit.believed(new)
    lengths = np.full(places.shape[1], math.inf)
    lengths[axes] = np.exp(best[:n_axes]) * extent[axes]
    return Surface(
        center + scale * mean,
        scale * np.sqrt(variance),
        lengths,
        scale * math.exp(best[n_axes + 1] / 2),
    )


def expected_improvement(surface: Surface, best: float) -> FloatArray:
    """Return by how much each place is expected to beat the best one, shape (n,).

    E[max(f - best, 0)] for f of a normal distribution (J. Mockus, 1975).
    """
    from scipy.special import ndtr

    deviation = np.maximum(surface.deviation, 1e-300)
    gain = surface.mean - best
    z = gain / deviation
    density = np.exp(-(np.minimum(np.abs(z), 38.0) ** 2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(np.maximum(gain * ndtr(z) + deviation * density, 0.0))


def _surprise(parameters: FloatArray) -> float:
    """Return minus the logarithm of the prior of lengths, variance and noise, up to a constant."""
    *lengths, variance, noise = parameters.tolist()
    off = [
        *((length - math.log(_LENGTH[0])) / _LENGTH[1] for length in lengths),
        (variance - math.log(_VARIANCE[0])) / _VARIANCE[1],
        (noise - math.log(_NOISE[0])) / _NOISE[1],
    ]
    return float(np.square(off).sum()) / 2


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """A process with given parameters that has seen the values."""

    x: FloatArray
    lengths: FloatArray
    variance: float
    factor: tuple[FloatArray, bool]
    weights: FloatArray
    level: float
    level_variance: float
    evidence: float

    @classmethod
    def of(
        cls, x: FloatArray, y: FloatArray, known: FloatArray, parameters: FloatArray, n_axes: int
    ) -> "_Fit":
        from scipy.linalg import cho_factor, cho_solve

        bounded = np.clip(parameters, -12.0, 8.0)
        lengths, variance = np.exp(bounded[:n_axes]), float(np.exp(bounded[n_axes]))
        noise = float(np.exp(bounded[n_axes + 1]))
        covariance = variance * _matern(x, x, lengths)
        covariance[np.diag_indices_from(covariance)] += known + noise + _JITTER
        factor = cho_factor(covariance, lower=True)
        ones = np.ones(len(y))
        by_ones = cho_solve(factor, ones)
        level_variance = 1 / float(ones @ by_ones)
        level = level_variance * float(by_ones @ y)  # of least squares
        weights = cho_solve(factor, y - level)
        evidence = -float((y - level) @ weights) / 2 - float(np.log(np.diag(factor[0])).sum())
        return cls(x, lengths, variance, factor, weights, level, level_variance, evidence)

    def believed(self, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance, the uncertain level included."""
        from scipy.linalg import cho_solve

        across = self.variance * _matern(at, self.x, self.lengths)
        solved = cho_solve(self.factor, across.T)
        rest = 1 - solved.sum(axis=0)
        variance = self.variance - np.einsum("ij,ji->i", across, solved)
        variance = variance + rest**2 * self.level_variance
        return self.level + across @ self.weights, np.maximum(variance, 0.0)


def _matern(a: FloatArray, b: FloatArray, lengths: FloatArray) -> FloatArray:
    away = (a[:, np.newaxis] - b[np.newaxis]) / lengths
    r = math.sqrt(5) * np.sqrt(np.einsum("ijk,ijk->ij", away, away))
    return np.asarray((1 + r + r**2 / 3) * np.exp(-r))
