"""How long the instrument waits for the agent, on the real clock: about 90 s for each agent.

    python benchmarks/idle.py [--agents gp deep_kernel] [--spectra 30] [--pixels 256]

Each agent explores the simulated film on an overview of 256 x 256 pixels (65,536 candidates) with
spectra of 1.2 s. Printed are what the run recorded of the waiting, and what a stopwatch says: the
time from the first spectrum's start to the last one's end, less what the same spectra at the same
places take when nobody thinks. Idle is a share of that time; the preparation between the overview
and the first spectrum (imports, descriptors, pre-training) is printed beside it.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spm_auto.clock import RealClock
from spm_auto.data import RecordedRun, open_run
from spm_auto.instrument import GuardedInstrument
from spm_auto.lab import begin
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import Runner, parse_recipe

SPECTRUM = {"kind": "triangle", "amplitude": "8.5 V", "points": 64, "dwell": "14.6 ms"}


def explore(agent: str, spectra: int, pixels: int, folder: Path) -> RecordedRun:
    """Carry out a run on the real clock."""
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
    _runner(folder).run(parse_recipe(table, "benchmark").steps, 1)
    return open_run(folder)


def retrace(run: RecordedRun, folder: Path) -> RecordedRun:
    """Take the same spectra at the same places on the real clock, without an agent."""
    runner = _runner(folder)
    runner.load()
    for measurement in run.measurements:
        runner.perform(measurement.instruction)
    runner.finish()
    return open_run(folder)


def between(run: RecordedRun) -> tuple[float, float]:
    """Return how long all spectra took, and how much of that passed between them [s]."""
    spectra = run.spectra
    whole = spectra[-1].end_time - spectra[0].start_time
    return whole, whole - sum(s.end_time - s.start_time for s in spectra)


def _runner(folder: Path) -> Runner:
    clock = RealClock()
    settings = SimulatorSettings.model_validate({"kind": "simulator", "level": 1})
    return begin(GuardedInstrument(settings.open(clock, 1)), clock, folder, "idle", 1)


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
    for agent in given.agents:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            run = explore(agent, given.spectra, given.pixels, Path(one))
            if len(run.spectra) < given.spectra:
                raise SystemExit(f"{agent}: {run.finished}")
            same = retrace(run, Path(other))
        whole, gaps = between(run)
        # the first answer is waited for before the first spectrum, the last one after the last
        recorded = sum(answer.waited for answer in run.answers[1:-1])
        idle = f"{100 * recorded / whole:.2f} % | {100 * (gaps - between(same)[1]) / whole:.2f} %"
        ready = run.spectra[0].start_time - run.scans[0].end_time
        middle = median(s.end_time - s.start_time for s in run.spectra)
        print(f"| {agent} | {middle:.2f} | {whole:.1f} | {idle} | {ready:.2f} |", flush=True)


if __name__ == "__main__":
    main()
