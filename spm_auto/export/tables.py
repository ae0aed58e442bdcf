"""Images, spectra and points as plain tables (CSV), units in the header."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..data import Measurement, write_whole
from ..instrument import Channel, ScanImage, Spectrum
from .origin import flags_of

_POINTS = (
    "number", "x (m)", "y (m)", "start time (s)", "duration (s)", "largest bias (V)",
    "chosen bias (V)", "scalarizer", "reward", "noise", "unit", "flag", "reason",
    "predicted mean", "predicted deviation", "acquisition", "cost (s)",
)  # fmt: skip


def write_image_table(path: Path | str, image: ScanImage) -> Path:
    """Write an image with one row for each pixel: where it lies, and every channel both ways.

    Args:
        path: The file; one that is there is replaced.
        image: The image; what is missing stays empty.

    Raises:
        DataError: It cannot be written there.
    """
    lines, pixels = np.indices(image.frame.shape)
    x, y = image.frame.positions()
    names, columns = ["line", "pixel", "x (m)", "y (m)"], [lines, pixels, x, y]
    for channel in image.channels:
        for way in ("forward", "backward"):
            names.append(f"{channel.name} {way} ({channel.unit})")
            columns.append(image.channel(channel.name, way == "backward"))
    return _put(path, names, zip(*(column.ravel().tolist() for column in columns), strict=True))


def write_spectra_table(path: Path | str, spectra: Sequence[Spectrum]) -> Path:
    """Write spectra with one row for each point of each; their numbers count from 0.

    Args:
        path: The file; one that is there is replaced.
        spectra: The spectra; where one lacks a channel, the place stays empty.

    Raises:
        DataError: It cannot be written there.
    """
    channels = list(dict.fromkeys(c for spectrum in spectra for c in spectrum.channels))
    names = ["number", "point", "bias (V)", *(f"{c.name} ({c.unit})" for c in channels)]
    rows = (row for n, spectrum in enumerate(spectra) for row in _rows(n, spectrum, channels))
    return _put(path, names, rows)


def write_point_table(path: Path | str, measurements: Sequence[Measurement]) -> Path:
    """Write where a run measured, why there, what it was worth and what had been expected.

    Reward, noise, predicted mean and deviation are in the unit that stands in the row.

    Args:
        path: The file; one that is there is replaced.
        measurements: The run's spectra.

    Raises:
        DataError: It cannot be written there.
    """
    return _put(path, _POINTS, (_point(measurement) for measurement in measurements))


def _rows(
    number: int, spectrum: Spectrum, channels: Sequence[Channel]
) -> Iterable[tuple[object, ...]]:
    nothing = [math.nan] * len(spectrum.bias)
    data = dict(zip(spectrum.channels, spectrum.data.tolist(), strict=True))
    columns = [data.get(channel, nothing) for channel in channels]
    for point, (bias, *values) in enumerate(zip(spectrum.bias.tolist(), *columns, strict=True)):
        yield (number, point, bias, *values)


def _point(measurement: Measurement) -> tuple[object, ...]:
    spectrum, scored, chosen = measurement.spectrum, measurement.scored, measurement.chosen
    value = (scored.scalarizer, scored.value, scored.noise, scored.unit) if scored else ("",) * 4
    thought = (chosen.mean, chosen.deviation, chosen.score, chosen.cost) if chosen else ("",) * 4
    return (
        measurement.number,
        spectrum.x,
        spectrum.y,
        spectrum.start_time,
        spectrum.end_time - spectrum.start_time,
        float(np.abs(spectrum.bias).max(initial=0.0)),
        scored.bias if scored else chosen.bias if chosen else "",
        *value,
        flags_of(measurement),
        chosen.reason if chosen else "",
        *thought,
    )


def _put(path: Path | str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows([_cell(value) for value in row] for row in rows)
    return write_whole(Path(path), text.getvalue().encode("utf-8"))


def _cell(value: object) -> object:
    """Leave a place empty for what is missing."""
    return "" if isinstance(value, float) and math.isnan(value) else value
