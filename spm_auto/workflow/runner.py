"""The Runner: drives steps, owns the instrument, and writes everything down before it is shown."""

import contextlib
import logging
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from ..agents import Order
from ..clock import Clock
from ..data import (
    CLOSING,
    LATE,
    Alarm,
    Event,
    FinishReason,
    Journal,
    Record,
    Room,
    RunFinished,
    StepStarted,
)
from ..errors import (
    EmergencyStopped,
    InstrumentError,
    RecipeError,
    SpmError,
)
from ..instrument import (
    Instruction,
    Instrument,
    Load,
    ScanImage,
    Severity,
)
from .asked import last_approval
from .asking import Approve, Asking
from .consulting import LONGEST_THOUGHT, Consulting
from .control import Control
from .controls import Controls
from .ending import name_ending, one_line
from .interventions import Interventions
from .knowledge import Knowledge
from .past import Past
from .performing import Performer
from .recovery import LinkRecovery, RecoverySettings
from .requests import (
    Answer,
    Ask,
    Await,
    ByHand,
    Compute,
    Consult,
    Estimate,
    Note,
    Prepare,
    Request,
    Result,
    Wait,
)
from .scribe import Scribe
from .steps.base import Step, StepContext
from .steps.tip_care import TipCare
from .tape import Tape

_log = logging.getLogger(__name__)
_POLL = 0.05  # [s] how often a waiting thread looks up


