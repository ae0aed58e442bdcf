"""Level: how much somebody may do at an instrument."""

from enum import IntEnum

from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)


class Level(IntEnum):
    """How much somebody may do; each level includes the ones below."""

    WATCH = 0
    SCAN = 1
    SPECTROSCOPY = 2
    EVERYTHING = 3


def level_of(instruction: Instruction) -> Level:
    """Return the level that an instruction needs."""
    match instruction:
        case Load() | Scan() | PositionProbe():
            return Level.SCAN
        case AcquireSpectrum() | AcquireForceCurve() | SetFeedback() | MoveStage():
            return Level.SPECTROSCOPY
        case ConditionTip():
            return Level.EVERYTHING
