"""What Asylum Research writes into its files: names of channels, their units, the frame."""

import re
from collections.abc import Mapping
from math import isfinite, nan, radians

from ...instrument import ScanFrame

_WAY = re.compile(r"(.*?)(Retrace|Trace)(.*)")
_UNITS = (
    (("Height", "ZSensor", "ZSnsr", "LVDT", "Raw", "Amp", "Defl"), "m"),
    (("Phase",), "deg"),
    (("Freq",), "Hz"),
    (("Cur",), "A"),
    (("UserIn", "Lat", "Input", "Potential", "Bias", "Volt"), "V"),
)
TURN = "the file does not say which way its scan angle turns: read as counter-clockwise"


def parse_note(text: str) -> dict[str, str]:
    """Read the lines ``key: value`` of a wave's note, ended by carriage returns."""
    pairs = (line.split(":", 1) for line in re.split(r"[\r\n]+", text) if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def split_way(name: str) -> tuple[str, bool]:
    """Split ``HeightRetrace`` into the channel and whether it is the way back."""
    match = _WAY.fullmatch(name)
    return (match[1] + match[3], match[2] == "Retrace") if match else (name, False)


def unit_of(channel: str, note: Mapping[str, str]) -> str:
    """Return a channel's unit: waves have one unit for all layers, so its name decides.

    The note's entry ``UserIn0Unit`` is the unit of the channel ``UserIn0``.
    """
    name = channel.removeprefix("Nap")
    said = note.get(f"{name}Unit", "")
    if said:
        return said
    if name.endswith("V") and name.startswith(("Defl", "Amp")):
        return "V"
    for beginnings, unit in _UNITS:
        if name.startswith(beginnings):
            return unit
    return ""


def number(note: Mapping[str, str], *keys: str) -> float:
    """Return the first entry that is a finite number, NaN where there is none."""
    for key in keys:
        try:
            value = float(note.get(key, ""))
        except ValueError:
            continue
        if isfinite(value):
            return value
    return nan


def frame_of(note: Mapping[str, str], pixels: tuple[int, int]) -> ScanFrame | None:
    """Return the frame that the note tells of; None where it does not say how large it is.

    The offsets are those of the frame's middle, upwards and to the right positive.
    """
    width = number(note, "FastScanSize", "ScanSize")
    height = number(note, "SlowScanSize", "ScanSize")
    if not (width > 0 and height > 0) or min(pixels) < 2:
        return None
    x, y = (
        0.0 if not isfinite(v) else v for v in (number(note, "XOffset"), number(note, "YOffset"))
    )
    angle = number(note, "ScanAngle")
    return ScanFrame((x, y), (width, height), pixels, radians(angle) if isfinite(angle) else 0.0)
