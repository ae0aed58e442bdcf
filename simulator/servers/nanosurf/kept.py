"""Kept: settings of the emulated Studio that only keep a value, and what a fault makes of it."""

from collections.abc import Mapping
from typing import Any

from ..wire_faults import WireFaults
from .nodes import Property


class Kept:
    """Values by their place in the tree.

    Args:
        faults: What goes wrong with them.
    """

    def __init__(self, faults: WireFaults) -> None:
        self._faults = faults
        self._values: dict[str, Any] = {}

    def __getitem__(self, place: str) -> Any:
        return self._values[place]

    def __setitem__(self, place: str, value: Any) -> None:
        self._values[place] = value

    def property(
        self,
        place: str,
        value: Any,
        unit: str = "",
        reach: tuple[float, float] | None = None,
        options: Mapping[str, int] | None = None,
    ) -> Property:
        """Return a property that keeps a value.

        Args:
            place: Its path in the tree, without ``root``.
            value: At first.
            unit: In which it is said.
            reach: Smallest and largest value.
            options: Of a choice.
        """
        self._values[place] = value

        def store(new: Any) -> None:
            if self._faults.strike(f"{place}.value_set", "coerced"):
                new = new + 2 if isinstance(new, int) else new * 1.1 + 1e-9
            self._values[place] = new

        return Property(lambda: self._values[place], store, unit, reach, options or {})
