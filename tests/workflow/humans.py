"""A human who steps into a run at certain moments, also when it is killed and resumed meanwhile."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import PATIENCE
from ohmic_runs import new_runner
from resuming import records_of, resumed_runner, story

from spm_auto.agents import ForbidRegion, ForcePoint, Prefer, Rescalarize, SetExploration, Steering
from spm_auto.data import (
    FILE_NAME,
    Intervention,
    Judged,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    SpectrumScored,
    Verdict,
)
from spm_auto.workflow import Ask, Runner, Step

WHO = "Ada"
_TICK = 0.002  # [s] how often it is looked whether the run asks


@dataclass(frozen=True, slots=True)
class Act:
    """What a human does to a run, after an event has come so many times.

    Attributes:
        event: Name of the event.
        count: How many times.
        do: What.
    """

    event: str
    count: int
    do: "Callable[[Human], object]"


def steer(steering: Steering, why: str = "") -> "Callable[[Human], object]":
    """Ask an agent for something."""
    return lambda human: human.runner.steer(steering, WHO, why)


@dataclass(slots=True, eq=False)
class Human:
    """Does one thing after another, as a person would who reads along; knows what was recorded.

    Attributes:
        acts: What, in order; each leaves one intervention.
        answer: Answers what the run asks, knowing the answers before.
        runner: The run.
    """

    acts: Sequence[Act]
    answer: Callable[[Ask, Sequence[Judged]], tuple[Verdict, dict]]
    runner: Runner = field(init=False)
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    scored: list[SpectrumScored] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)

    def remember(self, records: Sequence[Record]) -> None:
        """Know what is on record; what was said and is not, is said again."""
        for record in records:
            self._see(record)
        self.done = sum(isinstance(record.event, Intervention) for record in records)

    def __call__(self, record: Record) -> None:
        """See a record, and act."""
        self._see(record)
        self.act()

    def act(self) -> None:
        """Do what is due."""
        while self.done < len(self.acts):
            act = self.acts[self.done]
            if self.counts[act.event] < act.count:
                return
            self.done += 1
            act.do(self)

    def _see(self, record: Record) -> None:
        self.counts[type(record.event).__name__] += 1
        match record.event:
            case SpectrumScored() as scored:
                self.scored.append(scored)
            case Judged() as judged:
                self.judged.append(judged)
            case Intervention(kind="pause"):
                self.counts["paused by a human"] += 1

    def attend(self, steps: Sequence[Step], seed: int = 1) -> RunFinished:
        """Let the run be carried out, and answer what it asks."""
        self.runner.hear()
        self.runner.start(steps, seed)
        answered = 0
        for _ in range(int(PATIENCE / _TICK)):
            if self.runner.wait(_TICK):
                break
            question = self.runner.question
            if question is not None and question.number != answered:
                answered = question.number
                verdict, values = self.answer(question.ask, self.judged)
                self.runner.answer(verdict, WHO, "a hunch", values, question.number)
        finished = self.runner.finished
        assert finished is not None, "the run hangs"
        return finished


def begin(folder: Path, human: Human, steps: Sequence[Step]) -> RunFinished:
    """Carry out a run that a human attends."""
    human.runner = new_runner(folder, listeners=(human,))
    human.act()
    return human.attend(steps)


def resume(folder: Path, human: Human, steps: Sequence[Step]) -> RunFinished:
    """Go on with it; the human remembers what is on record."""
    assert (folder / FILE_NAME).exists()
    human.remember(records_of(folder))
    human.runner = resumed_runner(folder, listeners=(human,))
    human.act()
    return human.attend(steps)


def told(folder: Path) -> list[tuple[str, float, bytes]]:
    """Return what a run says, to the last bit, but for when it stood still.

    A kill ends a pause, so when the human who paused it lets it go on is left out, too.
    """
    told = iter(story(folder))
    said = []
    for record in records_of(folder):
        match record.event:
            case RunContinued():
                continue
            case RunPaused() | RunResumed() | Intervention(kind="resume"):
                next(told)
            case _:
                said.append(next(told))
    return said


__all__ = [
    "WHO", "Act", "ForbidRegion", "ForcePoint", "Human", "Prefer", "Rescalarize", "SetExploration",
    "begin", "resume", "steer", "told",
]  # fmt: skip
