"""Gaussian process: predicts every candidate from the spectra so far, and says how surely."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from scipy.optimize import minimize

from ..instrument import FloatArray
from .candidates import Candidates
from .covariance import Covariance, SumOfMaterns
from .posterior import Posterior
from .state import check, numbers

with warnings.catch_warnings():
    # importing linear_operator uses torch.jit.script, which recent torch calls deprecated
    warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
    from gpytorch.constraints import Positive
    from gpytorch.kernels import MaternKernel, ScaleKernel
    from gpytorch.priors import NormalPrior

FIRST_ITERATIONS = 30  # of L-BFGS from the priors' centres
NEXT_ITERATIONS = 12  # of L-BFGS from the last fit
SLOPE_SPREAD = 0.25  # prior deviation of how the log noise depends on each of 15 descriptors
LEAST_LOG_SHARE = -1.0  # of the noise at a place relative to the typical one: no place is trusted
MOST_LOG_SHARE = 2.0  # much more than others, which a few lucky fits would suggest
_LOG_BOUND = 7.0  # no hyper-parameter leaves e^-7 to e^7
_LEAST_LOG_NOISE = math.log(1e-4)  # keeps covariances well conditioned in float64
_MOST_LOG_NOISE = math.log(1e2)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The candidates as a kernel sees them.

    Attributes:
        descriptors: Descriptors that differ between positions, shape (P, d).
        position: Place on the frame in units of its longer side, shape (P, 2).
        levels: What tells the levels apart, shape (m, q); q is 0 where only the place is chosen.
        ranking: The ranking, standardised, shape (P,).
        images: The overview, shape [channel, line, pixel]; None where there is none.
        rows: Line and pixel of each position on it, shape (P, 2).
    """

    descriptors: torch.Tensor
    position: torch.Tensor
    levels: torch.Tensor
    ranking: torch.Tensor
    images: torch.Tensor | None
    rows: torch.Tensor

    @classmethod
    def of(cls, candidates: Candidates) -> Self:
        """Scale the candidates."""
        frame, (x, y) = candidates.frame, candidates.positions.T
        place = np.column_stack(frame.to_frame(x, y)) / max(frame.size)
        differs = np.ptp(candidates.descriptors, axis=0) > 0
        ranking = candidates.ranking - candidates.ranking.mean()
        spread = float(ranking.std())
        images = candidates.images
        return cls(
            descriptors=torch.from_numpy(np.ascontiguousarray(candidates.descriptors[:, differs])),
            position=torch.from_numpy(place),
            levels=torch.from_numpy(candidates.levels.inputs),
            ranking=torch.from_numpy(ranking / spread if spread > 0 else ranking),
            images=None if images is None else torch.from_numpy(images),
            rows=torch.from_numpy(candidates.rows),
        )


