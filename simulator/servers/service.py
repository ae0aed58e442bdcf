"""Service: a listening TCP port, and the conversations on it, with faults on demand."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from spm_auto.errors import InstrumentError

from .wire_faults import ON_THE_LINE, WireFaults

LOOPBACK = "127.0.0.1"
LOOK_UP = 0.1  # [s] between looks at whether the service ends
PIECE = 1 << 16


class ClientGone(Exception):
    """The other end has left, or the service ends; the conversation is over."""


class Conversation:
    """The server's end of a connection.

    Args:
        connection: The socket.
        faults: What goes wrong with replies.
        ending: Set when the service ends.
    """

    def __init__(
        self, connection: socket.socket, faults: WireFaults, ending: threading.Event
    ) -> None:
        self._socket = connection
        self._faults = faults
        self._ending = ending
        self._held = bytearray()
        self._before = b""
        self._is_dead = False
        connection.settimeout(LOOK_UP)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, count: int) -> bytes:
        """Return exactly so many bytes, however long they take.

        Raises:
            ClientGone: The client left.
        """
        while len(self._held) < count:
            self._held += self.some()
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def receive_until(self, end: bytes, most: int = PIECE) -> bytes:
        """Return what comes up to an end mark, the mark included.

        Raises:
            ClientGone: The client left, or sends without end.
        """
        while (found := self._held.find(end)) < 0:
            if len(self._held) > most:
                raise ClientGone
            self._held += self.some()
        taken = bytes(self._held[: found + len(end)])
        del self._held[: found + len(end)]
        return taken

    def poll(self, wait: float) -> bytes:
        """Return what came before, or comes within a while [s]; empty when nothing does.

        Raises:
            ClientGone: The client left, or the service ends.
        """
        if self._ending.is_set():
            raise ClientGone
        taken, self._held = bytes(self._held), bytearray()
        if taken:
            return taken
        self._socket.settimeout(min(max(wait, 1e-4), LOOK_UP))
        try:
            more = self._socket.recv(PIECE)
        except TimeoutError:
            return b""
        except OSError as error:
            raise ClientGone from error
        finally:
            self._socket.settimeout(LOOK_UP)
        if not more:
            raise ClientGone
        return b"" if self._is_dead else more

    def some(self) -> bytes:
        """Wait for bytes and return those that come first.

        Raises:
            ClientGone: The client left, or the service ends.
        """
        while not self._ending.is_set():
            try:
                more = self._socket.recv(PIECE)
            except TimeoutError:
                continue
            except OSError as error:
                raise ClientGone from error
            if not more:
                raise ClientGone
            if not self._is_dead:
                return more
        raise ClientGone

    def reply(self, data: bytes, command: str) -> None:
        """Send a reply, or what a fault makes of it.

        Args:
            data: The whole reply.
            command: What it answers, as the protocol names it.

        Raises:
            ClientGone: The client left, or the fault ends the conversation.
        """
        fault = self._faults.strike(command, *ON_THE_LINE)
        before, self._before = self._before, data
        match fault.kind if fault else "":
            case "split":
                for start in range(0, len(data), max(1, len(data) // 7)):
                    self._send(data[start : start + max(1, len(data) // 7)])
                    self._ending.wait(1e-3)
            case "late":
                self._ending.wait(fault.delay if fault else 0.0)
                self._send(data)
            case "silent":
                return
            case "doubled":
                self._send(data + data)
            case "truncated":
                self._send(data[: len(data) // 2])
            case "garbage":
                self._send(bytes(byte ^ 0xA5 for byte in data))
            case "stale":
                self._send(before or data[::-1])
            case "closed":
                self._send(data[: len(data) // 2])
                raise ClientGone
            case "unplugged":
                self._socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                raise ClientGone
            case "half_open":
                self._is_dead = True
            case _:
                self._send(data)

    def send(self, data: bytes) -> None:
        """Send something that is no reply, such as an event; no fault strikes it."""
        self._send(data)

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self._ending.is_set():
                raise ClientGone
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise ClientGone from error


class Service:
    """Listens on a port and serves whoever connects, each in a thread of its own.

    Args:
        serve: Holds one conversation, until `ClientGone`.
        host: Where to listen.
        port: Number; 0 takes a free one.
        faults: What goes wrong with replies.
        one_at_a_time: Whether a second client is not served until the first has left.

    Attributes:
        port: The number.

    Raises:
        InstrumentError: The port is not free.
    """

    def __init__(
        self,
        serve: Callable[[Conversation], None],
        host: str = LOOPBACK,
        port: int = 0,
        faults: WireFaults | None = None,
        one_at_a_time: bool = False,
    ) -> None:
        self._serve = serve
        self._faults = faults or WireFaults()
        self._one_at_a_time = one_at_a_time
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listening.bind((host, port))
            self._listening.listen()
        except OSError as error:
            self._listening.close()
            raise InstrumentError(f"cannot listen on {host}:{port}: {error}") from error
        self._listening.settimeout(LOOK_UP)
        self.port: int = self._listening.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Hang up on everyone and stop listening; safe to call twice."""
        self._ending.set()
        with contextlib.suppress(OSError):  # wakes who waits there, where the system can do it
            self._listening.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self._one_at_a_time:
                self._hold(connection)
                continue
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            thread = threading.Thread(target=self._hold, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _hold(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ClientGone):
            self._serve(Conversation(connection, self._faults, self._ending))
