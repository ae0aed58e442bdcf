"""RhkEmulatorSettings: what an emulated R9 can be told."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from spm_auto.clock import Clock
from spm_auto.instrument import BiasWaveform, DataFile, Instrument, SetFeedback
from spm_auto.units import Bias, Duration
from spm_auto.units import format as format_quantity

from ..service import Service
from ..settings import Server, ServerSettings
from ..station import Station
from ..wire_faults import WireFaults
from .labels import label_of, signal_of
from .procedures import Procedures
from .program import Program
from .values import Values


class RhkEmulatorSettings(ServerSettings):
    """An emulated RHK R9.

    Attributes:
        save_path: Where its files go; without one, into a folder that goes with it.
        first_pause: A command that comes sooner after connecting is ignored, as by the real one.
        has_line_ends: Whether answers end with a line feed; those of the real one do not.
        has_stray_ends: Whether the end of a procedure is told to everybody who is connected.
        file_delay: How long a file takes to come after its procedure has ended.
        coarse_steps: How many coarse steps the sample is away.
        sweep_start: First bias of the spectroscopy's window.
        sweep_stop: Last bias of it.
        sweep_points: Of one way.
        sweep_dwell: At each point.
        sweep_backward: Whether it comes back.
    """

    kind: Literal["rhk"] = "rhk"
    save_path: DataFile | None = None
    first_pause: Annotated[Duration, Field(ge=0)] = 0.0
    has_line_ends: bool = False
    has_stray_ends: bool = False
    file_delay: Annotated[Duration, Field(ge=0)] = 0.0
    coarse_steps: int = Field(default=0, ge=0)
    sweep_start: Bias = -1.0
    sweep_stop: Bias = 1.0
    sweep_points: int = Field(default=32, ge=2)
    sweep_dwell: Annotated[Duration, Field(gt=0)] = 8e-3
    sweep_backward: bool = True

    def waveform(self) -> BiasWaveform:
        """Return the sweep of the spectroscopy's window."""
        start, stop, points = self.sweep_start, self.sweep_stop, self.sweep_points
        return BiasWaveform.sweep(start, stop, points, self.sweep_dwell, self.sweep_backward)

    def start(self, instrument: Instrument, clock: Clock) -> Server:
        """Begin to serve."""
        station, faults = Station(instrument, clock), WireFaults(self.faults)
        folder = self.save_path or Path(tempfile.mkdtemp(prefix="rhk_"))
        values = Values(station, folder, self.coarse_steps)
        procedures = Procedures(station, values, folder, faults, self.waveform(), self.file_delay)
        program = Program(values, procedures, faults, self)
        service = Service(program.serve, self.host, self.port, faults)

        def clear() -> None:
            if self.save_path is None:
                shutil.rmtree(folder, ignore_errors=True)

        closing = (procedures.close, service.close, clear)
        return Server(station, self._address(station, folder, service.port), closing, faults)

    def _address(self, station: Station, folder: Path, port: int) -> dict[str, Any]:
        """Return what a driver must be told, its lab file's table of channels included."""
        has = station.capabilities
        return {
            "host": self.host,
            "port": port,
            "save_path": str(folder),
            "connect_delay": format_quantity(self.first_pause, "s"),
            "quiet": "5 ms",
            "image_channels": [
                {"name": c.name, "unit": c.unit, "label": label_of(c)} for c in has.image_channels
            ],
            "spectrum_channels": [
                {"name": c.name, "unit": c.unit, "label": label_of(c), "signal": signal_of(c)}
                for c in has.spectrum_channels
            ],
            "x_range": [format_quantity(v, "m") for v in has.x_range],
            "y_range": [format_quantity(v, "m") for v in has.y_range],
            "bias_range": [format_quantity(v, "V") for v in has.bias_range],
            "may_set_feedback": SetFeedback in has.instructions,
        }
