"""Codec: a record to bytes and back, with msgpack for the structure and raw bytes for arrays.

Only the value types named here can be written or made; nothing is imported, called or evaluated by
what a file says.
"""

import dataclasses
import math
import struct
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, get_args

import msgpack
import numpy as np

from ..errors import DataError
from ..instrument import (
    BiasWaveform,
    Channel,
    ForceCurve,
    Instruction,
    QualityFlag,
    ScanFrame,
    ScanLine,
    Spectrum,
)
from .audit import Outcome
from .events import Event, FinishReason, Record
from .findings import Verdict

_VALUES: dict[str, Any] = {
    value.__name__: value
    for value in (
        *get_args(Event),
        *get_args(Instruction),
        BiasWaveform,
        Channel,
        ForceCurve,
        Record,
        ScanFrame,
        ScanLine,
        Spectrum,
    )
}
_FIELDS = {value: tuple(f.name for f in dataclasses.fields(value)) for value in _VALUES.values()}
_WORDS: dict[str, type[StrEnum]] = {
    word.__name__: word for word in (FinishReason, Outcome, QualityFlag, Verdict)
}
_EVENTS = frozenset(get_args(Event))
_PLAIN = frozenset((type(None), bool, int, float, str))
_KIND, _ARRAY, _WORD = "~kind", "~array", "~word"
FLOAT = "~float"  # what JSON has no word for; here, so that no table may have it as a key
_DTYPES = {name: np.dtype(name) for name in ("<f8", "<f4", "<i8", "<i4", "|b1", "|u1")}
WHAT_GARBAGE_RAISES = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    msgpack.UnpackException,
)

Array = np.ndarray[Any, np.dtype[Any]]


def encode(record: Record) -> tuple[bytes, bytes]:
    """Turn a record into a header (msgpack) and the bytes of its arrays, one after another.

    Raises:
        TypeError: It holds a value that the journal does not know.
    """
    body: list[bytes] = []
    offset = 0

    def keep(array: Array) -> dict[str, Any]:
        nonlocal offset
        body.append(array.tobytes())
        place = {"offset": offset}
        offset += array.nbytes
        return place

    try:
        header = msgpack.packb(to_tree(record, keep), unicode_errors="backslashreplace")
    except OverflowError as error:
        raise TypeError("the journal does not store whole numbers beyond 64 bits") from error
    return header, b"".join(body)


def decode(header: bytes, body: bytes) -> Record:
    """Make the record that was encoded.

    Raises:
        DataError: The bytes are no record.
    """

    def make(table: dict[str, Any]) -> Any:  # called from the leaves up: a table's values are made
        return _made(table, fetch)

    def fetch(place: Mapping[str, Any], dtype: np.dtype[Any], count: int) -> Array:
        return np.frombuffer(body, dtype, count, place["offset"])

    try:
        return _checked(msgpack.unpackb(header, use_list=False, object_hook=make))
    except WHAT_GARBAGE_RAISES as error:
        raise DataError(f"not a record of this version: {error}") from error


def to_tree(value: Any, keep: Callable[[Array], Mapping[str, Any]]) -> Any:
    """Turn a value into tables, lists, text and numbers.

    Args:
        value: A record, or what one holds.
        keep: Stores an array and says where, by names of its own.

    Raises:
        TypeError: It holds a value that the journal does not know.
    """
    kind = type(value)
    if kind in _PLAIN:  # what there is most of is asked for first
        return value
    if kind in _FIELDS:
        tree: dict[str, Any] = {_KIND: kind.__name__}
        for field in _FIELDS[kind]:
            item = getattr(value, field)
            tree[field] = item if type(item) in _PLAIN else to_tree(item, keep)
        return tree
    if isinstance(value, StrEnum):
        return {_WORD: kind.__name__, "value": str(value)}
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        array = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
        if array.dtype.str not in _DTYPES:
            raise TypeError(f"the journal does not store arrays of {array.dtype}")
        return {_ARRAY: array.dtype.str, "shape": array.shape, **keep(array)}
    if isinstance(value, Mapping):
        if not value.keys().isdisjoint((_KIND, _ARRAY, _WORD, FLOAT)):
            raise TypeError(f"the journal does not store a table with a key of its own: {value}")
        return {str(key): to_tree(item, keep) for key, item in value.items()}
    if isinstance(value, tuple | list):
        if _PLAIN.issuperset(map(type, value)):  # as the biases of a waveform
            return list(value)
        return [to_tree(item, keep) for item in value]
    raise TypeError(f"the journal does not store values of type {kind.__name__}")


def to_record(tree: Any, fetch: Callable[[Mapping[str, Any], np.dtype[Any], int], Array]) -> Record:
    """Make the record that a tree tells of.

    Args:
        tree: What `to_tree` gave; lists may have become tuples and the other way round.
        fetch: Gives so many values of a type from where ``keep`` stored them.

    Raises:
        DataError: It is no record.
    """
    return _checked(from_tree(tree, fetch))


def _checked(record: Any) -> Record:
    if not isinstance(record, Record):
        raise DataError(f"expected a record, found {type(record).__name__}")
    if type(record.event) not in _EVENTS:
        raise DataError(f"expected an event, found {type(record.event).__name__}")
    return record


def is_same(one: Any, other: Any) -> bool:
    """Say whether two records, or what they hold, are equal in kind and in every bit."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is float:
        return bool(one == other != 0.0) or struct.pack("<d", one) == struct.pack("<d", other)
    if kind in _PLAIN:
        return bool(one == other)
    if kind in _FIELDS:
        return all(is_same(getattr(one, field), getattr(other, field)) for field in _FIELDS[kind])
    if kind is tuple or kind is list:
        return len(one) == len(other) and all(map(is_same, one, other))
    if kind is dict:
        return list(one) == list(other) and all(map(is_same, one.values(), other.values()))
    if kind is np.ndarray:
        is_alike = one.dtype == other.dtype and one.shape == other.shape
        return is_alike and bool(one.tobytes() == other.tobytes())
    return bool(one == other)


def from_tree(value: Any, fetch: Callable[[Mapping[str, Any], np.dtype[Any], int], Array]) -> Any:
    """Make the value that a tree tells of, which may be any that `to_tree` takes.

    Args:
        value: What `to_tree` gave; lists may have become tuples.
        fetch: See `to_record`.

    Raises:
        One of `WHAT_GARBAGE_RAISES`: It is none.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, tuple | list):
        if _PLAIN.issuperset(map(type, value)):
            return tuple(value)
        return tuple([from_tree(item, fetch) for item in value])
    if not isinstance(value, dict):
        return value
    table = {
        key: item if type(item) in _PLAIN else from_tree(item, fetch)  # a third of the calls
        for key, item in value.items()
    }
    return _made(table, fetch)


def _made(
    table: dict[str, Any], fetch: Callable[[Mapping[str, Any], np.dtype[Any], int], Array]
) -> Any:
    """Make what a table tells of, whose values are made already."""
    if _KIND in table:
        return _VALUES[table.pop(_KIND)](**table)
    if _ARRAY in table:
        dtype = _DTYPES.get(table[_ARRAY])
        if dtype is None:
            raise ValueError(f"arrays of {table[_ARRAY]!r} are not read")
        shape = tuple(table["shape"])
        if set(map(type, shape)) - {int} or min(shape, default=0) < 0:
            raise ValueError(f"{shape} is no shape of an array")
        return fetch(table, dtype, math.prod(shape)).reshape(shape)
    if _WORD in table:
        return _WORDS[table[_WORD]](table["value"])
    return table
