"""What a run's steps have asked for, out of its records: the rest is told aside, or broken off."""

from collections.abc import Iterable, Sequence

from ..data import (
    BESIDE,
    CLOSING,
    HELD,
    LATE,
    LINK,
    ROOM,
    SET_APPROVAL,
    TRIPS,
    AgentAnswered,
    Alarm,
    Event,
    FinishReason,
    InstructionFailed,
    Intervention,
    Judged,
    LineAcquired,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    Verdict,
)
from ..errors import Held, Interrupted

# no step asks for these
_ASIDE = RunPaused | RunResumed | RunFinished | RunContinued | SampleSought | SampleFound
_RUNNERS = (CLOSING, HELD, LATE, LINK, ROOM, *TRIPS)  # causes of alarms that no step asks for


def asked_for(records: Sequence[Record]) -> list[Record]:
    """Return the records that the steps asked for, as far as they came to an end."""
    kept: list[Record] = []
    heard = -1  # record of the last failure that the steps went on after
    is_aside = False
    for record in records[1:]:
        match record.event:
            case SampleSought():
                is_aside = True
            case SampleFound() | RunContinued():  # found, or killed before
                is_aside = False
            case RunFinished(reason=reason) if reason != FinishReason.COMPLETED and not is_aside:
                _forget_the_broken(kept, heard)
            case RunPaused() if kept and not is_aside and _is_heard(kept[-1].event):
                heard = kept[-1].number
            case Alarm(cause=cause) if cause in _RUNNERS:
                continue
            case Intervention(kind=kind):  # wherever it came, between the lines of a scan, too
                if kind not in BESIDE:
                    kept.append(record)
                continue
            case ScanStarted() if not is_aside:
                _forget_the_unfinished(kept)
        if not is_aside and not isinstance(record.event, _ASIDE):
            kept.append(record)
    _forget_the_broken(kept, heard)  # nobody has heard of it
    return kept


def _is_heard(event: Event) -> bool:
    """Say whether a pause after an event shows that the steps have gone on after a failure.

    While the watchdog holds the instrument they know nothing of it yet.
    """
    return isinstance(event, InstructionFailed) and event.error != Held.__name__


def _was_ended(event: Event) -> bool:
    """Say whether a human has ended what was done by hand."""
    return isinstance(event, InstructionFailed) and event.error == Interrupted.__name__


def _forget_the_broken(kept: list[Record], heard: int) -> None:
    """Leave out that the last instruction failed or was cut off, or that a human said no.

    It is given again, and he is asked again; but what a human has ended by hand is not, nor what
    the steps had gone on after when they asked him.

    Args:
        kept: What was asked for up to here.
        heard: Number of the record of the last failure that the steps went on after.
    """
    if kept and (kept[-1].number == heard or _was_ended(kept[-1].event)):
        return
    if kept and isinstance(kept[-1].event, InstructionFailed):
        kept.pop()
    if kept and isinstance(kept[-1].event, ScanFinished) and not kept[-1].event.is_complete:
        kept.pop()
    if kept and isinstance(kept[-1].event, Judged) and ends_a_run(kept[-1].event):
        kept.pop()


def ends_a_run(judged: Judged) -> bool:
    """Say whether an answer means that the run shall not go on."""
    return judged.kind == "step" and judged.verdict is Verdict.REJECTED


def last_approval(records: Iterable[Record]) -> int | None:
    """Return how often a human wanted to be asked at last; None where nobody said."""
    every = None
    for record in records:
        match record.event:
            case Intervention(kind=kind, values={"every": int(said)}) if kind == SET_APPROVAL:
                every = said
    return every


def _forget_the_unfinished(kept: list[Record]) -> None:
    """Leave out a scan that was not finished when another one began."""
    inside = LineAcquired | Intervention
    last = next((r for r in reversed(kept) if not isinstance(r.event, inside)), None)
    if last is not None and isinstance(last.event, ScanStarted):
        begun = kept.index(last)
        kept[begun:] = [r for r in kept[begun:] if isinstance(r.event, Intervention)]


def last_states(records: Iterable[Record]) -> dict[int, int]:
    """Return the number of the record that holds the last state of each agent."""
    return {
        record.event.agent: record.number
        for record in records
        if isinstance(record.event, AgentAnswered) and record.event.state is not None
    }
