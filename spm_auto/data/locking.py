"""Locks of files: one process at a time; free again when it is killed."""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError

if TYPE_CHECKING:
    from filelock import BaseFileLock


def lock_file(path: Path, taken: str, patience: float = 0.0) -> "BaseFileLock":
    """Take a lock that the operating system holds for this process.

    Args:
        path: The file of the lock.
        taken: What to say where another process has it; ``{holder}`` is put in its place.
        patience: How long to wait for it [s].

    Raises:
        DataError: Another process has it.
        OSError: Nobody can have it there.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=patience, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise DataError(taken.replace("{holder}", _holder(path))) from error
    with contextlib.suppress(OSError):  # a help for people; the lock does not depend on it
        path.write_text(str(os.getpid()))
    return lock


def free(lock: "BaseFileLock") -> None:
    """Give a lock back."""
    with contextlib.suppress(OSError):  # while it is held, so that it is nobody else's; not on
        Path(lock.lock_file).unlink()  # Windows, where freeing it removes the file
    lock.release()


def _holder(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(20)
    except OSError:  # a locked file cannot be read on Windows
        return ""
    return f" (pid {int(text)})" if text.isdigit() else ""
