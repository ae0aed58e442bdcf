"""Files from strangers: the one place that opens HDF5, and what every other reader checks with.

A small HDF5 file can lead to other files, show their bytes as its own data, or declare more than
the memory holds. All of that is looked for before any data are read, and refused. Nothing in a
file is ever run: no pickles, no names that are imported.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError

if TYPE_CHECKING:
    import h5py

LARGEST = 2 * 1024**3  # bytes that the data of one file may fill in memory
SUSPICIOUS = 64 * 1024**2  # bytes from which on data must have a size that the file can explain
INFLATION = 200  # times; real measurements never compress so well
DEEPEST = 32  # groups within groups

_DECODERS = {1, 2, 3, 4, 5, 6, 32000}  # what HDF5 has built in, and LZF, which h5py brings
_SOFT_STEPS = 16  # from one soft link to the next
_WHAT_DAMAGE_RAISES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes a library say into one clear line.

    Raises:
        DataError: Something within went wrong; the message names the file.
    """
    try:
        yield
    except DataError as error:
        if str(error).startswith(str(path)):
            raise
        raise DataError(f"{path}: {error}") from error
    except _WHAT_DAMAGE_RAISES as error:
        raise DataError(f"{path}: the file is damaged: {one_line(error)}") from error


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: It is missing, cannot be read, or is larger than allowed.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise DataError(f"{path}: the file has {size} bytes, more than the {largest} allowed")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """Return what an error says in one line, its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def as_text(value: Any) -> str:
    """Return an attribute as text: h5py gives str, bytes or arrays of one, as the writer had it."""
    if isinstance(value, np.ndarray):
        return as_text(value.flat[0]) if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\0 ")
    return "" if value is None else str(value).strip()


@dataclass(frozen=True, slots=True, eq=False)
class CheckedFile:
    """An HDF5 file in which nothing dangerous was found.

    Attributes:
        path: Where it lies.
        root: Its root group.
        datasets: Every data set of numbers or text, by its path in the file.
    """

    path: Path
    root: "h5py.Group"
    datasets: Mapping[str, "h5py.Dataset"]
    _names: Mapping[int, str]  # by their address in the file

    def scale(self, dataset: "h5py.Dataset", axis: int) -> "h5py.Dataset | None":
        """Return the scale of a dimension, attached or beside the data by name; None without.

        Raises:
            DataError: The scale is not among the data sets that were checked.
        """
        attached = dataset.dims[axis]
        if len(attached):
            found = attached[0]
        else:
            labels = dataset.attrs.get("DIMENSION_LABELS", ())
            label = as_text(labels[axis]) if len(labels) > axis else ""
            found = self.datasets.get(f"{dataset.parent.name.rstrip('/')}/{label}")
            if found is None:
                return None
        name = self._names.get(_address(found))
        if name is None:
            raise DataError(f"{self.path}: a scale of {dataset.name} leads out of the file's tree")
        return self.datasets[name]


@contextmanager
def open_hdf5(path: Path, largest: int = LARGEST) -> Iterator[CheckedFile]:
    """Open an HDF5 file for reading, having refused what a file should never do.

    Refused are links to other files, soft links that lead nowhere or in circles, data stored in
    other files, virtual data sets, objects (only text of variable length is allowed: our own run
    files and those of sidpy have it), decoders that HDF5 does not bring, and data that would not
    fit into memory or that so small a file cannot hold.

    Args:
        path: The file.
        largest: Bytes that all its data may fill.

    Raises:
        DataError: The file is missing, damaged or refused; the message names the file, the place
            in it and what is wrong.
    """
    import h5py

    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    with guarded(path):
        if not h5py.is_hdf5(path):
            raise DataError(f"{path}: this is no HDF5 file")
        with h5py.File(path, "r", locking="best-effort") as file:
            _check_schema(file, path)
            found = _walk(file, path, largest)
            names = {_address(item): name for name, item in found.items()}
            yield CheckedFile(path, file["/"], MappingProxyType(found), MappingProxyType(names))


def _check_schema(file: "h5py.File", path: Path) -> None:
    """Refuse a run file of ours of a version that this program does not know."""
    from ..run_file import SCHEMA_VERSION

    written = as_text(file.attrs.get("spm_auto_schema"))
    known = [str(version) for version in range(1, int(SCHEMA_VERSION) + 1)]
    if written and written not in known:
        raise DataError(
            f"{path}: a run file of schema version {written[:20]!r}; this program reads "
            f"{', '.join(known)}"
        )


def _walk(file: "h5py.File", path: Path, largest: int) -> dict[str, "h5py.Dataset"]:
    import h5py

    found: dict[str, h5py.Dataset] = {}
    seen: set[int] = {_address(file["/"])}  # groups may contain one another
    waiting: list[tuple[h5py.Group, int]] = [(file["/"], 0)]
    total = 0
    while waiting:
        group, depth = waiting.pop()
        if depth > DEEPEST:
            raise DataError(f"{path}: {group.name} lies more than {DEEPEST} groups deep")
        for name in group:
            where = f"{(group.name or '').rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise DataError(f"{path}: {where} is a link to another file, which is refused")
            if isinstance(link, h5py.SoftLink):
                _check_soft_link(file, where, path)
                continue  # what it leads to is met where it stands
            item = group[name]
            if _address(item) in seen:
                continue
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                waiting.append((item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                total += _checked_size(item, where, path, largest)
                found[where] = item
            if total > largest:
                raise DataError(
                    f"{path}: {where} brings the data to {total} bytes, more than the "
                    f"{largest} allowed"
                )
    return dict(sorted(found.items()))


def _check_soft_link(file: "h5py.File", where: str, path: Path) -> None:
    """Follow a soft link by hand: HDF5 itself would also go through links to other files."""
    import h5py

    place, steps = where, 0
    todo = [part for part in place.split("/") if part]
    group: Any = file["/"]
    while todo:
        part = todo.pop(0)
        if part == ".":
            continue
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if isinstance(link, h5py.SoftLink):
            steps += 1
            if steps > _SOFT_STEPS:
                raise DataError(f"{path}: the link {where} leads in circles, which is refused")
            todo = [p for p in link.path.split("/") if p] + todo
            group = file["/"] if link.path.startswith("/") else group
        elif isinstance(link, h5py.HardLink):
            group = group[part]
        else:
            raise DataError(f"{path}: the link {where} leads to nothing in the file")


def _checked_size(item: "h5py.Dataset", where: str, path: Path, largest: int) -> int:
    """Return how many bytes a data set declares; refuse it where it is not what it should be."""
    import h5py

    if item.external or item.is_virtual:
        raise DataError(f"{path}: {where} is stored in other files, which is refused")
    if _holds_objects(item.dtype):
        raise DataError(f"{path}: {where} holds objects ({item.dtype}), which is refused")
    plist = item.id.get_create_plist()
    for number in range(plist.get_nfilters()):
        code = plist.get_filter(number)[0]
        if code not in _DECODERS:
            raise DataError(f"{path}: {where} needs the unknown decoder {code}, which is refused")
    shape = item.shape if item.shape is not None else (0,)
    declared = math.prod(shape) * item.dtype.itemsize
    if item.chunks:
        declared = max(declared, math.prod(item.chunks) * item.dtype.itemsize)
    size = path.stat().st_size
    if declared > largest or (declared > SUSPICIOUS and declared > INFLATION * size):
        raise DataError(
            f"{path}: {where} declares {declared} bytes; the file has {size}, "
            f"and at most {largest} are read"
        )
    if h5py.check_string_dtype(item.dtype) is not None and declared > size:
        raise DataError(f"{path}: {where} declares more text than the file holds")
    return int(declared)


def _holds_objects(dtype: Any) -> bool:
    import h5py

    if dtype.subdtype is not None:
        return _holds_objects(dtype.subdtype[0])
    if dtype.fields is not None:
        return any(_holds_objects(field[0]) for field in dtype.fields.values())
    if h5py.check_string_dtype(dtype) is not None:
        return False
    return dtype.kind not in "biufcSUV" or (dtype.kind == "V" and dtype.metadata is not None)


def _address(item: Any) -> int:
    import h5py

    return int(h5py.h5o.get_info(item.id).addr)
