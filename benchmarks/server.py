"""What the instrument server costs: in process, through it, and through Pyro5, in one run.

``python benchmarks/server.py`` gives the same instrument, which answers at once, three lives: in
this process behind the guard, behind an instrument server in a process of its own (encrypted, keys
on both sides, journal of every command), and behind a Pyro5 daemon in a process of its own (no
keys, no encryption, no journal), where Pyro5 is installed. In turns each is asked where it stands,
told to move, and scans a frame line by line. Pyro5 sends a line as raw bytes, and, in a row of its
own, as nested lists, the way it is often used.

Figures are medians; the ratio is the one to look at.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
from tables import NOT_INSTALLED, seconds, table

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from spm_auto.clock import InstantClock
from spm_auto.data import Journal
from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Channel,
    GuardedInstrument,
    Instruction,
    InstrumentState,
    Level,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
    Status,
)
from spm_auto.server import (
    About,
    InstrumentServer,
    Keyring,
    Place,
    RemoteInstrument,
    Role,
    new_identity,
    read_identity,
    write_identity,
)

REACH = (-1e-6, 1e-6)
CHANNELS = (Channel("height", "m"),)


class Ready:
    """An instrument that answers at once: what is left is what talking to it costs."""

    capabilities = Capabilities(
        "ready", CHANNELS, CHANNELS, REACH, REACH, (-10.0, 10.0), 1e-12, is_simulated=True
    )

    def __init__(self) -> None:
        self._position = (0.0, 0.0)

    def status(self) -> Status:
        """Say where it stands."""
        return Status(InstrumentState.READY, self._position, 0.0, is_engaged=True, time=0.0)

    def duration(self, instruction: Instruction) -> float:  # noqa: ARG002
        """Take no time."""
        return 0.0

    def load(self, instruction: Load) -> None:
        """Be ready."""

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Give lines that are ready."""
        pixels, lines = instruction.frame.pixels
        values = np.arange(2 * pixels, dtype=float).reshape(2, 1, pixels)
        for index in range(lines):
            yield ScanLine(index, values[0], values[1], 0.0)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Be there."""
        self._position = (instruction.x, instruction.y)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Refuse: nobody asks for one here."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Do nothing: nothing goes on."""

    def emergency_stop(self) -> None:
        """Do nothing: there is no tip."""

    def close(self) -> None:
        """Do nothing."""


class Way(Protocol):
    """A way to the instrument."""

    def status(self) -> Any:
        """Ask where it stands."""

    def move(self, x: float) -> None:
        """Tell it to move."""

    def frame(self, pixels: int) -> int:
        """Scan a frame and return how many values came."""


class Ours:
    """A way by our protocol: the guarded instrument, or the remote one."""

    def __init__(self, instrument: GuardedInstrument | RemoteInstrument) -> None:
        self._instrument = instrument
        self.status = instrument.status

    def move(self, x: float) -> None:
        """Tell it to move."""
        self._instrument.position_probe(PositionProbe(x, 0.0))

    def frame(self, pixels: int) -> int:
        """Scan a frame."""
        scan = Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (pixels, pixels)))
        return sum(line.forward.size + line.backward.size for line in self._instrument.scan(scan))


class Pyro:
    """A way through a Pyro5 daemon."""

    def __init__(self, uri: str, as_lists: bool) -> None:
        import Pyro5.api  # type: ignore[import-not-found]

        self._proxy = Pyro5.api.Proxy(uri)
        self._line = self._proxy.line_as_lists if as_lists else self._proxy.line_as_bytes
        self._as_lists = as_lists
        self.status = self._proxy.status

    def move(self, x: float) -> None:
        """Tell it to move."""
        self._proxy.move(x)

    def frame(self, pixels: int) -> int:
        """Scan a frame."""
        values = 0
        for index in range(pixels):
            there, back = self._line(pixels, index)
            for each in (there, back):
                values += (np.array(each) if self._as_lists else _array(each)).size
        return values


