"""Sockets of an instrument server: encrypted, for known keys only, bounded in size and number.

Transport is ZeroMQ with CURVE (elliptic-curve keys on both sides): whoever has no key that the
server knows gets no answer. Each socket stands in a context of its own, so that a crowd at one
door does not keep those out who knock at another.
"""

import contextlib
import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

from ..errors import ConnectionLost, InstrumentError
from .knocks import Knocks

QUEUE = 100  # messages that wait at most, each way
HANDSHAKE = 3000  # [ms] for a client to say who it is
BEAT, SILENCE = 500, 2000  # [ms] between signs of life of a connection, and without any
KEEP_ALIVE = 5  # [s] of silence after which the system asks whether somebody is there
CLOSING = b"closing"  # rung at a desk that shall close
LAST_WORDS = 50  # [ms] for answers to get out of a door that closes
BACKLOG = 1024  # connections that wait to be taken
_DOMAIN = "spm_auto"
_ENDINGS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_CLOSED
    | zmq.EVENT_CONNECT_RETRIED
)


class Pair(Protocol):
    """A pair of CURVE keys, as text."""

    @property
    def public(self) -> str:
        """The public key."""

    @property
    def secret(self) -> str:
        """The secret key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a message came from.

    Attributes:
        route: Of the connection, for the answer.
        public: Key that the connection was made with, proven in its handshake.
    """

    route: bytes
    public: str


class Credentials(Protocol):
    """Says whose connections are let in."""

    def callback(self, domain: str, key: bytes) -> bool:
        """Say whether a public key is known."""


class Door:
    """One socket of a server, with its own context and its own porter.

    Args:
        kind: ``zmq.ROUTER`` or ``zmq.PUB``.
        address: Such as "tcp://127.0.0.1"; the port is free if it is 0.
        port: Where to listen.
        server: Keys of the server.
        credentials: Who is let in.
        largest: A message that is larger ends its connection [bytes].
        knocked: Told of who did not get as far as a key; must not raise or wait.

    Attributes:
        address: Where it listens.
        socket: The socket.

    Raises:
        InstrumentError: The port is not free, or the address is not one of this computer.
    """

    def __init__(
        self,
        kind: int,
        address: str,
        port: int,
        server: Pair,
        credentials: Credentials,
        largest: int,
        knocked: Callable[[str], None],
    ) -> None:
        self._context = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 64)
        self._porter = ThreadAuthenticator(self._context)
        self._porter.start()
        self._porter.configure_curve_callback(domain=_DOMAIN, credentials_provider=credentials)
        self._kind, self._server = kind, server
        self._largest, self._knocked = largest, knocked
        self._open()
        try:
            if port:
                self.socket.bind(f"{address}:{port}")
            else:
                port = self.socket.bind_to_random_port(address)
        except (zmq.ZMQError, zmq.ZMQBindError) as error:
            self.close()
            number = error.errno if isinstance(error, zmq.ZMQError) else None
            is_other = number in (int(zmq.EADDRNOTAVAIL), errno.ENODEV)
            what = "is no address of this computer" if is_other else "is not free"
            raise InstrumentError(f"{address}:{port} {what}: {error}") from error
        self.address = f"{address}:{port}"

    def _open(self) -> None:
        self.socket: zmq.Socket[bytes] = self._context.socket(self._kind)
        bound_both_ways(self.socket)
        self.socket.set(zmq.MAXMSGSIZE, self._largest)
        self.socket.set(zmq.BACKLOG, BACKLOG)
        self.socket.set(zmq.CURVE_SERVER, 1)
        self.socket.set_string(zmq.CURVE_SECRETKEY, self._server.secret)
        self.socket.set_string(zmq.CURVE_PUBLICKEY, self._server.public)
        # without a porter nobody comes in, in place of everybody
        self.socket.set_string(zmq.ZAP_DOMAIN, _DOMAIN)
        self.socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        # a while longer than the socket waits for a handshake
        patience = 2e-3 * HANDSHAKE
        self._knocks = Knocks(self._context, self.socket, self._knocked, patience)

    def empty(self) -> bool:
        """Hang up on everybody, so that who comes again is asked for a key again.

        Returns:
            Whether the door is open again; if not, the port is not free yet: try once more.
        """
        self._knocks.close()
        self.socket.close(linger=0)
        self._open()
        try:
            self.socket.bind(self.address)
        except zmq.ZMQError:  # the old socket lets go of the port a moment later
            return False
        return True

    def bell(self) -> "tuple[zmq.Socket[bytes], Callable[[], zmq.Socket[bytes]]]":
        """Return an inner socket to poll beside the door, and what makes a thread's end of it."""
        inner: zmq.Socket[bytes] = self._context.socket(zmq.PULL)
        place = f"inproc://bell-{id(inner)}"
        inner.bind(place)

        def end() -> "zmq.Socket[bytes]":
            outer: zmq.Socket[bytes] = self._context.socket(zmq.PUSH)
            outer.linger = 0
            outer.connect(place)
            return outer

        return inner, end

    def close(self) -> None:
        """Close the socket and send the porter home; safe to call twice."""
        if not self.socket.closed:
            self._knocks.close()
            self.socket.close(linger=LAST_WORDS)
        if self._porter.is_alive():
            self._porter.stop()
        self._context.destroy(linger=LAST_WORDS)


