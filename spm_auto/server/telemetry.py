"""Telemetry: what a server tells everybody who watches."""

import threading
from collections.abc import Mapping
from typing import Any

import zmq

from ..data import Record
from ..instrument import ScanLine
from .sockets import Door
from .wire import Answer, Said, pack_answer

SIGNS, LINE, EVENT = b"signs", b"line", b"event"  # topics


class Telemetry:
    """Publishes; for any thread. Who reads too slowly misses some, and nobody waits for him.

    Args:
        door: Its socket.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._lock = threading.Lock()
        self._count = 0
        self._is_open = True

    def empty(self) -> None:
        """Hang up on all who watch: somebody's key was revoked, and the others come again."""
        with self._lock:
            self._is_open = self._door.empty()

    def signs(self, signs: Mapping[str, Any], time: float) -> None:
        """Tell how the instrument is."""
        if not self._is_open:
            self.empty()
        self._publish(SIGNS, signs, time)

    def line(self, line: ScanLine) -> None:
        """Tell a line of a scan."""
        self._publish(LINE, line, line.time)

    def event(self, record: Record) -> None:
        """Tell what was written down."""
        self._publish(EVENT, record, record.time)

    def _publish(self, topic: bytes, value: Any, time: float) -> None:
        with self._lock:
            if self._door.socket.closed:
                return
            self._count += 1
            frames = pack_answer(Answer(self._count, Said.DONE, value, time))
            self._door.socket.send_multipart([topic, *frames], zmq.NOBLOCK)
