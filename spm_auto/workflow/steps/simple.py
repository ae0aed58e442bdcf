"""Steps of a few instructions: load, tune, wait, spectra along a line or at given points."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from ...instrument import Instruction, Load, Scan, ScanImage
from ...units import Duration, Length
from ..requests import Wait
from .base import Outline, Step, StepContext, StepGenerator
from .settings import CurveSettings, WaveformSettings, check_one, instruction_at

Place = tuple[Length, Length]


class LoadStep(Step):
    """Load a sample.

    Attributes:
        sample: Its name, for the record; empty keeps what is mounted.
    """

    kind: Literal["load"]
    sample: str = ""

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return the loading."""
        return [Load(self.sample)]

    def run(self, context: StepContext) -> StepGenerator:  # noqa: ARG002
        """Load."""
        yield Load(self.sample)
        return None


class TuneStep(Step):
    """Tune the instrument again, with the sample that is mounted."""

    kind: Literal["tune"]

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return the tuning."""
        return [Load()]

    def run(self, context: StepContext) -> StepGenerator:  # noqa: ARG002
        """Tune."""
        yield Load()
        return None


class WaitStep(Step):
    """Wait: for creep to fade, for a sample to warm up.

    Attributes:
        duration: How long.
    """

    kind: Literal["wait"]
    duration: Annotated[Duration, Field(gt=0)]

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return nothing: no instruction is given."""
        return []

    def outline(self, before: Scan | None) -> Outline:  # noqa: ARG002
        """Return the waiting."""
        return Outline(self.kind, waiting=self.duration)

    def run(self, context: StepContext) -> StepGenerator:  # noqa: ARG002
        """Wait."""
        yield Wait(self.duration)
        return None


class PointsStep(Step):
    """Take spectra at given points, in order.

    Attributes:
        waveform: The biases to step through at each point.
        curve: A force curve at each point, in place of a waveform.
        points: Where.
    """

    kind: Literal["points"]
    waveform: WaveformSettings | None = None
    curve: CurveSettings | None = None
    points: Annotated[tuple[Place, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _measures_one_thing(self) -> "PointsStep":
        check_one(self.waveform, self.curve)
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return the spectra in order."""
        return [instruction_at(x, y, self.waveform, self.curve) for x, y in self.points]

    def run(self, context: StepContext) -> StepGenerator:
        """Take the spectra."""
        for instruction in self.preview(None):
            _ = yield instruction
        return _last(context)


class LineStep(Step):
    """Take spectra along a line.

    Attributes:
        waveform: The biases to step through at each point.
        curve: A force curve at each point, in place of a waveform.
        start: Where it begins.
        end: Where it ends.
        points: How many spectra, both ends among them.
    """

    kind: Literal["line"]
    waveform: WaveformSettings | None = None
    curve: CurveSettings | None = None
    start: Place
    end: Place
    points: Annotated[int, Field(ge=2, le=10_000)]

    @model_validator(mode="after")
    def _measures_one_thing(self) -> "LineStep":
        check_one(self.waveform, self.curve)
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return the spectra in order."""
        along = np.linspace(self.start, self.end, self.points)
        return [instruction_at(x, y, self.waveform, self.curve) for x, y in along.tolist()]

    def run(self, context: StepContext) -> StepGenerator:
        """Take the spectra."""
        for instruction in self.preview(None):
            _ = yield instruction
        return _last(context)


def _last(context: StepContext) -> ScanImage | None:
    """Return the image that was there before: a step without one of its own hands it on."""
    return context.images[-1] if context.images else None
