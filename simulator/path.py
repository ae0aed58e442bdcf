"""Path: where the tip really goes during one line of a scan."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from .compiled import compiled


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Where the tip really is, sample by sample, over one line: forward, turn, backward, turn.

    Attributes:
        x: Over the sample [m], shape (n,), n = 2 (pixels per_pixel + turn).
        y: Over the sample [m], shape (n,).
        z: What tilt, bow and drift of the scanner add to every height [m], shape (n,).
        start: Instrument time of the first sample [s].
        dt: Time between two samples [s].
        pixels: Pixels of the line.
        per_pixel: Samples on each pixel; one of a perfect instrument, right at the pixel's middle.
        turn: Samples of the turn at each end.
    """

    x: FloatArray
    y: FloatArray
    z: FloatArray
    start: float
    dt: float
    pixels: int
    per_pixel: int = 1
    turn: int = 0

    def __post_init__(self) -> None:
        expected = 2 * (self.pixels * self.per_pixel + self.turn)
        for name in ("x", "y", "z"):
            shape = getattr(self, name).shape
            if shape != (expected,):
                raise ValueError(f"a path needs {expected} samples, its {name} has shape {shape}")

    @property
    def duration(self) -> float:
        """Time of the whole line [s]."""
        return len(self.x) * self.dt

    def by_pixel(self, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the means over each pixel, forward and backward, both from left to right.

        Args:
            samples: One value for each sample of the path, shape (n,).

        Returns:
            Two arrays of shape (pixels,).
        """
        forward, backward = np.empty(self.pixels), np.empty(self.pixels)
        compiled(_average)(samples, self.per_pixel, self.turn, forward, backward)
        return forward, backward


def _average(
    samples: FloatArray, per_pixel: int, turn: int, forward: FloatArray, backward: FloatArray
) -> None:
    """Do what `Path.by_pixel` says; compiled."""
    pixels = forward.size
    for pixel in range(pixels):
        there = pixel * per_pixel
        back = (2 * pixels - 1 - pixel) * per_pixel + turn
        forward_sum = backward_sum = 0.0
        for i in range(per_pixel):
            forward_sum += samples[there + i]
            backward_sum += samples[back + i]
        forward[pixel] = forward_sum / per_pixel
        backward[pixel] = backward_sum / per_pixel
