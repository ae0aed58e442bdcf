"""Resuming: how a run that was killed, cancelled or failed is gone on with."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .clock import Clock, InstantClock, ResumedClock
from .data import (
    FILE_NAME,
    VERSION,
    FinishReason,
    Journal,
    JournalReader,
    Record,
    Room,
    RunContinued,
    carried_out,
)
from .errors import CannotResume, SpmError
from .instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    GuardedInstrument,
    Instruction,
    MoveStage,
    what_changed,
)
from .lab import versions
from .workflow import Approve, Past, Runner, Tape


def read_tape(folder: Path) -> Tape:
    """Read what a run has recorded.

    Args:
        folder: The run's folder.

    Raises:
        DataError: There is no journal, it cannot be read, or another process is writing it.
        CannotResume: It is not all there.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise CannotResume(f"{folder}: there is no run to resume ({FILE_NAME} is missing)")
    Journal.check_free(path)
    reader = JournalReader(path)
    if reader.version not in (VERSION, None):
        raise CannotResume(
            f"{path} has journal version {reader.version}: it can be read and exported, but only "
            f"version {VERSION} can be gone on with"
        )
    try:
        return Tape(tuple(reader.poll()))
    except CannotResume as error:
        raise CannotResume(f"{path}: {error}") from error


def resumed(clock: Clock, tape: Tape, is_simulated: bool) -> Clock:
    """Return a clock that goes on from where a run ended.

    Simulated time stood still meanwhile; at a real instrument it went by.

    Args:
        clock: How time passes from now on.
        tape: What was recorded.
        is_simulated: Whether the instrument is.
    """
    if is_simulated and isinstance(clock, InstantClock):
        return clock  # repeating what was done turns it to the same time
    gone_on = ResumedClock(clock)
    if not is_simulated:
        gone_on.go_on(tape.records[-1].time + max(0.0, time.time() - tape.records[-1].utc))
    return gone_on


def check_same(tape: Tape, title: str, seed: int, lab: str, settings: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that began otherwise.

    Args:
        tape: What was recorded.
        title: Title of the run now.
        seed: Its seed.
        lab: Text of the lab file.
        settings: What else was set.

    Raises:
        CannotResume: The message names the first difference.
    """
    started = tape.started
    if started.recipe:
        raise CannotResume(f"the run {started.title!r} follows a recipe: use spm-auto resume")
    pairs = (
        ("title", started.title, title),
        ("seed", started.seed, seed),
        ("overrides", dict(started.settings.get("overrides", {})), settings.get("overrides", {})),
    )
    for name, then, now in pairs:
        if then != now:
            raise CannotResume(f"the run cannot be gone on with: its {name} was {then}, now {now}")
    for number, (then, now) in enumerate(
        zip_longest(started.lab.splitlines(), lab.splitlines()), 1
    ):
        if then != now:
            raise CannotResume(
                f"the run cannot be gone on with: line {number} of the lab file was {then!r}, "
                f"now {now!r}"
            )


def check_may_resume(tape: Tape, after_emergency: bool) -> None:
    """Refuse a run that no recipe tells how to go on with, or that there is a reason not to.

    Args:
        tape: What was recorded.
        after_emergency: Whether one that was stopped in an emergency may go on.

    Raises:
        CannotResume: The message says why.
    """
    if not tape.started.recipe:
        raise CannotResume(
            f"the run {tape.started.title!r} is that of a script: run the script again, with "
            "start_run(..., resume=True)"
        )
    reason = tape.finished.reason if tape.finished is not None else None
    if reason == FinishReason.EMERGENCY and not after_emergency:
        raise CannotResume(
            "the run was stopped in an emergency: look at the tip first; --after-emergency goes on"
        )


def changes_since(tape: Tape, instrument: GuardedInstrument) -> tuple[str, ...]:
    """Say what is not as it was when a run ended, line by line; nothing moves."""
    found, now = tape.found, instrument.status()
    if found is not None:  # positions on record are those of the first image
        x, y = now.position
        now = replace(now, position=(x - found.dx, y - found.dy))
    return what_changed(tape.remembered, instrument.capabilities, now, instrument.limits)


def take_up(
    instrument: GuardedInstrument,
    clock: Clock,
    out: Path,
    tape: Tape,
    changes: Sequence[str] = (),
    looks: bool = True,
    listeners: Sequence[Callable[[Record], None]] = (),
    room: Room | None = None,
    approve: Approve | None = None,
) -> Runner:
    """Open a run's journal again, and make the runner that goes on with it.

    Args:
        instrument: The instrument behind its guard; the runner closes it at the end, and when there
            is none it is closed here.
        clock: Instrument time, from `resumed`.
        out: Folder of the run.
        tape: What was recorded.
        changes: What is not as it was when the run ended, for the record.
        looks: Whether to look for the sample on hardware before anything is measured.
        listeners: Called with each new record after it was written.
        room: Room on the disk, which the run waits for.
        approve: Answers what steps ask, in place of a human.

    Raises:
        DataError: The journal cannot be gone on with; it is as it was.
    """
    try:
        journal = Journal.reopen(out / FILE_NAME, clock.now)
    except SpmError:
        instrument.close()
        raise
    if journal.next_number != len(tape.records):
        instrument.close()
        journal.close()
        raise CannotResume(f"{out}: another process has gone on with this run meanwhile")
    is_simulated = instrument.capabilities.is_simulated
    if not is_simulated:  # what is simulated does it all again
        instrument.ledger.replay(_borne(tape))
    past = Past(
        tape,
        RunContinued(tuple(changes), journal.dropped, versions()),
        is_simulated=is_simulated,
        is_exact=isinstance(clock, InstantClock),
        looks=looks,
        go_on=clock.go_on if is_simulated and isinstance(clock, ResumedClock) else _stay,
        clock=clock if isinstance(clock, InstantClock | ResumedClock) else None,
    )
    return Runner(instrument, journal, clock, listeners, past, room, approve=approve)


def _borne(tape: Tape) -> Iterator[Instruction]:
    """Yield what the sample has borne, where that was found to be when last looked for.

    How far it was off at other positions of the coarse stage nobody knows.
    """
    dx, dy = (0.0, 0.0) if tape.found is None else (tape.found.dx, tape.found.dy)
    borne = carried_out(tape.records)
    moves = [n for n, instruction in enumerate(borne) if isinstance(instruction, MoveStage)]
    here = moves[-1] if moves else 0
    for number, instruction in enumerate(borne):
        if number >= here and isinstance(
            instruction, AcquireSpectrum | AcquireForceCurve | ConditionTip
        ):
            yield replace(instruction, x=instruction.x + dx, y=instruction.y + dy)
        else:
            yield instruction


def _stay(_: float) -> None:
    """Leave a clock as it is."""
