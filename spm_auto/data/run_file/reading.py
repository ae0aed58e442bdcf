"""Reading a run file: the records that its journal held, each bit for bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import DataError
from ..events import Record
from .arrays import Fetcher
from .layout import LINES, SCHEMA_VERSION
from .lines import from_line

if TYPE_CHECKING:
    import h5py

_MAGIC = b"\x89HDF\r\n\x1a\n"
_LARGEST = 32 << 30  # [bytes] that all datasets of a file may hold together


def is_run_file(path: Path) -> bool:
    """Say whether a file is HDF5, and so no journal."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_records(path: Path) -> tuple[tuple[Record, ...], str]:
    """Return a run file's records, and what is wrong with them; empty when nothing is.

    Raises:
        DataError: It is no run file of a version that is known, or does not hold what it should.
    """
    with opened(path) as file:
        version = str(file.attrs.get("spm_auto_schema", ""))
        if version == SCHEMA_VERSION:
            records = tuple(_records(file, path))
            return records, str(file[LINES].parent.attrs.get("damage", ""))
        if version == "1":
            from .upgrade import from_version_1

            return from_version_1(file, path)
    if not version:
        raise DataError(f"{path} is no run file of spm_auto")
    raise DataError(
        f"{path} has schema version {version}; this program reads 1 to {SCHEMA_VERSION}"
    )


def _records(file: "h5py.File", path: Path) -> Iterator[Record]:
    fetcher = Fetcher(file)
    if LINES not in file:
        raise DataError(f"{path}: there is no {LINES}")
    for number, line in enumerate(file[LINES].asstr()[()]):
        try:
            yield from_line(line, fetcher.fetch)
        except DataError as error:
            raise DataError(f"{path}: record {number}: {error}") from error


@contextmanager
def opened(path: Path) -> "Iterator[h5py.File]":
    """Open an HDF5 file after looking at everything in it for what a stranger could have put there.

    Raises:
        DataError: It cannot be read, or holds links, storage or types that are not read.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: the run file cannot be read: {error}") from error
    with file:
        size = 0
        pending, seen = [file["/"]], {file["/"]}
        while pending:
            group = pending.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise DataError(f"{path}: {group.name}/{name} is a link, which is not followed")
                item = group[name]
                if isinstance(item, h5py.Group):
                    if item not in seen:
                        seen.add(item)
                        pending.append(item)
                    continue
                if not isinstance(item, h5py.Dataset):
                    raise DataError(f"{path}: {item.name} is neither group nor dataset")
                if item.external or item.is_virtual:
                    raise DataError(f"{path}: {item.name} keeps its values in another file")
                if item.dtype.hasobject and h5py.check_string_dtype(item.dtype) is None:
                    raise DataError(f"{path}: {item.name} holds objects, which are not read")
                size += item.nbytes
                if size > _LARGEST:
                    raise DataError(f"{path}: it says it holds more than {_LARGEST >> 30} GiB")
        yield file
