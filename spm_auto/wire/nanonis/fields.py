"""Fields of the Nanonis protocol: their types on the wire, and how a body is packed and read.

Numbers are big-endian, one after another. Beside `H h I i f d` (as in `struct`) there are

========  =====================================================================================
str       int32 byte count, then the bytes
ai af     int32 element count, then int32 or float32
*f *I *i  elements only; there are as many as the field ``n`` says
strs      int32 size of all, int32 count, then each with its own int32 size
items     int32 count, then each with its own int32 size
*strs     int32 size of all, then each; as many as ``n`` or the array before it says
mat       int32 rows, int32 columns, float32 row by row
smat      int32 rows, int32 columns, then each with its own int32 size
========  =====================================================================================

Whole numbers and texts come as tuples, float32 as float64 arrays, a ``mat`` as [row, column].
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Values = dict[str, Any]

MOST = 16 * 2**20  # bytes in a body: an image of 2048 x 2048 pixels
LONGEST_ITEM = 255  # bytes: clients are known that cannot read a longer one in a list
LONGEST_SIDE = 65536  # of a matrix, also of one without elements
NUMBERS = {"H": ">H", "h": ">h", "I": ">I", "i": ">i", "f": ">f", "d": ">d"}
ARRAYS = {"i": ">i4", "I": ">u4", "f": ">f4"}


class Malformed(ValueError):
    """A body is not what its table says; the message tells which field and what is there."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a request or a reply.

    Attributes:
        name: Its name.
        kind: Its type on the wire.
        unit: Its unit there, empty for none.
    """

    name: str
    kind: str
    unit: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"field {self.name} has type {self.kind!r}, known are {sorted(KINDS)}")


def fields_of(text: str) -> tuple[Field, ...]:
    """Read fields as the tables have them: ``x:d m; y:d m``, or ``-`` for none."""
    if text.strip() == "-":
        return ()
    found = []
    for part in text.split(";"):
        name, _, rest = part.strip().partition(":")
        kind, _, unit = rest.partition(" ")
        found.append(Field(name, kind, unit.strip()))
    return tuple(found)


def pack(fields: Sequence[Field], values: Mapping[str, Any]) -> bytes:
    """Pack values, in the order of the fields; a count ``n`` follows from the arrays behind it.

    Raises:
        ValueError: A value is missing, too many, out of its type's range, or not ASCII.
    """
    names = {field.name for field in fields}
    if "n" in names and "n" not in values:
        values = {**values, "n": _common_length(fields, values)}
    if names != set(values):
        raise ValueError(f"expected the values {sorted(names)}, got {sorted(values)}")
    parts = []
    for field in fields:
        try:
            parts.append(KINDS[field.kind][0](values[field.name]))
        except (struct.error, TypeError, ValueError, OverflowError) as error:
            value = values[field.name]
            raise ValueError(f"{field.name} of {value!r} is no {field.kind}: {error}") from error
    return b"".join(parts)


def zeros(fields: Sequence[Field]) -> Values:
    """Return zero for each number and nothing for each text and list: the values of an error."""
    return {field.name: _zero(field.kind) for field in fields}


class Reader:
    """Reads fields off a body, from front to back."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._values: Values = {}
        self._last = 0  # length of the last list

    @property
    def left(self) -> int:
        """How many bytes were not read yet."""
        return len(self._body) - self._at

    def read(self, field: Field) -> Any:
        """Read one field.

        Raises:
            Malformed: The body is too short for it, or a count in it makes no sense.
        """
        try:
            value = KINDS[field.kind][1](self)
        except Malformed as error:
            raise Malformed(f"{field.name}: {error}") from error
        if isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.ndim == 1):
            self._last = len(value)
        self._values[field.name] = value
        return value

    def number(self, code: str) -> Any:
        """Read one number of a `struct` code."""
        form = NUMBERS[code]
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, size: int = 1) -> int:
        """Read a count of things that take at least so many bytes each."""
        return self._possible(self.number("i"), size)

    def expected(self, size: int) -> int:
        """Return the count that came before: ``n``, or the length of the last list."""
        return self._possible(self._values.get("n", self._last), size)

    def take(self, count: int) -> bytes:
        """Take so many bytes."""
        if count > self.left:
            raise Malformed(f"needs {count} bytes, {self.left} are left")
        self._at += count
        return self._body[self._at - count : self._at]

    def elements(self, code: str, count: int) -> Any:
        """Read numbers: whole ones as a tuple, others as an array."""
        array = np.frombuffer(self.take(4 * count), ARRAYS[code])
        return array.astype(float) if code == "f" else tuple(array.tolist())

    def texts(self, count: int) -> tuple[str, ...]:
        """Read texts, each with its size before it."""
        return tuple(to_text(self.take(self.count())) for _ in range(count))

    def _possible(self, count: int, size: int) -> int:
        if not 0 <= count * size <= self.left:
            raise Malformed(f"has a count of {count}, with {self.left} bytes left")
        return count


