"""Carrying out a recipe in a lab, from files: what ``spm-auto run`` and ``resume`` do."""

import math
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from .clock import Clock
from .data import (
    FILE_NAME,
    RUN_FILE_NAME,
    FinishReason,
    Record,
    Room,
    RunFinished,
    consolidate,
    open_run,
)
from .display import ProgressDisplay, print_summary
from .errors import CannotResume, DataError, InstrumentError, RecipeError, SpmError
from .experiment import Experiment, read_experiment, recorded_experiment
from .hosting import host, lab_file_of
from .instrument import GuardedInstrument
from .lab import begin
from .listening import approving, listening, login, parse_every
from .planning import checked_plan
from .resume import changes_since, check_may_resume, read_tape, resumed, take_up
from .units import format as format_quantity
from .units import format_duration
from .workflow import BY_HAND, Approve, Plan, Runner

TWICE = 2.0  # [s] a second Ctrl-C within this time withdraws the tip
LAST_THOUGHT = 10.0  # [s] an agent that thinks longer than that is left to its fate
_TICK = 0.05  # [s] how often the terminal looks at the run


def execute(
    recipe: Path,
    lab: Path,
    out: Path,
    seed: int,
    overrides: Sequence[str] = (),
    as_json: bool = False,
    in_server: bool | None = None,
    pulses: int = 0,
    approve: str = "",
) -> int:
    """Carry out a recipe, with progress; returns the exit code.

    Args:
        recipe: The recipe.
        lab: The lab file.
        out: Folder of the run.
        seed: Root of all randomness.
        overrides: What to replace in recipe and lab file.
        as_json: Whether to print the run's summary as JSON, and nothing else.
        in_server: Whether the instrument gets a process of its own; None says so of hardware.
        pulses: How many pulses and pokes a human has said yes to, for such an instrument.
        approve: How often a human is asked, as `spm_auto.listening.parse_every` reads it; "never"
            says yes to all, also where the recipe needs an answer. Empty as the recipe has it.

    Raises:
        SpmError: The experiment cannot be carried out; nothing moved.
    """
    approve_all = approving(approve)
    experiment = read_experiment(recipe, lab, overrides)
    clock = experiment.lab.clock.clock()
    file = lab_file_of(experiment)
    if file.is_hardware if in_server is None else in_server:
        check_free(out)
        instrument = host(file, seed, clock, out, pulses)
    else:
        instrument = experiment.lab.open(seed, clock)
    plan = _checked_plan(experiment, instrument, recipe.name)
    runner, display = prepare(
        experiment, instrument, clock, plan, out, seed, as_json, approve=approve_all
    )
    return _to_the_end(experiment, runner, display, out, seed, as_json, approve)


