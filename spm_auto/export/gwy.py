"""Images and spectra as a Gwyddion ``.gwy`` file: one file, in which the program lists all of it.

Gwyddion's images lie straight and begin with the upper line. A turned frame is stored as if it were
not turned, with its angle among the metadata. Pixels that are missing get the mean of the others
and a mask, as in Gwyddion's own imports, since its statistics do not expect NaN.

Spectra become what fits them: a volume where they stand on a grid, a set of spectra where the sweep
has equal steps (there and back are two), else a graph of curves, such as hysteresis loops.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import write_whole
from ..instrument import Channel, FloatArray, ScanFrame, ScanImage, Spectrum
from ..units import format as format_quantity
from .grid import Grid, grid_of
from .origin import Origin
from .sweep import alike, is_even, is_monotonic, legs

if TYPE_CHECKING:
    from gwyfile.objects import GwyObject

_MAGIC = b"GWYP"
_LINE = 2  # Gwyddion's word for a curve drawn as a line


def write_gwy(
    path: Path | str,
    images: Sequence[ScanImage] = (),
    spectra: Sequence[Spectrum] = (),
    origins: Sequence[Origin] = (),
) -> Path:
    """Write images and spectra as a Gwyddion file.

    Gwyddion shows spectra on an image; they lie where they were taken on the first one, and without
    an image by their sample coordinates.

    Args:
        path: The file; one that is there is replaced.
        images: The images, all channels of them in both directions.
        spectra: The spectra.
        origins: What to say of each image, in order; nothing without it.

    Returns:
        The file.

    Raises:
        DataError: It cannot be written there.
    """
    content = dict[str, Any]()
    number = 0
    for index, image in enumerate(images):
        origin = origins[index] if origins else Origin()
        before = f"{index} " if len(images) > 1 else ""
        for channel in image.channels:
            for way in ("forward", "backward"):
                values = image.channel(channel.name, way == "backward")
                about = _about(image, channel, way, origin)
                if np.isnan(values).any():
                    about["Missing"] = "the masked pixels; they hold the mean of the others"
                content |= _image(number, values, image.frame, channel.unit)
                content[f"/{number}/data/title"] = f"{before}{channel.name} ({way})"
                content[f"/{number}/meta"] = _object("GwyContainer", about)
                number += 1
    if images:
        content["/0/data/visible"] = True  # it alone opens a window, all else is on the list
    content |= _spectra(spectra, images[0].frame if images else None)
    return write_whole(Path(path), _MAGIC + _object("GwyContainer", content).serialize())


def _about(image: ScanImage, channel: Channel, way: str, origin: Origin) -> dict[str, str]:
    frame = image.frame
    about = {
        "Program": "spm_auto",
        "Title": origin.title,
        "Operator": origin.operator,
        "Date": f"{origin.date:%Y-%m-%d %H:%M:%S} UTC" if np.isfinite(origin.utc) else "",
        "Channel": channel.name,
        "Unit": channel.unit,
        "Direction": way,
        "Center x (m)": repr(frame.center[0]),
        "Center y (m)": repr(frame.center[1]),
        "Angle (deg)": repr(float(np.degrees(frame.angle))),
        "Bias (V)": repr(origin.bias) if np.isfinite(origin.bias) else "",
        "Start time (s)": repr(image.start_time),
        "End time (s)": repr(image.end_time),
        **origin.details,
    }
    return {key: value for key, value in about.items() if value}


def _image(number: int, values: FloatArray, frame: ScanFrame, unit: str) -> dict[str, Any]:
    missing = np.isnan(values)
    if not missing.any():
        return {f"/{number}/data": _field(values, frame, unit)}
    mean = 0.0 if missing.all() else float(values[~missing].mean())
    return {
        f"/{number}/data": _field(np.where(missing, mean, values), frame, unit),
        f"/{number}/mask": _field(missing.astype(float), frame, "1"),
    }


def _spectra(spectra: Sequence[Spectrum], frame: ScanFrame | None) -> dict[str, Any]:
    content = dict[str, Any]()
    volumes, sets, graphs = 0, 0, 0
    for indices in alike(spectra):
        same = [spectra[index] for index in indices]
        grid = grid_of([(s.x, s.y) for s in same], frame.angle if frame else 0.0)
        for leg in legs(same[0].bias):
            for index, channel in enumerate(same[0].channels):
                title = " ".join(filter(None, [channel.name, leg.way and f"({leg.way})"]))
                values = np.stack([s.data[index, leg.points] for s in same])
                bias = same[0].bias[leg.points]
                if grid:
                    content |= _volume(volumes, values, bias, grid, channel, title)
                    volumes += 1
                elif is_even(bias):
                    content[f"/sps/{sets}"] = _set(same, values, bias, frame, channel, title)
                    sets += 1
                else:
                    graphs += 1
                    graph = _graph(same, values, bias, channel, title)
                    content[f"/0/graph/graph/{graphs}"] = graph
    return content


def _volume(
    number: int, values: FloatArray, bias: FloatArray, grid: Grid, channel: Channel, title: str
) -> dict[str, Any]:
    """Make a volume of spectra; the bias is its third axis where it goes one way only."""
    levels = values.T[:, grid.order][:, ::-1]  # [point, line, pixel], upper line first
    axis, unit = (bias, "V") if is_monotonic(bias) else (np.arange(float(len(bias))), "")
    if axis[0] > axis[-1]:
        axis, levels = axis[::-1], levels[::-1]
    step = (axis[-1] - axis[0]) / max(len(axis) - 1, 1) or 1.0
    corner = _corner(grid.frame)
    volume = _object(
        "GwyBrick",
        {
            "xres": grid.frame.pixels[0],
            "yres": grid.frame.pixels[1],
            "zres": len(axis),
            "xreal": grid.frame.size[0],
            "yreal": grid.frame.size[1],
            "zreal": float(step * len(axis)),
            "xoff": corner[0],
            "yoff": corner[1],
            "zoff": float(axis[0]),
            "si_unit_x": _unit("m"),
            "si_unit_y": _unit("m"),
            "si_unit_z": _unit(unit),
            "si_unit_w": _unit(channel.unit),
            "data": np.ascontiguousarray(levels).ravel(),
            "calibration": [_line(axis, 0.0, float(len(axis)), unit, "")],
        },
    )
    about = {"Channel": channel.name, "Angle (deg)": repr(float(np.degrees(grid.frame.angle)))}
    if not unit:
        about["Bias of each point (V)"] = " ".join(f"{value:.9g}" for value in bias)
    preview = np.nan_to_num(values).mean(axis=1)[grid.order]
    return {
        f"/brick/{number}": volume,
        f"/brick/{number}/title": title,
        f"/brick/{number}/preview": _field(preview, grid.frame, channel.unit),
        f"/brick/{number}/meta": _object("GwyContainer", about),
    }


def _set(
    spectra: Sequence[Spectrum],
    values: FloatArray,
    bias: FloatArray,
    frame: ScanFrame | None,
    channel: Channel,
    title: str,
) -> "GwyObject":
    """Make a set of spectra with equal steps of the bias, upwards."""
    step = (bias[-1] - bias[0]) / (len(bias) - 1)
    if step < 0:
        bias, values, step = bias[::-1], values[:, ::-1], -step
    length = float(step * len(bias))
    return _object(
        "GwySpectra",
        {
            "title": title,
            "si_unit_xy": _unit("m"),
            "coords": _places(spectra, frame).ravel(),
            "data": [_line(row, float(bias[0]), length, "V", channel.unit) for row in values],
            "spec_xlabel": "bias",
            "spec_ylabel": channel.name,
        },
    )


def _graph(
    spectra: Sequence[Spectrum],
    values: FloatArray,
    bias: FloatArray,
    channel: Channel,
    title: str,
) -> "GwyObject":
    curves = []
    order = np.linspace(0.0, 1.0, len(spectra)).tolist()  # from blue, the first, to red
    for spectrum, row, late in zip(spectra, values, order, strict=True):
        x, y = (format_quantity(value, "m", 6) for value in (spectrum.x, spectrum.y))
        curve = {"xdata": bias, "ydata": row, "description": f"at ({x}, {y})", "type": _LINE}
        colour = {"color.red": late, "color.green": 0.0, "color.blue": 1.0 - late}
        curves.append(_object("GwyGraphCurveModel", {**curve, **colour}))
    labels = {"title": title, "bottom_label": "bias", "left_label": channel.name}
    units = {"x_unit": _unit("V"), "y_unit": _unit(channel.unit)}
    return _object("GwyGraphModel", {**labels, **units, "curves": curves})


def _places(spectra: Sequence[Spectrum], frame: ScanFrame | None) -> FloatArray:
    """Return where spectra lie in Gwyddion's coordinates [m], whose y runs down."""
    x, y = np.array([(s.x, s.y) for s in spectra]).T
    if frame is None:
        return np.stack([x, y], axis=1)
    u, v = frame.to_frame(x, y)
    corner = _corner(frame)
    return np.stack([corner[0] + frame.size[0] / 2 + u, corner[1] + frame.size[1] / 2 - v], axis=1)


