"""Grids: whether points of the sample stand on a regular, complete raster, and which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray, ScanFrame

_STRAY = 0.1  # of a pitch: how far a position that was read back may be off its place


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A raster of points.

    Attributes:
        frame: Whose pixels the points are.
        order: Which point stands where, shape [line, pixel].
    """

    frame: ScanFrame
    order: NDArray[np.intp]


def grid_of(points: Sequence[tuple[float, float]], angle: float = 0.0) -> Grid | None:
    """Find the raster that points make, whatever the order in which they were measured.

    Args:
        points: Sample coordinates (x, y) [m].
        angle: Turn of the raster, counter-clockwise from x [rad].

    Returns:
        The raster of at least 2 x 2 points; None when they are none, or not all of it is there.
    """
    n = len(points)
    if n < 4:
        return None
    x, y = np.array(points).T
    turned = ScanFrame((float(x[0]), float(y[0])), (1.0, 1.0), angle=angle)
    u, v = turned.to_frame(x, y)
    for across in (d for d in range(2, n // 2 + 1) if n % d == 0):
        pixel, width, stray_u = _along(u, across)
        line, height, stray_v = _along(v, n // across)
        order = np.full((n // across, across), -1)
        order[line, pixel] = np.arange(n)
        if max(stray_u, stray_v) <= _STRAY and (order >= 0).all():
            center = turned.from_frame((u.min() + u.max()) / 2, (v.min() + v.max()) / 2)
            middle = (float(center[0]), float(center[1]))
            pixels = (across, n // across)
            return Grid(ScanFrame(middle, (width, height), pixels, angle), order)
    return None


def _along(w: FloatArray, count: int) -> tuple[NDArray[np.intp], float, float]:
    """Put coordinates [m] into so many places of equal pitch.

    Returns:
        The place of each, the extent of all places [m], and how far the worst one strays from its
        place [pitches].
    """
    pitch = float(w.max() - w.min()) / (count - 1)
    if pitch <= 0:
        return np.zeros(len(w), dtype=np.intp), 0.0, np.inf
    exact = (w - w.min()) / pitch
    places = np.rint(exact).astype(np.intp)
    return places, pitch * count, float(np.abs(exact - places).max())
