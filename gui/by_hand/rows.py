"""Rows: a field with its name before it, what is read back behind it, and its fault below it."""

from PyQt6.QtWidgets import QGridLayout, QLabel, QSizePolicy

from ..common.fields import QuantityField

UNKNOWN = "—"  # what nobody reads back


def say(label: QLabel, text: str, role: str | None = None) -> None:
    """Show a text; an empty one takes no room."""
    if role is not None and label.property("role") != role:
        label.setProperty("role", role)
        style = label.style()
        if style is not None:
            style.unpolish(label)
            style.polish(label)
    label.setText(text)
    label.setVisible(bool(text))


def words(text: str = "", role: str = "") -> QLabel:
    """Make a label that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    if role:
        label.setProperty("role", role)
    return label


class Row:
    """A field with its name before it, what is read back behind it, and what is wrong below it.

    Attributes:
        field: Where the quantity is typed.
    """

    def __init__(self, grid: QGridLayout, name: str, field: QuantityField, tip: str) -> None:
        self.field = field
        self._name = QLabel(name)
        self._name.setBuddy(field)
        self._read = QLabel("")
        self._read.setProperty("role", "faint")
        self._read.setAccessibleName(f"{field.name}, read back")
        self._said = words(role="alarm")
        self._said.hide()
        self._is_used = True
        field.set_tip(tip)
        self._name.setToolTip(tip)
        at = grid.rowCount()
        grid.addWidget(self._name, at, 0)
        grid.addWidget(field, at, 1)
        grid.addWidget(self._read, at, 2)
        grid.addWidget(self._said, at + 1, 0, 1, 3)

    @property
    def is_used(self) -> bool:
        """Whether the quantity belongs to what is asked for now."""
        return self._is_used

    @property
    def read(self) -> str:
        """What is shown as read back."""
        return self._read.text()

    @property
    def said(self) -> str:
        """What is shown to be wrong."""
        return self._said.text()

    def use(self, is_used: bool) -> None:
        """Show it, or take it away."""
        self._is_used = is_used
        for widget in (self._name, self.field, self._read):
            widget.setVisible(is_used)
        if not is_used:
            self._said.hide()

    def show_read(self, text: str, tip: str = "") -> None:
        """Show what is read back."""
        self._read.setText(text)
        self._read.setToolTip(tip)

    def show_fault(self, text: str) -> None:
        """Show what is wrong, below the field."""
        say(self._said, text if self._is_used else "")
