"""Tape: what a run recorded in an earlier life, played to the same steps again."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..agents import Order, Recollection, Scalar, steering_of
from ..data import (
    ASIDE,
    AgentAnswered,
    Alarm,
    DurationsEstimated,
    Event,
    ForceCurveAcquired,
    InstructionFailed,
    Intervention,
    Judged,
    LineAcquired,
    LoadFinished,
    ModelFitted,
    PointChosen,
    Record,
    RunFinished,
    RunStarted,
    SampleFound,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    StageMoved,
    Waited,
    assemble,
    remember,
)
from ..errors import CannotResume, InstrumentError
from ..instrument import ForceCurve, Instruction, Measured, Scan, ScanImage, ScanLine, Spectrum
from .asked import asked_for, last_states
from .decisions import fit_of, is_of, proposal_of, scalar_of
from .failures import error_of
from .recollection import AnswerMemory
from .requests import Ask

_NOTES = SpectrumScored | ModelFitted | Alarm | PointChosen  # what may follow an agent's answer


@dataclass(frozen=True, slots=True)
class Played:
    """What an instruction gave when it was carried out.

    Attributes:
        record: Number of the record that says so, for messages.
        result: The image, the spectrum, the force curve or nothing.
        error: What was raised instead.
        lines: Of a scan, those that were recorded.
        is_whole: Whether a scan came to its end; else its remaining lines are still to be taken.
        start_time: Instrument time of the first record [s].
        end_time: Of the last [s].
    """

    record: int
    result: ScanImage | Spectrum | ForceCurve | None = None
    error: InstrumentError | None = None
    lines: tuple[ScanLine, ...] = ()
    is_whole: bool = True
    start_time: float = 0.0
    end_time: float = 0.0


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
        records: All of them, whatever was played.
        started: How the run began.
        finished: How the run ended; None when it was killed.
        found: Where the sample was found when the run was gone on with before; None if it was not,
            or the coarse stage was moved since.
        sample: What was loaded.
        remembered: What is known of the instrument.
        image: The last complete image that was played, None before, and where the coarse stage was
            moved since; `scan` asked for it.

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
        self.records = tuple(records)
        self.started = started
        self.finished = _last_finish(records)
        self.found = _last_found(records)
        self.sample = next(
            (r.event.instruction.sample for r in records if isinstance(r.event, LoadFinished)), ""
        )
        self.remembered = remember(records)
        self.image: ScanImage | None = None
        self.scan: Scan | None = None
        self._records = deque(asked_for(records))
        self._orders: list[tuple[Order, bool]] = []  # and whether it came late
        self._last_states = set(last_states(self._records).values())

    @property
    def is_over(self) -> bool:
        """Whether everything was played."""
        return not self._records

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
                return Played(record.number, error=error_of(failed), end_time=record.time)
            case SpectrumAcquired(spectrum=spectrum):
                return Played(record.number, spectrum)
            case ForceCurveAcquired(curve=curve):
                return Played(record.number, curve)
            case ScanStarted() as started:
                return self._scan(started, record)
            case StageMoved():
                self.image = self.scan = None
                return Played(record.number)
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

    def wait(self, seconds: float) -> Record | None:
        """Take off that the run waited; None where the tape is over.

        Raises:
            CannotResume: Something else was recorded.
        """
        self._collect_orders()
        if self.is_over:
            return None
        if self._records[0].event != Waited(seconds):
            raise self.difference(f"waits for {seconds:g} s")
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
        answered, orders = record.event, tuple(order for order, _ in self._orders)
        self._orders = []
        split = len(orders) - answered.late
        memory = AnswerMemory(answered, self._notes(), record.number in self._last_states)
        return Remembered(orders[:split], orders[split:], memory, answered)

    def orders(self) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
        """Hand over what humans ordered up to here: before the agent thought, and meanwhile."""
        self._collect_orders()
        early = tuple(order for order, is_late in self._orders if not is_late)
        late = tuple(order for order, is_late in self._orders if is_late)
        self._orders = []
        return early, late

    def judged(self, ask: Ask) -> Judged | None:
        """Take off what a human answered; None where this was not asked, or the tape is over."""
        self._collect_orders()
        event = self._records[0].event if self._records else None
        if not isinstance(event, Judged) or (event.kind, event.question) != (
            ask.kind,
            ask.question,
        ):
            return None
        self._records.popleft()
        return event

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
                        fit_of(fits[-1]) if fits else None,
                        answered.state if record.number in self._last_states else None,
                    )
                case SpectrumScored():
                    continue
                case _:
                    break
        return None

    def peek_scalar(self, spectrum: Measured, scalarizer: str) -> Scalar | None:
        """Return what a spectrum was worth, left on the tape; None where it does not come next."""
        for record in self._records:
            match record.event:
                case SpectrumScored() as scored if is_of(scored, spectrum, scalarizer):
                    return scalar_of(scored)
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
                case Intervention():
                    self._collect_orders()
                    continue
                case _:
                    break
            end_time = self._records.popleft().time
        error = None
        if self._records and isinstance(self._records[0].event, InstructionFailed):
            failed = self._records[0].event
            if failed.instruction == started.instruction:
                end_time = self._records.popleft().time
                error = error_of(failed)
        image = assemble(started, record.time, lines, end_time)
        is_good = is_whole and error is None and image.is_complete
        if is_good and started.instruction.purpose not in ASIDE:  # too small to find a sample by
            self.image, self.scan = image, started.instruction
        return Played(record.number, image, error, tuple(lines), is_whole, record.time, end_time)

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
                order = Order(steering_of(event.kind, event.values), event.who, event.why)
                self._orders.append((order, event.is_late))

    def difference(self, now: str) -> CannotResume:
        """Say what comes next on record, and what the run does instead."""
        record = self._records[0]
        return CannotResume(
            f"the run cannot be gone on with: record {record.number} of the journal is "
            f"{_named(record.event)}, but now the run {now}; recipe, code or seed must have changed"
        )


def _named(event: Event) -> str:
    """Say an event in one line."""
    instruction = getattr(event, "instruction", None)
    return type(event).__name__ if instruction is None else f"{type(event).__name__} {instruction}"


def _last_found(records: Sequence[Record]) -> SampleFound | None:
    for record in reversed(records):
        match record.event:
            case SampleFound() as found:
                return found
            case StageMoved():
                return None
    return None


def _last_finish(records: Sequence[Record]) -> RunFinished | None:
    last = records[-1].event
    return last if isinstance(last, RunFinished) else None
