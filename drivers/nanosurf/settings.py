"""NanosurfSettings: what a lab file says of a microscope under Nanosurf Studio."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.clock import Clock
from spm_auto.instrument import Channel, DataFile, FloatArray, Instrument
from spm_auto.units import Bias, Duration, Length

from ..settings import DriverSettings


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SignalSettings(_Table):
    """A channel, and what Studio calls it in its measurement files.

    Attributes:
        name: Its name here, such as ``height``.
        unit: Its SI unit.
        signal: Its name in Studio, such as "Topography".
    """

    name: str
    unit: str
    signal: str

    @property
    def channel(self) -> Channel:
        """The channel as everyone else knows it."""
        return Channel(self.name, self.unit)


class RampSettings(_Table):
    """A segment of a spectroscopy cycle: the tip voltage goes from one value to another.

    Attributes:
        start: At its first point [V].
        stop: At its last point [V].
        points: How many points it has, both ends included.
    """

    start: Bias
    stop: Bias
    points: int = Field(ge=1)


class CycleSettings(_Table):
    """A spectroscopy cycle that was set up in Studio's own window.

    The script interface selects and runs a cycle; how one is made is not public. So the lab file
    says what each one does, and what was recorded is held against it.

    Attributes:
        name: By which it is selected.
        segments: What the tip voltage runs through.
        dwell: Time at each point [s].
    """

    name: str
    segments: tuple[RampSettings, ...] = Field(min_length=1)
    dwell: Annotated[Duration, Field(gt=0)]

    @property
    def bias(self) -> FloatArray:
        """The tip voltage at each point [V]."""
        return np.concatenate([np.linspace(s.start, s.stop, s.points) for s in self.segments])


Reach = tuple[Length, Length]


class NanosurfSettings(DriverSettings):
    """Settings of a microscope under Nanosurf Studio.

    Attributes:
        host: Where Studio runs.
        port: Of its script interface.
        session: Name of the measurement session; empty takes the only one there is.
        level: Of the script interface; moving needs more than the first.
        data_folder: Studio's gallery folder, as this computer sees it.
        image_channels: What a scan records.
        spectrum_channels: What a spectrum records.
        bias_signal: Studio's name of the tip voltage in the files of spectra.
        cycles: The spectroscopy cycles that were set up.
        x_range: Reach of the scanner [m].
        y_range: Reach of the scanner [m].
        bias_range: Of the tip voltage [V].
        position_accuracy: How far a position may read back from where it was sent [m].
        rotation_sign: 1 when a positive rotation in Studio turns the frame counter-clockwise.
        setpoint: What the z loop holds, in Studio's unit; None leaves it as it is.
        setpoint_unit: In which it is said; empty leaves it as it is.
        gain: The loop's integral gain in Studio's own count; None leaves it as it is.
        feedback: Whether instructions may change the tip voltage and the set-point.
        contact: Share of the set-point by which the feedback may be off and the tip still counts
            as at the sample.
        move_speed: Of the probe between two points, for deadlines [m/s].
        frame_overhead: Of every scan beside its lines [s].
        spectrum_overhead: Of every spectrum beside its points [s].
        approach_time: How long an approach may take [s].
        file_time: How long after a measurement its file may take [s].
    """

    kind: Literal["nanosurf"] = "nanosurf"
    host: str = "127.0.0.1"
    port: int = Field(default=33030, ge=1, le=65535)
    session: str = ""
    level: int = Field(default=2, ge=1)
    data_folder: DataFile
    image_channels: tuple[SignalSettings, ...] = Field(
        default=(SignalSettings(name="height", unit="m", signal="Topography"),), min_length=1
    )
    spectrum_channels: tuple[SignalSettings, ...] = Field(
        default=(SignalSettings(name="deflection", unit="m", signal="Deflection"),), min_length=1
    )
    bias_signal: str = "Tip Voltage"
    cycles: tuple[CycleSettings, ...] = ()
    x_range: Reach
    y_range: Reach
    bias_range: tuple[Bias, Bias] = (-10.0, 10.0)
    position_accuracy: Annotated[Length, Field(gt=0)] = 2e-9
    rotation_sign: Literal[1, -1] = 1
    setpoint: float | None = None
    setpoint_unit: str = ""
    gain: int | None = Field(default=None, ge=0)
    feedback: bool = False
    contact: float = Field(default=0.3, gt=0, lt=1)
    move_speed: float = Field(default=20e-6, gt=0)
    frame_overhead: Annotated[Duration, Field(ge=0)] = 1.0
    spectrum_overhead: Annotated[Duration, Field(ge=0)] = 0.2
    approach_time: Annotated[Duration, Field(gt=0)] = 600.0
    file_time: Annotated[Duration, Field(gt=0)] = 10.0

    @model_validator(mode="after")
    def _each_once(self) -> "NanosurfSettings":
        for what in ("image_channels", "spectrum_channels", "cycles"):
            names = [item.name for item in getattr(self, what)]
            if len(set(names)) != len(names):
                raise ValueError(f"{what} names one twice: {', '.join(names)}")
        return self

    def open(self, clock: Clock, seed: int) -> Instrument:  # noqa: ARG002  hardware is no dice
        """Connect to Studio.

        Raises:
            InstrumentError: It does not answer, or has no such session.
        """
        from .microscope import NanosurfMicroscope

        return NanosurfMicroscope(self, clock)
