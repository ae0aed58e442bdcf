"""A trial reading in a process of its own, since damaged HDF5 can crash the library that reads it.

A flipped bit in the wrong place ends the process with a segmentation fault, which no ``except``
sees. So a file from a stranger is first read to its end by a child, with a limit on its memory
where the system has one.
"""

import subprocess
import sys
from pathlib import Path

from ...errors import DataError
from .strangers import LARGEST

_PATIENCE = 60.0  # [s]
_MEMORY = 4 * LARGEST  # bytes of addresses that the child may take
_REFUSED = 3  # exit code of a child that has something to say


def try_to_read(path: Path, patience: float = _PATIENCE) -> None:
    """Let a child read an HDF5 file.

    Args:
        path: The file.
        patience: How long the child may take [s]; a flipped bit can make HDF5 read for ever.

    Raises:
        DataError: The child refused the file, died of it, or did not come to its end.
    """
    code = f"import sys; from {__name__} import main; sys.exit(main(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(path)]
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=patience
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{path}: the file could not be read within {patience:g} s") from error
    if child.returncode == _REFUSED:
        raise DataError(child.stdout.strip())
    if child.returncode != 0:
        raise DataError(
            f"{path}: the file is damaged: reading it ended the trial process "
            f"(exit {child.returncode})"
        )


def main(path: str) -> int:
    """Read a file as the child; say on standard output why not.

    Args:
        path: The file.

    Returns:
        The exit code.
    """
    from .nanosurf import read_hdf5

    try:
        import resource
    except ImportError:  # on Windows
        pass
    else:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        read_hdf5(Path(path))
    except DataError as error:
        sys.stdout.write(str(error))
        return _REFUSED
    return 0
