"""Surface: a periodic field on a grid that can be read anywhere."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from ...compiled import compiled
from ..splines import read_cubic, read_linear


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A periodic field that can be read anywhere.

    Attributes:
        size: Side of the square, centred on (0, 0) [m].
        coefficients: Of its spline, shape (cells, cells).
        is_smooth: Whether the spline is cubic; else straight lines join the cells, which keeps
            fields that jump from over-shooting.
    """

    size: float
    coefficients: FloatArray
    is_smooth: bool

    @classmethod
    def of(cls, field: FloatArray, size: float, is_smooth: bool = True) -> "Surface":
        """Prepare a field of shape (cells, cells)."""
        if not is_smooth:
            return cls(size, field, is_smooth)
        from scipy.ndimage import spline_filter

        coefficients: FloatArray = spline_filter(field, order=3, mode="grid-wrap")
        return cls(size, coefficients, is_smooth)

    def at(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the field at points [m], of their shape."""
        shape, values = np.shape(x), np.empty((1, np.size(x)))
        read = compiled(read_cubic if self.is_smooth else read_linear)
        maps, cell = self.coefficients[np.newaxis], self.size / len(self.coefficients)
        read(maps, np.ravel(x), np.ravel(y), cell, values)
        return values.reshape(shape)


def middles(size: float, cells: int) -> FloatArray:
    """Return the coordinates of the cells' middles along one side [m], shape (cells,)."""
    return np.asarray(((np.arange(cells) + 0.5) / cells - 0.5) * size)
