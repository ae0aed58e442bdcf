"""What a driver must be told of the emulated controller, beside host and ports."""

from collections.abc import Mapping
from typing import Any

from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instrument,
    SetFeedback,
)

from .signal_map import FORCE

ABILITIES = {  # as the driver's settings name them
    "force_curve": AcquireForceCurve,
    "condition_tip": ConditionTip,
    "set_feedback": SetFeedback,
}
POINTS, SHORT = 64, 1e-6  # of a sweep that asks for less time than any instrument takes [s]


def driver_settings(instrument: Instrument) -> Mapping[str, Any]:
    """Return what a laboratory with this instrument would write into its lab file."""
    what = instrument.capabilities
    spectrum = [channel.name for channel in what.spectrum_channels]
    settings: dict[str, Any] = {
        "image_channels": tuple(channel.name for channel in what.image_channels),
        "spectrum_channels": tuple(spectrum),
        "abilities": tuple(name for name, kind in ABILITIES.items() if kind in what.instructions),
    }
    if AcquireForceCurve in what.instructions and FORCE.name not in spectrum:
        settings["force_channel"] = FORCE.name
    dwell = _shortest_dwell(instrument)
    if dwell > 2 * SHORT:
        settings["sweep"] = {"minimum_dwell": f"{dwell!r} s"}
    return settings


def _shortest_dwell(instrument: Instrument) -> float:
    """Return how fast the instrument can measure a point: a lock-in has to settle [s]."""
    times = [
        instrument.duration(AcquireSpectrum(0.0, 0.0, BiasWaveform((0.0,) * points, SHORT)))
        for points in (POINTS, 2 * POINTS)
    ]
    return (times[1] - times[0]) / POINTS
