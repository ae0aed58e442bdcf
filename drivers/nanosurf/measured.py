"""What a measurement file of Studio must say to be the answer to what was asked."""

import math

import numpy as np

from spm_auto.errors import InstrumentError
from spm_auto.instrument import FloatArray, Scan
from spm_auto.units import format as format_quantity
from spm_auto.wire.nanosurf import Measurement

from .settings import CycleSettings, NanosurfSettings, SignalSettings

BIAS_SHARE = 0.01  # of its span by which a recorded tip voltage may be off
BIAS_STEP = 2e-3  # [V] beside that


def check_frame(measured: Measurement, scan: Scan, rotation: float) -> None:
    """Refuse an image that is not of the frame, or not whole.

    Args:
        measured: What was stored.
        scan: What was asked for.
        rotation: The frame's angle as Studio says it [deg].

    Raises:
        InstrumentError: With what is otherwise.
    """
    frame = scan.frame
    points, lines = frame.pixels
    said = (
        ("lines and points", measured.shape, (lines, points)),
        ("size", measured.size, frame.size),
        ("centre", measured.center, frame.center),
        ("rotation", (measured.rotation,), (rotation,)),
        ("measured lines", (measured.lines,), (lines,)),
    )
    for what, found, expected in said:
        if not np.allclose(found, expected, rtol=1e-4, atol=1e-12):
            raise InstrumentError(
                f"the file that was stored is not of this scan: {what} {found}, expected {expected}"
            )


def spectrum_of(
    measured: Measurement, cycle: CycleSettings, at: tuple[float, float], settings: NanosurfSettings
) -> FloatArray:
    """Return the channels of a spectrum, shape [channel, point].

    Args:
        measured: What was stored.
        cycle: What was run.
        at: Where it was run [m].
        settings: Of the lab file.

    Raises:
        InstrumentError: It was measured elsewhere, or with another bias.
    """
    off = math.dist(measured.center, at)
    if off > settings.position_accuracy:
        raise InstrumentError(
            f"the spectrum was measured at {as_text(measured.center)}, not at {as_text(at)}"
        )
    bias = _joined(measured, settings.bias_signal, "V", len(cycle.bias))
    worst = float(np.abs(bias - cycle.bias).max())
    allowed = BIAS_SHARE * float(np.ptp(cycle.bias)) + BIAS_STEP
    if not worst <= allowed:
        raise InstrumentError(
            f"cycle {cycle.name!r} ran another bias than the lab file says: off by up to "
            f"{worst:g} V, allowed {allowed:g} V"
        )
    channels = settings.spectrum_channels
    return np.stack([_joined(measured, s.signal, s.unit, len(bias)) for s in channels])


def image_of(measured: Measurement, way: str, channel: SignalSettings) -> FloatArray:
    """Return a channel of one direction, shape [line, pixel].

    Raises:
        InstrumentError: It is not in the file, or in another unit.
    """
    try:
        image = measured.image(way, channel.signal)
    except ValueError as error:
        raise InstrumentError(f"the image has no {channel.name}: {error}") from error
    (unit,) = {
        s.unit
        for segment in measured.segments
        if segment.name == way
        for s in segment.signals
        if s.name == channel.signal
    }
    _check_unit(channel.signal, unit, channel.unit)
    return image


def _joined(measured: Measurement, signal: str, unit: str, points: int) -> FloatArray:
    """Return a signal of all segments, one after the other."""
    parts = []
    for segment in measured.segments:
        found = next((s for s in segment.signals if s.name == signal), None)
        if found is None:
            names = ", ".join(s.name for s in segment.signals)
            raise InstrumentError(f"the spectrum has no signal {signal!r}; it has {names}")
        if len(segment.blocks) > 1:
            raise InstrumentError(
                f"the cycle was run {len(segment.blocks)} times; it must be set up to run once"
            )
        _check_unit(signal, found.unit, unit)
        parts.append(found.values)
    joined = np.concatenate(parts) if parts else np.empty(0)
    if len(joined) != points:
        raise InstrumentError(f"the spectrum has {len(joined)} points, the cycle has {points}")
    return joined


def _check_unit(signal: str, found: str, expected: str) -> None:
    if found != expected:
        raise InstrumentError(f"{signal} is stored in {found!r}; the lab file says {expected!r}")


def as_text(point: tuple[float, float]) -> str:
    """Return a point for people."""
    return f"({format_quantity(point[0], 'm', 6)}, {format_quantity(point[1], 'm', 6)})"
