"""What a journal remembers of the instrument that its run was made on."""

from collections.abc import Sequence
from typing import Any

from ..errors import DataError
from ..instrument import Limits, NoGoZone, Remembered
from .events import ProbePositioned, Record, RunStarted, ScanStarted, SpectrumAcquired
from .recovery import ForceCurveAcquired, TipConditioned


def remember(records: Sequence[Record]) -> Remembered:
    """Collect what the records of a run tell of its instrument.

    After a scan nobody knows where the probe stands, and the bias while nothing is measured is in
    no record; so neither is remembered.

    Args:
        records: Of one run, from its start.

    Raises:
        DataError: They do not begin with a run, or its limits are none.
    """
    if not records or not isinstance(records[0].event, RunStarted):
        raise DataError("the records do not begin with a run")
    started = records[0].event
    images: dict[str, Any] = {}
    spectra, position = None, None
    for event in (record.event for record in records):
        match event:
            case ScanStarted(channels=channels):
                images |= {channel.name: channel for channel in channels}
                position = None
            case ProbePositioned(x=x, y=y) | TipConditioned(x=x, y=y):
                position = (x, y)
            case SpectrumAcquired(spectrum=spectrum):
                spectra, position = spectrum.channels, (spectrum.x, spectrum.y)
            case ForceCurveAcquired(curve=curve):
                position = (curve.x, curve.y)
    return Remembered(
        started.instrument, tuple(images.values()), spectra, _limits(started), position
    )


def _limits(started: RunStarted) -> Limits | None:
    if "limits" not in started.settings:
        return None
    try:
        given = dict(started.settings["limits"])
        zones = tuple(NoGoZone(*zone) for zone in given.pop("no_go", ()))
        return Limits(**given, no_go=zones)
    except (TypeError, ValueError) as error:
        raise DataError(f"the limits of run {started.uid} cannot be read: {error}") from error
