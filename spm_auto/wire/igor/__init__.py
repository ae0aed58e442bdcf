"""What goes to Igor Pro and back: command files, readouts, ZeroMQ-XOP messages, waves."""

from .calls import (
    ENGAGED,
    FORCE,
    MOTOR,
    SCANNING,
    Call,
    Value,
    control,
    gv,
    pv,
    status,
    td_read,
    td_write,
    text_of,
)
from .commands import (
    Assign,
    Make,
    MoveFile,
    Save,
    Statement,
    command_file,
    parse_line,
)
from .messages import LARGEST_REQUEST, PORT, Reply, parse_reply, parse_request, reply, request
from .readout import parse_readout, readout_text
from .waves import wave_bytes, wave_values

__all__ = [
    "ENGAGED",
    "FORCE",
    "LARGEST_REQUEST",
    "MOTOR",
    "PORT",
    "SCANNING",
    "Assign",
    "Call",
    "Make",
    "MoveFile",
    "Reply",
    "Save",
    "Statement",
    "Value",
    "command_file",
    "control",
    "gv",
    "parse_line",
    "parse_readout",
    "parse_reply",
    "parse_request",
    "pv",
    "readout_text",
    "reply",
    "request",
    "status",
    "td_read",
    "td_write",
    "text_of",
    "wave_bytes",
    "wave_values",
]
