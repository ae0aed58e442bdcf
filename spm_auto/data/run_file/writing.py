"""Writing a run file and reading it back: only what holds every record, bit for bit, is kept."""

import hashlib
import json
import math
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DataError
from ..codec import is_same
from ..reader import RecordedRun
from .arrays import Places
from .content import alike, write_agent, write_image, write_spectra
from .layout import LINES, SCHEMA_VERSION, new_group
from .lines import to_line
from .nexus import driver_of, write_instrument, write_what_it_is
from .reading import read_records

if TYPE_CHECKING:
    import h5py


def write(run: RecordedRun, target: Path) -> None:
    """Write a run to an HDF5 file, and read it back.

    Only the agent's maps are compressed: what was measured holds noise, of which gzip saves 3 to 6
    per cent and takes longer than all else together (measured: 43 MB became 40 MB in 0.5 s); the
    maps of a run of 200 points became a third smaller.

    Raises:
        DataError: What was read back is not what the journal holds; there is no file then.
    """
    import h5py

    try:
        # the older format limits an attribute, so a point cloud, to 64 KiB
        with h5py.File(target, "w", libver=("v108", "v108")) as file:
            _write_entry(file, run)
        _verify(run, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _verify(run: RecordedRun, target: Path) -> None:
    found, _ = read_records(target)
    for number, (one, other) in enumerate(zip_longest(run.records, found)):
        if not is_same(one, other):
            raise DataError(
                f"{target}: record {number} of {len(run.records)} does not read back as written"
            )


def _write_entry(file: "h5py.File", run: RecordedRun) -> None:
    places = Places("/entry/events/arrays")
    file.attrs.update(default="entry", creator="spm_auto", spm_auto_schema=SCHEMA_VERSION)
    entry = new_group(file, "entry", "NXentry")
    entry["title"] = run.started.title
    entry["experiment_identifier"] = run.started.uid
    families = alike(run.measurements)
    write_what_it_is(entry, run)
    write_instrument(entry, run, families)
    for number, image in enumerate(run.scans):
        write_image(entry, number, image, places)
    for number, image in enumerate(run.looks):
        write_image(entry, number, image, places, "look")
    for number, same in enumerate(families):
        write_spectra(entry, number, same, places)
    shown = [name for name, group in entry.items() if group.attrs.get("NX_class") == "NXdata"]
    if shown:
        entry.attrs["default"] = shown[0]
    write_agent(entry, run, places)
    _write_provenance(entry, run)
    _write_events(file, run, places)


def _write_events(file: "h5py.File", run: RecordedRun, places: Places) -> None:
    import h5py

    new_group(file["entry"], "events", "NXcollection").attrs["damage"] = run.damage
    lines = [to_line(record, places.keep) for record in run.records]
    file.create_dataset(LINES, data=lines, dtype=h5py.string_dtype())
    places.fill(file)


def _write_provenance(entry: "h5py.Group", run: RecordedRun) -> None:
    started = run.started
    group = new_group(entry, "provenance", "NXcollection")
    for name, text in (("recipe", started.recipe), ("lab", started.lab)):
        group[name] = text
        group[f"{name}_sha256"] = hashlib.sha256(text.encode("utf-8")).hexdigest()
    group["seed"] = started.seed
    group["instrument"] = started.instrument
    group["driver"] = driver_of(started.lab)
    group["operator"] = str(started.settings.get("operator", ""))
    group["commit"] = started.versions.get("commit", "")
    group["versions"] = json.dumps(dict(started.versions))
    group["settings"] = json.dumps(_words(started.settings))
    group["limits"] = json.dumps(_words(started.settings.get("limits", {})))
    group["finish_reason"] = run.finished.reason.value if run.finished else "unfinished"


def _words(value: Any) -> Any:
    """Turn settings into what JSON knows; a number without bounds is "inf" or "nan"."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _words(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_words(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
