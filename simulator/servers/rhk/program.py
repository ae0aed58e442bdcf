"""Program: how the emulated R9 answers its commands."""

import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from spm_auto.errors import InstrumentError
from spm_auto.wire import rhk as wire

from ..service import ClientGone, Conversation
from ..wire_faults import WireFaults
from .procedures import Procedures
from .values import Values

COERCED = 1.1  # what a value is multiplied with that is changed on the way
MEDDLED = 0.1  # of the scanner, and [V]: what somebody else changes


class Switches(Protocol):
    """How the emulated program behaves."""

    first_pause: float
    has_line_ends: bool
    has_stray_ends: bool


class Program:
    """Answers commands.

    Args:
        values: What is read and set.
        procedures: What is started and stopped.
        faults: What goes wrong.
        switches: How it behaves.
    """

    def __init__(
        self, values: Values, procedures: Procedures, faults: WireFaults, switches: Switches
    ) -> None:
        self._values, self._procedures = values, procedures
        self._faults, self._switches = faults, switches
        self._open: set[Conversation] = set()

    def serve(self, conversation: Conversation) -> None:
        """Hold a conversation; a packet without a line end is a command too."""
        began = time.monotonic()
        self._open.add(conversation)
        try:
            while True:
                packet = conversation.some().decode("utf-8", "replace")
                if time.monotonic() - began < self._switches.first_pause:
                    continue
                for line in filter(None, map(str.strip, packet.split("\n"))):
                    self._serve_line(line, conversation)
        finally:
            self._open.discard(conversation)

    def _serve_line(self, line: str, conversation: Conversation) -> None:
        try:
            request = wire.parse(line)
        except ValueError as error:
            self._reply(conversation, f"Error: {error}", "")
            return
        name = _name(line, request)
        if self._faults.strike(name, "meddled"):
            self._meddle()
        if self._faults.strike(name, "error"):
            self._reply(conversation, "Error: the program does not want to", name)
            return
        try:
            answer = self._answer(request, name, self._ending(request.value, conversation))
        except (ValueError, InstrumentError) as error:
            answer = f"Error: {error}"
        try:
            self._reply(conversation, answer, name)
        finally:
            if answer == wire.DONE and request.verb == "StartProcedure":
                self._procedures.go()

    def _answer(self, request: wire.Request, name: str, ended: Callable[[], None]) -> str:
        match request.verb, request.parameter:
            case "Get", wire.Parameter() as parameter:
                return wire.as_text(self._values.get(parameter))
            case "Set", wire.Parameter() as parameter:
                self._values.set(parameter, self._made_of(request.value, name))
            case "StartProcedure", _:
                self._procedures.prepare(request.value, ended)
            case "StopProcedure", _:
                self._procedures.stop(request.value)
            case _:
                return wire.as_text(self._values.channel(request.value))
        return wire.DONE

    def _made_of(self, value: str, name: str) -> str:
        if self._faults.strike(name, "coerced"):
            return wire.as_text(COERCED * wire.number(value) + 1e-9)
        return value

    def _meddle(self) -> None:
        """Change position and bias, as somebody at the program can."""
        station = self._values.station
        low, high = station.capabilities.x_range
        with contextlib.suppress(InstrumentError):
            station.move(low + MEDDLED * (high - low), 0.0)
        with contextlib.suppress(InstrumentError):
            station.set_bias(station.bias + MEDDLED)

    def _ending(self, procedure: str, conversation: Conversation) -> Callable[[], None]:
        def ended() -> None:
            others = self._open - {conversation} if self._switches.has_stray_ends else set()
            for other in others:
                with contextlib.suppress(ClientGone):
                    other.send(wire.DONE.encode())
            with contextlib.suppress(ClientGone):
                self._reply(conversation, wire.DONE, f"{procedure} ended")

        return ended

    def _reply(self, conversation: Conversation, text: str, name: str) -> None:
        end = wire.END if self._switches.has_line_ends else b""
        conversation.reply(text.encode() + end, name)


def _name(line: str, request: wire.Request) -> str:
    """Return how faults call a command: its words without the value."""
    if request.parameter is None:
        return line
    return ", ".join((f"{request.verb}{request.parameter.level}", *request.parameter.path))
