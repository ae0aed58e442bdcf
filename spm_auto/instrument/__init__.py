"""The instrument plane: the words in which a microscope is told what to do, and what it answers."""

from .changes import Remembered, what_changed
from .emulator import Emulator, EmulatorSettings
from .exposure import Exposure, Ledger, Spent
from .form import check_form
from .frame import FloatArray, ScanFrame
from .guard import GuardedInstrument
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .levels import Level, level_of
from .limits import Limits, NoGoZone
from .permit import Mode, Permit
from .protocol import Capabilities, Extended, Instrument, InstrumentState, Status
from .results import Channel, ForceCurve, Measured, QualityFlag, ScanImage, ScanLine, Spectrum
from .settings import DataFile, FromCommandLine, InstrumentSettings
from .shifted import ShiftedInstrument
from .tables import limits_from_table, limits_to_table
from .turns import ENGAGED, Action, Turns
from .vitals import Attended, Vitals, Watched, vitals_of
from .watchdog import Severity, Trip, Watchdog, WatchSettings
from .withdrawal import Rescued, Withdrawal

__all__ = [
    "ENGAGED",
    "AcquireForceCurve",
    "AcquireSpectrum",
    "Action",
    "Attended",
    "BiasWaveform",
    "Capabilities",
    "Channel",
    "ConditionTip",
    "DataFile",
    "Emulator",
    "EmulatorSettings",
    "Exposure",
    "Extended",
    "FloatArray",
    "ForceCurve",
    "FromCommandLine",
    "GuardedInstrument",
    "Instruction",
    "Instrument",
    "InstrumentSettings",
    "InstrumentState",
    "Ledger",
    "Level",
    "Limits",
    "Load",
    "Measured",
    "Mode",
    "MoveStage",
    "NoGoZone",
    "Permit",
    "PositionProbe",
    "QualityFlag",
    "Remembered",
    "Rescued",
    "Scan",
    "ScanFrame",
    "ScanImage",
    "ScanLine",
    "SetFeedback",
    "Severity",
    "ShiftedInstrument",
    "Spectrum",
    "Spent",
    "Status",
    "Trip",
    "Turns",
    "Vitals",
    "WatchSettings",
    "Watchdog",
    "Watched",
    "Withdrawal",
    "check_form",
    "level_of",
    "limits_from_table",
    "limits_to_table",
    "vitals_of",
    "what_changed",
]
