"""The pages of an RHK file (.sm4), as they lie in it: headers, texts, positions, raw numbers.

The file is a tree of little-endian structures. Each has a list of objects, which are a type, an
offset and a size: the file leads to the index of pages, a page to its header and its data, and the
header to its texts and to the places of its spectra.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from ...errors import DataError
from ...instrument import FloatArray

MAGIC = "STiMage 005.".encode("utf-16-le")  # after two bytes

_INDEX_HEADER, _INDEX, _HEADER, _DATA, _PLACES, _STRINGS = 1, 2, 3, 4, 8, 10  # types of objects
_IMAGE, _LINE = 0, 1  # types of pages
_LEFT = 1  # the way back
_DISCRETE = 22  # spectra that have their axis with them
_FLOATS = {1, 6, 9, 10, 11, 13, 18, 19, 21, 22}  # types of lines that are no integers
_COMPLETED = 13  # which text says how many lines were scanned

_FILE = struct.Struct("<H36s5I")
_OBJECT = struct.Struct("<3I")
_INDEX_HEAD = struct.Struct("<4I")
_ENTRY = struct.Struct("<16s4I")
_PAGE = struct.Struct("<2H3I2i6I2i11f4I64x")
_PLACE = struct.Struct("<7f")  # time, x, y, and four of drift
_MOST = 4096  # pages, objects or texts; more are no honest file


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page: one channel in one direction, or the curves of one channel.

    Attributes:
        number: Which page of the file.
        kind: Image, line or something else.
        line_kind: What a line is, and whether it is stored as integers.
        size: Columns and rows: pixels and lines, or points and curves.
        direction: Right 0, left 1.
        scale: Signed steps of x and y, and of the values.
        offset: The middle of an image or the start of a line, y, and that of the values.
        bias: At which it was taken [V].
        current: The set-point [A].
        angle: Rotation of the frame [deg].
        strings: The texts that go with it.
        places: Where each curve was taken (x, y) [m]; NaN where it does not say.
        data: The raw bytes.
    """

    number: int
    kind: int
    line_kind: int
    size: tuple[int, int]
    direction: int
    scale: tuple[float, float, float]
    offset: tuple[float, float, float]
    bias: float
    current: float
    angle: float
    strings: tuple[str, ...]
    places: tuple[tuple[float, float], ...]
    data: bytes

    @property
    def is_image(self) -> bool:
        """Whether it is an image."""
        return self.kind == _IMAGE

    @property
    def is_line(self) -> bool:
        """Whether it is curves."""
        return self.kind == _LINE

    @property
    def is_backward(self) -> bool:
        """Whether it is the way back."""
        return self.direction == _LEFT

    @property
    def is_float(self) -> bool:
        """Whether its values are floats and no integers."""
        return self.line_kind in _FLOATS

    @property
    def label(self) -> str:
        """Name of what was measured."""
        return self._string(0) or f"page {self.number}"

    @property
    def completed(self) -> int:
        """How many lines were scanned; 0 where it does not say."""
        text = self._string(_COMPLETED)
        return int(text) if text.isdecimal() else 0

    @property
    def sweep(self) -> tuple[Any, ...]:
        """What pages have in common that are channels of the same spectra."""
        return (self.line_kind, self.size, self.scale[0], self.offset[0], self.places)

    def unit(self, axis: str) -> str:
        """Return the unit of "x", "y" or "z" as it stands there."""
        return self._string(7 + "xyz".index(axis))

    def values(self) -> tuple[FloatArray, FloatArray | None]:
        """Return the raw numbers by row, and the axis where it is stored with them."""
        columns, rows = self.size
        flat = np.frombuffer(self.data, "<f4" if self.is_float else "<i4")
        if self.is_line and self.line_kind == _DISCRETE:
            table = flat.reshape(columns, rows + 1).swapaxes(0, 1)
            return table[1:], table[0]
        return flat.reshape(rows, columns), None

    def _string(self, number: int) -> str:
        return self.strings[number].strip() if number < len(self.strings) else ""


