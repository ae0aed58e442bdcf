"""Thompson sampling: measure where one draw of the function that may be the truth is highest.

For few candidates the draw is exact. For many, a draw from the prior, made of waves, is carried
over to the posterior by Matheron's rule: add what the exact kernel says of the difference between
the data and the draw. Where there are data the draw is as exact as the kernel; only the prior far
from them is an approximation, and over all draws its covariance has no bias, as each has its own
waves.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...instrument import FloatArray

WAVES = 512  # per term; a draw's own covariance then errs by about 1/sqrt(2 x 512) = 3 %
_BLOCK = 16_384  # numbers worked on at once: what is in between stays in the cache
_LEAST_JITTER = 1e-12  # of the mean variance


def joint_draws(
    mean: FloatArray, covariance: FloatArray, n: int, rng: np.random.Generator
) -> FloatArray:
    """Draw from a joint normal distribution, exactly.

    Rounding may leave a covariance with eigenvalues slightly below zero; jitter is added until
    it has a Cholesky factor, up to a millionth of the mean variance.

    Args:
        mean: Predicted values, shape (N,); N up to a few thousand.
        covariance: Their covariance, noise excluded, shape (N, N).
        n: How many draws.
        rng: Where the randomness comes from.

    Returns:
        One draw per row, shape (n, N).

    Raises:
        ValueError: The matrix is no covariance.
    """
    mean, covariance = np.asarray(mean, dtype=float), np.asarray(covariance, dtype=float)
    if covariance.shape != (len(mean), len(mean)):
        raise ValueError(f"covariance has shape {covariance.shape} for {len(mean)} values")
    factor = covariance_factor(covariance)
    return np.asarray(mean + rng.standard_normal((n, len(mean))) @ factor.T)


def covariance_factor(covariance: FloatArray) -> FloatArray:
    """Return L with L L^T the covariance, plus as little jitter as makes that possible.

    Raises:
        ValueError: The matrix is no covariance.
    """
    size = float(np.mean(np.diag(covariance)))
    if not (size >= 0 and math.isfinite(size)):
        raise ValueError("a covariance has a diagonal of finite numbers that are not negative")
    if size == 0:
        return np.zeros_like(covariance)
    relative = covariance / size
    for power in range(0, 14, 2):
        jitter = _LEAST_JITTER * 10 ** (power / 2) if power else 0.0
        try:
            factor = np.linalg.cholesky(relative + jitter * np.eye(len(relative)))
        except np.linalg.LinAlgError:
            continue
        return np.asarray(math.sqrt(size) * factor)
    raise ValueError("the matrix has an eigenvalue well below zero and is no covariance")


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """The prior covariance of all candidates: sites times levels.

    k(p, q) = l(p, q) sum_t s_t M(|x_t(p) - x_t(q)|), with M(r) = (1 + z + z^2/3) exp(-z),
    z = sqrt(5) r, and l the matrix of the levels (for example biases), 1 without. Candidate
    ``site * m + level`` is a site at one of m levels.

    Attributes:
        inputs: For each term the sites' inputs in units of its length scales, shape (S, d_t).
        scales: Variance s_t of each term.
        levels: Covariance of the levels, shape (m, m); None where there are none.

    Source:
        C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006),
        eq. 4.17.
    """

    inputs: tuple[FloatArray, ...]
    scales: tuple[float, ...]
    levels: FloatArray | None = None

    def __post_init__(self) -> None:
        if not self.inputs or len(self.inputs) != len(self.scales):
            raise ValueError(f"{len(self.inputs)} inputs for {len(self.scales)} scales")
        if len({len(each) for each in self.inputs}) != 1:
            raise ValueError("all terms need inputs for the same sites")
        if not all(scale >= 0 and math.isfinite(scale) for scale in self.scales):
            raise ValueError(f"scales must be finite and not negative, got {self.scales}")

    def __len__(self) -> int:
        return len(self.inputs[0]) * self.level_count

    @property
    def level_count(self) -> int:
        """How many levels there are, 1 where they are not told apart."""
        return 1 if self.levels is None else len(self.levels)

    def of_sites(self, rows: NDArray[np.int64] | slice, others: NDArray[np.int64]) -> FloatArray:
        """Return the sum over terms for two sets of sites, shape (rows, others)."""
        total = 0.0
        for inputs, scale in zip(self.inputs, self.scales, strict=True):
            a, b = inputs[rows], inputs[others]
            square = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2.0 * (a @ b.T)
            square = 5.0 * np.maximum(square, 0.0)  # rounded below zero where a is b
            z = np.sqrt(square)
            total = total + scale * (1.0 + z + square / 3.0) * np.exp(-z)
        return np.asarray(total)

    def between(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> FloatArray:
        """Return the covariances of two sets of candidates, shape (rows, others)."""
        m = self.level_count
        sites = self.of_sites(np.asarray(rows) // m, np.asarray(others) // m)
        if self.levels is None:
            return sites
        return np.asarray(sites * self.levels[np.ix_(np.asarray(rows) % m, np.asarray(others) % m)])

    def times(self, observed: NDArray[np.int64], weights: FloatArray) -> FloatArray:
        """Return k(all, observed) @ weights, shape (N,), without the whole matrix in memory."""
        observed = np.asarray(observed)
        m, sites = self.level_count, len(self.inputs[0])
        if self.levels is None:
            spread = np.asarray(weights)[:, None]
        else:
            spread = np.asarray(weights)[:, None] * self.levels[observed % m]
        unique, which = np.unique(observed // m, return_inverse=True)
        collected = np.zeros((len(unique), m))
        np.add.at(collected, which, spread)
        result = np.empty((sites, m))
        for block in _blocks(sites, len(unique)):
            result[block] = self.of_sites(block, unique) @ collected
        return result.ravel()


def prior_draw(covariance: Covariance, rng: np.random.Generator, waves: int = WAVES) -> FloatArray:
    """Draw a function of the candidates from the prior, as a sum of random waves.

    The spectral density of a Matérn-5/2 kernel is Student's t with 5 degrees of freedom. With
    levels, each has its own amplitudes of the same waves, and the levels' Cholesky factor makes
    them alike as they should be: exact but for the waves. Waves are summed in single precision;
    that errs by about 1e-6 of the draw's deviation.

    Args:
        covariance: The prior covariance of all candidates.
        rng: Where the randomness comes from.
        waves: How many per term; cost and accuracy grow with it.

    Returns:
        The draw without the prior's mean, shape (N,).

    Source:
        A. Rahimi, B. Recht, NeurIPS 2007; D. J. Sutherland, J. Schneider, UAI 2015 (sine and cosine
        pairs).
    """
    m, sites = covariance.level_count, len(covariance.inputs[0])
    mixing = np.eye(1) if covariance.levels is None else covariance_factor(covariance.levels)
    size = math.sqrt(max(covariance.scales))
    result = np.zeros((sites, m))
    if size == 0:
        return result.ravel()
    parts: list[tuple[FloatArray, FloatArray, NDArray[np.float32]]] = []
    for inputs, scale in zip(covariance.inputs, covariance.scales, strict=True):
        stretch = np.sqrt(5.0 / rng.chisquare(5, size=waves))
        frequencies = rng.standard_normal((inputs.shape[1], waves)) * stretch
        amplitudes = rng.standard_normal((2, waves, m)) * (math.sqrt(scale / waves) / size)
        # phases near zero keep their digits in single precision
        centered = inputs - inputs.mean(axis=0)
        parts.append((centered, frequencies, amplitudes.astype(np.float32)))
    for block in _blocks(sites, waves):
        for inputs, frequencies, (even, odd) in parts:
            phases = (inputs[block] @ frequencies).astype(np.float32)
            if m == 1:  # one cosine with a phase of its own is both
                shifted = phases - np.arctan2(odd, even)[:, 0]
                result[block] += np.cos(shifted, out=shifted) @ np.hypot(even, odd)
            else:
                result[block] += np.cos(phases) @ even
                result[block] += np.sin(phases) @ odd
    return np.asarray(size * (result @ mixing.T)).ravel()


def posterior_draw(
    prior: FloatArray,
    rows: Sequence[int],
    residuals: FloatArray,
    noise_variance: FloatArray | float,
    factor: FloatArray,
    back: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
) -> FloatArray:
    """Turn a draw from the prior into one from the posterior.

    f(.) + k(., X) (K + S)^-1 (y - f(X) - e), e ~ N(0, S), is distributed as the posterior is.

    Args:
        prior: A draw from the prior, without its mean, shape (N,).
        rows: Which candidates were observed, shape (n,); one may be observed twice.
        residuals: What was observed there, less the prior mean, shape (n,).
        noise_variance: Variance S of each observation's noise, shape (n,) or one for all. Pending
            points: give as their residual what the posterior predicts there.
        factor: Lower Cholesky factor L of K + S, shape (n, n).
        back: What turns L^-1 (y - f(X) - e), shape (n,), into the correction of all candidates,
            shape (N,): V^T w with V = L^-1 k(X, all) where that is in memory, otherwise
            `through_kernel`.
        rng: Where the noise e comes from.

    Returns:
        The draw, without the prior's mean, shape (N,).

    Source:
        J. T. Wilson et al., ICML 2020, and J. Mach. Learn. Res. 22 (105), 1 (2021).
    """
    observed = np.asarray(rows, dtype=np.int64)
    if len(observed) == 0:
        return np.array(prior)
    noise = np.sqrt(noise_variance) * rng.standard_normal(len(observed))
    missed = np.asarray(residuals) - prior[observed] - noise
    white = linalg.solve_triangular(factor, missed, lower=True)
    return np.asarray(prior + back(white))


def through_kernel(
    covariance: Covariance, rows: Sequence[int], factor: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """Return what turns L^-1 r into k(all, X) K^-1 r, for `posterior_draw`."""
    observed = np.asarray(rows, dtype=np.int64)

    def back(white: FloatArray) -> FloatArray:
        return covariance.times(observed, linalg.solve_triangular(factor.T, white, lower=False))

    return back


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(columns, 1))
    return (slice(start, start + step) for start in range(0, rows, step))
