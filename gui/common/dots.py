"""Dots: points of one look on a plot, drawn anew only where they have changed."""

from typing import Any

import numpy as np

from spm_auto.instrument import FloatArray

from .qt import pg


class Dots:
    """Points on a plot. As a rule some come at the end: the others are left as they are.

    Args:
        size: Of each [pixels].
        symbol: Which one of pyqtgraph's symbols.
    """

    def __init__(self, size: int, symbol: str = "o") -> None:
        self.item = pg.ScatterPlotItem(size=size, pxMode=True, symbol=symbol)
        self.x = self.y = np.empty(0)

    def set_colours(self, inside: str, edge: Any) -> None:
        """Change the colours; the edge is a colour, or None for none."""
        self.item.setPen(pg.mkPen(edge, width=1) if edge is not None else pg.mkPen(None))
        self.item.setBrush(pg.mkBrush(inside))

    def show(self, x: FloatArray, y: FloatArray) -> None:
        """Show points, each array of shape (n,)."""
        n, before_x, before_y = len(self.x), self.x, self.y
        self.x, self.y = np.array(x, dtype=float), np.array(y, dtype=float)
        is_longer = len(x) >= n and np.array_equal(self.x[:n], before_x)
        if not (is_longer and np.array_equal(self.y[:n], before_y)):
            self.item.setData(x=self.x, y=self.y)
        elif len(x) > n:
            self.item.addPoints(x=self.x[n:], y=self.y[n:])
