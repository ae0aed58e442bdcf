"""Book: what a server writes down, and whom it tells."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from ..data import (
    AccessDenied,
    Acknowledged,
    Alarm,
    Event,
    Journal,
    LeaseChanged,
    Record,
    ServerStarted,
    ServerStopped,
    TipWithdrawn,
)
from ..errors import DataError, SpmError

_log = logging.getLogger(__name__)
_SYNCED = (ServerStarted, ServerStopped, TipWithdrawn, Acknowledged, Alarm, LeaseChanged)
DENIALS = 60  # written down in a minute at most; who floods the journal would fill the disk
WAITING = 1000  # events that wait for the disk at most
PATIENCE = 10.0  # [s] for the disk to take what must be written down

Listener = Callable[[Record], None]


class Book:
    """The journal of a server: written in a thread of its own, so that no desk waits for a disk.

    Args:
        journal: Where it is written.
        now: Tells a time that never jumps [s].
        listeners: Called with each record after it was written, in that thread; they must not
            raise.
    """

    def __init__(
        self, journal: Journal, now: Callable[[], float], listeners: tuple[Listener, ...] = ()
    ) -> None:
        self._journal, self._now, self._listeners = journal, now, listeners
        self._waiting: queue.Queue[tuple[Event, Future[None]] | None] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._denied: deque[float] = deque(maxlen=DENIALS)
        self._unwritten = 0
        self._thread = threading.Thread(target=self._work, name="book", daemon=True)
        self._thread.start()

    def require(self, event: Event) -> None:
        """Write an event down, without which nothing may go on.

        Raises:
            DataError: The disk did not take it, or not in time.
        """
        written: Future[None] = Future()
        try:
            self._waiting.put((event, written), timeout=PATIENCE)
            written.result(PATIENCE)
        except (queue.Full, TimeoutError) as error:
            raise DataError(
                f"the server's journal takes nothing for {PATIENCE:g} s; nothing was moved"
            ) from error

    def write(self, event: Event) -> None:
        """Have an event written down that has happened already; never waits."""
        try:
            self._waiting.put_nowait((event, Future()))
        except queue.Full:
            _log.error("%s was not written down: the disk is too slow", type(event).__name__)

    def deny(self, who: str, message: str) -> None:
        """Write down that somebody was refused, so many times a minute at most."""
        with self._lock:
            now = self._now()
            if len(self._denied) == DENIALS and now - self._denied[0] < 60.0:
                self._unwritten += 1
                return
            self._denied.append(now)
            left_out, self._unwritten = self._unwritten, 0
        if left_out:
            message = f"{message} ({left_out} more before it were not written down)"
        self.write(AccessDenied(who, message))

    def close(self, timeout: float) -> None:
        """Write down what waits, and close the journal."""
        self._waiting.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            event, written = waiting
            try:
                record = self._journal.append(event, sync=isinstance(event, _SYNCED))
            except (SpmError, TypeError) as error:  # or of something that no journal stores
                _log.error("%s was not written down: %s", type(event).__name__, error)
                written.set_exception(error)
                continue
            written.set_result(None)
            for listener in self._listeners:
                listener(record)
        try:
            self._journal.close()
        except SpmError as error:
            _log.error("the server's journal could not be closed: %s", error)