def receive(socket: "zmq.Socket[bytes]") -> tuple[Caller, list[bytes]]:
    """Take a message off a ROUTER, and who sent it."""
    route, *frames = socket.recv_multipart(copy=False)
    public = ""
    if frames:
        with contextlib.suppress(zmq.ZMQError):
            public = str(frames[0]["User-Id"])
    return Caller(route.bytes, public), [frame.bytes for frame in frames]


def dial(
    context: "zmq.Context[zmq.Socket[bytes]]",
    address: str,
    client: Pair,
    server_public: str,
    within: float,
) -> "zmq.Socket[bytes]":
    """Open a connection to a server, and wait until both sides have proven who they are.

    Args:
        context: Where the socket is made.
        address: Of the server's door.
        client: Keys of the caller.
        server_public: Key that the server must have.
        within: How long that may take [s].

    Raises:
        ConnectionLost: Nobody is there, or one of the keys is not the right one.
    """
    socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    socket.linger = 0
    bound_both_ways(socket)
    # only a client asks for signs of life: a door whose queue is full, and whose client is gone,
    # would end its process over it (libzmq 4.3.5, "!_io_error" in stream_engine_base.cpp)
    socket.set(zmq.HEARTBEAT_IVL, BEAT)
    socket.set(zmq.HEARTBEAT_TIMEOUT, SILENCE)
    socket.set(zmq.HEARTBEAT_TTL, SILENCE)
    socket.set(zmq.RECONNECT_IVL, -1)  # who uses it opens another one, and asks how things stand
    try:
        introduce(socket, client, server_public)
    except (zmq.ZMQError, ValueError) as error:  # what is no key
        socket.close()
        raise ConnectionLost(f"the keys for {address!r} are none: {error}") from error
    monitor = socket.get_monitor_socket(_ENDINGS)
    try:
        socket.connect(address)
        _wait_for_handshake(monitor, address, within)
    except (zmq.ZMQError, ValueError) as error:
        socket.close()
        raise ConnectionLost(f"{address!r} is no address of a server: {error}") from error
    except ConnectionLost:
        socket.close()
        raise
    finally:
        if not socket.closed:
            socket.disable_monitor()
        monitor.close(linger=0)
    return socket


def introduce(socket: "zmq.Socket[bytes]", client: Pair, server_public: str) -> None:
    """Tell a socket whose it is, and which server it shall believe."""
    socket.set_string(zmq.CURVE_SECRETKEY, client.secret)
    socket.set_string(zmq.CURVE_PUBLICKEY, client.public)
    socket.set_string(zmq.CURVE_SERVERKEY, server_public)


def _wait_for_handshake(monitor: "zmq.Socket[bytes]", address: str, within: float) -> None:
    if not monitor.poll(int(1000 * within)):
        raise ConnectionLost(
            f"{address} does not answer within {within:g} s: it is no instrument server, or not "
            f"the one whose key is known"
        )
    event = recv_monitor_message(monitor)["event"]
    if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
        return
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        raise ConnectionLost(f"{address} does not know this key")
    if event in (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL):
        raise ConnectionLost(f"{address} is not the server whose key is known")
    raise ConnectionLost(f"nobody listens at {address}")


def bound_both_ways(socket: "zmq.Socket[bytes]") -> None:
    """Bound the queues of a socket, and let the system notice that nobody is there."""
    socket.set(zmq.RCVHWM, QUEUE)
    socket.set(zmq.SNDHWM, QUEUE)
    socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE)
    socket.set(zmq.TCP_KEEPALIVE, 1)
    socket.set(zmq.TCP_KEEPALIVE_IDLE, KEEP_ALIVE)
    socket.set(zmq.TCP_KEEPALIVE_INTVL, KEEP_ALIVE)
    socket.set(zmq.TCP_KEEPALIVE_CNT, 3)
