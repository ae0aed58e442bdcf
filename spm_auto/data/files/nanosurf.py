"""Nanosurf Studio's measurement files (.nhf): images of both directions, grids of spectra."""

from math import radians
from pathlib import Path

import numpy as np

from spm_auto.wire.nanosurf import (
    IMAGE,
    SPECTROSCOPY,
    Measurement,
    Segment,
    Signal,
    is_measurement,
    read_measurements,
)

from ...errors import DataError
from ...instrument import Channel, FloatArray, ScanFrame, Spectrum
from .data_file import DataFile, Picture, put_together
from .nsid import read_nsid
from .si import in_si
from .strangers import guarded, open_hdf5

TURN = "the file does not say which way its rotation turns: read as counter-clockwise"
UPRIGHT = "line 0 is read as the lower edge, as in a measurement whose picture is known"
_BIAS = "Tip Voltage"
_WAYS = {"Forward": False, "Backward": True}


def read_hdf5(path: Path) -> DataFile:
    """Read an HDF5 file: Studio's if it says so, else NSID.

    Raises:
        DataError: The file is damaged or refused, or holds nothing that can be read.
    """
    with open_hdf5(path) as file:
        is_theirs = is_measurement(file.root)
    return read_nanosurf(path) if is_theirs else read_nsid(path)


def read_nanosurf(path: Path) -> DataFile:
    """Read a measurement file of Nanosurf Studio, of format 1 or 2.

    Values are in the units of the file's own calibration. Spectra whose tip voltage was not stored
    have nothing to stand against, and are left out with a note.

    Raises:
        DataError: The file is damaged or refused, or holds nothing that can be read.
    """
    with open_hdf5(path) as file, guarded(path):
        measurements = read_measurements(file.root)
    pictures: list[Picture] = []
    spectra: list[Spectrum] = []
    notes: list[str] = []
    metadata: dict[str, str] = {}
    with guarded(path):
        for measurement in measurements:
            metadata |= {
                f"{measurement.name}.{name}": str(value)
                for name, value in measurement.attributes.items()
            }
            if measurement.kind == SPECTROSCOPY:
                spectra += _spectra(measurement, notes)
            else:
                pictures += _pictures(measurement, notes)
    if not pictures and not spectra:
        said = "; ".join(notes) or f"it holds no measurement of kind {IMAGE} or {SPECTROSCOPY}"
        raise DataError(f"{path}: nothing in this file of Nanosurf Studio can be read: {said}")
    return DataFile(
        path.name,
        "Nanosurf Studio measurement (HDF5)",
        put_together(pictures),
        tuple(spectra),
        metadata=metadata,
        notes=tuple(dict.fromkeys(notes)),
    )


def _pictures(measurement: Measurement, notes: list[str]) -> list[Picture]:
    lines, points = measurement.shape
    if min(lines, points) < 2:
        notes.append(f"{measurement.name} has {lines} lines of {points} points: it is no image")
        return []
    if measurement.rotation:
        notes.append(TURN)
    notes.append(UPRIGHT)
    frame = ScanFrame(
        measurement.center, measurement.size, (points, lines), radians(measurement.rotation)
    )
    found = []
    for segment in measurement.segments:
        for signal in segment.signals:
            if segment.name not in _WAYS or signal.values.size != lines * points:
                continue  # curves at each pixel are no image
            values, unit = in_si(signal.values.reshape(lines, points), signal.unit)
            values = values.copy()
            values[measurement.lines :] = np.nan
            channel = Channel(signal.name, unit)
            found.append(Picture(frame, channel, values, _WAYS[segment.name]))
    return found


def _spectra(measurement: Measurement, notes: list[str]) -> list[Spectrum]:
    rows, columns = measurement.shape
    count = rows * columns
    segments = [segment for segment in measurement.segments if _named(segment, _BIAS)]
    if not segments or any(len(segment.blocks) != count for segment in segments):
        notes.append(f"{measurement.name} has no {_BIAS} for each of its {count} places: left out")
        return []
    names = [s.name for s in segments[0].signals if s.name != _BIAS]
    names = [name for name in names if all(_named(segment, name) for segment in segments)]
    if not names:
        notes.append(f"{measurement.name} has nothing but the {_BIAS}: left out")
        return []
    units = [in_si(np.empty(0), signal.unit)[1] for signal in _all(segments[0], names)]
    channels = tuple(Channel(name, unit) for name, unit in zip(names, units, strict=True))
    found = []
    for place, (x, y) in enumerate(_places(measurement)):
        bias = np.concatenate([_block(segment, _BIAS, place) for segment in segments])
        data = [np.concatenate([_block(s, name, place) for s in segments]) for name in names]
        found.append(Spectrum(x, y, bias, channels, np.stack(data), 0.0, 0.0))
    return found


def _places(measurement: Measurement) -> list[tuple[float, float]]:
    """Return where the places of a grid lie, row by row from below."""
    rows, columns = measurement.shape
    (width, height), (x, y) = measurement.size, measurement.center
    turn = radians(measurement.rotation)
    u = width * ((np.arange(columns) + 0.5) / columns - 0.5)
    v = height * ((np.arange(rows) + 0.5) / rows - 0.5)
    along, up = (grid.ravel() for grid in np.meshgrid(u, v))
    xs = x + along * np.cos(turn) - up * np.sin(turn)
    ys = y + along * np.sin(turn) + up * np.cos(turn)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _named(segment: Segment, name: str) -> Signal | None:
    return next((signal for signal in segment.signals if signal.name == name), None)


def _all(segment: Segment, names: list[str]) -> list[Signal]:
    return [signal for name in names for signal in segment.signals if signal.name == name]


def _block(segment: Segment, name: str, place: int) -> FloatArray:
    (signal,) = _all(segment, [name])
    ends = np.cumsum([0, *segment.blocks])
    values = signal.values[ends[place] : ends[place + 1]]
    in_units: FloatArray = in_si(values, signal.unit)[0]
    return in_units
