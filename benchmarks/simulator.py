"""What the simulator costs: CPU time of each operation, its limit, and the ratio to simulated time.

    python benchmarks/simulator.py [--repeats 5] [--only loop]

Every operation goes through the whole microscope with everything on (level 3), as an agent meets
it, where nothing else is said. Each is run once to warm up, then several times: the median counts.
CPU time is that of the process, so a busy machine makes it noisier and not larger by much; "x real
time" is the simulated time over the CPU time.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Load,
    Scan,
    ScanFrame,
)
from spm_auto.settings import validate
from spm_auto.simulator import (
    RandomStreams,
    SimulatedMicroscope,
    SimulatorSettings,
    Truth,
    simulate,
)
from spm_auto.simulator.samples.ferroelectric.relaxation import FilmEnergy, relax


@dataclass(frozen=True)
class Operation:
    """Something that the simulator does.

    Attributes:
        name: For the table.
        limit: CPU time that it may take [s].
        run: Does it once.
        simulated: Simulated time that one run takes [s]; 0 where none passes.
        per_run: How many of them one run does.
    """

    name: str
    limit: float
    run: Callable[[], object]
    simulated: float = 0.0
    per_run: int = 1


def microscope(sample: str, seed: int = 1, **table: object) -> tuple[SimulatedMicroscope, Truth]:
    """Return a loaded microscope with everything on over a sample of this kind."""
    settings = {"kind": "simulator", "sample": {"kind": sample}, **table}
    made, truth = simulate(validate(SimulatorSettings, settings, "benchmark"), seed)
    made.load(Load())
    return made, truth


def scan(name: str, limit: float, sample: str, size: float, rate: float) -> Operation:
    """Return the operation of scanning a square frame of 256 x 256 pixels."""
    made, _ = microscope(sample)
    instruction = Scan(ScanFrame((0.0, 0.0), (size, size), (256, 256)), line_rate=rate)

    def run() -> None:
        for _ in made.scan(instruction):
            pass

    return Operation(name, limit, run, made.duration(instruction))


def spectra(
    name: str, limit: float, sample: str, waveform: BiasWaveform, size: float, count: int = 50
) -> Operation:
    """Return the operation of taking a spectrum, at places all over the sample."""
    made, _ = microscope(sample)
    places = np.random.default_rng(1).uniform(-size / 2, size / 2, (count, 2)).tolist()
    at = [AcquireSpectrum(x, y, waveform) for x, y in places]

    def run() -> None:
        for instruction in at:
            made.acquire_spectrum(instruction)

    made.acquire_spectrum(at[0])
    return Operation(name, limit, run, made.duration(at[0]), count)


def force_curves(count: int = 50) -> Operation:
    """Return the operation of taking force curves."""
    made, _ = microscope("polymer_blend")
    places = np.random.default_rng(1).uniform(-5e-7, 5e-7, (count, 2)).tolist()
    at = [AcquireForceCurve(x, y, points=512) for x, y in places]

    def run() -> None:
        for instruction in at:
            made.acquire_force_curve(instruction)

    return Operation("force curve, 2 x 512 points", 0.5e-3, run, made.duration(at[0]), count)


def cits() -> Operation:
    """Return the operation of a map of 128 x 128 spectra, through the technique without noise."""
    made, truth = microscope("superconductor")
    bias = np.linspace(-5e-3, 5e-3, 101)
    half = made.capabilities.x_range[1] * 0.95
    along = np.linspace(-half, half, 128)
    y, x = np.meshgrid(along, along, indexing="ij")
    waveform = BiasWaveform(tuple(bias.tolist()))
    one = made.duration(AcquireSpectrum(0.0, 0.0, waveform))
    run: Callable[[], object] = lambda: truth.technique.cits(x, y, bias)  # type: ignore[attr-defined]  # noqa: E731
    return Operation("CITS 128 x 128 x 101", 0.3, run, one * x.size)


def relaxation() -> Operation:
    """Return the operation of growing domains on 256 x 256 cells."""
    energy = FilmEnergy(256, 2e-6 / 256, 2e-6 / 256, 0.35, 40e-9)
    noise = RandomStreams(1).stream("first noise").standard_normal((256, 256)) * 0.1
    field = np.full((256, 256), 0.014)
    return Operation(
        "relaxation 256 x 256, 150 steps", 0.5, lambda: relax(energy, noise, field, 150)
    )


def snapshot() -> Operation:
    """Return the operation of remembering everything and going back to it."""
    _, truth = microscope("ferroelectric_film")
    return Operation("snapshot and restore", 10e-3, lambda: truth.restore(truth.snapshot()))


LOOP = BiasWaveform.triangle(8.5, points=64)
GAP = BiasWaveform.sweep(-5e-3, 5e-3, points=101, dwell=5e-3)
OPERATIONS: dict[str, Callable[[], Operation]] = {
    "stm": lambda: scan("STM frame 256 x 256", 0.3, "au111", 40e-9, 4.0),
    "pfm": lambda: scan("PFM frame 256 x 256", 30e-3, "ferroelectric_film", 1.8e-6, 1.0),
    "afm": lambda: scan("AFM tapping frame 256 x 256", 0.3, "polymer_blend", 1.5e-6, 1.0),
    "loop": lambda: spectra("BEPS loop, 64 points", 1.5e-3, "ferroelectric_film", LOOP, 1.6e-6),
    "sts": lambda: spectra("STS, 101 points", 0.2e-3, "superconductor", GAP, 1e-7),
    "cits": cits,
    "force": force_curves,
    "relaxation": relaxation,
    "snapshot": snapshot,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each operation")
    parser.add_argument("--only", choices=OPERATIONS, nargs="*", default=list(OPERATIONS))
    arguments = parser.parse_args()
    print(
        f"{'operation':34}{'CPU median':>12}{'limit':>10}{'':>8}"
        f"{'simulated':>12}{'x real time':>13}"
    )
    for name in arguments.only:
        operation = OPERATIONS[name]()
        operation.run()
        times = []
        for _ in range(arguments.repeats):
            start = time.process_time()
            operation.run()
            times.append((time.process_time() - start) / operation.per_run)
        median = statistics.median(times)
        verdict = "ok" if median <= operation.limit else f"{median / operation.limit:.1f} x"
        line = (
            f"{operation.name:34}{median * 1e3:9.2f} ms{operation.limit * 1e3:7.1f} ms{verdict:>8}"
        )
        if operation.simulated:
            line += f"{operation.simulated:10.1f} s{operation.simulated / median:13.0f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
