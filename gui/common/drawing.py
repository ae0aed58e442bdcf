"""Drawing: where an image lies on a plot, in which colours, between which levels, in which unit.

Plots are drawn in nanometres, because Qt takes for 0 what is less than 1e-12: a rotated image of
atoms in metres would lose its rotation. Whoever uses a plot hands in metres and gets metres.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QTransform

from spm_auto.instrument import Channel, FloatArray, ScanFrame
from spm_auto.units import format as format_quantity
from spm_auto.units import takes_prefix

from .qt import pg
from .theme import ANGLES, COLOUR_MAPS, DIFFERENCES

NM = 1e-9  # metres in a unit of a plot
MAPS = (*COLOUR_MAPS, ANGLES, DIFFERENCES)
MAP_NAMES = {ANGLES: "cyclic (phase)", DIFFERENCES: "difference (sign)"}
N_COLOURS = 256  # more leave the fast path of pyqtgraph
MOST_COUNTED = 40_000  # values that percentiles are taken of
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_READABLE = (0.02, 20_000.0)  # numbers that a unit is kept for


def placed(frame: ScanFrame) -> QTransform:
    """Return where an image [line, pixel] of a frame lies on a plot; line 0 at the lower edge."""
    (left, width), (bottom, height) = (
        (center / NM, size / NM) for center, size in zip(frame.center, frame.size, strict=True)
    )
    transform = QTransform()
    transform.translate(left, bottom)
    transform.rotate(math.degrees(frame.angle))
    transform.scale(width / frame.pixels[0], height / frame.pixels[1])
    transform.translate(-frame.pixels[0] / 2, -frame.pixels[1] / 2)
    return transform


def outline(frame: ScanFrame) -> tuple[FloatArray, FloatArray]:
    """Return x and y of a frame's closed edge on a plot, each of shape (5,)."""
    x, y = (np.asarray(corners, dtype=float) / NM for corners in frame.corners())
    return np.append(x, x[0]), np.append(y, y[0])


def look_up_table(name: str) -> np.ndarray:
    """Return the colours of a map, shape (256, 4), 0 to 255."""
    colours = (
        pg.ColorMap([0.0, 1.0], [(0, 0, 0), (255, 255, 255)])
        if name == "grey"
        else pg.colormap.get(name)
    )
    return np.asarray(colours.getLookupTable(0.0, 1.0, N_COLOURS, alpha=True))


def is_angle(channel: Channel) -> bool:
    """Whether a channel goes round, such as a phase."""
    return channel.unit in ("rad", "deg")


def percentiles(image: FloatArray, low: float, high: float) -> tuple[float, float] | None:
    """Return percentiles of what is known of an image; None where nothing is.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.
        low: The lower one [%].
        high: The upper one [%].

    Returns:
        Two levels, the upper one above the lower. Large images are counted in part.
    """
    step = max(1, math.isqrt(image.size // MOST_COUNTED))
    values = image[::step, ::step]
    values = values[np.isfinite(values)]
    if not values.size:
        values = image[np.isfinite(image)]
    if not values.size:
        return None
    low_level, high_level = (float(v) for v in np.percentile(values, [low, high]))
    return apart(low_level, high_level)


def apart(low: float, high: float, least: float = 0.0) -> tuple[float, float]:
    """Return levels that differ by so much at least, around the same middle; any unit."""
    least = max(least, 1e-9 * max(abs(low), abs(high)), 1e-20)
    if high - low >= least:
        return low, high
    middle = (low + high) / 2
    return middle - least / 2, middle + least / 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit with prefix that numbers are shown in.

    Attributes:
        text: The unit, such as "nm".
        per_unit: How many of it are one SI unit.
    """

    text: str
    per_unit: float

    def __call__(self, value: float) -> str:
        """Write a value [SI] with its unit."""
        return f"{value * self.per_unit:.5g} {self.text}".rstrip()


def said(value: float, unit: str, digits: int = 4) -> str:
    """Write a measured value [unit] for people, angles in degrees."""
    if unit == "rad":
        return f"{math.degrees(value):.{digits}g} deg"
    return format_quantity(value, unit, digits)


def shown_unit(unit: str, largest: float, before: Shown | None = None) -> Shown:
    """Return in which unit to show numbers; it stays as it was while that can be read.

    Args:
        unit: The SI unit.
        largest: The largest magnitude to be shown [unit].
        before: What was used so far.
    """
    if unit == "rad":
        return Shown("deg", 180 / math.pi)
    if unit == "deg" or not takes_prefix(unit) or not math.isfinite(largest):
        return Shown("" if unit == "1" else unit, 1.0)
    low, high = _READABLE
    is_like_before = before is not None and before.text.endswith(unit)
    if before and is_like_before and (low <= largest * before.per_unit <= high or not largest):
        return before
    exponent = 0 if largest <= 0 else 3 * math.floor(math.log10(largest) / 3)
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return Shown(_PREFIXES[exponent] + unit, 10.0**-exponent)


def length_unit(size: float, before: Shown | None = None) -> Shown:
    """Return in which unit the axes of a plot are: nm or um; it does not flutter.

    Args:
        size: Of what is shown [m].
        before: What was used so far.
    """
    nm, um = Shown("nm", 1e9), Shown("um", 1e6)
    if before is not None and (0.3e-6 < size < 2e-5):
        return before
    return um if size > 3e-6 else nm


def with_alpha(colour: str, alpha: int) -> QColor:
    """Return a colour that can be seen through, `alpha` from 0 to 255."""
    mixed = QColor(colour)
    mixed.setAlpha(alpha)
    return mixed


def pen(colour: str, width: int = 1, is_dashed: bool = False) -> Any:
    """Return a pen that stays as thin however far one looks into a plot."""
    style = Qt.PenStyle.DashLine if is_dashed else Qt.PenStyle.SolidLine
    return pg.mkPen(colour, width=width, style=style)


def label_axes(plot: Any, unit: Shown) -> None:
    """Label a plot's axes as places of the sample, in a fixed unit."""
    for side, name in (("bottom", "x"), ("left", "y")):
        axis = plot.getAxis(side)
        axis.enableAutoSIPrefix(False)
        axis.setScale(NM * unit.per_unit)
        axis.setLabel(f"{name} [{unit.text}]")


def colour_axes(plot: Any, ink: str, faint: str) -> None:
    """Give the axes of a plot their colours."""
    for side in ("bottom", "left", "right", "top"):
        axis = plot.getAxis(side)
        axis.setPen(faint)
        axis.setTextPen(ink)
