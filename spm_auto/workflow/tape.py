"""Tape: what a run recorded in an earlier life, played to the same steps again."""

import dataclasses
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..agents import Fit, Order, Proposal, Recollection, Scalar, steering_of
from ..data import (
    CLOSING,
    LATE,
    ROOM,
    AgentAnswered,
    Alarm,
    DurationsEstimated,
    Event,
    FinishReason,
    InstructionFailed,
    Intervention,
    LineAcquired,
    LoadFinished,
    ModelFitted,
    PointChosen,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    assemble,
    remember,
)
from ..errors import CannotResume, InstrumentError
from ..instrument import Instruction, Scan, ScanImage, ScanLine, Spectrum

# no step asks for these
_ASIDE = RunPaused | RunResumed | RunFinished | RunContinued | SampleSought | SampleFound
_RUNNERS = (CLOSING, LATE, ROOM)  # causes of alarms that no step asks for
_NOTES = SpectrumScored | ModelFitted | Alarm | PointChosen  # what may follow an agent's answer


@dataclass(frozen=True, slots=True)
class Played:
    """What an instruction gave when it was carried out.

    Attributes:
        record: Number of the record that says so, for messages.
        result: The image, the spectrum or nothing.
        error: What was raised instead.
        lines: Of a scan, those that were recorded.
        is_whole: Whether a scan came to its end; else its remaining lines are still to be taken.
        start_time: Instrument time of the first record [s].
    """

    record: int
    result: ScanImage | Spectrum | None = None
    error: InstrumentError | None = None
    lines: tuple[ScanLine, ...] = ()
    is_whole: bool = True
    start_time: float = 0.0


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer of the agent as it was recorded, with what humans had ordered.

    Attributes:
        orders: What was ordered before it answered.
        late: What was ordered when it had answered, and made it think again.
        memory: What the agent recalls of it.
        answered: The record.
    """

    orders: tuple[Order, ...]
    late: tuple[Order, ...]
    memory: "AnswerMemory"
    answered: AgentAnswered


class Tape:
    """The records of a run, taken off one after another as its steps ask for the same again.

    What a killed run had begun but not recorded to its end is asked for anew: the tape ends before
    it. The lines of a scan that was in progress stay.

    Args:
        records: The run's records, `RunStarted` first.

    Attributes:
        started: How the run began.
        end: The last record.
        finished: How the run ended; None when it was killed.
        found: Where the sample was found when the run was gone on with before; None if it was not.
        sample: What was loaded.
        remembered: What is known of the instrument.
        image: The last complete image that was played, None before; `scan` asked for it.

    Raises:
        CannotResume: They are not all there.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        for number, record in enumerate(records):
            if record.number != number:
                raise CannotResume(
                    f"record {number} of the journal is missing; what is left can be read and "
                    "exported, but not gone on with"
                )
        started = records[0].event if records else None
        if not isinstance(started, RunStarted):
            raise CannotResume("the journal does not begin with a run")
        self.started = started
        self.end = records[-1]
        self.finished = _last_finish(records)
        self.found = next(
            (r.event for r in reversed(records) if isinstance(r.event, SampleFound)), None
        )
        self.sample = next(
            (r.event.instruction.sample for r in records if isinstance(r.event, LoadFinished)), ""
        )
        self.remembered = remember(records)
        self.image: ScanImage | None = None
        self.scan: Scan | None = None
        self._records = deque(_asked_for(records))
        self._orders: list[Order] = []
        self._last_states = set(_last_states(self._records).values())

    @property
    def is_over(self) -> bool:
        """Whether everything was played."""
        return not self._records

    @property
    def remaining(self) -> int:
        """How many records are still to be played."""
        return len(self._records)

    def instruction(self, instruction: Instruction) -> Played | None:
        """Return what an instruction gave then; None where the tape is over.

        Raises:
            CannotResume: Another one was recorded.
        """
        self._collect_orders()
        if self.is_over:
            return None
        record = self._records[0]
        if getattr(record.event, "instruction", None) != instruction:
            raise self.difference(f"asks for {instruction}")
        self._records.popleft()
        match record.event:
            case InstructionFailed() as failed:
                return Played(record.number, error=_rebuilt(failed))
            case SpectrumAcquired(spectrum=spectrum):
                return Played(record.number, spectrum)
            case ScanStarted() as started:
                return self._scan(started, record)
            case _:
                return Played(record.number)

    def note(self, event: Event) -> Record:
        """Take off the record of an event that a step wants written down.

        Raises:
            CannotResume: Another kind of event was recorded.
        """
        record = self._records[0]
        if type(record.event) is not type(event):
            raise self.difference(f"wants to write down {_named(event)}")
        return self._records.popleft()

    def estimate(self) -> DurationsEstimated | None:
        """Take off how long things were said to take; None where the tape is over.

        Raises:
            CannotResume: Something else was recorded.
        """
        if self.is_over:
            return None
        event = self._records[0].event
        if not isinstance(event, DurationsEstimated):
            raise self.difference("asks how long instructions take")
        self._records.popleft()
        return event

    def answer(self) -> Remembered | None:
        """Take off an answer of the agent.

        Returns:
            The answer; None where it is not on record, and the agent has to think: then `orders`
            hands over what it was ordered before.

        Raises:
            CannotResume: Something else was recorded.
        """
        self._collect_orders()
        if not self._records:
            return None
        record = self._records[0]
        if not isinstance(record.event, AgentAnswered):
            raise self.difference("consults the agent")
        self._records.popleft()
        answered, orders = record.event, self.orders()
        split = len(orders) - answered.late
        memory = AnswerMemory(answered, self._notes(), record.number in self._last_states)
        return Remembered(orders[:split], orders[split:], memory, answered)

    def orders(self) -> tuple[Order, ...]:
        """Hand over what humans ordered up to here."""
        self._collect_orders()
        orders, self._orders = tuple(self._orders), []
        return orders

    def peek_answer(self) -> Recollection | None:
        """Return the agent's answer that comes next, left on the tape; None where there is none."""
        fits = []
        for record in self._records:
            match record.event:
                case ModelFitted() as fit:
                    fits.append(fit)
                case AgentAnswered() as answered:
                    return Recollection(
                        proposal_of(answered.choice),
                        _fit(fits[-1]) if fits else None,
                        answered.state if record.number in self._last_states else None,
                    )
                case SpectrumScored():
                    continue
                case _:
                    break
        return None

    def peek_scalar(self, spectrum: Spectrum, scalarizer: str) -> Scalar | None:
        """Return what a spectrum was worth, left on the tape; None where it does not come next."""
        for record in self._records:
            match record.event:
                case SpectrumScored() as scored if _is_of(scored, spectrum, scalarizer):
                    return _scalar(scored)
                case SpectrumScored():
                    continue
                case _:
                    break
        return None

    def _scan(self, started: ScanStarted, record: Record) -> Played:
        lines: list[ScanLine] = []
        end_time, is_whole = record.time, False
        while self._records and not is_whole:
            match self._records[0].event:
                case LineAcquired(line=line):
                    lines.append(line)
                case ScanFinished():
                    is_whole = True
                case _:
                    break
            end_time = self._records.popleft().time
        error = None
        if self._records and isinstance(self._records[0].event, InstructionFailed):
            failed = self._records[0].event
            if failed.instruction == started.instruction:
                self._records.popleft()
                error = _rebuilt(failed)
        image = assemble(started, record.time, lines, end_time)
        if is_whole and error is None and image.is_complete:
            self.image, self.scan = image, started.instruction
        return Played(record.number, image, error, tuple(lines), is_whole, record.time)

    def _notes(self) -> list[Event]:
        notes: list[Event] = []
        for record in self._records:
            if not isinstance(record.event, _NOTES):
                break
            notes.append(record.event)
        return notes

    def _collect_orders(self) -> None:
        while self._records and isinstance(self._records[0].event, Intervention):
            event = self._records.popleft().event
            assert isinstance(event, Intervention)
            if event.kind:  # else it was only words
                steering = steering_of(event.kind, event.values)
                self._orders.append(Order(steering, event.who, event.why))

    def difference(self, now: str) -> CannotResume:
        """Say what comes next on record, and what the run does instead."""
        record = self._records[0]
        return CannotResume(
            f"the run cannot be gone on with: record {record.number} of the journal is "
            f"{_named(record.event)}, but now the run {now}; recipe, code or seed must have changed"
        )


