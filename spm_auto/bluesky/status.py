"""Status: whether what a device was told is done, as a RunEngine asks; and who does it."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from ..errors import Interrupted, SpmError
from ..workflow import Runner

WHO = "bluesky"  # who steps in, for the journal


class Status:
    """What becomes of an instruction; safe from any thread.

    One that was ended on purpose (by a pause, say) counts as a success, as bluesky wants it: the
    RunEngine does it again when the plan goes on.
    """

    def __init__(self) -> None:
        self._future: Future[None] = Future()
        self._is_halted = self._is_planned = False

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._future.done()

    @property
    def success(self) -> bool:
        """Whether it has ended well."""
        return self.done and self.exception() is None

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        """Return what went wrong; None for nothing.

        Args:
            timeout: How long to wait for the end [s]; None for as long as it takes.

        Raises:
            TimeoutError: It has not ended by then.
        """
        try:
            error = self._future.exception(timeout)
        except CancelledError:
            error = Interrupted("ended before it had begun")
        is_planned = self._is_planned and isinstance(error, Interrupted)
        return None if is_planned else error

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end, for scripts without a RunEngine.

        Args:
            timeout: Longest wait [s]; None for no limit.

        Raises:
            TimeoutError: It has not ended by then.
            SpmError: What went wrong.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error

    def add_callback(self, callback: Callable[["Status"], None]) -> None:
        """Have a function called with this when it has ended; at once if it has."""
        self._future.add_done_callback(lambda _: callback(self))


class Worker:
    """The instrument thread: does one thing after the other, so that a RunEngine need not wait.

    Args:
        runner: Of the run that the instrument belongs to.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._open: list[Status] = []
        self._thread = ThreadPoolExecutor(1, "instrument")

    def submit(self, work: Callable[[], Any]) -> Status:
        """Have something done after all that was submitted before."""
        status = Status()
        with self._lock:
            self._open.append(status)
            status._future = self._thread.submit(self._do, status, work)
        status.add_callback(self._forget)
        return status

    def halt(self, success: bool, why: str) -> None:
        """End what goes on, and do not begin what waits; the run goes on.

        Args:
            success: Whether that was planned, so that the statuses count as successes.
            why: Why, in words, for the journal.
        """
        with self._lock:
            halted = [*self._open]
            for status in halted:
                status._is_planned, status._is_halted = success, True
        for status in halted:
            status._future.cancel()
        if halted:
            with contextlib.suppress(SpmError):  # nothing had begun, or it has just ended
                self._runner.interrupt(WHO, why)

    def close(self) -> None:
        """Wait for what was submitted, and end the thread."""
        self._thread.shutdown(wait=True)

    def _do(self, status: Status, work: Callable[[], Any]) -> None:
        with self._runner.interruptible():
            # looked at where an interrupt is heard already, so that none falls in between
            if status._is_halted:
                raise Interrupted("ended before it had begun")
            work()

    def _forget(self, status: Status) -> None:
        with self._lock:
            self._open.remove(status)
