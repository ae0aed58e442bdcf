"""Records as lines of JSON, and back, bit for bit; what they hold of arrays is elsewhere.

A line is the tree of the journal's codec. JSON has no word for numbers that are not finite: they
are written ``{"~float": BITS}``, the 16 hexadecimal digits of the number, NaN's payload included.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...errors import DataError
from ..codec import FLOAT, WHAT_GARBAGE_RAISES, Array, to_record, to_tree
from ..events import Record

_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def to_line(record: Record, keep: Callable[[Array], Mapping[str, Any]]) -> str:
    """Tell a record in one line; ``keep`` says where an array is, see `codec.to_tree`."""
    tree = to_tree(record, keep)
    try:
        return _JSON.encode(tree)
    except ValueError:  # the exception, so that most lines are written at the encoder's speed
        return _JSON.encode(_spelt(tree))


def from_line(
    line: str, fetch: Callable[[Mapping[str, Any], "np.dtype[Any]", int], Array]
) -> Record:
    """Make the record that a line tells of; ``fetch`` brings an array, see `codec.to_record`.

    Raises:
        DataError: The line tells of no record.
    """
    try:
        hook = _number if FLOAT in line else None
        return to_record(json.loads(line, object_hook=hook), fetch)
    except WHAT_GARBAGE_RAISES as error:
        raise DataError(f"not a record of this version: {error}") from error


def _spelt(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: struct.pack(">d", value).hex()}
    if isinstance(value, dict):
        return {key: _spelt(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_spelt(item) for item in value]
    return value


def _number(table: dict[str, Any]) -> Any:
    if FLOAT not in table:
        return table
    (value,) = struct.unpack(">d", bytes.fromhex(table[FLOAT]))
    return value
