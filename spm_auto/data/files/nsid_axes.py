"""Axes of NSID data sets: what a scale says, and the frame that two of them make."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ...instrument import FloatArray, ScanFrame
from .si import factor
from .strangers import CheckedFile, as_text

if TYPE_CHECKING:
    import h5py

SPATIAL, SPECTRAL = "SPATIAL", "SPECTRAL"
_EVEN = 1e-3  # of the pitch: how far a pixel may be from where it belongs


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """An axis of a data set.

    Attributes:
        name: What it is called.
        values: Its scale, in the unit of the file.
        unit: That unit; empty where the file names none.
        kind: `SPATIAL`, `SPECTRAL`, or what else the file says, in capitals.
        quantity: What the file says is along it.
    """

    name: str
    values: FloatArray
    unit: str
    kind: str
    quantity: str = ""

    def along(self, unit: str, where: str) -> FloatArray:
        """Return the scale in an SI unit.

        Raises:
            DataError: It is in another unit, or names none.
        """
        times = factor(self.unit, unit)
        if times is None:
            said = f"is in {self.unit!r}" if self.unit else "names no units"
            raise DataError(f"{where}: the scale {self.name} {said}; expected {unit!r}")
        return self.values * times


def read_axis(file: CheckedFile, dataset: "h5py.Dataset", index: int) -> Axis | None:
    """Return an axis, or None where the file has no scale for it.

    Where the scale does not say what kind of axis it is, its unit does: a length is SPATIAL, a
    voltage SPECTRAL.

    Raises:
        DataError: The scale does not fit the data.
    """
    scale = file.scale(dataset, index)
    if scale is None:
        return None
    name = as_text(scale.attrs.get("name")) or PurePosixPath(scale.name).name
    if scale.dtype.kind not in "fiu" or scale.shape != (dataset.shape[index],):
        raise DataError(f"{file.path}: {dataset.name}: the scale {name} does not fit the data")
    unit = as_text(scale.attrs.get("units"))
    kind = as_text(scale.attrs.get("dimension_type")).upper()
    if kind not in (SPATIAL, SPECTRAL):
        kind = SPATIAL if factor(unit, "m") is not None else kind
        kind = SPECTRAL if factor(unit, "V") is not None else kind
    values = np.asarray(scale[()], dtype=float)
    return Axis(name, values, unit, kind, as_text(scale.attrs.get("quantity")))


def x_and_y(axes: list[Axis]) -> tuple[int, int]:
    """Return which of two axes is x and which is y: by name, else x comes first as in sidpy."""
    names = [axis.name.lower()[:1] for axis in axes]
    return (1, 0) if names == ["y", "x"] else (0, 1)


def frame_of(x: FloatArray, y: FloatArray) -> ScanFrame:
    """Return the frame whose pixels lie at given positions, in whatever direction they run [m].

    Raises:
        DataError: They are not evenly spaced.
    """
    centers, sizes = [], []
    for name, along in (("x", x), ("y", y)):
        if len(along) < 2 or not np.isfinite(along).all():
            raise DataError(f"the scale {name} does not say where the pixels lie")
        even = np.linspace(along[0], along[-1], len(along))
        pitch = abs(along[-1] - along[0]) / (len(along) - 1)
        if not pitch > 0 or np.abs(along - even).max() > _EVEN * pitch:
            raise DataError(f"the pixels along {name} are not evenly spaced")
        centers.append(float(along[0] + along[-1]) / 2)
        sizes.append(float(pitch * len(along)))
    return ScanFrame((centers[0], centers[1]), (sizes[0], sizes[1]), (len(x), len(y)))


def attributes(dataset: "h5py.Dataset", group: str) -> dict[str, Any]:
    """Return the attributes of a group beside a data set; none where there is no such group."""
    import h5py

    beside = dataset.parent
    if not isinstance(beside.get(group, getlink=True), h5py.HardLink):
        return {}
    return dict(beside[group].attrs.items())
