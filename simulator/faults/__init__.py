"""Faults on demand: a microscope that fails in a known way at a known instruction.

Instructions are counted from 0, each load among them. A broken connection, a stuck axis, a stuck
feedback and blindness last until the next load, a crash until the tip is up, and a withdrawal fails
as often as it is told to; every other fault strikes one instruction only.
"""

from .dangers import Dangers, DangerState
from .faults import Faults
from .garbling import garbled, garbled_bytes, truncated, truncated_bytes
from .kinds import (
    Blind,
    DroppedConnection,
    Fault,
    FaultSettings,
    Garbage,
    Hang,
    LateReply,
    MeddledOutside,
    RailedFeedback,
    SaturatedPreamp,
    StuckAxis,
    StuckFeedback,
    TipChange,
    TipCrash,
    TruncatedReply,
    WithdrawalFails,
)

__all__ = [
    "Blind",
    "DangerState",
    "Dangers",
    "DroppedConnection",
    "Fault",
    "FaultSettings",
    "Faults",
    "Garbage",
    "Hang",
    "LateReply",
    "MeddledOutside",
    "RailedFeedback",
    "SaturatedPreamp",
    "StuckAxis",
    "StuckFeedback",
    "TipChange",
    "TipCrash",
    "TruncatedReply",
    "WithdrawalFails",
    "garbled",
    "garbled_bytes",
    "truncated",
    "truncated_bytes",
]
