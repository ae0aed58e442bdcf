"""The instrument plane: the words in which a microscope is told what to do, and what it answers."""

from .frame import FloatArray, ScanFrame
from .guard import GuardedInstrument
from .instructions import (
    AcquireSpectrum,
    BiasWaveform,
    Instruction,
    Load,
    PositionProbe,
    Scan,
)
from .limits import Limits, NoGoZone
from .protocol import Capabilities, Instrument, InstrumentState, Status
from .results import Channel, QualityFlag, ScanImage, ScanLine, Spectrum
from .settings import DataFile, FromCommandLine, InstrumentSettings

__all__ = [
    "AcquireSpectrum",
    "BiasWaveform",
    "Capabilities",
    "Channel",
    "DataFile",
    "FloatArray",
    "FromCommandLine",
    "GuardedInstrument",
    "Instruction",
    "Instrument",
    "InstrumentSettings",
    "InstrumentState",
    "Limits",
    "Load",
    "NoGoZone",
    "PositionProbe",
    "QualityFlag",
    "Scan",
    "ScanFrame",
    "ScanImage",
    "ScanLine",
    "Spectrum",
    "Status",
]
