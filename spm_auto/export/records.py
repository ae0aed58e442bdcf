"""Records as lines of JSON, one for each, with all that the journal holds of it."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Record, write_whole


def write_records(path: Path | str, records: Sequence[Record]) -> Path:
    """Write records as JSON, one line each.

    A line has the record's number, its time of day (utc) and instrument time (time) in seconds, the
    name of the event, and its fields by name. Numbers are SI; NaN is null, infinity the text "inf".

    Args:
        path: The file; one that is there is replaced.
        records: The records.

    Raises:
        DataError: It cannot be written there.
    """
    lines = [json.dumps(_line(record), allow_nan=False) for record in records]
    return write_whole(Path(path), "".join(f"{line}\n" for line in lines).encode("utf-8"))


def _line(record: Record) -> dict[str, Any]:
    when = {"number": record.number, "utc": plain(record.utc), "time": plain(record.time)}
    return {**when, "event": type(record.event).__name__, **plain(record.event)}


def plain(value: Any) -> Any:
    """Turn a value into what JSON can hold: NaN becomes null, an array a list."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
