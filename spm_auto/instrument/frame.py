"""ScanFrame: where a raster scan lies on the sample, and the one place that turns coordinates."""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..units import quantity

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScanFrame:
    """Where a raster scan lies on the sample, and how finely it is sampled.

    Three coordinate systems meet here. *Pixel*: ``(line, pixel)``, fractions allowed, the middle of
    the first pixel of the first line is (0, 0). *Frame*: ``(u, v)`` [m] along the fast and the slow
    axis, origin in the frame's middle. *Sample*: ``(x, y)`` [m]. Line 0 is the lower edge and
    pixel 0 the left edge, so ``image[line, pixel]`` grows upwards and to the right as y and x do.
    Forward and backward lines are both stored by position, not by time: pixel 0 is left in both.

    Attributes:
        center: Sample coordinates (x, y) of the frame's middle [m].
        size: Extent along the fast and the slow axis [m], outer edge to outer edge.
        pixels: Pixels on a line, and lines.
        angle: Turn of the fast axis, counter-clockwise from x [rad].
    """

    center: tuple[float, float]
    size: tuple[float, float]
    pixels: tuple[int, int] = (256, 256)
    angle: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("center", self.center), ("size", self.size)):
            if not all(math.isfinite(v) for v in value):
                raise ValueError(f"a frame's {name} must be finite, got {value}")
        if not math.isfinite(self.angle):
            raise ValueError(f"a frame's angle must be finite, got {self.angle}")
        if min(self.size) <= 0:
            raise ValueError(f"a frame's size must be positive, got {self.size} m")
        if not all(isinstance(n, Integral) for n in self.pixels):
            raise ValueError(f"a frame's pixels must be whole numbers, got {self.pixels}")
        if min(self.pixels) < 2:
            raise ValueError(f"a frame needs 2 pixels each way, got {self.pixels}")

    @classmethod
    def of(
        cls,
        center: tuple[float | str, float | str],
        size: tuple[float | str, float | str],
        pixels: tuple[int, int] = (256, 256),
        angle: float | str = 0.0,
    ) -> Self:
        """Make a frame from SI floats or from text with units, such as ``("0 nm", "0 nm")``.

        Raises:
            UnitError: A text is not a length (or not an angle).
            ValueError: A size is not positive, or the pixels are no whole numbers of at least 2.
        """
        width, height = (int(n) if isinstance(n, Integral) else n for n in pixels)
        return cls(
            center=(quantity(center[0], "m"), quantity(center[1], "m")),
            size=(quantity(size[0], "m"), quantity(size[1], "m")),
            pixels=(width, height),
            angle=quantity(angle, "rad"),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of an image of this frame: lines, pixels on a line."""
        return self.pixels[1], self.pixels[0]

    @property
    def pitch(self) -> tuple[float, float]:
        """Distance of neighbouring pixels along the fast and the slow axis [m]."""
        return self.size[0] / self.pixels[0], self.size[1] / self.pixels[1]

    def to_frame(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Turn sample coordinates [m] into frame coordinates (u, v) [m], elementwise."""
        dx = np.asarray(x, dtype=float) - self.center[0]
        dy = np.asarray(y, dtype=float) - self.center[1]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return cos * dx + sin * dy, cos * dy - sin * dx

    def from_frame(self, u: ArrayLike, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Turn frame coordinates [m] into sample coordinates (x, y) [m], elementwise."""
        u, v = np.asarray(u, dtype=float), np.asarray(v, dtype=float)
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.center[0] + cos * u - sin * v, self.center[1] + sin * u + cos * v

    def to_sample(self, line: ArrayLike, pixel: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Turn pixel indices into sample coordinates.

        Args:
            line: Line indices, any shape; fractions are allowed.
            pixel: Pixel indices, of a shape that fits.

        Returns:
            The x and the y coordinates [m].
        """
        u = ((np.asarray(pixel, dtype=float) + 0.5) / self.pixels[0] - 0.5) * self.size[0]
        v = ((np.asarray(line, dtype=float) + 0.5) / self.pixels[1] - 0.5) * self.size[1]
        return self.from_frame(u, v)

    def to_pixel(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Turn sample coordinates [m] into fractional indices (line, pixel)."""
        u, v = self.to_frame(x, y)
        line = (v / self.size[1] + 0.5) * self.pixels[1] - 0.5
        pixel = (u / self.size[0] + 0.5) * self.pixels[0] - 0.5
        return line, pixel

    def positions(self) -> tuple[FloatArray, FloatArray]:
        """Return the sample coordinates x and y of all pixels [m], each of shape [line, pixel]."""
        lines, pixels = np.indices(self.shape)
        return self.to_sample(lines, pixels)

    def line_positions(self, line: int) -> tuple[FloatArray, FloatArray]:
        """Return the sample coordinates x and y of one line's pixels [m], each of shape (n,)."""
        return self.to_sample(line, np.arange(self.pixels[0]))

    def corners(self) -> tuple[FloatArray, FloatArray]:
        """Return x and y of the four outer corners [m], counter-clockwise from lower left."""
        half_u, half_v = self.size[0] / 2, self.size[1] / 2
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        return self.from_frame(signs[:, 0] * half_u, signs[:, 1] * half_v)

    def contains(self, x: ArrayLike, y: ArrayLike) -> Any:
        """Say for each point [m] whether it lies in the frame (its outer edge belongs to it)."""
        u, v = self.to_frame(x, y)
        margin = 1e-9 * max(self.size)
        return (np.abs(u) <= self.size[0] / 2 + margin) & (np.abs(v) <= self.size[1] / 2 + margin)