class AnswerMemory:
    """What an agent recalls of one recorded answer; see `spm_auto.agents.Memory`.

    Args:
        answered: The answer.
        notes: The events that were written down with it.
        needs_state: Whether the state is that of the last fit on record.
    """

    def __init__(self, answered: AgentAnswered, notes: Sequence[Event], needs_state: bool) -> None:
        self._scalars = [note for note in notes if isinstance(note, SpectrumScored)]
        fits = [_fit(note) for note in notes if isinstance(note, ModelFitted)]
        state = answered.state if needs_state else None
        last = fits.pop() if fits and answered.is_refitted else None
        first = fits.pop() if fits else None
        choice = proposal_of(answered.choice)
        if answered.reconsidered is None:
            self._answers = deque([Recollection(choice, last or first, state)])
        else:
            before = proposal_of(answered.reconsidered)
            is_late = answered.is_refitted
            self._answers = deque(
                [
                    Recollection(before, first, None if is_late else state),
                    Recollection(choice, last, state if is_late else None),
                ]
            )

    def answer(self) -> Recollection | None:
        """Return the answer, or first the one that was thought over."""
        return self._answers.popleft() if self._answers else None

    def scalar(self, spectrum: Spectrum, scalarizer: str) -> Scalar | None:
        """Return what a spectrum was worth; None where that was not written down any more."""
        for scored in self._scalars:
            if _is_of(scored, spectrum, scalarizer):
                return _scalar(scored)
        return None


