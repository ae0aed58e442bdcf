"""Event files: an HDF5 file for each scan and each spectrum, laid out as the run file is.

Each is the run file of a run in which nothing else happened, with the records that tell of it and
the run's provenance. They are written in a process of their own (``python -m spm_auto.export``),
since a full disk can crash the HDF5 library.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data import RecordedRun, SpectrumAcquired, take_place
from ..errors import DataError
from .origin import records_of_scan

_PATIENCE = 60.0  # [s] for the child process, and as much again for each file


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
    names = [name for name, _ in parts_of(run)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="part-") as parts:
            _write_in_child(run.path, parts, _PATIENCE * (1 + len(names)))
            for name in names:
                take_place(Path(parts) / name, folder / name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return [folder / name for name in names]


def _write_in_child(journal: Path, parts: str, timeout: float) -> None:
    command = [sys.executable, "-m", __package__, str(journal), parts]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"event files: not written within {timeout:g} s") from error
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or ["no message"]
        raise DataError(f"event files: not written (exit {child.returncode}): {lines[-1]}")


def parts_of(run: RecordedRun) -> Iterator[tuple[str, RecordedRun]]:
    """Yield a run for each scan and each spectrum, in which nothing else happened."""
    nothing = replace(
        run, scans=(), measurements=(), decisions=(), fits=(), answers=(), interventions=()
    )
    first = run.records[0]
    for number, image in enumerate(run.scans):
        records = (first, *records_of_scan(run, image))
        yield f"scan_{number:03d}.h5", replace(nothing, records=records, scans=(image,))
    taken = [record for record in run.records if isinstance(record.event, SpectrumAcquired)]
    recorded = {id(record.event): record for record in run.records}
    for measurement, record in zip(run.measurements, taken, strict=True):
        told = filter(None, (measurement.chosen, measurement.scored))
        about = [recorded[id(event)] for event in told]
        records = tuple(sorted((first, record, *about), key=lambda r: r.number))
        chosen = (measurement.chosen,) if measurement.chosen else ()
        part = replace(nothing, records=records, measurements=(measurement,), decisions=chosen)
        yield f"spectrum_{measurement.number:03d}.h5", part
