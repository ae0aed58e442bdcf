"""Igor binary waves (.ibw) as Asylum Research writes them: images, force curves, spectra."""

import io
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...instrument import Channel, FloatArray, ForceCurve, Spectrum
from .asylum import TURN, frame_of, number, parse_note, split_way, unit_of
from .data_file import DataFile, Picture, put_together
from .si import in_si
from .strangers import guarded, read_bytes

_HEADERS = 64 + 320  # bytes of the two headers of a version 5 wave
_SIZES = {2: 4, 4: 8, 8: 1, 16: 2, 32: 4, 0x48: 1, 0x50: 2, 0x60: 4}  # bytes of each real type
_NO_POSITION = "the file does not say where the probe stood"


def is_igor_wave(start: bytes) -> bool:
    """Say whether a file begins like a binary wave of version 5, in either byte order."""
    return start[:2] in (b"\x05\x00", b"\x00\x05") and len(start) >= 4


def read_igor_wave(path: Path) -> DataFile:
    """Read a binary wave: three dimensions are images, two are curves side by side.

    Images are stored as [pixel, line, channel], line 0 at the lower edge.

    Raises:
        DataError: The file is damaged, or holds another kind of wave.
    """
    from igor2 import binarywave

    content = read_bytes(path)
    _check(path, content)
    with guarded(path):
        wave = binarywave.load(io.BytesIO(content))["wave"]
        values = np.asarray(wave["wData"], dtype=float)
        note = parse_note(_text(wave["note"]))
        labels = [[_text(label) for label in labels[1:]] for labels in wave["labels"]]
        if values.ndim == 3:
            return _images(path, values, labels[2], note)
        if values.ndim == 2 and frame_of(note, (2, 2)) is not None and not labels[1]:
            return _images(
                path, values[:, :, np.newaxis], [_text(wave["wave_header"]["bname"])], note
            )
        if values.ndim == 2:
            return _curves(path, values, labels[1], note)
    raise DataError(f"{path}: the wave has {values.ndim} dimensions; images have 3 and curves 2")


def _check(path: Path, content: bytes) -> None:
    """Compare what the headers declare with the length of the file, before anything is made."""
    if len(content) < _HEADERS:
        raise DataError(f"{path}: the Igor wave is shorter than its headers; it is truncated")
    order = "<" if content[:2] == b"\x05\x00" else ">"
    _, wave, formula, note, units, *rest = struct.unpack_from(order + "h14i", content, 2)
    points, kind = struct.unpack_from(order + "ih", content, 64 + 12)
    dimensions = struct.unpack_from(order + "4i", content, 64 + 68)
    if kind not in _SIZES:
        raise DataError(f"{path}: the Igor wave is of type {kind}; only real numbers are read")
    declared = math.prod([n for n in dimensions if n > 0])
    sizes = (formula, note, units, *rest[:9])
    if min(*sizes, *dimensions, points) < 0 or points != declared:
        raise DataError(f"{path}: the headers of the Igor wave contradict one another")
    if wave != 320 + points * _SIZES[kind] or len(content) < 64 + wave + sum(sizes):
        raise DataError(
            f"{path}: the Igor wave has {len(content)} bytes; its headers say "
            f"{64 + 320 + points * _SIZES[kind] + sum(sizes)}"
        )


def _images(path: Path, values: FloatArray, labels: list[str], note: dict[str, str]) -> DataFile:
    pixels, lines, layers = values.shape
    frame = frame_of(note, (pixels, lines))
    if frame is None:
        raise DataError(f"{path}: the note of the Igor wave does not say how large the image is")
    names = [label for label in labels if label]
    if len(names) != layers:
        names = [f"layer {index}" for index in range(layers)]
    pictures = []
    for index, name in enumerate(names):
        channel, is_backward = split_way(name)
        layer, unit = in_si(values[:, :, index], unit_of(channel, note))
        picture = np.ascontiguousarray(np.swapaxes(layer, 0, 1))  # stored [pixel, line]
        pictures.append(Picture(frame, Channel(channel, unit), picture, is_backward))
    return DataFile(
        path.name,
        "Asylum images (Igor binary wave)",
        put_together(pictures),
        metadata=note,
        notes=(TURN,) if frame.angle else (),
    )


