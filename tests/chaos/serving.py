"""An instrument server in a process of its own, to be killed, frozen and loaded."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spm_auto.clock import RealClock
from spm_auto.data import Event, JournalReader, Record
from spm_auto.errors import ConnectionLost
from spm_auto.instrument import Level
from spm_auto.keys import AUTHORIZED
from spm_auto.server import (
    Identity,
    Keyring,
    Place,
    RemoteInstrument,
    Role,
    new_identity,
    write_identity,
)

PATIENCE = 60.0  # [s] for a server to come up, or to have done something
TICK = 0.01  # [s]
LAB = """schema_version = 1
laboratory = "bench"
[instrument]
kind = "simulator"
level = 0
sample = {{ kind = "hopg" }}
faults = {faults}
[clock]
kind = "{clock}"
[server]
ports = {ports}
hold_after = "{hold_after} s"
withdraw_after = "{withdraw_after} s"
"""


class Child:
    """A process beside, and the lines that it has said.

    Args:
        arguments: The script in this folder, and what it is told.
    """

    def __init__(self, *arguments: str) -> None:
        script, *more = arguments
        command = [sys.executable, str(Path(__file__).with_name(script)), *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.said.append(line.strip())
                self._changed.notify_all()

    def wait_for(self, words: str, within: float = PATIENCE) -> str:
        """Wait until it says a line that begins so, and return the line."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: [line for line in self.said if line.startswith(words)], within
            )
        assert found, f"{words!r} is not said, but {self.said}"
        return str(found[0])

    def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(each)}' for key, each in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)


@dataclass
class ServerProcess:
    """A server's process, and what is known of it.

    Attributes:
        folder: Where everything of it is.
        lab: Its lab file.
        process: The process.
        place: Where it listens.
        clients: Of this process, closed at the end.
    """

    folder: Path
    lab: Path
    process: "subprocess.Popen[bytes]"
    place: Place
    clients: list[RemoteInstrument] = field(default_factory=list)

    @property
    def safety(self) -> str:
        """Where the door for safety is."""
        table = tomllib.loads(self.lab.read_text("utf-8"))
        return f"tcp://127.0.0.1:{table['server']['ports'][1]}"

    def hand(self, identity: Identity, work: str) -> Child:
        """Start a process that has control, and works."""
        key = self.folder / "home" / "keys" / f"{identity.name}.key_secret"
        return Child("hand.py", self.place.command, self.place.server_public, str(key), work)

    def key(self, name: str, role: Role = Role.OPERATOR) -> Identity:
        level = Level.EVERYTHING if role is Role.OPERATOR else Level.WATCH
        identity = new_identity(name)
        Keyring(self.folder / "home" / AUTHORIZED).add(name, identity.public, role, level)
        write_identity(identity, self.folder / "home" / "keys")
        return identity

    def client(self, identity: Identity, **how: Any) -> RemoteInstrument:
        end = time.monotonic() + 2.0  # a server looks for new keys a few times a second
        while True:
            try:
                client = RemoteInstrument(self.place, identity, RealClock(), **how)
            except ConnectionLost:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                self.clients.append(client)
                return client

    def kill(self) -> None:
        """Kill it as the system does when it has no memory left."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def again(self) -> None:
        """Start another one in its place."""
        self.process, self.place = start(self.folder, self.lab)

    def records(self) -> list[Record]:
        """Return what stands in the journal of the latest server."""
        journal = max((self.folder / "journals").glob("*/server.spmj"))
        return list(JournalReader(journal).poll())

    def events(self, kind: type[Event]) -> list[Any]:
        return [each.event for each in self.records() if isinstance(each.event, kind)]

    def await_event(self, kind: type[Event], within: float = PATIENCE, **having: Any) -> Record:
        """Wait until something of a kind was written down, and return the first record of it."""
        end = time.monotonic() + within
        while True:
            for record in self.records():
                event = record.event
                if isinstance(event, kind) and all(
                    getattr(event, name) == value for name, value in having.items()
                ):
                    return record
            log = (self.folder / "server.log").read_text()
            assert time.monotonic() < end, f"no {kind.__name__} {having} in {within} s; {log}"
            time.sleep(TICK)


@contextlib.contextmanager
def server_process(
    folder: Path,
    *faults: dict[str, Any],
    clock: str = "real",
    hold_after: float = 5.0,
    withdraw_after: float = 30.0,
) -> Iterator[ServerProcess]:
    """Serve a simulated microscope in a process of its own, on a clock that really runs."""
    folder.mkdir(parents=True, exist_ok=True)
    lab = folder / "lab.toml"
    lab.write_text(
        LAB.format(
            faults=toml(faults),
            clock=clock,
            ports=free_ports(3),
            hold_after=hold_after,
            withdraw_after=withdraw_after,
        ),
        "utf-8",
    )
    process, place = start(folder, lab)
    bench = ServerProcess(folder, lab, process, place)
    try:
        yield bench
    finally:
        if sys.platform != "win32":
            bench.thaw()
        for client in bench.clients:
            client.close()
        bench.process.terminate()
        try:
            bench.process.wait(PATIENCE / 4)
        except subprocess.TimeoutExpired:
            bench.kill()


def start(folder: Path, lab: Path) -> tuple["subprocess.Popen[bytes]", Place]:
    """Start a server, and wait until it says where it listens."""
    announce = folder / f"announced-{time.monotonic_ns()}.json"
    command = [
        *(sys.executable, str(Path(__file__).with_name("hurried.py")), "serve", str(lab)),
        *("--folder", str(folder / "journals"), "--announce", str(announce)),
    ]
    root = str(Path(__file__).parent.parent.parent)
    environment = {**os.environ, "SPM_AUTO_HOME": str(folder / "home"), "PYTHONPATH": root}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    end = time.monotonic() + PATIENCE
    while not announce.exists():
        assert process.poll() is None, (folder / "server.log").read_text()
        assert time.monotonic() < end, "the server did not come up"
        time.sleep(TICK)
    said = json.loads(announce.read_text("utf-8"))
    return process, Place(said["command"], said["public"])
