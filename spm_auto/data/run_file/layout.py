"""The shapes that everything in a run file has: NXdata groups that are NSID main datasets as well.

NSID wants of a main dataset that each axis has an attached scale of its own name beside it, and
reads the groups beside it as metadata: **no group beside a main dataset may hold a dataset**, or
its readers fail on the whole file. Sub-groups here hold attributes only.

Source:
    pyNSID 0.0.7.2, `io/hdf_utils.py`, `check_if_main`; SciFiReaders issue 130.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ...instrument import Channel, FloatArray

if TYPE_CHECKING:
    import h5py

SCHEMA_VERSION = "2"
LINES = "entry/events/records"
_NSID = {
    "modality": "scanning probe microscopy",
    "source": "spm_auto",
    "pyNSID_version": "0.0.7.2",
}


def new_group(parent: "h5py.Group", name: str, kind: str) -> "h5py.Group":
    """Make a group of a NeXus class; a name such as dI/dV is one name and no path."""
    group = parent.create_group(name.replace("/", "_"))
    group.attrs["NX_class"] = kind
    return group


def write_field(group: "h5py.Group", name: str, value: Any, unit: str = "") -> None:
    """Write a field of NeXus with its unit, where it has one."""
    group[name] = value
    if unit:
        group[name].attrs["units"] = unit


def write_data(
    group: "h5py.Group", values: FloatArray, channel: Channel, kind: str, axes: Sequence[str]
) -> str:
    """Write the one signal of an NXdata group, whose scales are there already.

    Args:
        group: The group.
        values: Values in the channel's unit.
        channel: What they are.
        kind: NSID's word for what it is a picture of, such as ``IMAGE``.
        axes: Names of the scales, slowest first.

    Returns:
        The dataset's path.
    """
    group.attrs.update(signal="data", axes=list(axes))
    data = group.create_dataset("data", data=values)
    name = group.name.rsplit("/", 1)[-1]
    data.attrs.update(_NSID)
    data.attrs.update(
        title=name,
        main_data_name=name,
        quantity=channel.name,
        units=channel.unit or "1",
        data_type=kind,
    )
    for dimension, axis in zip(data.dims, axes, strict=True):
        dimension.label = axis
        dimension.attach_scale(group[axis])
    return str(data.name)


def write_scale(
    group: "h5py.Group", name: str, values: ArrayLike, quantity: str, unit: str, kind: str
) -> None:
    """Write the values of an axis; ``kind`` is NSID's word for it, such as ``SPATIAL``."""
    scale = group.create_dataset(name, data=np.asarray(values))
    scale.make_scale(name)
    scale.attrs.update(name=name, quantity=quantity, units=unit, dimension_type=kind)


def write_column(
    group: "h5py.Group", axis: str, name: str, values: Sequence[Any] | ArrayLike, unit: str = ""
) -> None:
    """Write one value for each step of an axis, on which it stands."""
    write_field(group, name, values, unit)
    group[name].dims[0].attach_scale(group[axis])


def write_table(
    group: "h5py.Group", axis: str, rows: Iterable[Any], units: Mapping[str, str]
) -> None:
    """Write values of one dataclass as columns, a column for each field that is plain.

    Args:
        group: The empty group.
        axis: Name of the column that counts them.
        rows: The values.
        units: Unit of each field that has one.
    """
    rows = tuple(rows)
    write_scale(group, axis, np.arange(len(rows)), axis, "1", "UNKNOWN")
    for field in fields(rows[0]):
        column = [getattr(row, field.name) for row in rows]
        if all(isinstance(value, bool | int | float | str) for value in column):
            write_column(group, axis, field.name, column, units.get(field.name, ""))
