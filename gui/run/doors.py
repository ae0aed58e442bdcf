"""Doors: where a tip can be withdrawn, and connections that stand before they are needed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spm_auto.clock import RealClock
from spm_auto.data import FILE_NAME as JOURNAL
from spm_auto.data import JournalReader, RunStarted
from spm_auto.ear import FILE_NAME
from spm_auto.errors import AccessError, ConnectionLost, SpmError
from spm_auto.lab import parse_lab
from spm_auto.server import (
    Identity,
    Place,
    RemoteInstrument,
    RemoteSettings,
    read_identity,
    read_public,
)
from spm_auto.settings import parse_toml

from .link import Connect, Talker, may_be_there, unforeseen

EVERY = 0.5  # [s] between two looks whether a door is there
BETWEEN = 0.15  # [s] between two signals: two at once may count as one
PRESSES = 3  # the first one cancels, those that follow withdraw; one of them may get lost
WHY = "WITHDRAW was pressed in the window"
_SERVERS = "server/keys-*/announced.json"  # within the folder of a run; see `spm_auto.hosting`
_GUEST = "run.key_secret"


class Absent(AccessError):
    """Nobody is there, and nobody says that somebody should be."""


class NoServer(Absent):
    """A run has no instrument server of its own: that is no fault."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A process that was spoken to.

    Attributes:
        process: Its number.
        born: When it was started, as the system tells; empty where it does not.
    """

    process: int
    born: str


class Door(Protocol):
    """A connection that can have the tip withdrawn; for one thread at a time."""

    def withdraw(self, is_hard: bool) -> None:
        """Have the tip withdrawn, and return when that is confirmed.

        Raises:
            SpmError: It is not.
        """

    def check(self) -> Seen | None:
        """Make sure that somebody is there; returns the process of the run, where there is one.

        Raises:
            SpmError: Nobody is.
        """

    def close(self) -> None:
        """Hang up."""


OpenDoor = Callable[[], Door]


class EarDoor:
    """The ear of a run.

    Args:
        talker: A connection to it that nothing else uses.
    """

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._seen: Seen | None = None

    def withdraw(self, is_hard: bool) -> None:
        """Have the tip withdrawn, and the run ended."""
        if is_hard:
            self._talker.emergency_stop(WHY, hard=True)
        else:
            self._talker.emergency_stop(WHY)

    def check(self) -> Seen | None:
        """Ask how it stands."""
        process = self._talker.state().process
        if self._seen is None or self._seen.process != process:
            self._seen = Seen(process, _born(process))
        return self._seen

    def close(self) -> None:
        """Hang up."""
        self._talker.close()


class ServerDoor:
    """The door for safety of an instrument server.

    Args:
        place: Where it is.
        identity: Whose key is shown.
    """

    def __init__(self, place: Place, identity: Identity) -> None:
        self._instrument = RemoteInstrument(place, identity, RealClock(), has_control=False)

    def withdraw(self, is_hard: bool) -> None:
        """Have the tip withdrawn, whoever has control."""
        if is_hard:
            self._instrument.last_resort()
        else:
            self._instrument.emergency_stop()

    def check(self) -> Seen | None:
        """Ask for a sign of life."""
        self._instrument.ask_for_signs()
        return None

    def close(self) -> None:
        """Hang up."""
        self._instrument.close()


def ear_door(folder: Path, who: str, connect: Connect) -> OpenDoor:
    """Return what opens the ear of a run."""

    def opened() -> Door:
        try:
            return EarDoor(connect(folder, who))
        except AccessError as error:
            if may_be_there(folder / FILE_NAME):  # and may not, or cannot, be used
                raise
            raise Absent(str(error)) from error

    return opened


def server_door_of(folder: Path) -> OpenDoor:
    """Return what opens the door of the server that a run has beside it, or that its lab names."""

    def opened() -> Door:
        announced = sorted(folder.glob(_SERVERS))
        if announced:
            said = read_announced(announced[-1])
            return ServerDoor(place_of(said), read_identity(announced[-1].with_name(_GUEST)))
        remote = _remote_of(folder)
        if remote is None:
            raise NoServer(f"{folder}: the run has no instrument server")
        place = Place(remote.address, read_public(Path(remote.server_key)), remote.safety)
        return ServerDoor(place, read_identity(Path(remote.key)))

    return opened


def _remote_of(folder: Path) -> RemoteSettings | None:
    """Return the server that the lab file of a run names; None where it names none."""
    try:
        first = next(JournalReader(folder / JOURNAL).poll(), None)
        if first is None or not isinstance(first.event, RunStarted):
            return None
        started = first.event
        file = Path(str(started.settings["lab_file"]))
        lab = parse_lab(parse_toml(started.lab, file.name), file.name, file.parent)
    except (SpmError, KeyError):  # a script's run has no lab file
        return None
    replaced = started.settings.get("overrides", ())
    settings = lab.instrument
    is_replaced = any(str(text).startswith("instrument") for text in replaced)
    return settings if isinstance(settings, RemoteSettings) and not is_replaced else None


def read_announced(path: Path) -> Mapping[str, str]:
    """Read where a server said that it listens.

    Raises:
        AccessError: The file is missing, or says nothing of the kind.
    """
    try:
        said = json.loads(path.read_text("utf-8"))
        return {name: str(said[name]) for name in ("command", "safety", "telemetry", "public")}
    except FileNotFoundError as error:
        raise AccessError(f"{path}: no server has said where it listens") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AccessError(f"{path} does not say where a server listens: {error}") from error


def place_of(said: Mapping[str, str]) -> Place:
    """Return the place that a server announced."""
    return Place(said["command"], said["public"], said["safety"])


class Prepared:
    """Keeps one connection to a door open for whoever needs it, and looks whether it is alive.

    Args:
        name: Of the door, for messages.
        opened: Opens it.
        every: How often it is looked at [s].

    Attributes:
        name: Of the door.
        open: Opens it anew.
    """

    def __init__(self, name: str, opened: OpenDoor, every: float) -> None:
        self.name, self.open, self._every = name, opened, every
        self._lock = threading.Lock()
        self._door: Door | None = None
        self._seen: Seen | None = None
        self._fault = ""
        self._is_absent = False
        self._closing, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name="prepared", daemon=True)
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether a connection stands, and somebody was there when it was last looked at."""
        return self._door is not None and not self._fault

    @property
    def is_closed(self) -> bool:
        """Whether nobody needs it any more."""
        return self._closing.is_set()

    @property
    def fault(self) -> str:
        """Why nobody can be spoken to; empty where somebody can, or where nobody should be."""
        return "" if self._is_absent else self._fault

    @property
    def seen(self) -> Seen | None:
        """The process that was last spoken to; None where there was none."""
        return self._seen

    def take(self) -> Door | None:
        """Return the connection, which is the caller's from now on; None where none is ready."""
        door = self._pop()
        self._wake.set()
        return door

    def pause(self, seconds: float) -> None:
        """Wait so long at most; not once it was closed."""
        self._closing.wait(seconds)

    def close(self, patience: float = 0.2) -> None:
        """Hang up. What waits for an answer ends by itself, later."""
        self._closing.set()
        self._wake.set()
        self._thread.join(patience)

    def _keep(self) -> None:
        pulse: Door | None = None
        while not self._closing.is_set():
            self._wake.clear()
            try:
                with unforeseen():
                    if pulse is None:
                        pulse = self.open()
                    if self._door is None:
                        self._put(self.open())
                    self._seen = pulse.check() or self._seen
                self._fault, self._is_absent = "", False
            except SpmError as error:
                self._fault, self._is_absent = str(error), isinstance(error, Absent)
                if isinstance(error, ConnectionLost):
                    self._drop(pulse)
                    pulse = None
            self._wake.wait(self._every)
        self._drop(pulse)

    def _put(self, door: Door) -> None:
        with self._lock:
            self._door = door

    def _pop(self) -> Door | None:
        with self._lock:
            door, self._door = self._door, None
        return door

    def _drop(self, pulse: Door | None) -> None:
        """Let go of connections that lead nowhere any more."""
        for each in (self._pop(), pulse):
            if each is not None:
                each.close()


def press_ctrl_c(seen: Seen) -> str:
    """Press Ctrl-C in the process of a run, as often as withdraws the tip.

    Returns:
        Why it could not be done; empty where it could.
    """
    if sys.platform == "win32":
        return "this system cannot press Ctrl-C in another process"
    if not seen.born or _born(seen.process) != seen.born:
        return f"the run's process {seen.process} is gone"
    try:
        for _ in range(PRESSES):
            os.kill(seen.process, signal.SIGINT)
            threading.Event().wait(BETWEEN)
    except OSError as error:
        return f"the run's process {seen.process} cannot be signalled: {error.strerror or error}"
    return ""


def _born(process: int) -> str:
    """Return when a process was started, so that it is not taken for a later one of that number."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ("ps", "-o", "lstart=", "-p", str(process))
        return subprocess.run(command, capture_output=True, text=True, timeout=2.0).stdout.strip()
    return ""
