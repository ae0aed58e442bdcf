"""Files as other programs write them, made byte by byte from their layouts."""

import struct
from math import degrees
from pathlib import Path

import asymmetric
import h5py
import numpy as np
from gwyfile.objects import GwyContainer, GwyDataField, GwyObject, GwySIUnit

from spm_auto.instrument import ScanImage


def scan_bytes(image: ScanImage, goes: str = "down", directions: str = "both") -> bytes:
    """Return a Nanonis .sxm: values in the order in which they were measured."""
    frame = image.frame
    rows = "".join(
        f"\t{number}\t{channel.name}\t{channel.unit}\t{directions}\t1.000E+0\t0.000E+0\n"
        for number, channel in enumerate(image.channels, start=14)
    )
    entries = {
        "NANONIS_VERSION": "2\n",
        "SCANIT_TYPE": "              FLOAT            MSBFIRST\n",
        "REC_DATE": " 07.01.2026\n",
        "REC_TIME": "11:09:34\n",
        "REC_TEMP": "      290.0000000000\n",
        "ACQ_TIME": "       278.8\n",
        "SCAN_PIXELS": f"       {frame.pixels[0]}       {frame.pixels[1]}\n",
        "SCAN_FILE": "C:\\data\\test001.sxm\n",
        "SCAN_TIME": "             5.440E-1             5.440E-1\n",
        "SCAN_RANGE": f"           {frame.size[0]:.6E}           {frame.size[1]:.6E}\n",
        "SCAN_OFFSET": f"             {frame.center[0]:.6E}         {frame.center[1]:.6E}\n",
        "SCAN_ANGLE": f"            {-degrees(frame.angle):.6E}\n",
        "SCAN_DIR": f"{goes}\n",
        "BIAS": "            -4.000E-1\n",
        "Z-CONTROLLER": "\tName\ton\tSetpoint\n\tlog Current\t1\t2.500E-10 A\n",
        "COMMENT": "two lines\nof text: with colons\n",
        "DATA_INFO": "\tChannel\tName\tUnit\tDirection\tCalibration\tOffset\n" + rows + "\n",
        "SCANIT_END": "\n\n",
    }
    header = "".join(f":{tag}:\n{value}" for tag, value in entries.items())
    ways = [w for w in ("forward", "backward") if directions in (w, "both")]
    data = b""
    for channel in image.channels:
        for way in ways:
            values = image.channel(channel.name, way == "backward")
            values = values if goes == "up" else values[::-1]
            values = values if way == "forward" else values[:, ::-1]
            data += np.where(np.isnan(values), np.nan, values).astype(">f4").tobytes()
    return header.encode("ascii") + b"\x1a\x04" + data


def curve_bytes(columns: dict[str, np.ndarray], **header: str) -> bytes:
    """Return a Nanonis .dat; the first column is the sweep."""
    entries = {"Experiment": "bias spectroscopy", "Saved Date": "07.01.2026 11:09:34", "User": ""}
    entries |= {"X (m)": "35.0000E-9", "Y (m)": "-20.0000E-9", "Final Z (m)": "N/A"} | header
    lines = [f"{key}\t{value}\t" for key, value in entries.items()]
    table = ["\t".join(columns)]
    table += ["\t".join(f"{v:.7E}" for v in row) for row in zip(*columns.values(), strict=True)]
    return "\r\n".join([*lines, "", "[DATA]", *table, ""]).encode("ascii")


