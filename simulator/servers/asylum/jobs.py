"""Jobs: what the microscope does after Igor has gone on to the next line."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from spm_auto.errors import SpmError


class Jobs:
    """Does one thing after the other, in a thread of its own.

    Attributes:
        doing: The bits of the status that stand for what is going on.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._changed = threading.Condition()
        self._current = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def doing(self) -> int:
        """What is done or waits to be done, as bits of the status."""
        with self._changed:
            bits = self._current
            for waiting, _ in self._waiting:
                bits |= waiting
            return bits

    def add(self, job: Callable[[], None], bits: int = 0) -> None:
        """Let something be done after everything else."""
        with self._changed:
            self._waiting.append((bits, job))
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget what was not begun."""
        with self._changed:
            self._waiting.clear()

    def close(self) -> None:
        """Forget the rest and end; safe to call twice."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._current = 0
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                self._current, job = self._waiting.popleft()
            # what the microscope refuses does not happen; Igor shows a message to nobody
            with contextlib.suppress(SpmError):
                job()
