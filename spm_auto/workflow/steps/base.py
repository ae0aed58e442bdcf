"""Step: settings in a recipe that turn into a generator of instructions."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from ...instrument import Instruction, Scan, ScanImage
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
    """

    seed: int
    index: int
    images: tuple[ScanImage, ...] = ()
    tip: "TipCare | None" = None

    def rng(self) -> np.random.Generator:
        """Return this step's own randomness: it does not depend on what other steps draw."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.index,)))


class Step(BaseModel):
    """A step of a recipe; each kind derives its own and names it a plugin (``spm_auto.steps``).

    A step is driven like this: `run` yields an instruction or another request, and is sent the
    result. It owns no thread, no file and no instrument, so a test can play the instrument by hand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str

    def run(self, context: StepContext) -> StepGenerator:
        """Yield requests, receive results, and return the image that later steps look at."""
        raise TypeError(f"step {self.kind!r} does not say what to do: {context}")

    def warm_up(self) -> None:
        """Do what takes long and needs no instrument, beside the first instructions of the run."""

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return the instructions as far as they are known before the run.

        They are checked against the limits before anything moves, and their times are added up for
        the plan. Where an agent will choose the points, the frame's middle stands for them.

        Args:
            before: The last scan of the steps before; None when there is none.
        """
        raise TypeError(f"step {self.kind!r} does not say what it is about to do: {before}")

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return how many bytes the step's notes take in the journal, at most.

        The results of its instructions are counted without it. Nothing here: a step that lets an
        agent choose, or notes arrays, says how much.

        Args:
            before: The last scan of the steps before; None when there is none.
        """
        return 0
