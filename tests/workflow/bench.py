"""A runner over a microscope that a test has in its own hands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from by_hand import (
    Microscope,
    Shown,
    StepByHand,
)
from ohmic_runs import new_runner

from spm_auto.clock import InstantClock
from spm_auto.data import (
    RecordedRun,
    RunFinished,
    open_run,
)
from spm_auto.instrument import (
    Limits,
)
from spm_auto.workflow import (
    Runner,
    Step,
    StepContext,
    StepGenerator,
)

PATIENCE = 20.0  # [s] until a test that hangs fails; none waits that long


class Bench:
    """A runner over a microscope, with all that it shows."""

    def __init__(self, folder: Path, limits: Limits | None = None, **how: Any) -> None:
        self.clock = InstantClock()
        self.microscope = Microscope(self.clock)
        self.shown = Shown()
        self.folder = folder
        self.runner: Runner = new_runner(
            folder, self.microscope, self.clock, limits, listeners=(self.shown,), **how
        )

    def run(self, *steps: Step) -> RunFinished:
        return self.runner.run(steps, seed=1)

    def script(self, script: Callable[[StepContext], StepGenerator]) -> RunFinished:
        return self.run(StepByHand(script=script))

    @property
    def recorded(self) -> RecordedRun:
        return open_run(self.folder)
