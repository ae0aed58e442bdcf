"""A run whose process dies is resumed, within bounds, and never when somebody wanted it to end."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from prompt import LAB, RECIPE, SMALL, Command

from spm_auto import open_run
from spm_auto.data import (
    FILE_NAME,
    PAUSE,
    RESUME,
    Event,
    FinishReason,
    InstructionFailed,
    Intervention,
    Journal,
    RunContinued,
    RunFinished,
    RunStarted,
    StepStarted,
    TipWithdrawn,
)
from spm_auto.instrument import Load
from spm_auto.keep_going import judge, keep_going, run_arguments

BEGUN = RunStarted("uid", "a night", "", "", "bench", 1)
LOST = InstructionFailed(Load(), "ConnectionLost", "the cable is out")
# lives through its words: each life takes the next one, notes it, and does what it says
ACTOR = """
import os, pathlib, signal, sys, time
out, words = pathlib.Path(sys.argv[1]), sys.argv[2].split(",")
lives = out.with_suffix(".lives")
done = lives.read_text().splitlines() if lives.exists() else []
with lives.open("a") as file:
    file.write(" ".join(sys.argv[3:]) + "\\n")
word = words[len(done)]
if word == "refuse":
    sys.exit(1)
from spm_auto.data import FinishReason, Journal, RunContinued, RunFinished, RunStarted
path = out / "run.spmj"
journal = Journal.reopen(path, lambda: 0.0) if path.exists() else Journal(path, lambda: 0.0)
journal.append(RunContinued() if done else RunStarted("uid", "a night", "", "", "bench", 1))
if word == "die":
    os._exit(9)
if word == "wait":
    def cancel(*_):
        journal.append(RunFinished(FinishReason.CANCELLED, "the run was stopped"))
        os._exit(1)
    signal.signal(signal.SIGINT, cancel)
    (out / "waits").touch()
    time.sleep(60)
journal.append(RunFinished(FinishReason.COMPLETED))
"""


class Stage:
    """Keeps an actor going, on a clock of its own, and notes what is said and waited."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.out = folder / "run"
        self.said: list[str] = []
        self.waits: list[float] = []
        self.time = 0.0
        script = folder / "actor.py"
        script.write_text(ACTOR)
        self._program = (sys.executable, str(script), str(self.out), ",".join(words))

    def keep_going(self, most: int = 5, arguments: Sequence[str] = ("run", "recipe")) -> int:
        return keep_going(
            arguments, self.out, most, self.said.append, self._program, self._wait, self._now
        )

    @property
    def lives(self) -> list[str]:
        return self.out.with_suffix(".lives").read_text().splitlines()

    def _wait(self, duration: float) -> bool:
        self.waits.append(duration)
        self.time += duration
        return False

    def _now(self) -> float:
        return self.time


def test_a_run_whose_process_dies_is_resumed_until_it_has_completed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "die", "die", "finish")
    assert stage.keep_going(arguments=("run", "recipe", "--json")) == 0
    resume = f"resume {stage.out} --json"
    assert stage.lives == ["run recipe --json", resume, resume]
    assert stage.waits == [1.0, 2.0]
    assert "exit code 9 after record 0; it is resumed in 1 s" in stage.said[0]
    finished = open_run(stage.out).finished
    assert finished is not None
    assert finished.reason == FinishReason.COMPLETED


def test_it_is_resumed_so_often_within_an_hour_and_no_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path, *["die"] * 9)
    assert stage.keep_going(most=2) == 9
    assert len(stage.lives) == 3
    assert stage.said[-1] == "not resumed: it was resumed 2 times within an hour"


def test_after_an_hour_it_may_be_resumed_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "die", "die", "finish")
    hours = iter(range(9))
    stage._now = lambda: 4000.0 * next(hours)  # type: ignore[method-assign]
    assert stage.keep_going(most=1) == 0


def test_one_that_comes_no_further_is_left_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "die", *["refuse"] * 9)
    assert stage.keep_going(most=100) == 1
    assert len(stage.lives) == 5
    assert "it has come no further 4 times in a row" in stage.said[-1]


