"""The z feedback: what the loop holds, how it is built, and how the tip follows a surface."""

from .detectors import Amplitude, Current, Deflection, Detector
from .linear import critical_gain, filtered
from .loop import LoopLine, LoopState, ZLoop
from .settings import Control, FeedbackSettings

__all__ = [
    "Amplitude",
    "Control",
    "Current",
    "Deflection",
    "Detector",
    "FeedbackSettings",
    "LoopLine",
    "LoopState",
    "ZLoop",
    "critical_gain",
    "filtered",
]
