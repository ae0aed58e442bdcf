"""Standard: the middle and the size of values, in units of which they are learned."""

import numpy as np

from ..instrument import FloatArray


def center_and_scale(values: FloatArray) -> tuple[float, float]:
    """Return mean and deviation; equal values do not give a deviation of zero."""
    largest = float(np.max(np.abs(values)))
    center, scatter = mean_and_scatter(values)
    # equal values differ by rounding at most; their own size is then the only scale there is
    return center, scatter if scatter > 1e-12 * largest else largest or 1.0


def mean_and_scatter(values: FloatArray) -> tuple[float, float]:
    """Return mean and standard deviation; huge values do not overflow."""
    largest = float(np.max(np.abs(values))) or 1.0
    relative = values / largest
    return largest * float(np.mean(relative)), largest * float(np.std(relative))
