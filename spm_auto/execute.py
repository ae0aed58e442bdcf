"""Carrying out a recipe in a lab, from files: what ``spm-auto run`` and ``rehearse`` do."""

import queue
import signal
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import plugins
from .clock import Clock, InstantClock
from .data import (
    FILE_NAME,
    FinishReason,
    Record,
    RunFinished,
    consolidate,
    open_run,
)
from .display import ProgressDisplay, print_plan, print_summary
from .errors import RecipeError
from .instrument import FromCommandLine, GuardedInstrument
from .lab import Lab, begin, parse_lab
from .settings import override, read_toml
from .units import format_duration
from .workflow import Plan, Recipe, Runner, make_plan, parse_recipe

_TWICE = 2.0  # [s] a second Ctrl-C within this time withdraws the tip
_TICK = 0.05  # [s] how often the terminal looks at the run


@dataclass(frozen=True, slots=True)
class Order:
    """Recipe and laboratory as read from their files, overrides applied.

    Attributes:
        recipe: The recipe.
        lab: The laboratory.
        recipe_text: The recipe's file, verbatim.
        lab_text: The lab file, verbatim.
        overrides: What was replaced on the command line, verbatim.
    """

    recipe: Recipe
    lab: Lab
    recipe_text: str
    lab_text: str
    overrides: tuple[str, ...]


def read_order(recipe_path: Path, lab_path: Path, overrides: Sequence[str]) -> Order:
    """Read recipe and lab file, and replace what the command line replaces.

    Args:
        recipe_path: The recipe.
        lab_path: The lab file.
        overrides: Texts such as "steps[1].budget=20" or "instrument.file=data.h5".

    Raises:
        RecipeError: With one line per fault, naming the place.
    """
    recipe_table, recipe_text = read_toml(recipe_path, "recipe")
    lab_table, lab_text = read_toml(lab_path, "lab file")
    for text in overrides:
        path, separator, written = text.partition("=")
        if not separator:
            raise RecipeError(f"--set {text}: write PATH=VALUE, such as steps[1].budget=20")
        key = path.split(".")[0].split("[")[0]
        if key in Recipe.model_fields:
            recipe_table = override(recipe_table, path, _value(written))
        elif key in Lab.model_fields:
            lab_table = override(lab_table, path, _value(written))
        else:
            known = [*Recipe.model_fields, *Lab.model_fields]
            raise RecipeError(
                f"--set {text}: neither a recipe nor a lab file has a key {key!r}"
                f"{plugins.suggest(key, known)}"
            )
    return Order(
        recipe=parse_recipe(recipe_table, recipe_path.name),
        lab=parse_lab(lab_table, lab_path.name, lab_path.parent),
        recipe_text=recipe_text,
        lab_text=lab_text,
        overrides=tuple(overrides),
    )


def execute(
    recipe: Path,
    lab: Path,
    out: Path,
    seed: int,
    overrides: Sequence[str] = (),
    as_json: bool = False,
) -> int:
    """Carry out a recipe, with progress; returns the exit code.

    Args:
        recipe: The recipe.
        lab: The lab file.
        out: Folder of the run.
        seed: Root of all randomness.
        overrides: What to replace in recipe and lab file.
        as_json: Whether to print the run's summary as JSON, and nothing else.

    Raises:
        SpmError: The order cannot be carried out; nothing moved.
    """
    order = read_order(recipe, lab, overrides)
    clock = order.lab.clock.clock()
    instrument = order.lab.open(seed, clock)
    plan = _checked_plan(order, instrument, recipe.name)
    finished = _carry_out(order, instrument, clock, plan, out, seed, is_quiet=as_json)
    journal = out / FILE_NAME
    consolidate(journal)
    from .report import write_report

    report = write_report(out)
    if as_json:
        print_summary(open_run(out).summary(), as_json=True)
    else:
        print_summary(open_run(out).summary())
        _say_end(finished, report)
    return 0 if finished.reason == FinishReason.COMPLETED else 1


