"""Jobs: what goes on by itself behind the controller's panel, one thing of each name."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from spm_auto.clock import Clock, ScaledClock
from spm_auto.errors import InstrumentError, SpmError

SLICE = 0.01  # [s] between looks, on the wall clock
AT_ONCE = 5.0  # [s] on the wall clock, for what takes no time on a virtual one

_log = logging.getLogger(__name__)


class Jobs:
    """Threads that come to an end by themselves, or when the controller does.

    Attributes:
        ending: Set when the controller is closed; whoever waits looks at it.
        is_instant: Whether waiting takes no time, so that what began has as good as ended.
    """

    def __init__(self, clock: Clock) -> None:
        self.ending = threading.Event()
        self.is_instant = not isinstance(clock, ScaledClock)
        self._clock = clock
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def start(self, name: str, work: Callable[[], None], *, at_once: bool = True) -> None:
        """Begin something; where `at_once`, it has ended on a virtual clock when this returns.

        Raises:
            InstrumentError: It goes on already.
        """

        def run() -> None:
            try:
                work()
            except (SpmError, ValueError) as error:
                _log.info("%s ended early: %s", name, error)

        with self._lock:
            if self.is_running(name):
                raise InstrumentError(f"{name} is still going on")
            thread = threading.Thread(target=run, daemon=True)
            self._threads[name] = thread
            thread.start()
        if at_once and self.is_instant:
            self.join(name, AT_ONCE)

    def is_running(self, name: str) -> bool:
        """Whether something goes on."""
        thread = self._threads.get(name)
        return thread is not None and thread.is_alive()

    def join(self, name: str, timeout: float | None = None) -> bool:
        """Wait until something has ended [s, wall clock]; says whether it has."""
        return self.until(lambda: not self.is_running(name), timeout)

    def until(self, done: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait on the wall clock until something is so, or time is over, or the end has come.

        Returns:
            Whether it is so.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not done():
            if self.ending.is_set() or (end is not None and time.monotonic() >= end):
                return done()
            time.sleep(SLICE)
        return True

    def pass_time(self, duration: float) -> None:
        """Let instrument time pass [s], unless the controller is closed."""
        self._clock.wait(duration, self.ending)

    def close(self) -> None:
        """Wait for all of them; their station was closed before."""
        self.ending.set()
        for thread in list(self._threads.values()):
            with contextlib.suppress(RuntimeError):
                thread.join()
