"""AfmImaging: one scan in progress, from what the tip finds to the channels of each line."""

import math
from collections.abc import Callable

import numpy as np

from spm_auto.instrument import FloatArray

from ...feedback import Amplitude, Control, LoopLine, ZLoop
from ...noise_sources import line_noise
from ...path import Path
from ...randomness import RandomStreams
from ..protocol import LinePair
from .contrast import Contrast
from .noise import AfmNoise, LoopNoise, averaged

Ended = Callable[[Path, LoopLine], Contrast | None]


class AfmImaging:
    """Follows the surface line by line, and lets happen to the tip what happens to it.

    Args:
        contrast: What the tip finds.
        loop: The z loop.
        channels: Names of the image channels in order.
        noise: How noisy the channels are.
        density: Of the white noise in the loop [m/rtHz].
        lines: Lines of the scan.
        streams: Where the noise comes from.
        number: Of the action.
        offset: By which the tip shows every height shifted, asked for each line anew [m].
        ended: Called after each line; returns what the tip finds then, None if nothing changed.
    """

    def __init__(
        self,
        contrast: Contrast,
        loop: ZLoop,
        channels: tuple[str, ...],
        noise: AfmNoise,
        density: float,
        lines: int,
        streams: RandomStreams,
        number: int,
        offset: Callable[[], float],
        ended: Ended,
    ) -> None:
        self._contrast = contrast
        self._loop = loop
        self._channels = channels
        self._noise = noise
        self._density = density
        self._lines = lines
        self._loop_stream = streams.stream("afm loop", number)
        self._line_stream = streams.stream("afm lines", number)
        self._channel_streams = {
            name: streams.stream(f"afm {name}", number) for name in channels[2:]
        }
        self._offset = offset
        self._ended = ended
        self._control: Control | None = None
        self._loop_noise: LoopNoise | None = None

    def line(self, path: Path) -> LinePair:
        """Measure one line."""
        control, loop_noise = self._started(path)
        found = self._contrast.at(path.x, path.y)
        wanted = found["height"] + path.z
        if offset := self._offset():
            wanted = wanted + offset
        noise = loop_noise.samples(len(wanted) * control.steps)
        followed = self._loop.line(wanted, control, noise)
        pairs = [self._heights(path, followed.z), path.by_pixel(followed.signal)]
        for name in self._channels[2:]:
            values = found[name]
            if name == "phase":
                values = self._lagging(values, followed.signal)
            pairs.append(self._noisy(name, path, values))
        self._contrast = self._ended(path, followed) or self._contrast
        forward, backward = zip(*pairs, strict=True)
        return np.stack(forward), np.stack(backward)

    def _started(self, path: Path) -> tuple[Control, LoopNoise]:
        if self._control is None or self._loop_noise is None:
            self._control = self._loop.settings.control(path.dt, len(path.x) * self._lines)
            self._loop_noise = LoopNoise(
                self._density, self._noise.mechanical, self._control.step_time, self._loop_stream
            )
        return self._control, self._loop_noise

    def _heights(self, path: Path, z: FloatArray) -> LinePair:
        forward, backward = path.by_pixel(z)
        lines = self._noise.lines
        if lines.jump or lines.spikes:
            added = line_noise(lines, path.pixels, self._line_stream)
            forward, backward = forward + added[0], backward + added[1]
        return forward, backward

    def _lagging(self, phase: FloatArray, amplitude: FloatArray) -> FloatArray:
        """Return the phase where the amplitude is not the one held.

        Near the free amplitude A0 the cosine of the phase goes as sqrt(A0 - A).
        """
        detector = self._loop.detector
        if not isinstance(detector, Amplitude):
            return phase
        room = np.maximum(detector.free - amplitude, 0.0) / (detector.free - detector.setpoint)
        return np.asarray(phase + (phase - math.pi / 2) * (np.sqrt(room) - 1))

    def _noisy(self, name: str, path: Path, values: FloatArray) -> LinePair:
        forward, backward = path.by_pixel(values)
        amount = self._noise.of_channel(name)
        if amount:
            deviation = averaged(amount, path.dt * path.per_pixel)
            drawn = deviation * self._channel_streams[name].standard_normal((2, path.pixels))
            forward, backward = forward + drawn[0], backward + drawn[1]
        return forward, backward
