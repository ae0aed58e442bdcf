"""Candidates: the finite set of (x, y, V) that an agent chooses from, with its descriptors."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray, ScanFrame, ScanImage
from .costs import Costs
from .descriptors import channels_of, jets, sampled
from .levels import Levels


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What can be chosen: P positions on the overview times m levels, such as biases.

    Candidate number ``i`` is level ``i % m`` at position ``i // m``.

    Attributes:
        frame: Frame of the overview that the positions belong to.
        positions: x and y of each position [m], shape (P, 2).
        rows: Line and pixel of each position on the overview, shape (P, 2).
        descriptors: The image patch around each position as numbers, shape (P, d).
        ranking: What a physicist without a model would measure first: one number per position,
            higher first, shape (P,).
        levels: What can be chosen besides the position.
        images: The overview as the descriptors see it, shape [channel, line, pixel]; None where
            there is none.
        costs: How long a measurement takes; None where that is not known.
        spacing: Least distance of two measured positions [m]; 0 for none.
    """

    frame: ScanFrame
    positions: FloatArray
    rows: NDArray[np.int64]
    descriptors: FloatArray
    ranking: FloatArray
    levels: Levels = field(default_factory=Levels.of)
    images: FloatArray | None = None
    costs: Costs | None = None
    spacing: float = 0.0

    def __post_init__(self) -> None:
        n = len(self.positions)
        if n == 0:
            raise ValueError("there is no candidate to choose from")
        shapes = {"positions": (n, 2), "rows": (n, 2), "ranking": (n,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, needs {shape}")
        if self.descriptors.ndim != 2 or len(self.descriptors) != n:
            raise ValueError(f"descriptors have shape {self.descriptors.shape}, need ({n}, d)")
        if not self.spacing >= 0:
            raise ValueError(f"spacing must be a length of 0 or more, got {self.spacing} m")
        if self.costs is not None and (
            self.costs.sweep.shape != (len(self.levels),)
            or self.costs.overhead.shape not in ((1,), (n,))
        ):
            raise ValueError(
                f"costs of shapes {self.costs.sweep.shape} and {self.costs.overhead.shape} do not "
                f"fit {len(self.levels)} levels and {n} positions"
            )

    def __len__(self) -> int:
        return len(self.positions) * len(self.levels)

    @property
    def points(self) -> FloatArray:
        """Place (x, y) [m] and bias [V] of each candidate, shape (P m, 3)."""
        n, m = len(self.positions), len(self.levels)
        return np.column_stack([np.repeat(self.positions, m, axis=0), np.tile(self.levels.bias, n)])

    def position(self, candidate: int) -> tuple[float, float]:
        """Return where a candidate is [m]."""
        x, y = self.positions[candidate // len(self.levels)].tolist()
        return x, y

    @classmethod
    def of(
        cls,
        overview: ScanImage,
        channels: tuple[str, ...] = (),
        biases: tuple[float, ...] = (),
        stride: int = 1,
        margin: int = 0,
        durations: tuple[float, ...] = (),
        spacing: float = 0.0,
        backward: bool = False,
        others: tuple[ScanImage, ...] = (),
    ) -> Self:
        """Make the candidates of an overview image: its pixels times the allowed levels.

        A channel in radians is taken as its cosine and its sine, as a phase wraps.

        Args:
            overview: The image; a NaN pixel is no candidate.
            channels: Channels that the descriptors are made from; empty for all of them.
            biases: Amplitudes of the bias window that may be chosen [V]; empty when the bias is not
                the agent's to choose.
            stride: Take every ``stride``-th pixel and line.
            margin: Pixels left out along each edge.
            durations: Lengths of a pulse that may be chosen [s]; empty when there is none.
            spacing: Least distance of two measured positions [m].
            backward: Whether the descriptors are made from the backward lines, too.
            others: Further overviews, of any zoom, that descriptors are made from where they show
                the position; only the pixels of ``overview`` are candidates.

        Raises:
            ValueError: Nothing is left to choose from, or a channel is not in the image, or the
                stride, the margin or a level cannot be.
        """
        if stride < 1 or margin < 0:
            raise ValueError(
                f"stride must be at least 1 and margin at least 0, got {stride} and {margin}"
            )
        images = channels_of(overview, channels, backward)
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
        seen = jets(images)
        pick = (rows[:, 0], rows[:, 1])
        positions = np.column_stack(overview.frame.to_sample(*pick))
        own = seen.descriptors[:, *pick].T
        return cls(
            frame=overview.frame,
            positions=positions,
            rows=rows,
            descriptors=np.column_stack([own, *(sampled(o, channels, positions) for o in others)]),
            ranking=seen.ranking[pick],
            levels=Levels.of(biases, durations),
            images=seen.images,
            spacing=spacing,
        )

    def informed(self, mean: FloatArray, deviation: FloatArray) -> Self:
        """Add what an agent believed of the positions before, on an image of another scale.

        Its mean and its deviation become descriptors, and the mean takes the place of the ranking:
        a prior mean that follows the ranking then is rho m(x) + c, and what is learned besides is
        the difference, as between codes of two fidelities.

        Args:
            mean: Predicted value of each position, shape (P,); NaN where nothing is known.
            deviation: Standard deviation of each, shape (P,).

        Source:
            M. C. Kennedy, A. O'Hagan, Biometrika 87, 1 (2000).
        """
        known = np.isfinite(mean) & np.isfinite(deviation)
        if not known.any():
            return self
        columns = []
        for values, otherwise in ((mean, mean[known].mean()), (deviation, deviation[known].max())):
            filled = np.where(known, values, otherwise)
            spread = float(filled.std())
            columns.append((filled - filled.mean()) / spread if spread > 0 else 0.0 * filled)
        return replace(
            self,
            descriptors=np.column_stack([self.descriptors, *columns]),
            ranking=np.where(known, mean, mean[known].mean()),
        )

    def select(self, indices: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some of the positions only, with all levels, in the order given.

        Args:
            indices: Which ones, as numbers of positions or as a mask of shape (P,).

        Raises:
            ValueError: The costs were given for each position; set them after selecting.
        """
        return replace(
            self,
            positions=self.positions[indices],
            rows=self.rows[indices],
            descriptors=self.descriptors[indices],
            ranking=self.ranking[indices],
        )