def proposal_of(choice: PointChosen | None) -> Proposal | None:
    """Return what an agent chose, from its record."""
    if choice is None:
        return None
    fields = {f.name: getattr(choice, f.name) for f in dataclasses.fields(choice)}
    return Proposal(**fields)


def _fit(fitted: ModelFitted) -> Fit:
    fields: dict[str, Any] = {f.name: getattr(fitted, f.name) for f in dataclasses.fields(fitted)}
    return Fit(**fields)


def _scalar(scored: SpectrumScored) -> Scalar:
    others = {
        name: Scalar(value, noise, flag, unit)
        for name, (value, noise, flag, unit) in scored.others.items()
    }
    return Scalar(scored.value, scored.noise, scored.flag, scored.unit, others)


def _is_of(scored: SpectrumScored, spectrum: Spectrum, scalarizer: str) -> bool:
    return scored.start_time == spectrum.start_time and scored.scalarizer == scalarizer


def _last_states(records: Iterable[Record]) -> dict[int, int]:
    """Return the number of the record that holds the last state of each agent."""
    return {
        record.event.agent: record.number
        for record in records
        if isinstance(record.event, AgentAnswered) and record.event.state is not None
    }


def _named(event: Event) -> str:
    """Say an event in one line."""
    instruction = getattr(event, "instruction", None)
    return type(event).__name__ if instruction is None else f"{type(event).__name__} {instruction}"


def _rebuilt(failed: InstructionFailed) -> InstrumentError:
    """Make the error again that an instruction ended with."""
    kind = getattr(errors, failed.error, None)
    if not (isinstance(kind, type) and issubclass(kind, InstrumentError)):
        kind = InstrumentError
    error: InstrumentError = kind.__new__(kind)
    error.args = (failed.message,)
    for name, value in failed.values.items():
        setattr(error, name, value)
    return error


def failure_event(instruction: Instruction, error: InstrumentError) -> InstructionFailed:
    """Return the event of an instruction that failed."""
    return InstructionFailed(instruction, type(error).__name__, str(error), _plain(vars(error)))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = (bool, int, float, str, tuple)
    return {name: value for name, value in values.items() if isinstance(value, kinds)}


def _last_finish(records: Sequence[Record]) -> RunFinished | None:
    last = records[-1].event
    return last if isinstance(last, RunFinished) else None


def _asked_for(records: Sequence[Record]) -> list[Record]:
    """Return the records that the steps asked for, as far as they came to an end."""
    kept: list[Record] = []
    is_aside = False
    for record in records[1:]:
        match record.event:
            case SampleSought():
                is_aside = True
            case SampleFound() | RunContinued():  # found, or killed before
                is_aside = False
            case RunFinished(reason=reason) if reason != FinishReason.COMPLETED and not is_aside:
                _forget_the_broken(kept)
            case Alarm(cause=cause) if cause in _RUNNERS:
                continue
            case ScanStarted() if not is_aside:
                _forget_the_unfinished(kept)
        if not is_aside and not isinstance(record.event, _ASIDE):
            kept.append(record)
    _forget_the_broken(kept)  # nobody has heard of it
    return kept


def _forget_the_broken(kept: list[Record]) -> None:
    """Leave out that the last instruction failed or was cut off: it is given again."""
    if kept and isinstance(kept[-1].event, InstructionFailed):
        kept.pop()
    if kept and isinstance(kept[-1].event, ScanFinished) and not kept[-1].event.is_complete:
        kept.pop()


def _forget_the_unfinished(kept: list[Record]) -> None:
    """Leave out a scan that was not finished when another one began."""
    last = next((r for r in reversed(kept) if not isinstance(r.event, LineAcquired)), None)
    if last is not None and isinstance(last.event, ScanStarted):
        while kept.pop() is not last:
            pass
