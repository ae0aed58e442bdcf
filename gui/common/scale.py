"""Scale: the prefix of an axis, chosen once and kept, so that the numbers on it never jump."""

import math

from spm_auto.units import format as format_quantity
from spm_auto.units import takes_prefix

_LARGEST, _SMALLEST = 1e4, 1e-2  # of what is shown, in the unit with prefix, before it changes


class Scale:
    """Turns SI values into the numbers on an axis, with a prefix that changes only when it must.

    Attributes:
        unit: SI unit of the values.
        factor: SI value of one unit of the axis.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.factor = 1.0
        self._is_set = False

    def fit(self, largest: float) -> bool:
        """Choose the prefix for values up to the largest one; returns whether it has changed.

        What is there stays, unless the numbers would become longer than four digits, or so small
        that two decimals say nothing.
        """
        if not takes_prefix(self.unit) or not math.isfinite(largest) or largest <= 0:
            return False
        if self._is_set and _SMALLEST <= largest / self.factor < _LARGEST:
            return False
        exponent = min(max(3 * math.floor(math.log10(largest) / 3), -30), 18)
        before, self.factor, self._is_set = self.factor, float(f"1e{exponent}"), True
        return self.factor != before

    @property
    def shown_unit(self) -> str:
        """The unit with its prefix, such as "nm"; empty for a pure number."""
        if self.unit == "1":
            return ""
        if not takes_prefix(self.unit):
            return self.unit
        return format_quantity(self.factor, self.unit, 1).split(" ", 1)[1]

    def label(self, name: str) -> str:
        """Return what is written at the axis; nothing where nothing is drawn over it yet."""
        if not name:
            return ""
        unit = self.shown_unit
        name = name.replace("_", " ")
        return f"{name} ({unit})" if unit else name