class GaussianProcess:
    """An exact Gaussian process over the candidates.

    The covariance of two places is a sum of Matérn-5/2 kernels, one on the descriptors with a
    length scale each and one on the position. Where the level is chosen, it is multiplied by how
    alike two levels are, between fully and not at all, and what is common to all places at a level
    is added. The noise is not the same everywhere: its logarithm is linear in the descriptors, as
    loops fail where the response is odd. The prior mean is constant, or linear in the ranking. The
    hyper-parameters are those most probable under weak priors, found by L-BFGS and started from the
    last fit. Targets are expected with mean 0 and deviation 1.

    Args:
        inputs: All candidates.
        trusts_ranking: Whether the prior mean follows the ranking, as far as the data say so.

    Source:
        Rasmussen and Williams (2006), chapters 2 and 5; P. W. Goldberg, C. K. I. Williams,
        C. M. Bishop, NIPS 1997 (noise that depends on the input).
    """

    name = "gp"

    def __init__(self, inputs: Inputs, trusts_ranking: bool = False) -> None:
        self._inputs = inputs
        zeros = torch.zeros
        self._constant = _Prior.parameter(zeros(1), 0.5)
        self._log_noise = _Prior.parameter(torch.full((1,), math.log(0.3)), 1.0)
        self._terms = {"position": scaled_matern(2, shared=True, scale=0.3, length=0.25, width=0.7)}
        d, q = inputs.descriptors.shape[1], inputs.levels.shape[1]
        # the more descriptors there are, the less each may say: their sum has one prior deviation
        self._slopes = _Prior.parameter(zeros(d), SLOPE_SPREAD * math.sqrt(15 / max(d, 1)))
        self._trust = _Prior.parameter(zeros(1 if trusts_ranking else 0), 0.5)
        # at 0 half of what is known of a place at one level holds at all others
        self._share = _Prior.parameter(zeros(1 if q else 0), 1.5)
        if d:
            # distances grow as the root of the number of descriptors, and so must lengths
            length = math.sqrt(d) * math.exp(0.5)
            self._terms["descriptors"] = scaled_matern(
                d, shared=False, scale=0.5, length=length, width=1.0
            )
        self._level = (
            scaled_matern(q, shared=False, scale=0.3, length=0.7, width=0.7) if q else None
        )
        self._is_fitted = False

    @property
    def parameters(self) -> dict[str, float]:
        """The hyper-parameters by name, of standardised targets."""
        named = {
            "noise_variance": math.exp(self._log_noise.value.item()),
            "constant": self._constant.value.item(),
        }
        terms = self._terms | ({} if self._level is None else {"level": self._level})
        for name, term in terms.items():
            named[f"{name}_variance"] = term.outputscale.item()
            lengths = term.base_kernel.lengthscale.detach().flatten().tolist()
            if len(lengths) == 1:
                named[f"{name}_length"] = lengths[0]
            else:
                named |= {f"{name}_length_{i}": value for i, value in enumerate(lengths)}
        named |= {f"noise_slope_{i}": v for i, v in enumerate(self._slopes.value.tolist())}
        if len(self._trust.value):
            named["ranking_slope"] = self._trust.value.item()
        if self._level is not None:
            named["level_share"] = torch.sigmoid(self._share.value).item()
        return named

    def fit(self, rows: Sequence[int], targets: FloatArray, extra_noise: FloatArray) -> None:
        """Find the most probable hyper-parameters.

        Args:
            rows: Which candidates were observed, shape (n,).
            targets: What was observed, standardised, shape (n,).
            extra_noise: Variance of the known noise of each target, shape (n,).
        """
        sites, levels = self._split(torch.tensor(rows, dtype=torch.long))
        self._learn(sites, levels, torch.from_numpy(targets), torch.from_numpy(extra_noise))
        self._climb(sites, levels, torch.from_numpy(targets), torch.from_numpy(extra_noise))
        self._is_fitted = True

    def covariance(self) -> Covariance:
        """Return the covariance of all candidates with the hyper-parameters as they are."""
        with torch.no_grad():
            everywhere = torch.arange(len(self._inputs.position))
            columns = self._columns(everywhere)
            places = SumOfMaterns(
                inputs=tuple(
                    columns[name] / term.base_kernel.lengthscale
                    for name, term in self._terms.items()
                ),
                scales=tuple(term.outputscale.item() for term in self._terms.values()),
            )
            shared, own = self._level_covariance()
            noise, prior = self._noise(everywhere), self._prior_mean(everywhere)
            return Covariance(places, shared, own, noise, prior.detach())

    def posterior(
        self,
        rows: Sequence[int],
        targets: FloatArray,
        extra_noise: FloatArray,
        believed: Sequence[int] = (),
    ) -> Posterior:
        """Predict all candidates with the hyper-parameters as they are; see `Posterior`."""
        with torch.no_grad():
            return Posterior(self.covariance(), rows, targets, extra_noise, believed)

    def save(self) -> dict[str, Any]:
        """Return all that fits have changed."""
        return {"model": self.name, "hyperparameters": self._flat()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what another one of the same candidates has saved.

        Raises:
            AgentError: It is the state of another model or of other candidates.
        """
        check(state, "model", self.name)
        self._set(numbers(state, "hyperparameters", self._flat().shape))
        self._is_fitted = True

    def _learn(
        self,
        sites: torch.Tensor,
        levels: torch.Tensor,
        targets: torch.Tensor,
        extra_noise: torch.Tensor,
    ) -> None:
        """Learn what is not a hyper-parameter; a plain process has nothing of the kind."""

    def _columns(self, sites: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the inputs of each term at some positions."""
        return {name: getattr(self._inputs, name)[sites] for name in self._terms}

    def _split(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        m = len(self._inputs.levels)
        return rows // m, rows % m

    def _hyperparameters(self) -> list[torch.nn.Parameter]:
        modules = [*self._terms.values(), *([] if self._level is None else [self._level])]
        kernels = [parameter for module in modules for parameter in module.parameters()]
        return [self._log_noise.value, *(p.value for p in self._others()), *kernels]

    def _flat(self) -> FloatArray:
        """Return the hyper-parameters as one row of numbers."""
        flat = torch.nn.utils.parameters_to_vector(self._hyperparameters())
        return flat.detach().numpy().copy()

    def _set(self, flat: FloatArray) -> None:
        """Set the hyper-parameters to a copy of such a row."""
        torch.nn.utils.vector_to_parameters(torch.tensor(flat), self._hyperparameters())

    def _others(self) -> list["_Prior"]:
        return [self._constant, self._slopes, self._trust, self._share]

    def _noise(self, sites: torch.Tensor) -> torch.Tensor:
        """Return the variance of the noise at some positions."""
        share = self._inputs.descriptors[sites] @ self._slopes.value
        log_noise = self._log_noise.value + share.clamp(LEAST_LOG_SHARE, MOST_LOG_SHARE)
        return log_noise.clamp(_LEAST_LOG_NOISE, _MOST_LOG_NOISE).exp()

    def _prior_mean(self, sites: torch.Tensor) -> torch.Tensor:
        mean = self._constant.value.expand(len(sites))
        if len(self._trust.value):
            mean = mean + self._trust.value * self._inputs.ranking[sites]
        return mean

    def _level_covariance(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return G and H of `Covariance`."""
        m = len(self._inputs.levels)
        if self._level is None:
            one = torch.ones(m, m, dtype=torch.float64)
            return one, torch.zeros_like(one)
        alike = self._level.base_kernel(self._inputs.levels).to_dense()
        share = torch.sigmoid(self._share.value)
        return share + (1 - share) * alike, self._level.outputscale * alike

    def _loss(
        self,
        columns: dict[str, torch.Tensor],
        sites: torch.Tensor,
        levels: torch.Tensor,
        targets: torch.Tensor,
        extra_noise: torch.Tensor,
    ) -> torch.Tensor:
        """Return minus the logarithm of the posterior probability, but for a constant."""
        covariance: torch.Tensor | float = 0.0
        for name, term in self._terms.items():
            covariance = covariance + term(columns[name]).to_dense()
        assert isinstance(covariance, torch.Tensor)  # there is at least the term of the positions
        if self._level is not None:
            shared, own = self._level_covariance()
            covariance = covariance * shared[levels][:, levels] + own[levels][:, levels]
        covariance = covariance + torch.diag(self._noise(sites) + extra_noise)
        factor = torch.linalg.cholesky(covariance)
        residual = (targets - self._prior_mean(sites))[:, None]
        white = torch.linalg.solve_triangular(factor, residual, upper=False)
        evidence = -0.5 * (white**2).sum() - factor.diagonal().log().sum()
        prior = self._log_noise.log_density()
        for other in self._others():
            prior = prior + other.log_density()
        for module in (*self._terms.values(), *([] if self._level is None else [self._level])):
            for _, owner, each, value, _ in module.named_priors():
                prior = prior + each.log_prob(value(owner)).sum()
        loss: torch.Tensor = -(evidence + prior)
        return loss

    def _climb(
        self,
        sites: torch.Tensor,
        levels: torch.Tensor,
        targets: torch.Tensor,
        extra_noise: torch.Tensor,
    ) -> None:
        """Maximise the posterior probability by L-BFGS."""
        parameters = self._hyperparameters()
        with torch.no_grad():
            columns = self._columns(sites)

        def objective(flat: FloatArray) -> tuple[float, FloatArray]:
            self._set(flat)
            loss = self._loss(columns, sites, levels, targets, extra_noise)
            slopes = torch.autograd.grad(loss, parameters)
            return float(loss.detach()), torch.cat([slope.flatten() for slope in slopes]).numpy()

        start = self._flat()
        bounds = [(_LEAST_LOG_NOISE, _LOG_BOUND)] + [(-_LOG_BOUND, _LOG_BOUND)] * (len(start) - 1)
        iterations = NEXT_ITERATIONS if self._is_fitted else FIRST_ITERATIONS
        found = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": iterations},
        )
        self._set(found.x)


@dataclass(frozen=True, slots=True, eq=False)
class _Prior:
    """A parameter with a normal prior around where it starts.

    Attributes:
        value: The parameter, shape (k,); k may be 0.
        start: Where it starts, and what is most probable before any data.
        spread: Deviation of the prior.
    """

    value: torch.nn.Parameter
    start: torch.Tensor
    spread: float

    @classmethod
    def parameter(cls, start: torch.Tensor, spread: float) -> Self:
        """Make a parameter in double precision."""
        start = start.double()
        return cls(torch.nn.Parameter(start.clone()), start, spread)

    def log_density(self) -> torch.Tensor:
        """Return the logarithm of the prior's density, but for a constant."""
        return -0.5 * (((self.value - self.start) / self.spread) ** 2).sum()


def scaled_matern(d: int, shared: bool, scale: float, length: float, width: float) -> ScaleKernel:
    """Make a scaled Matérn-5/2 kernel whose logarithms have normal priors.

    Args:
        d: Number of inputs.
        shared: Whether they share one length scale.
        scale: Prior median of the variance; its logarithm has deviation 1.
        length: Prior median of the length scales.
        width: Deviation of the logarithm of the length scales.
    """
    log = {"transform": torch.exp, "inv_transform": torch.log}
    base = MaternKernel(
        2.5, ard_num_dims=None if shared else d, lengthscale_constraint=Positive(**log)
    )
    kernel = ScaleKernel(base, outputscale_constraint=Positive(**log)).double()
    kernel.outputscale, base.lengthscale = scale, length
    base.register_prior("length_prior", NormalPrior(math.log(length), width), "raw_lengthscale")
    kernel.register_prior("scale_prior", NormalPrior(math.log(scale), 1.0), "raw_outputscale")
    return kernel
