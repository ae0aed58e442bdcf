"""The commands of the SR830 lock-in amplifier over a serial line, from its maker's manual.

Commands are capitals and numbers, ended by LF or CR, several on a line parted by semicolons; the
blank between word and number may be missing. Answers end with CR.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass

from ..errors import OutOfStep

END = b"\r"
MAKER = "Stanford_Research_Systems"
MODEL = "SR830"

# in 1-2-5 and 1-3 steps; the index is what goes over the wire
SENSITIVITIES = tuple(float(f"{step}e{power}") for power in range(-9, 1) for step in (1, 2, 5))[
    1:28
]  # [V], 2 nV to 1 V
TIME_CONSTANTS = tuple(float(f"{step}e{power}") for power in range(-5, 5) for step in (1, 3))  # [s]
SLOPES = (6, 12, 18, 24)  # [dB/octave]: one pole each
SNAPPED = {
    "x": 1, "y": 2, "r": 3, "theta": 4, "aux1": 5, "aux2": 6, "aux3": 7, "aux4": 8,
    "frequency": 9, "ch1": 10, "ch2": 11,
}  # fmt: skip
OVERLOADS = 0b111  # of LIAS: input, filter, output
UNLOCKED = 0b1000  # of LIAS: no reference

_WORD = re.compile(r"^(\*?[A-Z]{3,4})(\?)?\s*(.*)$")
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


@dataclass(frozen=True, slots=True)
class Request:
    """One command as it came.

    Attributes:
        word: Such as ``FREQ``.
        is_query: Whether an answer is wanted.
        values: Its numbers.
    """

    word: str
    is_query: bool
    values: tuple[float, ...]


def command(word: str, *values: float | str) -> bytes:
    """Return the bytes of a command; a query's word ends with a question mark."""
    text = ",".join(value if isinstance(value, str) else f"{value:.10g}" for value in values)
    return f"{word} {text}".rstrip().encode("ascii") + END


def parse_requests(line: str) -> list[Request | None]:
    """Read a line of commands, as a device must; None for each that is none."""
    return [_request(part) for part in line.strip().split(";") if part.strip()]


def parse_numbers(line: str, count: int) -> tuple[float, ...]:
    """Read an answer of so many numbers.

    Raises:
        OutOfStep: It is something else.
    """
    words = line.strip().split(",")
    if len(words) != count or not all(_NUMBER.match(word.strip()) for word in words):
        raise OutOfStep(f"the SR830 was to answer with {count} numbers, got {line[:60]!r}")
    return tuple(float(word) for word in words)


def nearest_above(value: float, steps: tuple[float, ...]) -> int:
    """Return the index of the smallest step that is not below a value; the last one at most."""
    return min(bisect_left(steps, value * (1 - 1e-9)), len(steps) - 1)


def index_of(value: float, steps: tuple[float, ...], what: str, unit: str) -> int:
    """Return the index of a step.

    Raises:
        ValueError: The value is not one of them.
    """
    index = nearest_above(value, steps)
    if abs(steps[index] - value) > 1e-6 * steps[index]:
        near = ", ".join(f"{step:g}" for step in steps[max(index - 1, 0) : index + 1])
        raise ValueError(f"the SR830 has no {what} of {value:g} {unit}; near it {near} {unit}")
    return index


def _request(text: str) -> Request | None:
    found = _WORD.match(text.strip())
    if found is None:
        return None
    word, query, rest = found.groups()
    words = [part.strip() for part in rest.split(",")] if rest.strip() else []
    if not all(_NUMBER.match(part) for part in words):
        return None
    return Request(word, query is not None, tuple(float(part) for part in words))