def grid_bytes(
    values: np.ndarray,
    channels: tuple[str, ...],
    sweep: tuple[float, float],
    heights: np.ndarray,
    settings: tuple[float, float, float, float, float],
    positions: tuple[np.ndarray, np.ndarray] | None = None,
    signal: str = "Bias (V)",
) -> bytes:
    """Return a Nanonis .3ds.

    Args:
        values: Shape [line, pixel, channel, point], line 0 is measured first.
        channels: Their headings.
        sweep: First and last value of the sweep.
        heights: Shape [line, pixel].
        settings: Centre x and y, width, height and angle of the grid, as the header has them.
        positions: x and y of each site, shape [line, pixel]; without them they are not noted.
        signal: What is swept.
    """
    lines, pixels, _, points = values.shape
    noted = ["Z (m)"] if positions is None else ["X (m)", "Y (m)", "Z (m)"]
    header = {
        "Grid dim": f'"{pixels} x {lines}"',
        "Grid settings": ";".join(f"{value:.6E}" for value in settings),
        "Filetype": "Linear",
        "Sweep Signal": f'"{signal}"',
        "Fixed parameters": '"Sweep Start;Sweep End"',
        "Experiment parameters": f'"{";".join(noted)}"',
        "# Parameters (4 byte)": str(2 + len(noted)),
        "Experiment size (bytes)": str(4 * len(channels) * points),
        "Points": str(points),
        "Channels": f'"{";".join(channels)}"',
        "Delay before measuring (s)": "0.000000E+0",
        "Experiment": '"Grid Spectroscopy"',
        "Start time": '"07.01.2026 11:09:34"',
        "End time": '"07.01.2026 12:09:34"',
        "User": "",
        "Comment": '"none"',
    }
    text = "".join(f"{key}={value}\r\n" for key, value in header.items()) + ":HEADER_END:\r\n"
    ends = [np.full((lines, pixels), end) for end in sweep]
    parameters = np.stack([*ends, *(positions or ()), heights], axis=-1)
    sites = np.concatenate([parameters, values.reshape(lines, pixels, -1)], axis=-1)
    return text.encode("ascii") + sites.astype(">f4").tobytes()


def wave_bytes(
    values: np.ndarray, labels: list[str], note: dict[str, str], order: str = "<"
) -> bytes:
    """Return an Igor binary wave of version 5, by the structures of its technical note.

    Args:
        values: The wave, its dimensions in Igor's order.
        labels: Of its last dimension.
        note: What Asylum's software writes into the note.
        order: "<" for files of a PC, ">" for those of an old Mac.
    """
    data = values.astype(f"{order}f4").tobytes(order="F")
    text = "".join(f"{key}: {value}\r" for key, value in note.items()).encode("latin-1")
    names = b"".join(name.encode().ljust(32, b"\0") for name in ("", *labels))
    sizes, label_sizes = [*values.shape, 0, 0, 0][:4], [0, 0, 0, 0]
    label_sizes[values.ndim - 1] = len(names)
    head = struct.pack(
        order + "hh14i",
        *(5, 0, 320 + len(data), 0, len(text), 0),
        *(0, 0, 0, 0),
        *label_sizes,
        *(0, 0),
    )
    head += struct.pack(order + "i", 0)
    wave = struct.pack(order + "IIIihh", 0, 0, 0, values.size, 2, 0) + bytes(6)
    wave += struct.pack(order + "h32sii", 1, b"wave0", 0, 0)
    wave += struct.pack(order + "4i8d", *sizes, *[1.0] * 4, *[0.0] * 4)
    wave += bytes(320 - len(wave))
    assert len(head) == 64
    return head + wave + data + text + names


def asylum_note(image: ScanImage) -> dict[str, str]:
    """Return what Asylum's note says of an image."""
    frame = image.frame
    return {
        "ScanSize": f"{max(frame.size):.6g}",
        "FastScanSize": f"{frame.size[0]:.6g}",
        "SlowScanSize": f"{frame.size[1]:.6g}",
        "ScanAngle": f"{degrees(frame.angle):.6g}",
        "XOffset": f"{frame.center[0]:.6g}",
        "YOffset": f"{frame.center[1]:.6g}",
        "ScanPoints": str(frame.pixels[0]),
        "ScanLines": str(frame.pixels[1]),
        "ImageNote": "température",
    }


