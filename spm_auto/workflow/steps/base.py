"""Step: settings in a recipe that turn into a generator of instructions."""

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from ...errors import BudgetSpent, InstrumentError
from ...instrument import Instruction, Scan, ScanImage
from ..knowledge import Knowledge
from ..requests import Request

if TYPE_CHECKING:
    from .tip_care import TipCare

StepGenerator = Generator[Request, Any, ScanImage | None]


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step knows of the run around it.

    Attributes:
        seed: Root of the run's randomness.
        index: Which step of the recipe this is.
        images: Images that earlier steps returned, in order.
        tip: Looks after the tip; None where nobody does.
        path: Where it stands inside that step, when that is a block: round and number, alternately.
        knowledge: What the run has learned so far; shared by all steps.
    """

    seed: int
    index: int
    images: tuple[ScanImage, ...] = ()
    tip: "TipCare | None" = None
    path: tuple[int, ...] = ()
    knowledge: Knowledge = field(default_factory=Knowledge, compare=False)

    def rng(self) -> np.random.Generator:
        """Return this step's own randomness: it does not depend on what other steps draw."""
        key = (self.index, *self.path)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def inside(self, turn: int, number: int) -> "StepContext":
        """Return the context of a step inside of this one.

        Args:
            turn: Which round of the block, counted from 0.
            number: Which of the block's steps, counted from 0.
        """
        images = tuple(self.knowledge.images) or self.images
        return replace(self, path=(*self.path, turn, number), images=images)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a step is about to do, as far as it is known before the run.

    Attributes:
        kind: Kind of step.
        instructions: Its own instructions of a round, in order; those of inner steps left out.
        waiting: Time that it waits on purpose in a round [s].
        inner: What its inner steps are about to do, in one round.
        rounds: How many rounds there will be, at most.
        longest: Time after which it ends, whatever is left to do [s]. With several rounds this and
            the two below are looked at after each round, else before each instruction.
        spectra: Spectra and force curves after which it ends.
        exposure: Bias times duration after which it ends [V s].
        choices: How many of its spectra an agent will choose; the frame's middle stands for them.
        is_beside: Whether the agent thinks while the instrument measures.
        asks: How often a human will be asked, at most.
    """

    kind: str
    instructions: tuple[Instruction, ...] = ()
    waiting: float = 0.0
    inner: tuple["Outline", ...] = ()
    rounds: int = 1
    longest: float = math.inf
    spectra: float = math.inf
    exposure: float = math.inf
    choices: int = 0
    is_beside: bool = True
    asks: int = 0


class Step(BaseModel):
    """A step of a recipe; each kind derives its own and names it a plugin (``spm_auto.steps``).

    A step is driven like this: `run` yields an instruction or another request, and is sent the
    result. It owns no thread, no file and no instrument, so a test can play the instrument by hand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str

    def run(self, context: StepContext) -> StepGenerator:
        """Yield requests, receive results, and return the image that later steps look at.

        Where what a block may use is used up, `BudgetSpent` is thrown in at an instruction; a step
        that has something to conclude catches it, and gives no further instructions.
        """
        raise TypeError(f"step {self.kind!r} does not say what to do: {context}")

    def warm_up(self) -> None:
        """Do what takes long and needs no instrument, beside the first instructions of the run."""

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return the instructions as far as they are known before the run, a block's rounds once.

        They are checked against the limits before anything moves, and their times are added up for
        the plan. Where an agent will choose the points, the frame's middle stands for them.

        Args:
            before: The last scan of the steps before; None when there is none.
        """
        raise TypeError(f"step {self.kind!r} does not say what it is about to do: {before}")

    def outline(self, before: Scan | None) -> Outline:
        """Return what the step is about to do, for the plan; see `preview`."""
        return Outline(self.kind, tuple(self.preview(before)))

    def needs_answers(self, every: int | None) -> bool:  # noqa: ARG002
        """Say whether a human will be asked; a block asks for the steps in it.

        Args:
            every: What was set for the run, as `Ask.every`; None leaves it to the step.
        """
        return False

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return how many bytes the step's notes take in the journal, at most.

        The results of its instructions are counted without it. Nothing here: a step that lets an
        agent choose, or notes arrays, says how much.

        Args:
            before: The last scan of the steps before; None when there is none.
        """
        return 0


def served(
    step: StepGenerator, serve: Callable[[Request], Generator[Request, Any, Any]]
) -> StepGenerator:
    """Drive a step inside of another one, and return what it returns.

    Args:
        step: The inner one.
        serve: Answers each of its requests, as the outer one: by passing it on, changed or not, and
            by yielding what else is needed. What it raises of `InstrumentError` and `BudgetSpent`
            is thrown into the inner step.
    """
    with closing(step):
        try:
            request = next(step)
            while True:
                try:
                    answer = yield from serve(request)
                except (InstrumentError, BudgetSpent) as error:
                    request = step.throw(error)
                else:
                    request = step.send(answer)
        except StopIteration as end:
            image: ScanImage | None = end.value
            return image
