"""The Nanonis TCP protocol: its commands, releases and messages, without sockets and state."""

from .commands import Command, commands, find
from .fields import Field, Malformed, Values, to_text
from .messages import (
    HEADER,
    Header,
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    read_header,
)
from .releases import MIDDLE, NEW, OLD, profile

__all__ = [
    "HEADER",
    "MIDDLE",
    "NEW",
    "OLD",
    "Command",
    "Field",
    "Header",
    "Malformed",
    "Reply",
    "Request",
    "Values",
    "commands",
    "decode_reply",
    "decode_request",
    "encode_reply",
    "encode_request",
    "find",
    "profile",
    "read_header",
    "to_text",
]
