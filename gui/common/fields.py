"""Fields: where a human types a quantity. What is not allowed is refused at the field."""

import math
from decimal import Decimal

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QLineEdit

from spm_auto.errors import UnitError
from spm_auto.units import format as format_quantity
from spm_auto.units import parse

Range = tuple[float, float]
_ANY: Range = (-math.inf, math.inf)
_DIGITS = 6  # significant ones of what is written into a field
# what word processors and web pages put in the place of a minus sign or a space
_TYPOGRAPHY = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " "})


def written(value: float, unit: str, digits: int = _DIGITS) -> str:
    """Write a quantity as the window shows it: an engineering prefix, angles in degrees."""
    if unit == "rad" and math.isfinite(value):
        return f"{math.degrees(value) + 0.0:.{digits}g} deg"
    return format_quantity(value, unit, digits)


def written_range(allowed: Range, unit: str) -> str:
    """Write what is allowed: "-10 V to 10 V", "at most 5 Hz", "at least 2"."""
    low, high = allowed
    if math.isinf(low):
        return f"at most {written(high, unit)}"
    if math.isinf(high):
        return f"at least {written(low, unit)}"
    return f"{written(low, unit)} to {written(high, unit)}"


class QuantityField(QLineEdit):
    """A quantity as text with its unit, such as "500 nm"; never clipped, never guessed.

    The arrow keys step the digit at the cursor. What was typed in another way ("0.5 um") is written
    in the usual one when the field is left, where that changes nothing of its value.

    Args:
        name: What it is, for messages ("scan width").
        unit: Its SI unit; "1" for a pure number.
        value: What stands there at first, in that unit; None for nothing.
        allowed: Lowest and highest value that is allowed.
        whole: Whether only whole numbers are allowed.
        optional: Whether it may be left empty.
        positive: Whether it must be more than 0.

    Attributes:
        name: What it is.
        unit: Its SI unit.
        default: What stood there at first; None where nothing did.

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
        positive: bool = False,
    ) -> None:
        super().__init__()
        self.name, self.unit = name, unit
        self._allowed, self._whole, self._optional = allowed, whole, optional
        self._positive = positive
        self._refused = ""
        self._tip = ""
        self.default = value
        self.setAccessibleName(name)
        self.textChanged.connect(self._change)
        self.editingFinished.connect(self._tidy)
        self.set_value(value)
        self._look()

    @property
    def allowed(self) -> Range:
        """Lowest and highest value that is allowed."""
        return self._allowed

    @property
    def is_optional(self) -> bool:
        """Whether it may be left empty."""
        return self._optional

    @property
    def is_missing(self) -> bool:
        """Whether it is empty and must not be: not wrong yet, but nothing can be done with it."""
        return not self._optional and not self.text().strip()

    def set_allowed(self, allowed: Range) -> None:
        """Change what is allowed; what stands there stays, and may be wrong now."""
        if allowed != self._allowed:
            self._allowed = allowed
            self._look()
            self.valued.emit()

    def set_unit(self, unit: str) -> None:
        """Change the unit; what stands there stays, and may be wrong now."""
        if unit != self.unit:
            self.unit = unit
            self._look()
            self.valued.emit()

    def set_tip(self, tip: str) -> None:
        """Say what the quantity is, for the tool tip."""
        self._tip = tip
        self._look()

    def set_value(self, value: float | None) -> None:
        """Write a value [SI]; None empties the field."""
        self.setText("" if value is None else written(value, self.unit))

    def value(self) -> float | None:
        """Return what stands there [SI]; None where it is empty or wrong: see `fault`."""
        return None if self.own_fault() else self._read()

    def refuse(self, why: str) -> None:
        """Say why what stands there is not allowed together with all else; empty where it is."""
        if why != self._refused:
            self._refused = why
            self._look()

    def fault(self) -> str:
        """Return what is wrong with what stands there, in one line; empty where nothing is."""
        return self.own_fault() or self._refused

    def own_fault(self) -> str:
        """Return what is wrong with it whatever stands in other fields; empty where nothing is."""
        if not self.text().strip():
            return "" if self._optional else f"{self.name} is missing: {self._right()}"
        try:
            value = self._read()
        except UnitError as error:
            return f"{self.name}: {error}{self._but()}"
        if value is None or not math.isfinite(value):
            return f"{self.name} must be finite: {self._right()}"
        if self._whole and value != int(value):
            return f"{self.name} of {self.text()} is no whole number"
        shown = written(value, self.unit)
        if self._positive and value <= 0:
            return f"{self.name} of {shown} must be more than 0{self._but()}"
        low, high = self._allowed
        if not low <= value <= high:
            return f"{self.name} of {shown} is outside {written_range(self._allowed, self.unit)}"
        return ""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Step the digit at the cursor by the arrow keys."""
        keys = {int(Qt.Key.Key_Up): 1, int(Qt.Key.Key_Down): -1}
        if event is not None and event.key() in keys and not self.isReadOnly():
            self.step(keys[event.key()])
            event.accept()
            return
        super().keyPressEvent(event)

    def step(self, by: int) -> None:
        """Step the digit left of the cursor; one that leaves what is allowed is shown as wrong."""
        stepped = _stepped(self.text(), self.cursorPosition(), by)
        if stepped is not None:
            text, cursor = stepped
            self.setText(text)
            self.setCursorPosition(cursor)
            self.textEdited.emit(text)

    def _read(self) -> float | None:
        text = self.text().translate(_TYPOGRAPHY).strip()
        if not text:
            return None
        return parse(text, self.unit)

    def _right(self) -> str:
        if self._allowed == _ANY:
            what = f"a quantity in {self.unit}" if self.unit != "1" else "a number"
            return f"{what}, more than 0" if self._positive else what
        return written_range(self._allowed, self.unit)

    def _but(self) -> str:
        """Name the limits at the end of a message about something else."""
        if self._allowed == _ANY:
            return ""
        return f" ({written_range(self._allowed, self.unit)} is allowed)"

    def _tidy(self) -> None:
        """Write what was typed in the usual way, where that changes nothing of it."""
        if self.own_fault() or not self.text().strip():
            return
        value = self._read()
        if value is not None:
            tidy = written(value, self.unit, 12)
            if tidy != self.text() and parse(tidy, self.unit) == value:
                self.setText(tidy)

    def _change(self) -> None:
        self._refused = ""
        self._look()
        self.valued.emit()

    def _look(self) -> None:
        """Show whether what stands there is right."""
        fault = self.fault()
        about = self._tip or self.name
        lines = [about, self._right()]
        if self.default is not None:
            lines.append(f"at first {written(self.default, self.unit)}")
        self.setToolTip(fault or "\n".join(lines))
        is_wrong = bool(fault) and not self.is_missing
        if self.property("fault") is not is_wrong:
            self.setProperty("fault", is_wrong)
            style = self.style()
            if style is not None:
                style.unpolish(self)
                style.polish(self)


