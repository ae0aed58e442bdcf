"""Keyring: the allow-list of an instrument server, which changes while it runs."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import AccessError
from ..instrument import Level
from .directory import Known
from .keys import (
    OTHERS_WRITE,
    PUBLIC,
    Member,
    Role,
    check_name,
    check_rights,
    read_member,
    write_member,
)

_MOST = 1000  # members
_LOOK_EVERY = 0.2  # [s]
_MINUTE = 60.0  # [s]

_log = logging.getLogger(__name__)


class Keyring:
    """Allow-list of a server: a folder with the public key of each member; safe from any thread.

    Files that appear or vanish are noticed without a restart. What cannot be read, what somebody
    else may write, and a key that two files name, lets nobody in.

    Args:
        folder: With a ``NAME.key`` of each member; made on the first `add`.
        now: Tells a time that never jumps [s].
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._now = folder, now
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._seen: dict[Path, tuple[int, ...]] | None = None
        self._by_key: dict[str, Member] = {}
        self._faults: tuple[str, ...] = ()

    def member(self, public: str) -> Member | None:
        """Return who has this public key; None for nobody."""
        with self._lock:
            self._look()
            return self._by_key.get(public)

    def members(self) -> tuple[Member, ...]:
        """Return all members, by name."""
        with self._lock:
            self._look()
            return tuple(sorted(self._by_key.values(), key=lambda each: each.name))

    def faults(self) -> tuple[str, ...]:
        """Say which files let nobody in, and why."""
        with self._lock:
            self._look()
            return self._faults

    def add(self, name: str, public: str, role: Role, level: Level) -> Member:
        """Let somebody in from now on.

        Raises:
            AccessError: The name or the key is known already, or cannot be right.
        """
        member = Member(name, role, level, public)
        with self._lock:
            self._look(at_once=True)
            known = self._by_key.get(public)
            if known is not None:
                raise AccessError(f"this key is known already, as {known.name!r}")
            write_member(member, self._folder)
            self._look(at_once=True)
        return member

    def revoke(self, name: str) -> None:
        """Let somebody in no more; sessions that are open are refused from now on.

        Raises:
            AccessError: Nobody has this name.
        """
        check_name(name)
        with self._lock:
            try:
                (self._folder / f"{name}{PUBLIC}").unlink()
            except FileNotFoundError:
                raise AccessError(
                    f"there is no key {name!r} in {self._folder}; `spm-auto keys list` has them"
                ) from None
            except OSError as error:
                raise AccessError(f"the key {name!r} cannot be removed: {error}") from error
            self._look(at_once=True)

    def _look(self, at_once: bool = False) -> None:
        now = self._now()
        if not at_once and self._looked is not None and 0 <= now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        try:
            found = _listing(self._folder)
        except AccessError as error:
            self._take(None, (), (str(error),))
            return
        if found != self._seen:
            self._take(found, *_members(found))

    def _take(
        self,
        seen: dict[Path, tuple[int, ...]] | None,
        members: tuple[Member, ...],
        faults: tuple[str, ...],
    ) -> None:
        for fault in faults:
            if fault not in self._faults:
                _log.warning("lets nobody in: %s", fault)
        self._seen, self._faults = seen, faults
        self._by_key = {member.public: member for member in members}


class Access:
    """Answers ZAP for `zmq.auth`: whether a key is a member's; safe from any thread.

    Args:
        keyring: The allow-list.
        denied: Called with the public key of who is not let in; must not raise.
        at_most: How often a minute it is called; the others are only counted.
        now: Tells a time that never jumps [s].
    """

    def __init__(
        self,
        keyring: Known,
        denied: Callable[[str], None],
        at_most: int = 20,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keyring, self._denied, self._now = keyring, denied, now
        self._lock = threading.Lock()
        self._told: deque[float] = deque(maxlen=at_most)
        self._denials = 0

    @property
    def denials(self) -> int:
        """How often somebody was not let in."""
        with self._lock:
            return self._denials

    def callback(self, domain: str, key: bytes) -> bool:  # noqa: ARG002 - as zmq.auth calls it
        """Say whether a public key, as Z85, is a member's."""
        public = key.decode("ascii", "replace")
        if self._keyring.member(public) is not None:
            return True
        if self._may_tell():
            self._denied(public)
        return False

    def _may_tell(self) -> bool:
        with self._lock:
            self._denials += 1
            now = self._now()
            is_full = len(self._told) == self._told.maxlen
            if is_full and (not self._told or now - self._told[0] < _MINUTE):
                return False
            self._told.append(now)
            return True


def _listing(folder: Path) -> dict[Path, tuple[int, ...]]:
    """List the key files with what changes when they do."""
    found = {}
    try:
        check_rights(folder, folder.stat(), OTHERS_WRITE)
        for path in sorted(folder.iterdir()):
            if path.suffix == PUBLIC:
                found[path] = _mark(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AccessError(f"{folder} cannot be read: {error.strerror}") from error
    if len(found) > _MOST:
        raise AccessError(f"{folder} has {len(found)} keys; more than {_MOST} are not looked at")
    return found


def _mark(path: Path) -> tuple[int, ...]:
    try:
        about = path.stat()
    except FileNotFoundError:
        return ()  # removed just now
    return about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino, about.st_mode


def _members(paths: Iterable[Path]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    members, faults = [], []
    for path in paths:
        try:
            members.append(read_member(path))
        except AccessError as error:
            faults.append(str(error))
    count = Counter(member.public for member in members)
    faults += [
        f"{member.name}: its key is also the one of another name"
        for member in members
        if count[member.public] > 1
    ]
    return tuple(member for member in members if count[member.public] == 1), tuple(faults)
