"""`spm-auto emulate`: the simulator behind the wire protocol of a real controller."""

import contextlib
import threading
from collections.abc import Sequence
from typing import Any, cast

from rich.console import Console

from . import plugins
from .clock import Clock, InstantClock, ScaledClock
from .errors import RecipeError
from .experiment import read_override
from .instrument import EmulatorSettings, InstrumentSettings
from .settings import override, validate


def emulate(
    controller: str,
    sample: str,
    port: int | None,
    level: int,
    seed: int,
    speed: float,
    faults: Sequence[str],
    overrides: Sequence[str],
    ending: threading.Event | None = None,
) -> None:
    """Serve until somebody ends it, and say where.

    Args:
        controller: Kind of controller.
        sample: Kind of sample.
        port: The first port; None takes free ones.
        level: How far from perfect the microscope is.
        seed: Root of all randomness.
        speed: Instrument seconds per second of the wall clock; 0 lets time pass at once.
        faults: ``kind[:command[:after[:times]]]``.
        overrides: ``PATH=VALUE`` in the settings ``controller`` and ``simulator``.
        ending: Ends it when set; without one Ctrl-C does.

    Raises:
        RecipeError: A setting is wrong.
        InstrumentError: The port is not free.
    """
    table: dict[str, Any] = {
        "controller": {"kind": controller, "faults": [_fault(text) for text in faults]},
        "simulator": {"kind": "simulator", "level": level, "sample": {"kind": sample}},
    }
    if port is not None:
        table["controller"]["port"] = port
    for text in overrides:
        path, value = read_override(text)
        table = override(table, path, value)
    settings: EmulatorSettings = _settings("emulators", table["controller"])
    simulator: InstrumentSettings = _settings("instruments", table["simulator"])
    clock: Clock = ScaledClock(speed) if speed > 0 else InstantClock()
    emulator = settings.start(simulator.open(clock, seed), clock)
    console = Console(soft_wrap=True)
    console.print(f"{controller} over a simulated {sample}: {_said(emulator.address)}")
    console.print("nobody is asked who they are: keep it on this computer", style="dim")
    with contextlib.closing(emulator), contextlib.suppress(KeyboardInterrupt):
        while not (ending or threading.Event()).wait(0.2):
            continue


def _settings(group: str, table: dict[str, Any]) -> Any:
    kind = str(table["kind"])
    what = f"{group.removesuffix('s')} {kind!r}"
    return validate(cast(Any, plugins.load(group, kind)), table, what)


def _fault(text: str) -> dict[str, Any]:
    kind, *rest = text.split(":")
    numbers = dict(zip(("after", "times"), rest[1:], strict=False))
    if len(rest) > 3 or not all(number.isdecimal() for number in numbers.values()):
        raise RecipeError(f"--fault {text}: write KIND[:COMMAND[:AFTER[:TIMES]]], such as late::3")
    on = rest[0] if rest else ""
    return {"kind": kind, "on": on, **{name: int(number) for name, number in numbers.items()}}


def _said(address: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in address.items())
