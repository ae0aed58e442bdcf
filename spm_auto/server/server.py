"""InstrumentServer: an instrument behind guard, watchdog and lease, for clients with keys."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import zmq

from ..clock import Clock
from ..data import (
    AccessDenied,
    Alarm,
    Journal,
    Record,
    ServerStarted,
    ServerStopped,
    TipWithdrawn,
)
from ..errors import InstrumentError
from ..instrument import GuardedInstrument, Severity, Trip
from .book import Book
from .commands import CommandDesk
from .directory import Directory, Known
from .hands import Hands
from .keyring import Access
from .keys import Identity
from .lease import Due, Lease, Terms
from .rounds import Rounds
from .safety import SafetyDesk
from .service import Service
from .sockets import Door
from .telemetry import Telemetry
from .wire import LARGEST, LARGEST_AT_SAFETY
from .withdrawer import Withdrawer

_ENDING = 5.0  # [s] for each thread to end


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens.

    Attributes:
        address: Without a port; other computers reach it only if this is not the loopback.
        command: Port for commands; a free one if it is 0.
        safety: Port for withdrawing and signs of life.
        telemetry: Port for who watches.
        period: Of the watchdog [s].
    """

    address: str = "tcp://127.0.0.1"
    command: int = 0
    safety: int = 0
    telemetry: int = 0
    period: float = 0.02


@dataclass(frozen=True, slots=True)
class About:
    """What a server says of itself in its journal and its greetings.

    Attributes:
        uid: Unique name of this start.
        laboratory: Its name.
        lab: Text of the lab file.
        versions: Of spm_auto and of the packages that matter.
    """

    uid: str
    laboratory: str = ""
    lab: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


class InstrumentServer:
    """Serves an instrument until it is closed.

    Three sockets, each with a thread: commands, safety (withdraw and signs of life), telemetry.
    One thread gives the instrument instructions, one does nothing but withdraw, one looks at
    vitals and lease, one writes the journal. Only this process talks to the hardware: whoever dies
    elsewhere, the tip stays where it is, until the lease rule withdraws it.

    Args:
        guard: The instrument, behind limits and watchdog; closed with the server.
        clock: Instrument time.
        keyring: Who is known.
        identity: Keys of the server.
        journal: Where everything is written; closed with the server.
        about: What it says of itself.
        listening: Where.
        terms: Of the control lease.
        orphan: Who had control when an earlier server of this instrument was killed; empty for
            nobody.
        listeners: Called with each record of the journal; they must not raise or wait.
        now: Tells a time that never jumps [s].

    Raises:
        InstrumentError: A port is not free.
        DataError: The journal cannot be written.
    """

    def __init__(
        self,
        guard: GuardedInstrument,
        clock: Clock,
        keyring: Known,
        identity: Identity,
        journal: Journal,
        about: About,
        listening: Listening | None = None,
        terms: Terms | None = None,
        orphan: str = "",
        listeners: tuple[Callable[[Record], None], ...] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        listening, terms = listening or Listening(), terms or Terms()
        self._guard, self._released = guard, threading.Event()
        self._has_begun = self._is_closed = False
        with contextlib.ExitStack() as failing:
            failing.callback(guard.close)
            self._telemetry_door = self._open(
                zmq.PUB, listening, listening.telemetry, identity, keyring, failing
            )
            self._telemetry = Telemetry(self._telemetry_door)
            self._book = Book(journal, now, (*listeners, self._telemetry.event))
            failing.callback(self._book.close, _ENDING)
            self._command_door = self._open(
                zmq.ROUTER, listening, listening.command, identity, keyring, failing
            )
            self._safety_door = self._open(
                zmq.ROUTER,
                listening,
                listening.safety,
                identity,
                keyring,
                failing,
                LARGEST_AT_SAFETY,
            )
            addresses = self.addresses
            self._book.require(
                ServerStarted(
                    about.uid, about.lab, guard.capabilities.name, addresses, about.versions
                )
            )
            self._has_begun = True
            failing.pop_all()
        lease = Lease(terms, now)
        if orphan:
            lease.orphan(orphan)
        self._service = Service(
            guard, clock, Directory(keyring), lease, self._book, about.laboratory
        )
        if guard.watchdog is not None:
            guard.watchdog.inform(self._tripped)
        self._withdrawer = Withdrawer(self._service)
        self._hands = Hands(self._service, self._telemetry.line)
        self._safety = SafetyDesk(self._service, self._safety_door, self._withdrawer)
        self._commands = CommandDesk(
            self._service, self._command_door, self._hands, addresses, self._released.set
        )
        self._safety.open()
        self._commands.open()
        self._rounds = Rounds(
            self._service,
            terms,
            self._hands,
            self._withdrawer,
            self._telemetry,
            listening.period,
            self._on_due,
        )

    @property
    def addresses(self) -> dict[str, str]:
        """Where it listens, by socket."""
        return {
            "command": self._command_door.address,
            "safety": self._safety_door.address,
            "telemetry": self._telemetry_door.address,
        }

    @property
    def owner(self) -> str:
        """Who has the control lease; empty when nobody has."""
        return self._service.lease.owner

    @property
    def was_ever_owned(self) -> bool:
        """Whether anybody has taken control since it began."""
        return self._service.lease.was_ever_owned

    def wait_until_left(self, timeout: float) -> bool:
        """Wait until an owner has given the lease back, or the tip of a lost one was withdrawn.

        Args:
            timeout: Longest wait [s].

        Returns:
            Whether that has happened.
        """
        return self._released.wait(timeout)

    def withdraw(self, why: str) -> None:
        """Order the tip up, as the person at this computer wants it.

        Raises:
            NotConfirmed: The instrument does not say that it is up.
        """
        done = threading.Event()
        faults: list[InstrumentError | None] = []

        def told(fault: InstrumentError | None) -> None:
            faults.append(fault)
            done.set()

        self._withdrawer.order("server", why, told)
        done.wait()
        if faults[0] is not None:
            raise faults[0]

    def close(self, message: str = "") -> None:
        """End in order: the instruction in progress is interrupted, the tip stays where it is.

        Safe to call twice.

        Args:
            message: Why, for the journal.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._rounds.close(_ENDING)
        self._guard.interrupt()
        self._hands.close(_ENDING)
        self._commands.close(_ENDING)
        self._withdrawer.close(_ENDING)
        self._safety.close(_ENDING)
        self._service.answer(0, self._guard.close)
        self._book.write(ServerStopped(message))
        self._book.close(_ENDING)
        for door in (self._command_door, self._safety_door, self._telemetry_door):
            door.close()

    def __enter__(self) -> "InstrumentServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(
        self,
        kind: int,
        listening: Listening,
        port: int,
        identity: Identity,
        keyring: Known,
        failing: contextlib.ExitStack,
        largest: int = LARGEST,
    ) -> Door:
        access = Access(keyring, self._denied)
        door = Door(kind, listening.address, port, identity, access, largest, self._knocked)
        failing.callback(door.close)
        return door

    def _denied(self, public: str) -> None:
        if self._has_begun:  # a journal begins with the start of its server
            self._book.write(AccessDenied(public, "a key that is not known"))

    def _knocked(self, how: str) -> None:
        if self._has_begun:
            self._book.write(AccessDenied("somebody", how))

    def _tripped(self, trip: Trip) -> None:
        if trip.severity is Severity.WITHDRAW:
            self._book.write(TipWithdrawn("watchdog", trip.is_confirmed, trip.message))
        self._book.write(Alarm(trip.message, trip.cause))

    def _on_due(self, due: Due) -> None:
        if due is Due.WITHDRAW:
            self._released.set()
