"""Settings that several steps share: the frame of a scan and the bias waveform of a spectrum."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...instrument import BiasWaveform, ScanFrame
from ...units import Angle, Bias, Duration, Length

PixelCount = Annotated[int, Field(ge=2, le=16_384)]


class FrameSettings(BaseModel):
    """Where a scan lies: ``{center = ["0 nm", "0 nm"], size = ["2 um", "2 um"]}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    center: tuple[Length, Length]
    size: tuple[Length, Length]
    pixels: tuple[PixelCount, PixelCount] = (256, 256)
    angle: Angle = 0.0

    @model_validator(mode="after")
    def _is_a_frame(self) -> "FrameSettings":
        self.frame()
        return self

    def frame(self) -> ScanFrame:
        """Return the frame."""
        return ScanFrame(self.center, self.size, self.pixels, self.angle)


class TriangleSettings(BaseModel):
    """A hysteresis loop: ``{kind = "triangle", amplitude = "8.5 V", points = 64}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["triangle"]
    amplitude: Bias
    points: Annotated[int, Field(ge=4, le=100_000, multiple_of=4)] = 64
    offset: Bias = 0.0
    dwell: Duration = 8e-3
    cycles: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _is_a_waveform(self) -> "TriangleSettings":
        self.waveform()
        return self

    def waveform(self, amplitude: float | None = None) -> BiasWaveform:
        """Return the waveform, with another amplitude [V] where one is given."""
        height = self.amplitude if amplitude is None else amplitude
        return BiasWaveform.triangle(height, self.points, self.offset, self.dwell, self.cycles)


class SweepSettings(BaseModel):
    """A linear sweep: ``{kind = "sweep", start = "-1 V", stop = "1 V", points = 101}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["sweep"]
    start: Bias
    stop: Bias
    points: Annotated[int, Field(ge=2, le=100_000)] = 101
    dwell: Duration = 8e-3
    backward: bool = False

    @model_validator(mode="after")
    def _is_a_waveform(self) -> "SweepSettings":
        self.waveform()
        return self

    def waveform(self, amplitude: float | None = None) -> BiasWaveform:
        """Return the waveform; with an amplitude [V] it runs from minus to plus the amplitude."""
        start, stop = (self.start, self.stop) if amplitude is None else (-amplitude, amplitude)
        return BiasWaveform.sweep(start, stop, self.points, self.dwell, self.backward)


WaveformSettings = Annotated[TriangleSettings | SweepSettings, Field(discriminator="kind")]
