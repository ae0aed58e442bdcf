"""What it costs to keep an event so that a killed process does not lose it: about 20 s.

    python benchmarks/journal.py [--rounds 14] [--events 100] [--folder DIR]

Each way keeps the same two events: a spectrum with 16 KiB of arrays (bias and three channels of 512
points) and a scan line of 512 pixels, two channels, there and back (16 KiB, too). Each makes a
record of the event as it would have to: the journal and those that keep bytes encode it, HDF5 and
npz are handed the arrays and the rest as one text. All are left open between events, take turns in
rounds, and have a fresh file in each of them. The first events of a round do not count. Whether a
way keeps what it should when the process is killed is another matter: HDF5 with groups made while
it is written does not always.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import h5py
import numpy as np
from tables import table

from spm_auto.data import Event, Journal, LineAcquired, Record, SpectrumAcquired
from spm_auto.data.codec import encode
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Channel, ScanLine, Spectrum

WARM_UP = 5
Keep = Callable[[Event], None]


def spectrum() -> SpectrumAcquired:
    """Make a spectrum of 512 points and three channels: 16 KiB of arrays."""
    rng = np.random.default_rng(1)
    waveform = BiasWaveform.triangle(8.5, 256, cycles=2)
    channels = (Channel("piezoresponse", "m"), Channel("phase", "rad"), Channel("height", "m"))
    bias, data = np.tile(waveform.bias, 2), rng.normal(size=(3, 512))
    taken = Spectrum(1e-7, 2e-7, bias, channels, data, 1.0, 5.1)
    return SpectrumAcquired(AcquireSpectrum(1e-7, 2e-7, waveform), taken)


def line() -> LineAcquired:
    """Make a line of 512 pixels and two channels, there and back."""
    rng = np.random.default_rng(2)
    return LineAcquired(ScanLine(7, rng.normal(size=(2, 512)), rng.normal(size=(2, 512)), 1.0))


def arrays_of(event: Event) -> tuple[dict[str, np.ndarray], str]:
    """Split an event into its arrays and the rest as text."""
    if isinstance(event, LineAcquired):
        scanned = event.line
        rest = {"index": scanned.index, "time": scanned.time}
        return {"forward": scanned.forward, "backward": scanned.backward}, json.dumps(rest)
    assert isinstance(event, SpectrumAcquired)
    taken, asked = event.spectrum, event.instruction
    rest = {"x": taken.x, "y": taken.y, "channels": [(c.name, c.unit) for c in taken.channels]}
    rest |= {"start": taken.start_time, "end": taken.end_time, "flags": list(taken.flags)}
    rest |= {"asked": [asked.x, asked.y], "cycles": asked.waveform.cycles}
    rest |= {"dwell": asked.waveform.dwell, "values": asked.waveform.values}
    return {"bias": taken.bias, "data": taken.data}, json.dumps(rest)


class Numbered:
    """Gives events their number and time."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, event: Event) -> Record:
        """Make a record of an event."""
        record = Record(self.number, time.time(), 0.0, event)
        self.number += 1
        return record


def journal(folder: Path) -> tuple[Keep, Callable[[], None]]:
    """Ours."""
    writer = Journal(folder / "run.spmj", now=lambda: 0.0)

    def keep(event: Event) -> None:
        writer.append(event)

    return keep, writer.close


def sqlite(folder: Path, synchronous: str) -> tuple[Keep, Callable[[], None]]:
    """A row for each event, committed one by one."""
    base = sqlite3.connect(folder / "run.db", isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute(f"PRAGMA synchronous={synchronous}")
    base.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, header BLOB, body BLOB)")
    numbered = Numbered()

    def keep(event: Event) -> None:
        record = numbered(event)
        base.execute("INSERT INTO records VALUES (?, ?, ?)", (record.number, *encode(record)))

    return keep, base.close


def hdf5_groups(folder: Path) -> tuple[Keep, Callable[[], None]]:
    """A group for each event, flushed one by one."""
    file = h5py.File(folder / "run.h5", "w")
    numbered = Numbered()

    def keep(event: Event) -> None:
        record = numbered(event)
        arrays, text = arrays_of(event)
        group = file.create_group(f"{record.number:06d}")
        group.attrs["text"], group.attrs["utc"] = text, record.utc
        for name, values in arrays.items():
            group[name] = values
        file.flush()

    return keep, file.close


