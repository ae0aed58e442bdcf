"""Block: a step made of steps."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ...data import StepStarted
from ...errors import RecipeError
from ...instrument import Instruction, Scan
from ...settings import Plugin
from ..requests import Note
from .base import Outline, Step, StepContext, StepGenerator

Steps = Annotated[tuple[Annotated[Step, Plugin("steps")], ...], Field(min_length=1)]


class Block(Step):
    """Steps that are done in order; each kind of block says how often, or under what care.

    Attributes:
        steps: What to do.
    """

    steps: Steps

    def once(self, context: StepContext, turn: int = 0) -> StepGenerator:
        """Do the steps once, in order, and return the last image that one of them returned.

        Args:
            context: Of the block.
            turn: Which round this is, counted from 0.
        """
        last = None
        for number, step in enumerate(self.steps):
            inner = context.inside(turn, number)
            yield Note(StepStarted(context.index, step.kind, inner.path))
            image = yield from step.run(inner)
            context.knowledge.keep(image)
            last = image or last
        return last

    def warm_up(self) -> None:
        """Do what takes long for the steps."""
        for step in self.steps:
            step.warm_up()

    def needs_answers(self, every: int | None) -> bool:
        """Say whether a human will be asked by one of the steps."""
        return any(step.needs_answers(every) for step in self.steps)

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return the instructions of all steps in order, once."""
        known: list[Instruction] = []
        for number, (step, scan) in enumerate(self._with_scans(before)):
            try:
                known += step.preview(scan)
            except RecipeError as error:
                raise RecipeError(_deeper(number, str(error))) from error
        return known

    def outline(self, before: Scan | None) -> Outline:
        """Return the block with what its steps are about to do."""
        inner = tuple(step.outline(scan) for step, scan in self._with_scans(before))
        return Outline(self.kind, inner=inner)

    def notes_size(self, before: Scan | None) -> int:
        """Return how many bytes the notes of all steps take, once."""
        return sum(step.notes_size(scan) for step, scan in self._with_scans(before))

    def _with_scans(self, before: Scan | None) -> list[tuple[Step, Scan | None]]:
        """Return each step with the last scan before it."""
        found, scan = [], before
        for number, step in enumerate(self.steps):
            found.append((step, scan))
            try:
                scan = last_scan(step.preview(scan), scan)
            except RecipeError as error:
                raise RecipeError(_deeper(number, str(error))) from error
        return found


def last_scan(instructions: Sequence[Instruction], before: Scan | None) -> Scan | None:
    """Return the last scan of some instructions; the one before where they have none."""
    scans = [each for each in instructions if isinstance(each, Scan)]
    return scans[-1] if scans else before


def _deeper(number: int, said: str) -> str:
    """Put the number of a step before what is wrong inside of it."""
    return f"steps[{number}]{'.' if said.startswith('steps[') else ': '}{said}"
