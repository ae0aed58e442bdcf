"""Command files: the lines that the running Igor executes when it is told to open one.

A file that we write saves a wave at its end, with a number of ours in front of and behind the
values: whoever finds the same number in both places has the whole answer to this question. The wave
is saved under another name and renamed, so that it appears as a whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .calls import Call, Value, text_of, value_text

LONGEST_LINE = 400  # characters that Igor 6 executes
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?nan|[+-]?inf", re.IGNORECASE)
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CALL = re.compile(r"(\w+)\s*\((.*)\)\s*$", re.DOTALL)
_MAKE = re.compile(r"Make(?P<flags>(?:\s*/\w+(?:\s*=\s*\(?\s*\d+\s*\)?)?)*)\s+(?P<name>\w+)\s*$")
_COUNT = re.compile(r"/N\s*=\s*\(?\s*(\d+)")
_ASSIGN = re.compile(r"(\w+)\s*\[\s*(\d+)\s*\]\s*=\s*(.*)$", re.DOTALL)
_SAVE = re.compile(r"Save(?:\s*/\w+)*\s+(\w+)\s+as\s+(\".*\")\s*$")
_MOVE = re.compile(r"MoveFile(?:\s*/\w+)*\s+(\".*?\")\s+as\s+(\".*\")\s*$")


@dataclass(frozen=True, slots=True)
class Make:
    """Make a wave of numbers."""

    name: str
    points: int


@dataclass(frozen=True, slots=True)
class Assign:
    """Set one point of a wave to a number, or to what a call returns."""

    name: str
    index: int
    value: Call | float


@dataclass(frozen=True, slots=True)
class Save:
    """Save a wave as text."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class MoveFile:
    """Rename a file."""

    source: str
    target: str


Statement = Call | Make | Assign | Save | MoveFile


def command_file(
    actions: Sequence[Call], questions: Sequence[Call], nonce: int, scratch: str, readout: str
) -> str:
    """Return the lines that act, then read, then leave the answer.

    Args:
        actions: Called for what they do, in this order.
        questions: Called for the numbers that they return.
        nonce: The number in front of and behind the answer, of at most 6 digits.
        scratch: Path as Igor sees it under which the wave is saved.
        readout: Path as Igor sees it to which the file is then renamed.

    Raises:
        ValueError: A line is longer than Igor executes.
    """
    if not 0 <= nonce < 10**6:  # more digits may not survive being saved as text
        raise ValueError(f"a nonce has at most 6 digits, got {nonce}")
    values = [str(nonce), *map(text_of, questions), str(nonce)]
    lines = [
        *map(text_of, actions),
        f"Make/D/O/N=({len(values)}) ReadOut",
        *(f"ReadOut[{index}] = {value}" for index, value in enumerate(values)),
        f"Save/O/G/J ReadOut as {value_text(scratch)}",
        f"MoveFile/O {value_text(scratch)} as {value_text(readout)}",
    ]
    for line in lines:
        if len(line) > LONGEST_LINE:
            raise ValueError(f"Igor executes lines of {LONGEST_LINE} characters: {line[:60]}...")
    return "\n".join(lines) + "\n"


def parse_line(line: str) -> Statement | None:
    """Read a line; None for one that is empty or a remark.

    Raises:
        ValueError: It is none of the forms known.
    """
    line = _without_remark(line).strip()
    if not line:
        return None
    if match := _MAKE.match(line):
        count = _COUNT.search(match["flags"])
        return Make(match["name"], int(count[1]) if count else 128)
    if match := _SAVE.match(line):
        return Save(match[1], _text(match[2]))
    if match := _MOVE.match(line):
        return MoveFile(_text(match[1]), _text(match[2]))
    if match := _ASSIGN.match(line):
        value = match[3].strip()
        return Assign(
            match[1], int(match[2]), float(value) if _NUMBER.fullmatch(value) else _call(value)
        )
    return _call(line)


def _call(text: str) -> Call:
    match = _CALL.match(text)
    if match is None:
        raise ValueError(f"not a form that is executed here: {text!r}")
    return Call(match[1], tuple(_values(match[2])))


def _values(text: str) -> list[Value]:
    values: list[Value] = []
    rest = text.strip()
    while rest:
        if found := _TEXT.match(rest):
            values.append(_unescaped(found[1]))
        elif found := _NUMBER.match(rest):
            values.append(float(found[0]))
        else:
            raise ValueError(f"neither a number nor a text: {rest!r}")
        rest = rest[found.end() :].strip()
        if rest and not rest.startswith(","):
            raise ValueError(f"expected a comma before {rest!r}")
        rest = rest[1:].strip()
    return values


def _text(quoted: str) -> str:
    match = _TEXT.fullmatch(quoted)
    if match is None:
        raise ValueError(f"not a text: {quoted}")
    return _unescaped(match[1])


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _without_remark(line: str) -> str:
    """Cut off what follows two slashes outside of a text."""
    quoted = False
    for index, letter in enumerate(line):
        if letter == '"' and line[index - 1 : index] != "\\":
            quoted = not quoted
        if not quoted and line.startswith("//", index):
            return line[:index]
    return line
