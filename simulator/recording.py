"""Recording: a measured map of spectra, read from an NSID file.

NSID (the layout of sidpy and pyNSID) keeps a data set with a dimension scale for each axis; a
scale's ``dimension_type`` says whether it is SPATIAL or SPECTRAL, its ``units`` what they are in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spm_auto.errors import DataError, UnitError
from spm_auto.instrument import FloatArray
from spm_auto.units import parse

if TYPE_CHECKING:
    import h5py

LARGEST = 200_000_000  # values in a map; more is refused rather than filling the memory
_BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)  # what h5py says


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Spectra measured on a grid of sites.

    Attributes:
        x: Positions of the columns of sites [m], shape (n,).
        y: Positions of the rows of sites [m], shape (m,).
        bias: The bias of each point [V], shape [point].
        values: What was measured, shape (m, n, point).
        unit: Of the values; "a.u." where the file names none.
        source: File and data set, for people.
    """

    x: FloatArray
    y: FloatArray
    bias: FloatArray
    values: FloatArray
    unit: str
    source: str

    @property
    def pitch(self) -> tuple[float, float]:
        """Largest distance of neighbouring sites along x and y [m]."""
        return float(np.max(np.diff(np.sort(self.x)))), float(np.max(np.diff(np.sort(self.y))))


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    name: str
    values: FloatArray
    unit: str
    is_spatial: bool


def read_recording(path: Path, dataset: str | None = None) -> Recording:
    """Read a map of spectra: a data set with two spatial axes and one spectral axis.

    The axes called x and y are x and y; if they are not called so the first spatial one is x, as
    sidpy has it. They may be stored in any order.

    Args:
        path: An NSID file (HDF5).
        dataset: Path of the data set in it; without it the only one of that shape is taken.

    Raises:
        DataError: The file is missing or damaged, is no HDF5, refers to other files, or has no such
            data set; the message names the file and what is wrong.
    """
    import h5py

    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    if not h5py.is_hdf5(path):
        raise DataError(f"{path}: this is no HDF5 file")
    try:
        with h5py.File(path, "r") as file:
            found = _datasets(file, path)
            return _recording(_chosen(found, dataset, path), path)
    except _BROKEN as error:
        raise DataError(f"{path}: the file is damaged: {_one_line(error)}") from error


def _datasets(file: "h5py.File", path: Path) -> dict[str, "h5py.Dataset"]:
    """Return all data sets by path; refuse a file that refers to other files."""
    import h5py

    found: dict[str, h5py.Dataset] = {}
    seen: set[Any] = set()  # groups may contain one another

    def walk(group: "h5py.Group") -> None:
        for name in group:
            link, where = group.get(name, getlink=True), f"{group.name.rstrip('/')}/{name}"
            if isinstance(link, h5py.ExternalLink):
                raise DataError(f"{path}: {where} is a link to another file, which is refused")
            if not isinstance(link, h5py.HardLink):
                continue
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                walk(item)
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise DataError(f"{path}: {where} is stored in other files, which is refused")
                found[where] = item

    walk(file)
    return found


def _chosen(found: dict[str, "h5py.Dataset"], dataset: str | None, path: Path) -> "h5py.Dataset":
    if dataset is not None:
        where = "/" + dataset.strip("/")
        if where not in found:
            raise DataError(f"{path}: there is no data set {where!r}")
        if not _is_map(found[where]):
            raise DataError(
                f"{path}: {where} is no map of spectra with two spatial axes and a spectral one"
            )
        return found[where]
    maps = {where: item for where, item in found.items() if _is_map(item)}
    if not maps:
        raise DataError(
            f"{path}: there is no data set with two spatial axes and one spectral axis "
            "(their scales' dimension_type or units say which)"
        )
    if len(maps) > 1:
        raise DataError(
            f"{path}: there are several maps of spectra; name one of {', '.join(sorted(maps))}"
        )
    return next(iter(maps.values()))


