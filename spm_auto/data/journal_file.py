"""The journal's file on disk: one process writes it, each piece is there whole or not at all."""

import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import DataError, JournalFull
from .locking import free, lock_file

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_NAME = "run.lock"
_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
_CHUNK = 2**20  # [bytes] copied at once


class JournalFile:
    """A file that only grows, and its lock; made by `create` or `open`.

    The lock is the operating system's: it is free again when the process is killed. Who only reads
    does not ask for it. The methods are not meant for several threads at once.

    Attributes:
        path: The file.
        length: Its length up to the last whole piece [bytes].
        pieces: How many pieces were added since it was opened.
    """

    def __init__(self, path: Path, file: int, length: int, lock: "BaseFileLock") -> None:
        self.path = path
        self.length = length
        self.pieces = 0
        self._file = file
        self._lock = lock
        self._fault = ""

    @classmethod
    def create(cls, path: Path, head: bytes) -> Self:
        """Make the file and the folders above it.

        Raises:
            JournalFull: There is no room for it.
            DataError: It exists, another process has the lock, or it cannot be made.
        """
        folder, taken = path.parent, f"{path.parent} holds a run already; choose another folder"
        with contextlib.ExitStack() as failing, _said(path, "the journal cannot be made"):
            if path.exists() and not (folder / LOCK_NAME).exists():
                raise DataError(taken)
            folder.mkdir(parents=True, exist_ok=True)
            lock = _lock(folder)
            failing.callback(free, lock)
            try:
                descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError as error:
                raise DataError(taken) from error
            file = cls(path, descriptor, 0, lock)
            failing.callback(path.unlink)
            failing.callback(os.close, descriptor)
            file.append(head)
            file.pieces = 0
            _sync_folder(folder)
            failing.pop_all()
        return file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file that exists, to go on at its end.

        Raises:
            DataError: It is missing, another process has the lock, or it cannot be written.
        """
        if not path.is_file():
            raise DataError(f"{path.parent}: there is no run here to go on with (no {path.name})")
        with contextlib.ExitStack() as failing, _said(path, "the journal cannot be gone on with"):
            lock = _lock(path.parent)
            failing.callback(free, lock)
            descriptor = os.open(path, _FLAGS)
            failing.callback(os.close, descriptor)
            file = cls(path, descriptor, os.fstat(descriptor).st_size, lock)
            failing.pop_all()
        return file

    @staticmethod
    def check_free(path: Path) -> None:
        """Refuse where another process is writing.

        Raises:
            DataError: One is, or nobody can write there.
        """
        with _said(path, "the journal cannot be gone on with"):
            free(_lock(path.parent))

    def append(self, data: bytes, sync: bool = False) -> None:
        """Add a piece; when this raises, the file is as it was before.

        Args:
            data: The piece.
            sync: Whether a power cut shall not lose it.

        Raises:
            JournalFull: The disk is full; once there is room the piece can be added again.
            DataError: The disk did not take it, or what it took before could not be undone.
        """
        if self._file < 0:
            raise DataError(f"{self.path}: the journal is closed")
        if self._fault:
            raise DataError(f"{self.path}: nothing more is written: {self._fault}")
        is_whole = False
        try:
            with _said(self.path, "the journal cannot be written"):
                if os.fstat(self._file).st_nlink == 0:
                    raise DataError(f"{self.path}: the journal was deleted while it was written")
                written = os.write(self._file, data)
                if written != len(data):
                    raise JournalFull(
                        f"{self.path}: the disk took {written} of {len(data)} bytes; is it full?"
                    )
                if sync:
                    os.fsync(self._file)
            # no call from here on, so that no signal comes between what is written and its count
            self.length += written
            self.pieces += 1
            is_whole = True
        finally:
            if not is_whole:
                self._roll_back()

    def cut(self, start: int) -> str:
        """Cut off the file from a byte on, after what stands there was copied to a new file.

        Returns:
            Name of the copy, which lies beside the file.

        Raises:
            JournalFull: There is no room for the copy; nothing was cut.
            DataError: The copy could not be made, or the end not be cut; nothing was changed.
        """
        with _said(self.path, "its torn end cannot be kept"):
            kept = self._copy(start)
        try:
            with _said(self.path, "its torn end cannot be cut off"):
                os.ftruncate(self._file, start)
                self.length = start
                os.fsync(self._file)
        except DataError:
            if self.length != start:
                kept.unlink()
            raise
        return kept.name

    def close(self) -> None:
        """Bring everything to the disk, close the file and free the lock; safe to call twice.

        Raises:
            DataError: The disk did not take it; the file is closed all the same.
        """
        try:
            if self._file >= 0:
                with _said(self.path, "the journal is not safe on disk"):
                    os.fsync(self._file)
        finally:
            self.release()

    def release(self) -> None:
        """Close the file as it is and free the lock; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            free(self._lock)

    def _roll_back(self) -> None:
        """Cut off what was not written as a whole; when that fails nothing may follow it."""
        self._fault = "its end is torn"
        try:
            os.ftruncate(self._file, self.length)
        except OSError as error:
            self._fault += f" and cannot be cut off: {error.strerror}"
        else:
            self._fault = ""

    def _copy(self, start: int) -> Path:
        names = (f"{self.path.stem}.torn-{number:03d}.bin" for number in itertools.count(1))
        kept = next(p for name in names if not (p := self.path.with_name(name)).exists())
        with contextlib.ExitStack() as failing:
            with kept.open("xb", buffering=0) as copy, self.path.open("rb") as original:
                failing.callback(kept.unlink)
                original.seek(start)
                while chunk := original.read(_CHUNK):
                    if copy.write(chunk) != len(chunk):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(copy.fileno())
            failing.pop_all()
        _sync_folder(kept.parent)
        return kept


@contextlib.contextmanager
def _said(path: Path, what: str) -> Iterator[None]:
    """Say what the system refused as an error of data."""
    try:
        yield
    except OSError as error:
        kind = JournalFull if error.errno in _NO_ROOM else DataError
        raise kind(f"{path}: {what}: {error.strerror or error}") from error


def _lock(folder: Path) -> "BaseFileLock":
    taken = f"{folder}: another process{{holder}} is writing this run"
    return lock_file(folder / LOCK_NAME, taken)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
