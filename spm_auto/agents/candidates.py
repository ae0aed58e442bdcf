"""Candidates: the finite set of (x, y, bias) that an agent chooses from, with their descriptors."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray, ScanFrame, ScanImage
from .descriptors import jets


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What can be chosen: positions on the overview times allowed biases.

    Attributes:
        frame: Frame of the overview that the positions belong to.
        points: x [m], y [m] and bias [V] of each candidate, shape (n, 3); bias is NaN where it is
            not the agent's to choose.
        rows: Line and pixel of each candidate on the overview, shape (n, 2).
        descriptors: The image patch around each candidate as numbers, shape (n, d).
        ranking: What a physicist without a model would measure first: one number per candidate,
            higher first, shape (n,).
    """

    frame: ScanFrame
    points: FloatArray
    rows: NDArray[np.int64]
    descriptors: FloatArray
    ranking: FloatArray

    def __post_init__(self) -> None:
        n = len(self.points)
        if n == 0:
            raise ValueError("there is no candidate to choose from")
        shapes = {"points": (n, 3), "rows": (n, 2), "ranking": (n,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, needs {shape}")
        if self.descriptors.ndim != 2 or len(self.descriptors) != n:
            raise ValueError(f"descriptors have shape {self.descriptors.shape}, need ({n}, d)")

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def of(
        cls,
        overview: ScanImage,
        channels: tuple[str, ...] = (),
        biases: tuple[float, ...] = (),
        stride: int = 1,
        margin: int = 0,
    ) -> Self:
        """Make the candidates of an overview image: its pixels times the allowed biases.

        Args:
            overview: The image; a NaN pixel is no candidate.
            channels: Channels that the descriptors are made from; empty for all of them.
            biases: Amplitudes of the bias window that may be chosen [V]; empty when the bias is not
                the agent's to choose.
            stride: Take every ``stride``-th pixel and line.
            margin: Pixels left out along each edge.

        Raises:
            ValueError: Nothing is left to choose from, or a channel is not in the image.
        """
        names = channels or tuple(channel.name for channel in overview.channels)
        images = np.stack([overview.channel(name) for name in names])
        lines, pixels = overview.frame.shape
        mask = np.zeros((lines, pixels), dtype=bool)
        mask[margin : lines - margin : stride, margin : pixels - margin : stride] = True
        mask &= np.isfinite(images).all(axis=0)
        rows = np.argwhere(mask)
        if len(rows) == 0:
            raise ValueError(
                f"no pixel of the {lines} x {pixels} overview is left to choose from "
                f"(stride {stride}, margin {margin})"
            )
        x, y = overview.frame.to_sample(rows[:, 0], rows[:, 1])
        descriptors, ranking = jets(images)
        levels = np.array(biases or (math.nan,), dtype=float)
        n, m = len(rows), len(levels)
        points = np.column_stack([np.repeat(x, m), np.repeat(y, m), np.tile(levels, n)])
        pick = (rows[:, 0], rows[:, 1])
        return cls(
            frame=overview.frame,
            points=points,
            rows=np.repeat(rows, m, axis=0),
            descriptors=np.repeat(descriptors[:, *pick].T, m, axis=0),
            ranking=np.repeat(ranking[pick], m),
        )
