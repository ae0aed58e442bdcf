"""Sweeps as Nanonis names them: columns there and back, put together as a spectrum or a curve."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from ...instrument import Channel, FloatArray, ForceCurve, Spectrum
from .si import in_si, split_name

_TAG = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """What the heading of a column says.

    Attributes:
        channel: What was measured, in the file's unit; a filtered copy is a channel of its own.
        is_backward: Whether it is the way back.
        sweep: Which of several sweeps: a number, "AVG" for their mean, empty for the only one.
    """

    channel: Channel
    is_backward: bool
    sweep: str

    @classmethod
    def of(cls, heading: str) -> Self:
        """Read a heading such as ``Current [bwd] (A)``; words in brackets may stand anywhere."""
        tags = _TAG.findall(heading)
        name, unit = split_name(" ".join(_TAG.sub(" ", heading).split()))
        sweep = next((tag for tag in tags if tag == "AVG" or tag.isdecimal()), "")
        kept = [f"[{tag}]" for tag in tags if tag not in ("bwd", sweep)]
        return cls(Channel(" ".join([name, *kept]), unit), "bwd" in tags, sweep)


Columns = dict[Column, FloatArray]


def is_bias(heading: str) -> bool:
    """Say whether a sweep is one of the bias."""
    column = Column.of(heading).channel
    return column.name.lower().startswith("bias") and column.unit == "V"


def is_distance(heading: str) -> bool:
    """Say whether a sweep is one of the distance."""
    column = Column.of(heading).channel
    return column.name.lower().startswith("z") and column.unit == "m"


def spectra(bias: FloatArray, columns: Columns, x: float, y: float) -> list[Spectrum]:
    """Make a spectrum of each sweep.

    Where there are backward columns the spectrum goes there and back; a channel that has none is
    NaN on the way back.

    Args:
        bias: Of the way there [V], shape [point]; backward columns are on the same axis.
        columns: The values by what their heading says, shape [point] each.
        x: Where the probe stood [m].
        y: Where the probe stood [m].
    """
    found = []
    for sweep in _sweeps(columns):
        there, back, channels = _ways(columns, sweep, len(bias))
        along = bias
        if back is not None:
            along = np.concatenate([bias, bias[::-1]])
            there = np.concatenate([there, back[:, ::-1]], axis=1)
        found.append(Spectrum(x, y, along, channels, there, 0.0, 0.0))
    return found


def force_curves(z: FloatArray, columns: Columns, x: float, y: float) -> list[ForceCurve]:
    """Make a force curve of each sweep of the distance.

    Args:
        z: Of the way there [m], away from the sample is positive, shape [point].
        columns: The values by what their heading says, shape [point] each.
        x: Where the probe stood [m].
        y: Where the probe stood [m].
    """
    found = []
    goes_down = z[-1] <= z[0]
    for sweep in _sweeps(columns):
        there, back, channels = _ways(columns, sweep, len(z))
        back = np.full_like(there, np.nan) if back is None else back
        down, up = (there, back) if goes_down else (back[:, ::-1], there[:, ::-1])
        extension = z[0] - z if goes_down else z[-1] - z[::-1]
        found.append(ForceCurve(x, y, extension, channels, down, up, 0.0, 0.0))
    return found


def _sweeps(columns: Iterable[Column]) -> list[str]:
    """Return which sweeps there are, the mean of them first."""
    found = dict.fromkeys(column.sweep for column in columns)
    return sorted(found, key=lambda sweep: (sweep not in ("", "AVG"), sweep))


def _ways(
    columns: Columns, sweep: str, points: int
) -> tuple[FloatArray, FloatArray | None, tuple[Channel, ...]]:
    """Return the values there and back, shape [channel, point], and the channels in SI."""
    names = dict.fromkeys(column.channel for column in columns if column.sweep == sweep)
    ways: dict[bool, list[FloatArray]] = {False: [], True: []}
    channels = []
    for channel in names:
        unit = channel.unit
        for is_backward, way in ways.items():
            values = columns.get(Column(channel, is_backward, sweep))
            values, unit = in_si(
                np.full(points, np.nan) if values is None else values, channel.unit
            )
            way.append(values)
        channels.append(Channel(channel.name, unit))
    has_back = any(column.is_backward for column in columns if column.sweep == sweep)
    back = np.stack(ways[True]) if has_back else None
    return np.stack(ways[False]), back, tuple(channels)
