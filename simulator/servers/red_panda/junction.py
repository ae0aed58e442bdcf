"""Junction: what the firmware's numbers do to a simulated microscope, and what they show of it."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spm_auto.errors import InstrumentError, SpmError, Unsupported
from spm_auto.instrument import Scan, ScanFrame, SetFeedback
from spm_auto.wire import red_panda as wire

from ..station import Station

Point = tuple[float, float]
CHANNELS = ("height", "current")
THERE = 0.75  # [counts] beside which a tip need not be moved


@dataclass(frozen=True, slots=True)
class Scale:
    """What a count is worth.

    Attributes:
        x: [m].
        y: [m].
        z: [m].
        bias: [V].
        current: [A].
        surface: Of the z DAC where the height is zero [counts].
    """

    x: float
    y: float
    z: float
    bias: float
    current: float
    surface: int


class Junction:
    """A tip over a sample, in counts.

    Args:
        station: The microscope.
        scale: What a count is worth.
    """

    def __init__(self, station: Station, scale: Scale) -> None:
        names = [channel.name for channel in station.capabilities.image_channels]
        if not set(CHANNELS) <= set(names):
            raise InstrumentError(
                f"{station.capabilities.name} is no tunnelling microscope: it shows "
                f"{', '.join(names)}, and height and current are needed"
            )
        self.station = station
        self.scale = scale

    def engage(self, x: int, y: int) -> None:
        """Bring the tip to the sample over a point [counts]."""
        self.station.engage()
        self.move(x, y)

    def move(self, x: int, y: int) -> None:
        """Move the tip, unless it stands there up to a count."""
        to, at = self._inside(self._sample(x, y)), self.station.position
        steps = abs(to[0] - at[0]) / self.scale.x, abs(to[1] - at[1]) / self.scale.y
        if max(steps) > THERE:
            self.station.move(*to)

    def hold(self, bias: int, target: int) -> None:
        """Let the loop hold a current at a bias [counts], where the microscope's can be set."""
        self.station.switch_feedback(on=True)
        wanted = SetFeedback(self.bias(bias), abs(target) * self.scale.current)
        with contextlib.suppress(Unsupported):
            self.station.set_feedback(wanted)

    def held(self) -> tuple[int, int]:
        """Return z and current [counts] that the closed loop comes to here."""
        shown = self.station.reading()
        return self.z(shown["height"]), self.counts(shown["current"])

    def current(self, bias: int) -> int:
        """Return the current at a bias with the tip held still [counts]."""
        self.open(bias)
        return self.counts(self.station.reading().get("current", 0.0))

    def open(self, bias: int) -> None:
        """Hold the tip still, and apply a bias [counts]."""
        if self.station.has_feedback:
            self.station.switch_feedback(on=False)
        self.station.set_bias(self.bias(bias))

    def line(
        self, x: Sequence[float], y: Sequence[float], duration: float
    ) -> tuple[list[int], list[int]]:
        """Measure points along x or along y [counts], the loop closed.

        Args:
            x: Of each point, evenly spaced.
            y: Of each point; it or x stays the same.
            duration: Of the way [s].

        Returns:
            z and current of each point [counts].
        """
        start, end = self._sample(x[0], y[0]), self._sample(x[-1], y[-1])
        count = len(x)
        pitch = math.dist(start, end) / (count - 1) if count > 1 else 0.0
        if pitch == 0:
            self.move(round(x[0]), round(y[0]))
            z, current = self.held()
            return [z] * count, [current] * count
        is_along_x = start[1] == end[1]
        is_backward = end[0] < start[0] or end[1] < start[1]
        frame, line = self._around(start, end, count, pitch, is_along_x)
        scan = Scan(frame, CHANNELS)
        data = self.station.scan_line(scan, line, duration, is_backward)
        in_time = data[:, ::-1] if is_backward else data
        return [self.z(v) for v in in_time[0]], [self.counts(v) for v in in_time[1]]

    def bias(self, counts: int) -> float:
        """Return a bias [V]."""
        return (counts - wire.MIDDLE) * self.scale.bias

    def counts(self, current: float) -> int:
        """Return what the converter shows of a current [A]."""
        if not math.isfinite(current):
            return 0
        return int(np.clip(round(current / self.scale.current), -wire.MIDDLE, wire.MIDDLE - 1))

    def z(self, height: float) -> int:
        """Return where the loop holds the tip over a height [m]; higher means a smaller count."""
        if not math.isfinite(height):
            return wire.Z_RANGE[1]
        return int(np.clip(round(self.scale.surface - height / self.scale.z), *wire.Z_RANGE))

    @contextlib.contextmanager
    def tolerant(self) -> Iterator[None]:
        """Let the firmware go on whatever the microscope says: it knows no errors."""
        with contextlib.suppress(SpmError):
            yield

    def _around(
        self, start: Point, end: Point, count: int, pitch: float, is_along_x: bool
    ) -> tuple[ScanFrame, int]:
        """Return a frame of two lines, one of which has the points as its pixels, and which one."""
        has = self.station.capabilities
        low, high = has.y_range if is_along_x else has.x_range
        at = start[1] if is_along_x else start[0]
        upper = at + 1.5 * pitch <= high  # whether there is room for a second line above
        beside = at + (pitch if upper else -pitch) / 2
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        center = (middle[0], beside) if is_along_x else (beside, middle[1])
        size = count * pitch, 2 * pitch
        # turned by a quarter, the lines of a frame go on towards smaller x
        line = int(not upper) if is_along_x else int(upper)
        angle = 0.0 if is_along_x else math.pi / 2
        reach = has.x_range if is_along_x else has.y_range
        size = min(size[0], reach[1] - reach[0]), min(size[1], high - low)
        u, v = (center[0], center[1]) if is_along_x else (center[1], center[0])
        u = float(np.clip(u, reach[0] + size[0] / 2, reach[1] - size[0] / 2))
        v = float(np.clip(v, low + size[1] / 2, high - size[1] / 2))
        return ScanFrame((u, v) if is_along_x else (v, u), size, (count, 2), angle), line

    def _sample(self, x: float, y: float) -> Point:
        return (x - wire.MIDDLE) * self.scale.x, (y - wire.MIDDLE) * self.scale.y

    def _inside(self, point: Point) -> Point:
        has = self.station.capabilities
        x, y = (
            float(np.clip(v, *span))
            for v, span in zip(point, (has.x_range, has.y_range), strict=True)
        )
        return x, y
