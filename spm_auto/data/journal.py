"""The journal of a run: append-only, one checksummed record per event, written before it is shown.

File: 16 bytes of head (magic, version), then records. Record: a prefix of 32 bytes (magic, kind,
reserved, length of the header, length of the body, UTC time, CRC-32 of all that), the header in
msgpack, the raw bytes of the arrays. A file that was cut off anywhere is good up to its last whole
record.
"""

import os
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from ..errors import DataError
from .codec import decode, encode
from .events import Event, Record

FILE_NAME = "run.spmj"
VERSION = 1

_HEAD = struct.Struct("<8sII")
_HEAD_MAGIC = b"SPMAUTOJ"
_PREFIX = struct.Struct("<4sHHIQd")
_CHECKSUM = struct.Struct("<I")
_RECORD_MAGIC = b"SPMr"
_EVENT = 1
_PREFIX_LENGTH = _PREFIX.size + _CHECKSUM.size
_SYNC_INTERVAL = 1.0  # [s] lost at most when the power fails; a killed process loses nothing


class Journal:
    """The journal of a run in progress; the only writer of its file.

    Args:
        path: The file; it must not exist yet.
        now: Tells instrument time [s].
        utc: Tells the time of day [s since 1970].

    Raises:
        DataError: The file exists, or cannot be made.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], utc: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._now, self._utc = now, utc
        self._lock = threading.Lock()
        self._number = 0
        self._synced = -_SYNC_INTERVAL
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            if path.exists():
                raise DataError(f"{path.parent} holds a run already; choose another folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise DataError(f"{path}: the journal cannot be made: {error}") from error
        self._length = 0
        try:
            self._write(_HEAD.pack(_HEAD_MAGIC, VERSION, 0))
        except DataError:
            os.close(self._file)
            path.unlink()
            raise

    def append(self, event: Event, sync: bool = False) -> Record:
        """Write an event; when this returns, a killed process does not lose it.

        Args:
            event: What happened.
            sync: Whether a power cut shall not lose it either.

        Raises:
            DataError: It was not written, and the file is good up to the record before; or it was
                written but the disk did not take it.
        """
        with self._lock:
            if self._file < 0:
                raise DataError(f"{self.path}: the journal is closed")
            record = Record(self._number, self._utc(), self._now(), event)
            header, body = encode(record)
            prefix = _PREFIX.pack(_RECORD_MAGIC, _EVENT, 0, len(header), len(body), record.utc)
            checksum = zlib.crc32(body, zlib.crc32(header, zlib.crc32(prefix)))
            self._write(b"".join((prefix, _CHECKSUM.pack(checksum), header, body)))
            self._number += 1
            if sync or abs(record.utc - self._synced) >= _SYNC_INTERVAL:  # or it was set back
                self._sync()
                self._synced = record.utc
            return record

    def close(self) -> None:
        """Bring everything to the disk and close the file; safe to call twice.

        Raises:
            DataError: The disk did not take it; the file is closed all the same.
        """
        with self._lock:
            if self._file >= 0:
                try:
                    self._sync()
                finally:
                    os.close(self._file)
                    self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            raise DataError(f"{self.path}: the journal is not safe on disk: {error}") from error

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise DataError(f"{self.path}: the journal cannot be written: {error}") from error
        if written != len(data):
            os.ftruncate(self._file, self._length)
            raise DataError(
                f"{self.path}: the disk took {written} of {len(data)} bytes; is it full?"
            )
        self._length += written


class JournalReader:
    """Reads a journal, also while it is being written.

    Attributes:
        path: The file.
        damage: What is wrong after the last good record; empty when nothing is.

    Raises:
        DataError: The file is missing or is no journal of a version that is known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD.size)
        except OSError as error:
            raise DataError(f"{path}: the journal cannot be read: {error.strerror}") from error
        if len(head) < _HEAD.size or head[:8] != _HEAD_MAGIC:
            raise DataError(f"{path} is no journal of spm_auto")
        version = _HEAD.unpack(head)[1]
        if version != VERSION:
            raise DataError(f"{path} has journal version {version}; this program reads {VERSION}")
        self._offset = _HEAD.size

    def poll(self) -> Iterator[Record]:
        """Yield the records that were completed since the last call.

        A record that is not whole yet ends the iteration and is noted in ``damage``; while the file
        grows a later call reads it.

        Raises:
            DataError: A record is whole but not of a kind that this version knows.
        """
        self.damage = ""
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            while self._offset < size:
                file.seek(self._offset)
                prefix = file.read(_PREFIX_LENGTH)
                if len(prefix) < _PREFIX_LENGTH:
                    self.damage = f"a torn record at byte {self._offset}"
                    return
                magic, kind, _, header_length, body_length, _ = _PREFIX.unpack_from(prefix)
                end = self._offset + _PREFIX_LENGTH + header_length + body_length
                if magic != _RECORD_MAGIC or kind != _EVENT:
                    self.damage = f"no record at byte {self._offset}"
                    return
                if end > size:
                    self.damage = f"a torn record at byte {self._offset}"
                    return
                content = file.read(header_length + body_length)
                (checksum,) = _CHECKSUM.unpack_from(prefix, _PREFIX.size)
                if zlib.crc32(content, zlib.crc32(prefix[: _PREFIX.size])) != checksum:
                    self.damage = f"a damaged record at byte {self._offset}"
                    return
                try:
                    record = decode(content[:header_length], content[header_length:])
                except DataError as error:
                    raise DataError(f"{self.path}: at byte {self._offset}: {error}") from error
                self._offset = end
                yield record
