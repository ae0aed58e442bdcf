"""A red panda over the marked microscope, or over a script, for the tests of its driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from marked import MarkedMicroscope

from spm_auto.clock import InstantClock
from spm_auto.drivers.red_panda import RedPandaMicroscope, RedPandaSettings
from spm_auto.drivers.transport import Link, Patience
from spm_auto.errors import ConnectionLost
from spm_auto.instrument import Load
from spm_auto.settings import validate
from spm_auto.simulator.servers.red_panda import RedPandaEmulatorSettings, RedPandaServer


@dataclass(frozen=True)
class Lab:
    """A driver and what is at the other end."""

    driver: RedPandaMicroscope
    server: RedPandaServer
    microscope: MarkedMicroscope

    @property
    def heard(self) -> list[str]:
        """The commands that the firmware has understood, without questions."""
        return [line for line in self.server.firmware.heard if line not in ("GSTS", "ADCR")]

    @property
    def crashes(self) -> list[str]:
        """What drove the tip into the sample."""
        return self.server.firmware.head.crashes


@contextmanager
def emulated(**settings: object) -> Iterator[tuple[RedPandaServer, MarkedMicroscope]]:
    """Start the emulated controller."""
    clock = InstantClock()
    microscope = MarkedMicroscope(clock)
    table = {"kind": "red_panda", "silence": "50 ms", **settings}
    server = validate(RedPandaEmulatorSettings, table, "emulator").start(microscope, clock)
    try:
        yield server, microscope
    finally:
        server.close()


@contextmanager
def lab(
    loaded: bool = True, controller: dict[str, object] | None = None, **settings: object
) -> Iterator[Lab]:
    """Open a driver to the emulated controller."""
    with emulated(**(controller or {})) as (server, microscope):
        table = {"kind": "red_panda", **server.address, "reply_timeout": "1 s", **settings}
        driver = validate(RedPandaSettings, table, "driver").open(microscope._clock, 0)
        try:
            if loaded:
                driver.load(Load())
            yield Lab(driver, server, microscope)
        finally:
            driver.close()


class Script(Link):
    """A line over which exactly this is said: bytes that are sent, then bytes that come back."""

    def __init__(self, *exchanges: tuple[bytes, bytes], banner: bytes = b"") -> None:
        super().__init__("script")
        self.exchanges = list(exchanges)
        self._coming = bytearray(banner)
        self._sent = bytearray()

    def send(self, data: bytes, patience: Patience) -> None:
        self._sent += data
        while self.exchanges and self._sent.startswith(self.exchanges[0][0]):
            expected, answer = self.exchanges.pop(0)
            del self._sent[: len(expected)]
            self._coming += answer
        assert not self._sent or any(e[0].startswith(self._sent) for e in self.exchanges[:1]), (
            bytes(self._sent),
            self.exchanges[:1],
        )

    def _some(self, wait: float) -> bytes:
        if self._coming == b"(unplugged)":
            raise ConnectionLost("script: the cable is out")
        taken, self._coming = bytes(self._coming), bytearray()
        return taken

    def close(self) -> None:
        pass
