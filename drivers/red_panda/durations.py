"""How long the red panda takes: passes of its loop, and the talking between its deaf moments."""

import math
from typing import TYPE_CHECKING

from spm_auto.instrument import BiasWaveform, Scan

from .strips import Raster

if TYPE_CHECKING:
    from .settings import RedPandaSettings

Point = tuple[float, float]

TALK_TIME = 10e-3  # [s] of a question and its answer over USB


def talk_time(settings: "RedPandaSettings") -> float:
    """Return the time of a command with numbers and of the question after it [s]."""
    return 2 * settings.pause + (TALK_TIME if settings.pause else 0.0)


def way_time(settings: "RedPandaSettings", start: Point, end: Point) -> float:
    """Return the time of a motion [s]: one pass for each count, along x and then along y."""
    scale = settings.calibration
    passes = abs(end[0] - start[0]) / scale.x + abs(end[1] - start[1]) / scale.y
    time = passes * settings.pass_time
    return time + math.ceil(time / settings.strip_time) * talk_time(settings)


def sweep_time(settings: "RedPandaSettings", waveform: BiasWaveform) -> float:
    """Return the time of all cycles of a sweep [s]."""
    points = len(waveform.values) * waveform.cycles
    talk, lock_in = talk_time(settings), settings.lock_in
    if lock_in is None:
        return points * max(waveform.dwell, talk)
    return points * (max(waveform.dwell, lock_in.wait) + 2 * talk)


def scan_time(settings: "RedPandaSettings", scan: Scan, here: Point) -> float:
    """Return the time of a scan [s], every strip and every way between two of them counted."""
    raster = Raster.of(scan, settings.calibration, settings.pass_time, settings.strip_time)
    x, y = (float(v) for v in scan.frame.to_sample(0, 0))
    first = raster.line(0)[0]
    stand, passes, strips = (first.x[0], first.y[0]), 0, 0
    for index in range(scan.frame.pixels[1]):
        for strip in raster.both_ways(index):
            passes += strip.passes(*stand)
            strips += 1
            stand = strip.end
    time = passes * settings.pass_time + strips * talk_time(settings)
    return way_time(settings, here, (x, y)) + time
