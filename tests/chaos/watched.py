"""A simulated microscope that somebody watches over, with faults, on a virtual clock."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from spm_auto.clock import Clock, InstantClock
from spm_auto.data import Record
from spm_auto.instrument import GuardedInstrument, ScanFrame, Watchdog
from spm_auto.lab import begin
from spm_auto.simulator import SimulatorSettings, Truth, simulate
from spm_auto.workflow import Runner

FRAME = ScanFrame((0.0, 0.0), (1e-8, 1e-8), (8, 8))


def watched(
    *faults: dict[str, Any], clock: Clock | None = None, seed: int = 1
) -> tuple[GuardedInstrument, Watchdog, Truth]:
    """Give a microscope over graphite behind guard and watchdog, and the truth about it."""
    clock = clock or InstantClock()
    settings = SimulatorSettings.model_validate(
        {"sample": {"kind": "hopg"}, "faults": faults, "level": 0}
    )
    microscope, truth = simulate(settings, seed, clock)
    dog = Watchdog(microscope, clock)
    return GuardedInstrument(microscope, watchdog=dog), dog, truth


def watched_runner(
    folder: Path,
    guard: GuardedInstrument,
    clock: Clock,
    listeners: Sequence[Callable[[Record], None]] = (),
) -> Runner:
    """Begin a run on it."""
    return begin(guard, clock, folder, title="watched", seed=1, listeners=listeners)
