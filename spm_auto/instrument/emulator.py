"""Emulator: an instrument behind the wire of a real one, for drivers and other programs."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from ..clock import Clock
from .protocol import Instrument


class Emulator(Protocol):
    """An emulated controller that is running."""

    @property
    def address(self) -> Mapping[str, Any]:
        """What the driver's settings must say to find it, such as host and port."""

    def close(self) -> None:
        """Stop serving and let go of ports and files; safe to call twice."""


class EmulatorSettings(BaseModel):
    """Settings of an emulator; each kind derives its own and names it a plugin.

    Attributes:
        kind: The kind of instrument whose driver can talk to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str

    def start(self, instrument: Instrument, clock: Clock) -> Emulator:  # noqa: ARG002
        """Begin to serve.

        Args:
            instrument: What stands behind the wire; the emulator closes it at the end.
            clock: On which the instrument lives.

        Raises:
            InstrumentError: A port or a folder is not free.
        """
        raise TypeError(f"the settings of emulator {self.kind!r} do not say how to start it")
