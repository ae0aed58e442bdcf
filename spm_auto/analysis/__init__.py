"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .levelling import level_lines, level_plane
from .quality import TOLERATED, Quality, judge_image, straightened
from .registration import Shift, register
from .tips import Likeness, Sharpness, check_rows, likeness, sharpness

__all__ = [
    "TOLERATED",
    "Likeness",
    "Quality",
    "Sharpness",
    "Shift",
    "check_rows",
    "judge_image",
    "level_lines",
    "level_plane",
    "likeness",
    "register",
    "sharpness",
    "straightened",
]
