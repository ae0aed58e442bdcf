"""Tables of spectra in NSID: one data set of (spectrum, channel, point), positions in another.

The channels are named in the quantity of the channel axis, such as ``Bias_Current_didv``, their
units in its units, such as ``V_A_didv``; the first channel is the bias. Published autonomous
experiments with the scanning tunnelling microscope are stored so.
"""

from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from ...instrument import Channel, FloatArray, Spectrum
from .nsid_axes import Axis
from .si import UNCALIBRATED, factor, in_si
from .strangers import CheckedFile, as_text

if TYPE_CHECKING:
    import h5py

_CHANNEL = "CHANNEL"
_CORNER = "positions count from the image's lower left corner"
_NANOMETRES = "the file does not say the unit of the positions: read as nm"
_NOWHERE = "the file does not say where the probe stood"


def is_table(dataset: "h5py.Dataset", axes: list[Axis | None]) -> bool:
    """Say whether a data set is a table: its middle axis counts channels that are named."""
    if dataset.ndim != 3:
        return False
    middle = axes[1]
    return middle is not None and middle.kind == _CHANNEL and "_" in middle.quantity


def is_positions(dataset: "h5py.Dataset") -> bool:
    """Say whether a data set is where the spectra of a table were taken."""
    is_named = "position" in dataset.name.lower() and dataset.dtype.kind in "fiu"
    return is_named and dataset.ndim == 2 and dataset.shape[1] == 2


def read_table(
    file: CheckedFile, dataset: "h5py.Dataset", axes: list[Axis], notes: list[str]
) -> list[Spectrum]:
    """Return the spectra of a table, in its order.

    Raises:
        DataError: The names do not fit the channels, or the first of them is no bias.
    """
    middle = axes[1]
    count = dataset.shape[1]
    names, units = middle.quantity.split("_"), middle.unit.split("_")
    units = [*units, *[""] * count][:count]
    if len(names) != count or count < 2:
        raise DataError(f"{count} channels are named {middle.quantity!r}")
    if factor(units[0], "V") is None or not names[0].lower().startswith("bias"):
        raise DataError(f"the first channel is {names[0]!r} in {units[0]!r}, no bias in V")
    values = np.asarray(dataset[()], dtype=float)
    bias, _ = in_si(values[:, 0], units[0])
    channels, stacks = [], []
    for index in range(1, count):
        stack, unit = in_si(values[:, index], units[index])
        unit = UNCALIBRATED if unit in names else unit  # a name where a unit should stand
        channels.append(Channel(names[index], unit))
        stacks.append(stack)
    data = np.stack(stacks, axis=1)
    places = _positions(file, dataset.shape[0], notes)
    return [
        Spectrum(x, y, along, tuple(channels), curves, 0.0, 0.0)
        for (x, y), along, curves in zip(places.tolist(), bias, data, strict=True)
    ]


def _positions(file: CheckedFile, count: int, notes: list[str]) -> FloatArray:
    """Return the positions [m] that another data set of the file holds, shape (n, 2)."""
    for other in file.datasets.values():
        if not is_positions(other) or len(other) != count:
            continue
        unit = as_text(other.attrs.get("units"))
        times = factor(unit, "m") if unit else None
        if times is None:
            times = 1e-9
            notes.append(_NANOMETRES)
        notes.append(_CORNER)
        return np.asarray(other[()], dtype=float) * times
    notes.append(_NOWHERE)
    return np.full((count, 2), np.nan)
