"""Nanonis curves (.dat): a text header, a line ``[DATA]``, columns of numbers."""

from math import nan
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...instrument import FloatArray
from .data_file import DataFile
from .si import in_si
from .strangers import guarded, read_bytes
from .sweeps import Column, force_curves, is_bias, is_distance, spectra

MAGIC = b"Experiment\t"
_DATA = "[DATA]"


def read_nanonis_curve(path: Path) -> DataFile:
    """Read a spectrum against bias, or a curve against distance, of Nanonis.

    Raises:
        DataError: The file is damaged, or holds another kind of experiment.
    """
    lines = read_bytes(path).decode("utf-8", "replace").splitlines()
    with guarded(path):
        try:
            start = [line.strip() for line in lines].index(_DATA)
        except ValueError as error:
            raise DataError(f"{path}: the Nanonis curve has no line {_DATA}") from error
        header = _header(lines[:start])
        headings = lines[start + 1].split("\t") if len(lines) > start + 1 else []
        table = _table(path, headings, lines[start + 2 :])
        return _read(path, header, headings, table)


def _read(path: Path, header: dict[str, str], headings: list[str], table: FloatArray) -> DataFile:
    first = headings[0].strip()
    x, y = (_number(header.get(f"{axis} (m)", "")) for axis in "XY")
    notes = () if np.isfinite([x, y]).all() else ("the file does not say where the probe stood",)
    along, _ = in_si(table[0], Column.of(first).channel.unit)
    columns = {Column.of(name): table[i] for i, name in enumerate(headings) if i > 0}
    experiment = header.get("Experiment", "") or "curve"
    if len(columns) != len(headings) - 1:
        raise DataError(f"{path}: the Nanonis curve has several columns of the same name")
    if not columns:
        raise DataError(f"{path}: the Nanonis curve has no channel beside {first!r}")
    if is_bias(first):
        return DataFile(
            path.name,
            f"Nanonis {experiment}",
            spectra=tuple(spectra(along, columns, x, y)),
            metadata=header,
            notes=notes,
        )
    if is_distance(first):
        return DataFile(
            path.name,
            f"Nanonis {experiment}",
            curves=tuple(force_curves(along, columns, x, y)),
            metadata=header,
            notes=(*notes, "z counts away from the sample; the extension counts towards it"),
        )
    raise DataError(
        f"{path}: the Nanonis {experiment} is against {first!r}; curves against bias and z are read"
    )


def _header(lines: list[str]) -> dict[str, str]:
    pairs = (line.rstrip("\t").split("\t", 1) for line in lines if line.strip())
    return {key.strip(): rest[0].strip() if rest else "" for key, *rest in pairs}


def _table(path: Path, headings: list[str], lines: list[str]) -> FloatArray:
    """Return the columns, shape [column, point]."""
    rows = [line.split("\t") for line in lines if line.strip()]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(headings):
            raise DataError(
                f"{path}: point {number} of the Nanonis curve has {len(row)} values; "
                f"there are {len(headings)} columns"
            )
    if not rows:
        raise DataError(f"{path}: the Nanonis curve holds no points")
    return np.ascontiguousarray(np.array(rows, dtype=float).T)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # "N/A" is what the program writes
        return nan
