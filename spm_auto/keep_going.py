"""Keeping a run going: it is a process of its own, and is resumed when that process dies."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

from .data import (
    FILE_NAME,
    PAUSE,
    RESUME,
    FinishReason,
    InstructionFailed,
    Intervention,
    Record,
    RunContinued,
    RunFinished,
    TipWithdrawn,
    open_run,
)
from .errors import ConnectionLost, DataError, NoReply, OutOfStep

_HOUR = 3600.0  # [s]
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 120.0  # [s] before a run is resumed; twice as long each time
_FRUITLESS = 4  # lives in a row without a record after which it is left alone
_LINK = {error.__name__ for error in (ConnectionLost, NoReply, OutOfStep)}
_WINDOWS = sys.platform == "win32"
_POLL = 0.5  # [s]

Wait = Callable[[float], bool]  # so long [s]; returns whether somebody pressed Ctrl-C meanwhile


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a run whose process has ended.

    Attributes:
        resumes: Whether it is resumed.
        why: Why, or why not, in words.
    """

    resumes: bool
    why: str


def keep_going(
    arguments: Sequence[str],
    out: Path,
    most: int,
    say: Callable[[str], None],
    program: Sequence[str] = (sys.executable, "-m", "spm_auto"),
    wait: Wait | None = None,
    now: Callable[[], float] = time.monotonic,
) -> int:
    """Carry out a run, and resume it when its process dies; returns the last exit code.

    It is never resumed after an emergency, a cancel or Ctrl-C, and not when it failed for a reason
    that stays. Ctrl-C is passed on to the run, each press once.

    Args:
        arguments: Of ``spm-auto``, that begin the run, or go on with it.
        out: Folder of the run.
        most: How often it is resumed within an hour, at most.
        say: Tells the operator what was done.
        program: What understands the arguments.
        wait: Waits; without one, until Ctrl-C at most.
        now: Tells the time [s].
    """
    command = [*program, *arguments]
    lives = Lives(out, most, now)
    with Child() as child:
        while True:
            code = child.run(command)
            if code == 0 or child.is_stopped:
                return code
            verdict = lives.ended(code)
            if not verdict.resumes:
                say(f"not resumed: {verdict.why}")
                return code
            say(f"{verdict.why}; it is resumed in {lives.pause:g} s")
            if (wait or child.wait)(lives.pause) or child.is_stopped:
                say("not resumed: somebody pressed Ctrl-C")
                return code
            lives.resumed()
            kept = [a for a in arguments if a == "--json" or a.startswith("--approve=")]
            command = [*program, "resume", str(out), *kept]


def run_arguments(
    recipe: Path, lab: Path, out: Path, seed: int, overrides: Sequence[str], *options: str
) -> list[str]:
    """Return the arguments of ``spm-auto`` that begin a run."""
    replaced = (f"--set={text}" for text in overrides)
    files = (str(recipe), "--lab", str(lab), "--out", str(out))
    return ["run", *files, "--seed", str(seed), *replaced, *options]


class Lives:
    """How often a run was resumed, and whether it came any further.

    Args:
        out: Folder of the run.
        most: How often it is resumed within an hour, at most.
        now: Tells the time [s].
    """

    def __init__(self, out: Path, most: int, now: Callable[[], float]) -> None:
        self._out, self._most, self._now = out, most, now
        self._times: list[float] = []
        self._is_first = True
        self._fruitless = 0
        self._records = _count(out)

    @property
    def pause(self) -> float:
        """Wait before it is resumed [s]."""
        return float(min(_FIRST_WAIT * 2.0 ** len(self._times), _LONGEST_WAIT))

    def resumed(self) -> None:
        """Note that it is resumed now."""
        self._times.append(self._now())
        self._is_first = False

    def ended(self, code: int) -> Verdict:
        """Say whether it shall be resumed, now that its process has ended with an exit code."""
        before, self._records = self._records, _count(self._out)
        self._fruitless = self._fruitless + 1 if self._records == before else 0
        self._times = [each for each in self._times if self._now() - each < _HOUR]
        verdict = judge(self._out, code)
        if not verdict.resumes:
            return verdict
        if self._is_first and self._fruitless:  # what lies there is another run
            return Verdict(False, f"the run did not begin (exit code {code})")
        if len(self._times) >= self._most:
            return Verdict(False, f"it was resumed {len(self._times)} times within an hour")
        if self._fruitless >= _FRUITLESS:
            return Verdict(False, f"it has come no further {self._fruitless} times in a row")
        return verdict


