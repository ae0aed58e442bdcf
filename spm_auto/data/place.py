"""Putting a file in place as a whole: whoever looks sees the old one or the new one."""

import time
from pathlib import Path

from ..errors import DataError

_TRIES = 20  # a reader on Windows holds the file for a moment
_PAUSE = 0.1  # [s] between them


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file under a temporary name, then let it take its place; returns its path.

    Raises:
        DataError: It cannot be written there; what stood there before still does.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            take_place(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def take_place(part: Path, path: Path) -> None:
    """Let a file take another one's place; where that one is being read, try for a while.

    Raises:
        OSError: It cannot.
    """
    for attempt in range(_TRIES):
        try:
            part.replace(path)
        except PermissionError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(_PAUSE)
        else:
            return
