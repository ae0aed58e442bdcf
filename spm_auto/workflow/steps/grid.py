"""The grid step: spectra on a regular grid, row by row, without an agent."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from ...errors import RecipeError
from ...instrument import AcquireForceCurve, AcquireSpectrum, Instruction, Scan, ScanFrame
from .base import Step, StepContext, StepGenerator
from .settings import (
    CurveSettings,
    FrameSettings,
    WaveformSettings,
    check_one,
    instruction_at,
)

PointCount = Annotated[int, Field(ge=2, le=10_000)]


class GridStep(Step):
    """Take spectra on a grid.

    Attributes:
        waveform: The biases to step through at each point.
        curve: A force curve at each point, in place of a waveform.
        points: Points on a row, and rows.
        frame: Where the grid lies; without it on the frame of the image before.
    """

    kind: Literal["grid"]
    waveform: WaveformSettings | None = None
    curve: CurveSettings | None = None
    points: tuple[PointCount, PointCount]
    frame: FrameSettings | None = None

    @model_validator(mode="after")
    def _measures_one_thing(self) -> "GridStep":
        check_one(self.waveform, self.curve)
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return all spectra in order."""
        return self._spectra(before.frame if before else None)

    def _spectra(self, frame: ScanFrame | None) -> list[AcquireSpectrum | AcquireForceCurve]:
        own = self.frame.frame() if self.frame else frame
        if own is None:
            raise RecipeError("a grid step needs a frame of its own, or an overview step before it")
        grid = ScanFrame(own.center, own.size, self.points, own.angle)
        rows, columns = np.indices(grid.shape)
        columns[1::2] = columns[1::2, ::-1]  # there and back, so that no move is longer than a step
        x, y = grid.to_sample(rows.ravel(), columns.ravel())
        places = zip(x.tolist(), y.tolist(), strict=True)
        return [instruction_at(px, py, self.waveform, self.curve) for px, py in places]

    def run(self, context: StepContext) -> StepGenerator:
        """Take the spectra."""
        image = context.images[-1] if context.images else None
        for instruction in self._spectra(image.frame if image else None):
            _ = yield instruction  # the spectrum; "yield from" would send it into the list
        return image
