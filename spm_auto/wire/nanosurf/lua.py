"""Lua values: tables, numbers and texts as Python's own, read and written without running any."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .script import FUNCTION, Call, Expression, Function, Path, Table, read_expression
from .tokens import LuaError

Value: TypeAlias = (
    "bool | int | float | str | Function | Sequence[Value] | Mapping[Any, Value] | None"
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = {
    *(
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "goto",
        "if",
        "in",
    ),
    *("local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"),
}
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0"}

__all__ = ["FUNCTION", "Function", "LuaError", "Value", "read_value", "write_value"]


def read_value(text: str) -> Value:
    """Read a value: a table without names is a list, one with names or gaps a dictionary.

    Raises:
        LuaError: It is no value of Lua, or one that would have to be worked out first.
    """
    return as_value(read_expression(text))


def as_value(expression: Expression) -> Value:
    """Turn an expression that needs no tree into what it stands for.

    Raises:
        LuaError: It asks the tree for something.
    """
    if isinstance(expression, Path | Call):
        raise LuaError(f"{expression} is no value")
    if not isinstance(expression, Table):
        return expression
    items = [as_value(item) for item in expression.items]
    if not expression.named:
        return items
    table: dict[str | int, Value] = dict(enumerate(items, start=1))
    table.update((key, as_value(value)) for key, value in expression.named)
    if sorted(table, key=str) == sorted(range(1, len(table) + 1), key=str):
        return [table[index] for index in range(1, len(table) + 1)]
    return table


def write_value(value: Value) -> str:
    """Return a value as Lua reads it; a function becomes one that does nothing.

    Raises:
        ValueError: A number is infinite or none: Lua has no word for it.
    """
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(_ESCAPED.get(sign, sign) for sign in value) + '"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"Lua cannot be told {value}")
        return repr(value)
    if isinstance(value, Function):
        return "function() end"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(k)}={write_value(v)}" for k, v in value.items()) + "}"
    return "{" + ",".join(write_value(item) for item in value) + "}"


def _key(key: str | int) -> str:
    if isinstance(key, str) and _NAME.fullmatch(key) and key not in _RESERVED:
        return key
    return f"[{write_value(key)}]"
