"""Parts: small things of which panels are made, so that they look and behave alike."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QComboBox, QLabel, QPushButton


def push_button(text: str, tip: str, shortcut: str = "") -> QPushButton:
    """Return a button that says in its tool tip what it does, and by which keys."""
    button = QPushButton(text)
    button.setAccessibleName(text)
    if shortcut:  # not the button's own, which goes whenever its text changes
        QShortcut(QKeySequence(shortcut), button).activated.connect(button.click)
    button.setToolTip(f"{tip} ({shortcut})" if shortcut else tip)
    return button


def words(name: str, role: str = "") -> QLabel:
    """Return a label for text that comes from elsewhere, in as many lines as it needs."""
    label = QLabel("")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAccessibleName(name)
    if role:
        label.setProperty("role", role)
    return label


def narrow_box(name: str) -> QComboBox:
    """Return a box to choose from that is no wider than there is room, whatever is in it."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    return box
