"""OneLine: a label that never needs more room than it has; what does not fit is in its tool tip."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy, QWidget


class OneLine(QLabel):
    """A line of text that is cut off with an ellipsis, and says what it is by its role.

    Args:
        text: What stands there.
        role: What it is, as the theme knows it: "good", "faint", "warning", "alarm", ...
    """

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._full = ""
        self.say(text, role)

    @property
    def full(self) -> str:
        """All of the text."""
        return self._full

    @property
    def role(self) -> str:
        """What it is."""
        return str(self.property("role") or "")

    def say(self, text: str, role: str = "") -> None:
        """Show a text, and what it is."""
        set_role(self, role)
        if text != self._full:
            self._full = text
            self.setToolTip(text)
            self.setAccessibleDescription(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Cut the text off anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        line = " ".join(self._full.split())
        shown = self.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, self.width())
        if shown != self.text():
            self.setText(shown)


def set_role(widget: QWidget, role: str) -> None:
    """Say what a widget is; the theme has its colours."""
    if (widget.property("role") or "") == role:
        return
    widget.setProperty("role", role)
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
