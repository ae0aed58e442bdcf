"""Measurement files of Studio (.nhf, HDF5): what stands in one, of format 1.1 and 2.

A raster is stored line by line from the lower edge up, both directions by position: so it is in
the measurement that comes with the official package, beside the same image in Gwyddion's format.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Group: TypeAlias = Any  # of h5py, which whoever opens the file has
Dataset: TypeAlias = Any

IMAGE, SPECTROSCOPY = "image_line_based", "spectroscopy"
_TYPES = ("int32", "uint8", "uint16", "uint32", "uint64", "int16", "int64", "double")
_NUMBER = re.compile(r"\d+")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
OFFSETS, POINTS = "channel_data_offsets", "number_of_datapoints_acquired"  # of format 1


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """One measured quantity of a segment.

    Attributes:
        name: As Studio calls it ("Topography").
        unit: As Studio writes it.
        values: All values in the order of measurement; missing is NaN.
    """

    name: str
    unit: str
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A part of a measurement: a direction of a raster, a step of a spectrum.

    Attributes:
        name: As Studio calls it ("Forward").
        signals: What was measured.
        blocks: Of a spectrum: how many points each repetition and place has.
    """

    name: str
    signals: tuple[Signal, ...]
    blocks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """An image or a grid of spectra.

    Attributes:
        name: As Studio calls it.
        kind: ``image_line_based`` or ``spectroscopy`` of those that are understood.
        shape: Lines, and points of a line; of a grid rows and columns.
        size: Extent along the fast and the slow axis [m].
        center: Where its middle lies (x, y) [m].
        rotation: As Studio says it [deg].
        segments: Its parts in order.
        lines: How many lines were measured.
        attributes: All else that it says.
    """

    name: str
    kind: str
    shape: tuple[int, int]
    size: tuple[float, float]
    center: tuple[float, float]
    rotation: float
    segments: tuple[Segment, ...]
    lines: int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def image(self, segment: str, signal: str) -> Floats:
        """Return a signal of a raster, shape [line, point], line 0 at the lower edge.

        Raises:
            ValueError: There is no such signal, or its length is not that of the raster.
        """
        part = next((s for s in self.segments if s.name == segment), None)
        if part is None:
            names = ", ".join(s.name for s in self.segments)
            raise ValueError(f"there is no segment {segment!r}; there are {names or 'none'}")
        found = next((s for s in part.signals if s.name == signal), None)
        if found is None:
            names = ", ".join(s.name for s in part.signals)
            raise ValueError(f"there is no signal {signal!r}; there are {names or 'none'}")
        lines, points = self.shape
        if found.values.size != lines * points:
            raise ValueError(
                f"{signal} has {found.values.size} values; {lines} lines of {points} need "
                f"{lines * points}"
            )
        image: Floats = found.values.reshape(lines, points)
        return image


def is_measurement(root: Group) -> bool:
    """Say whether an HDF5 file is one of Studio's."""
    return "nsf_file_version_major" in root.attrs


def read_measurements(root: Group) -> list[Measurement]:
    """Read all measurements of an open file.

    Raises:
        ValueError: It is of a version that is not known, or what must be there is missing.
    """
    version = int(root.attrs.get("nsf_file_version_major", 0))
    if version not in (1, 2):
        raise ValueError(f"a measurement file of version {version} is not known; 1 and 2 are")
    return [_measurement(group, version) for group in _groups(root) if "segment" not in group.name]


