"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .levelling import level_lines, level_plane
from .registration import Shift, register
from .walls import Distances, DomainWalls, find_walls

__all__ = [
    "Distances",
    "DomainWalls",
    "Shift",
    "find_walls",
    "level_lines",
    "level_plane",
    "register",
]
