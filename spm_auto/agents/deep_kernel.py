"""Deep kernel: a Gaussian process that also sees what networks have learned of the overview."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import AgentError
from ..instrument import FloatArray
from .pretraining import Embedding, Network, contrasts, kinds
from .state import numbers
from .surrogate import GaussianProcess, Inputs, scaled_matern

HIDDEN = 32  # units of each of the two hidden layers
LARGEST_GAIN = 0.25  # spectral norm that no layer exceeds
FIRST_STEPS = 50  # of Adam, at the first fit
NEXT_STEPS = 5  # of Adam, at each later fit
RATE = 5e-3  # step of Adam for the weights
HYPERPARAMETER_RATE = 2e-2  # and for the hyper-parameters
DECAY = 0.1  # weight of the squared weights in the loss
SCALE = 0.05  # prior median of the variance that each encoder explains: little, until shown
_FIRST_OUTPUT = 0.02  # deviation of the output layer's weights before training


class ResidualNetwork:
    """z -> z + g(z) with g a network of two hidden layers that starts near zero.

    The spectral norm of every layer is limited, so that neighbours cannot be torn far apart.
    Without it a deep kernel that was trained on a few dozen points is far too sure of itself.

    Args:
        d: Number of inputs and outputs.
        generator: Randomness of the weights.

    Source:
        J. Z. Liu et al., NeurIPS 2020 (residual form and spectral norm); S. W. Ober,
        C. E. Rasmussen, M. van der Wilk, UAI 2021 (why they are needed).
    """

    def __init__(self, d: int, generator: torch.Generator) -> None:
        def weights(outputs: int, inputs: int, deviation: float) -> torch.nn.Parameter:
            normal = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
            return torch.nn.Parameter(deviation * normal)

        def biases(outputs: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.zeros(outputs, dtype=torch.float64))

        self._weights = [
            weights(HIDDEN, d, 1 / math.sqrt(d)),
            weights(HIDDEN, HIDDEN, 1 / math.sqrt(HIDDEN)),
            weights(d, HIDDEN, _FIRST_OUTPUT),
        ]
        self._biases = [biases(HIDDEN), biases(HIDDEN), biases(d)]

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """Everything that is trained."""
        return [*self._weights, *self._biases]

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Bend inputs of shape (n, d)."""
        layers = [
            (_limit(weight), bias) for weight, bias in zip(self._weights, self._biases, strict=True)
        ]
        hidden = z
        for weight, bias in layers[:-1]:
            hidden = torch.tanh(hidden @ weight.mT + bias)
        weight, bias = layers[-1]
        return z + hidden @ weight.mT + bias

    def size(self) -> torch.Tensor:
        """Return the sum of the squared weights."""
        return torch.stack([(weight**2).sum() for weight in self._weights]).sum()


