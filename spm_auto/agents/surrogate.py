"""Gaussian process: predicts every candidate from the spectra so far, and says how surely."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from scipy.optimize import minimize

from ..instrument import FloatArray
from .candidates import Candidates
from .posterior import Posterior, SumOfMaterns

with warnings.catch_warnings():
    # importing linear_operator uses torch.jit.script, which recent torch calls deprecated
    warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
    from gpytorch.constraints import Positive
    from gpytorch.kernels import MaternKernel, ScaleKernel
    from gpytorch.means import ConstantMean
    from gpytorch.priors import NormalPrior

FIRST_ITERATIONS = 30  # of L-BFGS from the priors' centres
NEXT_ITERATIONS = 12  # of L-BFGS from the last fit
_LOG_BOUND = 7.0  # no hyper-parameter leaves e^-7 to e^7
_LEAST_LOG_NOISE = math.log(1e-4)  # keeps covariances well conditioned in float64


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The candidates as a kernel sees them.

    Attributes:
        descriptors: Descriptors that differ between candidates, shape (N, d).
        position: Place on the frame in units of its longer side, shape (N, 2).
        bias: Bias in units of its largest magnitude, shape (N, 1); (N, 0) where it is not chosen.
    """

    descriptors: torch.Tensor
    position: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def of(cls, candidates: Candidates) -> Self:
        """Scale the candidates."""
        frame, points = candidates.frame, candidates.points
        place = np.column_stack(frame.to_frame(points[:, 0], points[:, 1])) / max(frame.size)
        bias = points[:, 2:]
        largest = float(np.max(np.abs(bias)))
        chosen = bool(np.isfinite(bias).all() and np.ptp(bias) > 0)
        differs = np.ptp(candidates.descriptors, axis=0) > 0
        return cls(
            descriptors=torch.from_numpy(candidates.descriptors[:, differs]),
            position=torch.from_numpy(place),
            bias=torch.from_numpy(bias / largest if chosen else np.empty((len(bias), 0))),
        )


