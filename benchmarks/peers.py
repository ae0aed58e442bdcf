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
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spm_auto.agents import Candidates
from spm_auto.instrument import FloatArray

PATCH = 9  # side of the patches [pixel]
COMPONENTS = 10  # principal components of the patches that BoTorch is given
ATOMAI_CYCLES = 200
GPAX_STEPS = 200


class Peer(Protocol):
    """Somebody else's model of a scalar on a finite set of sites."""

    def fit(self, rows: NDArray[np.int64], values: FloatArray) -> None:
        """Forget what was learned, then learn these values at these sites."""

    def predict(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Predict every site.

        Returns:
            Mean, deviation of what is there, and deviation of a new measurement of it; each of
            shape (n,).
        """


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

    def predict(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Predict every site: mean, deviation without and with the noise of a measurement."""
        with _quietly():
            mean, variance, noise = self._predict()
        known = np.maximum(variance, 1e-12)
        deviations = self._scale * np.sqrt(known), self._scale * np.sqrt(known + noise)
        return self._center + self._scale * mean, *deviations

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        raise NotImplementedError

    def _predict(self) -> tuple[FloatArray, FloatArray, float]:
        """Return mean, variance of the function and variance of the noise."""
        raise NotImplementedError


class AtomAI(_Standardising):
    """AtomAI's deep kernel `dklGPR` on patches, as its notebooks use it, with its own prediction.

    It returns the variance of the latent function; the noise that it has learned is added. GPyTorch
    computes without its shortcuts, as it does for everyone once BoTorch is imported: with them
    AtomAI's predictions were much worse (on `bepsc`, 200 points: an R² of -2.8 in place of 0.0).
    """

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        _provide_torchvision()
        from atomai.models import dklGPR

        with _exactly():
            self._model = dklGPR(features.shape[1], embedim=2, precision="double", seed=self._seed)
            self._model.fit(features, values, training_cycles=ATOMAI_CYCLES, lr=1e-2)

    def _predict(self) -> tuple[FloatArray, FloatArray, float]:
        with _exactly():
            mean, variance = self._model.predict(self._features, batch_size=len(self._features))
        return mean, variance, float(self._model.likelihood.noise.detach().mean())


class GPax(_Standardising):
    """GPax's deep kernel `viDKL` on patches, with steps and step size of its notebooks."""

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        import gpax

        gpax.utils.enable_x64()
        first, self._key = gpax.utils.get_keys(self._seed)
        self._model = gpax.viDKL(features.shape[1], z_dim=2, kernel="RBF")
        options = {"print_summary": False, "progress_bar": False}
        self._model.fit(first, features, values, num_steps=GPAX_STEPS, step_size=0.05, **options)

    def _predict(self) -> tuple[FloatArray, FloatArray, float]:
        mean, variance = self._model.predict(self._key, self._features, noiseless=True)
        noise = float(self._model.kernel_params["noise"])
        return np.asarray(mean, dtype=float), np.asarray(variance, dtype=float), noise


class BoTorch(_Standardising):
    """BoTorch's `SingleTaskGP` with its own defaults, fitted by its own optimiser."""

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        import torch
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from gpytorch.mlls import ExactMarginalLogLikelihood

        self._model = SingleTaskGP(torch.from_numpy(features), torch.from_numpy(values)[:, None])
        fit_gpytorch_mll(ExactMarginalLogLikelihood(self._model.likelihood, self._model))

    def _predict(self) -> tuple[FloatArray, FloatArray, float]:
        import torch

        with torch.no_grad():
            # site by site: the covariance between the sites is not wanted
            sites = torch.from_numpy(self._features)[:, None, :]
            posterior = self._model.posterior(sites)
            noisy = self._model.posterior(sites[:1], observation_noise=True)
            noise = float(noisy.variance[0] - posterior.variance[0])
            return posterior.mean.flatten().numpy(), posterior.variance.flatten().numpy(), noise


class PlainProcess(_Standardising):
    """A textbook Gaussian process, Matérn-5/2 with a length for each feature, by scikit-learn."""

    def _fit(self, features: FloatArray, values: FloatArray) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        smooth = Matern(np.ones(features.shape[1]), (1e-2, 1e2), nu=2.5)
        kernel = ConstantKernel(0.5, (1e-3, 1e2)) * smooth + WhiteKernel(0.3, (1e-4, 1e1))
        self._model = GaussianProcessRegressor(kernel, random_state=self._seed)
        self._model.fit(features, values)

    def _predict(self) -> tuple[FloatArray, FloatArray, float]:
        mean, deviation = self._model.predict(self._features, return_std=True)
        noise = float(self._model.kernel_.k2.noise_level)
        return mean, deviation**2 - noise, noise


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


def _exactly() -> Any:
    """Let GPyTorch factorise and solve in place of approximating."""
    from gpytorch.settings import fast_computations

    return fast_computations(covar_root_decomposition=False, log_prob=False, solves=False)


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
