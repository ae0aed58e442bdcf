"""Service: what all desks of a server share, and how a request becomes an answer."""

import logging
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..clock import Clock
from ..data import Alarm
from ..errors import Forbidden, InstrumentError, OutOfStep, SpmError
from ..instrument import GuardedInstrument, Trip
from .book import Book
from .directory import Directory
from .keys import Member
from .lease import Lease
from .sockets import Caller
from .wire import Answer, Ask, Request, Said, failed, pack_answer, read_request

_log = logging.getLogger(__name__)
REMEMBERED = 4096  # connections whose last request is remembered


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


class Desk:
    """Lets requests in one by one: known key, known version, a number that rises.

    Args:
        service: What all desks share.
        name: For the journal.
    """

    def __init__(self, service: Service, name: str) -> None:
        self._service, self._name = service, name
        self._last: OrderedDict[bytes, int] = OrderedDict()

    def admit(
        self, caller: Caller, frames: Sequence[bytes]
    ) -> tuple[Member, Request] | list[bytes]:
        """Return who asks and what, or the refusal to send back."""
        service = self._service
        member = service.directory.member(caller.public)
        number = -1
        try:
            if member is None:
                raise Forbidden("this key is not known here any more")
            request = read_request(frames)
            number = request.number
            self._check_number(caller.route, number)
        except SpmError as error:
            who = member.name if member else caller.public
            service.book.deny(who, f"{self._name}: {error}")
            return pack_answer(failed(number, error, service.clock.now()))
        return member, request

    def _check_number(self, route: bytes, number: int) -> None:
        last = self._last.pop(route, -1)
        self._last[route] = max(last, number)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        if number <= last:
            raise OutOfStep(f"request {number} came after request {last}: it is not carried out")


def unknown(ask: Ask) -> OutOfStep:
    """Return the error of a request at the wrong desk."""
    return OutOfStep(f"{ask.value!r} is not answered here")
