"""Reading periodic maps between their cells; compiled when first needed.

The middle of the first cell of a map lies at (-s/2 + c/2, -s/2 + c/2), where s is the side of the
sample and c that of a cell, and the map goes on at its opposite edges.
"""

import math

import numpy as np

from spm_auto.instrument import FloatArray


def read_cubic(
    coefficients: FloatArray, x: FloatArray, y: FloatArray, cell: float, values: FloatArray
) -> None:
    """Sum the sixteen cubic B-splines around each point, for each map.

    Args:
        coefficients: Of the splines, shape [map, row, column], as many rows as columns.
        x: Where [m], shape (n,).
        y: Where [m], shape (n,).
        cell: Side of a cell [m].
        values: Takes the values, shape [map, n].
    """
    maps, cells = coefficients.shape[:2]
    middle = (cells - 1) / 2
    weights, near = np.empty((2, 4)), np.empty((2, 4), dtype=np.int64)
    for point in range(x.size):
        for axis in range(2):
            place = (y[point] if axis == 0 else x[point]) / cell + middle
            first = math.floor(place)
            t = place - first
            s = 1 - t
            weights[axis, 0] = s * s * s / 6
            weights[axis, 1] = (4 - 6 * t * t + 3 * t * t * t) / 6
            weights[axis, 2] = (4 - 6 * s * s + 3 * s * s * s) / 6
            weights[axis, 3] = t * t * t / 6
            is_inside = 1 <= first < cells - 2
            for k in range(4):
                near[axis, k] = first + k - 1 if is_inside else (first + k - 1) % cells
        for m in range(maps):
            total = 0.0
            for i in range(4):
                line = 0.0
                for j in range(4):
                    line += weights[1, j] * coefficients[m, near[0, i], near[1, j]]
                total += weights[0, i] * line
            values[m, point] = total


def read_linear(
    maps: FloatArray, x: FloatArray, y: FloatArray, cell: float, values: FloatArray
) -> None:
    """Draw straight lines between the four cells around each point, for each map.

    Args:
        maps: Shape [map, row, column], as many rows as columns.
        x: Where [m], shape (n,).
        y: Where [m], shape (n,).
        cell: Side of a cell [m].
        values: Takes the values, shape [map, n].
    """
    cells = maps.shape[1]
    middle = (cells - 1) / 2
    for point in range(x.size):
        u, v = x[point] / cell + middle, y[point] / cell + middle
        left, below = math.floor(u), math.floor(v)
        across, along = u - left, v - below
        left, below = left % cells, below % cells
        right = left + 1 if left + 1 < cells else 0
        above = below + 1 if below + 1 < cells else 0
        for m in range(maps.shape[0]):
            low = (1 - across) * maps[m, below, left] + across * maps[m, below, right]
            high = (1 - across) * maps[m, above, left] + across * maps[m, above, right]
            values[m, point] = (1 - along) * low + along * high
