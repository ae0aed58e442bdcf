"""Approval: a human is asked about what is proposed, and about going on at all."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...agents import ForcePoint, Order, Proposal
from ...data import Judged
from ...errors import Stopped
from ...instrument import Instruction, Scan
from ...units import format as format_quantity
from ..asked import ends_a_run
from ..requests import Ask
from .base import Outline, Step, StepContext, StepGenerator

NEVER = 0


class EveryNth(BaseModel):
    """A human is asked about every so many-th: ``{every = 5}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    every: Annotated[int, Field(ge=1, le=1_000_000)]


ApprovalSettings = Literal["never", "every"] | EveryNth


def every_of(approval: ApprovalSettings) -> int:
    """Return how often a human is asked, as `Ask.every`."""
    if isinstance(approval, EveryNth):
        return approval.every
    return 1 if approval == "every" else NEVER


def question(proposal: Proposal, every: int, number: int) -> Ask:
    """Return what a human is asked about a point.

    Args:
        proposal: Where the agent wants to measure.
        every: How often a human is asked.
        number: Which spectrum this would be, counted from 1.
    """
    x, y = (format_quantity(value, "m", 4) for value in (proposal.x, proposal.y))
    values: dict[str, Any] = {"x": proposal.x, "y": proposal.y}
    said = f"measure at ({x}, {y})"
    if not math.isnan(proposal.bias):
        values["bias"] = proposal.bias
        said += f" with {format_quantity(proposal.bias, 'V', 4)}"
    because = proposal.reason
    if not math.isnan(proposal.mean):
        because += f"; expected {proposal.mean:.4g}"
        if not math.isnan(proposal.deviation):
            because += f" ± {proposal.deviation:.2g}"
    return Ask("point", f"spectrum {number}: {said}? ({because})", values, every, number)


def instead(judged: Judged, proposal: Proposal) -> Order:
    """Return the order to measure where a human wants it, in place of a proposal."""
    values = {"x": proposal.x, "y": proposal.y, **judged.values}
    return Order(ForcePoint(**values), judged.who, judged.why)


class ApproveStep(Step):
    """Wait for a human before going on.

    Whoever says no ends the run as cancelled, with what he says as the reason; a run that is
    resumed asks him again.

    Attributes:
        message: What he is asked.
    """

    kind: Literal["approve"]
    message: Annotated[str, Field(min_length=1, max_length=1000)]

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return nothing: no instruction is given."""
        return []

    def outline(self, before: Scan | None) -> Outline:  # noqa: ARG002
        """Return that a human is asked."""
        return Outline(self.kind, asks=1)

    def needs_answers(self, every: int | None) -> bool:  # noqa: ARG002
        """Say that a human is asked, whatever was set for the run."""
        return True

    def run(self, context: StepContext) -> StepGenerator:
        """Ask.

        Raises:
            Stopped: A human said no.
        """
        judged: Judged | None = yield Ask("step", self.message, is_needed=True)
        if judged is not None and ends_a_run(judged):
            why = f": {judged.why}" if judged.why else ""
            raise Stopped(f"{judged.who} said no to {self.message!r}{why}")
        return context.images[-1] if context.images else None
