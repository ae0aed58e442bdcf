"""Triangle: the one bias waveform that the panel runs and that instructions ask for."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.errors import Unsupported
from spm_auto.instrument import BiasWaveform, FloatArray

CLOSE = 1e-6  # of the amplitude: a waveform is meant to be this triangle


@dataclass(frozen=True, slots=True)
class Triangle:
    """A triangle about 0 V: up, down, up.

    Attributes:
        amplitude: Largest bias [V].
        frequency: Triangles per second [Hz].
        cycles: How many are run; half a one is a sweep from one end to the other.
        phase: Where it begins [deg]; at 0 it rises through 0 V.
        rate: Points per second [Hz].
        points: Of the whole run.
    """

    amplitude: float
    frequency: float
    cycles: float
    phase: float
    rate: float
    points: int

    @classmethod
    def of(cls, waveform: BiasWaveform) -> Self:
        """Return the triangle on which all points of a waveform lie.

        Raises:
            Unsupported: There is none.
        """
        values = waveform.bias
        steps = np.diff(values)
        amplitude = float(np.max(np.abs(values)))
        step = float(np.max(np.abs(steps))) if len(steps) else 0.0
        if not (amplitude > 0 and step > 0):
            raise Unsupported(_REFUSED)
        # of a run that is repeated the last step leads back to its first point
        period = len(values) if waveform.cycles > 1 else 4 * amplitude / step
        start = values[0] / amplitude / 4
        if steps[0] < 0 or (steps[0] == 0 and start > 0):
            start = 0.5 - start
        points = len(values) * waveform.cycles
        run = amplitude * shape(np.arange(points) / period + start)
        if not np.allclose(run, np.tile(values, waveform.cycles), rtol=0, atol=CLOSE * amplitude):
            raise Unsupported(_REFUSED)
        return cls(
            amplitude=amplitude,
            frequency=1 / (period * waveform.dwell),
            cycles=points / period,
            phase=math.degrees(2 * math.pi * start) % 360,
            rate=1 / waveform.dwell,
            points=points,
        )


def shape(turns: FloatArray) -> FloatArray:
    """Return a triangle of amplitude 1 that rises through 0 at 0 and has the period 1."""
    return 4 * np.abs((turns - 0.25) % 1 - 0.5) - 1


_REFUSED = (
    "the panel runs triangles about 0 V: a loop from BiasWaveform.triangle without offset, "
    "or a linear sweep one way"
)