def rehearse(
    recipe: Path, lab: Path, seed: int, overrides: Sequence[str] = (), as_json: bool = False
) -> int:
    """Go through a recipe on an instant clock, under the lab's limits; returns the exit code.

    A lab with hardware is rehearsed on the simulator with its default sample; the hardware is not
    even opened.

    Raises:
        SpmError: The order could not be carried out.
    """
    order = read_order(recipe, lab, overrides)
    settings = order.lab.instrument
    if not settings.is_simulated:
        simulator = plugins.load("instruments", "simulator")
        settings = simulator.model_validate({"kind": "simulator"})
    clock = InstantClock()
    instrument = GuardedInstrument(settings.open(clock, seed), order.lab.limits.limits())
    plan = _checked_plan(order, instrument, recipe.name)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        finished = _carry_out(order, instrument, clock, plan, out, seed, is_quiet=as_json)
        summary = open_run(out).summary()
    if as_json:
        print_summary(summary, as_json=True)
    else:
        print_plan(plan)
        print_summary(summary)
    return 0 if finished.reason == FinishReason.COMPLETED else 1


def _checked_plan(order: Order, instrument: GuardedInstrument, place: str) -> Plan:
    try:
        return make_plan(order.recipe, instrument)
    except RecipeError as error:
        instrument.close()
        raise RecipeError(f"{place}: {error}") from error


def _carry_out(
    order: Order,
    instrument: GuardedInstrument,
    clock: Clock,
    plan: Plan,
    out: Path,
    seed: int,
    is_quiet: bool,
) -> RunFinished:
    records: queue.SimpleQueue[Record] = queue.SimpleQueue()
    runner = begin(
        instrument,
        clock,
        out,
        order.recipe.title,
        seed,
        recipe=order.recipe_text,
        lab=order.lab_text,
        settings={**order.lab.describe(), "overrides": order.overrides},
        listeners=(records.put,),
    )
    with ProgressDisplay(plan, is_quiet) as display:
        display.say(f"{order.recipe.title}: {format_duration(plan.seconds)} of instrument time")
        presses = _Presses()
        runner.start(order.recipe.steps, seed)
        try:
            while not runner.wait(_TICK):
                presses.pass_on(runner, display)
                _drain(records, display)
        finally:
            presses.close()
        _drain(records, display)
    finished = runner.finished
    if finished is None:
        raise RecipeError("the run ended without saying how")
    return finished


class _Presses:
    """Ctrl-C on the keyboard, noted by a signal handler and passed on by the waiting thread."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._passed = 0
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def _note(self, *_: object) -> None:
        self._times.append(time.monotonic())

    def pass_on(self, runner: Runner, display: ProgressDisplay) -> None:
        """Cancel on the first press; withdraw the tip on a second one soon after."""
        while self._passed < len(self._times):
            self._passed += 1
            last = self._times[max(0, self._passed - 2) : self._passed]
            if len(last) == 2 and last[1] - last[0] <= _TWICE:
                runner.emergency_stop()
                display.say("emergency stop: the tip is withdrawn")
            else:
                runner.cancel()
                display.say("cancelling; press Ctrl-C again within 2 s to withdraw the tip")

    def close(self) -> None:
        """Give Ctrl-C back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _drain(records: "queue.SimpleQueue[Record]", display: ProgressDisplay) -> None:
    while not records.empty():
        display.show(records.get())


def _value(text: str) -> Any:
    """Read a value as TOML would; what is no TOML is text, such as 8 V or a path."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return FromCommandLine(text)
    return FromCommandLine(value) if isinstance(value, str) else value


def _say_end(finished: RunFinished, report: Path) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    message = f": {finished.message}" if finished.message else ""
    console.print(f"run {finished.reason}{message}")
    console.print(f"report: {report}")
