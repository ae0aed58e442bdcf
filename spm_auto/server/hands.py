"""Hands: the one thread of a server that gives the instrument its instructions."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from ..data import CommandEnded, CommandGiven, Outcome
from ..errors import (
    Forbidden,
    InstrumentError,
    LimitExceeded,
    NotArmed,
    OutOfStep,
    SpmError,
    Stopped,
    Unprotected,
    Unsupported,
)
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Extended,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
)
from .service import Service
from .wire import Answer, Ask, Request

_BEFORE_ANYTHING = (LimitExceeded, Unsupported, Forbidden, NotArmed, Unprotected)


@dataclass(frozen=True, slots=True)
class Job:
    """Something for the hands to do.

    Attributes:
        who: Name of the key.
        request: What was asked.
        instruction: What to carry out; None to go on with the open scan, or to leave it.
        reply: Takes the answer, in the hands' thread.
    """

    who: str
    request: Request
    instruction: Instruction | None
    reply: Callable[[Answer], None]


@dataclass(slots=True)
class OpenScan:
    """A scan whose lines are being asked for.

    Attributes:
        who: Name of the key.
        number: Of its command.
        lines: What is left of it.
    """

    who: str
    number: int
    lines: Iterator[ScanLine]


class Hands:
    """Carries out one instruction at a time; a second one is refused, not queued.

    A scan goes on as its lines are asked for, as it does in one process. What comes of each
    command is written down.

    Args:
        service: What all desks share.
        told: Called with each line of a scan, for who watches.
    """

    def __init__(self, service: Service, told: Callable[[ScanLine], None]) -> None:
        self._service, self._told = service, told
        self._jobs: queue.Queue[Job | Callable[[], None] | None] = queue.Queue(maxsize=8)
        self._busy = threading.Lock()
        self._scan: OpenScan | None = None
        self._commands = 0
        self._thread = threading.Thread(target=self._work, name="hands", daemon=True)
        self._thread.start()

    def give(self, job: Job) -> None:
        """Hand over a job.

        Raises:
            InstrumentError: Another one is still in progress.
        """
        if not self._busy.acquire(blocking=False):
            raise InstrumentError("another instruction is still in progress")
        self._jobs.put(job)

    def leave_scan(self) -> None:
        """End the scan whose owner is gone, as soon as the instruction in progress is over."""
        with contextlib.suppress(queue.Full):  # then it has been ordered already
            self._jobs.put_nowait(self._end_scan)

    def close(self, timeout: float) -> bool:
        """End the thread, and the scan that is open; returns whether it did in time [s]."""
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, Job):
                self._carry_out(job)
            else:
                job()
        self._end_scan()

    def _carry_out(self, job: Job) -> None:
        try:
            answer = self._service.answer(job.request.number, lambda: self._do(job))
        finally:
            self._busy.release()
        job.reply(answer)

    def _do(self, job: Job) -> Any:
        if job.instruction is None and job.request.ask is Ask.LINE:
            return self._line(job.request.value)
        self._end_scan()
        if job.instruction is None:
            return None
        self._commands += 1
        number, book = self._commands, self._service.book
        book.require(CommandGiven(job.who, number, job.instruction))
        try:
            given = self._give(job, number, job.instruction)
        except SpmError as error:
            book.write(CommandEnded(job.who, number, outcome_of(error), str(error)))
            raise
        if not isinstance(job.instruction, Scan):
            book.write(CommandEnded(job.who, number, Outcome.DONE))
        return given

    def _give(self, job: Job, number: int, instruction: Instruction) -> Any:
        guard = self._service.guard
        match instruction:
            case Load():
                guard.load(instruction)
            case Scan():
                self._scan = OpenScan(job.who, number, guard.scan(instruction))
                return number
            case PositionProbe():
                guard.position_probe(instruction)
            case AcquireSpectrum():
                return guard.acquire_spectrum(instruction)
            case AcquireForceCurve():
                return cast(Extended, guard).acquire_force_curve(instruction)
            case ConditionTip():
                cast(Extended, guard).condition_tip(instruction)
            case SetFeedback():
                cast(Extended, guard).set_feedback(instruction)
            case MoveStage():
                cast(Extended, guard).move_stage(instruction)
        return None

    def _line(self, number: Any) -> ScanLine | None:
        scan = self._scan
        if scan is None or scan.number != number:
            raise OutOfStep("this scan is not open")
        try:
            line = next(scan.lines, None)
        except SpmError as error:
            self._ended(scan, outcome_of(error), str(error))
            raise
        if line is None:
            self._ended(scan, Outcome.DONE)
        else:
            self._told(line)
        return line

    def _end_scan(self) -> None:
        """Close a scan that was left before its end; the instrument stops it."""
        scan = self._scan
        if scan is None:
            return
        self._scan = None
        try:
            if hasattr(scan.lines, "close"):
                scan.lines.close()
        except SpmError as error:
            self._ended(scan, outcome_of(error), str(error))
        else:
            self._ended(scan, Outcome.STOPPED, "left before its end")

    def _ended(self, scan: OpenScan, outcome: Outcome, message: str = "") -> None:
        self._scan = None
        self._service.book.write(CommandEnded(scan.who, scan.number, outcome, message))


def outcome_of(error: SpmError) -> Outcome:
    """Name what came of an instruction that raised."""
    if isinstance(error, Stopped):
        return Outcome.STOPPED
    return Outcome.REFUSED if isinstance(error, _BEFORE_ANYTHING) else Outcome.FAILED
