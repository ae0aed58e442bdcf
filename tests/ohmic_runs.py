"""Quick runs on an ohmic sample and an instant clock, for the tests of whoever writes or reads."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import Clock, InstantClock
from spm_auto.data import Record
from spm_auto.instrument import GuardedInstrument, Instrument, Limits
from spm_auto.lab import begin
from spm_auto.workflow import Recipe, Runner, Step, parse_recipe

SWEEP: dict[str, Any] = {
    "kind": "sweep",
    "start": "0 V",
    "stop": "1 V",
    "points": 5,
    "dwell": "100 ms",
}
OVERVIEW: dict[str, Any] = {
    "kind": "overview",
    "frame": {
        "center": ["100 nm", "50 nm"],
        "size": ["800 nm", "300 nm"],
        "pixels": [8, 3],
    },
}
EXPLORE: dict[str, Any] = {
    "kind": "explore",
    "agent": {"kind": "random"},
    "scalarizer": "integral",
    "waveform": SWEEP,
    "budget": 4,
}


def recipe(*steps: dict[str, Any]) -> Recipe:
    """Make a recipe; without steps an overview and an exploration."""
    table = {
        "schema_version": 1,
        "title": "ohmic contacts",
        "steps": list(steps) or [OVERVIEW, EXPLORE],
    }
    return parse_recipe(table, "recipe.toml")


def new_runner(
    folder: Path,
    microscope: Instrument | None = None,
    clock: Clock | None = None,
    limits: Limits | None = None,
    listeners: Sequence[Callable[[Record], None]] = (),
    **about: Any,
) -> Runner:
    """Begin a run; without a microscope on an ohmic sample."""
    clock = clock or InstantClock()
    guarded = GuardedInstrument(microscope or OhmicMicroscope(clock), limits)
    about = {"title": "ohmic contacts", "seed": 1, **about}
    return begin(guarded, clock, folder, listeners=listeners, **about)


def run_quickly(folder: Path, steps: Sequence[Step] = (), seed: int = 1, **how: Any) -> Runner:
    """Carry out steps to their end; without steps an overview and an exploration."""
    runner = new_runner(folder, seed=seed, **how)
    runner.run(steps or recipe().steps, seed)
    return runner
