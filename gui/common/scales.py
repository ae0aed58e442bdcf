"""Scales: the bar that tells how long something is in an image, and the bar of its colours."""

import math
from typing import Any

import numpy as np

from .drawing import N_COLOURS, NM, Shown, colour_axes, look_up_table, with_alpha
from .qt import pg
from .theme import Theme

_SHARE = 0.22  # of the width that a scale bar takes at most
_BAR_WIDTH = 16  # of the colours [pixels]


def round_length(longest: float) -> float:
    """Return the longest of 1, 2, 5, 10, ... that is not longer; same unit."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(power * digit for digit in (1.0, 2.0, 5.0) if power * digit <= longest * (1 + 1e-9))


class ScaleBar:
    """A bar in the lower left corner of a plot, as long as its text says.

    Args:
        plot: A pyqtgraph PlotItem, in nanometres; see `spm_auto.gui.common.drawing`.
        theme: The colours.
    """

    def __init__(self, plot: Any, theme: Theme) -> None:
        self._box = plot.getViewBox()
        self._behind = pg.PlotCurveItem()
        self._line = pg.PlotCurveItem()
        self._text = pg.TextItem(anchor=(0.0, 1.0))
        for at, item in enumerate((self._behind, self._line, self._text)):
            item.setZValue(100 + at)
            self._box.addItem(item, ignoreBounds=True)
        self.length = math.nan  # [m]
        self.set_theme(theme)
        self._box.sigRangeChanged.connect(lambda *_: self.place())
        self._box.sigResized.connect(lambda *_: self.place())

    @property
    def text(self) -> str:
        """What stands above the bar."""
        return str(self._text.toPlainText())

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._behind.setPen(pg.mkPen(theme.panel, width=7))
        self._line.setPen(pg.mkPen(theme.ink, width=3))
        self._text.fill = pg.mkBrush(with_alpha(theme.panel, 190))
        self._text.setColor(theme.ink)
        self.place()

    def place(self) -> None:
        """Put it where the view is now."""
        (left, right), (bottom, top) = self._box.viewRange()
        width, height = right - left, top - bottom
        if not (0 < width < math.inf and 0 < height < math.inf):
            return
        length = round_length(width * _SHARE)
        x, y = left + 0.04 * width, bottom + 0.05 * height
        ends = np.array([x, x + length])
        self._behind.setData(ends, np.array([y, y]))
        self._line.setData(ends, np.array([y, y]))
        self._text.setPos(x, y + 0.008 * height)  # the bar may be shorter than its text
        self.length = length * NM
        self._text.setText(_length(self.length))


def _length(length: float) -> str:
    """Write the length of a scale bar, which is round."""
    for unit, size in (("mm", 1e-3), ("um", 1e-6), ("nm", 1e-9)):
        if length >= size * (1 - 1e-9):
            return f"{length / size:.3g} {unit}"
    return f"{length / 1e-12:.3g} pm"


class ColourBar:
    """The colours of an image beside it, with the numbers that they stand for.

    Args:
        layout: A pyqtgraph GraphicsLayout (or widget) to put it into.
        row: Where in it.
        column: Where in it.
        theme: The colours of axis and words.
    """

    def __init__(self, layout: Any, row: int, column: int, theme: Theme) -> None:
        self.plot = layout.addPlot(row=row, col=column)
        self.plot.setMouseEnabled(False, False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self._image = pg.ImageItem(np.arange(N_COLOURS, dtype=np.uint8)[:, None])
        self.plot.addItem(self._image)
        self.plot.hideAxis("left")
        self.plot.getAxis("bottom").setStyle(showValues=False, tickLength=0)
        self.plot.getAxis("bottom").setLabel(" ")  # as high as that of the image beside it
        self.plot.showAxis("right")
        self.axis = self.plot.getAxis("right")
        self.axis.enableAutoSIPrefix(False)
        self.axis.setWidth(62)
        self.plot.setFixedWidth(_BAR_WIDTH + 62 + 6)
        self.levels = (math.nan, math.nan)
        self.label = ""
        self.clear()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of axis and words."""
        colour_axes(self.plot, theme.ink, theme.faint)

    def set_map(self, name: str) -> None:
        """Show another colour map."""
        self._image.setLookupTable(look_up_table(name))

    def clear(self) -> None:
        """Show no colours and no numbers: nothing is drawn that they could stand for."""
        self.levels, self.label = (math.nan, math.nan), ""
        self._unit: Shown | None = None
        self._image.hide()
        self.axis.setStyle(showValues=False)
        self.axis.setLabel("")

    def show_levels(self, low: float, high: float, name: str, unit: Shown) -> None:
        """Show which values the colours stand for.

        Args:
            low: Of the first colour [SI].
            high: Of the last one [SI].
            name: What is shown.
            unit: In which unit to write it.
        """
        label = f"{name} [{unit.text}]" if unit.text else name
        if label != self.label:
            self.label = label
            self.axis.setLabel(label)
        if (low, high, unit) == (*self.levels, self._unit):
            return
        self.levels, self._unit = (low, high), unit
        self._image.show()
        self.axis.setStyle(showValues=True)
        bottom, top = low * unit.per_unit, high * unit.per_unit
        self._image.setRect(0.0, bottom, 1.0, top - bottom)
        self.plot.setRange(xRange=(0.0, 1.0), yRange=(bottom, top), padding=0)
