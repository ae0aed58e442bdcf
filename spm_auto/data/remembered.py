"""What a journal remembers of the instrument that its run was made on."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import DataError
from ..instrument import Instruction, Limits, Load, MoveStage, Remembered, limits_from_table
from .audit import CommandEnded, CommandGiven, Outcome
from .events import (
    InstructionFailed,
    LoadFinished,
    ProbePositioned,
    Record,
    RunStarted,
    ScanStarted,
    SpectrumAcquired,
)
from .recovery import ForceCurveAcquired, StageMoved, TipConditioned

# with these nothing was begun
_REFUSALS = frozenset(
    {
        "Forbidden",
        "Held",
        "LimitExceeded",
        "Malformed",
        "NotAcknowledged",
        "NotArmed",
        "NotLoaded",
        "NotOwner",
        "Unprotected",
        "Unsupported",
    }
)


def remember(records: Sequence[Record]) -> Remembered:
    """Collect what the records of a run tell of its instrument.

    After a scan nobody knows where the probe stands, and the bias while nothing is measured is in
    no record; so neither is remembered.

    Args:
        records: Of one run, from its start.

    Raises:
        DataError: They do not begin with a run, or its limits are none.
    """
    if not records or not isinstance(records[0].event, RunStarted):
        raise DataError("the records do not begin with a run")
    started = records[0].event
    images: dict[str, Any] = {}
    spectra, position = None, None
    stage = stage_at_start(started)
    for event in (record.event for record in records):
        match event:
            case ScanStarted(channels=channels):
                images |= {channel.name: channel for channel in channels}
                position = None
            case ProbePositioned(x=x, y=y) | TipConditioned(x=x, y=y):
                position = (x, y)
            case SpectrumAcquired(spectrum=spectrum):
                spectra, position = spectrum.channels, (spectrum.x, spectrum.y)
            case ForceCurveAcquired(curve=curve):
                position = (curve.x, curve.y)
            case StageMoved(x=x, y=y):
                stage = (x, y)
    return Remembered(
        started.instrument,
        tuple(images.values()),
        spectra,
        _limits(started),
        position,
        stage=stage,
    )


def stage_at_start(started: RunStarted) -> tuple[float, float] | None:
    """Return where the coarse stage stood when a run began [m]; None where there is none."""
    match started.settings.get("stage"):
        case [float(x), float(y)]:
            return x, y
        case _:
            return None


def carried_out(records: Iterable[Record]) -> tuple[Instruction, ...]:
    """Collect what was begun of the instructions that a sample remembers, in order: for a `Ledger`.

    What failed on the way counts, what was refused does not, nor does a load that failed.

    Moves of the coarse stage are among them, as what was borne before was borne elsewhere; where it
    stood when a run began comes first, as a move to there.

    Args:
        records: Of a run, or of an instrument server.
    """
    begun: dict[int, Instruction] = {}  # by record; a command by the record that accepted it
    commands: dict[int, int] = {}
    for index, event in enumerate(record.event for record in records):
        match event:
            case LoadFinished(instruction=instruction) | SpectrumAcquired(instruction=instruction):
                begun[index] = instruction
            case (
                ForceCurveAcquired(instruction=instruction)
                | TipConditioned(instruction=instruction)
                | StageMoved(instruction=instruction)
            ):
                begun[index] = instruction
            case RunStarted():
                if (stage := stage_at_start(event)) is not None:
                    begun[index] = MoveStage(*stage)
            case InstructionFailed(instruction=instruction):
                if not _was_refused(event) and not isinstance(instruction, Load):
                    begun[index] = instruction
            case CommandGiven(number=number, instruction=instruction):
                begun[index], commands[number] = instruction, index
            case CommandEnded(number=number, outcome=outcome) if number in commands:
                given = begun[commands[number]]
                has_failed = outcome is not Outcome.DONE and isinstance(given, Load)
                if outcome is Outcome.REFUSED or has_failed:
                    del begun[commands.pop(number)]
    return tuple(begun.values())


def _was_refused(failed: InstructionFailed) -> bool:
    """Say whether an instruction had not even begun."""
    if failed.error == "Interrupted":  # by a human, before or after it had
        return not failed.values.get("seconds")
    return failed.error in _REFUSALS


def _limits(started: RunStarted) -> Limits | None:
    if "limits" not in started.settings:
        return None
    try:
        return limits_from_table(started.settings["limits"])
    except (TypeError, ValueError) as error:
        raise DataError(f"the limits of run {started.uid} cannot be read: {error}") from error
