"""AsylumEmulatorSettings: how the fake Igor is started, and how it is found."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from spm_auto.clock import Clock
from spm_auto.instrument import AcquireForceCurve, Capabilities, Channel, DataFile, Instrument

from ..settings import Server, ServerSettings
from ..station import Station
from ..wire_faults import WireFaults
from .folder import FolderServer
from .igor import FakeIgor
from .microscope import Microscope
from .values import Values
from .waves import PIEZORESPONSE, column, label
from .zeromq import ZmqServer

ACCURACY = 1e-10  # [m]: readouts have 15 digits, and the simulated scanner no noise of its own
LOOK, FILE_TIME = "0.5 s", "2 s"  # on this computer files do not take as long as on theirs


class AsylumServer(Server):
    """A fake Igor that runs.

    Attributes:
        igor: Executes what it is told.
        exchange: The folder of command files and readouts.
        saved: The folder of images and curves.
    """

    igor: FakeIgor
    exchange: Path
    saved: Path


class AsylumEmulatorSettings(ServerSettings):
    """Settings of a fake Igor.

    Attributes:
        transport: How it is told something: files of a folder, or ZeroMQ-XOP.
        folder: Where it exchanges and saves files; a temporary one without.
    """

    kind: Literal["asylum"] = "asylum"
    transport: Literal["folder", "zeromq"] = "folder"
    folder: DataFile | None = None

    def start(self, instrument: Instrument, clock: Clock) -> AsylumServer:
        """Begin to serve.

        Raises:
            InstrumentError: The port is not free.
            PluginError: pyzmq is missing.
        """
        root = self.folder or Path(tempfile.mkdtemp(prefix="spm_auto_igor_"))
        exchange, saved = root / "buffer", root / "saved"
        for folder in (exchange, saved):
            folder.mkdir(parents=True, exist_ok=True)
        faults = WireFaults(self.faults)
        station = Station(instrument, clock)
        microscope = Microscope(station, Values(), exchange, saved, faults)
        igor = FakeIgor(microscope, faults)
        closing: list[Callable[[], None]] = [microscope.close]
        if self.folder is None:
            closing.append(lambda: shutil.rmtree(root, ignore_errors=True))
        address: dict[str, Any] = {
            "save_path": str(saved),
            "look": LOOK,
            "file_time": FILE_TIME,
            **_described(instrument.capabilities),
        }
        serving: FolderServer | ZmqServer
        if self.transport == "zeromq":
            serving = ZmqServer(igor, faults, self.host, self.port)
            address["zeromq"] = f"tcp://{self.host}:{serving.port}"
        else:
            serving = FolderServer(igor, faults, self.host, self.port)
            address |= {"folder": str(exchange), "listener": f"{self.host}:{serving.port}"}
        server = AsylumServer(station, address, (serving.close, *closing), faults)
        server.igor, server.exchange, server.saved = igor, exchange, saved
        return server


def _described(has: Capabilities) -> Mapping[str, Any]:
    """Return what the driver must be told of the microscope."""
    return {
        "x_range": [_metres(v) for v in has.x_range],
        "y_range": [_metres(v) for v in has.y_range],
        "bias_range": [f"{v!r} V" for v in has.bias_range],
        "position_accuracy": _metres(max(has.position_accuracy, ACCURACY)),
        "force_curves": AcquireForceCurve in has.instructions,
        "image_channels": [_channel(c, label(c)) for c in has.image_channels],
        "spectrum_channels": [_swept(c) for c in has.spectrum_channels],
    }


def _metres(value: float) -> str:
    return f"{value!r} m"


def _channel(channel: Channel, named: str) -> dict[str, str]:
    return {"name": channel.name, "unit": channel.unit, "label": named}


def _swept(channel: Channel) -> dict[str, str]:
    if channel.name == PIEZORESPONSE:
        return {**_channel(channel, "Amp"), "phase": "Phase"}
    return _channel(channel, column(channel))
