"""Connection: questions to an instrument server and their answers, one at a time."""

import threading
import time
from collections.abc import Callable
from typing import Any

import zmq

from ..errors import ConnectionLost, NoReply, OutOfStep
from .keys import Identity
from .sockets import dial
from .wire import LARGEST_ANSWER, Answer, Ask, Request, pack_request, read_answer

OPENING = 3.0  # [s] for a connection to stand
_SLICE = 50  # [ms] at most between two looks whether to go on waiting


class Connection:
    """One connection to one door of a server; safe from any thread, one question at a time.

    An answer that does not come, or belongs to another question, closes the connection: the next
    question opens another one. Nothing is asked twice.

    Args:
        context: Where its sockets are made.
        address: Of the door.
        identity: Whose key it is.
        server_public: Key that the server must have.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        address: str,
        identity: Identity,
        server_public: str,
    ) -> None:
        self._context, self._address = context, address
        self._identity, self._server_public = identity, server_public
        self._lock = threading.Lock()
        self._socket: zmq.Socket[bytes] | None = None
        self._number = 0

    def open(self) -> None:
        """Connect now; later it may be too late.

        Raises:
            ConnectionLost: Nobody is there, or a key is not right.
        """
        with self._lock:
            self._opened()

    def ask(
        self,
        ask: Ask,
        value: Any = None,
        token: str = "",
        within: float = 2.0,
        is_alive: Callable[[], bool] | None = None,
    ) -> Answer:
        """Ask, and wait for the answer.

        Args:
            ask: What.
            value: With what.
            token: Of the lease.
            within: How long the answer may take [s], unless ``is_alive`` is given.
            is_alive: Says whether there is any point in waiting; then it may take as long as it
                takes.

        Raises:
            NoReply: No answer came in time.
            ConnectionLost: The server cannot be reached, or is gone.
            OutOfStep: Something else came.
        """
        with self._lock:
            socket = self._opened()
            self._number += 1
            try:
                socket.send_multipart(
                    pack_request(Request(self._number, ask, value, token)), zmq.NOBLOCK
                )
                frames = self._wait(socket, ask, within, is_alive)
                answer = read_answer(frames)
                if answer.number not in (self._number, -1):
                    raise OutOfStep(
                        f"{self._address} answered question {answer.number}, "
                        f"asked was {self._number}"
                    )
            except zmq.ZMQError as error:
                self._drop()
                raise ConnectionLost(f"{self._address} cannot be asked: {error}") from error
            except (ConnectionLost, NoReply):
                self._drop()
                raise
            return answer

    def close(self) -> None:
        """Close it, once the question in progress is answered; safe to call twice."""
        with self._lock:
            self._drop()

    def _wait(
        self,
        socket: "zmq.Socket[bytes]",
        ask: Ask,
        within: float,
        is_alive: Callable[[], bool] | None,
    ) -> list[bytes]:
        end = time.monotonic() + within
        while not socket.poll(_SLICE):
            if is_alive is None and time.monotonic() > end:
                raise NoReply(f"{self._address} did not answer {ask.value!r} within {within:g} s")
            if is_alive is not None and not is_alive():
                raise ConnectionLost(f"the server at {self._address} gives no sign of life")
            if not socket.poll(0, zmq.POLLOUT):  # there is nobody left to write to
                raise ConnectionLost(f"the connection to {self._address} is broken")
        return socket.recv_multipart()

    def _opened(self) -> "zmq.Socket[bytes]":
        if self._socket is None:
            self._socket = dial(
                self._context, self._address, self._identity, self._server_public, OPENING
            )
            self._socket.set(zmq.MAXMSGSIZE, LARGEST_ANSWER)
        return self._socket

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None
