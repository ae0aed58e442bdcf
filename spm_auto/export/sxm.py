"""Images as Nanonis ``.sxm``: a header of lines, then big-endian floats in the order of the scan.

Lines end with LF, the header with one empty line, ``:SCANIT_END:``, two empty lines and the bytes
1A 04. Both directions are stored of every channel, because readers expect it; our scans run
upwards, so the lowest line comes first, and the way back is mirrored, as it was measured.
"""

import math
from pathlib import Path

import numpy as np

from ..data import write_whole
from ..instrument import ScanImage
from .origin import Origin
from .text import ascii_text, one_word

NOT_A_NUMBER = 0x7FFFFFFF  # the one NaN that Gwyddion takes for a missing pixel
END_OF_HEADER = b"\x1a\x04"


def write_sxm(path: Path | str, image: ScanImage, origin: Origin | None = None) -> Path:
    """Write an image as a Nanonis ``.sxm`` file.

    Args:
        path: The file; one that is there is replaced.
        image: The image; pixels that are missing become the instrument's NaN.
        origin: What to say of it.

    Returns:
        The file.

    Raises:
        DataError: It cannot be written there.
    """
    path = Path(path)
    header = _header(image, origin or Origin(), path.name)
    return write_whole(path, header + END_OF_HEADER + _body(image))


def _header(image: ScanImage, origin: Origin, name: str) -> bytes:
    frame, (lines, pixels) = image.frame, image.frame.shape
    duration = image.end_time - image.start_time
    if not math.isfinite(duration):
        duration = 0.0  # readers take a time that is no number for a scan of one direction
    degrees = -math.degrees(frame.angle)  # they count clockwise
    field = (*frame.center, *frame.size, degrees)
    entries = {
        "NANONIS_VERSION": "2",
        "SCANIT_TYPE": "              FLOAT            MSBFIRST",
        "REC_DATE": f" {origin.date:%d.%m.%Y}",
        "REC_TIME": f"{origin.date:%H:%M:%S}",
        "REC_TEMP": "      NaN",
        "ACQ_TIME": f"       {duration:.1f}",
        "SCAN_PIXELS": f"       {pixels}       {lines}",
        "SCAN_FILE": ascii_text(name),
        "SCAN_TIME": "             {0:.3E}             {0:.3E}".format(duration / lines / 2),
        "SCAN_RANGE": "           {:.9E}           {:.9E}".format(*frame.size),
        "SCAN_OFFSET": "             {:.9E}         {:.9E}".format(*frame.center),
        "SCAN_ANGLE": f"            {degrees:.9E}",
        "SCAN_DIR": "up",
        "BIAS": f"            {_number(origin.bias)}",
        "COMMENT": _comment(origin),
        "Scan>Scanfield": ";".join(f"{value:.9E}" for value in field),
        "Scan>channels": ";".join(f"{one_word(c.name)} ({c.unit})" for c in image.channels),
        "Scan>pixels/line": str(pixels),
        "Scan>lines": str(lines),
        **{f"spm_auto>{_key(key)}": ascii_text(text) for key, text in origin.details.items()},
        "DATA_INFO": "\n".join(_channels(image)),
    }
    lines_of = [f":{tag}:\n{value}\n" for tag, value in entries.items()]
    return ("".join(lines_of) + "\n:SCANIT_END:\n\n\n").encode("ascii")


def _channels(image: ScanImage) -> list[str]:
    table = ["\tChannel\tName\tUnit\tDirection\tCalibration\tOffset"]
    for index, channel in enumerate(image.channels):
        name, unit = one_word(channel.name), one_word(channel.unit)
        table.append(f"\t{index}\t{name}\t{unit}\tboth\t1.000E+0\t0.000E+0")
    return table


def _body(image: ScanImage) -> bytes:
    ways = np.stack([image.forward, image.backward[:, :, ::-1]], axis=1)
    values = ways.astype(">f4")
    values.view(">u4")[np.isnan(ways)] = NOT_A_NUMBER
    return values.tobytes()


def _comment(origin: Origin) -> str:
    lines = ascii_text(origin.title, keep="\n").splitlines()
    # a line that begins with a colon, even after blanks, would begin the next entry
    return "\n".join(f"- {line}" if line.lstrip().startswith(":") else line for line in lines)


def _number(value: float) -> str:
    return f"{value:.9E}" if math.isfinite(value) else "NaN"


def _key(text: str) -> str:
    return ascii_text(text).replace(":", "_")
