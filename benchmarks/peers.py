"""Peers: the deep kernels and processes of other projects, behind the face that our agents have.

`pip install 'spm_auto[bench]'` brings AtomAI, GPax and BoTorch; install torch first, as its build
for the CPU is the smaller download. What is not installed is left out, and the tables say so.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from spm_auto.agents import Agent, AgentSettings, Candidates, Observation, Proposal
from spm_auto.instrument import FloatArray

PATCH = 9  # side of the patches [pixel]
COMPONENTS = 10  # principal components of the patches that BoTorch is given
ATOMAI_CYCLES = 200
GPAX_STEPS = 200
INITIAL = 10  # random points before a peer is asked


class Peer(Protocol):
    """Somebody else's model of a scalar on a finite set of sites."""

    def fit(self, rows: NDArray[np.int64], values: FloatArray) -> None:
        """Forget what was learned, then learn these values at these sites."""

    def predict(self) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation of a new measurement at every site, each of shape (n,)."""


class _Standardising:
    """Shows the model values of mean 0 and deviation 1, and turns its answers back."""

    def __init__(self, features: FloatArray, seed: int) -> None:
        self._features = features
        self._seed = seed
        self._center, self._scale = 0.0, 1.0

    def fit(self, rows: NDArray[np.int64], values: FloatArray) -> None:
        """Learn values at sites."""
        self._center = float(values.mean())
        self._scale = float(values.std()) or 1.0
        with _quietly():
            self._fit(self._features[rows], (values - self._center) / self._scale)

    def predict(self) -> tuple[FloatArray, FloatArray]:
        """Predict a measurement at every site."""
        with _quietly():
            mean, variance = self._predict()
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        return self._center + self._scale * mean, self._scale * deviation

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        raise NotImplementedError

    def _predict(self) -> tuple[FloatArray, FloatArray]:
        raise NotImplementedError


class AtomAI(_Standardising):
    """AtomAI's deep kernel `dklGPR` on patches, as its notebooks use it, with its own prediction.

    It returns the variance of the latent function; the noise that it has learned is added.
    """

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        _provide_torchvision()
        from atomai.models import dklGPR

        self._model = dklGPR(features.shape[1], embedim=2, precision="double", seed=self._seed)
        self._model.fit(features, values, training_cycles=ATOMAI_CYCLES, lr=1e-2)

    def _predict(self) -> tuple[FloatArray, FloatArray]:
        mean, variance = self._model.predict(self._features, batch_size=len(self._features))
        return mean, variance + float(self._model.likelihood.noise.detach().mean())


class GPax(_Standardising):
    """GPax's deep kernel `viDKL` on patches, with steps and step size of its notebooks."""

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        import gpax

        gpax.utils.enable_x64()
        first, self._key = gpax.utils.get_keys(self._seed)
        self._model = gpax.viDKL(features.shape[1], z_dim=2, kernel="RBF")
        options = {"print_summary": False, "progress_bar": False}
        self._model.fit(first, features, values, num_steps=GPAX_STEPS, step_size=0.05, **options)

    def _predict(self) -> tuple[FloatArray, FloatArray]:
        mean, variance = self._model.predict(self._key, self._features)
        return np.asarray(mean, dtype=float), np.asarray(variance, dtype=float)


class BoTorch(_Standardising):
    """BoTorch's `SingleTaskGP` with its own defaults, fitted by its own optimiser."""

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        import torch
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from gpytorch.mlls import ExactMarginalLogLikelihood

        self._model = SingleTaskGP(torch.from_numpy(features), torch.from_numpy(values)[:, None])
        fit_gpytorch_mll(ExactMarginalLogLikelihood(self._model.likelihood, self._model))

    def _predict(self) -> tuple[FloatArray, FloatArray]:
        import torch

        with torch.no_grad():
            # site by site: the covariance between the sites is not wanted
            sites = torch.from_numpy(self._features)[:, None, :]
            posterior = self._model.posterior(sites, observation_noise=True)
            return posterior.mean.flatten().numpy(), posterior.variance.flatten().numpy()


class PlainProcess(_Standardising):
    """A textbook Gaussian process, Matérn-5/2 with a length for each feature, by scikit-learn."""

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        smooth = Matern(np.ones(features.shape[1]), (1e-2, 1e2), nu=2.5)
        kernel = ConstantKernel(0.5, (1e-3, 1e2)) * smooth + WhiteKernel(0.3, (1e-4, 1e1))
        self._model = GaussianProcessRegressor(kernel, random_state=self._seed)
        self._model.fit(features, values)

    def _predict(self) -> tuple[FloatArray, FloatArray]:
        mean, deviation = self._model.predict(self._features, return_std=True)
        return mean, deviation**2


PEERS: dict[str, tuple[Callable[[FloatArray, int], Peer], str]] = {
    "atomai": (AtomAI, "atomai"),
    "gpax": (GPax, "gpax"),
    "botorch": (BoTorch, "botorch"),
    "position": (PlainProcess, "sklearn"),
    "number": (PlainProcess, "sklearn"),
}


def is_installed(kind: str) -> bool:
    """Whether the package behind a peer can be found."""
    return importlib.util.find_spec(PEERS[kind][1]) is not None


