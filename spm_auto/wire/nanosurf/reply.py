"""Replies of Studio: a table of a status and of what was returned, or of what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from .lua import Value, read_value, write_value
from .tokens import LuaError


@dataclass(frozen=True, slots=True)
class Reply:
    """What Studio answered.

    Attributes:
        is_error: Whether the script failed.
        values: What it returned; of an error what went wrong.
    """

    is_error: bool
    values: tuple[Value, ...]

    @property
    def value(self) -> Value:
        """The first value, and nil when nothing was returned."""
        return self.values[0] if self.values else None


def read_reply(text: str) -> Reply:
    """Read a reply.

    Raises:
        LuaError: It is not ``{status,{values}}``.
    """
    table = read_value(text)
    match table:
        case [0 | 1, [*values]] if not isinstance(table[0], bool):
            return Reply(table[0] == 1, tuple(values))
        case [1, str(message)]:
            return Reply(True, (message,))
    raise LuaError(f"{{status,{{result}}}} expected, got {text[:60]!r}")


def write_reply(values: Sequence[Value]) -> str:
    """Return the reply of a script that went well."""
    return f"{{0,{write_value(list(values))}}}"


def error_reply(message: str) -> str:
    """Return the reply of a script that failed."""
    return f"{{1,{write_value([message])}}}"
