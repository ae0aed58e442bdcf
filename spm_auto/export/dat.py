"""Spectra as Nanonis ``.dat``: a header of keys, then a table of columns.

Lines end with CRLF, every line of the header with a tab before it. The way back of a sweep has
columns of its own, ``[bwd]``, on the bias axis of the way there.
"""

from pathlib import Path

import numpy as np

from ..data import write_whole
from ..instrument import FloatArray, Spectrum
from .origin import Origin
from .sweep import Leg, legs
from .text import ascii_text

_END = "\t\r\n"


def write_dat(path: Path | str, spectrum: Spectrum, origin: Origin | None = None) -> Path:
    """Write a spectrum as a Nanonis ``.dat`` file.

    A sweep that comes back over its own biases has forward and backward columns; any other one,
    such as a hysteresis loop, is written point by point in the order of time.

    Args:
        path: The file; one that is there is replaced.
        spectrum: The spectrum.
        origin: What to say of it.

    Returns:
        The file.

    Raises:
        DataError: It cannot be written there.
    """
    ways = legs(spectrum.bias)
    columns = _columns(spectrum, ways)
    rows = np.stack(list(columns.values()), axis=1)
    table = ["\t".join(columns), *("\t".join(map(_number, row)) for row in rows)]
    text = _header(spectrum, ways, origin or Origin()) + "\r\n[DATA]\r\n" + "\r\n".join(table)
    return write_whole(Path(path), (text + "\r\n").encode("ascii"))


def _header(spectrum: Spectrum, ways: tuple[Leg, ...], origin: Origin) -> str:
    date = f"{origin.date:%d.%m.%Y %H:%M:%S}"
    there = spectrum.bias[ways[0].points]
    channels = "; ".join(f"{c.name} ({c.unit})" for c in spectrum.channels)
    entries = {
        "Experiment": "bias spectroscopy",
        "Saved Date": date,
        "User": origin.operator,
        "Date": date.split()[0],
        "X (m)": _number(spectrum.x),
        "Y (m)": _number(spectrum.y),
        "Start time": date,
        "Bias Spectroscopy>Sweep Start (V)": _number(there[0]),
        "Bias Spectroscopy>Sweep End (V)": _number(there[-1]),
        "Bias Spectroscopy>Num Pixel": str(len(there)),
        "Bias Spectroscopy>backward sweep": "TRUE" if len(ways) == 2 else "FALSE",
        "Bias Spectroscopy>Channels": channels,
        "Comment01": origin.title,
        **{f"spm_auto>{key}": text for key, text in origin.details.items()},
    }
    return "".join(
        f"{ascii_text(key)}\t{ascii_text(value)}{_END}" for key, value in entries.items()
    )


def _columns(spectrum: Spectrum, ways: tuple[Leg, ...]) -> dict[str, FloatArray]:
    columns = {"Bias calc (V)": spectrum.bias[ways[0].points]}
    for leg in ways:
        mark = " [bwd]" if leg.way == "backward" else ""
        for channel, values in zip(spectrum.channels, spectrum.data, strict=True):
            columns[ascii_text(f"{channel.name}{mark} ({channel.unit})")] = values[leg.points]
    return columns


def _number(value: float) -> str:
    """Write a number so that it reads back as the same."""
    return "NaN" if np.isnan(value) else f"{value:.16E}"
