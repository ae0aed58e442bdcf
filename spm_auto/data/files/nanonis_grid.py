"""Nanonis grid spectroscopy (.3ds): a text header, then parameters and curves of each site."""

from math import isfinite, radians
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...instrument import Channel, FloatArray, ForceCurve, ScanFrame, ScanImage, Spectrum
from .data_file import DataFile, Picture, put_together
from .si import in_si
from .strangers import guarded, read_bytes
from .sweeps import Column, force_curves, is_bias, is_distance, spectra

MAGIC = b"Grid dim="
_END = b":HEADER_END:\r\n"


def read_nanonis_grid(path: Path) -> DataFile:
    """Read a grid of spectra; a height that was noted at each site becomes an image.

    Sites come row by row, the lower row first. A grid that was broken off has the sites that were
    measured. Where the file notes the position of each site, that is where it lies; else the sites
    are the middles of the pixels of the grid's frame.

    Raises:
        DataError: The file is damaged, or has not the size that its header says.
    """
    content = read_bytes(path)
    with guarded(path):
        end = content.find(_END)
        if end < 0:
            raise DataError(f"{path}: the header of the Nanonis grid has no end; it is truncated")
        lines = content[:end].decode("utf-8", "replace").splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line)
        header = {key.strip(): value.strip().strip('"') for key, value in pairs}
        return _read(path, header, content[end + len(_END) :])


def _read(path: Path, header: dict[str, str], data: bytes) -> DataFile:
    def said(key: str) -> str:
        if key not in header:
            raise DataError(f"{path}: the header of the Nanonis grid does not say {key!r}")
        return header[key]

    columns, rows = (int(n) for n in said("Grid dim").split("x"))
    x, y, width, height, angle = (float(n) for n in said("Grid settings").split(";"))
    frame = None  # a single line of sites is no image
    if min(columns, rows) > 1:
        frame = ScanFrame((x, y), (width, height), (columns, rows), -radians(angle))
    names = [
        name.strip()
        for key in ("Fixed parameters", "Experiment parameters")
        for name in header.get(key, "").split(";")
        if name.strip()
    ]
    headings = [Column.of(name) for name in said("Channels").split(";")]
    count, points = int(said("# Parameters (4 byte)")), int(said("Points"))
    if count < 2 or points < 1 or len(names) > count or len(set(headings)) != len(headings):
        raise DataError(f"{path}: the header of the Nanonis grid contradicts itself")
    site = 4 * (count + len(headings) * points)
    measured, rest = divmod(len(data), site)
    if rest or not 0 < measured <= columns * rows:
        raise DataError(
            f"{path}: the Nanonis grid has {len(data)} bytes of data; its header says "
            f"{columns * rows} sites of {site}"
        )
    values = np.frombuffer(data, ">f4").reshape(measured, -1).astype(float)
    parameters = dict(zip(names, values[:, :count].transpose(), strict=False))
    positions = _positions(frame, parameters, measured)
    curves: list[Any] = []
    make = _maker(path, said("Sweep Signal"))
    for index, (px, py) in enumerate(zip(*positions, strict=True)):
        along = np.linspace(values[index, 0], values[index, 1], points)
        stack = values[index, count:].reshape(len(headings), points)
        curves += make(along, dict(zip(headings, stack, strict=True)), float(px), float(py))
    notes = []
    if np.isnan(positions).all():
        notes.append("the file does not say where the probe stood")
    if measured < columns * rows:
        notes.append(f"broken off: {measured} of {columns * rows} sites were measured")
    return DataFile(
        path.name,
        "Nanonis grid spectroscopy",
        images=_height(frame, parameters, positions),
        spectra=tuple(c for c in curves if isinstance(c, Spectrum)),
        curves=tuple(c for c in curves if isinstance(c, ForceCurve)),
        metadata=header,
        notes=tuple(notes),
    )


def _maker(path: Path, sweep: str) -> Any:
    if is_bias(sweep):
        return spectra
    if is_distance(sweep):
        return force_curves
    raise DataError(f"{path}: the Nanonis grid sweeps {sweep!r}; sweeps of bias and z are read")


def _positions(
    frame: ScanFrame | None, parameters: dict[str, FloatArray], measured: int
) -> tuple[FloatArray, FloatArray]:
    """Return x and y of the measured sites [m], shape (n,)."""
    noted = [parameters[name] for name in ("X (m)", "Y (m)") if name in parameters]
    if len(noted) == 2 and np.isfinite(noted).all():
        return noted[0], noted[1]
    if frame is None:
        return np.full(measured, np.nan), np.full(measured, np.nan)
    x, y = frame.positions()
    return x.ravel()[:measured], y.ravel()[:measured]


def _height(
    frame: ScanFrame | None,
    parameters: dict[str, FloatArray],
    positions: tuple[FloatArray, FloatArray],
) -> tuple[ScanImage, ...]:
    """Return the image of the height at each site, in a frame in which the sites are pixels."""
    name = next((name for name in parameters if Column.of(name).channel.name == "Z"), None)
    if name is None or frame is None:
        return ()
    values = np.full(frame.pixels[0] * frame.pixels[1], np.nan)
    values[: len(parameters[name])] = parameters[name]
    values, unit = in_si(values, Column.of(name).channel.unit)
    picture = Picture(_around(frame, positions), Channel("Z", unit), values.reshape(frame.shape))
    return put_together([picture])


def _around(frame: ScanFrame, positions: tuple[FloatArray, FloatArray]) -> ScanFrame:
    """Return the frame whose pixels lie where the sites were, the given one if not all are known.

    Some versions count the grid's size from the first site to the last, not from edge to edge.
    """
    if len(positions[0]) < frame.pixels[0] * frame.pixels[1]:
        return frame
    u, v = frame.to_frame(*positions)
    size = [
        float(np.ptp(along)) * n / (n - 1) for along, n in zip((u, v), frame.pixels, strict=True)
    ]
    middle = frame.from_frame((u.min() + u.max()) / 2, (v.min() + v.max()) / 2)
    if not all(isfinite(s) and s > 0 for s in size):
        return frame
    return ScanFrame(
        (float(middle[0]), float(middle[1])), (size[0], size[1]), frame.pixels, frame.angle
    )
