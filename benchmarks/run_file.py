"""How long a run file takes: from the call of ``consolidate`` to the verified file in its place.

``python benchmarks/run_file.py`` makes a journal of 1,000 spectra (64 points, 2 channels) with a
choice and a score each and 10 frames of 512 x 512 (one channel, both directions), consolidates it
several times and prints the medians. ``--size`` says what gzip would save of the datasets, and what
it would cost.
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import h5py
import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    Journal,
    LineAcquired,
    PointChosen,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    consolidate,
    open_run,
)
from spm_auto.data.run_file.writing import write
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
)

FRAMES, PIXELS, SPECTRA, POINTS = 10, 512, 1000, 64
HEIGHT = (Channel("height", "m"),)
CURVES = (Channel("current", "A"), Channel("dI/dV", "S"))
WAVEFORM = BiasWaveform.triangle(8.5, POINTS)


def make_journal(folder: Path) -> Path:
    """Write a journal of noise, which no compression makes small."""
    rng, clock = np.random.default_rng(1), InstantClock()
    frame = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (PIXELS, PIXELS))
    with Journal(folder / FILE_NAME, clock.now) as journal:
        journal.append(RunStarted("bench", "run file", "", "", "none", 1))
        for _ in range(FRAMES):
            journal.append(ScanStarted(Scan(frame, ("height",)), HEIGHT))
            for index in range(PIXELS):
                clock.wait(1.0)
                there, back = rng.normal(size=(2, 1, PIXELS))
                journal.append(LineAcquired(ScanLine(index, there, back, clock.now())))
            journal.append(ScanFinished(is_complete=True))
        for number in range(SPECTRA):
            x, y = rng.uniform(-5e-7, 5e-7, 2)
            journal.append(
                PointChosen(number, x, y, math.nan, "highest score", 0.1, 0.2, 0.3, number + 1)
            )
            start = clock.now()
            clock.wait(1.0)
            data = rng.normal(size=(len(CURVES), POINTS))
            taken = Spectrum(x, y, WAVEFORM.bias, CURVES, data, start, clock.now())
            journal.append(SpectrumAcquired(AcquireSpectrum(x, y, WAVEFORM), taken))
            journal.append(
                SpectrumScored(number, "peak", 0.5, math.nan, "", x, y, math.nan, start, "A")
            )
        journal.append(RunFinished(FinishReason.COMPLETED))
    return folder / FILE_NAME


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes [s]."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def start_child() -> None:
    """Start the child and let it end after its imports."""
    code = "import h5py, spm_auto.data.run_file.writing"
    subprocess.run([sys.executable, "-c", code], check=True)


def print_sizes(run_file: Path) -> None:
    """Print size and time of the datasets of a run file, compressed in several ways."""
    with h5py.File(run_file, "r") as file, tempfile.TemporaryDirectory() as folder:
        found: dict[str, np.ndarray] = {}

        def collect(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.size > 1000:
                found[name.replace("/", "_")] = item[()]

        file.visititems(collect)
        ways = {
            "as they are": {},
            "gzip 1": {"compression": "gzip", "compression_opts": 1},
            "shuffle, gzip 1": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
            "shuffle, lzf": {"compression": "lzf", "shuffle": True},
        }
        for name, how in ways.items():
            target = Path(folder) / "sizes.h5"

            def pack(target: Path = target, how: dict = how) -> None:
                with h5py.File(target, "w") as other:
                    for path, values in found.items():
                        other.create_dataset(path, data=values, **how)

            took = seconds(pack)
            print(f"  {name:16} {target.stat().st_size / 1e6:8.1f} MB {took:8.3f} s")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--size", type=Path, nargs="*", help="run files to compress")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        journal = make_journal(Path(folder))
        target, part = Path(folder) / "run.h5", Path(folder) / "part.h5"
        run = open_run(journal)
        times = {
            "consolidate, all of it": lambda: consolidate(journal, target),
            "  start of the child": start_child,
            "  reading the journal": lambda: open_run(journal),
            "  writing and verifying": lambda: write(run, part),
            "reading the run file": lambda: open_run(target),
        }
        print(
            f"{FRAMES} frames of {PIXELS} x {PIXELS}, {SPECTRA} spectra, {len(run.records)} records"
        )
        for name, work in times.items():
            took = [seconds(work) for _ in range(arguments.repeats)]
            print(f"{name:24} median {median(took):6.3f} s, best {min(took):6.3f} s")
        for file in (journal, target):
            print(f"{file.name:24} {file.stat().st_size / 1e6:8.1f} MB")
        if arguments.size is not None:
            for file in (target, *arguments.size):
                print(f"numbers of {file}")
                print_sizes(file)


if __name__ == "__main__":
    main()
