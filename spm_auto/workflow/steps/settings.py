"""Settings that several steps share: the frame of a scan and the bias waveform of a spectrum."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...agents import ForbidRegion
from ...instrument import AcquireForceCurve, AcquireSpectrum, BiasWaveform, ScanFrame
from ...units import Angle, Bias, Duration, Force, Frequency, Length

MOST_POINTS = 100_000  # of a waveform

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
    points: Annotated[int, Field(ge=4, le=MOST_POINTS, multiple_of=4)] = 64
    offset: Bias = 0.0
    dwell: Duration = 8e-3
    cycles: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _is_a_waveform(self) -> "TriangleSettings":
        self.waveform()
        return self

    def waveform(
        self, amplitude: float | None = None, duration: float | None = None
    ) -> BiasWaveform:
        """Return the waveform, with another amplitude [V] where one is given.

        Raises:
            ValueError: A duration [s] is given: a loop has none to choose.
        """
        _refuse_duration(self.kind, duration)
        height = self.amplitude if amplitude is None else amplitude
        return BiasWaveform.triangle(height, self.points, self.offset, self.dwell, self.cycles)


class SweepSettings(BaseModel):
    """A linear sweep: ``{kind = "sweep", start = "-1 V", stop = "1 V", points = 101}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["sweep"]
    start: Bias
    stop: Bias
    points: Annotated[int, Field(ge=2, le=MOST_POINTS)] = 101
    dwell: Duration = 8e-3
    backward: bool = False

    @model_validator(mode="after")
    def _is_a_waveform(self) -> "SweepSettings":
        self.waveform()
        return self

    def waveform(
        self, amplitude: float | None = None, duration: float | None = None
    ) -> BiasWaveform:
        """Return the waveform; with an amplitude [V] it runs from minus to plus the amplitude.

        Raises:
            ValueError: A duration [s] is given: a sweep has none to choose.
        """
        _refuse_duration(self.kind, duration)
        start, stop = (self.start, self.stop) if amplitude is None else (-amplitude, amplitude)
        return BiasWaveform.sweep(start, stop, self.points, self.dwell, self.backward)


class PulseSettings(BaseModel):
    """A pulse and what it left: ``{kind = "pulse", amplitude = "6 V", duration = "50 ms"}``.

    The response is read at 0 V before the pulse and after it. All points have the same dwell, so
    that the pulse lasts as many points as come nearest to its duration.

    Attributes:
        amplitude: Height of the pulse [V].
        duration: Length of the pulse [s].
        points: Points at 0 V, before and again after the pulse.
        dwell: Time at each point [s].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["pulse"]
    amplitude: Bias
    duration: Duration = 50e-3
    points: Annotated[int, Field(ge=1, le=10_000)] = 8
    dwell: Duration = 5e-3

    @model_validator(mode="after")
    def _is_a_waveform(self) -> "PulseSettings":
        self.waveform()
        return self

    def waveform(
        self, amplitude: float | None = None, duration: float | None = None
    ) -> BiasWaveform:
        """Return the waveform, with another amplitude [V] or duration [s] where one is given.

        Raises:
            ValueError: The pulse is shorter than a point, or has more points than are allowed.
        """
        height = self.amplitude if amplitude is None else amplitude
        length = self.duration if duration is None else duration
        if not self.dwell > 0:
            raise ValueError(f"a waveform's dwell must be positive, got {self.dwell:g} s")
        points = length / self.dwell
        if points > MOST_POINTS:
            raise ValueError(
                f"a pulse of {length:g} s has {points:g} points of {self.dwell:g} s; "
                f"at most {MOST_POINTS} are allowed"
            )
        steps = round(points)
        if steps < 1:
            raise ValueError(f"a pulse of {length:g} s is shorter than a point of {self.dwell:g} s")
        rest = (0.0,) * self.points
        return BiasWaveform((*rest, *(height,) * steps, *rest), self.dwell)


def _refuse_duration(kind: str, duration: float | None) -> None:
    if duration is not None:
        raise ValueError(f"a {kind} has no duration to choose; a pulse has")


WaveformSettings = Annotated[
    TriangleSettings | SweepSettings | PulseSettings, Field(discriminator="kind")
]


class CurveSettings(BaseModel):
    """A force curve in place of a waveform: ``{trigger = "20 nN", distance = "100 nm"}``.

    Attributes:
        trigger: Force at which the probe turns back [N].
        distance: Travel of the ramp [m].
        points: Points of each direction.
        rate: Curves per second [Hz].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    trigger: Annotated[Force, Field(gt=0)] = 10e-9
    distance: Annotated[Length, Field(gt=0)] = 100e-9
    points: Annotated[int, Field(ge=2, le=MOST_POINTS)] = 512
    rate: Annotated[Frequency, Field(gt=0)] = 1.0

    def at(self, x: float, y: float) -> AcquireForceCurve:
        """Return the instruction for a place [m]."""
        return AcquireForceCurve(x, y, self.trigger, self.distance, self.points, self.rate)


def instruction_at(
    x: float, y: float, waveform: WaveformSettings | None, curve: CurveSettings | None
) -> AcquireSpectrum | AcquireForceCurve:
    """Return what is measured at a place [m]: a spectrum, or a force curve where one is set."""
    if curve is not None:
        return curve.at(x, y)
    if waveform is None:
        raise ValueError("neither a waveform nor a curve is set")
    return AcquireSpectrum(x, y, waveform.waveform())


def check_one(waveform: WaveformSettings | None, curve: CurveSettings | None) -> None:
    """Refuse both a waveform and a curve, and neither.

    Raises:
        ValueError: It is both or neither.
    """
    if (waveform is None) == (curve is None):
        both = "not both" if waveform is not None else "got neither"
        raise ValueError(f"a point is measured by a waveform or by a force curve, {both}")


class RegionSettings(BaseModel):
    """A part of the sample: ``{center = ["0 nm", "0 nm"], radius = "200 nm"}``, or a ``size``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    center: tuple[Length, Length]
    size: tuple[Length, Length] | None = None
    radius: Length | None = None

    @model_validator(mode="after")
    def _is_a_region(self) -> "RegionSettings":
        self.region()
        return self

    def region(self) -> ForbidRegion:
        """Return the region as one that is forbidden."""
        return ForbidRegion(self.center, size=self.size, radius=self.radius)
