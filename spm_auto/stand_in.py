"""The simulator that stands in for hardware, when a recipe is planned, checked or rehearsed."""

from pathlib import Path
from typing import Any

from . import plugins
from .errors import RecipeError
from .instrument import InstrumentSettings
from .lab import Lab, read_lab

_CURRENT = "A"  # unit of what an STM holds


def stand_in(lab: Lab, on: Path | None = None) -> InstrumentSettings:
    """Return the instrument on which a lab's recipes are tried out; no hardware is opened.

    What is simulated stands for itself. For hardware it is the simulator: an STM where the lab
    limits the current that the z loop holds, else a PFM.

    Args:
        lab: The laboratory.
        on: Lab file with the simulator that shall stand in; None to choose as said.

    Raises:
        RecipeError: The lab file that shall stand in names hardware.
    """
    if on is not None:
        other, _ = read_lab(on)
        if not other.instrument.is_simulated:
            raise RecipeError(f"{on.name}: instrument: {other.instrument.kind} is hardware")
        return other.instrument
    if lab.instrument.is_simulated:
        return lab.instrument
    table: dict[str, Any] = {"kind": "simulator"}
    if lab.limits.setpoint is not None and lab.limits.setpoint[0][1] == _CURRENT:
        stm = {"sample": {"kind": "superconductor", "size": "512 nm"}, "technique": {"kind": "stm"}}
        table |= stm
    simulator = plugins.load("instruments", "simulator")
    settings: InstrumentSettings = simulator.model_validate(table)
    return settings
