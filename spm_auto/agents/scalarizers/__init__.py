"""The scalarizers: a spectrum becomes one number with its noise, or a flag that says why not."""

from .force import IndentationModulus, adhesion, stiffness
from .hysteresis import (
    coercive_bias,
    imprint,
    loop_area,
    loop_area_raw,
    loop_opening,
    nucleation_bias,
    remanence,
    switchable_response,
    work_of_switching,
)
from .peaks import integral, peak, peak_height, peak_position
from .pulse import pulse_response
from .tunnelling import GapFit, gap, zero_bias_conductance

# fmt: off
__all__ = [
    "GapFit", "IndentationModulus", "adhesion", "coercive_bias", "gap", "imprint", "integral",
    "loop_area", "loop_area_raw", "loop_opening", "nucleation_bias", "peak", "peak_height",
    "peak_position", "pulse_response", "remanence", "stiffness", "switchable_response",
    "work_of_switching", "zero_bias_conductance",
]
