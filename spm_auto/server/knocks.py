"""Knocks: who came to a door and never said who they are, or said it wrongly."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import zmq
from zmq.utils.monitor import recv_monitor_message

_POLL = 500  # [ms] how often the thread looks for those who say nothing
_TELL_EVERY = 5.0  # [s] at most, however many they are
_SILENT = "did not speak as a client does"
_FAILED = {
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "had broken credentials, or those for another server",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "had no credentials, or took too long to tell them",
}
# a key that is not on the list is told of by the list itself, which knows the key
_EVENTS = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_MONITOR_STOPPED
)


class Knocks:
    """A thread that tells of connections which did not get as far as a key that can be looked up.

    Args:
        context: Of the socket.
        socket: Where they knock.
        told: Called with how many came and how, every few seconds at most; must not raise or wait.
        patience: How long a connection may take to say who it is [s].
        now: Tells a time that never jumps [s].
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        socket: "zmq.Socket[bytes]",
        told: Callable[[str], None],
        patience: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._told, self._patience, self._now = told, patience, now
        self._socket = socket
        self._open = 0  # that have neither succeeded nor failed yet
        self._accepted = now()
        self._untold: Counter[str] = Counter()
        self._told_at: float | None = None
        place = f"inproc://knocks-{id(socket)}"
        socket.monitor(place, _EVENTS)
        self._events: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        self._events.set(zmq.RCVHWM, 0)  # what comes in must never wait for who writes it down
        self._events.connect(place)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="knocks", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread; before the socket is closed."""
        self._closing.set()
        self._socket.disable_monitor()  # of which the thread hears
        self._thread.join(timeout)

    def _listen(self) -> None:
        while not self._closing.is_set():
            if self._events.poll(_POLL):
                self._heard(int(recv_monitor_message(self._events)["event"]))
            self._tell()
        self._events.close(linger=0)

    def _heard(self, event: int) -> None:
        if event == zmq.EVENT_ACCEPTED:
            self._accepted = self._now()
            self._open += 1
            return
        if event == zmq.EVENT_MONITOR_STOPPED:
            return
        self._open = max(0, self._open - 1)
        if event in _FAILED:
            self._untold[_FAILED[zmq.Event(event)]] += 1

    def _tell(self) -> None:
        now = self._now()
        if self._open and now - self._accepted > self._patience:
            # whoever is silent, or talks nonsense, is hung up on without an event
            self._untold[_SILENT] += self._open
            self._open = 0
        if self._untold and (self._told_at is None or now - self._told_at > _TELL_EVERY):
            self._told_at = now
            self._told("; ".join(f"{count} {how}" for how, count in self._untold.items()))
            self._untold.clear()
