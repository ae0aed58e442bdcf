"""ImageWords: what is said about an image: which scan, how far it has come, what is at a place."""

import math

import numpy as np

from spm_auto.instrument import Channel, FloatArray
from spm_auto.units import format_duration

from ..common.drawing import Shown, said
from ..common.selection import Place
from ..run.growing_scan import GrowingScan

_FEW = 5  # lines below which the pace of a scan says nothing


def scan_in_words(scan: GrowingScan | None, is_following: bool) -> str:
    """Say which scan is shown and how far it has come.

    Args:
        scan: Which one; None before the first.
        is_following: Whether it is shown because it goes on, and was not chosen.
    """
    if scan is None:
        return "no scan yet"
    state = "broken off" if scan.is_over else time_left(scan)
    state = "whole" if scan.is_complete else state
    text = f"scan {scan.index + 1}: {scan.started.instruction.purpose}, "
    text += f"{scan.n_lines} of {scan.frame.pixels[1]} lines, {state}"
    if scan.forward is None:
        text += "; not in memory, to be read again from the journal"
    return text if is_following else f"{text} (chosen)"


def time_left(scan: GrowingScan) -> str:
    """Say how long a scan will take if it goes on as it has come so far, in instrument time.

    Nothing after a few lines: the way to the first one counts as a pace then.
    """
    n_left = scan.frame.pixels[1] - scan.n_lines
    if scan.n_lines < _FEW or not scan.end_time > scan.start_time:
        return "growing"
    seconds = (scan.end_time - scan.start_time) / scan.n_lines * n_left
    return f"growing, {format_duration(seconds)} left"


def pixel_at(scan: GrowingScan, place: Place) -> tuple[int, int] | None:
    """Return line and pixel of a scan at a place [m]; None beside it."""
    line, pixel = (int(np.rint(v)) for v in scan.frame.to_pixel(*place))
    rows, columns = scan.frame.shape
    return (line, pixel) if 0 <= line < rows and 0 <= pixel < columns else None


def place_in_words(
    place: Place,
    at: tuple[int, int] | None,
    channel: Channel,
    lengths: Shown,
    measured: FloatArray | None,
    seen: FloatArray | None,
) -> str:
    """Say what was measured at a place, with units.

    Args:
        place: Where [m].
        at: Line and pixel there; None beside the image.
        channel: What is shown.
        lengths: In which unit places are told.
        measured: The image as measured, shape [line, pixel]; None where it is not there.
        seen: The same as it is seen, where it is levelled; else None.
    """
    text = f"x {lengths(place[0])}   y {lengths(place[1])}"
    if at is None or measured is None:
        return text
    value = float(measured[at])
    if not math.isfinite(value):
        return f"{text}   {channel.name} has no value here"
    text += f"   {channel.name} {said(value, channel.unit)}"
    if seen is not None and math.isfinite(seen[at]):
        text += f" (in this view {said(float(seen[at]), channel.unit)})"
    return text
