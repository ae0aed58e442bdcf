"""What is saved: pictures, spectra and curves as Igor's waves, with Asylum's notes."""

from collections.abc import Callable, Mapping, Sequence
from math import pi

import numpy as np

from spm_auto.instrument import Channel, FloatArray, ForceCurve
from spm_auto.wire.igor import wave_bytes

from ..picture import Picture
from .values import Values

LABELS = {
    "height": "Height",
    "amplitude": "Amplitude",
    "phase": "Phase",
    "deflection": "Deflection",
    "current": "Current",
    "potential": "Potential",
    "frequency_shift": "Frequency",
}
AROUND = 5  # points without a bias before and after a sweep: the ways down and up
PIEZORESPONSE = "piezoresponse"
NOTED = (
    *("ScanSize", "FastRatio", "SlowRatio", "ScanPoints", "ScanLines", "ScanRate", "ScanAngle"),
    *("XOffset", "YOffset", "DriveAmplitude", "DriveFrequency", "IntegralGain", "TipVoltage"),
    *("SpringConstant", "InvOLS", "DFRTFrequencyWidth"),
)
IN_CURVES = ("ARDoIVAmp", "ARDoIVFrequency", "ARDoIVCycles", "ARDoIVArg2", "NumPtsPerSec")


def label(channel: Channel) -> str:
    """Return what Asylum calls a channel of images."""
    return LABELS.get(channel.name, channel.name.replace("_", "").capitalize())


def column(channel: Channel) -> str:
    """Return what Asylum calls a channel of curves."""
    return {"amplitude": "Amp", "deflection": "Defl"}.get(channel.name) or label(channel)


def picture_wave(picture: Picture, values: Values, name: str) -> bytes:
    """Return a finished picture: [pixel, line, layer], line 0 at the lower edge."""
    layers, names = [], []
    for channel in picture.channels:
        for way, backward in (("Trace", False), ("Retrace", True)):
            image = _as_saved(picture.channel(channel.name, backward), channel)
            layers.append(np.swapaxes(image, 0, 1))
            names.append(label(channel) + way)
    size = picture.frame.size
    note = {
        **_note(values, NOTED),
        "FastScanSize": f"{size[0]:.6g}",
        "SlowScanSize": f"{size[1]:.6g}",
        **{f"Channel{i + 1}DataType": n.removesuffix("Retrace").removesuffix("Trace")
           for i, n in enumerate(names)},
        **_units(picture.channels, label),
    }  # fmt: skip
    deltas = size[0] / picture.frame.pixels[0], size[1] / picture.frame.pixels[1]
    return wave_bytes(np.stack(layers, axis=-1), names, note, name, deltas)


def sweep_wave(
    bias: FloatArray,
    channels: Sequence[Channel],
    data: FloatArray,
    at: tuple[float, float],
    values: Values,
    name: str,
) -> bytes:
    """Return a curve with a swept bias: its columns side by side, the bias the last."""
    columns = {"Raw": np.full_like(bias, 1e-6)}
    for channel, row in zip(channels, data, strict=True):
        if channel.name == PIEZORESPONSE:
            columns["Amp"], columns["Phase"] = np.abs(row), np.where(row < 0, 180.0, 0.0)
        else:
            columns[column(channel)] = _as_saved(row, channel)
    columns["Bias"] = bias
    table = np.pad(
        np.stack(list(columns.values()), axis=-1), ((AROUND, AROUND), (0, 0)), mode="edge"
    )
    table[:AROUND, -1] = table[-AROUND:, -1] = np.nan
    note = {
        **_note(values, (*NOTED, *IN_CURVES)),
        "ARDoIVCurve": "1",
        "ARDoIVFunc": "ARDoIVTriangle",
        "XLVDT": f"{at[0]:.9g}",
        "YLVDT": f"{at[1]:.9g}",
        **_units(channels, column),
    }
    return wave_bytes(table, list(columns), note, name)


def force_wave(curve: ForceCurve, values: Values, name: str) -> bytes:
    """Return a force curve: down, then up, its columns side by side."""
    columns = {"Raw": np.concatenate([curve.extension, curve.extension[::-1]])}
    for channel, down, up in zip(curve.channels, curve.approach, curve.retract, strict=True):
        saved = np.concatenate([_as_saved(way, channel) for way in (down, up[::-1])])
        if channel.unit == "N":  # the program shows how far the cantilever is bent
            columns["Defl"] = saved / values["SpringConstant"]
        else:
            columns[column(channel)] = saved
    points = len(curve.extension)
    note = {
        **_note(values, NOTED),
        "Indexes": f"0,{points},{2 * points}",
        "Direction": "NaN,1,-1",
        "XLVDT": f"{curve.x:.9g}",
        "YLVDT": f"{curve.y:.9g}",
        **_units(curve.channels, column),
    }
    return wave_bytes(np.stack(list(columns.values()), axis=-1), list(columns), note, name)


def tune_wave(center: float, width: float) -> bytes:
    """Return a tune: frequency, amplitude and phase of a resonance in the middle."""
    frequency = np.linspace(center - width / 2, center + width / 2, 201)
    off = (frequency - center) / (0.02 * width)
    amplitude, phase = 1e-9 / np.hypot(1, off), 90 + np.degrees(np.arctan(off))
    return wave_bytes(np.stack([frequency, amplitude, phase], axis=-1), name="Tune")


def _note(values: Values, names: Sequence[str]) -> Mapping[str, str]:
    numbers = {name: f"{values[name]:.9g}" for name in names}
    return {**numbers, **{name: values.text(name) for name in ("ImagingMode", "BaseName")}}


def _units(channels: Sequence[Channel], named: Callable[[Channel], str]) -> Mapping[str, str]:
    """Return the units of channels that are none of Asylum's own."""
    return {f"{named(c)}Unit": c.unit for c in channels if c.name not in LABELS}


def _as_saved(values: FloatArray, channel: Channel) -> FloatArray:
    return np.asarray(values * (180 / pi) if channel.unit == "rad" else values)