def _measurement(group: Group, version: int) -> Measurement:
    said: dict[str, Any] = {str(name): value for name, value in group.attrs.items()}
    parts = list(_groups(group))
    for part in parts:  # format 2 says the raster at the segment
        for name in ("rect_axis_size", "rect_axis_range", "rect_rotation"):
            if name in part.attrs:
                said.setdefault(name, part.attrs[name])
    kind = _text(said.get("group_type" if version == 2 else "measurement_type", ""))
    shape = _pair(said, "rect_axis_size", ("image_number_of_lines", "image_points_per_line"))
    if shape is None:
        shape = _pair(said, "", ("grid_number_of_rows", "grid_number_of_columns")) or (0.0, 0.0)
    extent = _pair(said, "rect_axis_range", ("image_size_y", "image_size_x"))
    if extent is None:
        extent = _pair(said, "", ("grid_height", "grid_width")) or (0.0, 0.0)
    center = _pair(said, "", ("scanner_offset_x", "scanner_offset_y")) or (0.0, 0.0)
    rows, columns = int(shape[0]), int(shape[1])
    return Measurement(
        name=_text(said.get("measurement_name", said.get("name", group.name.lstrip("/")))),
        kind=SPECTROSCOPY if kind.startswith(SPECTROSCOPY) else kind,
        shape=(rows, columns),
        size=(extent[1], extent[0]),
        center=center,
        rotation=float(said.get("rect_rotation", said.get("scanner_rotation", 0.0))),
        segments=tuple(_segment(part, version) for part in parts),
        lines=int(said.get("image_number_of_lines_acquired", rows)),
        attributes=said,
    )


def _segment(group: Group, version: int) -> Segment:
    name = _text(group.attrs.get("segment_name", group.attrs.get("name", group.name)))
    label = "signal_name" if version == 2 else "name"
    datasets = [group[key] for key in _in_order(group) if not hasattr(group[key], "keys")]
    signals = [_signal(d, version, label) for d in datasets if label in d.attrs]
    by_name = {signal.name: signal for signal in signals}
    blocks: tuple[int, ...] = ()
    if POINTS in by_name:
        blocks = tuple(int(n) for n in by_name[POINTS].values)
    else:
        for dataset in datasets:
            if "dataset_block_size_id" in dataset.attrs:
                blocks = tuple(int(n) for n in dataset[()])
    measured = tuple(s for s in signals if s.name not in (POINTS, OFFSETS))
    return Segment(name, measured, blocks)


def _signal(dataset: Dataset, version: int, label: str) -> Signal:
    said = dataset.attrs
    prefix = "signal_calibration" if version == 2 else "base_calibration"
    raw = np.asarray(dataset[()]).ravel()
    values = raw.astype(np.float64)
    unit = _text(said.get(f"{prefix}_unit", ""))
    bracketed = _BRACKETS.search(unit)
    if f"{prefix}_min" in said:
        low, high = float(said[f"{prefix}_min"]), float(said[f"{prefix}_max"])
        lowest, highest = _reach(said.get("dataset_element_type", 0), version)
        values = (values - lowest) * ((high - low) / (highest - lowest)) + low
        if version == 2 and raw.dtype.kind in "iu":
            values[raw == dataset.fillvalue] = np.nan
    return Signal(_text(said[label]), bracketed[1] if bracketed else unit, values)


def _reach(element: Any, version: int) -> tuple[float, float]:
    """Return the lowest and the highest number that stand for the ends of the calibration."""
    name = _text(element) if isinstance(element, str | bytes) else _TYPES[int(element)]
    if name == "double":
        return 0.0, 1.0
    if name not in _TYPES:
        raise ValueError(f"numbers of type {name!r} are not known")
    limits = np.iinfo(name)
    spare = 1 if version == 2 else 0  # format 2 keeps the lowest or the highest for "missing"
    if limits.min:
        return float(limits.min + spare), float(limits.max)
    return 0.0, float(limits.max - spare)


def _groups(parent: Group) -> Iterator[Group]:
    for key in _in_order(parent):
        if hasattr(parent[key], "keys") and ({"name", "segment_name", "measurement_name"}) & set(
            parent[key].attrs
        ):
            yield parent[key]


def _in_order(parent: Group) -> list[str]:
    """Return the names in a group, segment_2 before segment_10."""
    return sorted(parent, key=lambda key: [int(n) for n in _NUMBER.findall(key)] or [0])


def _pair(
    said: Mapping[str, Any], both: str, single: tuple[str, str]
) -> tuple[float, float] | None:
    if both in said and np.size(said[both]) == 2:
        first, second = said[both]
        return float(first), float(second)
    if all(name in said for name in single):
        return float(said[single[0]]), float(said[single[1]])
    return None


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
