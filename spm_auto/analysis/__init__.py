"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .drift import Drift, DriftModel, Look
from .levelling import level_lines, level_plane
from .registration import Shift, register
from .strips import Placed, StripPlace, choose_strip, place_strip

__all__ = [
    "Drift",
    "DriftModel",
    "Look",
    "Placed",
    "Shift",
    "StripPlace",
    "choose_strip",
    "level_lines",
    "level_plane",
    "place_strip",
    "register",
]
