"""Actuator: the piezos of both axes, with hysteresis and creep; and its motion over a line."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray, ScanFrame

from ..compiled import compiled
from ..timing import Point
from .creep import RELAXORS, Creep
from .hysteresis import PlayOperators
from .kernels import creep_along
from .raster import LineShape
from .settings import ScannerSettings


@dataclass(frozen=True, slots=True, eq=False)
class Actuator:
    """Two equal piezos; creep adds to what hysteresis leaves.

    Where an amount is zero its state stays as it is, and the extension is the command exactly.

    Attributes:
        creep: Of each axis.
        play: Hysteresis of each axis.
        has_creep: Whether there is any.
        has_play: Whether there is any.
    """

    creep: Creep
    play: PlayOperators
    has_creep: bool
    has_play: bool

    @classmethod
    def of(cls, settings: ScannerSettings, full_range: float) -> Self:
        """Make the piezos of a scanner of this range [m]."""
        return cls(
            Creep.of(settings.left_by_sensors * settings.creep, settings.creep_onset),
            settings.play_operators(full_range),
            has_creep=settings.creep > 0,
            has_play=settings.hysteresis > 0,
        )

    def relaxed(self) -> FloatArray:
        """Return the relaxors of a scanner that never left (0, 0), shape (2, k)."""
        return np.zeros((2, RELAXORS))

    def rest(self, relaxors: FloatArray, command: Point, dwell: float) -> FloatArray:
        """Return the relaxors of both axes after a time at a command."""
        if not self.has_creep or not dwell:
            return relaxors
        return self.creep.rest(relaxors, _column(command), dwell)

    def ramp(self, relaxors: FloatArray, start: Point, end: Point, duration: float) -> FloatArray:
        """Return the relaxors of both axes after a steady motion."""
        if not self.has_creep:
            return relaxors
        return self.creep.ramp(relaxors, _column(start), _column(end), duration)

    def step(self, play: FloatArray, command: Point) -> FloatArray:
        """Return the operators of both axes after a motion in one direction."""
        if not self.has_play:
            return play
        return self.play.step(play, _column(command))

    def extension(self, command: Point, relaxors: FloatArray, play: FloatArray) -> Point:
        """Return how far both axes extend at a command [m]."""
        reached = np.array(command)
        if self.has_play:
            reached = self.play.value(play, reached)
        if self.has_creep:
            reached = reached + self.creep.added(relaxors)
        x, y = reached.tolist()
        return x, y


@dataclass(frozen=True, slots=True, eq=False)
class LineMotion:
    """What all lines of a frame have in common, worked out once.

    Creep is linear: the relaxors along a line are what is left of their start, and a response to
    the motion that is the same for every line.

    Attributes:
        actuator: That moves.
        frame: That is scanned.
        shape: Of the command.
        dt: Time of a sample [s].
        goes_on: Whether the slow axis goes on to the next line.
        starts: Command at the start of each line, and of one more [m].
        times: Of the samples since the line's start [s], shape (n,).
        way: Command relative to the line's start, both axes, at samples and end [m], (2, n + 1).
        left: What is left of each relaxor's start at samples and end, (k, n + 1).
        response: What all relaxors add by the motion itself, both axes [m], (2, n + 1).
        final: Each relaxor at the end by the motion itself, both axes [m], (2, k).
    """

    actuator: Actuator
    frame: ScanFrame
    shape: LineShape
    dt: float
    goes_on: bool
    starts: list[Point]
    times: FloatArray
    way: FloatArray
    left: FloatArray
    response: FloatArray
    final: FloatArray

    @classmethod
    def of(
        cls, actuator: Actuator, frame: ScanFrame, shape: LineShape, dt: float, goes_on: bool
    ) -> Self:
        """Work it out for a frame."""
        fast = frame.size[0] * shape.fast
        slow = frame.pitch[1] * shape.slow * goes_on
        cos, sin = math.cos(frame.angle), math.sin(frame.angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        kept = np.append(np.arange(1, 2 * shape.samples, 2), 2 * shape.samples)
        way = np.stack([cos * fast - sin * slow, sin * fast + cos * slow]).take(kept, axis=1)
        times = kept * (dt / 2)
        corners = frame.to_sample(np.arange(frame.pixels[1] + 1), -0.5)
        starts = list(zip(*(corner.tolist() for corner in corners), strict=True))
        common = actuator, frame, shape, dt, goes_on, starts, times[:-1], way
        if not actuator.has_creep:
            nothing = np.zeros((0, 0))
            return cls(*common, nothing, nothing, nothing)
        creep = actuator.creep
        both = np.stack([creep.response(axis, dt / 2)[:, kept] for axis in (fast, slow)])
        response = creep.share * both.sum(axis=1)
        return cls(
            *common,
            np.exp(-times / creep.times[:, np.newaxis]),
            _turned(turn, response),
            _turned(turn, both[:, :, -1]),
        )

    def fits(self, frame: ScanFrame, shape: LineShape, dt: float) -> bool:
        """Say whether it is the motion of such a line."""
        return self.shape is shape and self.dt == dt and self.frame == frame

    def run(
        self, first: Point, relaxors: FloatArray, play: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Run along a line.

        Args:
            first: Command at the line's start [m].
            relaxors: There and then, both axes [m], shape (2, k).
            play: Operators before the line, both axes [m], shape (2, k).

        Returns:
            The extensions of both axes at the samples [m], shape (2, n); relaxors and operators at
            the end.
        """
        actuator, start = self.actuator, _column(first)
        extensions = start + self.way
        if actuator.has_play:
            extensions, play = actuator.play.follow(play, extensions)
        if actuator.has_creep:
            behind = relaxors - start
            compiled(creep_along)(
                actuator.creep.share, start, behind, self.left, self.response, extensions
            )
            relaxors = start + behind * self.left[:, -1] + self.final
        return extensions[:, :-1], relaxors, play


def _column(point: Point) -> FloatArray:
    """Return a point as one row for each axis, shape (2, 1)."""
    return np.array([[point[0]], [point[1]]])


def _turned(turn: FloatArray, along: FloatArray) -> FloatArray:
    """Turn what happens along the frame's axes into what happens along the scanner's."""
    return np.asarray(np.einsum("ij,jk->ik", turn, along))
