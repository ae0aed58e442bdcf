"""Gauge: a value between its limits, as a bar with a mark."""

import math

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from .theme import Theme

_NEAR = 0.1  # share of the range next to an end that deserves a look
_HEIGHT, _MARK = 12, 4  # [px]


class Gauge(QWidget):
    """A horizontal bar with a mark where a value is; red where it is near an end that matters.

    Args:
        theme: The colours.
        warns_below: Whether the lower end matters.
        is_filled: Whether the bar is filled up to the mark.
    """

    def __init__(self, theme: Theme, warns_below: bool = True, is_filled: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._warns_below, self._is_filled = warns_below, is_filled
        self._share = math.nan
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def share(self) -> float:
        """Where the mark is, from 0 to 1; NaN where there is none."""
        return self._share

    @property
    def role(self) -> str:
        """What the value is: "good", "warning" or "alarm"; "faint" where there is none."""
        if math.isnan(self._share):
            return "faint"
        room = 1.0 - self._share
        if self._warns_below:
            room = min(room, self._share)
        return "good" if room > _NEAR else "warning" if room > 0.0 else "alarm"

    def show_value(self, value: float, low: float, high: float) -> None:
        """Show a value between its limits; nothing where one of the three is not known."""
        is_known = all(map(math.isfinite, (value, low, high))) and high > low
        share = min(1.0, max(0.0, (value - low) / (high - low))) if is_known else math.nan
        if share != self._share and not (math.isnan(share) and math.isnan(self._share)):
            self._share = share
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return how large it would like to be."""
        return QSize(60, _HEIGHT)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002, N802 - Qt's name
        """Draw it."""
        theme = self._theme
        colours = {"good": theme.good, "warning": theme.warning, "alarm": theme.alarm}
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, width = self.height() / 2, float(self.width())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.faint))
        painter.setOpacity(0.45)
        painter.drawRoundedRect(QRectF(0, middle - 2, width, 4), 2, 2)
        painter.setOpacity(1.0)
        if math.isnan(self._share):
            return
        painter.setBrush(QColor(colours[self.role]))
        x = self._share * (width - _MARK)
        if self._is_filled:
            painter.drawRoundedRect(QRectF(0, middle - 2, x + _MARK, 4), 2, 2)
        painter.drawRoundedRect(QRectF(x, middle - 5, _MARK, 10), 1.5, 1.5)
