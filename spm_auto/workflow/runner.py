"""The Runner: drives steps, owns the instrument, and writes everything down before it is shown."""

import contextlib
import logging
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

from ..agents import Order, Steering
from ..clock import Clock
from ..data import (
    REFUSED,
    AgentAnswered,
    AgentPrepared,
    Alarm,
    Event,
    FinishReason,
    Intervention,
    Journal,
    LineAcquired,
    LoadFinished,
    ProbePositioned,
    Record,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    StepStarted,
    assemble,
)
from ..errors import EmergencyStopped, InstrumentError, SpmError, Stopped, Unsupported
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Instrument,
    Load,
    PositionProbe,
    Scan,
    ScanImage,
    ScanLine,
    SetFeedback,
    Spectrum,
)
from .control import Control, RunState
from .decisions import intervention_event
from .ending import name_ending, one_line
from .requests import (
    Advice,
    Answer,
    Await,
    Consult,
    Consultation,
    Estimate,
    Estimates,
    Note,
    Prepare,
    Request,
)
from .steps.base import Step, StepContext
from .worker import Result, Worker

_log = logging.getLogger(__name__)
_POLL = 0.05  # [s] how often a waiting thread looks up


class Runner:
    """Runs steps on an instrument.

    The thread that calls `run` or `perform` is the instrument thread. `pause`, `resume`, `cancel`
    and `emergency_stop` may come from any thread. The agent works in a thread of its own beside it.

    Args:
        instrument: The instrument, behind its guard.
        journal: Where every event is written before anyone sees it.
        clock: Instrument time.
        listeners: Called with each record after it was written, in the instrument thread.
    """

    def __init__(
        self,
        instrument: Instrument,
        journal: Journal,
        clock: Clock,
        listeners: Sequence[Callable[[Record], None]] = (),
    ) -> None:
        self._instrument = instrument
        self._journal = journal
        self._clock = clock
        self._listeners = tuple(listeners)
        self._control = Control()
        self._thread: threading.Thread | None = None
        self._worker = Worker("agent")

    @property
    def state(self) -> RunState:
        """Where the run stands."""
        return self._control.state

    @property
    def finished(self) -> RunFinished | None:
        """How the run ended; None while it goes on."""
        return self._control.finished

    def start(self, steps: Sequence[Step], seed: int) -> None:
        """Run the steps in a thread of their own; `wait` for the end.

        Raises:
            SpmError: The run was started already.
        """
        if self._thread is not None:
            raise SpmError("the run was started already")
        self._thread = threading.Thread(
            target=self.run, args=(steps, seed), name="instrument", daemon=True
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
        return self._worker.join(timeout)

    def run(self, steps: Sequence[Step], seed: int) -> RunFinished:
        """Load the instrument, run the steps, and say how it ended; never raises."""
        for step in steps:  # beside loading and the first scans
            self._worker.submit(step.warm_up)
        try:
            self.load()
            images: tuple[ScanImage, ...] = ()
            for index, step in enumerate(steps):
                self.record(StepStarted(index, step.kind))
                image = self.drive(step.run(StepContext(seed, index, images)))
                images = images if image is None else (*images, image)
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

    def perform(self, instruction: Instruction) -> ScanImage | Spectrum | None:
        """Give the instrument one instruction, and write down what comes back.

        Returns:
            The image of a scan, the spectrum of an acquisition, else None.

        Raises:
            InstrumentError: The instrument could not, or the limits forbid it.
            Stopped: Someone stopped the run.
        """
        self._checkpoint()
        match instruction:
            case Load():
                self._instrument.load(instruction)
                self.record(LoadFinished(instruction))
            case Scan():
                return self._scan(instruction)
            case PositionProbe():
                self._instrument.position_probe(instruction)
                self.record(ProbePositioned(instruction, *self._instrument.status().position))
            case AcquireSpectrum():
                spectrum = self._instrument.acquire_spectrum(instruction)
                self.record(SpectrumAcquired(instruction, spectrum))
                return spectrum
            case AcquireForceCurve() | ConditionTip() | SetFeedback():
                raise Unsupported(f"a run cannot record {type(instruction).__name__} yet")
            case _:
                raise TypeError(f"no instruction: {instruction!r}")
        return None

    def record(self, event: Event) -> Record:
        """Write an event to the journal, then show it."""
        important = RunStarted | Intervention | RunPaused | RunResumed
        record = self._journal.append(event, sync=isinstance(event, important))
        self._show(record)
        return record

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
        finished = name_ending(error, self._control.stop, detail)
        self._worker.stop()
        for order in self._control.take_orders():
            with contextlib.suppress(Exception):
                self.record(
                    Alarm(f"what {order.who} asked for ({order.steering}) came too late", REFUSED)
                )
        try:
            self._instrument.close()
        except Exception as fault:  # noqa: BLE001 - whatever a driver raises, the run must end
            with contextlib.suppress(Exception):
                self.record(Alarm(f"the instrument could not be closed: {one_line(fault)}"))
        try:
            record = self._journal.append(finished, sync=True)
        except SpmError as fault:  # it may be what ended the run
            if error is None:
                finished = name_ending(fault, None, "")
        else:
            with contextlib.suppress(Exception):  # there is nothing left that it could stop
                self._show(record)
        with contextlib.suppress(SpmError):
            self._journal.close()
        if finished.reason == FinishReason.FAILED:
            _log.debug("run failed: %s", finished.message)
        self._control.finish(finished)
        return finished

    def pause(self) -> None:
        """Wait before the next instruction or line, until `resume`."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._control.resume()

    def cancel(self) -> None:
        """End the run at once, in order: the instruction in progress is interrupted."""
        if self._control.ask_to_stop(Stopped):
            self._instrument.interrupt()
            threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def emergency_stop(self) -> None:
        """Withdraw the tip first, then end the run, even when the instrument does not answer."""
        try:
            self._instrument.emergency_stop()
        finally:
            self._control.ask_to_stop(EmergencyStopped)

    def steer(self, steering: Steering, who: str, why: str = "") -> None:
        """Step in, from any thread: have something done before the agent chooses again.

        It is recorded, then carried out where the agent thinks. A point that was chosen but is not
        being measured yet is thought over; what is being measured ends. When it cannot be done, an
        alarm says so and the run goes on.

        Args:
            steering: What shall be done.
            who: Who wants it.
            why: Why, in words.

        Raises:
            SpmError: The run is over.
        """
        self._control.order(Order(steering, who, why))

    def take_orders(self) -> tuple[Order, ...]:
        """Record and hand over what was ordered since the last call: it is carried out now."""
        orders = self._control.take_orders()
        for order in orders:
            self.record(intervention_event(order))
        return orders

    def _insist(self) -> None:
        """Interrupt again until the run is over: the first may have come between instructions."""
        while not self._control.wait_for_the_end(_POLL):
            self._instrument.interrupt()

    def _show(self, record: Record) -> None:
        for listener in self._listeners:
            listener(record)

    def _checkpoint(self) -> None:
        """Wait while paused; leave when stopped."""
        self._control.checkpoint(
            lambda: self.record(RunPaused()), lambda: self.record(RunResumed())
        )

    def _scan(self, instruction: Scan) -> ScanImage:
        # the iterator is made first: what the guard refuses leaves no trace of a scan
        lines = self._instrument.scan(instruction)
        started = ScanStarted(instruction, self._instrument.capabilities.channels_of(instruction))
        start_time = self.record(started).time
        acquired: list[ScanLine] = []
        try:
            with contextlib.ExitStack() as stack:
                if isinstance(lines, Generator):
                    stack.enter_context(contextlib.closing(lines))
                for line in lines:
                    _check_fit(line, started)
                    self.record(LineAcquired(line))
                    acquired.append(line)
                    self._checkpoint()
        finally:
            is_complete = len(acquired) == instruction.frame.pixels[1]
            end_time = self.record(ScanFinished(is_complete)).time
        return assemble(started, acquired, start_time, end_time)

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
                self.record(event)
                if pause:
                    self.pause()
                return None
            case Prepare(make=make):
                prepared = self._worker.submit(make)
                start = self._clock.now()
                explorer = self._wait_for(prepared)
                seconds = self._clock.now() - start
                self.record(AgentPrepared(seconds))
                return explorer
            case Estimate(instructions=instructions):
                return self._estimates(instructions)
            case Consult():
                orders = self.take_orders()
                future = self._worker.submit(partial(request.advice, orders))
                return Consultation(future, self._clock.now(), request)
            case Await(consultation=consultation):
                return self._advice(consultation)
            case _:
                return self.perform(request)

    def _estimates(self, instructions: Sequence[Instruction]) -> Estimates | None:
        try:
            seconds = tuple(self._instrument.duration(each) for each in instructions)
            position = self._instrument.status().position
        except InstrumentError as error:
            _log.info("the instrument does not say how long things take: %s", error)
            return None
        return Estimates(position, seconds)

    def _advice(self, consultation: Consultation) -> Advice:
        """Wait for what the agent says, and for what it says to orders that came meanwhile."""
        overlap = self._clock.now() - consultation.start_time
        advice = self._wait_for(consultation.future)
        consult = consultation.consult
        if consult is not None and (orders := self.take_orders()):
            again = partial(consult.reconsider, advice, orders)
            advice = self._wait_for(self._worker.submit(again))
        self.record(AgentAnswered(advice.seconds, max(0.0, advice.seconds - overlap)))
        return advice

    def _wait_for(self, future: "Future[Result]") -> Result:
        while not wait([future], timeout=_POLL).done:
            stop = self._control.stop
            if stop is not None:
                raise stop("the run was stopped while the agent was thinking")
        return future.result()


def _check_fit(line: ScanLine, started: ScanStarted) -> None:
    """Refuse a line that the scan has no room for."""
    lines, pixels = started.instruction.frame.shape
    shape = (len(started.channels), pixels)
    if not (0 <= line.index < lines and line.forward.shape == line.backward.shape == shape):
        raise InstrumentError(
            f"the instrument gave line {line.index} with values of shape {line.forward.shape} and "
            f"{line.backward.shape}; the scan has {lines} lines of shape {shape}"
        )
