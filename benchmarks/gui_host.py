"""A run that goes on when its tip is withdrawn, so that a benchmark can do so a hundred times.

    python benchmarks/gui_host.py FOLDER

It is an autonomous run on the simulator, ten times as fast as a real one, whose agent trains a deep
kernel in a thread beside it, and it has the ear that every run has. Only `emergency_stop` is not
its own: it withdraws the tip of another simulated microscope, which is readied again afterwards.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any, cast

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spm_auto.clock import Clock, InstantClock, ScaledClock
from spm_auto.ear import Ear
from spm_auto.instrument import GuardedInstrument, Load
from spm_auto.lab import begin
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import Runner, parse_recipe

READY = 0.1  # [s] after a withdrawal until the other tip is readied
RECIPE: dict[str, Any] = {
    "schema_version": 1,
    "title": "watched",
    "steps": [
        {
            "kind": "overview",
            "frame": {
                "center": ["0 nm", "0 nm"],
                "size": ["2 um", "2 um"],
                "pixels": [128, 128],
            },
            "channels": ["amplitude", "phase"],
            "line_rate": "20 Hz",
        },
        {
            "kind": "explore",
            "agent": {"kind": "deep_kernel"},
            "scalarizer": "loop_area",
            "waveform": {"kind": "triangle", "amplitude": "8.5 V", "points": 64, "cycles": 2},
            "budget": 2000,
        },
    ],
}


class Enduring:
    """A run that does not end when its tip is withdrawn; in all else it is the run.

    Args:
        runner: The run.
        other: The microscope whose tip is withdrawn in its place.
    """

    def __init__(self, runner: Runner, other: GuardedInstrument) -> None:
        self._runner, self._other = runner, other

    def __getattr__(self, name: str) -> Any:
        """Return what the run has of that name."""
        return getattr(self._runner, name)

    def emergency_stop(self, *_: object, **__: object) -> None:
        """Withdraw the tip of the other microscope."""
        self._other.emergency_stop()
        threading.Timer(READY, self._other.load, (Load(),)).start()


def microscope(clock: Clock) -> GuardedInstrument:
    """Return a simulated microscope."""
    settings = SimulatorSettings.model_validate({"kind": "simulator", "level": 1})
    return GuardedInstrument(settings.open(clock, 1))


def main() -> None:
    """Carry out the run."""
    folder, clock = Path(sys.argv[1]), ScaledClock(10.0)
    other = microscope(InstantClock())
    other.load(Load())
    runner = begin(microscope(clock), clock, folder, "watched", 1)
    with Ear(cast(Runner, Enduring(runner, other)), folder, "watched"):
        runner.run(parse_recipe(RECIPE, "benchmark").steps, 1)


if __name__ == "__main__":
    main()
