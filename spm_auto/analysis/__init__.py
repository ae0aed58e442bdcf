"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .clustering import Clusters, find_clusters, togetherness
from .features import feature_density
from .levelling import level_lines, level_plane
from .placing import place, sampled
from .quality import Quality, judge_image
from .registration import Shift, register
from .tips import Likeness, Sharpness, check_rows, likeness, sharpness

__all__ = [
    "Clusters",
    "Distances",
    "DomainWalls",
    "Likeness",
    "Quality",
    "Shape",
    "Sharpness",
    "Shift",
    "Statement",
    "Unmixed",
    "check_rows",
    "feature_density",
    "find_clusters",
    "find_walls",
    "judge_image",
    "level_lines",
    "level_plane",
    "likeness",
    "place",
    "plus_minus",
    "register",
    "sampled",
    "sharpness",
    "state",
    "togetherness",
    "unmix",
]
