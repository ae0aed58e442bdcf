"""TwoParts: two parts of a view side by side, one above the other, or as tabs, as there is room."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QSplitter, QStackedLayout, QTabWidget, QWidget

_WIDE, _HIGH = 560, 360  # [pixels] that two parts need side by side, or one above the other


class TwoParts(QWidget):
    """Arranges two parts anew whenever its size asks for it.

    Args:
        parts: The parts.
        names: What is written on the tabs.
        shares: How the room is shared by default.
    """

    def __init__(
        self, parts: tuple[QWidget, QWidget], names: tuple[str, str], shares: tuple[int, int]
    ) -> None:
        super().__init__()
        self._parts, self._names, self._shares = parts, names, shares
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._splitter)
        self._stack.addWidget(self._tabs)
        self._split()

    @property
    def is_tabbed(self) -> bool:
        """Whether only one part is seen at a time."""
        return self._stack.currentWidget() is self._tabs

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - a name of Qt
        """Arrange the parts as there is room."""
        super().resizeEvent(event)
        is_wide = self.width() >= _WIDE
        is_small = not is_wide and self.height() < _HIGH
        if is_small is not self.is_tabbed:
            if is_small:
                self._put_in_tabs()
            else:
                self._split()
        across = is_wide and self.width() > self.height()
        self._splitter.setOrientation(
            Qt.Orientation.Horizontal if across else Qt.Orientation.Vertical
        )

    def _split(self) -> None:
        for part in self._parts:
            self._splitter.addWidget(part)
            part.show()
        self._splitter.setSizes(list(self._shares))
        self._stack.setCurrentWidget(self._splitter)

    def _put_in_tabs(self) -> None:
        for part, name in zip(self._parts, self._names, strict=True):
            self._tabs.addTab(part, name)
        self._stack.setCurrentWidget(self._tabs)
