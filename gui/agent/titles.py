"""Titles: what stands above a plot. It makes the plot no wider, and what matters most is kept."""

from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFont, QFontMetricsF

_POINTS = 9  # size of the letters
_LEAST = 40.0  # [pixels] narrower plots are not laid out yet
_TITLE = "title"  # property of a plot: its title, what is kept of it, and the colour


def entitle(plot: Any, title: str, colour: str, kept: str = "") -> None:
    """Write a title above a plot; where it does not fit it is cut, and the tool tip has all of it.

    Args:
        plot: A pyqtgraph PlotItem.
        title: The title, cut first.
        colour: Of the letters.
        kept: The end of it, which is never cut, such as a unit.
    """
    axis = plot.getAxis("top")
    if not axis.isVisible():
        plot.showAxis("top")
        axis.setTicks([])
        axis.setPen(None)
        axis.enableAutoSIPrefix(False)
        plot.vb.sigResized.connect(lambda *_: _fit(plot))
    plot.setProperty(_TITLE, (title, kept, colour))
    axis.label.setToolTip(f"{title}{kept}")
    _fit(plot)


def recolour(plot: Any, colour: str) -> None:
    """Give a title another colour."""
    told = plot.property(_TITLE)
    if told is not None:
        entitle(plot, told[0], colour, told[1])


def _fit(plot: Any) -> None:
    title, kept, colour = plot.property(_TITLE)
    axis, room = plot.getAxis("top"), plot.vb.width()
    font = QFont()
    font.setPointSize(_POINTS)
    metrics = QFontMetricsF(font)
    if room > _LEAST:
        left = room - metrics.horizontalAdvance(kept)
        title = metrics.elidedText(title, Qt.TextElideMode.ElideRight, max(left, _LEAST))
    text = f"{title}{kept}"
    if text != axis.labelText or axis.labelStyle.get("color") != colour:
        axis.setLabel(text, color=colour, **{"font-size": f"{_POINTS}pt"})