def resume(
    out: Path,
    same_place: bool = False,
    after_emergency: bool = False,
    accepts_changes: bool = False,
    as_json: bool = False,
    in_server: bool | None = None,
    pulses: int = 0,
    approve: str = "",
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
        in_server: Whether hardware gets a process of its own; what is simulated never does, since
            it does again what it did.
        pulses: How many pulses and pokes a human has said yes to, for hardware.
        approve: How often a human is asked, as in `execute`; empty as it was set last.

    Raises:
        CannotResume: It cannot be gone on with; the journal is as it was and nothing has moved.
        SpmError: The instrument cannot be opened.
    """
    approve_all = approving(approve)
    tape = read_tape(out)
    check_may_resume(tape, after_emergency)
    if tape.finished is not None and tape.finished.reason == FinishReason.COMPLETED:
        return _make_up(tape.finished, out, as_json)
    started = tape.started
    experiment = recorded_experiment(started)
    is_simulated = experiment.lab.instrument.is_simulated
    clock = resumed(experiment.lab.clock.clock(), tape, is_simulated)
    file = lab_file_of(experiment)
    if file.is_hardware and in_server is not False:
        instrument = host(file, started.seed, clock, out, pulses)
    else:
        instrument = experiment.lab.open(started.seed, clock)
    plan = _checked_plan(experiment, instrument, Path(experiment.files[0]).name)
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
        room=Room(out, experiment.lab.storage.reserve),
        approve=approve_all,
    )
    for change in changes:
        display.say(change)
    display.say(f"{started.title}: resumed after record {tape.records[-1].number}")
    return _to_the_end(experiment, runner, display, out, started.seed, as_json, approve)


def check_free(out: Path) -> None:
    """Refuse a folder that holds a run, before anything is opened for it.

    Raises:
        DataError: It holds one.
    """
    if (out / FILE_NAME).exists():
        raise DataError(f"{out} holds a run already; choose another folder")


def _to_the_end(
    experiment: Experiment,
    runner: Runner,
    display: ProgressDisplay,
    out: Path,
    seed: int,
    as_json: bool,
    approve: str = "",
) -> int:
    """Carry out what is ordered, and make run file and report of it."""
    with listening(runner, out, experiment.recipe.title), Presses(runner, display.say):
        if approve:
            runner.set_approval(parse_every(approve), login(), "set when the run was started")
        finished = carry_out(experiment, runner, display, seed)
        if not runner.is_live and finished.reason != FinishReason.COMPLETED:
            raise CannotResume(finished.message)
        code = _conclude(finished, out, as_json)
    runner.wait_for_agent(LAST_THOUGHT)
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


def _checked_plan(experiment: Experiment, instrument: GuardedInstrument, place: str) -> Plan:
    try:
        return checked_plan(experiment, instrument, place)
    except RecipeError:
        instrument.close()
        raise


def prepare(
    experiment: Experiment,
    instrument: GuardedInstrument,
    clock: Clock,
    plan: Plan,
    out: Path,
    seed: int,
    is_quiet: bool,
    listeners: Sequence[Callable[[Record], None]] = (),
    approve: Approve | None = None,
) -> tuple[Runner, ProgressDisplay]:
    """Begin the journal of a run, and make its runner and its progress on the terminal.

    Args:
        experiment: What is to be done.
        instrument: Where; it is closed when this fails.
        clock: Instrument time.
        plan: What it is about to do.
        out: Folder of the run.
        seed: Root of all randomness.
        is_quiet: Whether to show nothing.
        listeners: Called with each record, in the instrument thread.
        approve: Answers in place of a human.

    Raises:
        SpmError: The disk has no room, or the folder holds a run.
    """
    display = ProgressDisplay(plan, is_quiet)
    room = Room(out, experiment.lab.storage.reserve)
    try:
        room.check(plan.size)
    except SpmError:
        instrument.close()
        raise
    runner = begin(
        instrument,
        clock,
        out,
        experiment.recipe.title,
        seed,
        recipe=experiment.recipe_text,
        lab=experiment.lab_text,
        settings=experiment.describe(),
        listeners=(*listeners, display.records.put),
        room=room,
        approve=approve,
    )
    display.say(
        f"{experiment.recipe.title}: {format_duration(plan.seconds)} of instrument time, "
        f"at most {format_quantity(plan.size, 'B', 3)} on disk"
    )
    return runner, display


def carry_out(
    experiment: Experiment,
    runner: Runner,
    display: ProgressDisplay,
    seed: int,
    meanwhile: Callable[[Runner], object] = lambda _: None,
) -> RunFinished:
    """Run to the end, with progress; returns how it ended.

    Args:
        experiment: What is to be done.
        runner: Does it.
        display: Shows how far it is.
        seed: Root of all randomness.
        meanwhile: Called every now and then until the end.
    """
    with display:
        runner.start(experiment.recipe.steps, seed, experiment.recipe.recovery)
        asked = 0
        while not runner.wait(_TICK):
            display.drain()
            meanwhile(runner)
            question = runner.question
            if question is not None and question.number != asked:
                asked = question.number
                how = "do ..." if question.ask.kind == BY_HAND else "approve, reject, edit"
                display.say(f"{question.ask.question} [spm-auto steer: {how}]")
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
            self._withdraw()
        elif self._runner.finished is None:
            self._runner.cancel()
            self._say("cancelling; press Ctrl-C again within 2 s to withdraw the tip")
        else:
            self._say("the run is over; press Ctrl-C again within 2 s to withdraw the tip")

    def _withdraw(self) -> None:
        try:
            self._runner.emergency_stop()
        except InstrumentError as error:
            self._say(f"emergency stop: NOT CONFIRMED that the tip is withdrawn: {error}")
        else:
            self._say("emergency stop: the tip is withdrawn")


def _say_end(finished: RunFinished, report: Path) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False, markup=False)
    message = f": {finished.message}" if finished.message else ""
    console.print(f"run {finished.reason}{message}")
    console.print(f"report: {report}")
