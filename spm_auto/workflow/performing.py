"""Performer: gives the instrument instructions, and has what comes back written down.

Of a run that goes on it plays what is on record, brings the instrument to where it was, and only
then gives new ones.
"""

import contextlib
import logging
import threading
from collections.abc import Generator, Sequence
from typing import cast

from ..clock import Clock, InstantClock
from ..data import (
    HELD,
    Alarm,
    DurationsEstimated,
    FeedbackSet,
    ForceCurveAcquired,
    LineAcquired,
    LoadFinished,
    ProbePositioned,
    RunPaused,
    RunResumed,
    SampleSought,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    StageMoved,
    TipConditioned,
    Waited,
    assemble,
)
from ..errors import (
    EmergencyStopped,
    Held,
    InstrumentError,
    Interrupted,
    OutOfStep,
    Stopped,
)
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Extended,
    GuardedInstrument,
    Instruction,
    Instrument,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanImage,
    ScanLine,
    SetFeedback,
    Severity,
)
from .control import Control
from .failures import failure_event
from .interventions import Interventions
from .relocation import relocate
from .requests import Estimates, Result
from .scribe import Scribe
from .tape import Played

_log = logging.getLogger(__name__)
MOST_HELD = 100  # times that one instruction is given again
_POLL = 0.2  # [s] how often a run that is held looks whether it still is


