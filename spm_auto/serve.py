"""`spm-auto serve`: an instrument in a process of its own, until somebody ends it."""

import contextlib
import json
import logging
import os
import signal
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from rich.console import Console

from .data import Journal, Record, write_whole
from .errors import InstrumentError, NotConfirmed, RecipeError, SpmError
from .experiment import read_override
from .instrument import GuardedInstrument, Mode
from .lab import Lab, parse_lab, versions
from .server import (
    About,
    Identity,
    InstrumentServer,
    Keyring,
    Level,
    Member,
    Role,
    next_place,
    read_past,
    server_identity,
)
from .settings import override, parse_toml, read_toml

_log = logging.getLogger(__name__)
NEWCOMER = 60.0  # [s] for the run that a server was started for to take control
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
    """

    home: Path
    folder: Path
    announce: Path
    guest: Path | None = None
    relative_to: Path | None = None
    seed: int = 0
    is_dry_run: bool = False


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
    is_guest = serving.guest is not None
    keyring, identity = _keys(serving)
    if not is_guest:
        _warn_of_openness(lab)
    past = read_past(serving.folder)
    clock = lab.clock.clock()
    journal_path = next_place(serving.folder)
    guard = lab.open(serving.seed, clock)
    try:
        guard.ledger.replay(past.instructions)
        guard.permit.change(mode=Mode.DRY_RUN if serving.is_dry_run else Mode.ARMED)
        journal = Journal(journal_path, clock.now)
    except SpmError:
        guard.close()
        raise
    with contextlib.ExitStack() as stack:
        notifier = lab.notify.notifier()
        stack.callback(notifier.close, _TICK)
        server = InstrumentServer(
            guard,
            clock,
            keyring,
            identity,
            journal,
            About(str(uuid.uuid4()), lab.laboratory, text, versions()),
            lab.server.listening(lab.watchdog.period, takes_free_ports=is_guest),
            lab.server.terms(),
            past.orphan,
            (lambda record: _notify(notifier, record),),
        )
        stack.callback(server.close, "ended")
        _announce(serving.announce, server, identity, lab)
        _say_where(server, guard, lab, past.orphan, serving)
        _wait(server, ending or threading.Event(), is_guest)
