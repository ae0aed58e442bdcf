"""Every driver over its emulated controller, with the marked microscope behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from marked import MarkedMicroscope

from spm_auto import plugins
from spm_auto.clock import InstantClock
from spm_auto.instrument import BiasWaveform, GuardedInstrument, Instrument, Load, ScanFrame
from spm_auto.settings import validate
from spm_auto.simulator.servers import Server

WIRES = ("nanonis", "red_panda", "asylum", "rhk", "nanosurf")
FRAME = ScanFrame((10e-9, -5e-9), (200e-9, 100e-9), (32, 16))
SQUARE = ScanFrame((10e-9, -5e-9), (200e-9, 200e-9), (32, 32))
FRAMES = {"rhk": SQUARE}  # which scans nothing else
SWEEP = BiasWaveform.sweep(-0.5, 0.5, 11, dwell=0.02)
# what these controllers run is set up at their own window: the loop that lab files usually name
LOOP = BiasWaveform.triangle(8.5, points=64)
SQUARE = ScanFrame((10e-9, -5e-9), (200e-9, 200e-9), (32, 32))
FRAMES = {"rhk": SQUARE}  # it scans no other
SWEEPS = {"nanosurf": LOOP, "asylum": LOOP}


@dataclass(frozen=True)
class Wire:
    """A driver behind its guard, as every run has it, and what is at the other end."""

    kind: str
    driver: Instrument
    server: Server
    microscope: MarkedMicroscope


@contextmanager
def wire(kind: str, **settings: Any) -> Iterator[Wire]:
    """Open a driver to its emulated controller.

    Args:
        kind: Which.
        **settings: Of the driver, beyond the address.
    """
    clock = InstantClock()
    microscope = MarkedMicroscope(clock)
    controller = validate(plugins.load("emulators", kind), {"kind": kind, "port": 0}, kind)
    server = controller.start(microscope, clock)
    try:
        table = {"kind": kind, **server.address, **settings}
        driver = validate(plugins.load("instruments", kind), table, kind).open(clock, 0)
        try:
            driver.load(Load())
            yield Wire(kind, GuardedInstrument(driver), server, microscope)
        finally:
            driver.close()
    finally:
        server.close()
