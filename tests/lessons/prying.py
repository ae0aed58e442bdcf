"""A student who wants to know the truth: all that a notebook can get hold of, written to a file.

Run as ``python prying.py LESSON FOLDER`` it attends the lesson, works a little, looks everywhere,
and leaves what it found in FOLDER: bytes in ``found.bin``, numbers in ``numbers.json``, without
those that it had before it sat down.
"""

import gc
import json
import os
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import msgpack
import zmq

from spm_auto.classroom import Exercise, attend
from spm_auto.clock import InstantClock
from spm_auto.errors import SpmError
from spm_auto.instrument import BiasWaveform, Instrument
from spm_auto.server import Listener, Place, RemoteInstrument, dial, read_identity, read_public
from spm_auto.server.wire import VERSION
from spm_auto.settings import read_toml

UNKNOWN = ("truth", "seed", "lab", "sample", "settings", "snapshot", "reveal", "grade", "__dict__")
KNOWN = (
    *("hello", "status", "vitals", "duration", "take", "perform", "line", "leave", "confirm"),
    *("beat", "interrupt", "withdraw", "acknowledge", "release"),
)
VALUES: tuple[Any, ...] = (
    None,
    0,
    "",
    {},
    {"count": 1, "seconds": 1.0},
    ["truth"],
    {"kind": "Truth"},
)


def work(exercise: Exercise) -> Iterator[str]:
    """Measure, and do what is refused; what is said then."""
    with exercise.start_run("prying") as run:
        run.scan((0.0, 0.0), ("10 nm", "10 nm"), (16, 4), line_rate="8 Hz")
        for wrong in (
            lambda: run.position_probe(1.0, 0.0),
            lambda: run.scan((0.0, 0.0), ("9 nm", "9 nm"), (16, 4), channels=["truth"]),
            lambda: run.acquire_spectrum(0.0, 0.0, BiasWaveform.triangle("100 V", points=8)),
            lambda: run.set_feedback(gain=1e30),
            lambda: run.move_stage(1.0, 1.0),
        ):
            try:
                wrong()
            except (SpmError, ValueError) as error:
                yield repr(error)
                yield str(error.__cause__)
        yield repr(run.recorded.started)
        yield repr(run.runner)
    run.report()


def asked(exercise: Exercise) -> Iterator[bytes]:
    """Ask the server everything, at both of its doors, also what there is not."""
    table = read_toml(exercise.lab, "lab file")[0]["instrument"]
    identity = read_identity(exercise.lab.with_name(table["key"]))
    server_key = read_public(exercise.lab.with_name(table["server_key"]))
    place = Place(table["address"], server_key)
    instrument = RemoteInstrument(place, identity, InstantClock())
    yield repr(instrument.greeting).encode()
    yield from (repr(getattr(instrument, name)).encode() for name in ("capabilities", "limits"))
    yield repr(instrument.vitals()).encode()
    yield from told(instrument, identity, server_key)
    safety = instrument.greeting["doors"]["safety"]
    instrument.close()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    for door in (table["address"], safety):
        socket = dial(context, door, identity, server_key, 5.0)
        for number, (ask, value) in enumerate(product((*KNOWN, *UNKNOWN), VALUES), start=1):
            request = {"v": VERSION, "n": number, "ask": ask, "token": "", "value": value}
            socket.send_multipart([msgpack.packb(request)])
            if socket.poll(2000):
                yield from socket.recv_multipart()
        socket.close(linger=0)
    context.destroy(linger=0)


def told(instrument: Instrument, identity: Any, server_key: str) -> Iterator[bytes]:
    """Listen to what the server tells everybody, while something happens."""
    address = instrument.greeting["doors"]["telemetry"]  # type: ignore[attr-defined]
    ear = Listener(address, identity, server_key)
    ear.next(1.0)
    for _ in range(4):
        instrument.status()
        yield repr(ear.next(0.3)).encode()
    ear.close()


def files(*folders: Path) -> Iterator[bytes]:
    """Read every file of some folders."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            yield str(path).encode()
            if path.is_file():
                yield path.read_bytes()


def children() -> Iterator[bytes]:
    """Read command line and environment of the processes that this one has started."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    for child in {c for p in tasks.glob("*/children") for c in p.read_text().split()}:
        yield Path(f"/proc/{child}/cmdline").read_bytes()
        yield Path(f"/proc/{child}/environ").read_bytes()


def memory() -> Iterator[Any]:
    """Give every text and number that anything in this process holds on to."""
    seen: set[int] = set()
    waiting: list[Any] = [*gc.get_objects(), sys.modules]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, str | bytes | bytearray | int | float):
            yield thing
        else:
            waiting.extend(gc.get_referents(thing))


def main(lesson: str, out: Path) -> None:
    """Look everywhere."""
    before = {float(each) for each in memory() if isinstance(each, float)}
    exercise = attend(lesson, student="ada", folder=out / "work")
    found: list[bytes] = [text.encode() for text in work(exercise)]
    found += asked(exercise)
    temporary = Path(exercise.lab).parent
    found += files(out / "work", temporary, Path.cwd())
    found += children()
    numbers = []
    for thing in memory():
        if isinstance(thing, int | float):
            numbers.append(float(thing) if abs(thing) < 1e300 else 0.0)
            found.append(str(thing).encode() if isinstance(thing, int) and thing > 1e9 else b"")
        else:
            found.append(
                thing.encode("utf-8", "replace") if isinstance(thing, str) else bytes(thing)
            )
    modules = sorted(name for name in sys.modules if "simulator" in name or "lessons." in name)
    (out / "modules.json").write_text(json.dumps(modules))
    (out / "numbers.json").write_text(json.dumps(sorted(set(numbers) - before)))
    (out / "found.bin").write_bytes(b"\n".join(found))
    exercise.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