def _array(said: Any) -> Any:
    import serpent  # type: ignore[import-not-found]

    return np.frombuffer(serpent.tobytes(said))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=300, help="commands of each kind")
    parser.add_argument("--frames", type=int, default=7, help="frames")
    parser.add_argument("--pixels", type=int, default=512, help="of a frame, each way")
    parser.add_argument("--serve", choices=["ours", "pyro"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.folder)
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ways = ways_to_the_instrument(folder, stack)
        times = measured(ways, options)
    head = ["way", "status", "move", f"{options.pixels}² frame", "move, ratio", "frame, ratio"]
    for line in table(head, rows(times)):
        print(line, flush=True)


def ways_to_the_instrument(folder: Path, stack: contextlib.ExitStack) -> dict[str, Way | None]:
    """Start what has to be started, and return the ways by name; None where one is missing."""
    ways: dict[str, Way | None] = {"in process": Ours(GuardedInstrument(Ready()))}
    write_identity(new_identity("bench"), folder)
    said = json.loads(started("ours", folder, stack))
    place = Place(said["command"], said["public"])
    identity = read_identity(folder / "bench.key_secret")
    remote = RemoteInstrument(place, identity, InstantClock(), is_autonomous=False)
    stack.callback(remote.close)
    ways["instrument server"] = Ours(remote)
    try:
        import Pyro5  # noqa: F401
    except ImportError:
        return {**ways, "Pyro5, bytes": None, "Pyro5, lists": None}
    uri = started("pyro", folder, stack)
    return {**ways, "Pyro5, bytes": Pyro(uri, False), "Pyro5, lists": Pyro(uri, True)}


def started(kind: str, folder: Path, stack: contextlib.ExitStack) -> str:
    """Start a server in a process of its own; returns what it says first."""
    command = [sys.executable, __file__, "--serve", kind, "--folder", str(folder)]
    process = stack.enter_context(
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stack.callback(process.stdin.close)
    return process.stdout.readline().strip()


def measured(ways: dict[str, Way | None], options: Any) -> dict[str, tuple[float, ...]]:
    """Measure all ways in turns; returns medians of status, move and frame [s]."""
    taken: dict[str, list[list[float]]] = {name: [[], [], []] for name, way in ways.items() if way}
    for turn in range(max(options.times, options.frames)):
        for name, way in ways.items():
            if way is None:
                continue
            if turn < options.times:
                taken[name][0].append(time_of(way.status))
                taken[name][1].append(time_of(lambda w=way, t=turn: w.move(1e-9 * (t % 100))))
            if turn < options.frames:
                taken[name][2].append(time_of(lambda w=way: check(w, options.pixels)))
    return {name: tuple(median(each) for each in times) for name, times in taken.items()}


def check(way: Way, pixels: int) -> None:
    """Scan a frame, and refuse one that is not all there."""
    values = way.frame(pixels)
    assert values == 2 * pixels**2, values


def time_of(act: Callable[[], Any]) -> float:
    """Return how long something takes [s]."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def rows(times: dict[str, tuple[float, ...]]) -> Iterator[list[str]]:
    """Yield a row for each way; the ratio is to the instrument server."""
    ours = times["instrument server"]
    for name in ("in process", "instrument server", "Pyro5, bytes", "Pyro5, lists"):
        if name not in times:
            yield [name, NOT_INSTALLED]
            continue
        status, move, frame = times[name]
        yield [
            *(name, seconds(status), seconds(move), seconds(frame)),
            *(f"{move / ours[1]:.2g}", f"{frame / ours[2]:.2g}"),
        ]


def serve(kind: str, folder: Path) -> None:
    """Serve until the standard input is closed."""
    with contextlib.ExitStack() as stack:
        print(_ours(folder, stack) if kind == "ours" else _pyro(), flush=True)
        sys.stdin.read()


def _ours(folder: Path, stack: contextlib.ExitStack) -> str:
    keyring, identity, clock = Keyring(folder / "known"), new_identity("bench"), InstantClock()
    public = read_identity(folder / "bench.key_secret").public
    keyring.add("bench", public, Role.OPERATOR, Level.EVERYTHING)
    guard, journal = GuardedInstrument(Ready()), Journal(folder / "server.spmj", clock.now)
    server = InstrumentServer(guard, clock, keyring, identity, journal, About("bench"))
    stack.callback(server.close)
    return json.dumps({**server.addresses, "public": identity.public})


def _pyro() -> str:
    import threading

    import Pyro5.api
    import Pyro5.server

    @Pyro5.server.expose  # type: ignore[untyped-decorator]
    class Exposed:
        """The same instrument as an object that Pyro5 serves."""

        def __init__(self) -> None:
            self._guard = GuardedInstrument(Ready())

        def status(self) -> Any:
            status = self._guard.status()
            return [str(status.state), *status.position, status.bias]

        def move(self, x: float) -> None:
            self._guard.position_probe(PositionProbe(x, 0.0))

        def line_as_bytes(self, pixels: int, index: int) -> Any:
            line = self._next(pixels, index)
            return line.forward.tobytes(), line.backward.tobytes()

        def line_as_lists(self, pixels: int, index: int) -> Any:
            line = self._next(pixels, index)
            return line.forward.tolist(), line.backward.tolist()

        def _next(self, pixels: int, index: int) -> ScanLine:
            if index == 0:
                frame = ScanFrame((0.0, 0.0), (1e-7, 1e-7), (pixels, pixels))
                self._lines = iter(self._guard.scan(Scan(frame)))
            return next(self._lines)

    daemon = Pyro5.server.Daemon()
    uri = daemon.register(Exposed())
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    return str(uri)


if __name__ == "__main__":
    main()
