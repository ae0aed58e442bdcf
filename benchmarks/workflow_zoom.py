"""Zooming in against one scale: simulated hours until a spectrum was taken in the core of a vortex.

A terrace of NbSe2, 250 nm wide, holds some twenty vortices that no topograph shows. Who finds the
middle of one of them first, to 1.5 nm, where the tip truly was?

* *zoomed*: `examples/stm_gap_hunt.toml`, whose last image has a pixel each nanometre: overview of
  250 nm, 60 spectra, zoom to 100 nm, 20 spectra, zoom to 20 nm, 20 spectra, each carried over;
* *fresh*: the same, but each agent begins with nothing;
* *one scale*: an overview of 250 nm with a pixel each nanometre, and 100 spectra where the same
  agent wants them;
* *full grid*: a spectrum each nanometre, line by line; its time is counted, not simulated.

Hours are those of the instrument, from the first scan on. A run that finds none counts with its
whole time, and is told.
"""

import argparse
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tables import spread

from spm_auto.clock import InstantClock
from spm_auto.data import ScanStarted, open_run
from spm_auto.instrument import AcquireSpectrum, GuardedInstrument, Spectrum
from spm_auto.lab import begin
from spm_auto.simulator import SimulatorSettings, Truth, simulate
from spm_auto.workflow import parse_recipe

EXAMPLES = Path(__file__).parents[1] / "examples"
NEAR = 1.5e-9  # from the middle of a vortex [m]
PITCH = 1e-9  # of the finest image [m]
SIDE = 250e-9  # of the frame [m]
SCANS = "zoomed", "fresh", "one scale"


@dataclass(frozen=True, slots=True)
class Row:
    """What one way of working needed.

    Attributes:
        name: Of the way.
        hours: Instrument time until a core was hit, for each seed [h].
        hits: In how many of the runs one was.
        nearest: How near to a core the best spectrum of each run was [m].
    """

    name: str
    hours: tuple[float, ...]
    hits: int
    nearest: tuple[float, ...]

    def __str__(self) -> str:
        nearest = spread([1e9 * each for each in self.nearest])
        return (
            f"{self.name:10} {spread(self.hours):>12} h, found by {self.hits} of "
            f"{len(self.hours)}, nearest {nearest} nm"
        )


def main(seeds: Sequence[int] = range(10)) -> list[Row]:
    """Run all ways of working with each seed and return what they needed."""
    rows = []
    for name in SCANS:
        found = [_run(name, seed) for seed in seeds]
        rows.append(Row(name, *_told(found)))
    rows.append(Row("full grid", *_told([_grid(seed) for seed in seeds])))
    return rows


def _told(
    found: Sequence[tuple[float, bool, float]],
) -> tuple[tuple[float, ...], int, tuple[float, ...]]:
    hours, hits, nearest = zip(*found, strict=True)
    return tuple(hours), sum(hits), tuple(nearest)


def recipe_of(name: str) -> dict[str, Any]:
    """Return the recipe of a way of working."""
    table = tomllib.loads((EXAMPLES / "stm_gap_hunt.toml").read_text("utf-8"))
    steps = table["steps"]
    steps[-2]["pixels"] = [20, 20]
    if name == "fresh":
        for step in steps:
            step.pop("carry", None)
    if name == "one scale":
        pixels = round(SIDE / PITCH)
        steps[1]["frame"]["pixels"] = [pixels, pixels]
        steps[2]["budget"] = 100
        table["steps"] = steps[:3]
    return table


def _settings() -> SimulatorSettings:
    lab = tomllib.loads((EXAMPLES / "lab_stm_simulated.toml").read_text("utf-8"))
    return SimulatorSettings.model_validate(lab["instrument"])


def _cores(truth: Truth) -> Any:
    """Return where the vortices truly are [m], shape (n, 2).

    Also those beside the frame: a scanner with hysteresis goes farther than it is told.
    """
    sample: Any = truth.sample
    return np.column_stack([sample.vortex_x, sample.vortex_y])


def _run(name: str, seed: int) -> tuple[float, bool, float]:
    """Return hours until a core was hit, whether one was, and how near the run came."""
    clock = InstantClock()
    microscope, truth = simulate(_settings(), seed, clock)
    cores = _cores(truth)
    seen: list[tuple[float, float]] = []  # when, and how far from a core
    acquire = microscope.acquire_spectrum

    def watched(instruction: AcquireSpectrum) -> Spectrum:
        spectrum = acquire(instruction)
        away = np.hypot(*(cores - truth.position).T).min()
        seen.append((clock.now(), float(away)))
        return spectrum

    microscope.acquire_spectrum = watched  # type: ignore[method-assign]
    recipe = parse_recipe(recipe_of(name), "stm_gap_hunt.toml")
    with tempfile.TemporaryDirectory() as folder:
        guarded = GuardedInstrument(microscope)
        runner = begin(guarded, clock, Path(folder) / "run", title=name, seed=seed)
        finished = runner.run(recipe.steps, seed)
        records = open_run(Path(folder) / "run").records
    start = next(r.time for r in records if isinstance(r.event, ScanStarted))
    times = [when for when, away in seen if away <= NEAR]
    end = times[0] if times else seen[-1][0]
    assert finished.reason == "completed", finished
    return (end - start) / 3600, bool(times), min(away for _, away in seen)


def _grid(seed: int) -> tuple[float, bool, float]:
    """Return the same for a grid over the frame, as if the scanner had no faults."""
    clock = InstantClock()
    microscope, truth = simulate(_settings(), seed, clock)
    step: Any = parse_recipe(recipe_of("one scale"), "stm_gap_hunt.toml").steps[2]
    each = microscope.duration(AcquireSpectrum(0.0, 0.0, step.waveform.waveform()))
    along = np.arange(-SIDE / 2 + PITCH / 2, SIDE / 2, PITCH)
    x, y = np.meshgrid(along, along)
    away = np.min([np.hypot(x - u, y - v) for u, v in _cores(truth)], axis=0).ravel()
    first = int(np.argmax(away <= NEAR))
    return (first + 1) * each / 3600, True, float(away.min())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    for row in main(range(parser.parse_args().seeds)):
        print(row)
