"""SafetyDesk: withdrawing and signs of life, at a door of its own where nothing else waits."""

import contextlib
from functools import partial
from typing import Any

from ..data import Acknowledged
from ..errors import Forbidden, InstrumentError, OutOfStep
from .desk import Desk
from .keys import Member, Role
from .service import Service, unknown
from .sockets import Caller, Door
from .wire import HARD, Answer, Ask, Request, Said, failed, pack_answer, read_request
from .withdrawer import Withdrawer


class SafetyDesk(Desk):
    """Serves the door for safety.

    Every known key may withdraw, in every state and without the lease. Nothing here waits for the
    instrument: the withdrawer does.

    Args:
        service: What all desks share.
        door: Its socket.
        withdrawer: Orders the tip up.
    """

    def __init__(self, service: Service, door: Door, withdrawer: Withdrawer) -> None:
        super().__init__(service, door, "safety")
        self._withdrawer = withdrawer

    def _answer(self, caller: Caller, frames: list[bytes]) -> list[bytes] | None:
        with contextlib.suppress(OutOfStep):  # which is answered below
            request = read_request(frames)
            if request.ask is Ask.WITHDRAW:  # before anything else; the door let only known keys in
                self._withdraw(request, caller)
                return None
        admitted = self._admit(caller, frames)
        if isinstance(admitted, list):
            return admitted
        member, request = admitted
        give = partial(self._noted, member, partial(self._do, member, request))
        return pack_answer(self._service.answer(request.number, give))

    def _withdraw(self, request: Request, caller: Caller) -> None:
        clock, who = self._service.clock, self._service.directory.name(caller.public)

        def told(fault: InstrumentError | None) -> None:
            if fault is None:
                answer = Answer(request.number, Said.DONE, None, clock.now())
            else:
                answer = failed(request.number, fault, clock.now())
            self._ring(caller, answer)

        self._withdrawer.order(who, "asked for", told, is_hard=request.value == HARD)

    def _do(self, member: Member, request: Request) -> Any:
        service = self._service
        match request.ask:
            case Ask.BEAT:
                if request.token:
                    service.lease.renew(request.token, member.name)
                return self.signs()
            case Ask.INTERRUPT:
                if member.role is not Role.SAFETY:
                    service.lease.check(request.token, member.name)
                service.guard.interrupt()
            case Ask.ACKNOWLEDGE:
                return self._acknowledge(member)
            case _:
                raise unknown(request.ask)
        return None

    def signs(self) -> dict[str, Any]:
        """Return what every sign of life is answered with."""
        trip = self._service.trip
        return {
            "owner": self._service.lease.owner,
            "trip": None if trip is None else trip.message,
            "severity": None if trip is None else str(trip.severity),
        }

    def _acknowledge(self, member: Member) -> str:
        if member.role is not Role.OPERATOR:
            raise Forbidden(f"the key {member.name!r} has the role {member.role.value}: it may not")
        self._service.refuse_the_agent(member.name)
        trip = self._service.acknowledge(member.name)
        if trip is None:
            return ""
        self._service.book.write(Acknowledged(member.name, trip.message))
        return trip.message
