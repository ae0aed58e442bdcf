"""A server with a stand-in of a microscope behind it, and those who want to get at it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from spm_auto.clock import RealClock
from spm_auto.data import AccessDenied, Journal, JournalReader, Record
from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Channel,
    ConditionTip,
    GuardedInstrument,
    Instruction,
    InstrumentState,
    Level,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    Spectrum,
    Status,
)
from spm_auto.server import (
    About,
    Identity,
    InstrumentServer,
    Keyring,
    Role,
    new_identity,
    server_identity,
)
from spm_auto.server.wire import Answer, Ask, Request, Said, pack_request, read_answer

HEIGHT = (Channel("height", "m"),)
PATIENCE = 10.0  # [s] for what must happen
SILENCE = 400  # [ms] that an answer does not come; a good one takes less than 10
PEOPLE = {
    "observer": (Role.OBSERVER, Level.WATCH),
    "safety": (Role.SAFETY, Level.WATCH),
    "scanner": (Role.OPERATOR, Level.SCAN),
    "operator": (Role.OPERATOR, Level.EVERYTHING),
}
NEVER_SAID = (b"Traceback", b'File "', b".py", b"site-packages")


class Driver:
    """Stands in for a microscope outside: it notes every call that would do something."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._position = (0.0, 0.0)

    @property
    def capabilities(self) -> Capabilities:
        reach = (-1e-5, 1e-5)
        kinds = frozenset({Load, Scan, PositionProbe, AcquireSpectrum, ConditionTip})
        return Capabilities(
            "bench", HEIGHT, HEIGHT, reach, reach, (-10.0, 10.0), 2e-9, True, instructions=kinds
        )

    def status(self) -> Status:
        return Status(InstrumentState.READY, self._position, 0.0, True, 0.0)

    def duration(self, instruction: Instruction) -> float:
        return 1.0

    def load(self, instruction: Load) -> None:
        self.calls.append("load")

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self.calls.append("scan")
        for index in range(instruction.frame.shape[0]):
            values = np.zeros((1, instruction.frame.shape[1]))
            yield ScanLine(index, values, values, float(index))

    def position_probe(self, instruction: PositionProbe) -> None:
        self.calls.append("position probe")
        self._position = (instruction.x, instruction.y)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        self.calls.append("acquire spectrum")
        bias = instruction.waveform.bias
        self._position = (instruction.x, instruction.y)
        return Spectrum(instruction.x, instruction.y, bias, HEIGHT, bias[None, :], 0.0, 1.0)

    def condition_tip(self, instruction: ConditionTip) -> None:
        self.calls.append("condition tip")

    def interrupt(self) -> None:
        self.calls.append("interrupt")

    def emergency_stop(self) -> None:
        self.calls.append("emergency stop")

    def close(self) -> None:
        self.calls.append("close")


@dataclass
class Site:
    """A server that runs, who may use it, and what it has written down."""

    server: InstrumentServer
    driver: Driver
    keyring: Keyring
    identity: Identity
    people: dict[str, Identity]
    journal: Path
    records: list[Record] = field(default_factory=list)
    written: threading.Condition = field(default_factory=threading.Condition)

    def listen(self, record: Record) -> None:
        with self.written:
            self.records.append(record)
            self.written.notify_all()

    def denied(self, who: str, said: str = "") -> AccessDenied:
        """Wait until it is in the journal that somebody was refused."""

        def found() -> list[AccessDenied]:
            events = [record.event for record in self.records]
            return [
                event
                for event in events
                if isinstance(event, AccessDenied) and event.who == who and said in event.message
            ]

        with self.written:
            assert self.written.wait_for(found, PATIENCE), [each.event for each in self.records]
            return found()[0]

    def port(self, door: str) -> int:
        return int(self.server.addresses[door].rpartition(":")[2])

    def client(self, name: str, door: str = "command") -> "Client":
        return Client(self, self.people[name], door)

    def check_unharmed(self) -> None:
        """A good client is served at each door, and nothing was done to the instrument."""
        assert self.driver.calls == []
        with contextlib.closing(self.client("observer")) as client:
            assert client.done(Ask.STATUS)["state"] == "ready"
        with contextlib.closing(self.client("observer", "safety")) as client:
            assert client.done(Ask.BEAT)["trip"] is None


