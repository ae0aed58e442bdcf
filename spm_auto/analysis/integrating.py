"""Integrating: the mean of a likelihood over a prior, in a few dimensions, whatever its peaks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray

POINTS = 10  # the integrals are sums over 2 to this power
_ENOUGH = 0.3  # share of the points that must count in the end
_STEP = 0.15  # share of the points that must count after each step on the way there
_STEPS = 30
_PEAKS = 4  # components of what is drawn from
_FREEDOM = 5  # of Student's distribution: its tails are longer than those of the posterior
_FROM_PRIOR = 1 / 8  # share of points that go on being drawn from the prior
_FARTHEST = 8.0  # standard deviations
_SMALL = 1e-9  # variance that every component keeps


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """Student distributions, K of them in d dimensions.

    Attributes:
        shares: Shape (K,), 1 in all.
        means: Shape (K, d).
        roots: Lower triangular roots of the scale matrices, shape (K, d, d).
    """

    shares: FloatArray
    means: FloatArray
    roots: FloatArray

    def draw(self, which: FloatArray, normal: FloatArray, length: FloatArray) -> FloatArray:
        """Turn evenly spread and normal numbers into points, shape (n, d)."""
        k = np.searchsorted(np.cumsum(self.shares)[:-1], which)
        steps = np.einsum("nij,nj->ni", self.roots[k], normal)
        return np.asarray(self.means[k] + steps / length[:, np.newaxis])

    def log_parts(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the logarithm of each component's density, and the squared distances, (K, n)."""
        d = points.shape[1]
        off = points - self.means[:, np.newaxis, :]  # [K, n, d]
        squared = (np.linalg.solve(self.roots, off.swapaxes(1, 2)) ** 2).sum(axis=1)
        constant = (
            math.lgamma((_FREEDOM + d) / 2)
            - math.lgamma(_FREEDOM / 2)
            - d * math.log(_FREEDOM * math.pi) / 2
        )
        volume = np.log(np.diagonal(self.roots, axis1=1, axis2=2)).sum(axis=1)
        tails = (_FREEDOM + d) / 2 * np.log1p(squared / _FREEDOM)
        log_shares = np.log(self.shares)[:, np.newaxis]
        return log_shares + constant - volume[:, np.newaxis] - tails, squared

    def fitted(self, points: FloatArray, weights: FloatArray) -> "_Mixture":
        """Return the mixture after one step of expectation and maximisation to weighted points."""
        d = points.shape[1]
        log_parts, squared = self.log_parts(points)
        belongs = weights * np.exp(log_parts - np.logaddexp.reduce(log_parts, axis=0))  # [K, n]
        counted = belongs * (_FREEDOM + d) / (_FREEDOM + squared)
        shares = np.maximum(belongs.sum(axis=1), 1e-6)
        means = (counted @ points) / np.maximum(counted.sum(axis=1), 1e-12)[:, np.newaxis]
        off = points - means[:, np.newaxis, :]
        scales = np.einsum("kn,kni,knj->kij", counted, off, off) / shares[:, np.newaxis, np.newaxis]
        roots = np.linalg.cholesky(scales + _SMALL * np.eye(d))
        return _Mixture(shares / shares.sum(), means, roots)


def _begun(points: FloatArray, weights: FloatArray, rng: np.random.Generator) -> _Mixture:
    """Return a first mixture: components as wide as all points, around some of them."""
    d = points.shape[1]
    mean = weights @ points
    scale = (weights * (points - mean).T) @ (points - mean)
    around = points[rng.choice(len(points), _PEAKS, p=weights)]
    around[0] = mean
    root = np.linalg.cholesky(scale + _SMALL * np.eye(d))
    return _Mixture(np.full(_PEAKS, 1 / _PEAKS), around, np.tile(root, (_PEAKS, 1, 1)))


def sampled(
    log_likelihood: Callable[[FloatArray], FloatArray], n_dimensions: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Draw points where prior times likelihood is large, step by step from the prior on.

    Each step takes the likelihood to a higher power, up to 1, and draws from Student distributions
    that are fitted to what the step before found, and some from the prior so that nothing is left
    out (population Monte Carlo; Cappé, Douc, Guillin, Marin and Robert, Stat. Comput. 18 (2008)
    447). The points are Sobol's, shifted by chance.

    Args:
        log_likelihood: Of points, shape (n, d) to (n,).
        n_dimensions: d, in which the prior is normal with mean 0 and variance 1.
        seed: Of all that is left to chance.

    Returns:
        Points, shape (n, d), and the logarithm of their weights, shape (n,): prior times
        likelihood over the density that they were drawn from.
    """
    from scipy.special import ndtri
    from scipy.stats import chi2
    from scipy.stats.qmc import Sobol

    rng = np.random.default_rng(seed)
    sobol = Sobol(n_dimensions + 2, scramble=False).random_base2(POINTS)
    shares = np.clip((sobol + rng.random(n_dimensions + 2)) % 1, 1e-12, 1 - 1e-12)
    normal, which = ndtri(shares[:, :-2]), shares[:, -2]
    length = np.sqrt(chi2.ppf(shares[:, -1], _FREEDOM) / _FREEDOM)
    n_prior = round(_FROM_PRIOR * len(shares))
    points, log_over = normal, np.zeros(len(normal))  # the logarithm of prior over density
    likelihood = log_likelihood(points)
    mixture: _Mixture | None = None
    best = points, likelihood + log_over
    for _ in range(_STEPS):
        if _counting(best[1]) >= _ENOUGH:
            break
        log_weights = _next_power(likelihood, log_over) * likelihood + log_over
        weights = np.exp(log_weights - np.logaddexp.reduce(log_weights))
        mixture = (mixture or _begun(points, weights, rng)).fitted(points, weights)
        points = mixture.draw(which, normal, length)
        points[:n_prior] = normal[:n_prior]
        points = np.clip(points, -_FARTHEST, _FARTHEST)
        log_prior = -(points**2).sum(axis=1) / 2 - n_dimensions * math.log(2 * math.pi) / 2
        of_mixture = np.logaddexp.reduce(mixture.log_parts(points)[0], axis=0)
        log_density = np.logaddexp(
            math.log(_FROM_PRIOR) + log_prior, math.log(1 - _FROM_PRIOR) + of_mixture
        )
        log_over, likelihood = log_prior - log_density, log_likelihood(points)
        if _counting(likelihood + log_over) > _counting(best[1]):
            best = points, likelihood + log_over
    return best


def _next_power(likelihood: FloatArray, log_over: FloatArray) -> float:
    """Return the largest power of the likelihood at which enough points still count."""
    low, high = 0.0, 1.0
    if _counting(likelihood + log_over) >= _STEP:
        return high
    for _ in range(30):
        middle = (low + high) / 2
        if _counting(middle * likelihood + log_over) >= _STEP:
            low = middle
        else:
            high = middle
    return high


def _counting(log_weights: FloatArray) -> float:
    """Return what share of the points counts, after Kish: 1 where all weigh the same."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))
