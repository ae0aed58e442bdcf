"""A simulated microscope behind an instrument server in this process, and clients of it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spm_auto.clock import Clock, InstantClock
from spm_auto.data import Event, Journal, JournalReader
from spm_auto.instrument import GuardedInstrument, Instrument, Level, Permit, Watchdog
from spm_auto.server import (
    About,
    Identity,
    InstrumentServer,
    Keyring,
    Listening,
    Place,
    RemoteInstrument,
    Role,
    Terms,
    new_identity,
)
from spm_auto.simulator import SimulatorSettings

LONG = Terms(hold_after=60.0, withdraw_after=600.0)


@dataclass
class Served:
    """A server, and what stands behind it.

    Attributes:
        server: The server.
        guard: The instrument behind limits.
        clock: Instrument time.
        keyring: Who is known.
        journal: File of the server's journal.
        clients: Those that were made, closed at the end.
    """

    server: InstrumentServer
    guard: GuardedInstrument
    clock: Clock
    keyring: Keyring
    journal: Path
    public: str
    clients: list[RemoteInstrument] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return Place(self.server.addresses["command"], self.public)

    def key(
        self, name: str, role: Role = Role.OPERATOR, level: Level = Level.EVERYTHING
    ) -> Identity:
        identity = new_identity(name)
        self.keyring.add(name, identity.public, role, level)
        return identity

    def client(
        self, identity: Identity, clock: Clock | None = None, **how: Any
    ) -> RemoteInstrument:
        client = RemoteInstrument(self.place, identity, clock or InstantClock(), **how)
        self.clients.append(client)
        return client

    def events(self, kind: type[Event]) -> list[Any]:
        """Return what stands in the journal of a kind; after the server was closed it is all."""
        records = JournalReader(self.journal).poll()
        return [each.event for each in records if isinstance(each.event, kind)]


@contextlib.contextmanager
def served(
    folder: Path,
    instrument: Instrument | None = None,
    clock: Clock | None = None,
    terms: Terms = LONG,
    needs_confirmation: bool = False,
    **more: Any,
) -> Iterator[Served]:
    """Serve an instrument, a simulated one unless one is given."""
    clock = clock or InstantClock()
    instrument = instrument or SimulatorSettings(level=1).open(clock, 1)
    permit = Permit(needs_confirmation=needs_confirmation)
    guard = GuardedInstrument(instrument, watchdog=Watchdog(instrument, clock), permit=permit)
    keyring = Keyring(folder / "authorized")
    identity = new_identity("bench")
    journal = folder / "server.spmj"
    server = InstrumentServer(
        guard,
        clock,
        keyring,
        identity,
        Journal(journal, clock.now),
        About("uid", "bench"),
        Listening(),
        terms,
        **more,
    )
    bench = Served(server, guard, clock, keyring, journal, identity.public)
    try:
        yield bench
    finally:
        for client in bench.clients:
            client.close()
        server.close()
