"""An emulated R9 with its driver, over the marked microscope or a simulated STM."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from marked import MarkedMicroscope

from spm_auto.clock import InstantClock
from spm_auto.drivers.rhk import RhkMicroscope, RhkSettings
from spm_auto.instrument import BiasWaveform, Instrument, Load, ScanFrame
from spm_auto.settings import validate
from spm_auto.simulator.servers import Server, Station
from spm_auto.simulator.servers.rhk import RhkEmulatorSettings

FRAME = ScanFrame((2e-8, -3e-8), (2e-7, 2e-7), (8, 8))
SWEPT = {
    "sweep": "procedure",
    "procedure_sweep": {
        "start": "-1 V",
        "stop": "1 V",
        "points": 32,
        "dwell": "8 ms",
        "backward": True,
    },
}
SWEEP = BiasWaveform.sweep(-1.0, 1.0, 32, backward=True)


@dataclass
class Lab:
    """Driver, emulator and what stands behind it."""

    driver: RhkMicroscope
    server: Server
    clock: InstantClock

    @property
    def station(self) -> Station:
        """The microscope behind the wire."""
        return self.server.station


def fault(kind: str, on: str = "", **more: Any) -> dict[str, Any]:
    """Return a fault as a lab file has it."""
    return {"kind": kind, "on": on, **more}


@contextlib.contextmanager
def lab(
    *faults: dict[str, Any],
    instrument: Instrument | None = None,
    clock: InstantClock | None = None,
    loaded: bool = True,
    emulator: dict[str, Any] | None = None,
    **driver: Any,
) -> Iterator[Lab]:
    """Start an emulated R9, and open the driver to it."""
    clock = clock or InstantClock()
    quick = {"has_line_ends": not faults}  # the real one has none, which costs a pause
    table = {"kind": "rhk", "faults": list(faults), **quick, **(emulator or {})}
    settings = validate(RhkEmulatorSettings, table, "emulator")
    server = settings.start(instrument or MarkedMicroscope(clock), clock)
    try:
        found = {"kind": "rhk", "reply_timeout": "0.3 s", "file_time": "0.3 s"}
        found |= {"engage_time": "2 s", **server.address, **driver}
        microscope = RhkMicroscope(validate(RhkSettings, found, "instrument"), clock)
        with contextlib.closing(microscope):
            if loaded:
                microscope.load(Load())
            yield Lab(microscope, server, clock)
    finally:
        server.close()