def _stepped(text: str, cursor: int, by: int) -> tuple[str, int] | None:
    """Step the digit left of the cursor in a text such as "-12.5 nm".

    Args:
        text: What stands there.
        cursor: Before which character the cursor is.
        by: How many steps of that digit.

    Returns:
        The text after it, and where the cursor is then; None where no number stands there.
    """
    end = 0
    while end < len(text) and (text[end].isdigit() or text[end] in "+-−. "):
        end += 1
    number = text[:end].rstrip().translate(_TYPOGRAPHY)
    digits = [i for i, char in enumerate(number) if char.isdigit()]
    if not digits or text[end : end + 1] in ("e", "E"):
        return None
    try:
        value = Decimal(number.strip())
    except ArithmeticError:
        return None
    at = max((i for i in digits if i < cursor), default=digits[0])
    point = number.index(".") if "." in number else len(number)
    place = point - at - 1 if at < point else point - at  # the exponent of ten of that digit
    decimals = max(len(number) - point - 1, 0)
    new = f"{value + by * Decimal(10) ** place:.{decimals}f}"
    if new.startswith("-") and not new.strip("-0."):
        new = new[1:]  # there is no -0
    after = new.index(".") if "." in new else len(new)
    where = after - place if place >= 0 else after - place + 1
    return new + text[len(number) :], min(max(where, 0), len(new))
