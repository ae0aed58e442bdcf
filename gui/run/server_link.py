"""ServerLink: what an instrument server tells whoever watches, for a window without a run."""

import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from spm_auto.clock import RealClock
from spm_auto.data import (
    CommandEnded,
    CommandGiven,
    Event,
    LineAcquired,
    Record,
    RunStarted,
    ScanFinished,
    ScanStarted,
)
from spm_auto.ear import About, Look
from spm_auto.errors import AccessError, SpmError
from spm_auto.instrument import Scan, ScanLine, limits_to_table
from spm_auto.server import Listener, Overheard, RemoteInstrument, read_identity

from .doors import Door, ServerDoor, place_of, read_announced
from .link import unforeseen

STALE = 3.0  # [s] after which nothing that was heard counts any more
_SLICE = 0.2  # [s] to listen at a time
_AGAIN = 1.0  # [s] between two attempts to reach a server
_MOST = 5000  # records that wait for the window; more are left out
_KEYS = "keys"  # folder of one's own keys beside the announcement


def announcements() -> Path:
    """Return where the servers of this computer say where they listen; a folder that is hidden."""
    folder = Path(os.environ.get("SPM_AUTO_HOME") or Path.home() / ".spm-auto")  # as `keys` has it
    return folder if folder.is_dir() else Path.home()


class ServerLink:
    """Listens to a server, in a thread of its own; looks, and does nothing.

    Args:
        announced: The file that says where it listens.
        key: The secret key to show it; None for the only one in ``keys`` beside that file.

    Attributes:
        announced: That file.

    Raises:
        AccessError: That file or that key cannot be used.
    """

    def __init__(self, announced: Path, key: Path | None = None) -> None:
        self.announced = announced
        self._said = read_announced(announced)
        self._identity = read_identity(key or _own_key(announced.parent))
        self._look: Look | None = None
        self._about: About | None = None
        self._heard_at = -1e9
        self._fault = "the server has not said anything yet"
        self._records: queue.SimpleQueue[Record] = queue.SimpleQueue()
        self._number = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="server", daemon=True)
        self._thread.start()

    @property
    def look(self) -> Look | None:
        """How the instrument is; None while nobody can tell."""
        return self._look if time.monotonic() - self._heard_at < STALE else None

    @property
    def about(self) -> About | None:
        """What it has, and what is allowed; None while nobody has said."""
        return self._about

    @property
    def fault(self) -> str:
        """Why nothing is heard; empty where something is."""
        return "" if self.look is not None else self._fault

    def door(self) -> Door:
        """Open its door for safety.

        Raises:
            SpmError: Nobody is there.
        """
        return ServerDoor(place_of(read_announced(self.announced)), self._identity)

    def records(self) -> list[Record]:
        """Return what was told since the last call, as a run would have written it."""
        found = []
        while not self._records.empty():
            found.append(self._records.get())
        return found

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        self._thread.join(3.0 * _SLICE)

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                with unforeseen():
                    self._said = read_announced(self.announced)  # it may have been started again
                    self._greet()
                    self._hear()
            except SpmError as error:
                self._fault = str(error)
            self._closing.wait(_AGAIN)

    def _greet(self) -> None:
        """Ask once what the instrument has."""
        place = place_of(self._said)
        remote = RemoteInstrument(place, self._identity, RealClock(), has_control=False)
        try:
            self._about = About(remote.capabilities, remote.limits)
            laboratory = str(remote.greeting["laboratory"])
        finally:
            remote.close()
        if not self._number:
            self._put(_beginning(self._about, laboratory), 0.0)

    def _hear(self) -> None:
        listener = Listener(self._said["telemetry"], self._identity, self._said["public"])
        try:
            silent_since = time.monotonic()
            while not self._closing.is_set():
                heard = listener.next(_SLICE)
                if heard is not None:
                    silent_since = time.monotonic()
                    self._take(heard)
                elif time.monotonic() - silent_since > STALE:
                    self._fault = f"the server has told nothing for {STALE:g} s"
                    return
        finally:
            listener.close()

    def _take(self, heard: Overheard | ScanLine | Record) -> None:
        match heard:
            case Overheard(status=status, vitals=vitals, trip=trip, owner=owner):
                self._look = Look(status, vitals, trip or "", owner)
                self._heard_at = time.monotonic()
            case ScanLine():
                self._put(LineAcquired(heard), heard.time)
            case Record():
                for event in self._retold(heard.event):
                    self._put(event, heard.time, heard.utc)

    def _retold(self, event: Event) -> Iterator[Event]:
        yield event
        match event:
            case CommandGiven(instruction=Scan() as scan) if self._about is not None:
                yield ScanStarted(scan, self._about.capabilities.channels_of(scan))
            case CommandEnded(message=message):
                yield ScanFinished(is_complete=not message)

    def _put(self, event: Event, at: float, utc: float | None = None) -> None:
        if self._records.qsize() < _MOST:
            self._records.put(Record(self._number, time.time() if utc is None else utc, at, event))
            self._number += 1


def _beginning(about: About, laboratory: str) -> RunStarted:
    """Return what a run on this server would have begun with."""
    return RunStarted(
        uid="",
        title=f"instrument server of {laboratory}",
        recipe="",
        lab="",
        instrument=about.capabilities.name,
        seed=0,
        settings={"limits": limits_to_table(about.limits)},
    )


def _own_key(home: Path) -> Path:
    keys = sorted((home / _KEYS).glob("*.key_secret"))
    if len(keys) != 1:
        found = ", ".join(path.stem for path in keys) or "none"
        raise AccessError(f"{home / _KEYS}: choose a key (there are: {found})")
    return keys[0]
