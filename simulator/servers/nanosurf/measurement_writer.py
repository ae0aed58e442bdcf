"""Writing measurement files as Studio does, for what stands in for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spm_auto.wire.nanosurf import OFFSETS, POINTS, SPECTROSCOPY, Measurement, Segment, Signal

if TYPE_CHECKING:
    import h5py

VERSIONS = ((1, 1), (2, 0))
_LOWEST = {1: -(2**31), 2: -(2**31) + 1}  # format 2 keeps the lowest number for "missing"


def write_measurement(path: Path, measurement: Measurement, version: int = 2) -> None:
    """Write a measurement as Studio does, numbers as 32 bits over their own range.

    Args:
        path: The file, made anew.
        measurement: What to write.
        version: Format 1 (that is 1.1) or 2.
    """
    import h5py

    major, minor = next(v for v in VERSIONS if v[0] == version)
    with h5py.File(path, "w") as file:
        file.attrs["nsf_file_version_major"] = np.uint32(major)
        file.attrs["nsf_file_version_minor"] = np.uint32(minor)
        group = file.create_group("measurement_0" if version == 1 else "group_0000")
        for name, value in _described(measurement, version).items():
            group.attrs[name] = value
        for index, segment in enumerate(measurement.segments):
            part = group.create_group(f"segment_{index}")
            part.attrs["name" if version == 1 else "segment_name"] = segment.name
            _write_segment(part, segment, version)


def _described(measurement: Measurement, version: int) -> dict[str, Any]:
    lines, points = measurement.shape
    width, height = measurement.size
    center = {
        "scanner_offset_x": measurement.center[0],
        "scanner_offset_y": measurement.center[1],
    }
    if version == 2:
        return {
            **measurement.attributes,
            "measurement_name": measurement.name,
            "group_type": measurement.kind,
            "rect_axis_size": np.array([lines, points], dtype=np.uint64),
            "rect_axis_range": np.array([height, width]),
            "rect_rotation": measurement.rotation,
            "image_number_of_lines_acquired": np.uint32(measurement.lines),
            **center,
        }
    is_grid = measurement.kind == SPECTROSCOPY
    names = ("grid_number_of_rows", "grid_number_of_columns", "grid_width", "grid_height")
    if not is_grid:
        names = ("image_number_of_lines", "image_points_per_line", "image_size_x", "image_size_y")
    return {
        **measurement.attributes,
        "name": measurement.name,
        "measurement_type": "spectroscopy_grid" if is_grid else measurement.kind,
        names[0]: np.uint32(lines),
        names[1]: np.uint32(points),
        names[2]: width,
        names[3]: height,
        "scanner_rotation": measurement.rotation,
        "image_number_of_lines_acquired": np.uint32(measurement.lines),
        **center,
    }


def _write_segment(part: "h5py.Group", segment: Segment, version: int) -> None:
    for index, signal in enumerate(segment.signals):
        dataset = _write_signal(part, f"dataset_{index}", signal, version)
        if segment.blocks and version == 2:
            dataset.attrs["dataset_block_size_source"] = "block_sizes"
    if not segment.blocks:
        return
    points = np.array(segment.blocks, dtype=np.int32)
    if version == 2:
        part.create_dataset("block_sizes", data=points)
        part["block_sizes"].attrs["dataset_block_size_id"] = "block_sizes"
        return
    offsets = np.concatenate([[0], np.cumsum(points)[:-1]]).astype(np.int32)
    for at, (name, values) in enumerate(((OFFSETS, offsets), (POINTS, points))):
        dataset = part.create_dataset(f"dataset_{len(segment.signals) + at}", data=values)
        dataset.attrs["name"] = name
        dataset.attrs["dataset_element_type"] = np.uint32(0)


def _write_signal(part: "h5py.Group", key: str, signal: Signal, version: int) -> "h5py.Dataset":
    known = signal.values[np.isfinite(signal.values)]
    reach = float(np.abs(known).max()) * 1.25 if known.size and known.any() else 1.0
    lowest, highest = _LOWEST[version], 2**31 - 1
    share = (signal.values + reach) / (2 * reach)
    raw = np.full(signal.values.shape, -(2**31), dtype=np.int32)
    whole = np.isfinite(share)
    raw[whole] = np.rint(share[whole] * (highest - lowest) + lowest).astype(np.int32)
    fill = -(2**31) if version == 2 else 0
    dataset = part.create_dataset(key, data=raw, fillvalue=fill)
    prefix = "base_calibration" if version == 1 else "signal_calibration"
    dataset.attrs[f"{prefix}_min"] = -reach
    dataset.attrs[f"{prefix}_max"] = reach
    dataset.attrs[f"{prefix}_unit"] = signal.unit
    if version == 1:
        dataset.attrs["name"] = signal.name
        dataset.attrs["dataset_element_type"] = np.uint32(0)
    else:
        dataset.attrs["signal_name"] = signal.name
        dataset.attrs["signal_id"] = signal.name.lower().replace(" ", "_")
        dataset.attrs["signal_unit"] = signal.unit
        dataset.attrs["dataset_element_type"] = "int32"
    return dataset
