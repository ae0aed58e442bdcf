"""Hands: what is done by hand just now, and whether somebody has ended it."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from ..errors import Interrupted, SpmError

_POLL = 0.05  # [s] between two interrupts, until the instruction has ended


class Hands:
    """Whether instructions by hand go on; safe from any thread.

    Whoever interrupts them reaches nothing else: while the instrument is being told, what is done
    by hand does not end, so that no later instruction can be hit.

    Args:
        changed: Guards what is here, and wakes whoever waits.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._telling = threading.Lock()
        self._is_busy = False
        self._by = ""  # who has ended it

    @property
    def is_busy(self) -> bool:
        """Whether what a human has told goes on."""
        with self._changed:
            return self._is_busy

    @property
    def is_ended(self) -> bool:
        """Whether a human wants it to end."""
        with self._changed:
            return bool(self._by)

    def begin(self) -> None:
        """Say that instructions by hand follow; what was ended already stays so."""
        with self._changed:
            self._is_busy = True

    def end(self) -> None:
        """Say that they are over; the instrument is told nothing more of it from here on."""
        with self._telling, self._changed:
            self._is_busy, self._by = False, ""
            self._changed.notify_all()

    @contextlib.contextmanager
    def spared(self) -> Iterator[None]:
        """Let nobody end what goes on within: no human has given it."""
        with self._changed:
            was_busy, self._is_busy = self._is_busy, False
        try:
            yield
        finally:
            with self._changed:
                self._is_busy = was_busy

    def interrupt(self, who: str, noted: Callable[[], object]) -> None:
        """Have it end.

        Args:
            who: Who wants it.
            noted: Called with the lock, when there is something to end.

        Raises:
            SpmError: Nothing is done by hand just now.
        """
        with self._changed:
            if not self._is_busy:
                raise SpmError("nothing is being done by hand just now, so there is nothing to end")
            noted()
            self._by = who
            self._changed.notify_all()

    def check(self) -> None:
        """Go on, unless a human has ended it.

        Raises:
            Interrupted: One has.
        """
        with self._changed:
            if self._by:
                raise self.ended()

    def ended(self, seconds: float = 0.0) -> Interrupted:
        """Return the error that it was ended, after so long [s]."""
        with self._changed:
            return Interrupted(f"interrupted by {self._by or 'somebody'}", seconds)

    def insist(self, tell: Callable[[], object]) -> None:
        """Tell the instrument to end its instruction, until it has: the first may come too early.

        Args:
            tell: Tells it.
        """
        while self._told(tell):
            with self._changed:
                self._changed.wait_for(lambda: not self._by, _POLL)

    def _told(self, tell: Callable[[], object]) -> bool:
        with self._telling:
            if not self.is_ended:
                return False
            tell()
            return True
