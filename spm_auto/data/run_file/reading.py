"""Reading a run file: the records that its journal held, each bit for bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import DataError
from ..events import Record
from .arrays import Fetcher
from .layout import LINES
from .lines import from_line

if TYPE_CHECKING:
    import h5py

_MAGIC = b"\x89HDF\r\n\x1a\n"
_LARGEST, _PACKED = 2 << 30, 8  # a file may hold so many bytes, or so many times its own size


def is_run_file(path: Path) -> bool:
    """Say whether a file is HDF5, and so no journal."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_records(path: Path) -> tuple[tuple[Record, ...], str]:
    """Return a run file's records, and what is wrong with them; empty when nothing is.

    Raises:
        DataError: It is no run file of a version that is known, or does not hold what it should.
    """
    from ..files import as_text, open_hdf5

    with open_hdf5(path, max(_LARGEST, _PACKED * path.stat().st_size)) as checked:
        version = as_text(checked.root.attrs.get("spm_auto_schema"))  # one that is known, or none
        if not version:
            raise DataError(f"{path} is no run file of spm_auto")
        if version == "1":
            from .upgrade import from_version_1

            return from_version_1(checked.root, path)
        if LINES not in checked.root:
            raise DataError(f"{path}: there is no {LINES}")
        damage = as_text(checked.root[LINES].parent.attrs.get("damage"))
        return tuple(_records(checked.root, path)), damage


def _records(root: "h5py.Group", path: Path) -> Iterator[Record]:
    fetcher = Fetcher(root)
    for number, line in enumerate(root[LINES].asstr()[()]):
        try:
            yield from_line(line, fetcher.fetch)
        except DataError as error:
            raise DataError(f"{path}: record {number}: {error}") from error
