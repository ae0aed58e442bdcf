"""LineShape: the command of the scanner along one line, there, turn, back and turn."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class LineShape:
    """The motion of one line in units of the frame, at every half sample.

    The fast axis goes at one speed over the pixels and turns on half a sine, so that its speed has
    no jump. The slow axis goes on to the next line during the second turn.

    Attributes:
        fast: Way from the left edge in units of the width, shape (2 n + 1,).
        slow: Way to the next line in units of the pitch, shape (2 n + 1,).
        samples: Number n of samples; sample k stands at 2 k + 1, the middle of its time.
        turn: Samples of each turn.
    """

    fast: FloatArray
    slow: FloatArray
    samples: int
    turn: int

    @classmethod
    def of(cls, pixels: int, per_pixel: int, overscan: float) -> Self:
        """Lay out a line.

        Args:
            pixels: On the line.
            per_pixel: Samples on each.
            overscan: Time of both turns as a share of the time on the pixels.
        """
        there = pixels * per_pixel
        turn = round(overscan * there)
        samples = 2 * (there + turn)
        step = np.arange(2 * samples + 1) / 2  # in samples
        back = there + turn
        fast = np.where(step <= there, step, back + there - step) / there
        slow = np.zeros_like(fast)
        if turn:
            swing = turn / (np.pi * there)  # how far it overshoots
            for begin, sign, edge in ((there, 1, 1.0), (back + there, -1, 0.0)):
                part = (step > begin) & (step < begin + turn)
                angle = np.pi * (step[part] - begin) / turn
                fast[part] = edge + sign * swing * np.sin(angle)
                fast[step == begin + turn] = edge
            slow[part] = (1 - np.cos(angle)) / 2
        slow[-1] = 1.0
        return cls(fast, slow, samples, turn)


@lru_cache(maxsize=8)
def line_shape(pixels: int, per_pixel: int, overscan: float) -> LineShape:
    """Return the shape of a line; made once for all lines of a scan."""
    return LineShape.of(pixels, per_pixel, overscan)
