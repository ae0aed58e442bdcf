"""TcpLink: a connection over TCP."""

import contextlib
import socket

from spm_auto.errors import ConnectionLost

from .link import Link
from .patience import SLICE, Patience

PIECE = 1 << 18  # bytes at a time


class TcpLink(Link):
    """A TCP connection, with keep-alive on and without delay for short messages.

    Args:
        host: Name or address.
        port: Number.
        timeout: How long connecting may take [s].

    Raises:
        ConnectionLost: Nobody listens there.
    """

    def __init__(self, host: str, port: int, timeout: float = 3.0) -> None:
        super().__init__(f"{host}:{port}")
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise ConnectionLost(f"{self.name} cannot be reached: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def send(self, data: bytes, patience: Patience) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(SLICE)
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                patience.check(f"{self.name} takes no more; {len(rest)} bytes are left to send")
            except OSError as error:
                raise ConnectionLost(f"{self.name} is gone: {error}") from error

    def _some(self, wait: float) -> bytes:
        # a time-out of zero does not wait at all, and is told by another error
        self._socket.settimeout(wait)
        try:
            more = self._socket.recv(PIECE)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise ConnectionLost(f"{self.name} is gone: {error}") from error
        if not more:
            raise ConnectionLost(f"{self.name} has closed the connection")
        return more

    def close(self) -> None:
        """Close the connection at once."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
