"""Nanosurf Studio's script interface: length and text, Lua values both ways, measurement files."""

from .frames import HEADER, LONGEST, encode, length_of
from .lua import FUNCTION, Function, LuaError, Value, read_value, write_value
from .measurement import (
    IMAGE,
    OFFSETS,
    POINTS,
    SPECTROSCOPY,
    Measurement,
    Segment,
    Signal,
    is_measurement,
    read_measurements,
)
from .reply import Reply, error_reply, read_reply, write_reply
from .script import (
    Assign,
    Call,
    Expression,
    Path,
    Return,
    Statement,
    Table,
    read_script,
    write_call,
)

__all__ = [
    "FUNCTION",
    "HEADER",
    "IMAGE",
    "LONGEST",
    "OFFSETS",
    "POINTS",
    "SPECTROSCOPY",
    "Assign",
    "Call",
    "Expression",
    "Function",
    "LuaError",
    "Measurement",
    "Path",
    "Reply",
    "Return",
    "Segment",
    "Signal",
    "Statement",
    "Table",
    "Value",
    "encode",
    "error_reply",
    "is_measurement",
    "length_of",
    "read_measurements",
    "read_reply",
    "read_script",
    "read_value",
    "write_call",
    "write_reply",
    "write_value",
]
