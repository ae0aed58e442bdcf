"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .levelling import level_lines, level_plane
from .mosaic import mosaic
from .registration import Shift, register
from .surface import MOST_VALUES, Surface, expected_improvement, surface_through

__all__ = [
    "MOST_VALUES",
    "Shift",
    "Surface",
    "expected_improvement",
    "level_lines",
    "level_plane",
    "mosaic",
    "register",
    "surface_through",
]
