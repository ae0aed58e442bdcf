"""Pre-training: what can be learned from the overview alone, before the first spectrum exists.

Two encoders turn the patch around every pixel into a few numbers. What a patch looks like comes
from a linear autoencoder, whose best weights are known in closed form. What kind of patch it is
comes from a small convolutional network that is trained by contrast: it must give neighbours like
numbers, and all pixels together numbers as different as can be.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from torch.nn import functional

from ..instrument import FloatArray
from .patches import blocks, cut

LOOK = 8  # numbers for what a patch looks like
LOOK_SIZE = 9  # side of the patch that they describe [pixel]
LOOK_SAMPLE = 10_000  # patches that the autoencoder is trained on
KIND = 6  # numbers for what kind of patch it is
FEWEST_PIXELS = 1600  # below which an overview is too small to learn from
SMALLEST_SIDE = 24  # [pixel]
WIDTH = 16  # filters of each convolution
OUTPUTS = 16  # of the network, before they are reduced to `KIND`
POOL = 3.0  # width over which the filters' answers are averaged [pixel]
TILE = 96  # side of the piece of the overview that a step sees [pixel]
STEPS = 80  # of Adam
SAMPLE = 768  # pairs of neighbours in a step
SHIFT = 3  # how far apart neighbours may be, along lines and across [pixel]
NOISE = 0.2  # added to what the network sees while it learns [standard deviations]
RATE = 3e-3  # step of Adam
_HEADS = (OUTPUTS, 64, 32)  # units of the network that is only there while the first one learns
_AGREE, _SPREAD, _DIFFER = 10.0, 10.0, 1.0  # weights of the three parts of the loss
_REACH = 3  # of the two convolutions together [pixel]
_LEAST_SPREAD = 1e-9  # of an output that says anything


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """An overview as its encoders see it.

    Attributes:
        look: What the patch around each pixel looks like, shape [number, line, pixel].
        kind: What kind of patch it is, likewise. All numbers have mean 0, deviation 1 and no
            correlation with each other.
        network: What tells the kinds.
    """

    look: FloatArray
    kind: FloatArray
    network: "Network"

    @classmethod
    def of(cls, images: FloatArray, generator: torch.Generator) -> Self | None:
        """Learn from an overview and embed all of its pixels.

        Args:
            images: Stack of standardised channels, shape [channel, line, pixel]; all finite.
            generator: Randomness of the training; the same one gives the same numbers.

        Returns:
            None where there are too few pixels to learn from, or where no channel has contrast.
        """
        seen = contrasts(images)
        if not len(seen) or min(images.shape[1:]) < SMALLEST_SIDE:
            return None
        if seen[0].size < FEWEST_PIXELS:
            return None
        look = looks(seen, generator)
        network = trained(seen, generator)
        return cls(look, kinds(seen, network), network)


def contrasts(images: FloatArray) -> FloatArray:
    """Return the channels in which there is something to be seen; the encoders look at these."""
    return np.asarray(images[np.ptp(images, axis=(1, 2)) > 0])


def looks(images: FloatArray, generator: torch.Generator) -> FloatArray:
    """Describe the patches of all pixels by the code of the best linear autoencoder.

    Args:
        images: Stack of channels, shape [channel, line, pixel].
        generator: Chooses the patches that it is trained on.

    Returns:
        At most `LOOK` uncorrelated numbers, shape [number, line, pixel].

    Source:
        P. Baldi, K. Hornik, Neural Networks 2, 53 (1989): its code are the principal components.
    """
    _, lines, pixels = images.shape
    chosen = torch.randperm(lines * pixels, generator=generator)[:LOOK_SAMPLE].numpy()
    sample = cut(images, np.column_stack(np.divmod(chosen, pixels)), LOOK_SIZE)
    flat = sample.reshape(len(sample), -1)
    mean = flat.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(flat, rowvar=False))
    kept = np.argsort(-variances, kind="stable")[:LOOK]
    kept = kept[variances[kept] > _LEAST_SPREAD]
    weights = directions[:, kept] / np.sqrt(variances[kept])
    # an eigenvector has no sign of its own: the largest weight is made positive
    weights *= np.sign(weights[np.argmax(np.abs(weights), axis=0), np.arange(len(kept))])
    codes = np.concatenate([(each - mean) @ weights for each in blocks(images, LOOK_SIZE)])
    return np.asarray(codes.reshape(lines, pixels, -1).transpose(2, 0, 1))


def trained(images: FloatArray, generator: torch.Generator) -> "Network":
    """Train a network by contrast to tell the kinds of patches.

    Two noisy views of a piece of the overview go through the network. Its numbers for a pixel in
    the one and for a neighbour in the other shall agree; each shall vary over the overview, and no
    two shall say the same.

    Args:
        images: Stack of channels, shape [channel, line, pixel].
        generator: Randomness of weights, pieces, neighbours and noise.

    Source:
        A. Bardes, J. Ponce, Y. LeCun, "VICReg", ICLR 2022; the loss of its section 4.
    """
    whole = torch.from_numpy(images).to(torch.float32)[None]
    network = Network(len(images), generator)
    head = [
        (_weights((m, k), generator), torch.zeros(m, dtype=torch.float32, requires_grad=True))
        for k, m in pairwise(_HEADS)
    ]
    parameters = [*network.parameters, *(each for layer in head for each in layer)]
    optimiser = torch.optim.Adam(parameters, RATE)

    def numbers(piece: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(piece.shape, generator=generator, dtype=torch.float32)
        hidden = network(piece + NOISE * noise)[0][:, at[0], at[1]].mT
        (first, offset), last = head
        return functional.linear(functional.relu(functional.linear(hidden, first, offset)), *last)

    sides = [min(TILE, side) for side in images.shape[1:]]
    for _ in range(STEPS):
        corner = [
            int(torch.randint(side - tile + 1, (1,), generator=generator))
            for side, tile in zip(images.shape[1:], sides, strict=True)
        ]
        piece = whole[:, :, corner[0] : corner[0] + sides[0], corner[1] : corner[1] + sides[1]]
        at = torch.stack(
            [torch.randint(SHIFT, side - SHIFT, (SAMPLE,), generator=generator) for side in sides]
        )
        beside = at + torch.randint(-SHIFT, SHIFT + 1, at.shape, generator=generator)
        optimiser.zero_grad()
        torch.autograd.backward(_disagreement(numbers(piece, at), numbers(piece, beside)))
        optimiser.step()
    return network


def kinds(images: FloatArray, network: "Network") -> FloatArray:
    """Describe the patches of all pixels by a network.

    Args:
        images: Stack of channels, shape [channel, line, pixel].
        network: What tells the kinds.

    Returns:
        At most `KIND` uncorrelated numbers, shape [number, line, pixel].
    """
    whole = torch.from_numpy(images).to(torch.float32)[None]
    with torch.no_grad():
        return _whitened(network(whole)[0].to(torch.float64).numpy())


class Network:
    """Two convolutions, an average over the neighbourhood, and two layers for each pixel.

    Args:
        channels: Of the overview.
        generator: Randomness of the weights.
    """

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        shapes = [
            (WIDTH, channels, 5, 5),
            (WIDTH, WIDTH, 3, 3),
            (2 * WIDTH, WIDTH, 1, 1),
            (OUTPUTS, 2 * WIDTH, 1, 1),
        ]
        self._weights = [_weights(shape, generator) for shape in shapes]
        self._offsets = [
            torch.zeros(shape[0], dtype=torch.float32, requires_grad=True) for shape in shapes
        ]
        reach = math.ceil(2 * POOL)
        bell = torch.exp(-((torch.arange(-reach, reach + 1, dtype=torch.float32) / POOL) ** 2) / 2)
        self._bell = (bell / bell.sum()).expand(WIDTH, 1, 1, -1)

    @property
    def parameters(self) -> list[torch.Tensor]:
        """Everything that is trained."""
        return [*self._weights, *self._offsets]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the numbers of all pixels, shape [batch, number, line, pixel]."""
        layers = list(zip(self._weights, self._offsets, strict=True))
        hidden = functional.pad(images, (_REACH,) * 4, mode="reflect")
        for weight, offset in layers[:2]:
            hidden = functional.relu(functional.conv2d(hidden, weight, offset))
        reach = self._bell.shape[-1] // 2
        hidden = functional.pad(hidden, (reach,) * 4, mode="reflect")
        hidden = functional.conv2d(hidden, self._bell, groups=WIDTH)
        hidden = functional.conv2d(hidden, self._bell.mT, groups=WIDTH)
        (weight, offset), last = layers[2:]
        return functional.conv2d(functional.relu(functional.conv2d(hidden, weight, offset)), *last)


