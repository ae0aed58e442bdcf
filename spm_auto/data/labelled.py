"""A run as labelled arrays of xarray: one node for each scan and for each kind of spectrum."""

import math
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..instrument import Channel, ScanImage
from .reader import RecordedRun
from .run_file.content import alike, axes_of, flag_of
from .telling import Measurement

if TYPE_CHECKING:
    import xarray


def to_tree(run: RecordedRun) -> "xarray.DataTree":
    """Return a run as a tree of datasets; see `RecordedRun.to_xarray`."""
    try:
        import xarray
    except ImportError as error:
        raise DataError(
            "labelled arrays need xarray: python -m pip install 'spm_auto[xarray]'"
        ) from error

    nodes: dict[str, Any] = {}
    for number, image in enumerate(run.scans):
        nodes[f"scan_{number:03d}"] = xarray.Dataset(*_image(image), _about_frame(image))
    for number, same in enumerate(alike(run.measurements)):
        nodes[f"spectra_{number:03d}"] = xarray.Dataset(*_spectra(same))
    tree = xarray.DataTree.from_dict(nodes, name=run.started.title)
    tree.attrs.update(
        uid=run.started.uid,
        title=run.started.title,
        instrument=run.started.instrument,
        seed=run.started.seed,
        finish_reason=run.finished.reason.value if run.finished else "unfinished",
    )
    return tree


def _image(image: ScanImage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the variables and the coordinates of a scan."""
    variables = {
        f"{_name(channel)}_{way}": (("y", "x"), values, _about(channel))
        for way, stack in (("forward", image.forward), ("backward", image.backward))
        for channel, values in zip(image.channels, stack, strict=True)
    }
    x, y = axes_of(image.frame)
    sample_x, sample_y = image.frame.positions()
    coordinates = {
        "x": ("x", x, {"units": "m"}),
        "y": ("y", y, {"units": "m"}),
        "sample_x": (("y", "x"), sample_x, {"units": "m"}),
        "sample_y": (("y", "x"), sample_y, {"units": "m"}),
    }
    return variables, coordinates


def _about_frame(image: ScanImage) -> dict[str, Any]:
    frame = image.frame
    return {
        "center": frame.center,
        "size": frame.size,
        "pixels": frame.pixels,
        "angle": frame.angle,
        "start_time": image.start_time,
        "end_time": image.end_time,
    }


def _spectra(same: list[Measurement]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the variables and the coordinates of spectra that share biases and channels."""
    spectra, scores = [m.spectrum for m in same], [m.scored for m in same]
    variables = {
        _name(channel): (("spectrum", "bias"), [s.data[index] for s in spectra], _about(channel))
        for index, channel in enumerate(spectra[0].channels)
    }
    rewards = [score.value if score else math.nan for score in scores]
    units = list(dict.fromkeys(score.unit for score in scores if score and not score.flag))
    columns: dict[str, tuple[list[Any], dict[str, str]]] = {
        "x": ([s.x for s in spectra], {"units": "m"}),
        "y": ([s.y for s in spectra], {"units": "m"}),
        "start_time": ([s.start_time for s in spectra], {"units": "s"}),
        "reward": (rewards, {"units": units[0]} if len(units) == 1 else {}),
        "scalarizer": ([score.scalarizer if score else "" for score in scores], {}),
        "flag": ([flag_of(m) for m in same], {}),
    }
    coordinates: dict[str, Any] = {
        "spectrum": ("spectrum", [m.number for m in same]),
        "bias": ("bias", spectra[0].bias, {"units": "V"}),
    }
    coordinates |= {name: ("spectrum", *column) for name, column in columns.items()}
    return variables, coordinates


def _name(channel: Channel) -> str:
    return channel.name.replace("/", "_")  # which parts the names of a tree


def _about(channel: Channel) -> dict[str, str]:
    return {"units": channel.unit, "long_name": channel.name}
