"""Framing: how records lie in the journal's file, and how whole ones are told from damaged ones.

File: 16 bytes of head (magic, version, CRC-32 of both), then records. Record: a prefix of 36 bytes
(magic, kind, reserved, length of the header, length of the body, UTC time, CRC-32 of all that and
of what follows), the header in msgpack, the raw bytes of the arrays.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEAD = struct.Struct("<8sII")
_HEAD_MAGIC = b"SPMAUTOJ"
_PREFIX = struct.Struct("<4sHHIQd")
_CHECKSUM = struct.Struct("<I")
_RECORD_MAGIC = b"SPMr"
_EVENT = 1
_PREFIX_LENGTH = _PREFIX.size + _CHECKSUM.size
_CHUNK = 2**20  # [bytes] read at once, whatever a damaged length says

HEAD_LENGTH = _HEAD.size


@dataclass(frozen=True, slots=True)
class Content:
    """What a whole record holds.

    Attributes:
        header: The record in msgpack.
        body: The bytes of its arrays.
        end: The byte after it.
    """

    header: bytes
    body: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why no whole record stands at a place.

    Attributes:
        what: In words.
        is_short: Whether the file ends before the record does.
        cost: How many bytes were read to find out.
    """

    what: str
    is_short: bool = False
    cost: int = 0


def pack_head(version: int) -> bytes:
    """Make the head of a file."""
    head = _HEAD.pack(_HEAD_MAGIC, version, 0)[: -_CHECKSUM.size]
    return head + _CHECKSUM.pack(zlib.crc32(head))


def read_head(head: bytes) -> int | None:
    """Return the version that a head names; None when it is damaged, or no head at all."""
    if len(head) < HEAD_LENGTH:
        return None
    magic, version, checksum = _HEAD.unpack(head)
    is_good = checksum in (0, zlib.crc32(head[: -_CHECKSUM.size]))  # none in the first journals
    return int(version) if magic == _HEAD_MAGIC and is_good else None


def pack(header: bytes, body: bytes, utc: float) -> bytes:
    """Make the bytes of a record."""
    prefix = _PREFIX.pack(_RECORD_MAGIC, _EVENT, 0, len(header), len(body), utc)
    checksum = zlib.crc32(body, zlib.crc32(header, zlib.crc32(prefix)))
    return b"".join((prefix, _CHECKSUM.pack(checksum), header, body))


def read_at(file: BinaryIO, offset: int, size: int) -> Content | Fault:
    """Read the record that stands at a place, or say why there is none.

    Nothing is believed, and no memory taken for it, before its checksum is right.

    Args:
        file: The journal.
        offset: The place.
        size: Length of the file.
    """
    file.seek(offset)
    prefix = file.read(max(0, min(_PREFIX_LENGTH, size - offset)))
    if len(prefix) < _PREFIX_LENGTH:
        return Fault("a torn record", is_short=True)
    magic, kind, reserved, header_length, body_length, _ = _PREFIX.unpack_from(prefix)
    if magic != _RECORD_MAGIC or kind != _EVENT or reserved != 0:
        return Fault("no record")
    length = header_length + body_length
    end = offset + _PREFIX_LENGTH + length
    if end > size:
        return Fault("a torn record", is_short=True)
    checksum, left, chunk = zlib.crc32(prefix[: _PREFIX.size]), length, b""
    while left:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            return Fault("a torn record", is_short=True)
        checksum = zlib.crc32(chunk, checksum)
        left -= len(chunk)
    if checksum != _CHECKSUM.unpack_from(prefix, _PREFIX.size)[0]:
        return Fault("a damaged record", cost=length)
    if len(chunk) < length:
        file.seek(offset + _PREFIX_LENGTH)
        chunk = file.read(length)
    return Content(chunk[:header_length], chunk[header_length:], end)


def find_magic(file: BinaryIO, start: int, size: int) -> Iterator[int]:
    """Yield the places from ``start`` on where a record may begin."""
    keep = len(_RECORD_MAGIC) - 1
    while start < size:
        file.seek(start)
        chunk = file.read(min(_CHUNK, size - start))
        place = chunk.find(_RECORD_MAGIC)
        while place >= 0:
            yield start + place
            place = chunk.find(_RECORD_MAGIC, place + 1)
        if len(chunk) <= keep:
            return
        start += len(chunk) - keep
