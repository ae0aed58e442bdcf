"""What goes over the wire between an instrument server and its clients: version, asks, answers.

A message is a header in msgpack and, after it, one frame of raw bytes for each array. Only the
values named here can be made of one; nothing is imported, called or evaluated by what it says.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, get_args

import msgpack
import numpy as np

from ..data import WHAT_GARBAGE_RAISES, from_tree, to_tree
from ..errors import OutOfStep, SpmError, retell, tell
from ..instrument import (
    Capabilities,
    Instruction,
    InstrumentState,
    Status,
    Vitals,
    check_form,
)

VERSION = 1
LARGEST = 2**20  # [bytes] of a message to the server
LARGEST_AT_SAFETY = 2**12  # [bytes] of one that nothing may wait behind
LARGEST_ANSWER = 2**28  # [bytes] of all that a client takes
HARD = "hard"  # said with WITHDRAW: by the alternate path at once
_INSTRUCTIONS = {kind.__name__: kind for kind in get_args(Instruction)}


class Ask(StrEnum):
    """What can be asked; there is nothing else."""

    HELLO = "hello"
    STATUS = "status"
    VITALS = "vitals"
    DURATION = "duration"
    TAKE = "take"
    RELEASE = "release"
    PERFORM = "perform"
    LINE = "line"
    LEAVE = "leave"
    CONFIRM = "confirm"
    # over the socket for safety
    BEAT = "beat"
    INTERRUPT = "interrupt"
    WITHDRAW = "withdraw"
    ACKNOWLEDGE = "acknowledge"


class Said(StrEnum):
    """What kind of answer it is."""

    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks.

    Attributes:
        number: Rises with each request of a connection; the answer bears it, too.
        ask: What.
        value: With what.
        token: Of the control lease, where one is needed.
        version: Of these messages.
    """

    number: int
    ask: Ask
    value: Any = None
    token: str = ""
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to a request.

    Attributes:
        number: Of the request.
        said: Whether it was done.
        value: What came of it; for an error what `errors.tell` gave.
        time: Instrument time at the server [s].
    """

    number: int
    said: Said
    value: Any = None
    time: float = 0.0

    def result(self) -> Any:
        """Return what came of it, or raise what went wrong.

        Raises:
            SpmError: As it was raised at the server.
        """
        if self.said is Said.ERROR:
            raise error_of(self.value)
        return self.value


def error_of(value: Any) -> SpmError:
    """Make the error again that an answer tells of.

    Raises:
        OutOfStep: It tells of none.
    """
    try:
        kind, message, values = value
        return retell(str(kind), str(message), dict(values))
    except (TypeError, ValueError) as error:
        raise OutOfStep(f"the server sent an error that is none: {error}") from error


def failed(number: int, error: SpmError, time: float) -> Answer:
    """Return the answer that says what went wrong; kind and message, never a traceback."""
    return Answer(number, Said.ERROR, tell(error), time)


def pack_request(request: Request) -> list[bytes]:
    """Turn a request into frames.

    Raises:
        TypeError: It holds a value that is not known.
    """
    return _pack(
        {
            "v": request.version,
            "n": request.number,
            "ask": str(request.ask),
            "token": request.token,
            "value": request.value,
        }
    )


def read_request(frames: Sequence[bytes]) -> Request:
    """Read a request.

    Raises:
        OutOfStep: It is none, or of another version.
    """
    table = _unpack(frames)
    version = table.get("v")
    if type(version) is not int or version != VERSION:  # an array is equal to many things at once
        raise OutOfStep(
            f"this server speaks version {VERSION} of its protocol, the client {version!r:.40}"
        )
    number, token, ask = table.get("n"), table.get("token"), table.get("ask")
    if type(number) is not int or type(token) is not str or len(token) > 64:
        raise OutOfStep("a request needs a number and a token")
    if type(ask) is not str or ask not in set(Ask):
        raise OutOfStep("the request asks for something that is not known")
    return Request(number, Ask(ask), table.get("value"), token)


def pack_answer(answer: Answer) -> list[bytes]:
    """Turn an answer into frames.

    Raises:
        TypeError: It holds a value that is not known.
    """
    return _pack(
        {
            "v": VERSION,
            "n": answer.number,
            "said": str(answer.said),
            "value": answer.value,
            "time": answer.time,
        }
    )


def read_answer(frames: Sequence[bytes]) -> Answer:
    """Read an answer.

    Raises:
        OutOfStep: It is none, or of another version.
    """
    table = _unpack(frames)
    if table.get("v") != VERSION:
        raise OutOfStep(f"the server speaks version {table.get('v')!r}, this program {VERSION}")
    try:
        return Answer(
            int(table["n"]), Said(table["said"]), table.get("value"), float(table["time"])
        )
    except WHAT_GARBAGE_RAISES as error:
        raise OutOfStep(f"the server sent something that is no answer: {error}") from error


def read_instruction(value: Any) -> Instruction:
    """Return the instruction that a request holds; how large its numbers are the guard checks.

    Raises:
        OutOfStep: It is none.
        Malformed: Something else stands in the place of a number or of a text.
    """
    if type(value) not in _INSTRUCTIONS.values():
        raise OutOfStep(f"expected an instruction: {', '.join(_INSTRUCTIONS)}")
    instruction: Instruction = value
    check_form(instruction)
    return instruction


def capabilities_table(has: Capabilities) -> dict[str, Any]:
    """Turn capabilities into a table."""
    names = [kind.__name__ for kind in has.instructions]
    return {**_fields(has), "instructions": sorted(names)}


def read_capabilities(table: Mapping[str, Any]) -> Capabilities:
    """Make capabilities of a table."""
    known = {name: kind for name, kind in _INSTRUCTIONS.items() if name in table["instructions"]}
    return Capabilities(**{**table, "instructions": frozenset(known.values())})


def status_table(status: Status) -> dict[str, Any]:
    """Turn a status into a table."""
    return {**_fields(status), "state": str(status.state)}


def read_status(table: Mapping[str, Any]) -> Status:
    """Make a status of a table."""
    return Status(**{**table, "state": InstrumentState(table["state"])})


def vitals_table(vitals: Vitals) -> dict[str, Any]:
    """Turn vitals into a table."""
    return _fields(vitals)


def read_vitals(table: Mapping[str, Any]) -> Vitals:
    """Make vitals of a table."""
    return Vitals(**table)


@dataclass(slots=True)
class _Arrays:
    """The arrays of a message, each in a frame of its own."""

    frames: list[bytes] = field(default_factory=list)

    def keep(self, array: "np.ndarray[Any, np.dtype[Any]]") -> dict[str, Any]:
        self.frames.append(array.tobytes())
        return {"frame": len(self.frames) - 1}


def _pack(table: Mapping[str, Any]) -> list[bytes]:
    arrays = _Arrays()
    header: bytes = msgpack.packb(to_tree(table, arrays.keep), unicode_errors="backslashreplace")
    return [header, *arrays.frames]


def _unpack(frames: Sequence[bytes]) -> dict[str, Any]:
    if not frames:
        raise OutOfStep("the message is empty")

    def fetch(
        place: Mapping[str, Any], dtype: np.dtype[Any], count: int
    ) -> "np.ndarray[Any, np.dtype[Any]]":
        content = frames[1 + place["frame"]]
        if len(content) != count * dtype.itemsize:
            raise ValueError(f"an array came with {len(content)} bytes")
        return np.frombuffer(content, dtype, count)

    try:
        table = from_tree(msgpack.unpackb(frames[0], use_list=False), fetch)
    except WHAT_GARBAGE_RAISES as error:
        raise OutOfStep(f"the message cannot be read: {_short(error)}") from error
    if not isinstance(table, dict):
        raise OutOfStep("the message is no table")
    return table


def _fields(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