def _weights(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Draw weights that keep the variance through a rectifier (He et al., ICCV 2015)."""
    normal = torch.randn(shape, generator=generator, dtype=torch.float32)
    return (math.sqrt(2 / math.prod(shape[1:])) * normal).requires_grad_()


def _disagreement(some: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return the loss of two sets of numbers that shall agree, each of shape (pair, number)."""
    loss = _AGREE * ((some - others) ** 2).mean()
    for each in (some, others):
        centred = each - each.mean(dim=0)
        covariance = centred.mT @ centred / (len(each) - 1)
        variances = covariance.diagonal()
        loss = loss + _SPREAD / 2 * functional.relu(1 - torch.sqrt(variances + 1e-4)).mean()
        others_than_itself = (covariance**2).sum() - (variances**2).sum()
        loss = loss + _DIFFER * others_than_itself / len(covariance)
    return loss


def _whitened(maps: FloatArray) -> FloatArray:
    """Reduce maps to their first principal components with deviation 1 each."""
    flat = maps.reshape(len(maps), -1)
    spread = flat.std(axis=1)
    flat = flat[spread > _LEAST_SPREAD]
    flat = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)
    variances, directions = np.linalg.eigh(flat @ flat.mT / flat.shape[1])
    kept = np.argsort(-variances, kind="stable")[:KIND]
    kept = kept[variances[kept] > _LEAST_SPREAD]
    components = directions[:, kept].mT @ flat / np.sqrt(variances[kept])[:, None]
    return np.asarray(components.reshape(-1, *maps.shape[1:]))
