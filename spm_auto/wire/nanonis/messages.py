"""Requests and replies of the Nanonis protocol as bytes, both ways.

Who asks is strict: a reply that does not fit is `OutOfStep`. Who answers is patient: a request may
leave out its last arguments, or bring some more.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import OutOfStep
from .commands import Command, find
from .fields import MOST, Malformed, Reader, Values, pack, to_text, zeros
from .releases import NEW

HEADER = 40  # bytes
NAME = 32  # bytes of it


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a body.

    Attributes:
        name: The 32 bytes of the command's name, as they came.
        size: Of the body, in bytes.
        wants_reply: Of a request: whether there shall be any.
    """

    name: bytes
    size: int
    wants_reply: bool = True

    @property
    def command(self) -> str:
        """The command's name, without what fills it up."""
        return to_text(self.name.split(b"\0", 1)[0])


@dataclass(frozen=True, slots=True)
class Request:
    """A request, read.

    Attributes:
        header: What stood before it.
        command: What it asks for; None when there is no such command.
        values: Its arguments; those left out are missing.
    """

    header: Header
    command: Command | None
    values: Values


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, read.

    Attributes:
        values: What was returned; after an error zeros, or nothing at all.
        error: What the instrument said; empty when all is fine.
    """

    values: Values
    error: str = ""


def read_header(data: bytes) -> Header:
    """Read the 40 bytes before a body, of either direction.

    Raises:
        OutOfStep: The size of the body makes no sense; nothing behind it can be read.
    """
    name, size, wanted = struct.unpack(f">{NAME}siH", data[: NAME + 6])
    if not 0 <= size <= MOST:
        raise OutOfStep(f"{to_text(name)!r} announces {size} bytes, at most {MOST} make sense")
    return Header(name, size, bool(wanted))


def encode_request(
    name: str, release: int = NEW, *, wants_reply: bool = True, **values: Any
) -> bytes:
    """Make a request, header and body.

    Raises:
        ValueError: The release has no such command, or a value is missing, too many or wrong.
    """
    command = find(name, release)
    if command is None:
        raise ValueError(f"release {release} has no command {name!r}")
    try:
        body = pack(command.request, values)
    except ValueError as error:
        raise ValueError(f"{command.name}: {error}") from error
    return struct.pack(f">{NAME}siHH", command.name.encode(), len(body), wants_reply, 0) + body


def decode_request(header: Header, body: bytes, release: int = NEW) -> Request:
    """Read a request; arguments left out at its end are missing, surplus bytes are ignored.

    Raises:
        Malformed: An argument is cut short, or has a count that makes no sense.
    """
    command = find(header.command, release)
    reader = Reader(body)
    values: Values = {}
    for field in command.request if command else ():
        if not reader.left and field.kind[0] != "*":
            break
        values[field.name] = reader.read(field)
    return Request(header, command, values)


def encode_reply(
    name: str | bytes,
    values: Mapping[str, Any] | None = None,
    error: str = "",
    release: int = NEW,
) -> bytes:
    """Make a reply, header, values and error block, to be sent in one piece.

    With an error, all values are sent as zeros or empty: clients look for the error behind them.

    Args:
        name: The command; as bytes it is echoed as it came, which clients compare.
        values: What is returned.
        error: What went wrong; other characters than ASCII become question marks.
        release: Whose layout to use.

    Raises:
        ValueError: A value is missing, too many or wrong.
    """
    echo = name if isinstance(name, bytes) else name.encode("ascii")
    command = find(to_text(echo.split(b"\0", 1)[0]), release)
    fields = command.reply if command else ()
    body = pack(fields, zeros(fields) if error else values or {})
    text = error.encode("ascii", "replace")
    body += struct.pack(">Ii", bool(error), len(text)) + text
    return struct.pack(f">{NAME}siI", echo, len(body), 0) + body


def decode_reply(name: str, header: Header, body: bytes, release: int = NEW) -> Reply:
    """Read the reply to a command; every byte of it must be accounted for.

    Raises:
        OutOfStep: It answers something else, is too short or too long, or makes no sense.
        ValueError: The release has no such command.
    """
    command = find(name, release)
    if command is None:
        raise ValueError(f"release {release} has no command {name!r}")
    if header.command.lower() != name.lower():
        raise OutOfStep(f"asked for {command.name}, the reply is to {header.command!r}")
    try:
        return _whole(command, body)
    except Malformed as error:
        refusal = _refusal(body)
        if refusal is None:
            raise OutOfStep(f"the reply to {command.name} makes no sense: {error}") from error
        return refusal


def _whole(command: Command, body: bytes) -> Reply:
    reader = Reader(body)
    values = {field.name: reader.read(field) for field in command.reply}
    status, text = reader.number("I"), to_text(reader.take(reader.count()))
    if reader.left:
        raise Malformed(f"{reader.left} of {len(body)} bytes are left over")
    return Reply(values, text or (f"error {status}" if status else ""))


def _refusal(body: bytes) -> Reply | None:
    """Read a body that is an error block and nothing else, as of a command that is not known."""
    reader = Reader(body)
    try:
        status, text = reader.number("I"), to_text(reader.take(reader.count()))
    except Malformed:
        return None
    if not status or reader.left:
        return None
    return Reply({}, text or f"error {status}")