def judge(out: Path, code: int) -> Verdict:
    """Say whether a run whose process has ended shall be resumed; reads its journal only.

    Args:
        out: Folder of the run.
        code: Exit code of the process, not 0.
    """
    died = f"the run's process ended with exit code {code}"
    if not (out / FILE_NAME).is_file():
        return Verdict(False, f"{died} before there was a run")
    try:
        records = open_run(out).records
    except DataError as error:
        return Verdict(False, f"{died}, and its journal cannot be read: {error}")
    if any(isinstance(record.event, TipWithdrawn) for record in records):
        return Verdict(False, "the tip was withdrawn; a human has to look at it")
    if _is_paused(records):
        return Verdict(False, "a human has paused the run, and nobody has let it go on")
    last = records[-1].event
    if not isinstance(last, RunFinished):
        return Verdict(True, f"{died} after record {records[-1].number}")
    match last.reason:
        case FinishReason.EMERGENCY:
            return Verdict(False, "the run ended in an emergency; a human has to look at it")
        case FinishReason.CANCELLED:
            return Verdict(False, "the run was cancelled")
        case FinishReason.COMPLETED:  # but not its report
            return Verdict(True, f"{died} when the run was over")
    lost = _lost(records)
    if lost is None:
        return Verdict(False, f"the run failed, and would again: {last.message}")
    return Verdict(True, f"the run failed as the link to the instrument was lost: {lost.message}")


class Child:
    """The run's process; Ctrl-C and the system's wish to end are passed on to it.

    On Windows all processes of a console are told of Ctrl-C themselves; elsewhere it has a group
    of its own and is told once.

    Attributes:
        is_stopped: Whether somebody wanted it to end.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    @property
    def is_stopped(self) -> bool:
        """Whether somebody wanted it to end."""
        return self._stopped.is_set()

    def run(self, command: Sequence[str]) -> int:
        """Carry out a command; returns its exit code, negative for the signal that killed it."""
        group: dict[str, Any] = {} if _WINDOWS else {"process_group": 0}
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, **group) as process:
            self._process = process
            try:
                if self.is_stopped:  # it came while it was started
                    self._pass_on(signal.SIGINT)
                while True:  # Windows looks at signals between two waits only
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        return process.wait(_POLL)
            finally:
                self._process = None

    def wait(self, duration: float) -> bool:
        """Wait so long [s]; returns whether somebody pressed Ctrl-C meanwhile."""
        return self._stopped.wait(duration)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._pressed)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pressed(self, number: int, _: FrameType | None) -> None:
        self._stopped.set()
        self._pass_on(signal.Signals(number))

    def _pass_on(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        if not _WINDOWS:
            process.send_signal(number)


def _is_paused(records: Sequence[Record]) -> bool:
    """Say whether a human wants the run to wait: whoever resumes it by hand lets it go on."""
    is_paused = False
    for record in records:
        match record.event:
            case Intervention(kind=kind) if kind in (PAUSE, RESUME):
                is_paused = kind == PAUSE
            case RunContinued():
                is_paused = False
    return is_paused


def _lost(records: Sequence[Record]) -> InstructionFailed | None:
    """Return the failure that a run ended with, where a lost link was the reason."""
    failed = [r.event for r in records if isinstance(r.event, InstructionFailed)]
    finished = records[-1].event
    if not failed or not isinstance(finished, RunFinished) or failed[-1].error not in _LINK:
        return None
    return failed[-1] if failed[-1].message in finished.message else None


def _count(out: Path) -> int:
    """Return how many records a run has; 0 where there is none."""
    try:
        return len(open_run(out).records) if (out / FILE_NAME).is_file() else 0
    except DataError:
        return 0