def features(kind: str, candidates: Candidates, images: FloatArray | None) -> FloatArray:
    """Return what a peer is shown of each candidate, shape (n, d).

    The deep kernels get the pixels of a patch of each image, from 0 to 1 as in the notebooks of
    their authors, BoTorch their principal components, standardised as its documentation advises.
    Where there is no image all get what our agents see: descriptors, position and bias.

    Args:
        kind: A key of `PEERS`.
        candidates: The sites.
        images: Stack of channels, shape [channel, line, pixel]; None where there is none.
    """
    x, y, bias = candidates.points.T
    if kind == "number":
        return _standard(candidates.ranking[:, None])
    if kind == "position":
        return _standard(np.column_stack([x, y]))
    if images is None:
        seen = [candidates.descriptors, x, y, *([bias] if np.isfinite(bias).all() else [])]
        return _standard(np.column_stack(seen))
    shown = patches(images, candidates.rows)
    if kind != "botorch":
        return shown
    from sklearn.decomposition import PCA

    return _standard(PCA(min(COMPONENTS, *shown.shape), random_state=0).fit_transform(shown))


def _standard(features: FloatArray) -> FloatArray:
    spread = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def patches(images: FloatArray, rows: NDArray[np.int64]) -> FloatArray:
    """Cut a patch around each site, reflected at the border; shape (n, channels * pixels).

    Args:
        images: Stack of channels, shape [channel, line, pixel].
        rows: Line and pixel of each site, shape (n, 2).
    """
    half = PATCH // 2
    low, high = (images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True))
    scaled = (images - low) / np.where(high > low, high - low, 1.0)
    padded = np.pad(scaled, ((0, 0), (half, half), (half, half)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PATCH, PATCH), axis=(1, 2))
    return windows[:, rows[:, 0], rows[:, 1]].swapaxes(0, 1).reshape(len(rows), -1)


def build_peer(kind: str, candidates: Candidates, images: FloatArray | None, seed: int) -> Peer:
    """Make a peer for these sites."""
    return PEERS[kind][0](features(kind, candidates, images), seed)


class PeerSettings(AgentSettings):
    """A peer as an agent: expected improvement, fitted anew for every batch.

    Attributes:
        kind: A key of `PEERS`.
        images: What its patches are cut from, shape [channel, line, pixel].
        batch: Points that are chosen by one fit, those of highest expected improvement.
        initial: Random points before the first fit.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    images: FloatArray | None = None
    batch: int = 10
    initial: int = INITIAL

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        peer = build_peer(self.kind, candidates, self.images, int(rng.integers(2**31)))
        return PeerAgent(candidates, peer, self.batch, self.initial, rng)


class PeerAgent:
    """Chooses by a peer's expected improvement.

    Args:
        candidates: What can be chosen.
        peer: Whose prediction it is.
        batch: Points that are chosen by one fit.
        initial: Random points before the first fit.
        rng: Randomness of these points.
    """

    def __init__(
        self,
        candidates: Candidates,
        peer: Peer,
        batch: int,
        initial: int,
        rng: np.random.Generator,
    ) -> None:
        self._candidates = candidates
        self._peer = peer
        self._batch = batch
        self._initial = initial
        self._random = rng.permutation(len(candidates))
        self._free = np.ones(len(candidates), dtype=bool)
        self._found: dict[int, float] = {}
        self._queue: list[int] = []

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""
        return self._candidates

    def tell(self, observations: Sequence[Observation]) -> None:
        """Learn what was found; a failed measurement only counts as measured."""
        for observation in observations:
            self._free[observation.candidate] = False
            if np.isfinite(observation.value):
                self._found[observation.candidate] = observation.value

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        """Choose the next points."""
        self._free[list(pending)] = False
        proposals: list[Proposal] = []
        while len(proposals) < n and self._free.any():
            candidate = self._next()
            self._free[candidate] = False
            x, y, bias = self._candidates.points[candidate].tolist()
            proposals.append(Proposal(candidate, x, y, bias, "by a peer"))
        return proposals

    def _next(self) -> int:
        known = int(np.count_nonzero(~self._free))
        if known < self._initial or len(self._found) < 2:
            return int(next(each for each in self._random if self._free[each]))
        self._queue = [each for each in self._queue if self._free[each]]
        if not self._queue:
            rows, values = np.array(list(self._found)), np.array(list(self._found.values()))
            self._peer.fit(rows, values)
            score = log_improvement(*self._peer.predict(), float(values.max()))
            score[~self._free] = -np.inf
            order = np.argsort(-score, kind="stable")
            self._queue = [int(each) for each in order[: self._batch] if self._free[each]]
        return self._queue.pop(0)


def log_improvement(mean: FloatArray, deviation: FloatArray, best: float) -> FloatArray:
    """Return the logarithm of the expected improvement over the best value, shape (n,).

    log sigma + log(phi(u) + u Phi(u)), u = (mean - best) / sigma; far below the best value, where
    the sum is lost in rounding, its asymptote log(phi(u) / u^2).
    """
    from scipy.special import ndtr

    u = (mean - best) / deviation
    log_density = -0.5 * u**2 - 0.5 * np.log(2 * np.pi)
    far = u < -5.0
    near = np.where(far, 0.0, u)
    gain = np.log(np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    asymptote = log_density - 2 * np.log(np.where(far, -u, 1.0))
    return np.asarray(np.log(deviation) + np.where(far, asymptote, gain))


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep the peers' prints and warnings out of the tables."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _provide_torchvision() -> None:
    """Let AtomAI be imported beside a torch that its torchvision was not built for.

    Of torchvision it needs the names of three networks and of a function that are not used here.
    """
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):
        names = {
            "torchvision": (),
            "torchvision.models": ("mobilenet_v2", "resnet50", "vgg16"),
            "torchvision.utils": ("make_grid",),
        }
        for name in [each for each in sys.modules if each.startswith("torchvision")]:
            del sys.modules[name]
        for name, members in names.items():
            stand_in: Any = types.ModuleType(name)
            for member in members:
                setattr(stand_in, member, None)
            sys.modules[name] = stand_in
