"""Drift: what moves the sample under the tip whatever the scanner is told."""

import math

import numpy as np

from spm_auto.instrument import FloatArray

from ..randomness import RandomStreams
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
        self._velocity = settings.drift * _direction(streams.stream("drift"))
        self._warm_up = settings.warm_up * _direction(streams.stream("warm-up", number))
        self._sway = settings.temperature * _direction(streams.stream("temperature"))
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
        settings = self._settings
        elapsed = np.clip(times - self.origin, 0.0, None)
        moved = np.zeros((2, len(times)))
        if settings.drift:
            moved += self._velocity * elapsed
        if settings.warm_up:
            moved -= self._warm_up * np.expm1(-elapsed / settings.warm_up_time)
        if settings.temperature:
            turn = 2 * math.pi / settings.temperature_period
            phase = self._phase + turn * self.origin
            moved += self._sway * (np.sin(turn * elapsed + phase) - math.sin(phase))
        if settings.random_walk:
            moved += self._walked(elapsed)
        return moved

    def height(self, times: FloatArray) -> FloatArray:
        """Return the drift in height [m] at instrument times [s], any shape."""
        return np.asarray(self._settings.z_drift * np.clip(times - self.origin, 0.0, None))

    def _walked(self, elapsed: FloatArray) -> FloatArray:
        walk = self._walk
        while walk.shape[1] < float(np.max(elapsed)) + 2:
            chunk = walk.shape[1] // CHUNK
            steps = self._streams.stream("random walk", self.number, chunk)
            way = np.cumsum(steps.standard_normal((2, CHUNK)), axis=1)
            walk = np.concatenate([walk, walk[:, -1:] + self._settings.random_walk * way], axis=1)
        self._walk = walk
        second = elapsed.astype(np.intp)
        before, after = walk[:, second], walk[:, second + 1]
        return np.asarray(before + (elapsed - second) * (after - before))


def _direction(rng: np.random.Generator) -> FloatArray:
    """Return a random unit vector, shape (2, 1)."""
    angle = 2 * math.pi * rng.random()
    return np.array([[math.cos(angle)], [math.sin(angle)]])
