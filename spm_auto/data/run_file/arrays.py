"""Where in the run file the journal's arrays are: in the images, spectra and maps, by content.

Each array of a record is told as parts, which follow one another: ``[PATH]`` is a whole dataset,
``[PATH, ROW]`` one row of it, ``[PATH, FIRST, END]`` a stretch of a flat one. An array is looked
for among all that the file's datasets hold, bit by bit, as a whole and then row by row (a line of
a scan is a row of one image per channel). What is found nowhere, such as the state of an agent, is
stored in a flat dataset of its type.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ..codec import Array

if TYPE_CHECKING:
    import h5py

_LARGEST_COPIES = 8 << 30  # [bytes] put together from parts, of one file
_BYTE = np.dtype(np.uint8)

Part = list[str | int]


class Places:
    """Knows where in a file each array is; fills the datasets for those that are nowhere else.

    Args:
        path: Of the group that holds the flat datasets.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._parts: dict[tuple[str, int], Part] = {}
        self._flat: dict[str, list[bytes]] = {}
        self._lengths: dict[str, int] = {}

    def note(self, path: str, values: Array, by_row: bool = False) -> None:
        """Remember that a dataset of the file holds these values, as a whole or row by row."""
        if by_row:
            for row, one in enumerate(values):
                self._parts.setdefault(_key(one), [path, row])
        else:
            self._parts.setdefault(_key(values), [path])

    def find(self, values: Array) -> Part | None:
        """Return where the values are noted, None where they are not."""
        return self._parts.get(_key(values))

    def keep(self, array: Array) -> dict[str, list[Part]]:
        """Say where an array is, and see to it that it is there; for `codec.to_tree`."""
        if array.size == 0:
            return {"parts": []}
        if array.ndim > 1:
            rows = [self.find(row) for row in array]
            if all(row is not None for row in rows):
                return {"parts": [row for row in rows if row is not None]}
        return {"parts": [self.find(array) or self._add(array)]}

    def fill(self, file: "h5py.File") -> None:
        """Write the arrays that were found nowhere."""
        for kind, pieces in self._flat.items():
            values = np.frombuffer(b"".join(pieces), _stored(np.dtype(kind)))
            file.create_dataset(self._place(kind), data=values)

    def _add(self, array: Array) -> Part:
        kind = array.dtype.str
        first = self._lengths.get(kind, 0)
        self._flat.setdefault(kind, []).append(array.tobytes())
        self._lengths[kind] = first + array.size
        part: Part = [self._place(kind), first, first + array.size]
        self._parts[_key(array)] = part
        return part

    def _place(self, kind: str) -> str:
        return f"{self._path}/{np.dtype(kind).name}"


class Fetcher:
    """Brings the arrays of records from a file that was checked; reads each dataset once.

    Args:
        root: The open file's root.
    """

    def __init__(self, root: "h5py.Group") -> None:
        self._root = root
        self._datasets: dict[str, Array] = {}
        self._copied = 0

    def fetch(self, place: Mapping[str, Any], dtype: "np.dtype[Any]", count: int) -> Array:
        """Return the values of an array in a flat row; for `codec.to_record`.

        Raises:
            DataError: The file does not hold them where they should be.
        """
        pieces = [self._piece(part, dtype) for part in place["parts"]]
        if len(pieces) == 1:
            values = pieces[0]
        else:
            self._copied += count * dtype.itemsize
            if self._copied > _LARGEST_COPIES:
                raise DataError(f"its records hold more than {_LARGEST_COPIES >> 30} GiB")
            values = np.concatenate(pieces) if pieces else np.empty(0, dtype)
            values.flags.writeable = False
        if values.size != count:
            raise DataError(f"{place['parts']} is {values.size} values, not {count}")
        return values

    def _piece(self, part: Part, dtype: "np.dtype[Any]") -> Array:
        path = str(part[0])
        values = self._datasets.get(path)
        if values is None:
            values = self._datasets[path] = self._read(path)
        if values.dtype != _stored(dtype):
            raise DataError(f"{path} holds {values.dtype}, not {dtype}")
        match part:
            case [_, int(row)] if 0 <= row < len(values):
                piece = values[row]
            case [_]:
                piece = values
            case [_, int(first), int(end)] if 0 <= first <= end <= len(values):
                piece = values[first:end]
            case _:
                raise DataError(f"{part} lies outside shape {values.shape}")
        flat: Array = piece if piece.ndim == 1 else piece.reshape(-1)
        return flat if flat.dtype == dtype else flat.view(dtype)

    def _read(self, path: str) -> Array:
        import h5py

        dataset = self._root.get(path)
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
            raise DataError(f"{path} holds no numbers")
        if dataset.ndim == 0 or math.prod(dataset.shape) == 0:
            raise DataError(f"{path} has shape {dataset.shape}")
        values: Array = dataset[()]
        values.flags.writeable = False
        return values


def _key(values: Array) -> tuple[str, int]:
    """Return what equal arrays share; should others do so too, they do not read back as written."""
    return values.dtype.str, hash(values.tobytes())


def _stored(dtype: "np.dtype[Any]") -> "np.dtype[Any]":
    """Return how a type is stored: HDF5 knows no truth values."""
    return _BYTE if dtype.kind == "b" else dtype
