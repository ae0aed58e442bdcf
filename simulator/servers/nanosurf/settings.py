"""NanosurfEmulatorSettings: what the emulated Studio can be told."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spm_auto.clock import Clock
from spm_auto.instrument import BiasWaveform, DataFile, Instrument, SetFeedback
from spm_auto.units import Bias, Duration

from ..settings import Server, ServerSettings
from ..station import Station


class RampSettings(BaseModel):
    """A segment of a spectroscopy cycle: the tip voltage goes from one value to another.

    Attributes:
        start: At its first point [V].
        stop: At its last point [V].
        points: How many points it has, both ends included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    start: Bias
    stop: Bias
    points: int = Field(ge=1)


class CycleSettings(BaseModel):
    """A spectroscopy cycle, as it is set up in Studio's own window.

    Attributes:
        name: By which it is selected.
        segments: What it runs through.
        dwell: Time at each point [s].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    segments: tuple[RampSettings, ...] = Field(min_length=1)
    dwell: Annotated[Duration, Field(gt=0)] = 8e-3

    @property
    def waveform(self) -> BiasWaveform:
        """All of it."""
        ramps = [np.linspace(s.start, s.stop, s.points) for s in self.segments]
        return BiasWaveform(tuple(np.concatenate(ramps).tolist()), self.dwell)


def _texts(values: tuple[float, ...], unit: str) -> list[str]:
    return [f"{value!r} {unit}" for value in values]


def _cycle(cycle: CycleSettings) -> dict[str, object]:
    """Return a cycle as a lab file says it."""
    ramps = [
        {"start": f"{s.start!r} V", "stop": f"{s.stop!r} V", "points": s.points}
        for s in cycle.segments
    ]
    return {"name": cycle.name, "segments": ramps, "dwell": f"{cycle.dwell!r} s"}


def _triangle(amplitude: float, quarter: int) -> tuple[RampSettings, ...]:
    """Return the segments of `BiasWaveform.triangle`."""
    step = amplitude / quarter
    up, down = (0.0, amplitude - step), (amplitude, step)
    ends = (up, down, (-0.0, -up[1]), (-amplitude, -step))
    said = [{"start": f"{a!r} V", "stop": f"{b!r} V", "points": quarter} for a, b in ends]
    return tuple(RampSettings.model_validate(ramp) for ramp in said)


def _sweep(name: str, points: int, dwell: float) -> CycleSettings:
    """Return a cycle from -0.5 to 0.5 V."""
    ramp = RampSettings.model_validate({"start": "-500 mV", "stop": "500 mV", "points": points})
    return CycleSettings.model_validate(
        {"name": name, "segments": (ramp,), "dwell": f"{dwell!r} s"}
    )


CYCLES = (
    CycleSettings(name="bias triangle", segments=_triangle(8.5, 16)),
    _sweep("bias sweep", 11, 20e-3),
    _sweep("fine bias sweep", 41, 100e-3),
)


class NanosurfEmulatorSettings(ServerSettings):
    """Settings of an emulated Nanosurf Studio.

    Attributes:
        session: Name of the measurement session; the default is that of a simulated controller.
        version: Of Studio, major and minor.
        data_folder: Where measurements are stored; without one, a folder that goes at the end.
        file_version: Format of the measurement files.
        rotation_sign: Whether a positive rotation turns a frame counter-clockwise (1) or not (-1).
        cycles: The spectroscopy cycles that were set up; at first a triangle of 8.5 V and sweeps.
        wrapper_folder: The folder in which the official package keeps what it knows of the tree;
            only there are such files written when it asks for them. Without one it is refused.
    """

    kind: Literal["nanosurf"] = "nanosurf"
    session: str = "91-01-000"
    version: tuple[int, int] = (18, 14)
    data_folder: DataFile | None = None
    file_version: Literal[1, 2] = 2
    rotation_sign: Literal[1, -1] = 1
    cycles: tuple[CycleSettings, ...] = CYCLES
    wrapper_folder: DataFile | None = None

    def start(self, instrument: Instrument, clock: Clock) -> Server:
        """Begin to serve; see `EmulatorSettings`."""
        from .server import serve

        return serve(self, Station(instrument, clock))


def address(
    settings: NanosurfEmulatorSettings, port: int, folder: Path, station: Station
) -> dict[str, object]:
    """Return the driver's settings with which an emulated Studio is found."""
    from .storage import studio_name

    has = station.capabilities

    def told(channels: object) -> list[dict[str, str]]:
        return [
            {"name": c.name, "unit": c.unit, "signal": studio_name(c.name)}
            for c in channels  # type: ignore[attr-defined]
        ]

    return {
        "host": settings.host,
        "port": port,
        "session": settings.session,
        "data_folder": str(folder),
        "rotation_sign": settings.rotation_sign,
        "image_channels": told(has.image_channels),
        "spectrum_channels": told(has.spectrum_channels),
        "x_range": _texts(has.x_range, "m"),
        "y_range": _texts(has.y_range, "m"),
        "bias_range": _texts(has.bias_range, "V"),
        "position_accuracy": f"{max(has.position_accuracy, 1e-10)!r} m",
        "feedback": SetFeedback in has.instructions,
        "cycles": [_cycle(cycle) for cycle in settings.cycles],
    }
