"""ByHandStep: a human says what is done, one thing after another."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ...data import ASIDE, Judged, Verdict
from ...errors import BudgetSpent, InstrumentError, RecipeError
from ...instrument import Instruction, Scan, ScanImage
from ..handwork import instructions_from_text
from ..requests import BY_HAND, INSTRUCTIONS, Ask, ByHand
from .base import Outline, Step, StepContext, StepGenerator

_LONGEST = 400  # characters of what went wrong, in the next question


class ByHandStep(Step):
    """Do what a human wants, until he says that nothing more is to be done.

    It asks, and the answer is what shall be done (see `spm_auto.workflow.handwork`): checked by the
    guard and recorded as any other instruction. What is refused, or ended half-way, is recorded,
    the rest of a list is left, and it asks again. The last complete image is what later steps look
    at.

    Attributes:
        message: What is asked.
    """

    kind: Literal["by_hand"]
    message: Annotated[str, Field(min_length=1, max_length=1000)] = "What shall be done by hand?"

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return nothing: nobody knows yet what he will want."""
        return []

    def outline(self, before: Scan | None) -> Outline:  # noqa: ARG002
        """Return that a human is asked."""
        return Outline(self.kind, asks=1)

    def needs_answers(self, every: int | None) -> bool:  # noqa: ARG002
        """Say that a human is asked, whatever was set for the run."""
        return True

    def run(self, context: StepContext) -> StepGenerator:
        """Ask, do it, and ask again."""
        image = context.images[-1] if context.images else None
        said = ""
        while True:
            ask = Ask(BY_HAND, said + self.message, {INSTRUCTIONS: ""}, is_needed=True)
            judged: Judged | None = yield ask
            if judged is None or judged.verdict is not Verdict.EDITED:
                return image
            try:
                todo = instructions_from_text(str(judged.values.get(INSTRUCTIONS, "")))
            except RecipeError as error:
                said = _said(error)
                continue
            yield ByHand()
            try:
                for left in range(len(todo) - 1, -1, -1):
                    instruction = todo[-1 - left]
                    result = yield instruction
                    if _is_image(instruction, result):
                        image = result
            except InstrumentError as error:
                dropped = f"; {left} more were left out" if left else ""
                said = _said(error, f"{type(instruction).__name__}: ", dropped)
            except BudgetSpent:
                yield ByHand(is_over=True)
                return image
            else:
                said = ""
            yield ByHand(is_over=True)


def _is_image(instruction: Instruction, result: object) -> bool:
    """Say whether later steps may look at what an instruction gave."""
    is_whole = isinstance(result, ScanImage) and result.is_complete
    return is_whole and isinstance(instruction, Scan) and instruction.purpose not in ASIDE


def _said(error: Exception, what: str = "", more: str = "") -> str:
    return f"{what}{str(error)[:_LONGEST]}{more}. "
