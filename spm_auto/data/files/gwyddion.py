"""Gwyddion files (.gwy): channels, spectra at points, volumes against bias."""

import re
from math import radians
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError, UnitError
from ...instrument import Channel, FloatArray, ScanFrame, ScanImage, Spectrum
from ...units import parse
from .data_file import DataFile, Picture, put_together
from .gwyddion_tree import Tree, read_tree
from .si import factor, in_si
from .strangers import guarded, read_bytes

_OFFSET = "the offsets of Gwyddion are read as the left lower corner of the frame"
_MASK = "{} has a mask, which may mark values that are not measured; they are as stored"
_MISSING = "Missing"  # among the metadata: the mask marks pixels that were not measured
_NO_BIAS = "what is not against a bias was left out: {}"
_ANGLE = re.compile(r"\b(scan[ _]*)?(angle|rotation)\b", re.IGNORECASE)
_WAY = re.compile(r"[\s_]*[\[(]?(forward|fwd|backward|bwd|retrace|trace)[\])]?\s*$", re.IGNORECASE)
_BACK = ("backward", "bwd", "retrace")


def read_gwyddion(path: Path) -> DataFile:
    """Read a Gwyddion file.

    Row 0 of a channel is the upper one. The format has no frame that is turned: where the metadata
    of a channel have an angle (degrees if they name no unit) it is used as counter-clockwise. A
    channel whose title ends in a direction, such as ``height backward``, is that direction of the
    channel. What spm_auto itself exported is read as it was, missing pixels included.

    Raises:
        DataError: The file is damaged, or its sizes contradict one another.
    """
    tree = read_tree(path, read_bytes(path))
    with guarded(path):
        fields = _numbers(tree, r"/(\d+)/data", "GwyDataField")
        images = put_together([_picture(tree, number) for number in fields])
        notes = [_OFFSET] if images else []
        masked = [n for n in fields if f"/{n}/mask" in tree and _MISSING not in _told(tree, n)]
        notes += [_MASK.format(_title(tree, n)) for n in masked]
        if any("/graph/" in key for key in tree):
            notes.append("graphs were left out")
        spectra: list[Spectrum] = []
        for number in _numbers(tree, r"/sps/(\d+)", "GwySpectra"):
            spectra += _point_spectra(tree[f"/sps/{number}"], images, notes)
        for number in _numbers(tree, r"/brick/(\d+)", "GwyBrick"):
            spectra += _volume(tree, number, notes)
    return DataFile(
        path.name,
        "Gwyddion file",
        images,
        tuple(spectra),
        metadata=_metadata(tree),
        notes=tuple(dict.fromkeys(notes)),
    )


def _numbers(tree: Tree, pattern: str, kind: str) -> list[str]:
    """Return the numbers under which objects of a kind stand, in order."""
    found = []
    for key, value in tree.items():
        match = re.fullmatch(pattern, key)
        if match and isinstance(value, Tree) and value.kind == kind:
            found.append(match[1])
    return sorted(found, key=lambda number: (len(number), number))


def _metadata(tree: Tree) -> dict[str, str]:
    return {
        f"{key.removesuffix('/meta')}/{name}": str(value)
        for key, meta in tree.items()
        if isinstance(meta, Tree) and key.endswith("/meta")
        for name, value in meta.items()
    }


def _picture(tree: Tree, number: str) -> Picture:
    field, told = tree[f"/{number}/data"], _told(tree, number)
    values = _grid(field["data"], (field["yres"], field["xres"]))
    if _MISSING in told and f"/{number}/mask" in tree:
        mask = _grid(tree[f"/{number}/mask"]["data"], values.shape)
        values = np.where(mask > 0, np.nan, values)
    values, unit = in_si(values, told.get("Unit") or field.unit("si_unit_z"))
    name, is_backward = _name_and_way(tree, number)
    times = (float(told.get("Start time (s)", 0.0)), float(told.get("End time (s)", 0.0)))
    frame = _frame(field, _angle(tree.get(f"/{number}/meta")))
    return Picture(frame, Channel(name, unit), values[::-1], is_backward, times)


def _name_and_way(tree: Tree, number: str) -> tuple[str, bool]:
    """Return a channel's name, and whether it is the way back."""
    told, title = _told(tree, number), _title(tree, number)
    if told:
        return told["Channel"], told["Direction"] in _BACK
    way = _WAY.search(title)
    if way is None or not way.start():
        return title, False
    return title[: way.start()], way[1].lower() in _BACK


def _told(tree: Tree, number: str) -> dict[str, str]:
    """Return what spm_auto's own export says of a channel; nothing for other files."""
    about = tree.get(f"/{number}/meta")
    if not isinstance(about, Tree) or about.get("Program") != "spm_auto":
        return {}
    return {key: str(value) for key, value in about.items()}


