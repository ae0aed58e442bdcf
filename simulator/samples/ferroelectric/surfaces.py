"""Surfaces: smooth maps of a periodic film that can be read anywhere, several at once."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray

from ...compiled import compiled, has_compiler
from ..splines import read_cubic


@dataclass(frozen=True, slots=True, eq=False)
class Surfaces:
    """Cubic splines through maps of the same film, which goes on at its opposite edges.

    Attributes:
        size: Side of the film, centred on (0, 0) [m].
        coefficients: Of the splines, shape [map, row, column].
    """

    size: float
    coefficients: FloatArray

    @classmethod
    def through(cls, size: float, *maps: FloatArray) -> Self:
        """Make the splines that pass through maps of shape (cells, cells)."""
        from scipy.ndimage import spline_filter

        return cls(size, np.stack([spline_filter(m, order=3, mode="grid-wrap") for m in maps]))

    def joined(self, other: "Surfaces") -> "Surfaces":
        """Return these maps followed by others of the same film."""
        return Surfaces(self.size, np.concatenate([self.coefficients, other.coefficients]))

    def at(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return all maps at points of the sample [m].

        Args:
            x: Coordinates, any shape.
            y: Coordinates, of the same shape.

        Returns:
            Shape [map, ...] with the points' shape after the maps.
        """
        maps, cells = self.coefficients.shape[:2]
        if not has_compiler():
            return self._slowly(*cell_coordinates(self.size, cells, x, y))
        values = np.empty((maps, np.size(x)))
        compiled(read_cubic)(self.coefficients, np.ravel(x), np.ravel(y), self.size / cells, values)
        return values.reshape(-1, *np.shape(x))

    def _slowly(self, row: FloatArray, column: FloatArray) -> FloatArray:
        from scipy.ndimage import map_coordinates

        where = np.stack([row.ravel(), column.ravel()])
        values: list[FloatArray] = [
            map_coordinates(c, where, order=3, mode="grid-wrap", prefilter=False)
            for c in self.coefficients
        ]
        return np.stack(values).reshape(-1, *row.shape)


def cell_coordinates(
    size: float, cells: int, x: FloatArray | float, y: FloatArray | float
) -> tuple[FloatArray, FloatArray]:
    """Return fractional row and column of points [m]; the middle of the first cell is (0, 0)."""
    row, column = (np.asarray(v, dtype=float) / size * cells + (cells - 1) / 2 for v in (y, x))
    return row, column
