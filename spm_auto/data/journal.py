"""The journal of a run: append-only, one checksummed record per event, written before it is shown.

A file that was cut off anywhere is good up to its last whole record, and can be gone on with from
there. What lies after a damaged record can still be read. `framing` has the bytes.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Self

from ..errors import DataError
from .codec import decode, encode
from .events import Event, Record
from .framing import HEAD_LENGTH, Fault, find_magic, pack, pack_head, read_at, read_head
from .journal_file import JournalFile

FILE_NAME = "run.spmj"
VERSION = 2
READABLE = (1, 2)

_SYNC_INTERVAL = 1.0  # [s] lost at most when the power fails; a killed process loses nothing
_BUFFER = 2**18  # [bytes] read from the disk at once: many records, or part of a large one
_EFFORT = 4  # how many times its length a file is read in search of whole records


class Journal:
    """The journal of a run in progress; the only writer of its file.

    Args:
        path: The file; it must not exist yet.
        now: Tells instrument time [s].
        utc: Tells the time of day [s since 1970].

    Attributes:
        path: The file.
        dropped: What `reopen` cut off and where it is kept; empty when nothing was.

    Raises:
        JournalFull: There is no room for it.
        DataError: The file exists, cannot be made, or another process is writing in its folder.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], utc: Callable[[], float] = time.time
    ) -> None:
        self._begin(JournalFile.create(path, pack_head(VERSION)), 0, "", now, utc)

    @classmethod
    def reopen(
        cls, path: Path, now: Callable[[], float], utc: Callable[[], float] = time.time
    ) -> Self:
        """Go on with a journal after its last whole record.

        A torn record at the end is copied to a file of its own, then cut off.

        Args:
            path: The file.
            now: Tells instrument time [s].
            utc: Tells the time of day [s since 1970].

        Raises:
            JournalFull: There is no room to keep the torn end.
            DataError: There is no journal, it is of an older version, damaged before its end, being
                written by another process, or cannot be written. Nothing was changed.
        """
        if path.is_file():  # before anything is written, also a lock
            version = JournalReader(path).version
            if version not in (VERSION, None):
                raise DataError(
                    f"{path} has journal version {version}: it can be read and exported, but only "
                    f"version {VERSION} can be gone on with"
                )
        file = JournalFile.open(path)
        with contextlib.ExitStack() as failing:
            failing.callback(file.release)
            reader = JournalReader(path)
            deque(reader.poll(), maxlen=0)
            if not reader.is_whole:
                raise DataError(
                    f"{path} is damaged before its end: it can be read and exported, but not gone "
                    f"on with ({reader.damage})"
                )
            dropped = ""
            if file.length > reader.end:
                lost = file.length - reader.end
                kept = file.cut(reader.end)
                dropped = f"{reader.damage}: {lost} bytes were cut off and are kept in {kept}"
            failing.pop_all()
        journal = cls.__new__(cls)
        journal._begin(file, reader.next_number, dropped, now, utc)
        return journal

    def _begin(
        self,
        file: JournalFile,
        first: int,
        dropped: str,
        now: Callable[[], float],
        utc: Callable[[], float],
    ) -> None:
        self.path = file.path
        self.dropped = dropped
        self._file, self._first = file, first
        self._now, self._utc = now, utc
        self._lock = threading.Lock()
        self._synced = -_SYNC_INTERVAL

    @staticmethod
    def check_free(path: Path) -> None:
        """Refuse a journal that another process is writing.

        Raises:
            DataError: One is, or nobody can write there.
        """
        JournalFile.check_free(path)

    @property
    def next_number(self) -> int:
        """Number of the record that comes next."""
        return self._first + self._file.pieces

    def append(self, event: Event, sync: bool = False) -> Record:
        """Write an event; when this returns, a killed process does not lose it.

        When it raises, the event is not in the journal, which is good up to the record before.

        Args:
            event: What happened.
            sync: Whether a power cut shall not lose it either.

        Raises:
            JournalFull: The disk is full; once there is room the event can be appended again.
            DataError: The disk did not take it.
        """
        with self._lock:
            record = Record(self.next_number, self._utc(), self._now(), event)
            header, body = encode(record)
            # or the clock was set back
            is_due = sync or abs(record.utc - self._synced) >= _SYNC_INTERVAL
            self._file.append(pack(header, body, record.utc), is_due)
            if is_due:
                self._synced = record.utc
            return record

    def close(self) -> None:
        """Bring everything to the disk and close the file; safe to call twice.

        Raises:
            DataError: The disk did not take it; the file is closed all the same.
        """
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JournalReader:
    """Reads a journal, also while it is being written.

    Args:
        path: The file.

    Attributes:
        path: The file.
        version: Version of the journal; None when the head is damaged.
        end: The byte after the last record that was read.
        next_number: Number of the record that is expected next.

    Raises:
        DataError: The file is missing or is no journal of a version that is known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = HEAD_LENGTH
        self.next_number = 0
        self._gaps: list[str] = []
        self._torn = ""
        self._searched = self._searched_size = 0
        self._spent = 0
        with self._open() as file:
            self.version = read_head(file.read(HEAD_LENGTH))
            if self.version is None:
                if isinstance(read_at(file, HEAD_LENGTH, _size(file)), Fault):
                    raise DataError(f"{path} is no journal of spm_auto")
                self._gaps.append("its head is damaged")
            elif self.version not in READABLE:
                known = " and ".join(map(str, READABLE))
                raise DataError(
                    f"{path} has journal version {self.version}; this program reads {known}"
                )

    @property
    def damage(self) -> str:
        """What is wrong with what was read so far, and after it; empty when nothing is."""
        return "; ".join([*self._gaps, *([self._torn] if self._torn else [])])

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged or missing before ``end``."""
        return not self._gaps

    def poll(self) -> Iterator[Record]:
        """Yield the records that were completed since the last call.

        A record that is not whole ends the iteration, unless whole ones follow it; then it is left
        out, and ``damage`` says what was lost. While the file grows a later call reads on.

        Raises:
            DataError: A record is whole but not of a kind that is known, or the disk does not give
                the file.
        """
        with self._open() as file:
            size = _size(file)
            self._torn = ""
            while self.end < size:
                found = self._next(file, size)
                if found is None:
                    return
                record, self.end = found
                self.next_number = record.number + 1
                self._searched = self._searched_size = 0
                yield record

    def _next(self, file: BinaryIO, size: int) -> tuple[Record, int] | None:
        """Return the next whole record and its end, None when there is none yet."""
        found = self._read(file, self.end, size)
        if not isinstance(found, Fault):
            self._note_missing(f"before byte {self.end}", found[0])
            return found
        self._torn = f"{found.what} at byte {self.end}"
        if size == self._searched_size:
            return None
        waiting = max(self.end + 1, size - 3)  # where a record may have begun that is not whole yet
        for place in find_magic(file, max(self.end + 1, min(self._searched, size)), size):
            if self._spent > _EFFORT * size:
                self._torn += "; no whole record was found after it within reason"
                break
            later = self._read(file, place, size)
            if isinstance(later, Fault):
                self._spent += later.cost
                waiting = min(waiting, place) if later.is_short else waiting
                continue
            self._gaps.append(f"{self._torn} ({place - self.end} bytes)")
            self._torn = ""
            self._note_missing("with it", later[0])
            return later
        self._searched, self._searched_size = waiting, size
        return None

    def _read(self, file: BinaryIO, place: int, size: int) -> tuple[Record, int] | Fault:
        content = read_at(file, place, size)
        if isinstance(content, Fault):
            return content
        try:
            record = decode(content.header, content.body)
        except DataError as error:
            raise DataError(f"{self.path}: at byte {place}: {error}") from error
        if not isinstance(record.number, int) or record.number < self.next_number:
            return Fault(f"a record out of order (number {record.number})")
        return record, content.end

    def _note_missing(self, where: str, record: Record) -> None:
        first, last = self.next_number, record.number - 1
        if first == last:
            self._gaps.append(f"record {first} is missing {where}")
        elif first < last:
            self._gaps.append(f"records {first} to {last} are missing {where}")

    @contextlib.contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb", _BUFFER) as file:
                yield file
        except OSError as error:
            said = error.strerror or error
            raise DataError(f"{self.path}: the journal cannot be read: {said}") from error


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)
