"""Knocks: who came to a door and never said who they are, or said it wrongly."""

import threading
import time
from collections.abc import Callable

import zmq
from zmq.utils.monitor import recv_monitor_message

_POLL = 200  # [ms] how often the thread looks whether it shall end
_FAILED = {
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "with wrong or broken credentials, or for another server",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "without credentials, or too slowly to tell them",
}
# a key that is not on the list is told of by the list itself, which knows the key
_EVENTS = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


class Knocks:
    """A thread that tells of connections which did not get as far as a key that can be looked up.

    Args:
        context: Of the socket.
        socket: Where they knock.
        told: Called with what happened; must not raise, wait, or take long.
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
        self._open = 0
        self._accepted = now()
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
        self._thread.join(timeout)
        self._socket.disable_monitor()

    def _listen(self) -> None:
        while not self._closing.is_set():
            if self._events.poll(_POLL):
                self._heard(int(recv_monitor_message(self._events)["event"]))
            self._look_for_silent_ones()
        self._events.close(linger=0)

    def _heard(self, event: int) -> None:
        if event == zmq.EVENT_ACCEPTED:
            self._accepted = self._now()
            self._open += 1
            return
        self._open -= 1
        if event in _FAILED:
            self._told(f"somebody knocked {_FAILED[zmq.Event(event)]}")

    def _look_for_silent_ones(self) -> None:
        """Tell of those who came, and neither succeeded nor failed: what they said was nothing."""
        if self._open > 0 and self._now() - self._accepted > self._patience:
            self._told(f"{self._open} knocked and did not speak as a client does")
            self._open = 0
