"""Listener: hears what a server tells everybody: how the instrument is, lines of scans, events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import zmq

from ..data import Record
from ..errors import OutOfStep
from ..instrument import ScanLine, Status, Vitals
from .keys import Identity
from .sockets import bound_both_ways, introduce
from .telemetry import EVENT, LINE, SIGNS
from .wire import LARGEST_ANSWER, read_answer, read_status, read_vitals


@dataclass(frozen=True, slots=True)
class Overheard:
    """How an instrument is, as its server tells it several times a second.

    Attributes:
        status: What is read back.
        vitals: What it feels; None where it does not tell.
        owner: Who has control; empty for nobody.
        trip: Why the watchdog acted; None while all is well.
    """

    status: Status
    vitals: Vitals | None
    owner: str
    trip: str | None


class Listener:
    """Listens to a server; for one thread. Who listens too slowly misses some.

    Args:
        address: Of the server's door for telemetry.
        identity: Whose key it is; any known one will do.
        server_public: Key that the server must have.
    """

    def __init__(self, address: str, identity: Identity, server_public: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        bound_both_ways(self._socket)
        self._socket.set(zmq.MAXMSGSIZE, LARGEST_ANSWER)
        introduce(self._socket, identity, server_public)
        for topic in (SIGNS, LINE, EVENT):
            self._socket.subscribe(topic)
        self._socket.connect(address)

    def next(self, timeout: float) -> Overheard | ScanLine | Record | None:
        """Return what was told next; None when nothing was in time [s], or the key is not known.

        Raises:
            OutOfStep: It cannot be read.
        """
        if not self._socket.poll(int(1000 * timeout)):
            return None
        topic, *frames = self._socket.recv_multipart()
        value = read_answer(frames).value
        if topic == SIGNS:
            return _signs(value)
        if isinstance(value, ScanLine | Record):
            return value
        raise OutOfStep(f"the server told something that is not known: {type(value).__name__}")

    def close(self) -> None:
        """Stop listening; safe to call twice."""
        self._context.destroy(linger=0)


def _signs(table: Mapping[str, Any]) -> Overheard:
    try:
        vitals = table["vitals"]
        return Overheard(
            status=read_status(table["status"]),
            vitals=None if vitals is None else read_vitals(vitals),
            owner=table["owner"],
            trip=table["trip"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OutOfStep(f"the server told of a state that is none: {error}") from error
