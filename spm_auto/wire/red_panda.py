"""The text protocol of the "red panda" tunnelling microscope, as its public firmware speaks it.

A command is four capital letters without an end mark, its arguments decimal text. Nothing is
acknowledged. The parser reads four bytes at a time, whatever they are; its number reader passes
over what is no digit, and stops at the first byte behind a number, which stays. `command` therefore
ends arguments with exactly four bytes that are no command: the parser swallows them as one.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import OutOfStep

NAME_LENGTH = 4
END = b"\r\n"
SWALLOWED = b"\n   "  # ends a number, and is one command that nobody knows

# how many numbers follow; PIDS takes decimals. TEST drives the piezos over their full range and is
# not here on purpose: nobody sends it
ARGUMENTS = {
    "GSTS": 0, "ADCR": 0, "BIAS": 1, "DACX": 1, "DACY": 1, "DACZ": 1, "MTMV": 1, "APRH": 2,
    "CCON": 1, "CCOF": 0, "PIDS": 3, "IVME": 3, "IVGE": 0, "SCST": 7, "STOP": 0, "RSET": 0,
}  # fmt: skip

MIDDLE = 32768  # of a DAC [counts]; the integrator starts here whenever the loop is closed
LARGEST = 65535
Z_RANGE = (10000, 50000)  # of the loop and of the ramps of an approach [counts]
MOST_PIXELS = 2048  # of one line along y
MOST_BIASES = 1000  # of one sweep
AVERAGED = 5  # readings that ADCR and IVME give the mean of
MOST_STEPS = 10000  # of the motor, after which an approach ends without a word
MOST_SAMPLES = 10000  # of a pixel, for which the firmware's sums stay within 32 bits
LOG_SCALE = (2**19 - 1) / math.log(2**15 + 1)  # of the loop's logarithm, per factor of e
APPROACHED = "Approached!"
DONE = "D"


@dataclass(frozen=True, slots=True)
class Status:
    """What ``GSTS`` says.

    Attributes:
        bias: [counts].
        z: [counts]; larger is towards the sample.
        x: [counts].
        y: [counts].
        adc: Latest single reading of the current [counts].
        steps: Of the motor since power-on or ``RSET``.
        is_approaching: Whether an approach goes on.
        has_feedback: Whether the loop holds the current.
        is_scanning: A flag that the firmware never sets, for it answers nothing while it scans.
        time: Of the last change [ms].
    """

    bias: int = 0
    z: int = 0
    x: int = 0
    y: int = 0
    adc: int = 0
    steps: int = 0
    is_approaching: bool = False
    has_feedback: bool = False
    is_scanning: bool = False
    time: int = 0

    def encode(self) -> str:
        """Return the line, without its end."""
        numbers = (self.bias, self.z, self.x, self.y, self.adc, self.steps)
        flags = (self.is_approaching, self.has_feedback, self.is_scanning)
        return ",".join(str(int(value)) for value in (*numbers, *flags, self.time))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of numbers: of a scan, or a sweep.

    Attributes:
        kind: ``A`` error or current, ``Z`` height, ``IV`` biases and readings in turn.
        index: Which line of the scan; 0 for a sweep.
        values: [counts].
    """

    kind: Literal["A", "Z", "IV"]
    index: int
    values: tuple[int, ...]

    def encode(self) -> str:
        """Return the line, without its end."""
        head = "IV," if self.kind == "IV" else f"{self.kind},{self.index},"
        return head + ",".join(map(str, self.values))


def command(name: str, *values: float) -> bytes:
    """Return the bytes of a command.

    Raises:
        ValueError: It is unknown, or takes another number of arguments.
    """
    if name not in ARGUMENTS or len(values) != ARGUMENTS[name]:
        takes = f"takes {ARGUMENTS[name]} numbers" if name in ARGUMENTS else "is no command"
        raise ValueError(f"{name} {takes}, got {len(values)}")
    if not values:
        return name.encode("ascii")
    text = [_decimal(value) if name == "PIDS" else str(int(value)) for value in values]
    return " ".join([name, *text]).encode("ascii") + SWALLOWED


def parse_status(line: str) -> Status | None:
    """Read a line as an answer to ``GSTS``; None when it is something else."""
    numbers = _numbers(line.split(","))
    if numbers is None or len(numbers) != 10 or any(n not in (0, 1) for n in numbers[6:9]):
        return None
    bias, z, x, y, adc, steps, approaching, holding, scanning, time = numbers
    flags = bool(approaching), bool(holding), bool(scanning)
    return Status(bias, z, x, y, adc, steps, *flags, time)


def parse_number(line: str) -> int | None:
    """Read a line as an answer to ``ADCR``; None when it is something else."""
    numbers = _numbers([line])
    return numbers[0] if numbers else None


def parse_row(line: str) -> Row | None:
    """Read a line as one of a scan or a sweep; None when it is something else.

    Raises:
        OutOfStep: It begins as one and is none, such as half of one.
    """
    kind, *rest = line.split(",")
    if kind not in ("A", "Z", "IV") or not rest:
        return None
    numbers = _numbers(rest) if rest != [""] else []
    if (
        numbers is None
        or (kind != "IV" and len(numbers) < 2)
        or (kind == "IV" and len(numbers) % 2)
    ):
        raise OutOfStep(f"expected a whole line {kind!r} of numbers, got {line[:60]!r}")
    if kind == "IV":
        return Row("IV", 0, tuple(numbers))
    return Row("A" if kind == "A" else "Z", numbers[0], tuple(numbers[1:]))


def is_answer(line: str) -> bool:
    """Say whether a line is an answer to anything, whole or not; what else comes is an event."""
    head = line.split(",")[0]
    return line == DONE or head in ("A", "Z", "IV") or _numbers(line.split(",")) is not None


def log_of(adc: float) -> float:
    """Return the logarithm that the loop holds, of a reading [counts]."""
    return LOG_SCALE * math.log(max(abs(adc), 1.0) + 1)


def reading_of(log: float) -> float:
    """Return the reading [counts] of a logarithm; the inverse of `log_of`."""
    return math.exp(log / LOG_SCALE) - 1


def steps(start: int, end: int, count: int) -> list[int]:
    """Return where the firmware stops on the way from start towards end [counts].

    The end itself is not reached. The step has single precision, and what is behind the point of a
    position is cut off, as it is there.
    """
    step = float(np.float32(end - start) / np.float32(count))
    return [int(start + index * step) for index in range(count)]


def _decimal(value: float) -> str:
    # the number reader knows no exponents
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _numbers(words: list[str]) -> list[int] | None:
    if not all(word.removeprefix("-").isdecimal() and word.isascii() for word in words):
        return None
    return [int(word) for word in words]
