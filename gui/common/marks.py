"""Marks: what is drawn on the sample besides an image: spectra, places, the tip."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PyQt6.QtGui import QColor

from spm_auto.ear import Look
from spm_auto.instrument import FloatArray

from .drawing import NM, pen, with_alpha
from .qt import pg
from .selection import Place
from .theme import Theme

REACH = 9  # a click so near to a mark means it [pixels]


def edge(theme: Theme) -> str:
    """Return the darker of the colours of panel and ink: the edge of a mark on an image."""
    return min((theme.panel, theme.ink), key=lambda colour: QColor(colour).lightness())


class SpectrumMarks:
    """Where spectra were taken: dots, the chosen ones larger.

    Args:
        plot: A pyqtgraph PlotItem, in nanometres.
        theme: The colours.
        symbol: Shape of the dots, as pyqtgraph calls it.
    """

    def __init__(self, plot: Any, theme: Theme, symbol: str = "o") -> None:
        self._plot, self._theme = plot, theme
        self._dots = pg.ScatterPlotItem(size=7, symbol=symbol, pxMode=True)
        self._rings = pg.ScatterPlotItem(size=13, pxMode=True)
        for at, item in enumerate((self._dots, self._rings)):
            item.setZValue(20 + at)
            plot.addItem(item, ignoreBounds=True)
        self.places = np.empty((0, 2))  # [m]
        self.indices: tuple[int, ...] = ()
        self.chosen: tuple[int, ...] = ()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._dots.setBrush(pg.mkBrush(theme.measured))
        self._dots.setPen(pen(edge(theme)))
        self._rings.setBrush(None)
        self._rings.setPen(pg.mkPen(theme.accent, width=2))

    def show(self, places: Sequence[Place], indices: Sequence[int]) -> None:
        """Show spectra: where each is [m], and which of the run."""
        self.places = np.array(places, dtype=float).reshape(-1, 2)
        self.indices = tuple(indices)
        self._dots.setData(self.places[:, 0] / NM, self.places[:, 1] / NM)
        self.choose(self.chosen)

    def choose(self, chosen: Sequence[int]) -> None:
        """Mark those that are looked at."""
        self.chosen = tuple(chosen)
        wanted = set(self.chosen)
        at = [i for i, index in enumerate(self.indices) if index in wanted]
        self._rings.setData(self.places[at, 0] / NM, self.places[at, 1] / NM)

    def at(self, x: float, y: float) -> int | None:
        """Return which spectrum is meant by a click [m]; None where there is none."""
        if not len(self.places):
            return None
        distance = in_pixels(self._plot, self.places - np.array([x, y]))
        nearest = int(np.argmin(distance))
        return self.indices[nearest] if distance[nearest] <= REACH else None


class PlaceMark:
    """One mark on the sample, or none.

    Args:
        plot: A pyqtgraph PlotItem, in nanometres.
        symbol: Its shape, as pyqtgraph calls it.
        size: Its size [pixels].
        above: How far above others it is drawn.
    """

    def __init__(self, plot: Any, symbol: str, size: int, above: int) -> None:
        self._item = pg.ScatterPlotItem(size=size, symbol=symbol, pxMode=True)
        self._item.setZValue(above)
        plot.addItem(self._item, ignoreBounds=True)
        self.place: Place | None = None

    def set_colours(self, line: str, inside: str = "", width: int = 2) -> None:
        """Change the colours of its edge and its inside; no inside leaves it open."""
        self._item.setPen(pg.mkPen(line, width=width))
        self._item.setBrush(pg.mkBrush(with_alpha(inside, 210)) if inside else None)

    def show(self, place: Place | None) -> None:
        """Put it there [m], or take it away."""
        if place is not None and not all(map(math.isfinite, place)):
            place = None
        if place == self.place:
            return
        self.place = place
        x, y = ([], []) if place is None else ([place[0] / NM], [place[1] / NM])
        self._item.setData(x, y)

    def set_visible(self, is_visible: bool) -> None:
        """Let it be seen or not, wherever it is."""
        self._item.setVisible(is_visible)


class TipMark(PlaceMark):
    """Where the tip is: as it reads back, or what the journal said last while nobody looks."""

    def __init__(self, plot: Any) -> None:
        super().__init__(plot, "+", 17, 90)
        self._journal: Place | None = None
        self._colours = "", ""
        self.is_read_back = False

    def set_theme(self, theme: Theme) -> None:
        """Change the colours: fainter while nobody reads it back."""
        self._colours = theme.faint, theme.tip
        self.set_colours(self._colours[self.is_read_back])

    def take_run(self, probe: Place | None) -> None:
        """Take what the journal says [m]."""
        self._journal = probe
        if not self.is_read_back:
            self.show(probe)

    def take_look(self, look: Look | None) -> None:
        """Take what the instrument reads back; None where nobody can tell."""
        if self.is_read_back is not (look is not None):
            self.is_read_back = look is not None
            self.set_colours(self._colours[self.is_read_back])
        self.show(self._journal if look is None else look.status.position)


def in_pixels(plot: Any, ways: FloatArray) -> FloatArray:
    """Return how long ways on a plot are on the screen [pixels]; shape (n, 2) [m] to (n,)."""
    across, up = plot.getViewBox().viewPixelSize()
    return np.asarray(np.hypot(ways[:, 0] / NM / across, ways[:, 1] / NM / up))
