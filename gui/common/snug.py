"""Snug: a part that scrolls where there is too little room, and takes no more than it needs."""

from PyQt6.QtCore import QEvent, QObject, QSize
from PyQt6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget


class SnugArea(QScrollArea):
    """Scrolls what is inside, and is never higher than that.

    Args:
        inside: What is inside; it has a layout.
    """

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(inside)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of what is inside, as high as it is at this width."""
        inside, viewport = self.widget(), self.viewport()
        layout = None if inside is None else inside.layout()
        if layout is None or viewport is None:
            return super().sizeHint()
        hint, width = layout.totalSizeHint(), viewport.width()
        high = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else hint.height()
        return QSize(hint.width(), high)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Take more room, or less, when what is inside changes."""
        if event is not None and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self.updateGeometry()
        return super().eventFilter(watched, event)
