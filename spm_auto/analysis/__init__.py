"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .features import feature_density
from .levelling import level_lines, level_plane
from .placing import place, sampled
from .registration import Shift, register

__all__ = [
    "Shift",
    "feature_density",
    "level_lines",
    "level_plane",
    "place",
    "register",
    "sampled",
]
