"""Recording: a measured map of spectra, read from an NSID file.

NSID (the layout of sidpy and pyNSID) keeps a data set with a dimension scale for each axis; a
scale's ``dimension_type`` says whether it is SPATIAL or SPECTRAL, its ``units`` what they are in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.data import Axis, CheckedFile, as_text, in_si, open_hdf5, read_axis, x_and_y
from spm_auto.errors import DataError
from spm_auto.instrument import FloatArray

if TYPE_CHECKING:
    import h5py

_SPATIAL = "SPATIAL"
_AXES = [_SPATIAL, _SPATIAL, "SPECTRAL"]


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
    with open_hdf5(path) as file:
        item, axes = _chosen(file, dataset)
        return _recording(file, item, axes)


def _chosen(file: CheckedFile, dataset: str | None) -> tuple["h5py.Dataset", list[Axis]]:
    if dataset is not None:
        where = "/" + dataset.strip("/")
        if where not in file.datasets:
            raise DataError(f"{file.path}: there is no data set {where!r}")
        axes = _axes(file, file.datasets[where])
        if axes is None:
            raise DataError(
                f"{file.path}: {where} is no map of spectra with two spatial axes "
                "and a spectral one"
            )
        return file.datasets[where], axes
    maps = {
        where: (item, axes) for where, item in file.datasets.items() if (axes := _axes(file, item))
    }
    if not maps:
        raise DataError(
            f"{file.path}: there is no data set with two spatial axes and one spectral axis "
            "(their scales' dimension_type or units say which)"
        )
    if len(maps) > 1:
        raise DataError(
            f"{file.path}: there are several maps of spectra; name one of {', '.join(sorted(maps))}"
        )
    return next(iter(maps.values()))


def _axes(file: CheckedFile, item: "h5py.Dataset") -> list[Axis] | None:
    """Return the axes of a map of spectra; None where a data set is something else."""
    if item.ndim != 3 or item.dtype.kind not in "fiu":
        return None
    axes = [axis for axis in (read_axis(file, item, i) for i in range(3)) if axis is not None]
    return axes if sorted(axis.kind for axis in axes) == _AXES else None


def _recording(file: CheckedFile, item: "h5py.Dataset", axes: list[Axis]) -> Recording:
    where = f"{file.path}: {item.name}"
    for axis in axes:
        sites = len(np.unique(axis.values))
        if axis.kind == _SPATIAL and (sites < 2 or sites != len(axis.values)):
            raise DataError(f"{where}: the scale {axis.name} does not tell the sites apart")
        if not np.all(np.isfinite(axis.values)):
            raise DataError(f"{where}: the scale {axis.name} has values that are no numbers")
    spatial = [i for i, axis in enumerate(axes) if axis.kind == _SPATIAL]
    x, y = (spatial[i] for i in x_and_y([axes[i] for i in spatial]))
    (spectral,) = (i for i, axis in enumerate(axes) if axis.kind != _SPATIAL)
    values, unit = in_si(np.asarray(item[()], dtype=float), as_text(item.attrs.get("units")))
    return Recording(
        x=axes[x].along("m", where),
        y=axes[y].along("m", where),
        bias=axes[spectral].along("V", where),
        values=np.ascontiguousarray(np.transpose(values, (y, x, spectral))),
        unit=unit,
        source=f"{file.path.name}: {item.name}",
    )
