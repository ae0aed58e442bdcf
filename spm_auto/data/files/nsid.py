"""NSID, the layout of sidpy and pyNSID: data sets with a scale for each axis, in HDF5."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ...instrument import Channel, FloatArray, ScanFrame, Spectrum
from ...units import parse
from . import asylum
from .data_file import DataFile, Picture, put_together
from .nsid_axes import SPATIAL, SPECTRAL, Axis, attributes, frame_of, read_axis, x_and_y
from .nsid_table import is_positions, is_table, read_table
from .si import factor, in_si
from .strangers import CheckedFile, as_text, open_hdf5

if TYPE_CHECKING:
    import h5py

_UNNAMED = ("", "generic", "none", "unknown")
_VENDOR = "frame and units of {} are those of the vendor's metadata, not of the scales"
_ON_TOP = "{} has no axes that mean something: read as rows and columns, row 0 on top"
_NAMED_SIZE = "the size of {} is the one in the file's name: nothing in the file says it"
_IN_NAME = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s?(nm|um|µm)(?![A-Za-z])")


@dataclass(slots=True, eq=False)
class _Found:
    """What was read so far.

    Attributes:
        pictures: Single channels of images.
        curves: Spectra of which further channels may come.
        spectra: Spectra that are complete.
        notes: For people.
    """

    pictures: list[Picture] = field(default_factory=list)
    curves: list["_Curves"] = field(default_factory=list)
    spectra: list[Spectrum] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Curves:
    bias: FloatArray
    sites: FloatArray  # x and y, shape (n, 2)
    channels: list[Channel]
    values: list[FloatArray]  # shape (n, point) each


def read_nsid(path: Path) -> DataFile:
    """Read the images, maps and spectra of an NSID file.

    Axes called x and y are x and y in whatever order they are stored; otherwise the first spatial
    one is x, as sidpy has it. Pixels lie where the scales say. A two-dimensional data set whose
    axes mean nothing is a picture as arrays are drawn: rows and columns, row 0 on top.

    Raises:
        DataError: The file is damaged or refused, or holds nothing that can be read.
    """
    found = _Found()
    metadata: dict[str, str] = {}
    with open_hdf5(path) as file:
        for dataset in _main(file):
            _read(file, dataset, found)
            _collect(dataset, metadata)
    for curves in found.curves:
        found.spectra += _spectra(curves)
    if not found.pictures and not found.spectra:
        raise DataError(
            f"{path}: no image, map or spectrum with scales is in this HDF5 file"
            + "".join(f"; {note}" for note in found.notes[:1])
        )
    return DataFile(
        path.name,
        "NSID (HDF5)",
        put_together(found.pictures),
        tuple(found.spectra),
        metadata=metadata,
        notes=tuple(dict.fromkeys(found.notes)),
    )


def _main(file: CheckedFile) -> list["h5py.Dataset"]:
    """Return the data sets with scales; where some say that they are main data, only those."""
    scaled = [dataset for dataset in file.datasets.values() if _has_scales(file, dataset)]
    return [dataset for dataset in scaled if "main_data_name" in dataset.attrs] or scaled


def _has_scales(file: CheckedFile, dataset: "h5py.Dataset") -> bool:
    if dataset.dtype.kind not in "fiu" or not dataset.ndim or not dataset.size:
        return False
    if as_text(dataset.attrs.get("CLASS")) == "DIMENSION_SCALE":
        return False
    return any(file.scale(dataset, index) is not None for index in range(dataset.ndim))


def _read(file: CheckedFile, dataset: "h5py.Dataset", found: _Found) -> None:
    """Read a data set as what its axes say that it is."""
    where = f"{file.path}: {dataset.name}"
    axes = [read_axis(file, dataset, index) for index in range(dataset.ndim)]
    kinds = [_kind(axis) for axis in axes]
    known = [axis for axis in axes if axis is not None]
    vendor = {
        key: as_text(value) for key, value in attributes(dataset, "original_metadata").items()
    }
    try:
        if kinds == [SPATIAL, SPATIAL]:
            found.pictures.append(_picture(dataset, known, vendor, where, found.notes))
        elif sorted(kinds) == [SPATIAL, SPATIAL, SPECTRAL]:
            _add(found, _map(dataset, known, where))
        elif kinds[-1:] == [SPECTRAL] and len(kinds) <= 2:
            _add(found, _points(dataset, known[-1], where, found.notes))
        elif is_table(dataset, axes):
            found.spectra += read_table(file, dataset, known, found.notes)
        elif kinds == ["", ""] and min(dataset.shape) > 2:
            found.pictures.append(_drawn(dataset, file.path, found.notes))
        elif not is_positions(dataset):
            found.notes.append(f"{dataset.name} was left out: no image, map or spectrum")
    except DataError as error:
        found.notes.append(f"{dataset.name} was left out: {str(error).removeprefix(where + ': ')}")


def _kind(axis: Axis | None) -> str:
    """Return SPATIAL, or SPECTRAL for a bias; anything else is nothing to us."""
    if axis is None or axis.kind not in (SPATIAL, SPECTRAL):
        return ""
    return axis.kind if axis.kind == SPATIAL or factor(axis.unit, "V") is not None else "OTHER"


def _picture(
    dataset: "h5py.Dataset", axes: list[Axis], vendor: dict[str, str], where: str, notes: list[str]
) -> Picture:
    x, y = x_and_y(axes)
    values = np.asarray(dataset[()], dtype=float)
    values = values if (x, y) == (1, 0) else np.swapaxes(values, 0, 1)
    name, unit, is_backward = _named(dataset)
    own = attributes(dataset, "metadata")
    frame = asylum.frame_of(vendor, (dataset.shape[x], dataset.shape[y])) if vendor else None
    if frame is not None:
        name, is_backward = asylum.split_way(name)
        unit = asylum.unit_of(name, vendor) or unit
        notes.append(_VENDOR.format("the images"))
        if frame.angle:
            notes.append(asylum.TURN)
    else:
        across, up = axes[x].along("m", where), axes[y].along("m", where)
        frame = frame_of(across, up)
        if across[0] > across[-1]:
            values = values[:, ::-1]
        if up[0] > up[-1]:
            values = values[::-1]
        frame = _own_frame(own, frame)
    values, unit = in_si(np.ascontiguousarray(values), unit)
    times = (_number(own, "start_time"), _number(own, "end_time"))
    return Picture(frame, Channel(name, unit), values, is_backward, times)


def _own_frame(own: dict[str, Any], frame: ScanFrame) -> ScanFrame:
    """Return the frame as our run files have it among the metadata: scales cannot say a turn."""
    center, size = np.ravel(own.get("center", ())), np.ravel(own.get("size", ()))
    if len(center) != 2 or len(size) != 2 or "angle" not in own:
        return frame
    return ScanFrame(
        (float(center[0]), float(center[1])),
        (float(size[0]), float(size[1])),
        frame.pixels,
        _number(own, "angle"),
    )


def _drawn(dataset: "h5py.Dataset", path: Path, notes: list[str]) -> Picture:
    """Return a picture whose file says neither axes nor size."""
    sizes = {match[0]: match for match in _IN_NAME.finditer(path.stem)}
    if len(sizes) != 1:
        raise DataError(
            "the file does not say how large the image is, and its name does not either"
        )
    (match,) = sizes.values()
    extent = parse(f"{match[1]} {match[2]}", "m")
    lines, pixels = dataset.shape
    frame = ScanFrame((extent / 2, extent / 2), (extent, extent), (pixels, lines))
    notes += [_ON_TOP.format(dataset.name), _NAMED_SIZE.format(dataset.name)]
    name, unit, _ = _named(dataset)
    values, unit = in_si(np.asarray(dataset[()], dtype=float)[::-1], unit)
    return Picture(frame, Channel(name, unit), values)


def _map(dataset: "h5py.Dataset", axes: list[Axis], where: str) -> _Curves:
    """Return a map as curves of its sites, row by row."""
    spatial = [index for index, axis in enumerate(axes) if axis.kind == SPATIAL]
    (spectral,) = (index for index, axis in enumerate(axes) if axis.kind != SPATIAL)
    x, y = (spatial[index] for index in x_and_y([axes[index] for index in spatial]))
    bias = axes[spectral].along("V", where)
    across, up = np.meshgrid(axes[x].along("m", where), axes[y].along("m", where))
    name, unit, _ = _named(dataset)
    values, unit = in_si(np.asarray(dataset[()], dtype=float), unit)
    values = np.transpose(values, (y, x, spectral)).reshape(-1, len(bias))
    sites = np.stack([across.ravel(), up.ravel()], axis=1)
    return _Curves(bias, sites, [Channel(name, unit)], [values])


def _points(dataset: "h5py.Dataset", axis: Axis, where: str, notes: list[str]) -> _Curves:
    """Return spectra at loose points, which a group ``point_cloud`` may place."""
    bias = axis.along("V", where)
    name, unit, _ = _named(dataset)
    values, unit = in_si(np.asarray(dataset[()], dtype=float).reshape(-1, len(bias)), unit)
    cloud = attributes(dataset, "point_cloud")
    sites = np.asarray(cloud.get("coordinates", np.nan), dtype=float)
    times = factor(as_text(cloud.get("spacial_units", "m")), "m")
    if sites.shape != (len(values), 2) or times is None:
        notes.append(f"{dataset.name} does not say where the probe stood")
        sites, times = np.full((len(values), 2), np.nan), 1.0
    return _Curves(bias, sites * times, [Channel(name, unit)], [values])


def _add(found: _Found, curves: _Curves) -> None:
    """Add curves; those taken at the same sites are further channels of the same spectra."""
    for known in found.curves:
        is_same = np.array_equal(known.bias, curves.bias) and np.array_equal(
            known.sites, curves.sites, equal_nan=True
        )
        if is_same and not set(known.channels) & set(curves.channels):
            known.channels += curves.channels
            known.values += curves.values
            return
    found.curves.append(curves)


def _spectra(curves: _Curves) -> list[Spectrum]:
    channels, stack = tuple(curves.channels), np.stack(curves.values, axis=1)
    return [
        Spectrum(x, y, curves.bias, channels, data, 0.0, 0.0)
        for (x, y), data in zip(curves.sites.tolist(), stack, strict=True)
    ]


def _named(dataset: "h5py.Dataset") -> tuple[str, str, bool]:
    """Return a data set's channel, unit and whether it is the way back."""
    main = as_text(dataset.attrs.get("main_data_name"))
    names = (as_text(dataset.attrs.get("quantity")), main, PurePosixPath(dataset.name).name)
    name = next((name for name in names if name.lower() not in _UNNAMED), "channel")
    return name, as_text(dataset.attrs.get("units")), main.endswith("_backward")


def _collect(dataset: "h5py.Dataset", metadata: dict[str, str]) -> None:
    for group in ("original_metadata", "metadata"):
        for key, value in attributes(dataset, group).items():
            if np.size(value) <= 1 and not metadata.get(key):
                metadata[key] = as_text(value)


def _number(table: dict[str, Any], key: str) -> float:
    value = np.ravel(table.get(key, 0.0))
    return float(value[0]) if value.size == 1 and value.dtype.kind in "fiu" else 0.0
