"""Heart: signs of life from a client to its server, and back."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ConnectionLost, InstrumentError, NoReply, NotOwner
from .connection import Connection
from .wire import Ask

_log = logging.getLogger(__name__)
BEAT = 1.0  # [s] between two signs of life
SILENCE = 3.0  # [s] without an answer after which the server counts as lost


@dataclass(frozen=True, slots=True)
class Signs:
    """What the server said last.

    Attributes:
        owner: Who has control.
        trip: Why the watchdog acted; None when it did not.
        severity: What it did, "hold" or "withdraw".
    """

    owner: str = ""
    trip: str | None = None
    severity: str | None = None


class Heart:
    """A thread that keeps the lease alive, as long as this process is.

    Args:
        connection: To the door for safety, used by nobody else.
        now: Tells a time that never jumps [s].
    """

    def __init__(self, connection: Connection, now: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._now = connection, now
        self._lock = threading.Lock()
        self._heard = now()
        self._token = ""
        self.signs = Signs()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)
        self._thread.start()

    @property
    def token(self) -> str:
        """Of the lease; empty when this client has not got it."""
        with self._lock:
            return self._token

    @token.setter
    def token(self, token: str) -> None:
        with self._lock:
            self._token = token
            self._heard = self._now()

    def is_alive(self) -> bool:
        """Whether the server was heard of lately."""
        with self._lock:
            return self._now() - self._heard < SILENCE

    def close(self) -> None:
        """Stop; nothing keeps the lease alive any more."""
        self._ending.set()
        self._thread.join(SILENCE)

    def _beat_on(self) -> None:
        while not self._ending.wait(BEAT):
            self._beat(self.token)

    def _beat(self, token: str) -> None:
        try:
            said = self._connection.ask(Ask.BEAT, token=token, within=BEAT).result()
            signs = Signs(said["owner"], said["trip"], said["severity"])
        except NotOwner as error:
            _log.warning("%s", error)
            with self._lock:
                self._heard = self._now()
                if self._token == token:
                    self._token = ""
            return
        except (ConnectionLost, NoReply, InstrumentError) as error:
            _log.warning("no sign of life of the server: %s", error)
            return
        with self._lock:
            self._heard, self.signs = self._now(), signs
