"""Creep: how fast a piezo still moves after where it was sent, and how long to wait for it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ...instrument import ScanImage

Point = tuple[float, float]
_LOG = math.log(10.0)
_PARTS = 8  # in which a raster moves along its slow axis, as far as creep can tell
_LONGEST = 1e5  # [s] creep is over, or nobody wants to wait for it
_FORGOTTEN = 0.01  # of what is allowed: a move that still creeps by less does not count
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Move:
    """The probe was sent by a way.

    Attributes:
        time: When it arrived [s].
        way: Along x and y [m].
    """

    time: float
    way: Point


@dataclass(frozen=True, slots=True)
class Creep:
    """After a step u0 a piezo goes on by the same amount in each decade of time.

    Its extension is u0 [1 + gamma log10(t / t0)], so its speed is gamma u0 / (t ln 10). The creep
    of several steps adds up.

    Attributes:
        share: gamma, what is added in a decade as a share of the step.
        moves: The steps that still count.

    Source:
        S. Vieira, IBM J. Res. Dev. 30, 553 (1986); H. Jung and D.-G. Gweon, Rev. Sci. Instrum. 71,
        1896 (2000).
    """

    share: float
    moves: tuple[Move, ...] = ()

    def after(self, more: Iterable[Move]) -> "Creep":
        """Return it after more moves."""
        return Creep(self.share, (*self.moves, *more))

    def speed(self, time: float) -> float:
        """Return how fast the probe still moves at a time after all moves [m/s]."""
        x = y = 0.0
        for move in self.moves:
            rate = self.share / (max(time - move.time, 1e-3) * _LOG)
            x, y = x + rate * move.way[0], y + rate * move.way[1]
        return math.hypot(x, y)

    def way(self, time: float, seconds: float) -> float:
        """Return how far the probe still moves from a time on, within some time [s]; [m]."""
        x = y = 0.0
        for move in self.moves:
            since = max(time - move.time, 1e-3)
            share = self.share * math.log10((since + seconds) / since)
            x, y = x + share * move.way[0], y + share * move.way[1]
        return math.hypot(x, y)

    def settled(self, now: float, slowest: float, tolerance: float, seconds: float) -> float:
        """Return how long to wait [s].

        Args:
            now: Instrument time [s].
            slowest: Speed that is allowed [m/s].
            tolerance: Way that is allowed [m]; within the time of what comes next.
            seconds: That time [s].
        """

        def is_calm(wait: float) -> bool:
            time = now + wait
            return self.speed(time) <= slowest and self.way(time, seconds) <= tolerance

        if is_calm(0.0):
            return 0.0
        low, high = 0.0, 1.0
        while not is_calm(high) and high < _LONGEST:
            low, high = high, 2 * high
        for _ in range(_ROUNDS):
            middle = (low + high) / 2
            low, high = (low, middle) if is_calm(middle) else (middle, high)
        return min(high, _LONGEST)

    def remembered(self, now: float, slowest: float) -> "Creep":
        """Return it without the moves that do not count any more [m/s]."""
        kept = [
            move
            for move in self.moves
            if self.share * math.hypot(*move.way) / (max(now - move.time, 1e-3) * _LOG)
            > _FORGOTTEN * slowest
        ]
        return Creep(self.share, tuple(kept))


def moves_of(image: ScanImage, start: Point) -> tuple[list[Move], Point]:
    """Return what a scan did to the piezo, and where it left the probe [m].

    Along the fast axis it went there and back: creep sees the middle. Along the slow axis it went
    steadily. At the end the probe is at the beginning of the last line.

    Args:
        image: Of the scan.
        start: Where the probe was before [m].
    """
    frame, seconds = image.frame, image.end_time - image.start_time
    lines, pixels = frame.shape
    moves, at = [], start
    for part in range(_PARTS + 1):
        share = part / _PARTS
        x, y = frame.to_sample(share * (lines - 1), (pixels - 1) / 2)
        there = float(x), float(y)
        moves.append(Move(image.start_time + share * seconds, _way(at, there)))
        at = there
    x, y = frame.to_sample(lines - 1, 0.0)
    end = float(x), float(y)
    return [*moves, Move(image.end_time, _way(at, end))], end


def _way(start: Point, end: Point) -> Point:
    return end[0] - start[0], end[1] - start[1]