def hdf5_resizable(folder: Path) -> tuple[Keep, Callable[[], None]]:
    """Datasets made beforehand that grow by a row for each event, flushed one by one."""
    file = h5py.File(folder / "run.h5", "w")
    text = file.create_dataset("text", (0,), maxshape=(None,), dtype=h5py.string_dtype())
    rows: dict[str, h5py.Dataset] = {}
    numbered = Numbered()

    def keep(event: Event) -> None:
        number = numbered(event).number
        arrays, rest = arrays_of(event)
        for name, values in arrays.items():
            if name not in rows:
                shape = values.shape
                rows[name] = file.create_dataset(
                    name, (0, *shape), "f8", maxshape=(None, *shape), chunks=(1, *shape)
                )
            rows[name].resize(number + 1, axis=0)
            rows[name][number] = values
        text.resize(number + 1, axis=0)
        text[number] = rest
        file.flush()

    return keep, file.close


def files(folder: Path) -> tuple[Keep, Callable[[], None]]:
    """A file for each event with the bytes that the journal would hold, put in place when whole."""
    numbered = Numbered()

    def keep(event: Event) -> None:
        record = numbered(event)
        part = folder / "part"
        part.write_bytes(b"".join(encode(record)))
        part.replace(folder / f"{record.number:06d}.rec")

    return keep, lambda: None


def npz(folder: Path) -> tuple[Keep, Callable[[], None]]:
    """A NumPy archive for each event, put in place when whole."""
    numbered = Numbered()

    def keep(event: Event) -> None:
        record = numbered(event)
        arrays, text = arrays_of(event)
        part = folder / "part.npz"
        np.savez(part, text=np.array(text), **arrays)
        part.replace(folder / f"{record.number:06d}.npz")

    return keep, lambda: None


WAYS: dict[str, Callable[[Path], tuple[Keep, Callable[[], None]]]] = {
    "journal": journal,
    "SQLite WAL, synchronous NORMAL": lambda folder: sqlite(folder, "NORMAL"),
    "SQLite WAL, synchronous FULL": lambda folder: sqlite(folder, "FULL"),
    "HDF5, resizable datasets + flush": hdf5_resizable,
    "HDF5, group for each event + flush": hdf5_groups,
    "file for each event": files,
    ".npz for each event": npz,
}


def measure(event: Event, rounds: int, events: int, folder: Path) -> dict[str, np.ndarray]:
    """Time each way, taking turns; returns the time of each event by way [s]."""
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    names = list(WAYS)
    for _ in range(rounds):
        names = names[1:] + names[:1]
        for name in names:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                keep, close = WAYS[name](Path(place))
                for number in range(WARM_UP + events):
                    start = time.perf_counter()
                    keep(event)
                    if number >= WARM_UP:
                        times[name].append(time.perf_counter() - start)
                close()
    return {name: np.array(values) for name, values in times.items()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=14, help="how often each way has its turn")
    parser.add_argument("--events", type=int, default=100, help="events of each turn")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk that is meant")
    chosen = parser.parse_args()
    kinds: dict[str, Event] = {
        "a spectrum, 16 KiB of arrays": spectrum(),
        "an image line, 512 pixels, 2 channels, there and back": line(),
    }
    for title, event in kinds.items():
        times = measure(event, chosen.rounds, chosen.events, chosen.folder)
        ours = float(np.median(times["journal"]))
        print(f"\n{title}: {chosen.rounds} rounds of {chosen.events} events\n")
        rows = (
            (
                name,
                f"{1e3 * np.median(values):.3f}",
                f"{1e3 * np.percentile(values, 99):.3f}",
                f"{np.median(values) / ours:.1f}",
            )
            for name, values in times.items()
        )
        for text in table(("kept as", "median [ms]", "p99 [ms]", "ratio to ours"), rows):
            print(text)


if __name__ == "__main__":
    main()
