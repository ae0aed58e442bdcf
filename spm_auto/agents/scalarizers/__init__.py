"""The scalarizers: a spectrum becomes one number with its noise, or a flag that says why not."""

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

# fmt: off
__all__ = [
    "coercive_bias", "imprint", "integral", "loop_area", "loop_area_raw", "loop_opening",
    "nucleation_bias", "peak", "peak_height", "peak_position", "remanence", "switchable_response",
    "work_of_switching",
]
