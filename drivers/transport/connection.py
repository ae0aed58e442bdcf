"""Connection: conversations over a link that is opened again after it was lost."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spm_auto.errors import ConnectionLost, InstrumentError, Refused

from .link import Link
from .patience import SLICE, Meanwhile, Patience

FIRST_PAUSE = 0.1  # [s] before the second attempt
GROWTH = 2.0


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: the link is yours until it ends.

    Attributes:
        link: Where to send and receive.
        patience: The deadline of all of it.
    """

    link: Link
    patience: Patience


class Connection:
    """A line to a device, for one conversation at a time.

    A conversation that does not end in order (no answer, a wrong one, half of one, an interruption)
    closes the link: what comes later over it could be taken for the answer to something else. The
    next conversation opens a new one and greets. Nothing is ever sent twice.

    Args:
        name: Of the device, for messages.
        open_link: Opens a new link.
        greet: The first conversation over each new link: says who is there, reads the state.
        attempts: How often opening is tried, with a pause that doubles.
        timeout: Of the greeting [s].

    Attributes:
        losses: How often a link was given up.
    """

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Link],
        greet: Callable[[Talk], None] | None = None,
        attempts: int = 3,
        timeout: float = 10.0,
    ) -> None:
        self.name = name
        self.losses = 0
        self._open_link = open_link
        self._greet = greet
        self._attempts = attempts
        self._timeout = timeout
        self._lock = threading.Lock()
        self._link: Link | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a link, as far as is known."""
        return self._link is not None

    @contextlib.contextmanager
    def talk(self, timeout: float, meanwhile: Meanwhile | None = None) -> Iterator[Talk]:
        """Have a conversation.

        Args:
            timeout: Of the whole conversation, opening the link not included [s].
            meanwhile: Called at least every 50 ms while waiting, also for one's turn.

        Raises:
            ConnectionLost: The device cannot be reached, or is gone.
            NoReply: It does not answer, or another conversation does not end in time.
        """
        waiting = Patience(timeout, meanwhile)
        while not self._lock.acquire(timeout=SLICE):
            waiting.check(f"another conversation with {self.name} goes on")
        try:
            talk = Talk(self._link or self._reopened(meanwhile), Patience(timeout, meanwhile))
            try:
                yield talk
            except Refused:
                raise
            except BaseException:
                self._give_up()
                raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the link, also under a conversation, which then ends with `ConnectionLost`."""
        link = self._link
        if link is not None:
            link.close()
        self._link = None

    def _reopened(self, meanwhile: Meanwhile | None) -> Link:
        pause = FIRST_PAUSE
        for attempt in range(self._attempts):
            try:
                return self._opened(meanwhile)
            except InstrumentError:
                if attempt == self._attempts - 1:
                    raise
            end = time.monotonic() + pause
            while (left := end - time.monotonic()) > 0:
                if meanwhile is not None:
                    meanwhile()
                threading.Event().wait(min(left, SLICE))
            pause *= GROWTH
        raise ConnectionLost(f"{self.name} cannot be reached")

    def _opened(self, meanwhile: Meanwhile | None) -> Link:
        link = self._link = self._open_link()
        if self._greet is not None:
            try:
                self._greet(Talk(link, Patience(self._timeout, meanwhile)))
            except BaseException:
                self._give_up()
                raise
        return link

    def _give_up(self) -> None:
        self.losses += 1
        self.close()
