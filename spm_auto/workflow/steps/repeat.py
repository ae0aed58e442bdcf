"""Blocks that say how often, and how much: repeat until, and within a budget."""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ...errors import BudgetSpent
from ...instrument import Instruction, Scan, ScanImage
from ..requests import Request, Wait
from .base import Outline, StepContext, StepGenerator, served
from .block import Block
from .criteria import AnyCriterion, ExposureCriterion, SpectraCriterion, Tally

_INSTRUCTIONS = get_args(Instruction)


class RepeatBlock(Block):
    """Do steps again and again, until something is so, looked at after each round.

    Attributes:
        times: How many rounds, at most.
        until: When it is enough; the first one that is met ends it.
    """

    kind: Literal["repeat"]
    times: Annotated[int, Field(ge=1, le=100_000)]
    until: tuple[AnyCriterion, ...] = ()

    def run(self, context: StepContext) -> StepGenerator:
        """Repeat."""
        tally = yield from _begun(context)
        last = None
        for turn in range(self.times):
            image = yield from served(self.once(context, turn), lambda r: _counted(r, tally))
            last = image or last
            tally.now = yield Wait()
            if any(criterion.is_met(tally) for criterion in self.until):
                break
        return last

    def outline(self, before: Scan | None) -> Outline:
        """Return the rounds."""
        inner = super().outline(before).inner
        return replace(_ended(self.kind, self.until), inner=inner, rounds=self.times)

    def notes_size(self, before: Scan | None) -> int:
        """Return how many bytes the notes of all rounds take, at most."""
        return self.times * super().notes_size(before)


class WithinBlock(Block):
    """Do steps within a budget: where it is spent they conclude, and the block ends.

    It is looked at before each instruction; one that has begun comes to its end.

    Attributes:
        budget: What may be used, or when enough is found; the first one that is met ends it.
    """

    kind: Literal["within"]
    budget: Annotated[tuple[AnyCriterion, ...], Field(min_length=1)]

    def run(self, context: StepContext) -> StepGenerator:
        """Do the steps while the budget lasts."""
        tally = yield from _begun(context)

        def serve(request: Request) -> Generator[Request, Any, Any]:
            if isinstance(request, _INSTRUCTIONS):
                met = [c for c in self.budget if c.is_met(tally)]
                if met:
                    raise BudgetSpent(f"the budget of {met[0].kind} is spent")
            return (yield from _counted(request, tally))

        before = len(context.knowledge.images)
        try:
            return (yield from served(self.once(context), serve))
        except BudgetSpent:
            images: list[ScanImage] = context.knowledge.images[before:]
            return images[-1] if images else None

    def outline(self, before: Scan | None) -> Outline:
        """Return the steps with the time after which they end."""
        inner = super().outline(before).inner
        return replace(_ended(self.kind, self.budget), inner=inner)


def _ended(kind: str, criteria: Sequence[AnyCriterion]) -> Outline:
    """Return the outline of a block that ends by criteria, as far as they can be foreseen."""

    def least(of: type[SpectraCriterion | ExposureCriterion]) -> float:
        return min((c.limit for c in criteria if isinstance(c, of)), default=math.inf)

    return Outline(
        kind,
        longest=min((c.longest for c in criteria), default=math.inf),
        spectra=least(SpectraCriterion),
        exposure=least(ExposureCriterion),
    )


def _begun(context: StepContext) -> Generator[Request, Any, Tally]:
    now: float = yield Wait()
    return Tally(now, context.images[-1].frame if context.images else None)


def _counted(request: Request, tally: Tally) -> Generator[Request, Any, Any]:
    """Pass a request on, and count it."""
    answer = yield request
    tally.passed(request, answer)
    return answer
