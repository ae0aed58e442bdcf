"""AsylumSettings: what a lab file says of a microscope of Asylum Research."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.clock import Clock
from spm_auto.instrument import Channel, DataFile, Instrument
from spm_auto.units import Bias, Duration, Length, Speed

from ..settings import DriverSettings
from .folder import FolderIgor, Listener, Program
from .igor import Igor, Recording
from .zeromq import ZmqIgor


class ChannelSettings(BaseModel):
    """A channel of images.

    Attributes:
        name: As recipes and agents call it.
        unit: Its SI unit.
        label: As the files call it, without Trace and Retrace.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    unit: str
    label: str

    @property
    def channel(self) -> Channel:
        """As the instrument tells it."""
        return Channel(self.name, self.unit)


class SpectrumChannelSettings(ChannelSettings):
    """A channel of spectra.

    Attributes:
        phase: The label of a phase: the channel is the amplitude times its cosine.
    """

    phase: str = ""


IMAGE = (
    ChannelSettings(name="amplitude", unit="m", label="Amplitude"),
    ChannelSettings(name="phase", unit="rad", label="Phase"),
    ChannelSettings(name="height", unit="m", label="Height"),
)
SPECTRUM = (
    SpectrumChannelSettings(name="piezoresponse", unit="m", label="Amp", phase="Phase"),
    SpectrumChannelSettings(name="amplitude", unit="m", label="Amp"),
    SpectrumChannelSettings(name="phase", unit="rad", label="Phase"),
)


class AsylumSettings(DriverSettings):
    """A microscope of Asylum Research with its program, Igor, running.

    One of `program`, `listener` and `zeromq` says how Igor is told something.

    Attributes:
        folder: Where command files and readouts are exchanged, as this computer sees it.
        folder_seen: The same folder as Igor sees it, a path of Windows; empty when both run on the
            same computer.
        program: Igor's program, which hands a file to the running Igor; the path is appended.
        listener: ``host:port`` that is told the path of a file, and has Igor open it.
        zeromq: Address of ZeroMQ-XOP, such as ``tcp://127.0.0.1:5555``.
        save_path: Where the software saves images and curves, as this computer sees it.
        x_range: Reach of the scanner, the middle of its range being 0.
        y_range: Reach of the scanner.
        bias_range: Of the bias source.
        position_accuracy: How far the sensors may read from where the tip was sent.
        x_sensor: The controller's value of the x sensor [V]; y_sensor likewise.
        y_sensor: Of y.
        bias: The global value that is the tip-sample bias.
        rotation: Which way a positive scan angle turns the frame.
        mode: Set by `load`; empty leaves it.
        approach: Whether `load` brings the sample up by motor. Without it the tip must be near.
        tune: Whether `load` tunes: the contact resonance in PFM, the free one in AC.
        tune_file: The wave that the lab's function GetTune saves; needed to tune.
        spectroscopy: Which panel runs spectra.
        force_curves: Whether it may be asked for force curves; needs a calibrated cantilever.
        image_channels: What images have.
        spectrum_channels: What spectra have.
        engage_time: How long approach and engaging may take.
        tune_time: How long tuning may take.
        file_time: How long a file may take after what it shows has ended.
        look: How often the microscope is asked whether it still scans.
        step: The largest jump of a motion; longer ones are cut into such.
        tip_speed: Of motions between points; this and what follows is for estimates.
        settling: After each motion.
        frame_settling: Before the first line of a scan.
        turn_share: Share of the line time that the turns at both ends take.
        spectrum_overhead: Of a spectrum, beyond its sweep.
    """

    kind: Literal["asylum"] = "asylum"
    folder: DataFile | None = None
    folder_seen: str = ""
    program: tuple[str, ...] = ()
    listener: str = Field(default="", pattern=r"^$|^[^:\s]+:\d{1,5}$")
    zeromq: str = ""
    save_path: DataFile
    x_range: tuple[Length, Length]
    y_range: tuple[Length, Length]
    bias_range: tuple[Bias, Bias] = (-10.0, 10.0)
    position_accuracy: Annotated[Length, Field(gt=0)] = 5e-9
    x_sensor: str = "XSensor"
    y_sensor: str = "YSensor"
    bias: str = "TipVoltage"
    rotation: Literal["counter-clockwise", "clockwise"] = "counter-clockwise"
    mode: Literal["pfm", "ac", ""] = ""
    approach: bool = False
    tune: bool = False
    tune_file: DataFile | None = None
    spectroscopy: Literal["dart", "iv"] = "dart"
    force_curves: bool = False
    image_channels: tuple[ChannelSettings, ...] = Field(default=IMAGE, min_length=1)
    spectrum_channels: tuple[SpectrumChannelSettings, ...] = Field(default=SPECTRUM, min_length=1)
    engage_time: Annotated[Duration, Field(gt=0)] = 300.0
    tune_time: Annotated[Duration, Field(gt=0)] = 60.0
    file_time: Annotated[Duration, Field(gt=0)] = 20.0
    look: Annotated[Duration, Field(gt=0)] = 5.0
    step: Annotated[Length, Field(gt=0)] = 1e-6
    tip_speed: Annotated[Speed, Field(gt=0)] = 20e-6
    settling: Annotated[Duration, Field(ge=0)] = 0.01
    frame_settling: Annotated[Duration, Field(ge=0)] = 1.0
    turn_share: float = Field(default=0.1, ge=0)
    spectrum_overhead: Annotated[Duration, Field(ge=0)] = 0.2

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if sum(map(bool, (self.program, self.listener, self.zeromq))) != 1:
            raise ValueError("one of program, listener and zeromq says how Igor is told something")
        if not self.zeromq and self.folder is None:
            raise ValueError("program and listener need a folder for the files of the exchange")
        if self.tune and self.tune_file is None:
            raise ValueError("tuning needs tune_file, the wave that GetTune saves")
        return self

    def connect(self) -> Igor:
        """Return the way to Igor."""
        recording = Recording(self.record)
        if self.zeromq:
            return ZmqIgor(self.zeromq, recording)
        tell: Program | Listener = Program(self.program)
        if self.listener:
            host, port = self.listener.rsplit(":", 1)
            tell = Listener(host, int(port))
        return FolderIgor(self.folder or Path(), tell, self.folder_seen, recording)

    def open(self, clock: Clock, seed: int) -> Instrument:  # noqa: ARG002  hardware has no seed
        """Ask Igor where the microscope stands.

        Raises:
            InstrumentError: Igor does not answer.
        """
        from .microscope import AsylumMicroscope

        return AsylumMicroscope(self, self.connect(), clock)
