"""Codec: a record to bytes and back, with msgpack for the structure and raw bytes for arrays.

Only the value types named here can be written or made; nothing is imported, called or evaluated by
what a file says.
"""

import dataclasses
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, get_args

import msgpack
import numpy as np

from ..errors import DataError
from ..instrument import (
    BiasWaveform,
    Channel,
    Instruction,
    QualityFlag,
    ScanFrame,
    ScanLine,
    Spectrum,
)
from .events import Event, FinishReason, Record

_VALUES: dict[str, Any] = {
    value.__name__: value
    for value in (
        *get_args(Event),
        *get_args(Instruction),
        BiasWaveform,
        Channel,
        Record,
        ScanFrame,
        ScanLine,
        Spectrum,
    )
}
_WORDS: dict[str, type[StrEnum]] = {word.__name__: word for word in (FinishReason, QualityFlag)}
_KIND, _ARRAY, _WORD = "~kind", "~array", "~word"
_PLAIN = frozenset((type(None), bool, int, float, str))
_DTYPES = ("<f8", "<f4", "<i8", "<i4", "|b1", "|u1")
_WHAT_GARBAGE_RAISES = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    msgpack.UnpackException,
)


def encode(record: Record) -> tuple[bytes, bytes]:
    """Turn a record into a header (msgpack) and the bytes of its arrays, one after another.

    Raises:
        TypeError: It holds a value that the journal does not know.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    try:
        header = msgpack.packb(_pack(record, arrays), unicode_errors="backslashreplace")
    except OverflowError as error:
        raise TypeError("the journal does not store whole numbers beyond 64 bits") from error
    return header, b"".join(array.tobytes() for array in arrays)


def decode(header: bytes, body: bytes) -> Record:
    """Make the record that was encoded.

    Raises:
        DataError: The bytes are no record.
    """
    try:
        tree = msgpack.unpackb(header, use_list=False)
        record = _unpack(tree, memoryview(body))
    except _WHAT_GARBAGE_RAISES as error:
        raise DataError(f"not a record of this version: {error}") from error
    if not isinstance(record, Record):
        raise DataError(f"expected a record, found {type(record).__name__}")
    if not isinstance(record.event, Event):
        raise DataError(f"expected an event, found {type(record.event).__name__}")
    return record


def _pack(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, StrEnum):
        return {_WORD: type(value).__name__, "value": str(value)}
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        array = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
        if array.dtype.str not in _DTYPES:
            raise TypeError(f"the journal does not store arrays of {array.dtype}")
        offset = sum(other.nbytes for other in arrays)
        arrays.append(array)
        return {_ARRAY: array.dtype.str, "shape": array.shape, "offset": offset}
    if type(value).__name__ in _VALUES and dataclasses.is_dataclass(value):
        fields = {f.name: _pack(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {_KIND: type(value).__name__, **fields}
    if isinstance(value, Mapping):
        if not value.keys().isdisjoint((_KIND, _ARRAY, _WORD)):
            raise TypeError(f"the journal does not store a table with a key of its own: {value}")
        return {str(key): _pack(item, arrays) for key, item in value.items()}
    if isinstance(value, tuple | list):
        if _PLAIN.issuperset(map(type, value)):  # the biases of a waveform are many
            return value
        return [_pack(item, arrays) for item in value]
    raise TypeError(f"the journal does not store values of type {type(value).__name__}")


def _unpack(value: Any, body: memoryview) -> Any:
    if isinstance(value, tuple):
        if _PLAIN.issuperset(map(type, value)):
            return value
        return tuple(_unpack(item, body) for item in value)
    if not isinstance(value, dict):
        return value
    if _WORD in value:
        return _WORDS[value[_WORD]](value["value"])
    if _ARRAY in value:
        if value[_ARRAY] not in _DTYPES:
            raise ValueError(f"arrays of {value[_ARRAY]!r} are not read")
        shape = tuple(value["shape"])
        if not all(isinstance(length, int) and length >= 0 for length in shape):
            raise ValueError(f"{shape} is no shape of an array")
        flat = np.frombuffer(body, np.dtype(value[_ARRAY]), math.prod(shape), value["offset"])
        return flat.reshape(shape)
    fields = {key: _unpack(item, body) for key, item in value.items() if key != _KIND}
    return _VALUES[value[_KIND]](**fields) if _KIND in value else fields
