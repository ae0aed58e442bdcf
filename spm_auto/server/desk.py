"""Desk: one door of a server, served by a thread that waits for nothing but messages."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from ..errors import Forbidden, NotOwner, OutOfStep, SpmError
from .keys import Member
from .service import Service
from .sockets import CLOSING, Caller, Door, receive
from .wire import Answer, Request, failed, pack_answer, read_request

REMEMBERED = 4096  # connections whose last request is remembered


class Desk(ABC):
    """Serves one door in a thread of its own; a child says what is answered.

    What takes time is done by somebody else, one thread, who then rings with the answer.

    Args:
        service: What all desks share.
        door: Its socket.
        name: For the journal.
    """

    def __init__(self, service: Service, door: Door, name: str) -> None:
        self._service, self._door, self._name = service, door, name
        self._last: OrderedDict[bytes, int] = OrderedDict()
        self._bell, end = door.bell()
        self._end = end()  # for the one thread that rings, from now on
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def open(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """End the thread; whoever rings must have ended before."""
        self._closing.set()
        self._end.send(CLOSING)
        self._thread.join(timeout)
        self._end.close(linger=0)

    @abstractmethod
    def _answer(self, caller: Caller, frames: list[bytes]) -> list[bytes] | None:
        """Return the answer; None when somebody will ring with it."""

    def _ring(self, caller: Caller, answer: Answer) -> None:
        """Have an answer sent that took longer; from the one thread that rings."""
        self._end.send_multipart([caller.route, *pack_answer(answer)])

    def _admit(
        self, caller: Caller, frames: Sequence[bytes]
    ) -> tuple[Member, Request] | list[bytes]:
        """Let a request in: known key, known version, a number that rises; or return a refusal."""
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

    def _noted(self, member: Member, give: Callable[[], Any]) -> Any:
        """Do what was asked, and write it down where it is refused."""
        try:
            return give()
        except (Forbidden, NotOwner) as error:
            self._service.book.deny(member.name, str(error))
            raise

    def _check_number(self, route: bytes, number: int) -> None:
        last = self._last.pop(route, -1)
        self._last[route] = max(last, number)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        if number <= last:
            raise OutOfStep(f"request {number} came after request {last}: it is not carried out")

    def _serve(self) -> None:
        socket, poller = self._door.socket, zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(self._bell, zmq.POLLIN)
        while not self._closing.is_set():
            ready = dict(poller.poll())
            if self._bell in ready:
                ringing = self._bell.recv_multipart()
                if ringing != [CLOSING]:
                    socket.send_multipart(ringing)
            if socket in ready:
                caller, frames = receive(socket)
                answer = self._answer(caller, frames)
                if answer is not None:
                    socket.send_multipart([caller.route, *answer])
        self._bell.close(linger=0)
