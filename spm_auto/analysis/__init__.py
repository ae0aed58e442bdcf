"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .levelling import level_lines, level_plane
from .registration import Shift, register

__all__ = ["Shift", "level_lines", "level_plane", "register"]
