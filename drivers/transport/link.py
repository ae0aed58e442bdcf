"""Link: bytes to a device and back, each wait with a deadline."""

import time
from abc import ABC, abstractmethod

from spm_auto.errors import OutOfStep

from .patience import Patience

LONGEST_LINE = 65536  # bytes


class Link(ABC):
    """An open line to a device. Bytes that came and were not asked for yet are kept.

    A child reads and writes what is there; the waiting is done here.

    Attributes:
        name: Of the other end, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._held = bytearray()

    @abstractmethod
    def send(self, data: bytes, patience: Patience) -> None:
        """Send all of it.

        Raises:
            ConnectionLost: The other end is gone.
            NoReply: It does not take the bytes in time.
        """

    @abstractmethod
    def _some(self, wait: float) -> bytes:
        """Return what has come, waiting a short while for it [s]; empty when nothing did.

        Raises:
            ConnectionLost: The other end is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of it; safe to call twice."""

    def receive(self, count: int, patience: Patience) -> bytes:
        """Return exactly so many bytes.

        Raises:
            ConnectionLost: The other end is gone, also in the middle of a reply.
            NoReply: They did not come in time.
        """
        while len(self._held) < count:
            self._wait(patience, f"{len(self._held)} of {count} bytes came")
        return self._take(count)

    def receive_until(self, end: bytes, patience: Patience, most: int = LONGEST_LINE) -> bytes:
        """Return what comes up to an end mark, the mark included.

        Raises:
            OutOfStep: So many bytes came without the mark.
            ConnectionLost: The other end is gone.
            NoReply: The mark did not come in time.
        """
        looked_at = 0
        while (found := self._held.find(end, looked_at)) < 0:
            if len(self._held) > most:
                raise OutOfStep(
                    f"{self.name} sent {len(self._held)} bytes without the end mark {end!r}; "
                    f"expected at most {most}"
                )
            looked_at = max(0, len(self._held) - len(end) + 1)
            self._wait(patience, f"{len(self._held)} bytes came, without the end mark {end!r}")
        return self._take(found + len(end))

    def drain(self, quiet: float = 0.0) -> bytes:
        """Return whatever has come until it is quiet for a while [s]."""
        last = time.monotonic()
        while True:
            more = self._some(max(quiet - (time.monotonic() - last), 0.0))
            if more:
                self._held += more
                last = time.monotonic()
            elif time.monotonic() - last >= quiet:
                return self._take(len(self._held))

    def _wait(self, patience: Patience, what: str) -> None:
        more = self._some(patience.slice())
        self._held += more
        if not more:
            patience.check(f"{self.name}: {what}")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken
