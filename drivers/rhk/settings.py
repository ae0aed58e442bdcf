"""RhkSettings: what a lab file says of an RHK R9."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.clock import Clock
from spm_auto.instrument import BiasWaveform, Channel, DataFile, Instrument
from spm_auto.units import Bias, Current, Duration, Length, Speed
from spm_auto.wire import rhk as wire

from ..settings import DriverSettings


class ImageChannelSettings(BaseModel):
    """A channel of images.

    Attributes:
        name: As recipes and agents call it.
        unit: Its SI unit.
        label: Of its pages in the files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    unit: str
    label: str


class SpectrumChannelSettings(ImageChannelSettings):
    """A channel of spectra.

    Attributes:
        signal: As `ReadChannelValue` calls it, for spectra that are stepped.
        largest: What the signal can be at most, either sign; an answer beyond was cut off.
    """

    signal: str
    largest: Annotated[float, Field(gt=0)] = 1.0


class SweepSettings(BaseModel):
    """The sweep that the window of the spectroscopy is set to, which cannot be done from here.

    Attributes:
        start: First bias.
        stop: Last bias.
        points: Of one way.
        dwell: Time at each point.
        backward: Whether it comes back.
        cycles: How often; the curves are averaged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    start: Bias
    stop: Bias
    points: int = Field(ge=2)
    dwell: Annotated[Duration, Field(gt=0)]
    backward: bool = False
    cycles: int = Field(default=1, ge=1)

    def waveform(self) -> BiasWaveform:
        """Return it as an instruction must ask for it."""
        return BiasWaveform(
            BiasWaveform.sweep(self.start, self.stop, self.points, backward=self.backward).values,
            self.dwell,
            self.cycles,
        )


class RhkSettings(DriverSettings):
    """An RHK R9 with its program running.

    Attributes:
        host: Where the program runs.
        port: Of its text interface.
        save_path: The folder of the program's files, as this computer sees it.
        remote_path: The same folder as the program's computer sees it, to be set there; empty
            leaves it as it is.
        connect_delay: What the program needs after connecting; it ignores what comes earlier.
        quiet: An answer has no end mark: it is over when so long nothing more came.
        controller: Name of the z controller.
        height_signal: The channel that reads z, upwards away from the sample.
        image_procedure: What scans an image, and saves it.
        spectroscopy_procedure: What takes a spectrum, and saves it.
        spectroscopy_window: Name of the window of its settings.
        sweep: How spectra are taken: "stepped" sets the bias point by point with the feedback
            frozen and runs any waveform, slowly; "procedure" runs the procedure.
        procedure_sweep: What the procedure runs; for "procedure" only.
        image_channels: What images have.
        spectrum_channels: What spectra have.
        x_range: Reach of the scanner.
        y_range: Reach of the scanner.
        bias_range: Of the bias source.
        position_accuracy: How far a position may read back from where the tip was sent.
        rotation: Which way a positive rotation angle turns the frame.
        bias: Set by `load`; without one it stays.
        setpoint: Set by `load`, without sign: it gets that of the bias.
        may_set_feedback: Whether instructions may change bias and set-point.
        approach_steps: How many coarse steps `load` may take towards the sample; 0 is none.
        bound_margin: How near to its bounds z is at the bound.
        engage_time: How long feedback may take to find the sample, or to lift the tip.
        file_time: How long a file may take after its procedure has ended.
        tip_speed: Of motions between points; this and what follows is for estimates.
        frame_settling: Before the first line of a scan.
        turn_share: Share of the line time that the turns at both ends take.
        spectrum_overhead: Of the spectroscopy procedure, beyond its sweep.
    """

    kind: Literal["rhk"] = "rhk"
    host: str = "127.0.0.1"
    port: int = Field(default=wire.PORT, ge=1, le=65535)
    save_path: DataFile
    remote_path: str = ""
    connect_delay: Annotated[Duration, Field(ge=0)] = 0.1
    quiet: Annotated[Duration, Field(gt=0)] = 0.03
    controller: str = wire.CONTROLLER
    height_signal: str = wire.HEIGHT_SIGNAL
    image_procedure: str = wire.IMAGE_SCAN
    spectroscopy_procedure: str = wire.SPECTROSCOPY
    spectroscopy_window: str = wire.SPECTRA_WINDOW
    sweep: Literal["stepped", "procedure"] = "stepped"
    procedure_sweep: SweepSettings | None = None
    image_channels: tuple[ImageChannelSettings, ...] = Field(
        default=(
            ImageChannelSettings(name="height", unit="m", label="Topography"),
            ImageChannelSettings(name="current", unit="A", label="Current"),
        ),
        min_length=1,
    )
    spectrum_channels: tuple[SpectrumChannelSettings, ...] = Field(min_length=1)
    x_range: tuple[Length, Length]
    y_range: tuple[Length, Length]
    bias_range: tuple[Bias, Bias] = (-10.0, 10.0)
    position_accuracy: Annotated[Length, Field(gt=0)] = 0.5e-9
    rotation: Literal["counter-clockwise", "clockwise"] = "counter-clockwise"
    bias: Bias | None = None
    setpoint: Annotated[Current, Field(gt=0)] | None = None
    may_set_feedback: bool = True
    approach_steps: int = Field(default=0, ge=0)
    bound_margin: Annotated[Length, Field(gt=0)] = 1e-9
    engage_time: Annotated[Duration, Field(gt=0)] = 120.0
    file_time: Annotated[Duration, Field(gt=0)] = 20.0
    tip_speed: Annotated[Speed, Field(gt=0)] = 1e-6
    frame_settling: Annotated[Duration, Field(ge=0)] = 1.0
    turn_share: float = Field(default=0.1, ge=0)
    spectrum_overhead: Annotated[Duration, Field(ge=0)] = 0.2

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.sweep == "procedure" and self.procedure_sweep is None:
            raise ValueError(
                "sweep = 'procedure' needs the table procedure_sweep: what the window of the "
                "procedure is set to cannot be read from here"
            )
        for low, high in (self.x_range, self.y_range, self.bias_range):
            if not low < high:
                raise ValueError(f"a range goes from low to high, got {low} to {high}")
        return self

    def channels(self) -> tuple[tuple[Channel, ...], tuple[Channel, ...]]:
        """Return the channels of images and of spectra."""
        return (
            tuple(Channel(c.name, c.unit) for c in self.image_channels),
            tuple(Channel(c.name, c.unit) for c in self.spectrum_channels),
        )

    def open(self, clock: Clock, seed: int) -> Instrument:  # noqa: ARG002  hardware has no seed
        """Connect to the program."""
        from .driver import RhkMicroscope

        return RhkMicroscope(self, clock)
