"""Rows 16, 17 and 30: processes that are killed, crash, freeze and throw."""

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from killing import (
    LAB,
    RECIPE,
    SEED,
    SMALL,
    Whole,
    essence,
    follow,
    lost,
    moment_of,
    random_moment,
    read_run_file,
    records_of,
    resume_command,
    run_command,
    run_to_the_end,
)
from rows import Table
from test_run_file import BEFORE_VERIFYING, IN_MID_WRITING, interpreter

from spm_auto import execute
from spm_auto.data import FILE_NAME, RUN_FILE_NAME, FinishReason, consolidate, open_run
from spm_auto.errors import DataError

KILLS = 30
AT_ONCE = 2  # processes
FATES = (*["killed"] * 8, "frozen", "frozen", "throws", "throws")  # of who looks at one run
PATIENCE = 60.0  # [s]
TICK = 0.005  # [s] between two beats of a heart

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.mark.chaos
def test_a_run_killed_anywhere_goes_on_as_if_it_never_had_been(
    row: Table, tmp_path: Path, whole: Whole
) -> None:
    counted = row(16, "kill -9", f"the run, {KILLS} times at random, then resumed")
    rng = random.Random(20261127)
    moments = [random_moment(rng, whole) for _ in range(KILLS)]

    def kill_and_resume(number: int) -> tuple[bool, int, str]:
        folder = tmp_path / f"run-{number:02d}"
        log = folder.with_suffix(".log")
        said = follow(run_command(folder), log, moments[number]).digests
        where, missing = moment_of(folder), lost(folder, said)
        is_begun = bool(records_of(folder))
        is_whole = where == "the end" and read_run_file(folder)
        if is_begun and not is_whole:
            said |= follow(resume_command(folder), log).digests
        elif not is_begun:
            shutil.rmtree(folder, ignore_errors=True)  # nothing was begun: there is nothing to keep
            said = run_to_the_end(run_command(folder), log).digests
        is_exact = essence(folder) == whole.essence and read_run_file(folder)
        return not missing and not lost(folder, said) and is_exact, len(said), where

    fell = []
    acknowledged = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for survived, said, where in pool.map(kill_and_resume, range(KILLS)):
            counted.case(survived)
            acknowledged += said
            fell.append(where)
    counted.figure(f"{acknowledged:,} acknowledged records, none lost; hit {', '.join(set(fell))}")


@contextmanager
def beating() -> Iterator[list[float]]:
    """Let a heart beat in a thread beside; gives the longest time between two beats [s]."""
    longest, over = [0.0], threading.Event()

    def beat() -> None:
        last = time.monotonic()
        while not over.wait(TICK):
            now = time.monotonic()
            longest[0], last = max(longest[0], now - last), now

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield longest
    finally:
        over.set()
        thread.join()


@posix
@pytest.mark.chaos  # the suite has one such death elsewhere
def test_a_child_that_crashes_takes_nobody_with_it(
    row: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = row(17, "segfault", "the process that writes HDF5 dies of SEGV, ABRT, BUS, KILL")
    run = tmp_path / "run"
    deaths = [
        prelude.format(int(number))
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGKILL)
        for prelude in (IN_MID_WRITING, BEFORE_VERIFYING.replace("9)", "{})"))
    ]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", interpreter(tmp_path, deaths[0]))
        with pytest.raises(DataError, match="not written"):
            execute.execute(RECIPE, LAB, run, SEED, SMALL, as_json=True)
    before = (run / FILE_NAME).read_bytes()
    finished = open_run(run).finished
    assert finished is not None
    assert finished.reason is FinishReason.COMPLETED  # the run itself
    silence = 0.0
    for death in deaths:
        with counted.trial(), monkeypatch.context() as patch, beating() as longest:
            patch.setattr(sys, "executable", interpreter(tmp_path, death))
            with pytest.raises(DataError, match="ended by SIG"):
                consolidate(run / FILE_NAME)
            assert (run / FILE_NAME).read_bytes() == before
            assert not (run / RUN_FILE_NAME).exists()
        silence = max(silence, longest[0])
    counted.figure(f"a thread beside it was never silent for more than {1e3 * silence:.0f} ms")
    assert execute.resume(run, as_json=True) == 0
    assert read_run_file(run)


class Onlooker:
    """A stand-in for the window, looking at a run, and what is done to it.

    Args:
        folder: Of the run.
        fate: What becomes of it: "killed", "frozen", "throws" or "stays".
        at: At which record.
    """

    def __init__(self, folder: Path, fate: str, at: int) -> None:
        self.fate, self.at = fate, at
        command = [sys.executable, str(Path(__file__).with_name("onlooker.py")), str(folder)]
        if fate == "throws":
            command.append(str(at))
        self._log = folder.with_name(f"{folder.name}-{uuid.uuid4()}.log")
        with self._log.open("w") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.seen = -1
        self.struck = False
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "here\n"
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen = int(line)
            if self.seen >= self.at and not self.struck:
                if self.fate == "killed":
                    self.process.kill()
                elif self.fate == "frozen":
                    self.process.send_signal(signal.SIGSTOP)
                self.struck = self.fate != "throws"

    def end(self) -> int:
        """Let it go; returns its exit code."""
        if self.fate == "frozen":
            self.process.kill()
        code = self.process.wait(PATIENCE)
        self._reading.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.struck |= "an exception in a slot" in self._log.read_text()
        return code


@posix
@pytest.mark.chaos
def test_a_run_does_not_feel_who_looks_at_it(row: Table, tmp_path: Path, whole: Whole) -> None:
    counted = row(30, "window fails", "who shows the journal is frozen, throws, or comes later")
    also = row(16, "kill -9", "who shows the journal, at random")
    rng = random.Random(30)
    for number in range(4):
        folder = tmp_path / f"run-{number}"
        onlookers = [
            *(Onlooker(folder, fate, rng.randrange(whole.records // 2)) for fate in FATES),
            Onlooker(folder, "stays", sys.maxsize),
        ]
        told = run_to_the_end(run_command(folder), folder.with_suffix(".log"))
        is_same = essence(folder) == whole.essence and not lost(folder, told.digests)
        codes = [onlooker.end() for onlooker in onlookers]
        for onlooker in onlookers[:-1]:
            assert onlooker.struck, f"it was to be {onlooker.fate} and was not"
            (also if onlooker.fate == "killed" else counted).case(is_same)
        # who comes later, or stays, sees all of it
        assert codes[-1] == 0
        again = Onlooker(folder, "stays", sys.maxsize)
        assert again.end() == 0
        counted.case(again.seen == onlookers[-1].seen == len(records_of(folder)) - 1)
    counted.figure("the journals are the unwatched run's to the last bit")
