"""A plain client of the Nanonis protocol, for tests of the emulated controller."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from spm_auto.clock import Clock, InstantClock
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.samples.stm import HopgSettings
from spm_auto.simulator.servers import Server
from spm_auto.simulator.servers.nanonis import NanonisEmulatorSettings
from spm_auto.wire.nanonis import NEW, Values, decode_reply, encode_request, read_header


class Client:
    """One connection."""

    def __init__(self, port: int, release: int = NEW) -> None:
        self.release = release
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def ask(self, name: str, **values: Any) -> Values:
        """Ask, and return what comes back; an error of the controller fails the test."""
        given, error = self.try_to(name, **values)
        assert not error, error
        return given

    def refused(self, name: str, **values: Any) -> str:
        """Ask for what must be refused, and return what the controller says."""
        error = self.try_to(name, **values)[1]
        assert error
        return error

    def try_to(self, name: str, **values: Any) -> tuple[Values, str]:
        self.socket.sendall(encode_request(name, self.release, **values))
        return self.answer(name)

    def answer(self, name: str) -> tuple[Values, str]:
        header = read_header(self.take(40))
        reply = decode_reply(name, header, self.take(header.size), self.release)
        return reply.values, reply.error

    def take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the controller hung up"
            data += more
        return data

    def hung_up(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(1) == b""
        return True

    def close(self) -> None:
        self.socket.close()


@contextlib.contextmanager
def controller(
    clock: Clock | None = None, simulator: SimulatorSettings | None = None, **settings: Any
) -> Iterator[Server]:
    """Run a controller over graphite, the tip at the sample."""
    clock = clock or InstantClock()
    simulator = simulator or SimulatorSettings(sample=HopgSettings(), level=0)
    microscope = simulator.open(clock, seed=1)
    settings = {"approached": True, "ports": 2, **settings}
    server = NanonisEmulatorSettings(**settings).start(microscope, clock)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def client_of(server: Server, number: int = 0, release: int = NEW) -> Iterator[Client]:
    client = Client(server.address["ports"][number], release)
    try:
        yield client
    finally:
        client.close()