class Client:
    """Somebody with a connection, who keeps to no rule that the library would keep."""

    def __init__(
        self,
        site: Site,
        identity: Identity | None,
        door: str = "command",
        server_public: str | None = None,
        kind: int = zmq.DEALER,
    ) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(kind)
        self.socket.linger = 0
        self.socket.set(zmq.RECONNECT_IVL, 50 if kind == zmq.SUB else -1)
        if identity is not None:
            self.socket.set_string(zmq.CURVE_PUBLICKEY, identity.public)
            self.socket.set_string(zmq.CURVE_SECRETKEY, identity.secret)
            self.socket.set_string(zmq.CURVE_SERVERKEY, server_public or site.identity.public)
        if kind == zmq.SUB:
            self.socket.subscribe(b"")
        self.socket.connect(site.server.addresses[door])
        self.number = 0

    def close(self) -> None:
        self._context.destroy(linger=0)

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def receive(self, within: float = 1000 * PATIENCE) -> list[bytes] | None:
        """Return what came, or None; no answer ever has something of the program in it."""
        if not self.socket.poll(within):
            return None
        frames = self.socket.recv_multipart()
        assert not any(word in frame for word in NEVER_SAID for frame in frames), frames
        return frames

    def ask(self, ask: Ask, value: Any = None, token: str = "", number: int = 0) -> Answer:
        self.number = number or self.number + 1
        self.send(*pack_request(Request(self.number, ask, value, token)))
        frames = self.receive()
        assert frames is not None, f"no answer to {ask}"
        return read_answer(frames)

    def done(self, ask: Ask, value: Any = None, token: str = "") -> Any:
        answer = self.ask(ask, value, token)
        assert answer.said is Said.DONE, answer
        return answer.value

    def refused(self, ask: Ask, value: Any = None, token: str = "", number: int = 0) -> str:
        """Return kind and words of the refusal."""
        answer = self.ask(ask, value, token, number)
        assert answer.said is Said.ERROR, answer
        return f"{answer.value[0]}: {answer.value[1]}"


@contextlib.contextmanager
def serving(folder: Path, **how: Any) -> Iterator[Site]:
    """Run a server on free ports of this computer."""
    people = {name: new_identity(name) for name in PEOPLE}
    keyring = Keyring(folder / "authorized")
    for name, (role, level) in PEOPLE.items():
        keyring.add(name, people[name].public, role, level)
    identity, driver, clock = server_identity(folder), Driver(), RealClock()
    journal = folder / "server.spm"
    waiting: list[Callable[[Record], None]] = []
    server = InstrumentServer(
        guard=GuardedInstrument(driver, Limits(bias=(-8.5, 8.5))),
        clock=clock,
        keyring=keyring,
        identity=identity,
        journal=Journal(journal, clock.now),
        about=About(uid="u", laboratory="attic"),
        listeners=(lambda record: [listen(record) for listen in waiting] and None,),
        **how,
    )
    site = Site(server, driver, keyring, identity, people, journal)
    waiting.append(site.listen)
    try:
        yield site
    finally:
        server.close()


def journaled(site: Site) -> list[AccessDenied]:
    """Return the refusals that stand in the file of a server that is closed."""
    events = [record.event for record in JournalReader(site.journal).poll()]
    return [event for event in events if isinstance(event, AccessDenied)]


class Tap:
    """Stands between a client and a server, and keeps what the client sends."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        # closing a socket does not wake up who waits on it everywhere
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (*self._ends, self._listener):
            end.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._to))
        self._ends += [near, far]
        for source, sink, kept in ((near, far, self.heard), (far, near, [])):
            thread = threading.Thread(target=_pump, args=(source, sink, kept))
            self._threads.append(thread)
            thread.start()


def _pump(source: socket.socket, sink: socket.socket, kept: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            kept.append(content)
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)


def shout(port: int, pieces: Sequence[bytes], within: float = 2.0) -> bytes:
    """Send bytes over a bare connection; return what came back until the other side hung up.

    Raises:
        TimeoutError: It did not hang up.
    """
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", port), within) as bare,
        contextlib.suppress(ConnectionError),
    ):
        for piece in pieces:
            bare.sendall(piece)
        while content := bare.recv(65536):
            answer += content
    return answer
