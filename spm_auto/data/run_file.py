"""The run file: one HDF5 file made from the journal, laid out as NeXus and as NSID at once.

It is written in a process of its own (a full disk can crash the HDF5 library), to a temporary name,
read back, and only then put in place. ``python -m spm_auto.data.run_file RUN.spmj RUN.h5`` is that
process.
"""

import json
import math
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from ..instrument import Channel, FloatArray, ScanImage
from .events import ModelFitted, Record
from .reader import Measurement, RecordedRun, open_run

if TYPE_CHECKING:
    import h5py

RUN_FILE_NAME = "run.h5"
SCHEMA_VERSION = "1"
_TIMEOUT = 600.0  # [s] for the child process
_REPLACE_TRIES = 20  # a reader on Windows holds the file for a moment


def consolidate(journal: Path, target: Path | None = None) -> Path:
    """Make the run file from a journal, in a child process.

    Args:
        journal: The journal.
        target: The file to make; ``run.h5`` beside the journal without it.

    Returns:
        The file.

    Raises:
        DataError: The file could not be made; the journal is untouched.
    """
    target = target or journal.with_name(RUN_FILE_NAME)
    command = [sys.executable, "-m", __name__, str(journal), str(target)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{target}: not written within {_TIMEOUT:g} s") from error
    finally:
        _part(target).unlink(missing_ok=True)  # a child that died left it
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or ["no message"]
        raise DataError(f"{target}: not written (exit {child.returncode}): {lines[-1]}")
    return target


def write(run: RecordedRun, target: Path) -> None:
    """Write a run to HDF5 under a temporary name, read it back, and put it in place.

    Raises:
        DataError: What was read back is not what the journal holds.
    """
    import h5py

    part = _part(target)
    with h5py.File(part, "w", libver=("v108", "v108")) as file:
        _write_entry(file, run)
    with h5py.File(part, "r") as file:
        groups = [g for g in file["entry"].values() if isinstance(g, h5py.Group)]
        spectra = sum(g["spectra_numbers"].size for g in groups if "spectra_numbers" in g)
        records = file["entry/events/records"].size
    expected = sum(len(spectrum.channels) for spectrum in run.spectra)
    if (records, spectra) != (len(run.records), expected):
        part.unlink()
        raise DataError(
            f"{target}: read back {records} of {len(run.records)} records "
            f"and {spectra} of {expected} curves"
        )
    _replace(part, target)


def _write_entry(file: "h5py.File", run: RecordedRun) -> None:
    file.attrs.update(default="entry", creator="spm_auto", spm_auto_schema=SCHEMA_VERSION)
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    entry["title"] = run.started.title
    entry["definition"] = "NXspm"
    entry["definition"].attrs["version"] = "v2026.01"
    entry["experiment_identifier"] = run.started.uid
    entry["start_time"] = _iso(run.records[0])
    entry["end_time"] = _iso(run.records[-1])
    for number, image in enumerate(run.scans):
        for index, channel in enumerate(image.channels):
            for way, stack in (("forward", image.forward), ("backward", image.backward)):
                name = f"scan_{number:03d}_{channel.name}_{way}"
                _write_image(entry, name, image, channel, stack[index])
    _write_spectra(entry, run.measurements)
    for number, fit in enumerate(run.fits):
        _write_fit(entry, number, fit)
    _write_events(entry, run)
    _write_provenance(entry, run)


def _write_image(
    entry: "h5py.Group", name: str, image: ScanImage, channel: Channel, values: FloatArray
) -> None:
    frame = image.frame
    group = _data_group(entry, name, ("y", "x"))
    lines, pixels = frame.shape
    x = frame.center[0] + ((np.arange(pixels) + 0.5) / pixels - 0.5) * frame.size[0]
    y = frame.center[1] + ((np.arange(lines) + 0.5) / lines - 0.5) * frame.size[1]
    _scale(group, "y", y, "length", "m", "SPATIAL")
    _scale(group, "x", x, "length", "m", "SPATIAL")
    _signal(group, name, values, channel, "IMAGE", ("y", "x"))
    group.create_group("metadata").attrs.update(
        center=frame.center,
        size=frame.size,
        angle=frame.angle,
        axes="frame coordinates shifted to its centre; turn by angle [rad] about it for x and y",
        start_time=image.start_time,
        end_time=image.end_time,
    )


def _write_spectra(entry: "h5py.Group", measurements: tuple[Measurement, ...]) -> None:
    alike: dict[tuple[bytes, tuple[Channel, ...]], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        spectrum = measurement.spectrum
        alike[(spectrum.bias.tobytes(), spectrum.channels)].append(measurement)
    for number, ((_, channels), same) in enumerate(alike.items()):
        for index, channel in enumerate(channels):
            group = _data_group(entry, f"spectra_{number:03d}_{channel.name}", ("spectrum", "bias"))
            first = same[0].spectrum
            _scale(
                group, "spectrum", np.arange(len(same), dtype=float), "spectrum", "1", "POINT_CLOUD"
            )
            _scale(group, "bias", first.bias, "bias", "V", "SPECTRAL")
            data = np.stack([m.spectrum.data[index] for m in same])
            _signal(group, "spectra", data, channel, "POINT_CLOUD", ("spectrum", "bias"))
            points = np.array([(m.spectrum.x, m.spectrum.y) for m in same])
            cloud = group.create_group("point_cloud")
            cloud.attrs.update(coordinates=points, spacial_units="m", quantity="position")
            group["spectra_numbers"] = np.array([m.number for m in same])
            group["reward"] = [m.scored.value if m.scored else math.nan for m in same]
            group["start_time"] = [m.spectrum.start_time for m in same]
            group["start_time"].attrs["units"] = "s"
            group["flag"] = [_flag(m) for m in same]
            group["scalarizer"] = [m.scored.scalarizer if m.scored else "" for m in same]
            group["reward_unit"] = [m.scored.unit if m.scored else "" for m in same]
            further = dict.fromkeys(n for m in same if m.scored for n in m.scored.others)
            for name in further:
                group[f"reward_by_{name}"] = [_other(m, name) for m in same]


def _other(measurement: Measurement, scalarizer: str) -> float:
    """Return the value by a further scalarizer, NaN where there is none."""
    others = measurement.scored.others if measurement.scored else {}
    return others[scalarizer][0] if scalarizer in others else math.nan


def _write_fit(entry: "h5py.Group", number: int, fit: ModelFitted) -> None:
    group = entry.require_group("agent").create_group(f"fit_{number:03d}")
    group.parent.attrs["NX_class"] = "NXcollection"
    group.attrs.update(
        n_observations=fit.n_observations, speaker=fit.speaker, quantity=fit.quantity
    )
    group.attrs["parameters"] = json.dumps(dict(fit.parameters))
    maps = {"mean": fit.mean, "deviation": fit.deviation, "pixels": fit.rows}
    maps |= {"bias": fit.bias, "noise": fit.noise}
    for name, values in maps.items():
        if values is None:
            continue
        group.create_dataset(name, data=values, compression="gzip", compression_opts=1)


def _write_events(entry: "h5py.Group", run: RecordedRun) -> None:
    import h5py

    group = entry.create_group("events")
    group.attrs["NX_class"] = "NXcollection"
    lines = [
        json.dumps(
            {"number": r.number, "utc": r.utc, "time": r.time, "event": type(r.event).__name__}
        )
        for r in run.records
    ]
    group.create_dataset("records", data=lines, dtype=h5py.string_dtype())


def _write_provenance(entry: "h5py.Group", run: RecordedRun) -> None:
    group = entry.create_group("provenance")
    group.attrs["NX_class"] = "NXcollection"
    group["recipe"] = run.started.recipe
    group["lab"] = run.started.lab
    group["seed"] = run.started.seed
    group["instrument"] = run.started.instrument
    group["versions"] = json.dumps(dict(run.started.versions))
    group["finish_reason"] = run.finished.reason.value if run.finished else "unfinished"


def _data_group(entry: "h5py.Group", name: str, axes: tuple[str, ...]) -> "h5py.Group":
    group = entry.create_group(name.replace("/", "_"))  # dI/dV is a channel and no path
    group.attrs.update(NX_class="NXdata", signal="data", axes=list(axes))
    return group


def _scale(
    group: "h5py.Group", name: str, values: FloatArray, quantity: str, unit: str, kind: str
) -> None:
    scale = group.create_dataset(name, data=values)
    scale.make_scale(name)
    scale.attrs.update(name=name, quantity=quantity, units=unit, dimension_type=kind)


def _signal(
    group: "h5py.Group",
    name: str,
    values: FloatArray,
    channel: Channel,
    kind: str,
    axes: tuple[str, ...],
) -> None:
    data = group.create_dataset("data", data=values, compression="gzip", compression_opts=1)
    data.attrs.update(
        quantity=channel.name,
        units=channel.unit,
        main_data_name=name,
        data_type=kind,
        modality="scanning probe microscopy",
        source="spm_auto",
        pyNSID_version="0.0.7.2",
    )
    for index, axis in enumerate(axes):
        data.dims[index].label = axis
        data.dims[index].attach_scale(group[axis])


def _flag(measurement: Measurement) -> str:
    flags = [str(flag) for flag in measurement.spectrum.flags]
    if measurement.scored and measurement.scored.flag:
        flags.append(measurement.scored.flag)
    return "; ".join(flags)


def _iso(record: Record) -> str:
    return datetime.fromtimestamp(record.utc, UTC).isoformat()


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _replace(part: Path, target: Path) -> None:
    for attempt in range(_REPLACE_TRIES):
        try:
            part.replace(target)
        except PermissionError:
            if attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    try:
        write(open_run(Path(sys.argv[1])), Path(sys.argv[2]))
    except (DataError, OSError) as error:
        sys.exit(str(error))
