"""Event files: an HDF5 file for each scan and each spectrum, laid out as the run file is.

Each is the run file of a run in which nothing else happened, with the records that tell of it and
the run's provenance. They are written in a process of their own, since a full disk can crash the
HDF5 library: ``python -m spm_auto.export.event_files JOURNAL FOLDER`` is that process.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data import (
    LineAcquired,
    Record,
    RecordedRun,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    open_run,
    write_run_file,
)
from ..errors import DataError
from .place import take_place

_TIMEOUT = 600.0  # [s] for the child process


def write_event_files(run: RecordedRun, folder: Path | str) -> list[Path]:
    """Write a file for each scan (``scan_000.h5``) and each spectrum (``spectrum_000.h5``).

    Args:
        run: The run, as its journal tells it.
        folder: Where to; files that are there are replaced.

    Returns:
        The files.

    Raises:
        DataError: They could not be written; those that were there still are.
    """
    folder = Path(folder)
    names = [name for name, _ in _parts(run)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="part-") as parts:
            _write_in_child(run.path, parts)
            for name in names:
                take_place(Path(parts) / name, folder / name)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{folder}: not written within {_TIMEOUT:g} s") from error
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return [folder / name for name in names]


def _write_in_child(journal: Path, parts: str) -> None:
    command = [sys.executable, "-m", __name__, str(journal), parts]
    child = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or ["no message"]
        raise DataError(f"event files: not written (exit {child.returncode}): {lines[-1]}")


def _parts(run: RecordedRun) -> Iterator[tuple[str, RecordedRun]]:
    """Yield a run for each scan and each spectrum, in which nothing else happened."""
    nothing = replace(
        run, scans=(), measurements=(), decisions=(), fits=(), answers=(), interventions=()
    )
    first = run.records[0]
    for number, image in enumerate(run.scans):
        records = (first, *_of_scan(run.records, image.start_time))
        yield f"scan_{number:03d}.h5", replace(nothing, records=records, scans=(image,))
    taken = [record for record in run.records if isinstance(record.event, SpectrumAcquired)]
    for measurement, record in zip(run.measurements, taken, strict=True):
        told = (measurement.chosen, measurement.scored)  # the very events that are in the records
        about = [r for r in run.records if any(r.event is event for event in told)]
        records = tuple(sorted((first, record, *about), key=lambda r: r.number))
        chosen = (measurement.chosen,) if measurement.chosen else ()
        part = replace(nothing, records=records, measurements=(measurement,), decisions=chosen)
        yield f"spectrum_{measurement.number:03d}.h5", part


def _of_scan(records: tuple[Record, ...], start_time: float) -> Iterator[Record]:
    is_inside = False
    for record in records:
        if isinstance(record.event, ScanStarted):
            is_inside = record.time == start_time
        if is_inside and isinstance(record.event, ScanStarted | LineAcquired | ScanFinished):
            yield record
            is_inside = not isinstance(record.event, ScanFinished)


if __name__ == "__main__":
    try:
        for name, part in _parts(open_run(sys.argv[1])):
            write_run_file(part, Path(sys.argv[2]) / name)
    except (DataError, OSError, RuntimeError) as error:  # h5py raises the last for a full disk
        sys.exit(" ".join(str(error).split()))
