"""Segments: a bias waveform as the straight pieces that a Nanonis controller can sweep."""

from collections.abc import Sequence
from dataclasses import dataclass

from spm_auto.errors import Unsupported
from spm_auto.instrument import BiasWaveform

MOST_SEGMENTS = 16  # further ones are ignored by the controller, says the maker
STRAIGHT = 1e-6  # of the waveform's largest value: how far a point may be off its line


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight piece of a waveform, both ends included.

    Attributes:
        start: First bias [V].
        end: Last bias [V].
        points: How many there are, ends included.
    """

    start: float
    end: float
    points: int


def segments_of(values: Sequence[float]) -> tuple[Segment, ...]:
    """Cut a waveform into straight pieces; each value is in one of them, in order."""
    allowed = STRAIGHT * max(abs(value) for value in values)
    pieces, first = [], 0
    while first < len(values):
        last = _end_of(values, first, allowed)
        pieces.append(Segment(values[first], values[last], last - first + 1))
        first = last + 1
    return tuple(pieces)


def _end_of(values: Sequence[float], first: int, allowed: float) -> int:
    if first + 1 == len(values):
        return first
    step, last = values[first + 1] - values[first], first + 1
    while last + 1 < len(values):
        if abs(values[first] + (last + 1 - first) * step - values[last + 1]) > allowed:
            break
        last += 1
    return last


def is_there_and_back(values: Sequence[float]) -> bool:
    """Whether a waveform is one straight piece and the same back again."""
    half = len(values) // 2
    there, back = tuple(values[:half]), tuple(values[half:])
    return half > 1 and there == back[::-1] and len(segments_of(there)) == 1


def check_waveform(waveform: BiasWaveform) -> None:
    """Refuse a waveform of too many pieces.

    Raises:
        Unsupported: With how many there are.
    """
    pieces = len(segments_of(waveform.values))
    if pieces > MOST_SEGMENTS and not is_there_and_back(waveform.values):
        raise Unsupported(
            f"a waveform of {pieces} straight pieces; Nanonis sweeps at most {MOST_SEGMENTS}"
        )