class Performer:
    """Owns the instrument, for the instrument thread; stopping it may come from any.

    Args:
        instrument: The instrument, behind its guard.
        scribe: Writes down what comes back, or has it on record.
        control: Where the run stands.
        clock: Instrument time.
        interventions: Writes down what humans want, between instructions and lines.

    Attributes:
        instrument: The instrument, in the coordinates of the run's first image.
        failed_at: Instrument time at which the last instruction failed, as recorded [s].
        guard: The guard before the instrument; None where there is none.
        watchdog: Who looks after the instrument in this process; None where nobody does.
        is_timed: Whether an instruction takes time, in which it can be interrupted.
    """

    def __init__(
        self,
        instrument: Instrument,
        scribe: Scribe,
        control: Control,
        clock: Clock,
        interventions: Interventions,
    ) -> None:
        self.instrument = instrument
        self._scribe, self._control, self._clock = scribe, control, clock
        self._interventions = interventions
        self._is_found = scribe.past is None or scribe.past.is_simulated
        self.failed_at = 0.0
        self.guard = instrument if isinstance(instrument, GuardedInstrument) else None
        self.watchdog = self.guard.watchdog if self.guard is not None else None
        if self.watchdog is not None:
            control.watch_with(self.watchdog.look)
        is_here = instrument.capabilities.is_simulated
        self.is_timed = not (is_here and isinstance(clock, InstantClock))
        self._holding = threading.Lock()
        self._is_held = False
        self._released = threading.Event()

    def perform(self, instruction: Instruction) -> Result:
        """Give the instrument one instruction; see `Runner.perform`.

        While the watchdog holds the instrument the run waits, and then gives it from its beginning:
        of a scan that was held the lines are recorded, and all of them are scanned again. Only what
        may hurt the tip is not given twice.
        """
        for _ in range(MOST_HELD):
            try:
                return self._perform(instruction)
            except Held as error:
                self._wait_while_held(error)
                if isinstance(instruction, ConditionTip):
                    raise
        return self._perform(instruction)

    def withdraw(self, hard: bool) -> None:
        """Withdraw the tip; from any thread, before anything else.

        Args:
            hard: Whether to take the alternate path at once, where there is one.

        Raises:
            NotConfirmed: The instrument does not say that it is up.
        """
        if hard and self.guard is not None:
            self.guard.withdraw_hard()
        else:
            self.instrument.emergency_stop()

    def release(self) -> None:
        """Acknowledge what the run waits for, if it is held; any thread."""
        with self._holding:
            if self._is_held:
                self._acknowledge("operator")
                self._released.set()

    def _acknowledge(self, who: str) -> None:
        trip = None if self.watchdog is None else self.watchdog.trip
        if self.watchdog is not None and trip is not None and trip.severity is Severity.HOLD:
            self.watchdog.acknowledge(who)

    def _wait_while_held(self, error: Held) -> None:
        """Wait until somebody has acknowledged what the watchdog saw.

        Raises:
            Stopped: Someone stopped the run.
        """
        if not self._scribe.is_live:  # it was acknowledged then
            self._acknowledge("the record")
            return
        with self._holding:
            self._is_held = True
        try:
            self._scribe.record(Alarm(str(error), HELD))
            self._scribe.record(RunPaused())
            self._control.hold_until(self._may_go_on, _POLL)
        finally:
            with self._holding:
                self._is_held = False
                self._released.clear()
        self._scribe.record(RunResumed())

    def _may_go_on(self) -> bool:
        return self._released.is_set() or self._control.hands.is_ended or self._is_free()

    def _is_free(self) -> bool:
        """Whether somebody else has acknowledged it."""
        try:
            return not self.instrument.status().is_held
        except InstrumentError:  # nobody knows; whoever resumes will see
            return False

    def _perform(self, instruction: Instruction) -> Result:
        played = self._play(instruction)
        if played is not None and played.error is not None:
            self.failed_at = played.end_time
            raise played.error
        if played is not None and played.is_whole:
            return played.result
        self._checkpoint()
        self._refuse_what_was_ended(instruction)
        self._find_sample(instruction)
        began = self._clock.now()
        try:
            return self._carry_out(instruction, played)
        except Stopped as error:
            if isinstance(error, EmergencyStopped) or not self._was_ended:
                raise
            raise self._ended(instruction, began) from error
        except Interrupted as error:
            raise self._ended(instruction, began) from error
        except InstrumentError as error:
            self.failed_at = self._scribe.record(failure_event(instruction, error)).time
            raise

    @property
    def _was_ended(self) -> bool:
        """Whether it was by hand, and a human has ended it, and not the run."""
        return self._control.hands.is_ended and self._control.stop is None

    def _ended(self, instruction: Instruction, began: float) -> Interrupted:
        """Write down that a human has ended what was begun by hand at a time [s]."""
        ended = self._control.hands.ended(self._clock.now() - began)
        self.failed_at = self._scribe.record(failure_event(instruction, ended)).time
        return ended

    def _refuse_what_was_ended(self, instruction: Instruction) -> None:
        """Begin nothing more by hand that a human has ended already."""
        try:
            self._control.hands.check()
        except Interrupted as error:
            self.failed_at = self._scribe.record(failure_event(instruction, error)).time
            raise

    def _carry_out(self, instruction: Instruction, begun: Played | None = None) -> Result:
        match instruction:
            case Load():
                self.instrument.load(instruction)
                self._scribe.record(LoadFinished(instruction))
            case Scan():
                return self._scan(instruction, begun)
            case PositionProbe():
                self.instrument.position_probe(instruction)
                self._scribe.record(
                    ProbePositioned(instruction, *self.instrument.status().position)
                )
            case AcquireSpectrum():
                spectrum = self.instrument.acquire_spectrum(instruction)
                self._scribe.record(SpectrumAcquired(instruction, spectrum))
                return spectrum
            case AcquireForceCurve():
                curve = self._extended(instruction).acquire_force_curve(instruction)
                self._scribe.record(ForceCurveAcquired(instruction, curve))
                return curve
            case ConditionTip():
                self._extended(instruction).condition_tip(instruction)
                at = self.instrument.status().position
                self._scribe.record(TipConditioned(instruction, *at))
            case SetFeedback():
                self._extended(instruction).set_feedback(instruction)
                self._scribe.record(FeedbackSet(instruction, self.instrument.status().bias))
            case MoveStage():
                self._extended(instruction).move_stage(instruction)
                at = self.instrument.status().stage or (instruction.x, instruction.y)
                self._scribe.record(StageMoved(instruction, *at))
            case _:
                raise TypeError(f"no instruction: {instruction!r}")
        return None

    def _extended(self, instruction: Instruction) -> Extended:
        self.instrument.capabilities.check(instruction)  # then it is one
        return cast(Extended, self.instrument)

    def wait(self, seconds: float) -> float:
        """Wait on purpose; returns what time it is then [s].

        Raises:
            Stopped: Someone stopped the run.
            CannotResume: Something else is on record.
        """
        tape, past = self._scribe.tape, self._scribe.past
        if tape is not None and past is not None:
            self._control.refuse_when_over()
            played = tape.wait(seconds)
            if played is not None:
                if past.is_simulated:
                    self._clock.wait(seconds)
                return played.time
            self._scribe.go_live()
        self._checkpoint()
        self._clock.wait(seconds, self._control.stop_flag)
        self._control.refuse_when_over()
        return self._scribe.record(Waited(seconds)).time

    def estimates(self, instructions: Sequence[Instruction]) -> Estimates | None:
        """Say how long instructions would take from here; None where nobody can tell."""
        tape = self._scribe.tape
        estimated = tape.estimate() if tape is not None else None
        if estimated is None:
            estimated = self._estimated(instructions)
            self._scribe.record(estimated)
        if estimated.position is None:
            return None
        return Estimates(estimated.position, estimated.seconds)

    def _estimated(self, instructions: Sequence[Instruction]) -> DurationsEstimated:
        try:
            seconds = tuple(self.instrument.duration(each) for each in instructions)
            position = self.instrument.status().position
        except InstrumentError as error:
            _log.info("the instrument does not say how long things take: %s", error)
            return DurationsEstimated(None, ())
        return DurationsEstimated(position, seconds)

    def _play(self, instruction: Instruction) -> Played | None:
        """Return what an instruction gave when it is on record; go live where it is not."""
        tape, past = self._scribe.tape, self._scribe.past
        if tape is None or past is None:
            return None
        self._control.refuse_when_over()
        played = tape.instruction(instruction)
        if played is None:
            self._scribe.go_live()
            return None
        if not played.is_whole:  # the process ended in mid-scan
            return played if past.is_simulated else None
        if past.is_simulated:
            past.repeat(self.instrument, instruction, played)
        return played

    def _find_sample(self, instruction: Instruction) -> None:
        """Ready hardware again before the first instruction, and look where the sample is now."""
        past = self._scribe.past
        if self._is_found or past is None:
            return
        self._is_found = True
        with self._control.hands.spared():  # where it stands afterwards, everybody relies on
            self._refuse_what_was_ended(instruction)
            self._scribe.record(SampleSought())
            found, self.instrument = relocate(
                past.tape, self.instrument, self._carry_out, past.looks, instruction
            )
            self._scribe.record(found)

    def _checkpoint(self) -> None:
        """Wait while paused, or while the disk has no room; leave when stopped."""
        self._scribe.wait_for_room()
        self._interventions.write_down()
        self._control.checkpoint(
            lambda: self._scribe.record(RunPaused()),
            lambda: self._scribe.record(RunResumed()),
            self._interventions.write_down,
        )

    def _go_on(self) -> None:
        """Go live between the lines of a scan, where those before are on record."""
        self._scribe.go_live()
        self._interventions.write_down()

    def _scan(self, instruction: Scan, begun: Played | None = None) -> ScanImage:
        # the iterator is made first: what the guard refuses leaves no trace of a scan
        lines = self.instrument.scan(instruction)
        started = ScanStarted(instruction, self.instrument.capabilities.channels_of(instruction))
        start_time = begun.start_time if begun else self._scribe.record(started).time
        acquired: list[ScanLine] = [*begun.lines] if begun else []
        try:
            with contextlib.ExitStack() as stack:
                if isinstance(lines, Generator):
                    stack.enter_context(contextlib.closing(lines))
                if begun is not None and self._scribe.past is not None:
                    lines = self._scribe.past.lines(lines, begun, self._go_on)
                for line in lines:
                    _check_fit(line, started)
                    self._scribe.record(LineAcquired(line))
                    acquired.append(line)
                    self._checkpoint()
                    self._control.hands.check()
            self._scribe.go_live()  # where only the scan's end was not on record
        finally:
            end_time = start_time
            if begun is None or self._scribe.is_live:  # else it was not the same scan
                is_complete = len(acquired) == instruction.frame.pixels[1]
                end_time = self._scribe.record(ScanFinished(is_complete)).time
        return assemble(started, start_time, acquired, end_time)


def _check_fit(line: ScanLine, started: ScanStarted) -> None:
    """Refuse a line that the scan has no room for."""
    lines, pixels = started.instruction.frame.shape
    shape = (len(started.channels), pixels)
    if not (0 <= line.index < lines and line.forward.shape == line.backward.shape == shape):
        raise OutOfStep(
            f"the instrument gave line {line.index} with values of shape {line.forward.shape} and "
            f"{line.backward.shape}; the scan has {lines} lines of shape {shape}"
        )
