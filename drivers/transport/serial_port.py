"""SerialLink: a serial port, or whatever else pyserial can open by a URL."""

import contextlib

import serial

from spm_auto.errors import ConnectionLost

from .link import Link
from .patience import SLICE, Patience


class SerialLink(Link):
    """A serial port.

    Args:
        url: A device (``COM3``, ``/dev/ttyACM0``) or a URL of pyserial (``socket://host:port``,
            ``rfc2217://...``, ``loop://``).
        baudrate: Bits per second.
        **settings: Further arguments of `serial.serial_for_url`, such as ``rtscts``.

    Raises:
        ConnectionLost: It cannot be opened.
    """

    def __init__(self, url: str, baudrate: int = 115200, **settings: object) -> None:
        super().__init__(url)
        try:
            self._port = serial.serial_for_url(
                url, baudrate, timeout=SLICE, write_timeout=None, **settings
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise ConnectionLost(f"{url} cannot be opened: {error}") from error

    def send(self, data: bytes, patience: Patience) -> None:
        """Send all of it."""
        patience.check(f"{self.name}: {len(data)} bytes are to be sent")
        try:
            self._port.write(data)
            self._port.flush()
        except (serial.SerialException, OSError) as error:
            raise ConnectionLost(f"{self.name} is gone: {error}") from error

    def _some(self, wait: float) -> bytes:
        try:
            waiting = self._port.in_waiting
            if waiting:
                # one byte at a time over socket://, which knows only whether there is any
                return bytes(self._port.read(waiting))
            self._port.timeout = wait
            return bytes(self._port.read(1))
        except (serial.SerialException, OSError, TypeError) as error:
            # pyserial 3.5 says TypeError when a port is closed while it reads
            raise ConnectionLost(f"{self.name} is gone: {error}") from error

    def close(self) -> None:
        """Close the port."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.close()
