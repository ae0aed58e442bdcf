"""Posterior: what a Gaussian process with given hyper-parameters says of every candidate.

It is kept up to date one observation at a time. With K = L L^T the covariance of the n observations
and V = L^-1 k(observed, all) in memory, a new observation adds one row to V: one pass over n x N
numbers, nothing is factorised again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..instrument import FloatArray

BLOCK = 1024  # candidates worked on at once, so that what is in between stays in the cache
SPARE_ROWS = 16  # room for observations and pending points until the next rebuild
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SumOfMaterns:
    """A sum of Matérn-5/2 kernels over all candidates, with its hyper-parameters fixed.

    k(i, j) = sum_t s_t (1 + r + r^2/3) exp(-r), r = sqrt(5) |x_ti - x_tj|.

    Attributes:
        inputs: For each term the candidates' inputs in units of its length scales, shape (N, d_t).
        scales: Variance s_t of each term.

    Source:
        C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006),
        eq. 4.17.
    """

    inputs: tuple[torch.Tensor, ...]
    scales: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.inputs[0])

    @property
    def variance(self) -> float:
        """The prior variance of each candidate."""
        return sum(self.scales)

    def between(self, rows: torch.Tensor | slice, others: torch.Tensor | slice) -> torch.Tensor:
        """Return the covariances of two sets of candidates, shape (rows, others)."""
        total: torch.Tensor | None = None
        for inputs, scale in zip(self.inputs, self.scales, strict=True):
            a, b = inputs[rows], inputs[others]
            square = torch.addmm((b * b).sum(1), a, b.mT, alpha=-2.0)
            square += (a * a).sum(1, keepdim=True)
            square.clamp_(min=0.0).mul_(5.0)
            distance = square.sqrt()
            decay = torch.exp(-distance).mul_(scale)
            term = square.div_(3.0).add_(distance).add_(1.0).mul_(decay)
            total = term if total is None else total.add_(term)
        assert total is not None  # there is at least the term of the positions
        return total


class Posterior:
    """Mean and variance of all candidates, given some observations.

    Args:
        kernel: The covariance of all candidates.
        constant: The prior mean.
        noise: Variance of the noise that all observations have.
        rows: Which candidates were observed, shape (n,); one may be observed twice.
        targets: What was observed there, shape (n,).
        extra_noise: Variance of what each observation has besides, shape (n,).
        believed: Candidates that count as observed and found as predicted: they make the
            neighbourhood less uncertain and leave the mean alone.

    Source:
        Rasmussen and Williams (2006), algorithm 2.1; the update is the bordered Cholesky factor.
    """

    def __init__(
        self,
        kernel: SumOfMaterns,
        constant: float,
        noise: float,
        rows: Sequence[int],
        targets: FloatArray,
        extra_noise: FloatArray,
        believed: Sequence[int] = (),
    ) -> None:
        self._kernel = kernel
        self._constant = constant
        self._noise = noise
        told = len(rows)
        self._n = told + len(believed)
        candidates = len(kernel)
        observed = torch.tensor([*rows, *believed], dtype=torch.long)
        covariance = kernel.between(observed, observed)
        covariance.diagonal().add_(noise)
        covariance.diagonal()[:told].add_(torch.from_numpy(extra_noise))
        factor = torch.linalg.cholesky(covariance)
        residual = torch.from_numpy(targets - constant)[:, None]
        weights = torch.linalg.solve_triangular(factor[:told, :told], residual, upper=False).mT
        self._v = torch.empty(self._n + SPARE_ROWS, candidates, dtype=torch.float64)
        self._mean = torch.empty(candidates, dtype=torch.float64)
        self._variance = torch.empty(candidates, dtype=torch.float64)
        for start in range(0, candidates, BLOCK):
            block = slice(start, min(start + BLOCK, candidates))
            v = torch.linalg.solve_triangular(factor, kernel.between(observed, block), upper=False)
            self._v[: self._n, block] = v
            self._mean[block] = constant + (weights @ v[:told])[0]
            self._variance[block] = kernel.variance - (v * v).sum(0)

    @property
    def mean(self) -> FloatArray:
        """Predicted value of each candidate, shape (N,)."""
        return np.array(self._mean.numpy())

    @property
    def deviation(self) -> FloatArray:
        """Standard deviation of each prediction, noise excluded, shape (N,)."""
        return _root(self._variance)

    def log_density(self, row: int, target: float, extra_noise: float = 0.0) -> float:
        """Return the logarithm of the probability density of an observation, noise included."""
        variance = max(float(self._variance[row]), 0.0) + self._noise + extra_noise
        residual = target - float(self._mean[row])
        return -0.5 * (math.log(2 * math.pi * variance) + residual**2 / variance)

    def observe(self, row: int, target: float, extra_noise: float = 0.0) -> None:
        """Take in one more observation."""
        v, pivot = self._border(row, self._n, extra_noise)
        self._mean += v * ((target - float(self._mean[row])) / pivot)
        self._variance -= v * v
        self._n += 1

    def believe(self, row: int) -> None:
        """Take a candidate for observed and found as predicted."""
        self.observe(row, float(self._mean[row]))

    def deviation_with(self, pending: Sequence[int]) -> FloatArray:
        """Return the deviations as if some candidates had been observed already, shape (N,).

        The mean would not change if each were found as predicted; how sure one would be does not
        depend on what is found.

        Source:
            "Kriging believer", D. Ginsbourger, R. Le Riche, L. Carraro (2010),
            doi:10.1007/978-3-642-10701-6_6.
        """
        variance = self._variance
        for count, row in enumerate(pending):
            v, _ = self._border(row, self._n + count)
            variance = variance - v * v
        return _root(variance)

    def _border(self, row: int, n: int, extra_noise: float = 0.0) -> tuple[torch.Tensor, float]:
        """Write the row of V that an observation of a candidate adds below the first n."""
        if n == len(self._v):
            room = torch.empty(SPARE_ROWS, self._v.shape[1], dtype=torch.float64)
            self._v = torch.cat([self._v, room])
        above = self._v[:n, row].clone()
        own = self._kernel.variance + self._noise + extra_noise - float(above @ above)
        pivot = math.sqrt(max(own, _LEAST_VARIANCE))
        v = self._v[n]
        candidates = len(v)
        one = torch.tensor([row])
        for start in range(0, candidates, BLOCK):
            block = slice(start, min(start + BLOCK, candidates))
            v[block] = (self._kernel.between(one, block)[0] - above @ self._v[:n, block]) / pivot
        return v, pivot


def _root(variance: torch.Tensor) -> FloatArray:
    return np.array(variance.clamp(min=_LEAST_VARIANCE).sqrt().numpy())
