"""Transport: conversations with devices over TCP or a serial line, each with a deadline.

`serial_port.SerialLink` is not named here: it needs pyserial, and most drivers do not.
"""

from .connection import Connection, Talk
from .link import Link
from .opening import open_serial
from .patience import SLICE, Meanwhile, Patience
from .recording import RecordingLink, ReplayLink
from .tcp import TcpLink

__all__ = [
    "SLICE",
    "Connection",
    "Link",
    "Meanwhile",
    "Patience",
    "RecordingLink",
    "ReplayLink",
    "Talk",
    "TcpLink",
    "open_serial",
]
