"""Carrying out a recipe in a lab, from files: what ``spm-auto run`` and ``rehearse`` do."""

import contextlib
import math
import signal
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from . import plugins
from .clock import Clock, InstantClock
from .data import (
    FILE_NAME,
    RUN_FILE_NAME,
    FinishReason,
    Room,
    RunFinished,
    consolidate,
    open_run,
)
from .display import ProgressDisplay, print_plan, print_summary
from .errors import CannotResume, RecipeError, SpmError
from .instrument import FromCommandLine, GuardedInstrument
from .lab import Lab, begin, parse_lab
from .resume import changes_since, check_may_resume, read_tape, resumed, take_up
from .settings import override, read_toml
from .units import format as format_quantity
from .units import format_duration
from .workflow import Plan, Recipe, Runner, make_plan, parse_recipe

TWICE = 2.0  # [s] a second Ctrl-C within this time withdraws the tip
_LAST_THOUGHT = 10.0  # [s] an agent that thinks longer than that is left to its fate
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
        files: Where recipe and lab file stood.
    """

    recipe: Recipe
    lab: Lab
    recipe_text: str
    lab_text: str
    overrides: tuple[str, ...]
    files: tuple[str, str]

    def describe(self) -> dict[str, Any]:
        """Return what a run's journal should know besides the texts."""
        recipe, lab = self.files
        return {
            **self.lab.describe(),
            "overrides": self.overrides,
            "recipe_file": recipe,
            "lab_file": lab,
            "folder": str(Path.cwd()),
        }


def read_order(recipe_path: Path, lab_path: Path, overrides: Sequence[str]) -> Order:
    """Read recipe and lab file, and replace what the command line replaces.

    Args:
        recipe_path: The recipe.
        lab_path: The lab file.
        overrides: Texts such as "steps[1].budget=20" or "instrument.file=data.h5".

    Raises:
        RecipeError: With one line per fault, naming the place.
    """
    _, recipe_text = read_toml(recipe_path, "recipe")
    _, lab_text = read_toml(lab_path, "lab file")
    return _order(recipe_text, lab_text, (recipe_path, lab_path), overrides)


def _order(
    recipe_text: str, lab_text: str, files: tuple[Path, Path], overrides: Sequence[str]
) -> Order:
    recipe_table, lab_table = tomllib.loads(recipe_text), tomllib.loads(lab_text)
    recipe_path, lab_path = files
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
        files=(str(recipe_path.resolve()), str(lab_path.resolve())),
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
    runner, display = _prepare(order, instrument, clock, plan, out, seed, is_quiet=as_json)
    return _to_the_end(order, runner, display, out, seed, as_json)


def resume(
    out: Path,
    same_place: bool = False,
    after_emergency: bool = False,
    accepts_changes: bool = False,
    as_json: bool = False,
) -> int:
    """Go on with a run that was killed, cancelled or failed; returns the exit code.

    Recipe, lab file, seed and what was set on the command line are those of the journal. Of a run
    that had completed, but was killed before its run file and report were made, these are made.

    Args:
        out: Folder of the run.
        same_place: Whether hardware is believed to stand where it stood; else the sample is looked
            for.
        after_emergency: Whether a run that was stopped in an emergency may go on.
        accepts_changes: Whether hardware that is not as it was may go on.
        as_json: Whether to print the run's summary as JSON, and nothing else.

    Raises:
        CannotResume: It cannot be gone on with; the journal is as it was and nothing has moved.
        SpmError: The instrument cannot be opened.
    """
    tape = read_tape(out)
    check_may_resume(tape, after_emergency)
    if tape.finished is not None and tape.finished.reason == FinishReason.COMPLETED:
        return _make_up(tape.finished, out, as_json)
    started = tape.started
    settings = started.settings
    with contextlib.chdir(settings["folder"] if Path(settings["folder"]).is_dir() else "."):
        files = (Path(settings["recipe_file"]), Path(settings["lab_file"]))
        order = _order(started.recipe, started.lab, files, settings["overrides"])
        is_simulated = order.lab.instrument.is_simulated
        clock = resumed(order.lab.clock.clock(), tape, is_simulated)
        instrument = order.lab.open(started.seed, clock)
    plan = _checked_plan(order, instrument, files[0].name)
    changes = () if is_simulated else changes_since(tape, instrument)
    if changes and not accepts_changes:
        instrument.close()
        said = "\n".join(changes)
        raise CannotResume(f"{said}\nnothing has moved; --accept-changes goes on all the same")
    display = ProgressDisplay(plan, is_quiet=as_json)
    display.catch_up(tape.records)
    runner = take_up(
        instrument,
        clock,
        out,
        tape,
        changes,
        looks=not same_place,
        listeners=(display.records.put,),
        room=Room(out, order.lab.storage.reserve),
    )
    for change in changes:
        display.say(change)
    display.say(f"{started.title}: resumed after record {tape.records[-1].number}")
    return _to_the_end(order, runner, display, out, started.seed, as_json)


