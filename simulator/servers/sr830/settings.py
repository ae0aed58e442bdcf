"""Sr830EmulatorSettings: how the emulated lock-in is set, and how it is started."""

import contextlib
import threading
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from spm_auto.clock import Clock, InstantClock
from spm_auto.errors import SpmError
from spm_auto.instrument import Instrument
from spm_auto.units import Angle
from spm_auto.wire import sr830 as wire

from ..pseudo_terminal import PseudoTerminal
from ..service import Conversation, Service
from ..settings import Server, ServerSettings
from ..station import Station
from ..wire_faults import WireFaults
from .amplifier import Amplifier, Wiring

LONGEST = 4096  # bytes of a line of commands


class Sr830EmulatorSettings(ServerSettings):
    """Settings of the emulated SR830.

    Attributes:
        port: On which it listens; 0 takes a free one.
        pseudo_terminal: Whether it is reached over a pseudo-terminal instead.
        divider: Of its sine on the way to the bias.
        gain: Of the preamplifier whose output it measures [V/A].
        phase: By which the current lags behind the sine [rad].
    """

    kind: Literal["sr830"] = "sr830"
    pseudo_terminal: bool = False
    divider: Annotated[float, Field(gt=0)] = 100.0
    gain: Annotated[float, Field(gt=0)] = 100e6
    phase: Angle = 0.0

    def start(self, instrument: Instrument, clock: Clock) -> Server:
        """Let the lock-in see a junction, and meanwhile bring the tip to the sample and hold it.

        On a real clock that takes a while, in which there is no current.

        Raises:
            InstrumentError: The port is not free.
        """
        station = Station(instrument, clock)
        lock_in = lock_in_over(station, self)

        def engage() -> None:
            with contextlib.suppress(SpmError):  # closed before it was there
                station.engage()
                station.switch_feedback(on=False)

        engaging = threading.Thread(target=engage, daemon=True)
        engaging.start()
        if isinstance(clock, InstantClock):
            engaging.join()
        closing = (instrument.close, engaging.join, lock_in.close)
        return Server(station, {"port": lock_in.port}, closing, lock_in.faults)


class LockInService:
    """A lock-in that is served.

    Args:
        amplifier: That answers.
        settings: Where, and what goes wrong.

    Attributes:
        port: What a client opens.
        faults: What goes wrong.
        amplifier: That answers.
    """

    def __init__(self, amplifier: Amplifier, settings: Sr830EmulatorSettings) -> None:
        self.amplifier = amplifier
        self.faults = WireFaults(settings.faults)
        self.close: Callable[[], None]
        if settings.pseudo_terminal:
            terminal = PseudoTerminal(self._serve, self.faults)
            self.port, self.close = terminal.path, terminal.close
        else:
            service = Service(
                self._serve, settings.host, settings.port, self.faults, one_at_a_time=True
            )
            self.port = f"socket://{settings.host}:{service.port}"
            self.close = service.close

    def _serve(self, conversation: Conversation) -> None:
        held = b""
        while True:
            held += conversation.some()
            # either end mark ends a line
            *lines, held = held.replace(b"\n", b"\r").split(b"\r")
            held = held[-LONGEST:]
            for line in lines:
                for word, said in self.amplifier.answer(line.decode("latin-1")):
                    conversation.reply(said.encode("ascii") + wire.END, word)


def lock_in_over(station: Station, settings: Sr830EmulatorSettings) -> LockInService:
    """Serve a lock-in that sees the junction of a station."""

    def slope() -> float:
        return station.reading().get("didv", 0.0)

    wiring = Wiring(settings.divider, settings.gain, settings.phase)
    return LockInService(Amplifier(slope, station.clock, wiring), settings)
