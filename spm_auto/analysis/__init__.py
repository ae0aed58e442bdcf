"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .clustering import Clusters, find_clusters, togetherness
from .levelling import level_lines, level_plane
from .quality import Quality, judge_image
from .registration import Shift, register
from .statements import Shape, Statement, plus_minus, state
from .unmixing import Unmixed, unmix
from .walls import Distances, DomainWalls, find_walls

__all__ = [
    "Clusters",
    "Distances",
    "DomainWalls",
    "Quality",
    "Shape",
    "Shift",
    "Statement",
    "Unmixed",
    "find_clusters",
    "find_walls",
    "judge_image",
    "level_lines",
    "level_plane",
    "plus_minus",
    "register",
    "state",
    "togetherness",
    "unmix",
]
