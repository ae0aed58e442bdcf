"""`spm-auto serve`: an instrument in a process of its own, until somebody ends it."""

import contextlib
import hashlib
import json
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from rich.console import Console

from .data import (
    Alarm,
    Journal,
    LeaseChanged,
    Record,
    TipWithdrawn,
    free,
    lock_file,
    write_whole,
)
from .experiment import read_override
from .instrument import GuardedInstrument, InstrumentSettings, Level, Mode, Permit
from .keys import AUTHORIZED
from .lab import Lab, parse_lab, versions
from .notify import Notifier
from .server import (
    About,
    Identity,
    InstrumentServer,
    Keyring,
    Known,
    Member,
    Role,
    WithGuest,
    next_place,
    read_past,
    read_public,
    server_identity,
)
from .settings import override, read_toml
from .units import format_duration

_log = logging.getLogger(__name__)
NEWCOMER = 60.0  # [s] for the run that a server was started for to take control
LONGEST = 24 * 3600.0  # [s] that a confirmation at the start stands
GUEST = "run"  # name of the key of the run that a server was started for
SUCCESSION = 20.0  # [s] for an earlier server of the same instrument to end
_TICK = 0.2  # [s]


@dataclass(frozen=True, slots=True)
class Serving:
    """How an instrument is served.

    Attributes:
        home: Folder of the server's own keys and of who is known.
        folder: Where its journals go.
        announce: File that says where it listens, once it does.
        guest: File of the public key of the one run that it is for; it ends with that run.
        relative_to: Folder where relative paths of the lab file start; its own without.
        seed: Root of all randomness of what is simulated.
        is_dry_run: Whether nothing is sent to the instrument.
        pulses: How many pulses and pokes whoever started it has said yes to.
    """

    home: Path
    folder: Path
    announce: Path
    guest: Path | None = None
    relative_to: Path | None = None
    seed: int = 0
    is_dry_run: bool = False
    pulses: int = 0


def serve(
    lab_path: Path,
    overrides: Sequence[str],
    serving: Serving,
    ending: threading.Event | None = None,
) -> None:
    """Serve the instrument of a lab file, and say where.

    Args:
        lab_path: The lab file.
        overrides: What to replace in it.
        serving: How.
        ending: Ends it when set; without one Ctrl-C does.

    Raises:
        SpmError: The lab file, a key or the instrument is not as it should be.
    """
    lab, text = _read(lab_path, overrides, serving.relative_to)
    known, identity = _keys(serving)
    past, journal_path = read_past(serving.folder), next_place(serving.folder)
    clock = lab.clock.clock()
    with contextlib.ExitStack() as stack:
        if not lab.instrument.is_simulated:
            stack.callback(_claim(lab.instrument, serving.home))
        permit = Permit(
            mode=Mode.DRY_RUN if serving.is_dry_run else Mode.ARMED, needs_confirmation=True
        )
        if serving.pulses:
            permit.confirm("who started it", serving.pulses, time.monotonic() + LONGEST)
        guard = lab.open(serving.seed, clock, permit)
        failing = stack.enter_context(contextlib.ExitStack())
        failing.callback(guard.close)
        guard.ledger.replay(past.instructions)
        journal = Journal(journal_path, clock.now)
        notifier = stack.enter_context(
            contextlib.closing(Notifier(lab.notify, {"laboratory": lab.laboratory}))
        )
        failing.pop_all()  # the server closes it from here on
        server = InstrumentServer(
            guard,
            clock,
            known,
            identity,
            journal,
            About(str(uuid.uuid4()), lab.laboratory, text, versions()),
            lab.server.listening(lab.watchdog.period, takes_free_ports=serving.guest is not None),
            lab.server.terms(),
            past.orphan,
            (lambda record: _notify(notifier, record),),
        )
        stack.enter_context(contextlib.closing(server))
        _announce(serving.announce, server, identity, lab)
        _say_where(server, guard, lab, past.orphan, serving)
        _wait(server, ending or threading.Event(), is_for_a_guest=serving.guest is not None)


def _read(path: Path, overrides: Sequence[str], relative_to: Path | None) -> tuple[Lab, str]:
    table, text = read_toml(path, "lab file")
    for each in overrides:
        key, value = read_override(each)
        table = override(table, key, value)
    return parse_lab(table, path.name, relative_to or path.parent), text


def _keys(serving: Serving) -> tuple[Known, Identity]:
    """Return who is known, and the server's own keys."""
    keyring = Keyring(serving.home / AUTHORIZED)
    if serving.guest is None:
        return keyring, server_identity(serving.home)
    public = read_public(serving.guest)
    guest = Member(GUEST, Role.OPERATOR, Level.EVERYTHING, public)
    return WithGuest(keyring, guest), server_identity(serving.guest.parent)


def _claim(instrument: InstrumentSettings, home: Path) -> Callable[[], None]:
    """Take the one place at a piece of hardware, among the servers of a home; returns its end."""
    folder = home / "instruments"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.blake2b(instrument.whereabouts.encode(), digest_size=8).hexdigest()
    taken = f"another server{{holder}} has this instrument already: {instrument.whereabouts}"
    lock = lock_file(folder / f"{name}.lock", taken, SUCCESSION)
    return lambda: free(lock)


def _announce(path: Path, server: InstrumentServer, identity: Identity, lab: Lab) -> None:
    said = {**server.addresses, "public": identity.public, "laboratory": lab.laboratory}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({**said, "pid": os.getpid()}).encode())


def _say_where(
    server: InstrumentServer, guard: GuardedInstrument, lab: Lab, orphan: str, serving: Serving
) -> None:
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(f"{lab.laboratory}: {guard.capabilities.name}")
    for name, address in server.addresses.items():
        console.print(f"  {name:10} {address}")
    if serving.is_dry_run:
        console.print("  dry run: instructions are checked, nothing is sent")
    if orphan:
        after = format_duration(lab.server.withdraw_after)
        console.print(
            f"  the last server was killed while {orphan!r} had control: without a new owner the "
            f"tip is withdrawn in {after}"
        )
    if serving.guest is None and not Keyring(serving.home / AUTHORIZED).members():
        console.print("  nobody is known yet: spm-auto keys new NAME --role operator --level 2")
    if not _is_loopback(lab.server.host) and serving.guest is None:
        _log.warning("%s can be reached by other computers; see docs/security.md", lab.server.host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wait(server: InstrumentServer, ending: threading.Event, is_for_a_guest: bool) -> None:
    """Wait until somebody ends it, or the run that it is for is over."""
    with _presses(ending):
        began = time.monotonic()
        while not ending.wait(_TICK):
            if not is_for_a_guest:
                continue
            if server.wait_until_left(0.0):
                return
            if not server.was_ever_owned and time.monotonic() - began > NEWCOMER:
                return


@contextlib.contextmanager
def _presses(ending: threading.Event) -> Iterator[None]:
    """Let Ctrl-C, and the system's wish to end, end it in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda *_: ending.set()) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _notify(notifier: Notifier, record: Record) -> None:
    match record.event:
        case Alarm(message=message, cause=cause):
            notifier.tell(cause, message)
        case LeaseChanged(who=who, what="lost", message=message):
            notifier.tell("lease", f"{who}: {message}")
        case TipWithdrawn(who=who, is_confirmed=is_confirmed, message=message):
            said = "the tip is withdrawn" if is_confirmed else "NOT CONFIRMED that the tip is up"
            notifier.tell("withdrawn", f"{said} ({who}: {message})")