def _corner(frame: ScanFrame) -> tuple[float, float]:
    """Return the offset of a frame that is not turned, as Gwyddion's own imports have it [m]."""
    return frame.center[0] - frame.size[0] / 2, frame.center[1] - frame.size[1] / 2


def _field(values: FloatArray, frame: ScanFrame, unit: str) -> "GwyObject":
    corner, (lines, pixels) = _corner(frame), values.shape
    return _object(
        "GwyDataField",
        {
            "xres": pixels,
            "yres": lines,
            "xreal": frame.size[0],
            "yreal": frame.size[1],
            "xoff": corner[0],
            "yoff": corner[1],
            "si_unit_xy": _unit("m"),
            "si_unit_z": _unit(unit),
            "data": np.ascontiguousarray(values[::-1], dtype=float).ravel(),
        },
    )


def _line(
    values: FloatArray, offset: float, length: float, unit: str, value_unit: str
) -> "GwyObject":
    parts = {"res": len(values), "real": length, "off": offset}
    units = {"si_unit_x": _unit(unit), "si_unit_y": _unit(value_unit)}
    return _object("GwyDataLine", {**parts, **units, "data": np.ascontiguousarray(values)})


def _unit(unit: str) -> "GwyObject":
    return _object("GwySIUnit", {"unitstr": "" if unit == "1" else unit})


_CODES = {bool: "b", str: "s", float: "d", int: "i", list: "O", np.ndarray: "D"}


def _object(kind: str, parts: Mapping[str, Any]) -> "GwyObject":
    """Make an object of Gwyddion; the types are said, since gwyfile guesses some of them wrong."""
    from gwyfile.objects import GwyObject

    codes = {key: _CODES.get(type(value), "o") for key, value in parts.items()}
    return GwyObject(kind, dict(parts), codes)