class GaussianProcess:
    """An exact Gaussian process over the candidates.

    Its kernel is a sum of Matérn-5/2 kernels: one on the descriptors with a length scale each, one
    on the position, and one on the bias where that is chosen. The hyper-parameters are those most
    probable under weak priors, found by L-BFGS and started from the last fit. Targets are expected
    with mean 0 and deviation 1.

    Args:
        inputs: All candidates.

    Source:
        Rasmussen and Williams (2006), chapters 2 and 5.
    """

    name = "gp"

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._mean = ConstantMean(constant_prior=NormalPrior(0.0, 0.5)).double()
        self._log_noise = torch.nn.Parameter(torch.tensor(math.log(0.3), dtype=torch.float64))
        self._noise_prior = NormalPrior(math.log(0.3), 1.0)
        self._terms = {"position": _term(2, shared=True, scale=0.3, length=0.25, width=0.7)}
        d = inputs.descriptors.shape[1]
        if d:
            # distances grow as the root of the number of descriptors, and so must lengths
            length = math.sqrt(d) * math.exp(0.5)
            self._terms["descriptors"] = _term(d, shared=False, scale=0.5, length=length, width=1.0)
        if inputs.bias.shape[1]:
            self._terms["bias"] = _term(1, shared=True, scale=0.3, length=0.5, width=0.7)
        self._is_fitted = False

    @property
    def parameters(self) -> dict[str, float]:
        """The hyper-parameters by name, of standardised targets."""
        named = {"noise_variance": math.exp(self._log_noise.item()), "constant": self._constant()}
        for name, term in self._terms.items():
            named[f"{name}_variance"] = term.outputscale.item()
            lengths = term.base_kernel.lengthscale.detach().flatten().tolist()
            if len(lengths) == 1:
                named[f"{name}_length"] = lengths[0]
            else:
                named |= {f"{name}_length_{i}": value for i, value in enumerate(lengths)}
        return named

    def fit(self, rows: Sequence[int], targets: FloatArray, extra_noise: FloatArray) -> None:
        """Find the most probable hyper-parameters.

        Args:
            rows: Which candidates were observed, shape (n,).
            targets: What was observed, standardised, shape (n,).
            extra_noise: Variance of the known noise of each target, shape (n,).
        """
        self._learn(rows, targets, extra_noise)
        self._climb(rows, targets, extra_noise)
        self._is_fitted = True

    def posterior(
        self,
        rows: Sequence[int],
        targets: FloatArray,
        extra_noise: FloatArray,
        believed: Sequence[int] = (),
    ) -> Posterior:
        """Predict all candidates with the hyper-parameters as they are; see `Posterior`."""
        with torch.no_grad():
            columns = self._columns(torch.arange(len(self._inputs.position)))
            kernel = SumOfMaterns(
                inputs=tuple(
                    columns[name] / term.base_kernel.lengthscale
                    for name, term in self._terms.items()
                ),
                scales=tuple(term.outputscale.item() for term in self._terms.values()),
            )
            return Posterior(
                kernel,
                self._constant(),
                math.exp(self._log_noise.item()),
                rows,
                targets,
                extra_noise,
                believed,
            )

    def _constant(self) -> float:
        return float(self._mean.constant.item())

    def _columns(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the inputs of each term of the kernel."""
        return {
            "descriptors": self._inputs.descriptors[rows],
            "position": self._inputs.position[rows],
            "bias": self._inputs.bias[rows],
        }

    def _learn(self, rows: Sequence[int], targets: FloatArray, extra_noise: FloatArray) -> None:
        """Adapt the inputs; a plain Gaussian process takes them as they are."""

    def _hyperparameters(self) -> list[torch.nn.Parameter]:
        terms = [parameter for term in self._terms.values() for parameter in term.parameters()]
        return [self._log_noise, *self._mean.parameters(), *terms]

    def _loss(
        self, columns: dict[str, torch.Tensor], targets: torch.Tensor, extra_noise: torch.Tensor
    ) -> torch.Tensor:
        """Return the negative logarithm of the posterior probability of the hyper-parameters."""
        covariance = torch.diag(torch.exp(self._log_noise) + extra_noise)
        for name, term in self._terms.items():
            covariance = covariance + term(columns[name]).to_dense()
        factor = torch.linalg.cholesky(covariance)
        residual = (targets - self._mean.constant)[:, None]
        white = torch.linalg.solve_triangular(factor, residual, upper=False)
        evidence = -0.5 * (white**2).sum() - factor.diagonal().log().sum()
        prior = self._noise_prior.log_prob(self._log_noise)
        for module in (self._mean, *self._terms.values()):
            for _, owner, each, value, _ in module.named_priors():
                prior = prior + each.log_prob(value(owner)).sum()
        loss: torch.Tensor = -(evidence + prior)
        return loss

    def _climb(self, rows: Sequence[int], targets: FloatArray, extra_noise: FloatArray) -> None:
        """Maximise the posterior probability by L-BFGS."""
        parameters = self._hyperparameters()
        with torch.no_grad():
            columns = self._columns(torch.tensor(rows, dtype=torch.long))
        y, extra = torch.from_numpy(targets), torch.from_numpy(extra_noise)

        def objective(flat: FloatArray) -> tuple[float, FloatArray]:
            torch.nn.utils.vector_to_parameters(torch.from_numpy(flat.copy()), parameters)
            loss = self._loss(columns, y, extra)
            slopes = torch.autograd.grad(loss, parameters)
            return float(loss.detach()), torch.cat([slope.flatten() for slope in slopes]).numpy()

        start = torch.nn.utils.parameters_to_vector(parameters).detach().numpy().copy()
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
        torch.nn.utils.vector_to_parameters(torch.from_numpy(found.x.copy()), parameters)


def _term(d: int, shared: bool, scale: float, length: float, width: float) -> ScaleKernel:
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