class DeepKernel(GaussianProcess):
    """A Gaussian process with bent descriptors and with terms for pre-trained patches.

    Encoders are trained here on the overview, before the first spectrum, and stay as they are,
    unless a state that was saved elsewhere has others: each adds a Matérn-5/2 term with a single
    length scale, so that few spectra suffice to say how much it counts. The network that bends the
    descriptors and the hyper-parameters are first trained together by Adam, then the hyper-
    parameters alone by L-BFGS.

    Args:
        inputs: All candidates; there must be descriptors.
        generator: Randomness of encoders and network.
        trusts_ranking: As for the plain process.

    Source:
        A. G. Wilson et al., "Deep kernel learning", AISTATS 2016.
    """

    name = "deep kernel"

    def __init__(
        self, inputs: Inputs, generator: torch.Generator, trusts_ranking: bool = False
    ) -> None:
        super().__init__(inputs, trusts_ranking)
        self._network = ResidualNetwork(inputs.descriptors.shape[1], generator)
        embedding = embedding_of(inputs, generator)
        self._encoder = None if embedding is None else embedding.network
        self._patches = patches_of(inputs, embedding)
        for name, patches in self._patches.items():
            d = patches.shape[1]
            length = math.sqrt(d) * math.exp(0.5)
            self._terms[name] = scaled_matern(d, True, scale=SCALE, length=length, width=1.0)

    def save(self) -> dict[str, Any]:
        """Return all that fits have changed, and what the encoder that is trained has learned.

        Training is sensitive to rounding, which is not the same on all machines; the other encoder
        is known in closed form.
        """
        state = super().save() | {"network": _row(self._network.parameters)}
        if self._encoder is not None:
            state["encoder"] = _row(self._encoder.parameters)
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what another one of the same candidates has saved.

        Raises:
            AgentError: It is the state of another model or of other candidates.
        """
        network = self._network.parameters
        weights = numbers(state, "network", _row(network).shape)
        if self._encoder is not None:
            encoder = self._encoder.parameters
            trained = numbers(state, "encoder", _row(encoder).shape, np.float32)
            if not np.array_equal(trained, _row(encoder)):
                _set(encoder, trained)
                self._encode_anew(self._encoder)
        super().restore(state)
        _set(network, weights)

    def _encode_anew(self, encoder: Network) -> None:
        """Describe the patches by an encoder that has other weights now."""
        assert self._inputs.images is not None  # it was trained on them
        kind = _at_positions(self._inputs, kinds(contrasts(self._inputs.images.numpy()), encoder))
        if "kind" not in self._patches or kind.shape != self._patches["kind"].shape:
            raise AgentError(
                "the encoder in the agent's state was not trained on this overview: it tells "
                f"{kind.shape[1]} kinds of patches"
            )
        self._patches["kind"] = kind

    def _columns(self, sites: torch.Tensor) -> dict[str, torch.Tensor]:
        return {
            "position": self._inputs.position[sites],
            "descriptors": self._network(self._inputs.descriptors[sites]),
        } | {name: numbers[sites] for name, numbers in self._patches.items()}

    def _learn(
        self,
        sites: torch.Tensor,
        levels: torch.Tensor,
        targets: torch.Tensor,
        extra_noise: torch.Tensor,
    ) -> None:
        weights = {"params": self._network.parameters, "lr": RATE}
        others = {"params": self._hyperparameters(), "lr": HYPERPARAMETER_RATE}
        optimiser = torch.optim.Adam([weights, others])
        for _ in range(NEXT_STEPS if self._is_fitted else FIRST_STEPS):
            optimiser.zero_grad()
            loss = self._loss(self._columns(sites), sites, levels, targets, extra_noise)
            torch.autograd.backward(loss + DECAY * self._network.size())
            optimiser.step()


def embedding_of(inputs: Inputs, generator: torch.Generator) -> Embedding | None:
    """Train the encoders on the overview.

    Args:
        inputs: All candidates.
        generator: Randomness of the training.

    Returns:
        None where there is too little to learn from.
    """
    return None if inputs.images is None else Embedding.of(inputs.images.numpy(), generator)


def patches_of(inputs: Inputs, embedding: Embedding | None) -> dict[str, torch.Tensor]:
    """Describe the patches around all positions.

    Args:
        inputs: All candidates.
        embedding: The overview as its encoders see it.

    Returns:
        By name of the encoder, its numbers for each position, shape (P, d); empty where there is
        no embedding.
    """
    if embedding is None:
        return {}
    maps = {"look": embedding.look, "kind": embedding.kind}
    return {name: _at_positions(inputs, each) for name, each in maps.items() if len(each)}


def _at_positions(inputs: Inputs, maps: FloatArray) -> torch.Tensor:
    """Return what maps, shape [number, line, pixel], say of each position, shape (P, d)."""
    lines, pixels = inputs.rows[:, 0].numpy(), inputs.rows[:, 1].numpy()
    return torch.from_numpy(maps[:, lines, pixels]).mT.contiguous()


def _row(parameters: Sequence[torch.Tensor]) -> NDArray[Any]:
    """Return parameters as one row of numbers."""
    return np.array(torch.nn.utils.parameters_to_vector(parameters).detach().numpy())


def _set(parameters: Sequence[torch.Tensor], row: NDArray[Any]) -> None:
    """Set parameters to a copy of such a row, where they are."""
    first = 0
    with torch.no_grad():
        for each in parameters:
            each.copy_(torch.from_numpy(row[first : first + each.numel()]).view_as(each))
            first += each.numel()


def _limit(weight: torch.Tensor) -> torch.Tensor:
    """Scale a weight matrix down until its spectral norm is allowed."""
    norm = torch.linalg.matrix_norm(weight, 2)
    gain: torch.Tensor = (LARGEST_GAIN / norm).clamp(max=1.0)
    return weight.mul(gain)
