"""open_serial: a link to whatever a serial port's URL names."""

from pathlib import Path
from urllib.parse import urlsplit

from spm_auto.errors import InstrumentError

from .link import Link
from .recording import RecordingLink
from .tcp import TcpLink


def open_serial(url: str, baudrate: int, record: Path | None = None, **settings: object) -> Link:
    """Open a serial port by its name, or by a URL of pyserial.

    A ``socket://host:port`` is opened without pyserial, which reads one byte at a time from it.

    Args:
        url: Such as ``COM3``, ``/dev/ttyACM0``, ``socket://localhost:4000``.
        baudrate: Bits per second, where there are such.
        record: A file for every byte that goes over it.
        **settings: Further arguments of `serial.serial_for_url`, such as ``rtscts``.

    Raises:
        ConnectionLost: It cannot be opened.
        InstrumentError: pyserial is missing, or the URL is none.
    """
    link: Link
    if url.startswith("socket://"):
        parts = urlsplit(url)
        if not parts.hostname or not parts.port:
            raise InstrumentError(f"{url} names no host and port; write socket://host:port")
        link = TcpLink(parts.hostname, parts.port)
    else:
        try:
            from .serial_port import SerialLink
        except ImportError as error:
            raise InstrumentError(
                f"{url} needs pyserial: pip install 'spm_auto[drivers]' ({error})"
            ) from error
        link = SerialLink(url, baudrate, **settings)
    return link if record is None else RecordingLink(link, record)
