"""Surfaces: smooth maps of a periodic film that can be read anywhere, several at once."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray

from ...compiled import compiled, has_compiler


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
        row, column = cell_coordinates(self.size, self.coefficients.shape[1], x, y)
        if not has_compiler():
            return self._slowly(row, column)
        values = np.empty((len(self.coefficients), row.size))
        compiled(_evaluate)(self.coefficients, row.ravel(), column.ravel(), values)
        return values.reshape(-1, *row.shape)

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


def _evaluate(
    coefficients: FloatArray, row: FloatArray, column: FloatArray, values: FloatArray
) -> None:
    """Sum the sixteen cubic B-splines around each point, for each map."""
    maps, rows, columns = coefficients.shape
    weights = np.empty((2, 4))
    r = np.empty(4, dtype=np.int64)
    c = np.empty(4, dtype=np.int64)
    for point in range(row.size):
        first_row, first_column = np.floor(row[point]), np.floor(column[point])
        for axis in range(2):
            t = row[point] - first_row if axis == 0 else column[point] - first_column
            s = 1 - t
            weights[axis, 0] = s * s * s / 6
            weights[axis, 1] = (4 - 6 * t * t + 3 * t * t * t) / 6
            weights[axis, 2] = (4 - 6 * s * s + 3 * s * s * s) / 6
            weights[axis, 3] = t * t * t / 6
        for k in range(4):
            r[k] = (int(first_row) + k - 1) % rows
            c[k] = (int(first_column) + k - 1) % columns
        for m in range(maps):
            total = 0.0
            for i in range(4):
                line = 0.0
                for j in range(4):
                    line += weights[1, j] * coefficients[m, r[i], c[j]]
                total += weights[0, i] * line
            values[m, point] = total
