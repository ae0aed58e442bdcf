"""Service: what all desks of a server share, and how a request becomes an answer."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from ..data import Alarm
from ..errors import Forbidden, InstrumentError, OutOfStep, SpmError
from ..instrument import GuardedInstrument, Trip
from .book import Book
from .directory import Directory
from .lease import Lease
from .wire import Answer, Ask, Said, failed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What all desks of a server share.

    Attributes:
        guard: The instrument, behind limits and watchdog.
        clock: Instrument time.
        directory: Who is known.
        lease: Who has control.
        book: What is written down.
        laboratory: Its name, for greetings.
    """

    guard: GuardedInstrument
    clock: Clock
    directory: Directory
    lease: Lease
    book: Book
    laboratory: str

    @property
    def trip(self) -> Trip | None:
        """Why the watchdog acted and nobody has acknowledged it; None when all is well."""
        watchdog = self.guard.watchdog
        return None if watchdog is None else watchdog.trip

    def look(self) -> None:
        """Look at the vitals once, and act."""
        if self.guard.watchdog is not None:
            self.guard.watchdog.look()

    def refuse_the_agent(self, who: str) -> None:
        """Refuse what only a human may do to who has control and runs by itself.

        Raises:
            Forbidden: Another key has to.
        """
        if self.lease.owner == who and self.guard.permit.is_autonomous:
            raise Forbidden(
                f"{who!r} has control and runs by itself: a human does this, with another key"
            )

    def acknowledge(self, who: str) -> Trip | None:
        """Let go on, as a human has seen why the watchdog acted; returns what that was."""
        watchdog = self.guard.watchdog
        return None if watchdog is None else watchdog.acknowledge(who)

    def answer(self, number: int, give: Callable[[], Any]) -> Answer:
        """Do what was asked and return the answer; never raises.

        What is a fault of the program is told to nobody but the journal.
        """
        try:
            return Answer(number, Said.DONE, give(), self.clock.now())
        except SpmError as error:
            return failed(number, error, self.clock.now())
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the server goes on
            _log.error("%s", traceback.format_exc())
            self.book.write(Alarm(f"{type(error).__name__}: {error}", "fault"))
            said = InstrumentError("the server failed at this; its journal says why")
            return failed(number, said, self.clock.now())


def unknown(ask: Ask) -> OutOfStep:
    """Return the error of a request at the wrong desk."""
    return OutOfStep(f"{ask.value!r} is not answered here")
