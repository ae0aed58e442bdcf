"""PfmImaging: one scan in progress, with its z loop, its lock-in and what happens to the tip."""

import math
from collections.abc import Callable

import numpy as np

from spm_auto.instrument import FloatArray, Scan

from ...feedback import Control, ZLoop
from ...path import Path
from ...randomness import RandomStreams
from ...samples import View
from ...tips import TipLife
from ..protocol import LinePair
from .noise import averaged
from .readout import LockIn


class PfmImaging:
    """Measures line by line; a tip that changes goes on changed from the next line.

    Args:
        scan: What was asked for.
        view: Gives the sample as the tip finds it now.
        lock_in: Gives the readout with the tip as it is now.
        loop: That holds the deflection.
        life: Of the tip.
        load: Force of the tip on the sample [N].
        sideways: Direction in which the cantilever twists, as a unit vector; None where no lateral
            channels are read.
        streams: Where chance comes from.
        number: Of the action.
    """

    def __init__(
        self,
        scan: Scan,
        view: Callable[[], View],
        lock_in: Callable[[], LockIn],
        loop: ZLoop,
        life: TipLife,
        load: float,
        sideways: FloatArray | None,
        streams: RandomStreams,
        number: int,
    ) -> None:
        self._way = 2 * scan.frame.size[0]
        self._make_view, self._make_lock_in = view, lock_in
        self._view, self._lock_in = view(), lock_in()
        self._loop = loop
        self._control: Control | None = None
        self._lines = scan.frame.pixels[1]
        self._life, self._load = life, load
        self._sideways = sideways
        names = ("lock-in", "lateral lock-in", "z noise", "line jumps", "tip")
        self._random = {name: streams.stream(name, number) for name in names}

    def line(self, path: Path) -> LinePair:
        """Measure one line."""
        noise = self._lock_in.noise
        lag = noise.lag / path.dt  # in samples
        x, y = _delayed(path.x, lag), _delayed(path.y, lag)
        signals = self._view.at(x, y)
        pixel_time = path.dt * path.per_pixel
        piezoresponse = np.stack(path.by_pixel(signals.piezoresponse))
        channels = [*self._lock_in.read(piezoresponse, pixel_time, self._random["lock-in"])]
        channels.append(self._height(signals.height, path))
        if self._sideways is not None and signals.lateral is not None:
            twist = np.tensordot(self._sideways, signals.lateral, axes=1)
            lateral = np.stack(path.by_pixel(twist))
            channels += self._lock_in.read(lateral, pixel_time, self._random["lateral lock-in"])
        self._live(path)
        forward, backward = np.stack(channels, axis=1)
        return forward, backward

    def _height(self, surface: FloatArray, path: Path) -> FloatArray:
        """Return the height of the tip under feedback, forward and backward [m]."""
        noise = self._lock_in.noise
        wanted = surface + path.z
        if noise.height:
            white = self._random["z noise"].standard_normal(len(wanted))
            wanted += averaged(noise.height, path.dt) * white
        if self._control is None:
            self._control = self._loop.settings.control(path.dt, len(wanted) * self._lines)
        height = np.stack(path.by_pixel(self._loop.line(wanted, self._control).z))
        if noise.line_jump:
            height = height + noise.line_jump * self._random["line jumps"].standard_normal()
        offset = self._life.tip.offset
        return height + offset if offset else height

    def _live(self, path: Path) -> None:
        events = len(self._life.history)
        self._life.pass_time(
            path.duration, self._random["tip"], path.start, distance=self._way, load=self._load
        )
        if len(self._life.history) != events:
            self._view, self._lock_in = self._make_view(), self._make_lock_in()


def _delayed(along: FloatArray, lag: float) -> FloatArray:
    """Return a coordinate as it was some samples ago; before the line it stood at its start."""
    if not lag:
        return along
    whole = math.floor(lag)
    share, start = lag - whole, np.full(min(whole + 1, len(along)), along[0])
    before = np.concatenate([start, along])[: len(along) + 1]
    return (1 - share) * before[1:] + share * before[:-1]
