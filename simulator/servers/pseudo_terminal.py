"""PseudoTerminal: an emulated controller at the end of a serial line that is none."""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable
from typing import cast

from spm_auto.errors import InstrumentError

from .service import LOOK_UP, ClientGone, Conversation
from .wire_faults import WireFaults


class PseudoTerminal:
    """Serves whoever opens a pseudo-terminal, as `Service` does a port; where there are such.

    Args:
        serve: Holds the conversation, until `ClientGone`.
        faults: What goes wrong with replies.

    Attributes:
        path: What to open, as if it was a serial port.

    Raises:
        InstrumentError: This system has no pseudo-terminals.
    """

    def __init__(
        self, serve: Callable[[Conversation], None], faults: WireFaults | None = None
    ) -> None:
        if not hasattr(os, "openpty"):
            raise InstrumentError("this system has no pseudo-terminals; serve on a port instead")
        import tty

        self._serve = serve
        self._faults = faults or WireFaults()
        self._ending = threading.Event()
        # the other end stays open here, so that a client may leave and come back
        self._end, self._other = os.openpty()
        tty.setraw(self._end)
        tty.setraw(self._other)
        self.path = os.ttyname(self._other)
        self._thread = threading.Thread(target=self._hold, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Pull the plug; safe to call twice."""
        self._ending.set()
        self._thread.join()
        for end in (self._end, self._other):
            with contextlib.suppress(OSError):
                os.close(end)

    def _hold(self) -> None:
        end = cast(socket.socket, _End(self._end))
        while not self._ending.is_set():
            with contextlib.suppress(ClientGone):
                self._serve(Conversation(end, self._faults, self._ending))


class _End:
    """The controller's end, with as much of a socket as a conversation uses."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._timeout = LOOK_UP

    def settimeout(self, timeout: float) -> None:
        self._timeout = timeout

    def setsockopt(self, *options: object) -> None:
        pass

    def recv(self, most: int) -> bytes:
        ready, _, _ = select.select([self._number], [], [], self._timeout)
        if not ready:
            raise TimeoutError
        return os.read(self._number, most)

    def send(self, data: bytes) -> int:
        _, ready, _ = select.select([], [self._number], [], self._timeout)
        if not ready:
            raise TimeoutError
        return os.write(self._number, data)
