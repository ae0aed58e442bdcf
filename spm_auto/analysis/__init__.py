"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .clustering import Clusters, find_clusters, togetherness
from .domains import Domain, measure_domain, poled_sites, seen_at_best, signed_response
from .drift import Drift, DriftModel, Look
from .evidence import Evidence, Grown, information, probabilities, weigh
from .features import feature_density
from .laws import Law, Parameter, Span
from .levelling import level_lines, level_plane
from .mosaic import mosaic
from .placing import place, sampled
from .quality import TOLERATED, Quality, judge_image, straightened
from .registration import Shift, register
from .statements import Shape, Statement, plus_minus, state
from .strips import Placed, StripPlace, choose_strip, place_strip
from .surface import MOST_VALUES, Surface, expected_improvement, surface_through
from .tips import Likeness, Sharpness, check_rows, likeness, sharpness
from .unmixing import Unmixed, unmix
from .walls import Distances, DomainWalls, find_walls

__all__ = [
    "MOST_VALUES",
    "TOLERATED",
    "Clusters",
    "Distances",
    "Domain",
    "DomainWalls",
    "Drift",
    "DriftModel",
    "Evidence",
    "Grown",
    "Law",
    "Likeness",
    "Look",
    "Parameter",
    "Placed",
    "Quality",
    "Shape",
    "Sharpness",
    "Shift",
    "Span",
    "Statement",
    "StripPlace",
    "Surface",
    "Unmixed",
    "check_rows",
    "choose_strip",
    "expected_improvement",
    "feature_density",
    "find_clusters",
    "find_walls",
    "information",
    "judge_image",
    "level_lines",
    "level_plane",
    "likeness",
    "measure_domain",
    "mosaic",
    "place",
    "place_strip",
    "plus_minus",
    "poled_sites",
    "probabilities",
    "register",
    "sampled",
    "seen_at_best",
    "sharpness",
    "signed_response",
    "state",
    "straightened",
    "surface_through",
    "togetherness",
    "unmix",
    "weigh",
]
