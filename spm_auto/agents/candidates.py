"""Candidates: the finite set of (x, y, bias) that an agent chooses from, with their descriptors."""

import math
from dataclasses import dataclass, replace
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

        A channel in radians is taken as its cosine and its sine, as a phase wraps.

        Args:
            overview: The image; a NaN pixel is no candidate.
            channels: Channels that the descriptors are made from; empty for all of them.
            biases: Amplitudes of the bias window that may be chosen [V]; empty when the bias is not
                the agent's to choose.
            stride: Take every ``stride``-th pixel and line.
            margin: Pixels left out along each edge.

        Raises:
            ValueError: Nothing is left to choose from, or a channel is not in the image, or the
                stride or the margin cannot be.
        """
        if stride < 1 or margin < 0:
            raise ValueError(
                f"stride must be at least 1 and margin at least 0, got {stride} and {margin}"
            )
        units = {channel.name: channel.unit for channel in overview.channels}
        stack: list[FloatArray] = []
        for name in channels or tuple(units):
            image = overview.channel(name)
            stack += [np.cos(image), np.sin(image)] if units[name] == "rad" else [image]
        images = np.stack(stack)
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

    def select(self, indices: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some of these candidates only, in the order given.

        Args:
            indices: Which ones, as row numbers or as a mask of shape (n,).
        """
        return replace(
            self,
            points=self.points[indices],
            rows=self.rows[indices],
            descriptors=self.descriptors[indices],
            ranking=self.ranking[indices],
        )
