"""Drift: what moves the sample under the tip whatever the scanner is told."""

import math

import numpy as np

from spm_auto.instrument import FloatArray

from ..randomness import RandomStreams
from ..timing import Point
from .settings import ScannerSettings

CHUNK = 1024  # steps of the random walk that one stream gives


class Drift:
    """Steady drift, random walk, warm-up and the temperature of the room, zero when engaged.

    A pure function of the instrument time: nobody who looks shifts it.

    Args:
        settings: How much of each.
        streams: Where directions and the walk come from.
        number: Of the load after which it counts.
        origin: Instrument time of that load's end [s].
    """

    def __init__(
        self, settings: ScannerSettings, streams: RandomStreams, number: int, origin: float
    ) -> None:
        self.number = number
        self.origin = origin
        self._settings = settings
        self._streams = streams
        self._velocity = _direction(settings.drift, streams.stream("drift"))
        self._warm_up = _direction(settings.warm_up, streams.stream("warm-up", number))
        self._sway = _direction(settings.temperature, streams.stream("temperature"))
        self._phase = 2 * math.pi * streams.stream("temperature", 0).random()
        self._walk = np.zeros((2, 1))  # displacement at each full second, as far as it was needed
        self.is_none = not (
            settings.drift or settings.random_walk or settings.warm_up or settings.temperature
        )

    def at(self, times: FloatArray) -> FloatArray:
        """Return the displacement of the tip over the sample [m], shape (2, n).

        Args:
            times: Instrument times [s], shape (n,).
        """
        return np.array(list(zip(*map(self.after, times.tolist()), strict=True)))

    def after(self, time: float) -> Point:
        """Return the displacement of the tip over the sample at an instrument time [s], in m."""
        settings = self._settings
        elapsed = max(time - self.origin, 0.0)
        x = y = 0.0
        if settings.drift:
            x, y = _along(self._velocity, elapsed, x, y)
        if settings.warm_up:
            x, y = _along(self._warm_up, -math.expm1(-elapsed / settings.warm_up_time), x, y)
        if settings.temperature:
            turn = 2 * math.pi / settings.temperature_period
            phase = self._phase + turn * self.origin
            x, y = _along(self._sway, math.sin(turn * elapsed + phase) - math.sin(phase), x, y)
        if settings.random_walk:
            walked_x, walked_y = self._walked(elapsed)
            x, y = x + walked_x, y + walked_y
        return x, y

    def _walked(self, elapsed: float) -> Point:
        second = int(elapsed)
        while self._walk.shape[1] < second + 2:
            walk, chunk = self._walk, self._walk.shape[1] // CHUNK
            steps = self._streams.stream("random walk", self.number, chunk)
            way = np.cumsum(steps.standard_normal((2, CHUNK)), axis=1)
            self._walk = np.concatenate(
                [walk, walk[:, -1:] + self._settings.random_walk * way], axis=1
            )
        (x, next_x), (y, next_y) = self._walk[:, second : second + 2].tolist()
        share = elapsed - second
        return x + share * (next_x - x), y + share * (next_y - y)


def _along(way: Point, amount: float, x: float, y: float) -> Point:
    return x + amount * way[0], y + amount * way[1]


def _direction(length: float, rng: np.random.Generator) -> Point:
    """Return a vector of a length in a random direction."""
    angle = 2 * math.pi * rng.random()
    return length * math.cos(angle), length * math.sin(angle)