def _to_the_end(
    order: Order, runner: Runner, display: ProgressDisplay, out: Path, seed: int, as_json: bool
) -> int:
    """Carry out what is ordered, and make run file and report of it."""
    with Presses(runner, display.say):
        finished = _carry_out(order, runner, display, seed)
        if not runner.is_live and finished.reason != FinishReason.COMPLETED:
            raise CannotResume(finished.message)
        code = _conclude(finished, out, as_json)
    runner.wait_for_agent(_LAST_THOUGHT)
    return code


def _make_up(finished: RunFinished, out: Path, as_json: bool) -> int:
    """Make what a completed run that was killed late has not got; refuse where nothing is left."""
    from .report import REPORT_NAME

    if (out / RUN_FILE_NAME).exists() and (out / REPORT_NAME).exists():
        raise CannotResume(f"{out}: the run has completed; nothing is left to do")
    return _conclude(finished, out, as_json)


def _conclude(finished: RunFinished, out: Path, as_json: bool) -> int:
    """Make run file and report of a run that is over, and say how it ended."""
    from .report import write_report

    consolidate(out / FILE_NAME)
    report = write_report(out)
    print_summary(open_run(out).summary(), as_json)
    if not as_json:
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
        runner, display = _prepare(order, instrument, clock, plan, out, seed, is_quiet=as_json)
        with Presses(runner, display.say):
            finished = _carry_out(order, runner, display, seed)
        summary = open_run(out).summary()
    if not as_json:
        print_plan(plan)
    print_summary(summary, as_json)
    runner.wait_for_agent(_LAST_THOUGHT)
    return 0 if finished.reason == FinishReason.COMPLETED else 1


def _checked_plan(order: Order, instrument: GuardedInstrument, place: str) -> Plan:
    try:
        return make_plan(order.recipe, instrument)
    except RecipeError as error:
        instrument.close()
        raise RecipeError(f"{place}: {error}") from error


def _prepare(
    order: Order,
    instrument: GuardedInstrument,
    clock: Clock,
    plan: Plan,
    out: Path,
    seed: int,
    is_quiet: bool,
) -> tuple[Runner, ProgressDisplay]:
    display = ProgressDisplay(plan, is_quiet)
    room = Room(out, order.lab.storage.reserve)
    try:
        room.check(plan.size)
    except SpmError:
        instrument.close()
        raise
    runner = begin(
        instrument,
        clock,
        out,
        order.recipe.title,
        seed,
        recipe=order.recipe_text,
        lab=order.lab_text,
        settings=order.describe(),
        listeners=(display.records.put,),
        room=room,
    )
    display.say(
        f"{order.recipe.title}: {format_duration(plan.seconds)} of instrument time, "
        f"at most {format_quantity(plan.size, 'B', 3)} on disk"
    )
    return runner, display


def _carry_out(order: Order, runner: Runner, display: ProgressDisplay, seed: int) -> RunFinished:
    with display:
        runner.start(order.recipe.steps, seed)
        while not runner.wait(_TICK):
            display.drain()
        display.drain()
    finished = runner.finished
    if finished is None:
        raise RecipeError("the run ended without saying how")
    return finished


class Presses:
    """Ctrl-C on the keyboard, and the system's wish to end: once cancels, twice withdraws the tip.

    The signal handler acts by itself, so it need not wait for what the program is doing; after the
    run's end, while its files are being written, a second press withdraws the tip all the same.

    Args:
        runner: The run.
        say: Tells the operator what was understood.
        now: Tells the time [s].
    """

    def __init__(
        self,
        runner: Runner,
        say: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner, self._say, self._now = runner, say, now
        self._last = -math.inf
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._pressed)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pressed(self, *_: object) -> None:
        now = self._now()
        is_second = now - self._last <= TWICE
        self._last = now
        if is_second:
            self._runner.emergency_stop()
            self._say("emergency stop: the tip is withdrawn")
        elif self._runner.finished is None:
            self._runner.cancel()
            self._say("cancelling; press Ctrl-C again within 2 s to withdraw the tip")
        else:
            self._say("the run is over; press Ctrl-C again within 2 s to withdraw the tip")


def _value(text: str) -> Any:
    """Read a value as TOML would; what is no TOML is text, such as 8 V or a path."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return FromCommandLine(text)
    return FromCommandLine(value) if isinstance(value, str) else value


def _say_end(finished: RunFinished, report: Path) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False, markup=False)
    message = f": {finished.message}" if finished.message else ""
    console.print(f"run {finished.reason}{message}")
    console.print(f"report: {report}")
