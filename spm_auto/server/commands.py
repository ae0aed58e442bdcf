"""CommandDesk: answers what is asked of the instrument, within what a key may."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ..data import Intervention, LeaseChanged
from ..errors import Forbidden, OutOfStep
from ..instrument import Level, level_of, limits_to_table, vitals_of
from .desk import Desk
from .hands import Hands, Job
from .keys import Member, Role
from .service import Service, unknown
from .sockets import Caller, Door
from .wire import (
    VERSION,
    Ask,
    Request,
    capabilities_table,
    pack_answer,
    read_instruction,
    status_table,
    vitals_table,
)

_HARMLESS = frozenset({Ask.HELLO, Ask.STATUS, Ask.VITALS})


class CommandDesk(Desk):
    """Serves the door for commands; the hands do what takes time.

    Args:
        service: What all desks share.
        door: Its socket.
        hands: Carries out instructions.
        other_doors: Where the other sockets are, by name, for greetings.
        on_release: Called when the owner gave the lease back in order.
    """

    def __init__(
        self,
        service: Service,
        door: Door,
        hands: Hands,
        other_doors: dict[str, str],
        on_release: Callable[[], None],
    ) -> None:
        super().__init__(service, door, "commands")
        self._hands, self._other_doors, self._on_release = hands, other_doors, on_release

    def _answer(self, caller: Caller, frames: list[bytes]) -> list[bytes] | None:
        """Return the answer; None when the hands will give it."""
        admitted = self._admit(caller, frames)
        if isinstance(admitted, list):
            return admitted
        member, request = admitted
        later = False

        def give() -> Any:
            nonlocal later
            self._check_role(member, request.ask)
            if request.ask in (Ask.PERFORM, Ask.LINE, Ask.LEAVE):
                self._hand_over(member, request, caller)
                later = True
                return None
            return self._serve_at_once(member, request)

        answer = self._service.answer(request.number, lambda: self._noted(member, give))
        return None if later else pack_answer(answer)

    def _serve_at_once(self, member: Member, request: Request) -> Any:
        service, guard = self._service, self._service.guard
        match request.ask:
            case Ask.HELLO:
                return self._greeting(member)
            case Ask.STATUS:
                return status_table(guard.status())
            case Ask.VITALS:
                return vitals_table(vitals_of(guard))
            case Ask.DURATION:
                return guard.duration(read_instruction(request.value))
            case Ask.TAKE:
                token = service.lease.take(member.name)
                # whoever does not say that a human sits beside it has none
                guard.permit.change(member.level, is_autonomous=request.value is not False)
                service.book.write(LeaseChanged(member.name, "taken"))
                return token
            case Ask.RELEASE:
                service.lease.release(request.token, member.name)
                self._hands.leave_scan()
                service.book.write(LeaseChanged(member.name, "released"))
                self._on_release()
            case Ask.CONFIRM:
                return self._confirm(member, request.value)
            case _:
                raise unknown(request.ask)
        return None

    def _hand_over(self, member: Member, request: Request, caller: Caller) -> None:
        self._service.lease.renew(request.token, member.name)
        instruction = None
        if request.ask is Ask.PERFORM:
            instruction = read_instruction(request.value)
            needed = level_of(instruction)
            if member.level < needed:
                raise Forbidden(
                    f"{type(instruction).__name__} needs level {needed.value} "
                    f"({needed.name.lower()}); the key {member.name!r} has {member.level.value}"
                )
        reply = partial(self._ring, caller)
        self._hands.give(Job(member.name, request, instruction, reply))

    def _greeting(self, member: Member) -> dict[str, Any]:
        guard = self._service.guard
        return {
            "version": VERSION,
            "laboratory": self._service.laboratory,
            "capabilities": capabilities_table(guard.capabilities),
            "limits": limits_to_table(guard.limits),
            "owner": self._service.lease.owner,
            "name": member.name,
            "role": str(member.role),
            "level": int(member.level),
            "doors": self._other_doors,
        }

    def _check_role(self, member: Member, ask: Ask) -> None:
        if ask in _HARMLESS or member.role is Role.OPERATOR:
            return
        raise Forbidden(f"the key {member.name!r} has the role {member.role.value}: it may not")

    def _confirm(self, member: Member, value: Any) -> int:
        """Let so many instructions of level 3 be carried out within so many seconds."""
        if member.level < Level.EVERYTHING:
            raise Forbidden(f"to confirm takes level 3; the key {member.name!r} has {member.level}")
        self._service.refuse_the_agent(member.name)
        try:
            count, seconds = int(value["count"]), float(value["seconds"])
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise OutOfStep("a confirmation says a count and seconds") from error
        try:
            permit = self._service.guard.permit
            permit.confirm(member.name, count, time.monotonic() + seconds)
        except ValueError as error:
            raise Forbidden(str(error)) from error
        self._service.book.write(
            Intervention(member.name, f"confirmed {count} instructions of level 3", "", "confirm")
        )
        return count
