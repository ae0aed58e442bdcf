"""Listener: what comes from the red panda, told apart: answers, events, and what is out of step."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from spm_auto.errors import ConnectionLost, InstrumentError, OutOfStep
from spm_auto.wire import red_panda as wire

from ..transport import Patience, Talk

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)

GREETINGS = 3  # questions before nobody is there


class Listener:
    """Sends commands and waits for the lines that answer them.

    Args:
        name: For messages.
        pause: After a command with numbers [s].
        quiet: After opening the line, until nothing more comes from before [s].

    Attributes:
        events: Lines that nobody asked for, the latest last.
        last: The latest status.
        contact: The reading with which an approach has ended; None before.
    """

    def __init__(self, name: str, pause: float, quiet: float) -> None:
        self.name, self.pause, self.quiet = name, pause, quiet
        self.events: deque[str] = deque(maxlen=100)
        self.last: wire.Status | None = None
        self.contact: int | None = None
        self._seen = -1  # time of the latest status over this link

    def _begin(self) -> None:
        """Forget the time of the last status: another link, maybe another start."""
        self._seen = -1

    def _greet(self, talk: Talk) -> None:
        """Drop what is left from before (a banner, half a line), and ask until an answer is whole.

        Asking again is no motion: a question changes nothing.
        """
        talk.link.drain(self.quiet)
        share = talk.patience.timeout / GREETINGS
        for _ in range(GREETINGS):
            talk.link.send(wire.SWALLOWED + wire.command("GSTS"), talk.patience)
            patience = Patience(share)
            while patience.left() > 0:
                try:
                    said = talk.link.receive_until(b"\n", patience)
                except ConnectionLost:
                    raise
                except InstrumentError:
                    break
                status = wire.parse_status(said.decode("latin-1").strip())
                if status is not None:
                    self._seen, self.last = status.time, status
                    talk.link.drain(self.quiet)
                    return
        raise OutOfStep(f"{self.name} gives no status; is it a red panda?")

    def _send(self, talk: Talk, name: str, *values: float) -> None:
        self._collect(talk)
        talk.link.send(wire.command(name, *values), talk.patience)
        if values and self.pause:
            threading.Event().wait(self.pause)

    def _collect(self, talk: Talk) -> None:
        """Take what came without being asked for; half a line is waited for."""
        held = talk.link.drain()
        if held and not held.endswith(b"\n"):
            held += talk.link.receive_until(b"\n", talk.patience)
        for line in held.splitlines():
            self._happened(line.decode("latin-1").strip())

    def _status(self, talk: Talk) -> wire.Status:
        self._send(talk, "GSTS")
        status = self._answer(talk, wire.parse_status)
        if status.time <= self._seen:
            raise OutOfStep(
                f"{self.name} gave a status of {status.time} ms after one of {self._seen} ms: "
                f"it is an old one, or the controller was started anew"
            )
        self._seen, self.last = status.time, status
        return status

    def _answer(self, talk: Talk, parse: Callable[[str], Answer | None]) -> Answer:
        """Wait for a line that is an answer; others are events, but not answers to other things."""
        while True:
            line = self._next(talk)
            answer = parse(line)
            if answer is not None:
                return answer
            if wire.is_answer(line):
                raise OutOfStep(f"{self.name} answered something else: {line[:60]!r}")
            self._happened(line)
            if line == wire.APPROACHED:
                self._touched(self._next(talk))

    def _row(self, talk: Talk, kind: str, index: int, count: int) -> tuple[int, ...]:
        row = self._answer(talk, wire.parse_row)
        if (row.kind, row.index, len(row.values)) != (kind, index, count):
            raise OutOfStep(
                f"{self.name}: expected line {kind},{index} of {count} values, got "
                f"{row.kind},{row.index} of {len(row.values)}"
            )
        return row.values

    def _next(self, talk: Talk) -> str:
        said = talk.link.receive_until(b"\n", talk.patience)
        try:
            return said.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise OutOfStep(f"{self.name} said {said[:60]!r}, which is no text") from error

    def _happened(self, line: str) -> None:
        if self.events and self.events[-1] == wire.APPROACHED:
            self._touched(line)
            return
        self.events.append(line)
        _log.info("%s: %s", self.name, line)

    def _touched(self, line: str) -> None:
        self.contact = wire.parse_number(line)
        self.events.append(line)
