"""Panel: plain values that are set and read back, with the rules of the Nanonis protocol.

A table row is a name, for values by number the number's field and its range, and the values with
what they are at first. Behind a value may stand a rule for what its ``Set`` means:

====== =========================================================================
flag   0 keeps, 1 is on, 2 is off; ``Get`` says 1 for on and 0 for off
shift  0 keeps, the others are one more than what ``Get`` says
zero   0 keeps
minus  a negative number keeps
two    2 keeps
empty  an empty text keeps
====== =========================================================================

A number that is NaN always keeps; one that is infinite is refused.
"""

import math
import threading
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spm_auto.wire.nanonis import Values

_KEEPS: dict[str, Callable[[Any], bool]] = {
    "flag": lambda value: value == 0,
    "shift": lambda value: value == 0,
    "zero": lambda value: value == 0,
    "minus": lambda value: value < 0,
    "two": lambda value: value == 2,
    "empty": lambda value: value == "",
    "": lambda value: False,  # noqa: ARG005
}


@dataclass(frozen=True, slots=True)
class Knob:
    """One value.

    Attributes:
        default: What it is at first.
        rule: What a ``Set`` means by it.
    """

    default: Any
    rule: str = ""

    def changed(self, name: str, value: Any, present: Any) -> Any:
        """Return what a ``Set`` makes of it.

        Raises:
            ValueError: The value is none.
        """
        if isinstance(value, float) and math.isnan(value):
            return present
        if isinstance(value, float) and math.isinf(value):
            raise ValueError(f"{name} must be finite, got {value}")
        if _KEEPS[self.rule](value):
            return present
        if self.rule == "flag":
            if value not in (1, 2):
                raise ValueError(f"{name} is 0 to keep, 1 for on or 2 for off, got {value}")
            return 2 - value
        return value - 1 if self.rule == "shift" else value


@dataclass(frozen=True, slots=True)
class Row:
    """Values that are set and read together.

    Attributes:
        name: Without the ``Set`` and ``Get`` behind it.
        knobs: The values by field.
        index: Field of the number by which there are several; empty for one of them.
        indexes: Which numbers there are.
    """

    name: str
    knobs: Mapping[str, Knob]
    index: str = ""
    indexes: range = range(1)

    @classmethod
    def parse(cls, text: str) -> "Row":
        """Read a row such as ``LockIn.ModAmp by mod 1 8 | amp=0.0``."""
        head, _, tail = text.partition("|")
        name, *by = head.split()
        knobs = {}
        for part in tail.split(";"):
            field, _, rest = part.strip().partition("=")
            default, _, rule = rest.rpartition(" ") if rest[-1].isalpha() else (rest, "", "")
            knobs[field] = Knob(literal_eval(default), rule)
        if not by:
            return cls(name, knobs)
        return cls(name, knobs, by[1], range(int(by[2]), int(by[3]) + 1))


class Panel:
    """All plain values; any thread may set and read.

    Args:
        table: The rows, as text.
    """

    def __init__(self, table: str) -> None:
        rows = [Row.parse(line) for line in table.replace("\n    ", " ").splitlines() if line]
        self.rows = {row.name: row for row in rows}
        self._values = {
            (row.name, number): {field: knob.default for field, knob in row.knobs.items()}
            for row in rows
            for number in row.indexes
        }
        self._lock = threading.Lock()

    def get(self, name: str, values: Values | None = None) -> Values:
        """Return the values of a row, those of a number where there are several.

        Raises:
            ValueError: There is no such number.
        """
        key = self._key(name, values or {})
        with self._lock:
            return dict(self._values[key])

    def set(self, name: str, values: Values) -> None:
        """Change the values of a row; those that are missing stay.

        Raises:
            ValueError: A value is none; nothing was changed.
        """
        key, knobs = self._key(name, values), self.rows[name].knobs
        with self._lock:
            present = self._values[key]
            self._values[key] = present | {
                field: knob.changed(field, values[field], present[field])
                for field, knob in knobs.items()
                if field in values
            }

    def put(self, name: str, **values: Any) -> None:
        """Put values of a row without asking what a ``Set`` would mean."""
        with self._lock:
            self._values[name, self.rows[name].indexes[0]].update(values)

    def value(self, name: str, field: str) -> Any:
        """Return one value."""
        return self.get(name)[field]

    def _key(self, name: str, values: Values) -> tuple[str, int]:
        row = self.rows[name]
        if not row.index:
            return name, row.indexes[0]
        number = values.get(row.index, row.indexes[0])
        if number not in row.indexes:
            first, last = row.indexes[0], row.indexes[-1]
            raise ValueError(f"{row.index} is {first} to {last}, got {number}")
        return name, number
