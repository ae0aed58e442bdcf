"""The tree of Studio: folders, properties with a value and a unit, and functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spm_auto.wire.nanosurf import FUNCTION, Value

Function = Callable[..., Value]


class ScriptFailure(Exception):
    """A script cannot be carried out; the message is what Studio answers."""


@dataclass(frozen=True, slots=True)
class Property:
    """A setting or a reading.

    Attributes:
        get: Returns its value; of a choice the number.
        set: Gives it another; None for what can only be read.
        unit: In which it is said; empty for none.
        reach: Smallest and largest value; None for no limit.
        options: Of a choice: names and their numbers.
    """

    get: Callable[[], Value]
    set: Callable[[Value], None] | None = None
    unit: str = ""
    reach: tuple[float, float] | None = None
    options: Mapping[str, int] = field(default_factory=dict)

    def fields(self) -> dict[str, Value]:
        """Return what stands in the tree of it, functions as functions."""
        said: dict[str, Value] = {"value": self.value()}
        if self.options:
            said |= {"value_raw": self.get(), "enum": dict(self.options)}
        if self.unit:
            said |= {"unit": self.unit}
        if self.reach is not None:
            low, high = self.reach
            said |= {"min": low, "max": high, "units": [self.unit]}
        return said | dict.fromkeys(self.functions(), FUNCTION)

    def functions(self) -> dict[str, Function]:
        """Return its functions by name."""
        found: dict[str, Function] = {"value_get": self.value}
        if self.set is not None:
            found["value_set"] = self.assign
        if self.options:
            found |= {"value_raw_get": self.get, "value_raw_set": self.assign_raw}
        if self.unit:
            found |= {"unit_get": lambda: self.unit, "unit_set": self._in_unit}
        if self.reach is not None:
            low, high = self.reach
            found |= {
                "min_get": lambda: low,
                "max_get": lambda: high,
                "units_get": lambda: [self.unit],
            }
        return found

    def value(self) -> Value:
        """Return its value; of a choice the name."""
        raw = self.get()
        return next((name for name, number in self.options.items() if number == raw), raw)

    def assign(self, value: Value) -> None:
        """Give it a value; of a choice the name."""
        if self.options:
            if value not in self.options:
                raise ScriptFailure(f"unknown option {value!r}: {', '.join(self.options)}")
            self._store(self.options[str(value)])
        else:
            self._store(value)

    def assign_raw(self, value: Value) -> None:
        """Give a choice a number."""
        if value not in self.options.values():
            raise ScriptFailure(f"{value!r} is none of {sorted(self.options.values())}")
        self._store(value)

    def _store(self, value: Value) -> None:
        if self.set is None:
            raise ScriptFailure("property is read only")
        held = self.get()
        wanted = type(held)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if wanted is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not wanted:
            raise ScriptFailure(f"bad argument #1 to 'value_set' ({wanted.__name__} expected)")
        if self.reach is not None and isinstance(value, int | float):
            low, high = self.reach
            if not low <= value <= high:
                raise ScriptFailure(f"value {value!r} out of range [{low!r}, {high!r}]")
        self.set(value)

    def _in_unit(self, unit: Value) -> None:
        if unit != self.unit:
            raise ScriptFailure(f"unit {unit!r} is not available; {self.unit!r} is")


Node = Property | Function | Mapping[str, "Node"]
Folder = Mapping[str, Node]


def written(node: Node) -> Value:
    """Return a part of the tree as a table."""
    if isinstance(node, Property):
        return node.fields()
    if isinstance(node, Mapping):
        return {name: written(child) for name, child in node.items()}
    return FUNCTION


def child(node: Node, name: str) -> "Node | Value":
    """Return what lies under a node: another node, or a field of a property; None for nothing."""
    if isinstance(node, Property):
        return node.functions().get(name) or node.fields().get(name)
    return node.get(name) if isinstance(node, Mapping) else None
