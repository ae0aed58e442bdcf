"""Strips: a frame cut into scans that are short enough for a firmware which cannot be stopped.

The firmware scans rectangles along its own axes, and its inner loop runs along y, one way only. A
strip of one row makes a line along x of it, a strip of one column a line along y, and a strip of
one pixel a point. Run the other way round a strip is the way back, measured as the way there is.
"""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.errors import LimitExceeded
from spm_auto.instrument import FloatArray, Scan, ScanFrame
from spm_auto.wire import red_panda as wire

from .calibration import Calibration

STRAIGHT = 0.5  # [counts] that a line may be off an axis to be one along it


@dataclass(frozen=True, slots=True)
class Strip:
    """One ``SCST``.

    Attributes:
        x: Where it starts, and where the pixel behind the last would be [counts].
        columns: Pixels along x.
        y: The same along y [counts].
        rows: Pixels along y.
        samples: Of each pixel.
    """

    x: tuple[int, int]
    columns: int
    y: tuple[int, int]
    rows: int
    samples: int

    @classmethod
    def point(cls, x: int, y: int, samples: int = 1) -> "Strip":
        """Return a strip of one pixel."""
        return cls((x, x), 1, (y, y), 1, samples)

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.columns * self.rows

    @property
    def end(self) -> tuple[int, int]:
        """Where the tip stands after it [counts]; along y the firmware goes back to the start."""
        return wire.steps(*self.x, self.columns)[-1], self.y[0]

    def command(self) -> bytes:
        """Return the command."""
        return wire.command("SCST", *self.x, self.columns, *self.y, self.rows, self.samples)

    def passes(self, x: int, y: int) -> int:
        """Return how many passes of its loop the firmware is deaf, the way to the start included.

        Args:
            x: Where the tip stands [counts].
            y: Where [counts].
        """
        way = abs(self.x[0] - x) + abs(self.y[0] - y)
        return way + 2 * self.pixels * self.samples


@dataclass(frozen=True, slots=True)
class Raster:
    """How a frame is scanned.

    Attributes:
        frame: The frame.
        axis: Along which its lines run: ``x``, ``y``, or none for one point after the other.
        samples: Of each pixel.
        most: Pixels of a strip.
        calibration: What counts are worth.
    """

    frame: ScanFrame
    axis: str
    samples: int
    most: int
    calibration: Calibration

    @classmethod
    def of(
        cls, scan: Scan, calibration: Calibration, pass_time: float, strip_time: float
    ) -> "Raster":
        """Lay out a scan.

        Raises:
            LimitExceeded: Its pixels are closer than counts, or it is too fast or too slow.
        """
        frame = scan.frame
        fine = min(calibration.x, calibration.y)
        if min(frame.pitch) < fine:
            raise LimitExceeded("pitch of the pixels", min(frame.pitch), (fine, math.inf), "m")
        passes = frame.pixels[0] * 4  # there and back, each sample with a pass on the way back
        most = min(wire.MOST_SAMPLES, int(strip_time / (2 * pass_time)))
        allowed = 1 / (passes * most * pass_time), 1 / (passes * pass_time)
        samples = round(1 / (scan.line_rate * passes * pass_time))
        if not 1 <= samples <= most:
            raise LimitExceeded("line rate", scan.line_rate, allowed, "Hz", "of so many pixels")
        x, y = _counts(frame, 0, calibration)
        axis = "x" if np.ptp(y) <= STRAIGHT else "y" if np.ptp(x) <= STRAIGHT else ""
        fit = max(1, int(strip_time / (2 * samples * pass_time)))
        if axis == "y":
            fit = min(fit, wire.MOST_PIXELS)
        return cls(frame, axis, samples, fit if axis else 1, calibration)

    @property
    def has_way_back(self) -> bool:
        """Whether the way back is measured; a point that is measured at rest has none."""
        return bool(self.axis)

    def both_ways(self, index: int) -> list[Strip]:
        """Return the strips of a line, those of its way back behind, if it is measured."""
        back = self.line(index, backward=True) if self.has_way_back else []
        return [*self.line(index), *back]

    def line(self, index: int, backward: bool = False) -> list[Strip]:
        """Return the strips of a line, in the order in which its pixels are measured."""
        x, y = _counts(self.frame, index, self.calibration)
        if backward:
            x, y = x[::-1], y[::-1]
        if not self.axis:
            return [
                Strip.point(round(a), round(b), self.samples)
                for a, b in zip(x.tolist(), y.tolist(), strict=True)
            ]
        along, beside = (x, y) if self.axis == "x" else (y, x)
        pitch, fixed = float(along[1] - along[0]), round(float(beside.mean()))
        if self.axis == "y":  # its samples are spread over each pixel
            along = along - pitch * (self.samples - 1) / (2 * self.samples)
        strips = []
        for first in range(0, len(along), self.most):
            count = min(self.most, len(along) - first)
            start = float(along[first])
            span, still = (round(start), round(start + count * pitch)), (fixed, fixed)
            if self.axis == "x":
                strips.append(Strip(span, count, still, 1, self.samples))
            else:
                strips.append(Strip(still, 1, span, count, self.samples))
        return strips


def _counts(frame: ScanFrame, line: int, calibration: Calibration) -> tuple[FloatArray, FloatArray]:
    x, y = frame.line_positions(line)
    return x / calibration.x + wire.MIDDLE, y / calibration.y + wire.MIDDLE
