"""Patience: how long an answer may take, and what to look after meanwhile."""

import time
from collections.abc import Callable

from spm_auto.errors import NoReply

Meanwhile = Callable[[], float | None]

SLICE = 0.05  # [s] that nobody waits longer than, before looking up


class Patience:
    """A deadline on the wall clock.

    Args:
        timeout: How long an answer may take [s].
        meanwhile: Called at least every 50 ms while waiting. It may raise, which ends the wait, or
            return how much longer to wait [s], after it asked the device to come to an end.
    """

    def __init__(self, timeout: float, meanwhile: Meanwhile | None = None) -> None:
        self.timeout = timeout
        self._meanwhile = meanwhile
        self._end = time.monotonic() + timeout

    def left(self) -> float:
        """Return how much time is left [s]; negative when it is over."""
        return self._end - time.monotonic()

    def shorten(self, seconds: float) -> None:
        """Wait no longer than so many seconds from now."""
        self._end = min(self._end, time.monotonic() + seconds)

    def slice(self) -> float:
        """Return how long to wait before looking up again [s]."""
        return max(min(self.left(), SLICE), 1e-3)

    def check(self, what: str) -> None:
        """Look after other things, then see whether the time is over.

        Args:
            what: What is waited for, for the message ("a reply of 24 bytes").

        Raises:
            NoReply: The time is over.
        """
        if self._meanwhile is not None:
            longer = self._meanwhile()
            if longer is not None:
                self.shorten(longer)
        if self.left() <= 0:
            raise NoReply(f"no answer within {self.timeout:.3g} s: {what}")
