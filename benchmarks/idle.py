"""How long the instrument waits for the agent, on the real clock: about 45 s for each agent.

    python benchmarks/idle.py [--agents gp deep_kernel] [--spectra 30] [--pixels 256]

Each agent explores the simulated film on an overview of 256 x 256 pixels (65,536 candidates) with
spectra of 1.2 s. Printed are what the run recorded of the waiting, and what a stopwatch says: the
time from the first spectrum's start to the last one's end, less what the random agent, which thinks
of nothing, took for the same spectra. Idle is a share of that time; the preparation between the
overview and the first spectrum (descriptors, pre-training) is printed beside it.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spm_auto.clock import RealClock
from spm_auto.data import RecordedRun, open_run
from spm_auto.instrument import GuardedInstrument
from spm_auto.lab import begin
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import parse_recipe

SPECTRUM = {"kind": "triangle", "amplitude": "8.5 V", "points": 64, "dwell": "14.6 ms"}


def explore(agent: str, spectra: int, pixels: int, folder: Path) -> tuple[RecordedRun, float]:
    """Carry out a run on the real clock; returns it, and the CPU time that it took [s]."""
    overview: dict[str, Any] = {
        "kind": "overview",
        "frame": {"center": ["0 nm", "0 nm"], "size": ["2 um", "2 um"], "pixels": [pixels] * 2},
        "channels": ["amplitude", "phase"],
        "line_rate": "100 Hz",
    }
    choosing: dict[str, Any] = {
        "kind": "explore",
        "agent": {"kind": agent},
        "scalarizer": "loop_area",
        "waveform": SPECTRUM,
        "budget": spectra,
    }
    table = {"schema_version": 1, "title": f"idle: {agent}", "steps": [overview, choosing]}
    recipe = parse_recipe(table, "benchmark")
    clock = RealClock()
    settings = SimulatorSettings.model_validate({"kind": "simulator", "level": 1})
    runner = begin(GuardedInstrument(settings.open(clock, 1)), clock, folder, recipe.title, 1)
    start = time.process_time()
    runner.run(recipe.steps, 1)
    return open_run(folder), time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", nargs="+", default=["gp", "deep_kernel"])
    parser.add_argument("--spectra", type=int, default=30)
    parser.add_argument("--pixels", type=int, default=256)
    given = parser.parse_args()
    print(
        "| agent | a spectrum [s] | explored [s] | idle, recorded | idle, stopwatch | ready [s] |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    without: float | None = None
    for agent in ["random", *given.agents]:
        with tempfile.TemporaryDirectory() as folder:
            run, _ = explore(agent, given.spectra, given.pixels, Path(folder))
        spectra = run.spectra
        if len(spectra) < given.spectra:
            raise SystemExit(f"{agent}: {run.finished}")
        lasted = sorted(s.end_time - s.start_time for s in spectra)
        whole = spectra[-1].end_time - spectra[0].start_time
        waiting = whole - sum(lasted)
        without = waiting if without is None else without
        # the first answer is waited for before the first spectrum, the last one after the last
        recorded = sum(answer.waited for answer in run.answers[1:-1])
        ready = spectra[0].start_time - run.scans[0].end_time
        idle = f"{100 * recorded / whole:.2f} % | {100 * (waiting - without) / whole:.2f} %"
        middle = lasted[len(lasted) // 2]
        print(f"| {agent} | {middle:.2f} | {whole:.1f} | {idle} | {ready:.2f} |", flush=True)


if __name__ == "__main__":
    main()
