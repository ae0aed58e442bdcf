"""Faults on demand: a microscope that fails in a known way at a known instruction.

Instructions are counted from 0, each load among them. A broken connection and a stuck axis last
until the next load; every other fault strikes one instruction only.
"""

from .faults import Faults
from .garbling import garbled, garbled_bytes, truncated, truncated_bytes
from .kinds import (
    DroppedConnection,
    Fault,
    FaultSettings,
    Garbage,
    Hang,
    LateReply,
    RailedFeedback,
    SaturatedPreamp,
    StuckAxis,
    TipChange,
    TruncatedReply,
)

__all__ = [
    "DroppedConnection",
    "Fault",
    "FaultSettings",
    "Faults",
    "Garbage",
    "Hang",
    "LateReply",
    "RailedFeedback",
    "SaturatedPreamp",
    "StuckAxis",
    "TipChange",
    "TruncatedReply",
    "garbled",
    "garbled_bytes",
    "truncated",
    "truncated_bytes",
]
