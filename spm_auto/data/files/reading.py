"""Opening a file of another program: which kind it is, by what it begins with."""

from collections.abc import Callable
from pathlib import Path

from ...errors import DataError
from . import gwyddion_tree, nanonis_curve, nanonis_grid, nanonis_scan, rhk_pages
from .data_file import DataFile
from .gwyddion import read_gwyddion
from .igor import is_igor_wave, read_igor_wave
from .nanonis_curve import read_nanonis_curve
from .nanonis_grid import read_nanonis_grid
from .nanonis_scan import read_nanonis_scan
from .nanosurf import read_hdf5
from .rhk import read_rhk
from .strangers import one_line
from .trial import try_to_read

_HDF5 = b"\x89HDF\r\n\x1a\n"
_START = 65536  # bytes in which the header of a text format must show itself
KNOWN = "NSID HDF5, Nanonis .sxm .dat .3ds, Nanosurf .nhf, Asylum .ibw, RHK .sm4, Gwyddion .gwy"


def open_file(path: Path | str) -> DataFile:
    """Read what another program measured: NSID, Nanonis, Nanosurf, Asylum, RHK, Gwyddion files.

    The kind of file is seen from its content, not from its name. Values come in SI units, images
    with line 0 at the lower edge; what the file does not say stands among the notes.

    Args:
        path: The file.

    Returns:
        Its images, spectra and curves.

    Raises:
        DataError: The file is missing, of an unknown kind, damaged, or does what no file
            should; the message names it in one line.
    """
    path = Path(path)
    reader = _reader(path)
    if reader is read_hdf5:
        try_to_read(path)
    return reader(path)


def _reader(path: Path) -> Callable[[Path], DataFile]:
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {one_line(error)}") from error
    if start.startswith(_HDF5):
        return read_hdf5
    if start.startswith(gwyddion_tree.MAGIC):
        return read_gwyddion
    if start.lstrip().startswith(nanonis_scan.MAGIC):
        return read_nanonis_scan
    if start.startswith(nanonis_curve.MAGIC) or b"\n[DATA]" in start:
        return read_nanonis_curve
    if start.startswith(nanonis_grid.MAGIC):
        return read_nanonis_grid
    if start[2:].startswith(rhk_pages.MAGIC):
        return read_rhk
    if is_igor_wave(start):
        return read_igor_wave
    raise DataError(f"{path}: neither a run nor a data file that is known ({KNOWN})")