def _title(tree: Tree, number: str) -> str:
    return str(tree.get(f"/{number}/data/title", "")).strip() or f"channel {number}"


def _frame(field: Tree, angle: float = 0.0) -> ScanFrame:
    unit = field.unit("si_unit_xy") or field.unit("si_unit_x")
    times = factor(unit, "m")
    if times is None:
        raise DataError(f"a field of Gwyddion is so many {unit!r} wide, which is no length")
    width, height, x, y = (
        times * float(field.get(name, 0.0)) for name in ("xreal", "yreal", "xoff", "yoff")
    )
    pixels = (field["xres"], field["yres"])
    return ScanFrame((x + width / 2, y + height / 2), (width, height), pixels, angle)


def _angle(meta: Any) -> float:
    """Return the angle that a channel's metadata have [rad], counter-clockwise; 0 without."""
    for key, value in meta.items() if isinstance(meta, Tree) else ():
        if not _ANGLE.search(key):
            continue
        try:
            return radians(float(value))
        except ValueError:
            pass
        try:
            return parse(str(value), "rad")
        except UnitError:
            continue
    return 0.0


def _point_spectra(
    spectra: Tree, images: tuple[ScanImage, ...], notes: list[str]
) -> list[Spectrum]:
    """Return the spectra at points, whose coordinates count down from a channel's upper edge."""
    places = np.asarray(spectra.get("coords", []), dtype=float).reshape(-1, 2)
    times = factor(spectra.unit("si_unit_xy"), "m")
    title = str(spectra.get("title", "")) or "spectrum"
    if times is None:
        raise DataError(f"the places of the spectra {title!r} are no lengths")
    middle = images[0].frame if images else ScanFrame((0.0, 0.0), (1.0, 1.0), (2, 2))
    if not images:
        notes.append(f"the places of the spectra {title!r} count from where Gwyddion has zero")
    u = times * places[:, 0] - middle.center[0]
    v = middle.center[1] - times * places[:, 1]
    found = []
    for line, x, y in zip(spectra.get("data", []), *middle.from_frame(u, v), strict=True):
        bias = _bias(line, "res", "real", "off", "si_unit_x")
        if bias is None:
            notes.append(_NO_BIAS.format(title))
            continue
        values, unit = in_si(_grid(line["data"], (line["res"],)), line.unit("si_unit_y"))
        channel = Channel(title, unit)
        found.append(Spectrum(float(x), float(y), bias, (channel,), values[np.newaxis], 0.0, 0.0))
    return found


def _volume(tree: Tree, number: str, notes: list[str]) -> list[Spectrum]:
    """Return a spectrum for each site of a volume whose third axis is a bias, lower row first."""
    brick = tree[f"/brick/{number}"]
    title = str(tree.get(f"/brick/{number}/title", "")) or f"volume {number}"
    bias = _bias(brick, "zres", "zreal", "zoff", "si_unit_z")
    if bias is None:
        notes.append(_NO_BIAS.format(title))
        return []
    values = _grid(brick["data"], (brick["zres"], brick["yres"], brick["xres"]))
    values, unit = in_si(values, brick.unit("si_unit_w"))
    curves = np.moveaxis(values[:, ::-1], 0, -1).reshape(-1, 1, len(bias))
    x, y = _frame(brick, _angle(tree.get(f"/brick/{number}/meta"))).positions()
    places = zip(x.ravel().tolist(), y.ravel().tolist(), curves, strict=True)
    channels = (Channel(title, unit),)
    return [Spectrum(px, py, bias, channels, curve, 0.0, 0.0) for px, py, curve in places]


def _bias(field: Tree, points: str, extent: str, offset: str, unit: str) -> FloatArray | None:
    """Return an axis [V], as measured where it was calibrated; None where it is no bias."""
    count = field[points]
    lines = field.get("calibration", [])
    line = lines[0] if isinstance(lines, list) and lines else lines
    if isinstance(line, Tree) and len(line.get("data", [])) == count:
        times = factor(line.unit("si_unit_y") or line.unit("si_unit_x"), "V")
        if times is not None:
            return np.asarray(line["data"], dtype=float) * times
    times = factor(field.unit(unit), "V")
    if times is None:
        return None
    step = float(field[extent]) / count
    return np.asarray(times * (float(field.get(offset, 0.0)) + step * np.arange(count)))


def _grid(data: Any, shape: tuple[int, ...]) -> FloatArray:
    if min(shape) < 1 or len(data) != np.prod(shape, dtype=object):
        raise DataError(f"a field of Gwyddion has {len(data)} values; its size says {shape}")
    return np.asarray(data, dtype=float).reshape(shape)