def to_text(data: bytes) -> str:
    """Read a text: UTF-8 where it is that, otherwise the code page of Windows; never fails."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _text(value: str) -> bytes:
    data = value.encode("ascii")  # every client can read this, and no other encoding
    return struct.pack(">i", len(data)) + data


def _item(value: str) -> bytes:
    if len(value) > LONGEST_ITEM:
        raise ValueError(f"{value[:20]!r}... has more than {LONGEST_ITEM} characters")
    return _text(value)


def _items(values: Sequence[str]) -> bytes:
    if isinstance(values, str):
        raise TypeError("a list of texts is wanted")
    return b"".join(_item(value) for value in values)


def _number(code: str) -> Callable[[Any], bytes]:
    return lambda value: struct.pack(NUMBERS[code], value)


def _elements(code: str) -> Callable[[Any], bytes]:
    def packed(values: Any) -> bytes:
        if code == "f":
            return np.asarray(values, float).astype(">f4").tobytes()
        return b"".join(struct.pack(NUMBERS[code], value) for value in values)

    return packed


def _counted(packed: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda values: struct.pack(">i", len(values)) + packed(values)


def _sized(packed: Callable[[Any], bytes], count: bool) -> Callable[[Any], bytes]:
    def whole(values: Any) -> bytes:
        data = packed(values)
        return struct.pack(">ii", len(data), len(values))[: 8 if count else 4] + data

    return whole


def _matrix(values: Any) -> bytes:
    matrix = np.asarray(values, float)
    if matrix.ndim != 2:
        raise ValueError(f"a matrix is wanted, its shape is {matrix.shape}")
    return struct.pack(">ii", *matrix.shape) + matrix.astype(">f4").tobytes()


def _text_matrix(rows: Any) -> bytes:
    columns = len(rows[0]) if rows else 0
    if any(len(row) != columns for row in rows):
        raise ValueError("its rows differ in length")
    return struct.pack(">ii", len(rows), columns) + b"".join(_items(row) for row in rows)


def _read_strs(reader: Reader) -> tuple[str, ...]:
    reader.number("i")  # the size of all, which clients are known to send wrong
    return reader.texts(reader.count(4))


def _read_sized(reader: Reader) -> tuple[str, ...]:
    reader.number("i")
    return reader.texts(reader.expected(4))


def _read_matrix(reader: Reader) -> Any:
    rows, columns = _shape(reader)
    return reader.elements("f", rows * columns).reshape(rows, columns)


def _read_text_matrix(reader: Reader) -> tuple[tuple[str, ...], ...]:
    rows, columns = _shape(reader)
    return tuple(reader.texts(columns) for _ in range(rows))


def _shape(reader: Reader) -> tuple[int, int]:
    rows, columns = reader.number("i"), reader.number("i")
    sides = (rows, columns)
    if min(sides) < 0 or max(sides) > LONGEST_SIDE or 4 * rows * columns > reader.left:
        raise Malformed(f"has {rows} x {columns} values, with {reader.left} bytes left")
    return rows, columns


def _common_length(fields: Sequence[Field], values: Mapping[str, Any]) -> int:
    counted = [f.name for f in fields if f.kind[0] == "*" and f.name in values]
    lengths = {name: len(values[name]) for name in counted}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"these must have one length: {lengths}")
    return next(iter(lengths.values()), 0)


def _zero(kind: str) -> Any:
    if kind in NUMBERS:
        return 0
    if kind == "str":
        return ""
    return np.zeros((0, 0)) if kind == "mat" else ()


KINDS: dict[str, tuple[Callable[[Any], bytes], Callable[[Reader], Any]]] = {
    "H": (_number("H"), lambda r: r.number("H")),
    "h": (_number("h"), lambda r: r.number("h")),
    "I": (_number("I"), lambda r: r.number("I")),
    "i": (_number("i"), lambda r: r.number("i")),
    "f": (_number("f"), lambda r: r.number("f")),
    "d": (_number("d"), lambda r: r.number("d")),
    "str": (_text, lambda r: to_text(r.take(r.count()))),
    "ai": (_counted(_elements("i")), lambda r: r.elements("i", r.count(4))),
    "af": (_counted(_elements("f")), lambda r: r.elements("f", r.count(4))),
    "*i": (_elements("i"), lambda r: r.elements("i", r.expected(4))),
    "*I": (_elements("I"), lambda r: r.elements("I", r.expected(4))),
    "*f": (_elements("f"), lambda r: r.elements("f", r.expected(4))),
    "strs": (_sized(_items, count=True), _read_strs),
    "items": (_counted(_items), lambda r: r.texts(r.count(4))),
    "*items": (_items, lambda r: r.texts(r.expected(4))),
    "*strs": (_sized(_items, count=False), _read_sized),
    "mat": (_matrix, _read_matrix),
    "smat": (_text_matrix, _read_text_matrix),
}
