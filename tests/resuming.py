"""Runs that are cut off anywhere and gone on with, to be compared with unbroken ones."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import Clock, InstantClock
from spm_auto.data import (
    FILE_NAME,
    AgentAnswered,
    AgentPrepared,
    Event,
    JournalReader,
    Record,
    RunContinued,
    RunStarted,
)
from spm_auto.data.codec import encode
from spm_auto.instrument import GuardedInstrument, Instrument, Limits
from spm_auto.resume import read_tape, take_up
from spm_auto.workflow import Runner, Step


def records_of(folder: Path) -> tuple[Record, ...]:
    """Read all records of a run's journal."""
    return tuple(JournalReader(folder / FILE_NAME).poll())


def cut(source: Path, n: int, target: Path, torn: int = 0) -> Path:
    """Copy the first records of a run's journal, and some bytes of the one after them."""
    reader = JournalReader(source / FILE_NAME)
    ends = [reader.end for _ in reader.poll()]
    target.mkdir(parents=True, exist_ok=True)
    whole = (source / FILE_NAME).read_bytes()
    (target / FILE_NAME).write_bytes(whole[: ends[n - 1] + torn])
    return target


def resumed_runner(
    folder: Path,
    microscope: Instrument | None = None,
    clock: Clock | None = None,
    limits: Limits | None = None,
    **how: Any,
) -> Runner:
    """Make the runner that goes on with a run; without a microscope on an ohmic sample."""
    clock = clock or InstantClock()
    guarded = GuardedInstrument(microscope or OhmicMicroscope(clock), limits)
    return take_up(guarded, clock, folder, read_tape(folder), **how)


def resume(folder: Path, steps: Sequence[Step], seed: int = 1, **how: Any) -> Runner:
    """Go on with a run to its end."""
    runner = resumed_runner(folder, **how)
    runner.run(steps, seed)
    return runner


def story(folder: Path) -> list[tuple[str, float, bytes]]:
    """Return what a run says, to the last bit, without what another process must say otherwise."""
    told = []
    for record in records_of(folder):
        event: Event = record.event
        match event:
            case RunContinued():
                continue
            case RunStarted():
                event = replace(event, uid="")
            case AgentAnswered():
                event = replace(event, seconds=0.0, waited=0.0)
            case AgentPrepared():
                event = AgentPrepared(0.0)
        header, body = encode(Record(0, 0.0, 0.0, event))
        told.append((type(event).__name__, record.time, header + body))
    return told