class Runner(Controls):
    """Runs steps on an instrument.

    The thread that calls `run` or `perform` is the instrument thread. `pause`, `resume`, `cancel`
    and `emergency_stop` may come from any thread. The agent works in a thread of its own beside it.

    Args:
        instrument: The instrument, behind its guard.
        journal: Where every event is written before anyone sees it.
        clock: Instrument time.
        listeners: Called with each record after it was written, in the instrument thread.
        past: What the run has behind it, when it goes on; None when it begins.
        room: Room on the disk, which the run waits for; None for no looking after it.
        thought: How long an agent may think about one question, on the wall clock [s]; then the
            run fails, in order.
        approve: Answers what steps ask, in place of a human; None for asking one.

    Attributes:
        knowledge: What the run's steps have seen and learned.
    """

    def __init__(
        self,
        instrument: Instrument,
        journal: Journal,
        clock: Clock,
        listeners: Sequence[Callable[[Record], None]] = (),
        past: Past | None = None,
        room: Room | None = None,
        thought: float = LONGEST_THOUGHT,
        approve: Approve | None = None,
    ) -> None:
        control = Control()
        self._scribe = scribe = Scribe(journal, control, clock, listeners, past, room)
        self._interventions = Interventions(scribe, control)
        super().__init__(
            control, Performer(instrument, scribe, control, clock, self._interventions)
        )
        self._consulting = Consulting(scribe, control, clock, self._interventions, thought)
        self._asking = Asking(scribe, control, self._interventions, approve)
        every = None if past is None else last_approval(past.tape.records)
        if every is not None:
            control.set_approval(every)
        self._clock = clock
        self._link: LinkRecovery | None = None
        self._thread: threading.Thread | None = None
        self.knowledge = Knowledge()

    @property
    def is_live(self) -> bool:
        """Whether the run has begun, or goes on beyond what was on record."""
        return self._scribe.is_live

    @property
    def tape(self) -> Tape | None:
        """What is on record of a run that goes on, and not played yet; None once it is live."""
        return self._scribe.tape

    def hear(self) -> None:
        """Know that a human can answer from now on; without one, steps that ask are refused."""
        self._asking.is_heard = True

    def start(
        self, steps: Sequence[Step], seed: int, recovery: RecoverySettings | None = None
    ) -> None:
        """Run the steps in a thread of their own, as `run` does; `wait` for the end.

        Raises:
            SpmError: The run was started already.
        """
        if self._thread is not None:
            raise SpmError("the run was started already")
        self._thread = threading.Thread(
            target=self.run, args=(steps, seed, recovery), name="instrument", daemon=True
        )
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of a run that was started; returns whether it ended.

        Args:
            timeout: Longest wait [s]; None for no limit.
        """
        if self._thread is None:
            return self.finished is not None
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def wait_for_agent(self, timeout: float) -> bool:
        """After the end, wait for an agent that still thinks; returns whether it is done.

        A program that ends while a thread of its own is inside torch is aborted by the system.

        Args:
            timeout: Longest wait [s].
        """
        return self._consulting.worker.join(timeout)

    def run(
        self, steps: Sequence[Step], seed: int, recovery: RecoverySettings | None = None
    ) -> RunFinished:
        """Load the instrument, run the steps, and say how it ended; never raises.

        Args:
            steps: What to do.
            seed: Root of the run's randomness.
            recovery: What it may do by itself when something fails; None for nothing.
        """
        tip = None
        if recovery is not None:
            self._link = LinkRecovery(
                recovery, self._performer, self._scribe, self._control, self._clock
            )
            tip = TipCare(recovery.tip) if recovery.tip is not None else None
        for step in steps:  # beside loading and the first scans
            self._consulting.worker.submit(step.warm_up)
        try:
            self._check_that_somebody_answers(steps)
            self.load()
            for index, step in enumerate(steps):
                self.record(StepStarted(index, step.kind))
                images = tuple(self.knowledge.images)
                context = StepContext(seed, index, images, tip, knowledge=self.knowledge)
                self.knowledge.keep(self.drive(step.run(context)))
        except BaseException as error:  # noqa: BLE001 - the one place where a run may fail
            return self.finish(error, traceback.format_exc())
        return self.finish()

    def load(self, instruction: Load | None = None) -> None:
        """Ready the instrument, the way every run begins.

        Raises:
            InstrumentError: It did not work.
            Stopped: Someone stopped the run.
        """
        self._control.begin_loading()
        self.perform(instruction or Load())
        self._control.end_loading()

    def perform(self, instruction: Instruction) -> Result:
        """Give the instrument one instruction, and write down what comes back.

        While a run that goes on has it on record, the record answers.

        Returns:
            The image of a scan, the spectrum or force curve of an acquisition, else None.

        Raises:
            InstrumentError: The instrument could not, or the limits forbid it.
            Stopped: Someone stopped the run.
            CannotResume: Another instruction is on record.
        """
        return (self._link or self._performer).perform(instruction)

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let `interrupt` end what is done within, and not the run: it raises `Interrupted`."""
        self._control.hands.begin()
        try:
            yield
        finally:
            self._control.hands.end()

    def record(self, event: Event) -> Record:
        """Write an event to the journal, then show it.

        While a run that goes on has it on record, it is not written again.

        Raises:
            DataError: It could not be written.
            CannotResume: Something else is on record.
        """
        return self._scribe.record(event)

    def finish(self, error: BaseException | None = None, detail: str = "") -> RunFinished:
        """End the run: close the instrument, name the reason, close the journal; never raises.

        Args:
            error: What ended it; None when it completed.
            detail: Traceback, for the journal.

        Returns:
            How it ended; when it was over before, how it ended then.
        """
        if self.finished is not None:
            return self.finished
        self._control.hands.end()
        is_emergency = EmergencyStopped in (self._control.stop, type(error))
        if error is None or is_emergency:
            error = self._end_of_the_past(is_emergency) or error
        finished = name_ending(error, self._control.stop, detail)
        self._consulting.worker.stop()
        if self._scribe.is_live:
            self._say_why_withdrawn()
            self._say_last_words()
        try:
            self._performer.instrument.close()
        except Exception as fault:  # noqa: BLE001 - whatever a driver raises, the run must end
            self._alarm(f"the instrument could not be closed: {one_line(fault)}", CLOSING)
        if self._scribe.is_live:
            finished = self._scribe.finish(finished)
        else:  # nothing new has happened, and the record stays as it was
            self._scribe.close()
        if finished.reason == FinishReason.FAILED:
            _log.debug("run failed: %s", finished.message)
        self._control.finish(finished)
        return finished

    def take_orders(self) -> tuple[Order, ...]:
        """Record and hand over what was ordered since the last call: it is carried out now."""
        return self._interventions.take_orders()

    def enter_agent(self) -> int:
        """Return the number of an agent that begins, counted from 0."""
        return self._consulting.enter()

    def _check_that_somebody_answers(self, steps: Sequence[Step]) -> None:
        """Refuse steps that ask where nobody answers, before anything moves."""
        if self._asking.can_ask:
            return
        for index, step in enumerate(steps):
            if step.needs_answers(self.approval):
                raise RecipeError(
                    f"steps[{index}]: the step {step.kind!r} asks a human, and nobody can answer: "
                    "there is neither an ear (start_run(..., ear=True)) nor anybody who says yes"
                )

    def _end_of_the_past(self, is_emergency: bool) -> SpmError | None:
        """Say why a run that goes on may not end here, if it may not; never raises."""
        try:
            return self._scribe.end_of_the_past(is_emergency)
        except SpmError as fault:
            return fault

    def _say_last_words(self) -> None:
        """Write down what was posted, and say which orders nobody will carry out any more."""
        late: tuple[Order, ...] = ()
        with contextlib.suppress(SpmError):  # the disk may be what ended the run
            late = self._interventions.leftover()
        for order in late:
            self._alarm(f"what {order.who} asked for ({order.steering}) came too late", LATE)

    def _say_why_withdrawn(self) -> None:
        """Say why the watchdog of this process has withdrawn the tip, if it has."""
        watchdog = self._performer.watchdog
        trip = None if watchdog is None else watchdog.trip
        if trip is not None and trip.severity is Severity.WITHDRAW:
            self._alarm(trip.message, trip.cause)

    def _alarm(self, message: str, cause: str) -> None:
        """Raise an alarm at the end of a run; never raises."""
        if self._scribe.is_live:
            with contextlib.suppress(Exception):
                self.record(Alarm(message, cause))

    def drive(self, step: Generator[Request, Any, ScanImage | None]) -> ScanImage | None:
        """Serve what a step yields, until it returns; returns what the step returns.

        Raises:
            InstrumentError: The instrument could not, and the step did not know what to do.
            Stopped: Someone stopped the run.
        """
        with contextlib.closing(step):
            try:
                request = next(step)
                while True:
                    try:
                        answer = self._serve(request)
                    except InstrumentError as error:  # the step may know what to do
                        request = step.throw(error)
                    else:
                        request = step.send(answer)
            except StopIteration as end:
                image: ScanImage | None = end.value
                return image

    def _serve(self, request: Request) -> Answer:
        match request:
            case Note(event=event, pause=pause):
                is_new = self._scribe.is_live
                self.record(event)
                if pause and is_new:
                    self.pause()
                return None
            case Prepare():
                return self._consulting.prepare(request)
            case Estimate(instructions=instructions):
                return self._performer.estimates(instructions)
            case Consult():
                return self._consulting.consult(request)
            case Await(consultation=consultation):
                return self._consulting.advice(consultation)
            case Wait(seconds=seconds):
                return self._performer.wait(seconds)
            case Compute(work=work):
                return self._consulting.compute(work)
            case Ask():
                self._control.hands.end()
                return self._asking.ask(request)
            case ByHand(is_over=is_over):
                self._control.hands.end() if is_over else self._control.hands.begin()
                return None
            case _:
                result = self.perform(request)
                self.knowledge.saw(result)
                return result
