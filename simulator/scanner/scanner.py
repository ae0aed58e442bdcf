"""Scanner: turns commands into the places where the tip really is."""

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from spm_auto.instrument import FloatArray, ScanFrame

from ..compiled import compiled
from ..path import Path
from ..randomness import RandomStreams
from ..timing import Point
from .actuator import Actuator, LineMotion
from .drift import Drift
from .kernels import heights, jitter, shift
from .raster import line_shape
from .settings import ScannerSettings

DRIFT_STEP = 1.0  # [s]: within a line the drift is straight over so long a time

T = TypeVar("T", float, FloatArray)


@dataclass(frozen=True, slots=True, eq=False)
class ScannerState:
    """Everything changeable about a scanner.

    Attributes:
        time: Since when it rests at the command [s].
        command: Where it was sent [m].
        creep: Relaxors of x and y at that time [m], shape (2, k).
        play: Play operators of x and y [m], shape (2, k).
        engaged: Number of the last load.
        origin: Instrument time of the last load's end [s].
    """

    time: float
    command: Point
    creep: FloatArray
    play: FloatArray
    engaged: int
    origin: float


class Scanner:
    """Moves the tip over the sample, not quite to where it is told.

    Command, then hysteresis and creep of each axis, then sensitivity and skew, then drift and the
    noise of the sensors: each is left out exactly where its amount is zero. The state changes with
    `move`, `line` and `engage` only; where the tip is at rest is a function of the time.

    Args:
        settings: How imperfect it is.
        full_range: Of each axis, from end to end [m].
        streams: Where everything accidental comes from.
    """

    def __init__(
        self, settings: ScannerSettings, full_range: float, streams: RandomStreams
    ) -> None:
        if not 0 < full_range < math.inf:
            raise ValueError(f"a scanner's range must be positive, got {full_range} m")
        self.settings = settings
        self.full_range = full_range
        self._streams = streams
        self._actuator = Actuator.of(settings, full_range)
        self._drift = Drift(settings, streams, 0, 0.0)
        at_rest = np.stack([self._actuator.play.rest()] * 2)
        self._state = ScannerState(0.0, (0.0, 0.0), self._actuator.relaxed(), at_rest, 0, 0.0)
        self._is_perfect = settings.is_perfect
        self._sensors: tuple[int, np.random.Generator] | None = None  # action, and their noise
        self._motions: dict[bool, LineMotion] = {}  # by whether there is a next line

    @property
    def commanded(self) -> Point:
        """Where the scanner was sent last [m]."""
        return self._state.command

    def engage(self, time: float, number: int) -> None:
        """Bring the tip to the sample: the drift counts from here on, and warming up begins anew.

        Args:
            time: Instrument time [s].
            number: Of the action that did it.
        """
        self._drift = Drift(self.settings, self._streams, number, time)
        creep = self._crept(time)
        self._state = replace(self._state, time=time, creep=creep, engaged=number, origin=time)

    def move(self, target: Point, start: float, end: float) -> None:
        """Send the tip to a point, at a steady speed from wherever it is.

        Args:
            target: Where to [m].
            start: Instrument time at which it sets out [s].
            end: Instrument time at which it is there [s].
        """
        state, actuator = self._state, self._actuator
        self._state = ScannerState(
            time=end,
            command=(float(target[0]), float(target[1])),
            creep=actuator.ramp(self._crept(start), state.command, target, end - start),
            play=actuator.step(state.play, target),
            engaged=state.engaged,
            origin=state.origin,
        )

    def line(
        self,
        frame: ScanFrame,
        line: int,
        start: float,
        line_time: float,
        overscan: float,
        number: int,
    ) -> Path:
        """Scan one line: forward, turn, backward, turn, and on to the next line.

        Args:
            frame: That is scanned.
            line: Which line of it.
            start: Instrument time at which the line begins [s].
            line_time: Time of all of it, the turns included [s].
            overscan: Time of both turns as a share of the time on the pixels.
            number: Of the action, the index of its random streams.
        """
        if self._is_perfect:
            return self._perfect_line(frame, line, start, line_time, overscan)
        motion = self._motion(frame, line, line_time, overscan)
        state = self._state
        extensions, creep, play = motion.run(motion.starts[line], self._crept(start), state.play)
        end = motion.starts[line + 1] if motion.goes_on else _point(frame, line, 0.0)
        self._state = ScannerState(
            time=start + line_time,
            command=end,
            creep=creep,
            play=play if motion.goes_on else self._actuator.step(play, end),
            engaged=state.engaged,
            origin=state.origin,
        )
        x, y = self._map(extensions[0], extensions[1])
        times = motion.times + start
        self._shift(x, y, times, number, line)
        return Path(
            x=x,
            y=y,
            z=self._heights(x, y, times),
            start=float(times[0]),
            dt=motion.dt,
            pixels=frame.pixels[0],
            per_pixel=self.settings.samples_per_pixel,
            turn=motion.shape.turn,
        )

    def true_position(self, time: float) -> Point:
        """Return where the tip really is over the sample, resting since the last command [m].

        Args:
            time: Instrument time [s], not before the last command was carried out.
        """
        if self._is_perfect:
            return self._state.command
        state = self._state
        extended = self._actuator.extension(state.command, self._crept(time), state.play)
        x, y = self._map(*extended)
        drift_x, drift_y = self._drift.after(time)
        return x + drift_x, y + drift_y

    def drift(self, times: FloatArray) -> FloatArray:
        """Return by how much drift alone has moved the tip over the sample [m], shape (2, n).

        Args:
            times: Instrument times [s], also in the future, shape (n,).
        """
        return self._drift.at(times)

    def height(self, x: ArrayLike, y: ArrayLike, time: ArrayLike) -> FloatArray:
        """Return what tilt, bow and drift add to the height there and then [m].

        Args:
            x: Over the sample [m], any shape.
            y: Over the sample [m], of x's shape.
            time: Instrument time [s], of x's shape or one for all.

        Returns:
            Of x's shape.
        """
        shape = np.shape(x)
        flat = [np.array(np.broadcast_to(v, shape), dtype=float).ravel() for v in (x, y, time)]
        return self._heights(flat[0], flat[1], flat[2]).reshape(shape)

    def snapshot(self) -> ScannerState:
        """Return everything changeable, as a value."""
        return self._state

    def restore(self, snapshot: ScannerState) -> None:
        """Go back to a snapshot, bit by bit."""
        self._state = snapshot
        drift = self._drift  # a pure function of time, so it need not be drawn again
        if (drift.number, drift.origin) != (snapshot.engaged, snapshot.origin):
            self._drift = Drift(self.settings, self._streams, snapshot.engaged, snapshot.origin)

    def _perfect_line(
        self, frame: ScanFrame, line: int, start: float, line_time: float, overscan: float
    ) -> Path:
        pixels = frame.pixels[0]
        x, y = frame.line_positions(line)
        self._state = replace(self._state, time=start + line_time, command=_point(frame, line, 0.0))
        return Path(
            x=np.concatenate([x, x[::-1]]),
            y=np.concatenate([y, y[::-1]]),
            z=np.zeros(2 * pixels),
            start=start,
            dt=line_time / (1 + overscan) / (2 * pixels),
            pixels=pixels,
        )

    def _crept(self, time: float) -> FloatArray:
        """Return the relaxors at a time, the command being what it is, shape (2, k)."""
        state = self._state
        dwell = max(time - state.time, 0.0)
        return self._actuator.rest(state.creep, state.command, dwell)

    def _map(self, x: T, y: T) -> tuple[T, T]:
        """Turn the extensions of both axes into a place, wrong in scale and skew."""
        settings = self.settings
        if settings.sensitivity_error_x:
            x = x * (1 + settings.sensitivity_error_x)
        if settings.sensitivity_error_y:
            y = y * (1 + settings.sensitivity_error_y)
        if settings.skew:
            x, y = x - math.sin(settings.skew) * y, math.cos(settings.skew) * y
        return x, y

    def _motion(self, frame: ScanFrame, line: int, line_time: float, overscan: float) -> LineMotion:
        """Return what all lines like this one have in common."""
        shape = line_shape(frame.pixels[0], self.settings.samples_per_pixel, overscan)
        dt = line_time / shape.samples
        goes_on = line < frame.pixels[1] - 1
        motion = self._motions.get(goes_on)
        if motion is None or not motion.fits(frame, shape, dt):
            motion = LineMotion.of(self._actuator, frame, shape, dt, goes_on)
            self._motions[goes_on] = motion
        return motion

    def _heights(self, x: FloatArray, y: FloatArray, times: FloatArray) -> FloatArray:
        """Return what tilt, bow and drift add to the height [m], all of shape (n,)."""
        settings, z = self.settings, np.empty(len(x))
        compiled(heights)(
            x, y, times, self._drift.origin, math.tan(settings.tilt_x), math.tan(settings.tilt_y),
            settings.bow / (self.full_range / 2) ** 2, settings.z_drift, z,
        )  # fmt: skip
        return z

    def _shift(
        self, x: FloatArray, y: FloatArray, times: FloatArray, number: int, line: int
    ) -> None:
        """Add drift and the noise of the sensors to the places along a line."""
        settings, samples = self.settings, len(times)
        dt = float(times[1] - times[0])
        if not self._drift.is_none:
            parts = 1 + math.floor(dt * samples / DRIFT_STEP)
            moments = times[0] + dt * (samples - 1) / parts * np.arange(parts + 1)
            compiled(shift)(x, y, self._drift.at(moments))
        if settings.closed_loop and settings.sensor_noise:
            if line == 0 or self._sensors is None or self._sensors[0] != number:
                self._sensors = number, self._streams.stream("position sensors", number)
            memory = math.exp(-2 * math.pi * settings.sensor_bandwidth * dt)
            compiled(jitter)(x, y, self._sensors[1], memory, settings.sensor_noise)


def _point(frame: ScanFrame, line: float, pixel: float) -> Point:
    x, y = frame.to_sample(line, pixel)
    return float(x), float(y)
