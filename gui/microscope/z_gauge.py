"""ZGauge: where the z piezo is between its ends, as read back."""

import math

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from spm_auto.instrument import Vitals
from spm_auto.units import format as format_quantity

from ..common.theme import Theme

NEAR_END = 0.1  # of the range: nearer to an end the loop will soon not follow any more
_WIDTH, _BAR = 92, 14  # [pixels]


class ZGauge(QWidget):
    """A scale with the ends of the z piezo and a mark where it is.

    Args:
        theme: The colours.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._vitals: Vitals | None = None
        self._is_engaged: bool | None = None
        self.setFixedWidth(_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("z of the tip")

    @property
    def words(self) -> str:
        """What it says, in words."""
        vitals = self._vitals
        if vitals is None:
            return "z is not told"
        if not math.isfinite(vitals.z):
            return "z cannot be read"
        text = f"z {format_quantity(vitals.z, 'm', 4)}"
        return f"{text}, near an end of its range" if self.is_near_end else text

    @property
    def share(self) -> float | None:
        """How far up its range z is, 0 to 1; None where nobody can tell."""
        vitals = self._vitals
        if vitals is None or not all(map(math.isfinite, (vitals.z, *vitals.z_range))):
            return None
        low, high = vitals.z_range
        return (vitals.z - low) / (high - low) if high > low else None

    @property
    def is_near_end(self) -> bool:
        """Whether the piezo is about to reach an end, with the tip at the sample."""
        share = self.share
        return share is not None and not NEAR_END <= share <= 1 - NEAR_END

    def show_vitals(self, vitals: Vitals | None, is_engaged: bool | None) -> None:
        """Show what is read back.

        Args:
            vitals: What the instrument feels; None where nobody can tell.
            is_engaged: Whether the tip is at the sample; None where nobody can tell.
        """
        if (vitals, is_engaged) != (self._vitals, self._is_engaged):
            self._vitals, self._is_engaged = vitals, is_engaged
            self.setToolTip(self.words)
            self.setAccessibleDescription(self.words)
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Return how large it wants to be."""
        return QSize(_WIDTH, 160)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002  (Qt's name)
        """Draw the scale, its ends, and the mark."""
        painter = QPainter(self)
        line = painter.fontMetrics().height()
        top, bottom = 2.0 * line, self.height() - 2.0 * line
        painter.setPen(QColor(self._theme.ink))
        self._write(painter, 0, "z", Qt.AlignmentFlag.AlignLeft)
        engaged = {True: "engaged", False: "withdrawn", None: "not read back"}[self._is_engaged]
        painter.setPen(QColor(self._theme.ink if self._is_engaged else self._theme.faint))
        self._write(painter, self.height() - line, engaged, Qt.AlignmentFlag.AlignLeft)
        bar = QRectF(2, top, _BAR, max(1.0, bottom - top))
        painter.setPen(QPen(QColor(self._theme.faint), 1))
        painter.setBrush(QColor(self._theme.panel))
        painter.drawRect(bar)
        vitals, share = self._vitals, self.share
        if vitals is None or share is None:
            painter.setPen(QColor(self._theme.faint))
            text = "not told" if vitals is None else self._number(vitals.z)
            painter.drawText(QPointF(_BAR + 8, (top + bottom) / 2), text)
            painter.end()
            return
        painter.setPen(QColor(self._theme.faint))
        painter.drawText(QPointF(2, top - 4), self._number(vitals.z_range[1]))
        painter.drawText(QPointF(2, bottom + line - 2), self._number(vitals.z_range[0]))
        colour = QColor(self._theme.warning if self.is_near_end else self._theme.tip)
        at = bottom - min(max(share, 0.0), 1.0) * (bottom - top)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(2, at), QPointF(2 + _BAR, at))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        tip = QPointF(2 + _BAR, at)
        painter.drawPolygon(QPolygonF([tip, tip + QPointF(7, -5), tip + QPointF(7, 5)]))
        painter.setPen(QColor(self._theme.ink))
        baseline = min(max(at + line / 3, top + line * 0.6), bottom)
        painter.drawText(QPointF(_BAR + 11, baseline), self._number(vitals.z))
        painter.end()

    def _write(self, painter: QPainter, y: float, text: str, flag: Qt.AlignmentFlag) -> None:
        painter.drawText(QRectF(2, y, self.width() - 2, 40), flag, text)

    def _number(self, value: float) -> str:
        return format_quantity(value, "m", 4) if math.isfinite(value) else "not read"