def _is_map(item: "h5py.Dataset") -> bool:
    if item.ndim != 3 or item.dtype.kind not in "fiu":
        return False
    axes = [_axis(item, i) for i in range(3)]
    return [axis.is_spatial for axis in axes if axis is not None].count(
        True
    ) == 2 and None not in axes


def _recording(item: "h5py.Dataset", path: Path) -> Recording:
    where = f"{path}: {item.name}"
    if item.size > LARGEST:
        raise DataError(f"{where} has {item.size} values, more than {LARGEST}")
    axes = [axis for axis in (_axis(item, i) for i in range(3)) if axis is not None]
    for axis, length in zip(axes, item.shape, strict=True):
        if axis.values.shape != (length,):
            raise DataError(f"{where}: the scale {axis.name} does not fit the data")
        if axis.is_spatial and (length < 2 or len(np.unique(axis.values)) != length):
            raise DataError(f"{where}: the scale {axis.name} does not tell the sites apart")
        if not np.all(np.isfinite(axis.values)):
            raise DataError(f"{where}: the scale {axis.name} has values that are no numbers")
    spatial = [i for i, axis in enumerate(axes) if axis.is_spatial]
    names = [axes[i].name.lower()[:1] for i in spatial]
    x, y = spatial if names != ["y", "x"] else spatial[::-1]
    (spectral,) = (i for i, axis in enumerate(axes) if not axis.is_spatial)
    values, unit = _in_si(np.asarray(item[()], dtype=float), _text(item.attrs.get("units")))
    return Recording(
        x=_scaled(axes[x], "m", where),
        y=_scaled(axes[y], "m", where),
        bias=_scaled(axes[spectral], "V", where),
        values=np.ascontiguousarray(np.transpose(values, (y, x, spectral))),
        unit=unit,
        source=f"{path.name}: {item.name}",
    )


def _axis(item: "h5py.Dataset", index: int) -> _Axis | None:
    """Return an axis, or None where the file does not say what it is."""
    scale = _scale(item, index)
    if scale is None:
        return None
    unit = _text(scale.attrs.get("units"))
    kind = _text(scale.attrs.get("dimension_type")).upper()
    name = _text(scale.attrs.get("name")) or scale.name.rsplit("/", 1)[-1]
    if kind in ("SPATIAL", "SPECTRAL"):
        is_spatial = kind == "SPATIAL"
    elif _factor(unit, "m") is not None or _factor(unit, "V") is not None:
        is_spatial = _factor(unit, "m") is not None
    else:
        return None
    return _Axis(name, np.asarray(scale[()], dtype=float), unit, is_spatial)


def _scale(item: "h5py.Dataset", index: int) -> Any:
    """Return the scale that is attached to a dimension, or that stands beside it by name."""
    attached = item.dims[index]
    if len(attached):
        return attached[0]
    labels = item.attrs.get("DIMENSION_LABELS", ())
    label = _text(labels[index]) if len(labels) > index else ""
    return item.parent[label] if label and label in item.parent else None


def _scaled(axis: _Axis, unit: str, where: str) -> FloatArray:
    factor = _factor(axis.unit, unit)
    if factor is None:
        said = f"is in {axis.unit!r}" if axis.unit else "names no units"
        raise DataError(f"{where}: the scale {axis.name} {said}; expected {unit!r}")
    return axis.values * factor


def _in_si(values: FloatArray, unit: str) -> tuple[FloatArray, str]:
    for base in ("m", "V", "A", "Hz", "rad", "m/V"):
        factor = _factor(unit, base)
        if factor is not None:
            return values * factor, base
    return values, "a.u." if unit.lower() in ("", "generic", "arb. units", "none") else unit


def _factor(unit: str, base: str) -> float | None:
    try:
        return parse(f"1 {unit}", base)
    except UnitError:
        return None


def _text(value: Any) -> str:
    """Return an attribute as text: h5py gives str, bytes or arrays of one, as the writer had it."""
    if value is None:
        return ""
    if isinstance(value, np.ndarray):
        return _text(value.flat[0]) if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
