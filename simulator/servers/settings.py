"""ServerSettings: what every emulated controller can be told; `Server` is one that runs."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field

from spm_auto.instrument import EmulatorSettings

from .service import LOOPBACK
from .station import Station
from .wire_faults import WireFault, WireFaults


class ServerSettings(EmulatorSettings):
    """Settings of an emulated controller.

    Attributes:
        host: Where it listens.
        port: Where it listens, the first of several; 0 takes free ones.
        faults: What goes wrong on the wire.
    """

    host: str = LOOPBACK
    port: int = Field(default=0, ge=0, le=65535)
    faults: tuple[WireFault, ...] = ()


class Server:
    """An emulated controller that runs.

    Args:
        station: What it operates.
        address: The driver's settings with which it is found.
        closing: What is closed with it, in this order, before the station.
        faults: What goes wrong on its wire; more can be armed while it runs.
    """

    def __init__(
        self,
        station: Station,
        address: Mapping[str, Any],
        closing: Sequence[Callable[[], None]],
        faults: WireFaults | None = None,
    ) -> None:
        self.station = station
        self.faults = faults or WireFaults()
        self._address = dict(address)
        self._closing = tuple(closing)

    @property
    def address(self) -> Mapping[str, Any]:
        """The driver's settings with which it is found."""
        return self._address

    def close(self) -> None:
        """Stop serving; safe to call twice."""
        with contextlib.ExitStack() as stack:
            for close in (self.station.close, *reversed(self._closing)):
                stack.callback(close)
