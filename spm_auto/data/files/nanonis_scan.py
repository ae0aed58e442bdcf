"""Nanonis scan images (.sxm): a text header, two marker bytes, big-endian 32-bit floats."""

from math import isfinite, nan, radians
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...instrument import Channel, FloatArray, ScanFrame
from .data_file import DataFile, Picture, put_together
from .si import in_si
from .strangers import guarded, read_bytes

MAGIC = b":NANONIS_VERSION:"
_END = b":SCANIT_END:"
_MARK = b"\x1a\x04"
_BOTH = ("forward", "backward")


def read_nanonis_scan(path: Path) -> DataFile:
    """Read a Nanonis scan.

    The file has lines and values in the order in which they were measured: the lower line comes
    first when the scan went up, and a backward line starts at the right. Its angle is clockwise.

    Raises:
        DataError: The file is damaged, or has not the size that its header says.
    """
    content = read_bytes(path)
    with guarded(path):
        end = content.find(_MARK, max(content.find(_END), 0))
        if _END not in content or end < 0:
            raise DataError(f"{path}: the header of the Nanonis scan has no end; it is truncated")
        header = _header(content[:end].decode("utf-8", "replace"))
        return _read(path, header, content[end + len(_MARK) :])


def _read(path: Path, header: dict[str, list[str]], data: bytes) -> DataFile:
    def numbers(tag: str, count: int) -> list[float]:
        words = " ".join(header.get(tag, [])).split()
        if len(words) < count:
            raise DataError(f"{path}: the header of the Nanonis scan does not say its {tag}")
        return [float(word) for word in words[:count]]

    pixels, lines = (int(number) for number in numbers("SCAN_PIXELS", 2))
    if header["NANONIS_VERSION"][:1] == ["1"]:
        pixels, lines = lines, pixels
    x, y = numbers("SCAN_OFFSET", 2)
    width, height = numbers("SCAN_RANGE", 2)
    (angle,) = numbers("SCAN_ANGLE", 1)
    frame = ScanFrame((x, y), (width, height), (pixels, lines), -radians(angle))
    way = " ".join(header.get("SCAN_DIR", [])).strip()
    if way not in ("up", "down"):
        raise DataError(f"{path}: the SCAN_DIR of the Nanonis scan is {way!r}, not 'up' or 'down'")
    stored = _channels(path, header)
    expected = 4 * pixels * lines * sum(len(ways) for _, ways in stored)
    if len(data) != expected:
        raise DataError(
            f"{path}: the Nanonis scan has {len(data)} bytes of data; its header says {expected}"
        )
    stack = np.frombuffer(data, ">f4").reshape(-1, lines, pixels).astype(float)
    pictures, index = [], 0
    duration = _duration(header)
    for channel, ways in stored:
        for direction in ways:
            values = _by_position(stack[index], way == "down", direction == "backward")
            values, unit = in_si(values, channel.unit)
            picture = Picture(
                frame, Channel(channel.name, unit), values, direction == "backward", (0.0, duration)
            )
            pictures.append(picture)
            index += 1
    metadata = {tag: "\n".join(lines).strip() for tag, lines in header.items()}
    return DataFile(path.name, "Nanonis scan", put_together(pictures), metadata=metadata)


def _by_position(values: FloatArray, is_downwards: bool, is_backward: bool) -> FloatArray:
    """Put values in the order of measurement into that of position, line 0 at the lower edge."""
    values = values[::-1] if is_downwards else values
    return values[:, ::-1] if is_backward else values


def _header(text: str) -> dict[str, list[str]]:
    """Return the lines that follow each tag."""
    header: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(":") and line.rstrip().endswith(":") and len(line.strip()) > 2:
            lines = header.setdefault(line.strip()[1:-1], [])
        else:
            lines.append(line)
    return header


def _channels(path: Path, header: dict[str, list[str]]) -> list[tuple[Channel, tuple[str, ...]]]:
    """Return the channels in the order of the data, and in which directions each was stored."""
    rows = [line.strip("\t\r").split("\t") for line in header.get("DATA_INFO", []) if line.strip()]
    if len(rows) < 2:
        raise DataError(f"{path}: the header of the Nanonis scan names no channels")
    columns = [name.strip() for name in rows[0]]
    name, unit, direction = (columns.index(c) for c in ("Name", "Unit", "Direction"))
    found: list[tuple[Channel, tuple[str, ...]]] = []
    for row in rows[1:]:
        word = row[direction].strip().lower()
        if word not in (*_BOTH, "both"):
            raise DataError(f"{path}: the channel {row[name]} has the unknown direction {word!r}")
        ways = _BOTH if word == "both" else (word,)
        found.append((Channel(row[name].strip(), row[unit].strip()), ways))
    return found


def _duration(header: dict[str, list[str]]) -> float:
    try:
        seconds = float(" ".join(header.get("ACQ_TIME", [])))
    except ValueError:  # "N/A" is what some instruments write
        seconds = nan
    return seconds if isfinite(seconds) else 0.0
