"""The overview step: scan a frame; what comes after looks at this image."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ...instrument import Instruction, Scan, ScanImage
from ...units import Frequency
from .base import Step, StepContext, StepGenerator
from .settings import FrameSettings


class OverviewStep(Step):
    """Scan a frame.

    Attributes:
        frame: Where and how finely.
        channels: Channels to record; empty for all that the instrument has.
        line_rate: Lines per second, each forward and backward [Hz].
    """

    kind: Literal["overview"]
    frame: FrameSettings
    channels: tuple[str, ...] = ()
    line_rate: Annotated[Frequency, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _is_a_scan(self) -> "OverviewStep":
        self._scan()
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return the scan."""
        return [self._scan()]

    def run(self, context: StepContext) -> StepGenerator:  # noqa: ARG002
        """Scan, and hand the image on."""
        image: ScanImage = yield self._scan()
        return image

    def _scan(self) -> Scan:
        return Scan(self.frame.frame(), self.channels, self.line_rate, "overview")
