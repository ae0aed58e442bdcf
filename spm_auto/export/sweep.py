"""Sweeps as other programs know them: one bias axis, gone there, or there and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..instrument import Channel, FloatArray, Spectrum

_TOLERANCE = 1e-9  # of the largest bias: less than any source can set


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """A stretch of a sweep, in the order of the axis that the whole sweep shares.

    Attributes:
        way: "forward" or "backward"; empty where a sweep is no going there and coming back.
        points: Which points of the spectrum, shape [point].
    """

    way: str
    points: np.ndarray[tuple[int], np.dtype[np.intp]]


def legs(bias: FloatArray) -> tuple[Leg, ...]:
    """Split a sweep that goes one way and comes back over the same biases; else it is one leg.

    The turning point may have been measured once, and then it belongs to both legs.

    Args:
        bias: Of each point [V], shape [point].
    """
    points = np.arange(len(bias))
    half = (len(bias) + 1) // 2
    there, back = points[:half], points[::-1][:half]
    tolerance = _TOLERANCE * float(np.abs(bias).max(initial=0.0))
    is_mirrored = np.abs(bias[there] - bias[back]).max(initial=0.0) <= tolerance
    if half > 1 and is_monotonic(bias[there]) and is_mirrored:
        return Leg("forward", there), Leg("backward", back)
    return (Leg("", points),)


def is_monotonic(bias: FloatArray) -> bool:
    """Say whether a sweep goes one way only, without standing still."""
    steps = np.diff(bias)
    return bool((steps > 0).all() or (steps < 0).all())


def is_even(bias: FloatArray) -> bool:
    """Say whether a sweep goes one way in equal steps."""
    if len(bias) < 2 or not is_monotonic(bias):
        return False
    even = np.linspace(bias[0], bias[-1], len(bias))
    return bool(np.abs(bias - even).max() <= _TOLERANCE * np.abs(bias).max())


def alike(spectra: Sequence[Spectrum]) -> list[list[int]]:
    """Return which spectra share their biases and channels: the indices of each set, in order."""
    sets: dict[tuple[bytes, tuple[Channel, ...]], list[int]] = {}
    for index, spectrum in enumerate(spectra):
        sets.setdefault((spectrum.bias.tobytes(), spectrum.channels), []).append(index)
    return list(sets.values())
