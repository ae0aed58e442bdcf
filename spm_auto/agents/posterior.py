"""Posterior: what a Gaussian process with given hyper-parameters says of every candidate.

It is kept up to date one observation at a time, exactly, also for the product of positions and
levels. In memory is B, the covariance of the place of each of n observations with all P positions.
The covariance of an observation with all candidates is a row of B times a number for each level, so
that what an observation changes is one matrix product of B with an n x m matrix of weights: one
pass over n x P numbers whatever the number of levels m, nothing is factorised again.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..instrument import FloatArray
from .acquisition import thompson
from .covariance import Covariance

BLOCK = 1024  # positions worked on at once, so that what is in between stays in the cache
SHORTLIST = 512  # candidates that maxima are drawn from
SPARE_ROWS = 16  # room for observations and pending points until the next rebuild
_LEAST_VARIANCE = 1e-12


class Posterior:
    """Mean and variance of all candidates, given some observations.

    Args:
        covariance: Of all candidates, with prior mean and noise.
        rows: Which candidates were observed, shape (n,); one may be observed twice.
        targets: What was observed there, shape (n,).
        extra_noise: Variance of what each observation has besides, shape (n,).
        believed: Candidates that count as observed and found as predicted: they make the
            neighbourhood less uncertain and leave the mean alone.

    Source:
        Rasmussen and Williams (2006), algorithm 2.1; the update is the bordered Cholesky factor,
        and the product structure that of E. V. Bonilla et al., NeurIPS 2007 (multi-task).
    """

    def __init__(
        self,
        covariance: Covariance,
        rows: Sequence[int],
        targets: FloatArray,
        extra_noise: FloatArray,
        believed: Sequence[int] = (),
    ) -> None:
        self._k = covariance
        told = len(rows)
        self._n = told + len(believed)
        places, m = len(covariance.places), covariance.levels
        self._observed = torch.tensor([*rows, *believed], dtype=torch.long)
        sites, levels = covariance.split(self._observed)
        gram = covariance.between(self._observed, self._observed)
        gram.diagonal().add_(covariance.noise[sites])
        gram.diagonal()[:told].add_(torch.from_numpy(np.asarray(extra_noise, dtype=float)))
        factor = torch.linalg.cholesky(gram)
        room = self._n + SPARE_ROWS
        self._factor = torch.zeros(room, room, dtype=torch.float64)
        self._factor[: self._n, : self._n] = factor
        self._b = torch.empty(room, places, dtype=torch.float64)
        found = torch.from_numpy(np.asarray(targets, dtype=float))
        residual = found - covariance.prior[sites[:told]]
        weights = torch.cholesky_solve(residual[:, None], factor[:told, :told])
        self._noises = gram.diagonal() - covariance.variance[levels]
        at_level = covariance.shared[levels]  # (n, m)
        common = covariance.own[levels]
        pull = (weights * at_level[:told]).mT.contiguous()
        offset = (weights * common[:told]).sum(0)
        self._mean = torch.empty(m, places, dtype=torch.float64)
        self._variance = torch.empty(m, places, dtype=torch.float64)
        for start in range(0, places, BLOCK):
            block = slice(start, min(start + BLOCK, places))
            b = covariance.places.between(sites, block)
            self._b[: self._n, block] = b
            self._mean[:, block] = covariance.prior[block] + offset[:, None] + pull @ b[:told]
            for level in range(m):
                k = b * at_level[:, level, None] + common[:, level, None] if m > 1 else b
                v = torch.linalg.solve_triangular(factor, k, upper=False)
                self._variance[level, block] = covariance.variance[level] - (v * v).sum(0)
        # a believed one was found where it is predicted
        believed_residual = self._mean[levels[told:], sites[told:]] - covariance.prior[sites[told:]]
        self._residuals = torch.cat([residual, believed_residual])

    @property
    def mean(self) -> FloatArray:
        """Predicted value of each candidate, shape (N,)."""
        return _flat(self._mean)

    @property
    def deviation(self) -> FloatArray:
        """Standard deviation of each prediction, noise excluded, shape (N,)."""
        return _root(self._variance)

    @property
    def noise(self) -> FloatArray:
        """Standard deviation of the noise at each position, shape (P,)."""
        return np.array(self._k.noise.sqrt().numpy())

    def log_density(self, row: int, target: float, extra_noise: float = 0.0) -> float:
        """Return the logarithm of the probability density of an observation, noise included."""
        mean, variance = self._at(row)
        variance += float(self._k.noise[row // self._k.levels]) + extra_noise
        residual = target - mean
        return -0.5 * (math.log(2 * math.pi * variance) + residual**2 / variance)

    def observe(self, row: int, target: float, extra_noise: float = 0.0) -> None:
        """Take in one more observation."""
        mean, _ = self._at(row)
        v, pivot = self._border(row, extra_noise)
        self._mean += v * ((target - mean) / pivot)
        self._variance -= v * v
        self._note(row, target, extra_noise)

    def believe(self, row: int) -> None:
        """Take a candidate for observed and found as predicted."""
        v, _ = self._border(row)
        self._variance -= v * v
        self._note(row, self._at(row)[0], 0.0)

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Draw a function of the candidates that may be the truth, shape (N,).

        Source:
            J. T. Wilson et al., ICML 2020; see `acquisition.thompson`.
        """
        k, n = self._k, self._n
        places = k.places
        product = thompson.Covariance(
            tuple(np.asarray(each) for each in places.inputs), places.scales, k.shared.numpy()
        )
        prior = thompson.prior_draw(product, rng).reshape(len(places), k.levels)
        common = thompson.covariance_factor(k.own.numpy()) if bool(k.own.any()) else k.own.numpy()
        prior += (common @ rng.standard_normal(k.levels))[None, :]
        levels = k.split(self._observed)[1]

        def back(white: FloatArray) -> FloatArray:
            column = torch.from_numpy(white)[:, None]
            weights = torch.linalg.solve_triangular(self._factor[:n, :n].mT, column, upper=True)
            pull, offset = weights * k.shared[levels], (weights * k.own[levels]).sum(0)
            return _flat(pull.mT @ self._b[:n] + offset[:, None])

        drawn = thompson.posterior_draw(
            prior.ravel(),
            self._observed.tolist(),
            self._residuals.numpy(),
            self._noises.numpy(),
            self._factor[:n, :n].numpy(),
            back,
            rng,
        )
        return np.asarray(drawn + np.repeat(k.prior.numpy(), k.levels))

    def joint(self, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Return mean and covariance of some candidates, noise excluded, shapes (k,) and (k, k)."""
        n, k, some = self._n, self._k, torch.from_numpy(rows)
        cross = k.between(self._observed, some)
        v = torch.linalg.solve_triangular(self._factor[:n, :n], cross, upper=False)
        covariance = k.between(some, some) - v.mT @ v
        sites, levels = k.split(some)
        return self._mean[levels, sites].numpy(), covariance.numpy()

    def maxima(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw values that the highest of all candidates may have, shape (n,).

        Draws are exact for a shortlist: half of it the candidates with the highest upper bounds,
        half those highest in a draw that takes candidates for independent. So alike candidates
        count once, and what is left out is hardly ever the highest.
        """
        mean, deviation = self.mean, self.deviation
        rows = np.arange(len(mean), dtype=np.int64)
        if len(mean) > SHORTLIST:
            bound, drawn = mean + 2 * deviation, rng.normal(mean, deviation)
            half = SHORTLIST // 2
            rows = np.union1d(*(np.argpartition(-each, half)[:half] for each in (bound, drawn)))
        return np.asarray(thompson.joint_draws(*self.joint(rows), n, rng).max(axis=1))

    def deviation_with(self, pending: Sequence[int]) -> FloatArray:
        """Return the deviations as if some candidates had been observed already, shape (N,).

        The mean would not change if each were found as predicted; how sure one would be does not
        depend on what is found.

        Source:
            "Kriging believer", D. Ginsbourger, R. Le Riche, L. Carraro (2010),
            doi:10.1007/978-3-642-10701-6_6.
        """
        n, observed, variance = self._n, self._observed, self._variance
        for row in pending:
            v, _ = self._border(row)
            variance = variance - v * v
        self._n, self._observed = n, observed
        return _root(variance)

    def _note(self, row: int, target: float, extra_noise: float) -> None:
        site = row // self._k.levels
        residual, noise = target - float(self._k.prior[site]), float(self._k.noise[site])
        last = torch.tensor([[residual], [noise + extra_noise]], dtype=torch.float64)
        self._residuals = torch.cat([self._residuals, last[0]])
        self._noises = torch.cat([self._noises, last[1]])

    def _at(self, row: int) -> tuple[float, float]:
        site, level = divmod(row, self._k.levels)
        return float(self._mean[level, site]), max(float(self._variance[level, site]), 0.0)

    def _border(self, row: int, extra_noise: float = 0.0) -> tuple[torch.Tensor, float]:
        """Take an observation of a candidate into B and the Cholesky factor.

        Returns:
            The covariance of its surprise with all candidates, in units of the surprise's standard
            deviation, shape (m, P), and that deviation.
        """
        n, k = self._n, self._k
        if n == len(self._b):
            self._make_room()
        new = torch.tensor([row])
        site, level = divmod(row, k.levels)
        column = k.between(self._observed, new)
        factor = self._factor[:n, :n]
        white = torch.linalg.solve_triangular(factor, column, upper=False)
        own = float(k.variance[level]) + float(k.noise[site]) + extra_noise
        pivot = math.sqrt(max(own - float((white * white).sum()), _LEAST_VARIANCE))
        self._factor[n, :n] = white[:, 0]
        self._factor[n, n] = pivot
        self._b[n] = k.places.between(torch.tensor([site]), slice(None))[0]
        weights = -torch.linalg.solve_triangular(factor.mT, white, upper=True)
        weights = torch.cat([weights, torch.ones(1, 1, dtype=torch.float64)])
        self._observed = torch.cat([self._observed, new])
        self._n += 1
        levels = k.split(self._observed)[1]
        pull = (weights * k.shared[levels]).mT
        offset = (weights * k.own[levels]).sum(0)
        v = torch.mm(pull, self._b[: self._n]).add_(offset[:, None]).div_(pivot)
        return v, pivot

    def _make_room(self) -> None:
        n = len(self._b)
        more = torch.empty(SPARE_ROWS, self._b.shape[1], dtype=torch.float64)
        self._b = torch.cat([self._b, more])
        factor = torch.zeros(n + SPARE_ROWS, n + SPARE_ROWS, dtype=torch.float64)
        factor[:n, :n] = self._factor
        self._factor = factor


def _flat(by_level: torch.Tensor) -> FloatArray:
    """Bring values of shape (m, P) into the order of the candidates, shape (P m,)."""
    return np.array(by_level.mT.reshape(-1).numpy())


def _root(variance: torch.Tensor) -> FloatArray:
    return _flat(variance.clamp(min=_LEAST_VARIANCE).sqrt())