def test_another_run_that_lies_in_the_folder_is_not_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "refuse", "finish")
    with Journal(stage.out / FILE_NAME, lambda: 0.0) as journal:
        journal.append(BEGUN)
    assert stage.keep_going() == 1
    assert stage.lives == ["run recipe"]
    assert "the run did not begin" in stage.said[-1]


def test_a_command_that_refused_is_not_given_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "refuse", "finish")
    assert stage.keep_going() == 1
    assert "before there was a run" in stage.said[-1]


def ended(reason: FinishReason, message: str = "") -> RunFinished:
    return RunFinished(reason, message)


def paused(kind: str) -> Intervention:
    return Intervention("Ada", "wait", kind=kind)


@pytest.mark.parametrize(
    ("events", "resumes", "why"),
    [
        ((), True, "exit code -9 after record 0"),
        ((LOST, ended(FinishReason.FAILED, LOST.message)), True, "the cable is out"),
        ((LOST, ended(FinishReason.FAILED, "no candidates")), False, "would again: no candidates"),
        ((ended(FinishReason.FAILED, "KeyError: x"),), False, "would again: KeyError: x"),
        ((ended(FinishReason.CANCELLED),), False, "was cancelled"),
        ((LOST, ended(FinishReason.EMERGENCY)), False, "a human has to look"),
        ((TipWithdrawn("watchdog", True, "crash"),), False, "a human has to look"),
        ((ended(FinishReason.COMPLETED),), True, "when the run was over"),
        ((ended(FinishReason.FAILED), RunContinued()), True, "after record 2"),
        ((ended(FinishReason.EMERGENCY), RunContinued(), StepStarted(0, "x")), True, "record 3"),
        ((paused(PAUSE),), False, "a human has paused the run"),
        ((paused(PAUSE), paused(RESUME)), True, "after record 2"),
        ((paused(PAUSE), RunContinued()), True, "after record 2"),
    ],
    ids=lambda value: value[0].__class__.__name__ if value and type(value) is tuple else None,
)
def test_the_journal_says_whether_it_is_resumed(
    events: tuple[Event, ...], resumes: bool, why: str, tmp_path: Path
) -> None:
    with Journal(tmp_path / FILE_NAME, lambda: 0.0) as journal:
        for event in (BEGUN, *events):
            journal.append(event)
    verdict = judge(tmp_path, -9)
    assert verdict.resumes == resumes
    assert why in verdict.why


def test_what_cannot_be_read_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no journal at all")
    assert not judge(tmp_path, 1).resumes


@pytest.mark.skipif(sys.platform == "win32", reason="there each process is told by the console")
def test_ctrl_c_is_passed_on_once_and_the_run_is_not_resumed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "wait", "finish")

    def press() -> None:
        while not (stage.out / "waits").exists():
            if over.wait(0.01):
                return
        os.kill(os.getpid(), signal.SIGINT)

    over = threading.Event()
    presser = threading.Thread(target=press)
    presser.start()
    try:
        assert stage.keep_going() == 1
    finally:
        over.set()
        presser.join()
    assert stage.lives == ["run recipe"]
    finished = open_run(stage.out).finished
    assert finished is not None
    assert finished.reason == FinishReason.CANCELLED


@pytest.mark.skipif(sys.platform == "win32", reason="there each process is told by the console")
def test_ctrl_c_while_it_waits_ends_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "die", "finish")
    stage._wait = lambda _: bool(os.kill(os.getpid(), signal.SIGINT))  # type: ignore[method-assign]
    assert stage.keep_going() == 9
    assert stage.said[-1] == "not resumed: somebody pressed Ctrl-C"
    assert stage.lives == ["run recipe"]


def test_the_command_line_keeps_a_run_going(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("--lab", LAB, "--out", out, *SMALL, "--set=steps[1].agent={kind = 'random'}")
    assert command("run", RECIPE, *words, "--keep-going", "2")[0] == 0
    assert open_run(out).finished is not None


def test_the_arguments_are_those_of_the_command_line(tmp_path: Path) -> None:
    words = run_arguments(RECIPE, LAB, tmp_path, 3, ["a=1"], "--json")
    assert words[:2] == ["run", str(RECIPE)]
    assert words[-4:] == ["--seed", "3", "--set=a=1", "--json"]
