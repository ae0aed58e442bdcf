"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .domains import Domain, measure_domain, poled_sites, seen_at_best, signed_response
from .evidence import Evidence, Grown, information, probabilities, weigh
from .laws import Law, Parameter, Span
from .levelling import level_lines, level_plane
from .registration import Shift, register

__all__ = [
    "Domain",
    "Evidence",
    "Grown",
    "Law",
    "Parameter",
    "Shift",
    "Span",
    "information",
    "level_lines",
    "level_plane",
    "measure_domain",
    "poled_sites",
    "probabilities",
    "register",
    "seen_at_best",
    "signed_response",
    "weigh",
]
