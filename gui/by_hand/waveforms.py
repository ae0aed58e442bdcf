"""Waveforms: the two that can be typed, and how they are found again in one that was used."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import BiasWaveform


@dataclass(frozen=True, slots=True)
class Triangle:
    """A loop: up, down through the middle, and back.

    Attributes:
        amplitude: Largest bias above the middle [V].
        offset: The middle [V].
        points: Of a cycle, a multiple of 4.
        cycles: How often.
        dwell: Time at each point [s].
    """

    amplitude: float
    offset: float
    points: int
    cycles: int
    dwell: float

    def waveform(self) -> BiasWaveform:
        """Return its biases."""
        return BiasWaveform.triangle(
            self.amplitude, self.points, self.offset, self.dwell, self.cycles
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """A line from one bias to another, and back where asked for.

    Attributes:
        start: First bias [V].
        stop: Last bias of the way there [V].
        points: Of each way.
        has_back: Whether it goes back again.
        dwell: Time at each point [s].
    """

    start: float
    stop: float
    points: int
    has_back: bool
    dwell: float

    def waveform(self) -> BiasWaveform:
        """Return its biases."""
        return BiasWaveform.sweep(self.start, self.stop, self.points, self.dwell, self.has_back)


def recognized(waveform: BiasWaveform) -> Triangle | Sweep | None:
    """Return what would have to be typed for a waveform; None where it is neither."""
    bias, n = waveform.bias, len(waveform.values)
    first = float(bias[0])
    found: list[Triangle | Sweep] = []
    if n >= 4 and n % 4 == 0:
        amplitude = float(bias[n // 4]) - first
        found.append(Triangle(amplitude, first, n, waveform.cycles, waveform.dwell))
    if n >= 4 and n % 2 == 0 and waveform.cycles == 1:
        found.append(Sweep(first, float(bias[n // 2 - 1]), n // 2, True, waveform.dwell))
    if n >= 2 and waveform.cycles == 1:
        found.append(Sweep(first, float(bias[-1]), n, False, waveform.dwell))
    margin = 1e-9 * float(np.max(np.abs(bias)))
    for each in found:
        if np.allclose(each.waveform().bias, bias, rtol=0, atol=margin):
            return each
    return None
