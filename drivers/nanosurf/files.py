"""Finding a measurement file by the name that we gave it, and reading it once it is whole."""

import threading
import time
from pathlib import Path

from spm_auto.data import open_hdf5
from spm_auto.errors import DataError, InstrumentError
from spm_auto.instrument import Action
from spm_auto.wire.nanosurf import Measurement, read_measurements

from ..transport import SLICE


def await_measurement(
    folder: Path, tag: str, kind: str, timeout: float, action: Action
) -> Measurement:
    """Wait for the file of a measurement, and read it.

    Args:
        folder: Where Studio stores, folders in it included.
        tag: What its name contains, and that of no other.
        kind: What it must hold.
        timeout: How long it may take until it is there and can be read [s].
        action: Ends the wait when it must end.

    Raises:
        InstrumentError: No such file comes, more than one, or none that can be read.
    """
    end = time.monotonic() + timeout
    trouble = "no file with this name is there"
    size = -1
    while time.monotonic() < end:
        action.check()
        found = sorted(folder.rglob(f"*{tag}*.nhf"))
        if len(found) > 1:
            raise InstrumentError(f"{folder} has {len(found)} files named {tag}: which is ours?")
        if found:
            now = _size(found[0])
            if now > 0 and now == size:
                try:
                    return _read(found[0], kind)
                except DataError as error:
                    trouble = str(error)
            size = now
        threading.Event().wait(SLICE)
    raise InstrumentError(
        f"the measurement {tag} did not come to {folder} within {timeout:g} s: {trouble}"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # moved or locked by its writer
        return -1


def _read(path: Path, kind: str) -> Measurement:
    with open_hdf5(path) as file:
        try:
            found = [m for m in read_measurements(file.root) if m.kind == kind]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: {error}") from error
    if len(found) != 1:
        raise DataError(f"{path} holds {len(found)} measurements of kind {kind}, expected one")
    return found[0]