def read_pages(content: bytes) -> list[Page]:
    """Read the pages of an RHK file.

    Raises:
        DataError: Something leads out of the file, or is larger than a file can hold.
        struct.error: The file ends too early.
    """
    head, _, _, objects, *_ = _FILE.unpack_from(content, 0)
    index = _find(_objects(content, head + 2, objects), _INDEX_HEADER, "index of pages")
    count, objects, *_ = _INDEX_HEAD.unpack_from(content, index[0])
    array = _find(
        _objects(content, index[0] + _INDEX_HEAD.size, objects), _INDEX, "list of its pages"
    )
    if count > _MOST:
        raise DataError(f"the file declares {count} pages, more than {_MOST}")
    return list(_walk(content, array[0], count))


def _walk(content: bytes, place: int, count: int) -> Iterator[Page]:
    for number in range(count):
        _, kind, _, objects, _ = _ENTRY.unpack_from(content, place)
        place += _ENTRY.size
        leads_to = _objects(content, place, objects)
        place += objects * _OBJECT.size
        if kind in (_IMAGE, _LINE):
            yield _page(content, number, kind, leads_to)
        else:
            yield _unknown(number, kind)


def _page(content: bytes, number: int, kind: int, leads_to: dict[int, tuple[int, int]]) -> Page:
    start, _ = _find(leads_to, _HEADER, f"header of page {number}")
    fields = _PAGE.unpack_from(content, start)
    length, strings, line_kind, size, direction = (*fields[:2], fields[4], fields[7:9], fields[10])
    scale, offset, (bias, current, angle) = fields[15:18], fields[19:22], fields[23:26]
    inner = _objects(content, start + max(length, _PAGE.size), fields[29])
    columns, rows = size
    at, declared = _find(leads_to, _DATA, f"data of page {number}")
    needed = 4 * columns * (rows + (kind == _LINE and line_kind == _DISCRETE))
    if min(size) < 1 or needed > declared or at + needed > len(content):
        raise DataError(
            f"page {number} of {columns} x {rows} values needs {needed} bytes; "
            f"{min(declared, max(len(content) - at, 0))} are there"
        )
    places = _places(content, inner.get(_PLACES), rows) if kind == _LINE else ()
    texts = _strings(content, inner.get(_STRINGS), strings)
    data = content[at : at + needed]
    return Page(
        number, kind, line_kind, size, direction, scale, offset,
        bias, current, angle, texts, places, data,
    )  # fmt: skip


def _unknown(number: int, kind: int) -> Page:
    nothing = (nan, nan, nan)
    return Page(number, kind, 0, (0, 0), 0, nothing, nothing, nan, nan, nan, (), (), b"")


def _objects(content: bytes, place: int, count: int) -> dict[int, tuple[int, int]]:
    """Return where the objects of a list lie and how long they are, the first of each type."""
    if count > _MOST:
        raise DataError(f"the file declares a list of {count} objects, more than {_MOST}")
    found: dict[int, tuple[int, int]] = {}
    for number in range(count):
        kind, offset, size = _OBJECT.unpack_from(content, place + number * _OBJECT.size)
        found.setdefault(kind, (offset, size))
    return found


def _find(objects: dict[int, tuple[int, int]], kind: int, what: str) -> tuple[int, int]:
    if kind not in objects:
        raise DataError(f"the file has no {what}")
    return objects[kind]


def _strings(content: bytes, place: tuple[int, int] | None, count: int) -> tuple[str, ...]:
    """Read texts that have their length in front; what is cut off is left out."""
    found: list[str] = []
    at, size = place or (0, 0)
    end = min(at + size, len(content))
    for _ in range(min(count, _MOST)):
        if at + 2 > end:
            break
        length = 2 * int.from_bytes(content[at : at + 2], "little")
        at += 2
        if at + length > end:
            break
        found.append(content[at : at + length].decode("utf-16-le", "replace").rstrip("\0"))
        at += length
    return tuple(found)


def _places(
    content: bytes, place: tuple[int, int] | None, count: int
) -> tuple[tuple[float, float], ...]:
    if place is None or not place[0] or place[0] + count * _PLACE.size > len(content):
        return ((nan, nan),) * min(count, len(content))
    rows = (_PLACE.unpack_from(content, place[0] + i * _PLACE.size) for i in range(count))
    return tuple((x, y) for _, x, y, *_ in rows)
