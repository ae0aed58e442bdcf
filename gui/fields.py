"""Fields: where a human types a quantity. What is not allowed is refused at the field."""

import math

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLineEdit

from spm_auto.errors import UnitError
from spm_auto.units import format as format_quantity
from spm_auto.units import parse

Range = tuple[float, float]
_ANY: Range = (-math.inf, math.inf)


class QuantityField(QLineEdit):
    """A quantity as text with its unit, such as "500 nm"; never clipped, never guessed.

    Args:
        name: What it is, for messages ("scan width").
        unit: Its SI unit; "1" for a pure number.
        value: What stands there at first, in that unit; None for nothing.
        allowed: Lowest and highest value that is allowed.
        whole: Whether only whole numbers are allowed.
        optional: Whether it may be left empty.

    Signals:
        valued: What stands there has changed, good or bad.
    """

    valued = pyqtSignal()

    def __init__(
        self,
        name: str,
        unit: str,
        value: float | None = None,
        allowed: Range = _ANY,
        whole: bool = False,
        optional: bool = False,
    ) -> None:
        super().__init__()
        self.name, self.unit = name, unit
        self._allowed, self._whole, self._optional = allowed, whole, optional
        self.setAccessibleName(name)
        self.textChanged.connect(self._look)
        self.set_value(value)
        self._look()

    @property
    def allowed(self) -> Range:
        """Lowest and highest value that is allowed."""
        return self._allowed

    def set_allowed(self, allowed: Range) -> None:
        """Change what is allowed; what stands there stays, and may be wrong now."""
        self._allowed = allowed
        self._look()

    def set_value(self, value: float | None) -> None:
        """Write a value [SI]; None empties the field."""
        self.setText("" if value is None else format_quantity(value, self.unit, 6))

    def value(self) -> float | None:
        """Return what stands there [SI]; None where it is empty or wrong: see `fault`."""
        return None if self.fault() else self._read()

    def fault(self) -> str:
        """Return what is wrong with what stands there, in one line; empty where nothing is."""
        if not self.text().strip():
            return "" if self._optional else f"{self.name} is missing: {self._right()}"
        try:
            value = self._read()
        except UnitError as error:
            return f"{self.name}: {error}"
        if value is None or not math.isfinite(value):
            return f"{self.name} must be finite: {self._right()}"
        if self._whole and value != int(value):
            return f"{self.name} of {self.text()} is no whole number"
        low, high = self._allowed
        if not low <= value <= high:
            return (
                f"{self.name} of {format_quantity(value, self.unit, 6)} is outside {self._range()}"
            )
        return ""

    def _read(self) -> float | None:
        text = self.text().strip()
        if not text:
            return None
        return parse(text, self.unit)

    def _range(self) -> str:
        low, high = (format_quantity(end, self.unit, 6) for end in self._allowed)
        return f"{low} to {high}"

    def _right(self) -> str:
        if self._allowed == _ANY:
            return f"a quantity in {self.unit}" if self.unit != "1" else "a number"
        return self._range()

    def _look(self) -> None:
        """Show whether what stands there is right."""
        fault = self.fault()
        self.setToolTip(fault or f"{self.name}: {self._right()}")
        if self.property("fault") is not bool(fault):
            self.setProperty("fault", bool(fault))
            style = self.style()
            if style is not None:
                style.unpolish(self)
                style.polish(self)
        self.valued.emit()
