"""How often the lookout cries wolf, and how soon it sees a changed tip and a stuck agent.

    python benchmarks/watchfulness.py --seeds 20

Prints alarms per 1,000 spectra where nothing is wrong (predictions that are calibrated by
construction; a ``gp`` agent on a smooth sample; the same on the simulated film), and how soon it is
seen that a tip became more or less sensitive, within the range of the simulator's tips at level 3,
and that an agent stays where it is.
"""

import argparse
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy.ndimage import gaussian_filter

from spm_auto.agents import Concern, Lookout, Proposal, make
from spm_auto.clock import InstantClock
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Load,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from spm_auto.simulator import SimulatorSettings

FRAME = ScanFrame((0.0, 0.0), (2e-6, 2e-6), (48, 48))
CHANGE = 60  # spectrum after which the tip changes
AFTER = 25  # spectra after it within which the change should be seen


def calibrated(seed: int, n: int = 500) -> Iterator[Concern]:
    """Yield the alarms of a run whose predictions are right by construction."""
    rng = np.random.default_rng(seed)
    lookout = Lookout(FRAME)
    for _ in range(n):
        x, y = rng.uniform(-1e-6, 1e-6, 2)
        mean, deviation, score = rng.normal(), rng.lognormal(), rng.normal()
        proposal = Proposal(0, x, y, math.nan, "", mean, deviation, score)
        yield from lookout.see(proposal, mean + deviation * rng.normal())


def smooth(seed: int, n: int, gain: float = 1.0, noise: float = 0.1) -> list[tuple[int, Concern]]:
    """Return the alarms of a ``gp`` agent on a smooth sample with noise of a known size.

    Args:
        seed: Of the sample, the noise and the agent.
        n: How many spectra.
        gain: By which the tip's sensitivity changes after `CHANGE` spectra.
        noise: Standard deviation of the noise, that of the sample being 1.4 around 3.
    """
    rng = np.random.default_rng(seed)
    image, hidden = (gaussian_filter(rng.standard_normal(FRAME.shape), 3.0) for _ in range(2))
    image, hidden = image / image.std(), hidden / hidden.std()
    overview = ScanImage(FRAME, (Channel("height", "m"),), image[None], image[None], 0.0, 1.0)
    explorer = make("gp", overview, scalarizer=lambda s: float(s.data[0, 0]), seed=seed)
    current, bias, found = (Channel("current", "A"),), np.arange(8.0), []
    for number, proposal in enumerate(explorer.proposals(n), start=1):
        line, pixel = (round(float(i)) for i in FRAME.to_pixel(proposal.x, proposal.y))
        value = 3.0 + image[line, pixel] + hidden[line, pixel]
        value = value * (gain if number > CHANGE else 1.0) + noise * rng.normal()
        flat = np.full((1, 8), value)
        explorer.tell(proposal, Spectrum(proposal.x, proposal.y, bias, current, flat, 0.0, 1.0))
        found += [(number, concern) for concern in explorer.concerns()]
    return found


def film(seed: int, n: int = 85) -> list[Concern]:
    """Return the alarms of a ``gp`` agent on the simulated film, where loops scatter widely."""
    microscope = SimulatorSettings.model_validate({"kind": "simulator", "level": 1}).open(
        InstantClock(), seed
    )
    microscope.load(Load())
    scan = Scan(FRAME, ("amplitude", "phase"), 5.0)
    lines = list(microscope.scan(scan))
    ways = [np.stack([getattr(line, way) for line in lines], 1) for way in ("forward", "backward")]
    channels = microscope.capabilities.channels_of(scan)
    explorer = make("gp", ScanImage(FRAME, channels, *ways, 0.0, 1.0), seed=seed)
    triangle, found = BiasWaveform.triangle(8.5, 64), []
    for proposal in explorer.proposals(n):
        spectrum = microscope.acquire_spectrum(AcquireSpectrum(proposal.x, proposal.y, triangle))
        explorer.tell(proposal, spectrum)
        found += explorer.concerns()
    return found


def stuck(seed: int, begin: int = 40) -> int:
    """Return after how many spectra it is seen that an agent stays where it is; -1 for never."""
    rng = np.random.default_rng(seed)
    lookout = Lookout(FRAME)
    for number in range(1, begin + 40):
        place = rng.uniform(-1e-6, 1e-6, 2) if number <= begin else rng.normal(0, 2e-8, 2)
        score = 3 * math.exp(-number / 20) if number <= begin else 3 * math.exp(-begin / 20)
        proposal = Proposal(0, *place, math.nan, "", 0.0, 1.0, score)
        value = min(rng.normal(), 2.0) - 2.0 * (number > begin)
        if any(concern.cause == "stuck" for concern in lookout.see(proposal, value)):
            return number - begin
    return -1


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    print("| where nothing is wrong | spectra | stuck | calibration | tip | per 1,000 |")
    print("| --- | --- | --- | --- | --- | --- |")
    quiet = [list(calibrated(s)) for s in range(10 * len(seeds))]
    _row("calibrated by construction", quiet, 500)
    _row("gp on a smooth sample", [[c for _, c in smooth(s, 150)] for s in seeds], 150)
    _row("gp on the simulated film", [film(s) for s in seeds], 85)
    print(f"\n| sensitivity of the tip after {CHANGE} spectra | seen | spectra until seen |")
    print("| --- | --- | --- |")
    for gain in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2):
        delays = []
        for seed in seeds:
            found = smooth(seed, CHANGE + AFTER, gain)
            delays += [n - CHANGE for n, c in found if n > CHANGE and c.cause != "stuck"][:1]
        delay = f"{np.median(delays):.0f}" if delays else "–"
        print(f"| × {gain:g} | {len(delays)} of {len(seeds)} | {delay} |", flush=True)
    delays = [stuck(s) for s in seeds]
    seen = sum(delay > 0 for delay in delays)
    print(f"\nstuck agent: seen {seen} of {len(delays)}, after {np.median(delays):.0f} spectra")


def _row(name: str, runs: list[list[Concern]], length: int) -> None:
    counts, n = Counter(concern.cause for run in runs for concern in run), len(runs) * length
    each = " | ".join(str(counts[cause]) for cause in ("stuck", "calibration", "tip"))
    print(f"| {name} | {n} | {each} | {1000 * sum(counts.values()) / n:.2f} |", flush=True)


if __name__ == "__main__":
    main()
