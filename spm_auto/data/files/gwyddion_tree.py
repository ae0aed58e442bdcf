"""The tree of named values that a Gwyddion file is, read with every size checked.

The library gwyfile trusts the sizes in the file and copies what is left of it at every level; a
file from a stranger needs neither. It writes the files that this reader is tested with.

Source:
    Gwyddion user guide, "Gwyddion native file format".
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from .strangers import DEEPEST

MAGIC = b"GWYP"
MOST = 1_000_000  # values in all lists and objects
_ONE = {"i": "<i", "q": "<q", "d": "<d"}
_MANY = {"C": "u1", "I": "<i4", "Q": "<i8", "D": "<f8"}


class Tree(dict[str, Any]):
    """An object of the file: its components by name.

    Attributes:
        kind: Which type of Gwyddion it is.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def unit(self, name: str) -> str:
        """Return the unit that is stored under a name; empty where there is none."""
        unit = self.get(name)
        return str(unit.get("unitstr", "")) if isinstance(unit, Tree) else ""


def read_tree(path: Path, content: bytes) -> Tree:
    """Read the tree of a file.

    Raises:
        DataError: A size is beyond the end of what holds it, or a type is unknown.
    """
    reader = _Reader(path, content)
    tree, end = reader.object(len(MAGIC), len(content), 0)
    if end != len(content) or tree.kind != "GwyContainer":
        raise DataError(f"{path}: the Gwyddion file is truncated, or has more than it says")
    return tree


class _Reader:
    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        self._count = 0

    def object(self, start: int, end: int, depth: int) -> tuple[Tree, int]:
        """Read an object; return it and where it ends."""
        if depth > DEEPEST:
            raise self._error(f"has objects more than {DEEPEST} levels deep")
        kind, start = self._text(start, end)
        size, start = self._number("<I", start, end)
        if size > end - start:
            raise self._error("is truncated")
        tree, end = Tree(kind), start + size
        while start < end:
            name, start = self._text(start, end)
            tree[name], start = self._value(chr(self._byte(start, end)), start + 1, end, depth)
        return tree, end

    def _value(self, code: str, start: int, end: int, depth: int) -> tuple[Any, int]:
        """Read a value of a type that the format names by a letter; return it and where it ends."""
        self._count += 1
        if self._count > MOST:
            raise self._error(f"has more than {MOST} values")
        if code == "o":
            return self.object(start, end, depth + 1)
        if code == "s":
            return self._text(start, end)
        if code in ("b", "c"):
            return self._byte(start, end), start + 1
        if code in _ONE:
            return self._number(_ONE[code], start, end)
        if code not in ("S", "O", *_MANY):
            raise self._error(f"has a value of the unknown type {code!r}")
        count, start = self._number("<I", start, end)
        if code in _MANY:
            size = count * np.dtype(_MANY[code]).itemsize
            if size > end - start:
                raise self._error("is truncated in an array")
            return np.frombuffer(self._content, _MANY[code], count, start), start + size
        values = []
        for _ in range(count):
            value, start = self._value(code.lower(), start, end, depth)
            values.append(value)
        return values, start

    def _byte(self, start: int, end: int) -> int:
        if start >= end:
            raise self._error("is truncated")
        return self._content[start]

    def _number(self, form: str, start: int, end: int) -> tuple[Any, int]:
        stop = start + struct.calcsize(form)
        if stop > end:
            raise self._error("is truncated in a number")
        return struct.unpack_from(form, self._content, start)[0], stop

    def _text(self, start: int, end: int) -> tuple[str, int]:
        stop = self._content.find(b"\0", start, end)
        if stop < 0:
            raise self._error("is truncated in a text")
        return self._content[start:stop].decode("utf-8", "replace"), stop + 1

    def _error(self, what: str) -> DataError:
        return DataError(f"{self._path}: the Gwyddion file {what}")