def image_wave_bytes(image: ScanImage, order: str = "<") -> bytes:
    """Return an image as Asylum stores it: [pixel, line, layer], line 0 at the lower edge."""
    names, layers = [], []
    for channel, name in zip(image.channels, ("Height", "Current"), strict=True):
        for way in ("Trace", "Retrace"):
            names.append(name + way)
            layers.append(image.channel(channel.name, way == "Retrace").transpose())
    return wave_bytes(np.stack(layers, axis=-1), names, asylum_note(image), order)


def write_gwyddion(path: Path, image: ScanImage, **more: object) -> None:
    """Write an image with gwyfile: row 0 on top, the angle among the metadata."""
    frame, tree, number = image.frame, GwyContainer(), 0
    corner = [center - size / 2 for center, size in zip(frame.center, frame.size, strict=True)]
    for channel in image.channels:
        for way in ("forward", "backward"):
            values = image.channel(channel.name, way == "backward")
            tree[f"/{number}/data/title"] = f"{channel.name} ({way})"
            tree[f"/{number}/data"] = GwyDataField(
                np.ascontiguousarray(values[::-1]),
                xreal=frame.size[0],
                yreal=frame.size[1],
                xoff=float(corner[0]),
                yoff=float(corner[1]),
                si_unit_xy=GwySIUnit(unitstr="m"),
                si_unit_z=GwySIUnit(unitstr=channel.unit),
            )
            angle = {"Angle (deg)": repr(degrees(frame.angle))}
            tree[f"/{number}/meta"] = GwyObject("GwyContainer", angle, {"Angle (deg)": "s"})
            number += 1
    tree.update(more)
    tree.tofile(str(path))


def write_nsid_image(
    path: Path,
    values: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    order: str = "xy",
    units: tuple[str, str] = ("nm", "nm"),
    quantity: str = "Height",
) -> None:
    """Write an image as sidpy does.

    Args:
        path: Where.
        values: Shape [y, x].
        x: Scale of x, in the first of the units.
        y: Scale of y, in the first of the units.
        order: Which of its axes is stored first.
        units: Of the scales and of the values.
        quantity: What was measured.
    """
    with h5py.File(path, "w") as file:
        group = file.create_group("Measurement_000/Channel_000/generic")
        stored = values if order == "yx" else values.transpose()
        data = group.create_dataset("generic", data=stored)
        data.attrs.update(quantity=quantity, units=units[1], main_data_name="generic")
        data.attrs.update(data_type="IMAGE", modality="generic", source="generic")
        data.attrs["pyNSID_version"] = "0.0.7.2"
        for index, name in enumerate(order):
            scale = group.create_dataset(name, data=x if name == "x" else y)
            scale.attrs.update(name=name, quantity=name, units=units[0], dimension_type="SPATIAL")
            scale.make_scale(name)
            data.dims[index].label = name
            data.dims[index].attach_scale(scale)


def every_format(folder: Path) -> dict[str, Path]:
    """Write the asymmetric image, or a spectrum, in every format; small, for files to be broken."""
    image = asymmetric.image()
    bias = np.linspace(-1.0, 1.0, 5)
    curve = curve_bytes({"Bias calc (V)": bias, "Current (A)": 1e-9 * bias})
    values = np.arange(2 * 3 * 1 * 5, dtype=float).reshape(2, 3, 1, 5)
    grid = grid_bytes(
        values, ("Current (A)",), (-1.0, 1.0), np.zeros((2, 3)), (0.0, 0.0, 1e-8, 1e-8, 0.0)
    )
    for name, content in {
        "scan.sxm": scan_bytes(image),
        "curve.dat": curve,
        "grid.3ds": grid,
        "wave.ibw": image_wave_bytes(image),
    }.items():
        (folder / name).write_bytes(content)
    write_gwyddion(folder / "image.gwy", image)
    x, y = (np.arange(n) * 10.0 for n in image.frame.pixels)
    write_nsid_image(folder / "image.h5", image.forward[0] * 1e9, x, y)
    return {path.suffix: path for path in sorted(folder.iterdir())}
