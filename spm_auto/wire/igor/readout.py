"""Readouts: numbers that Igor saves as text, one a line, each ended by a carriage return."""

import math
from collections.abc import Iterable

END = "\r"


def readout_text(values: Iterable[float]) -> bytes:
    """Return a wave of double precision as it is saved: 15 digits, NaN for what is missing."""
    return "".join(f"{_number(value)}{END}" for value in values).encode("ascii")


def parse_readout(content: bytes) -> tuple[float, ...]:
    """Read a readout; lines may also end as those of other systems do.

    Raises:
        ValueError: It does not end with the end of a line, or holds something else than numbers.
    """
    text = content.decode("ascii", errors="replace")
    if not text.endswith((END, "\n")):
        raise ValueError("the last line of the readout has no end")
    return tuple(float(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split())


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return f"{value:.15g}"
