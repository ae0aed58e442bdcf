"""Small recorded maps for the tests of the replay, written as sidpy writes them."""

from pathlib import Path

import h5py
import numpy as np

BIAS = 8.5 * np.concatenate(
    [np.arange(16) / 16, 1 - np.arange(16) / 16, -np.arange(16) / 16, np.arange(16) / 16 - 1]
)
X = np.arange(6) * 4e-8  # [m]
Y = np.arange(11) * 4e-8  # [m]


def recorded_values() -> np.ndarray:
    """Return values that tell x, y and point apart, shape [y, x, point]."""
    y, x, point = np.meshgrid(np.arange(len(Y)), np.arange(len(X)), np.arange(64), indexing="ij")
    return 10000.0 * y + 100.0 * x + point


def write_nsid(
    path: Path,
    order: str = "xyb",
    values: np.ndarray | None = None,
    *,
    attached: bool = True,
    dimension_types: bool = True,
    as_bytes: bool = False,
    position_unit: str = "m",
    position_factor: float = 1.0,
    unit: str | None = "a.u.",
) -> None:
    """Write a map with its scales.

    Args:
        path: Where.
        order: In which order the axes are stored.
        values: What was measured, shape [y, x, point]; without it `recorded_values`.
        attached: Whether the scales are attached as HDF5 has it, or only stand beside the data.
        dimension_types: Whether they say SPATIAL or SPECTRAL.
        as_bytes: Whether text attributes are bytes.
        position_unit: Unit of the positions.
        position_factor: Positions are multiplied by it.
        unit: Of the values, None for none.
    """

    def text(value: str) -> str | bytes:
        return value.encode() if as_bytes else value

    values = recorded_values() if values is None else values
    scales = {
        "x": ("X", X * position_factor, position_unit, "SPATIAL"),
        "y": ("Y", Y * position_factor, position_unit, "SPATIAL"),
        "b": ("Voltage", BIAS, "V", "SPECTRAL"),
    }
    with h5py.File(path, "w") as file:
        group = file.create_group("Channel_000/generic")
        stored = np.transpose(values, ["yxb".index(axis) for axis in order])
        data = group.create_dataset("generic", data=stored)
        if unit is not None:
            data.attrs["units"] = text(unit)
        data.attrs["DIMENSION_LABELS"] = [text(scales[axis][0]) for axis in order]
        for index, axis in enumerate(order):
            name, along, scale_unit, kind = scales[axis]
            scale = group.create_dataset(name, data=along)
            scale.attrs["units"] = text(scale_unit)
            if dimension_types:
                scale.attrs["dimension_type"] = text(kind)
            if attached:
                scale.make_scale(name)
                data.dims[index].attach_scale(scale)