def _curves(path: Path, values: FloatArray, labels: list[str], note: dict[str, str]) -> DataFile:
    names = [label for label in labels if label]
    if len(names) != values.shape[1]:
        raise DataError(
            f"{path}: the columns of the Igor wave have no names; nothing says what they are"
        )
    columns = {name: in_si(values[:, i], unit_of(name, note)) for i, name in enumerate(names)}
    x, y = number(note, "XLVDT", "XOffset"), number(note, "YLVDT", "YOffset")
    notes = () if math.isfinite(x) and math.isfinite(y) else (_NO_POSITION,)
    bias = next((name for name in names if name.startswith("Bias")), None)
    height = next((name for name in ("Raw", "ZSnsr", "LVDT") if name in names), None)
    kind = "Asylum curves (Igor binary wave)"
    if bias is not None and _is_swept(columns[bias][0]):
        spectrum = _spectrum(columns, bias, x, y)
        return DataFile(path.name, kind, spectra=(spectrum,), metadata=note, notes=notes)
    if height is None:
        raise DataError(f"{path}: the curves of the Igor wave have neither a bias nor a height")
    curve = _force_curve(columns, height, _sections(note, columns[height][0]), x, y)
    told = f"the extension is {height}; the way up was put on the extensions of the way down"
    return DataFile(path.name, kind, curves=(curve,), metadata=note, notes=(*notes, told))


def _is_swept(bias: FloatArray) -> bool:
    """Say whether the bias changes; it is NaN on the ways down and up around the sweep."""
    during = bias[np.isfinite(bias)]
    return bool(during.size) and bool(np.ptp(during) > 0)


def _spectrum(
    columns: dict[str, tuple[FloatArray, str]], bias: str, x: float, y: float
) -> Spectrum:
    others = {name: column for name, column in columns.items() if name != bias}
    channels = tuple(Channel(name, unit) for name, (_, unit) in others.items())
    data = np.stack([values for values, _ in others.values()])
    return Spectrum(x, y, columns[bias][0], channels, data, 0.0, 0.0)


def _sections(note: dict[str, str], height: FloatArray) -> tuple[slice, slice]:
    """Return the way down and the way up, from the note or from where the height turns."""
    try:
        marks = [int(mark) for mark in note.get("Indexes", "").split(",")]
        ways = [float(way) for way in note.get("Direction", "").split(",")][1:]
    except ValueError:
        marks, ways = [], []
    if len(ways) == len(marks) - 1 and 1 in ways and -1 in ways:
        down, up = ways.index(1), ways.index(-1)
        return slice(marks[down], marks[down + 1]), slice(marks[up], marks[up + 1])
    turn = int(np.nanargmax(height)) + 1
    return slice(0, turn), slice(turn, len(height))


def _force_curve(
    columns: dict[str, tuple[FloatArray, str]],
    height: str,
    sections: tuple[slice, slice],
    x: float,
    y: float,
) -> ForceCurve:
    """Make a curve on the extensions of the way down; the way up is interpolated onto them."""
    down, up = sections
    values = columns[height][0]
    extension = values[down] - values[down][0]
    order = np.argsort(values[up], kind="stable")
    others = {name: column for name, column in columns.items() if name != height}
    approach = np.stack([column[down] for column, _ in others.values()])
    retract = np.full_like(approach, np.nan)
    if len(order) > 1:
        for row, (column, _) in zip(retract, others.values(), strict=True):
            row[:] = np.interp(
                values[down], values[up][order], column[up][order], left=np.nan, right=np.nan
            )
    channels = tuple(Channel(name, unit) for name, (_, unit) in others.items())
    return ForceCurve(x, y, extension, channels, approach, retract, 0.0, 0.0)


def _text(value: Any) -> str:
    raw = value if isinstance(value, bytes) else b"".join(np.atleast_1d(value).tolist())
    try:
        return raw.decode("utf-8").strip("\0")
    except UnicodeDecodeError:  # older versions of the program
        return raw.decode("latin-1").strip("\0")
