"""Program: conversations with the R9's program, none of which can be taken for another."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from spm_auto.errors import OutOfStep, Refused
from spm_auto.wire import rhk as wire

from ..transport import (
    SLICE,
    Connection,
    Link,
    Meanwhile,
    Patience,
    RecordingLink,
    Talk,
    TcpLink,
)

READINGS = 3  # how often numbers are asked for when a "Done" of something else comes instead
_WORDS = re.compile(r"[A-Za-z]{2,}")
_DONE = wire.DONE.encode()


class Program:
    """The R9's program, as a client sees it.

    Answers have no end mark and do not say what they answer, and a procedure is answered a second
    time when it ends. So each conversation has a connection of its own, in which a question waits
    for the answer to the one before; and what a setting is, is read back. A connection is given up
    after its conversation, so that whatever comes late comes to nobody.

    Args:
        host: Where it runs.
        port: Of its text interface.
        delay: Before the first word [s].
        quiet: An answer is over when so long nothing more came [s].
        timeout: How long an answer may take [s].
        record: A file for every byte, if wanted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        delay: float,
        quiet: float,
        timeout: float,
        record: Path | None = None,
    ) -> None:
        self.name = f"RHK R9 at {host}:{port}"
        self.timeout = timeout
        self._address = host, port
        self._delay, self._quiet = delay, quiet
        self._record = record
        self._open: set[Connection] = set()

    @contextlib.contextmanager
    def talk(self, meanwhile: Meanwhile | None = None) -> Iterator["Exchange"]:
        """Have a conversation over a connection of its own.

        Args:
            meanwhile: What to look after while waiting.

        Raises:
            ConnectionLost: The program cannot be reached, or is gone.
        """
        connection = Connection(self.name, self._link, self._greet, timeout=self.timeout)
        self._open.add(connection)
        try:
            with connection.talk(self.timeout, meanwhile) as talk:
                yield Exchange(talk.link, self._quiet, self.timeout, meanwhile)
        finally:
            connection.close()
            self._open.discard(connection)

    def numbers(self, requests: Sequence[str]) -> list[float]:
        """Ask for numbers, one after the other; again when the end of something else came between.

        Raises:
            Refused: The answer says why there is none.
            OutOfStep: It is no answer to that.
        """
        for _ in range(READINGS - 1):
            with contextlib.suppress(OutOfStep):
                return self._asked(requests)
        return self._asked(requests)

    def number(self, request: str) -> float:
        """Ask for one number; see `numbers`."""
        return self.numbers([request])[0]

    def set(self, *settings: tuple[wire.Parameter, float, float]) -> None:
        """Set numbers, then read them back: parameter, value, and by how much it may be off.

        Raises:
            Refused: The program refused one, or made another value of it.
        """
        self.tell(*(parameter.set(value) for parameter, value, _ in settings))
        read = self.numbers([parameter.get() for parameter, _, _ in settings])
        for (parameter, value, tolerance), got in zip(settings, read, strict=True):
            if not abs(got - value) <= tolerance:
                raise Refused(
                    f"{self.name}: {', '.join(parameter.path)} was set to {value:g} and reads "
                    f"back {got:g}"
                )

    def write(self, parameter: wire.Parameter, text: str) -> None:
        """Set a text, and read it back.

        Raises:
            Refused: The program refused it, or made another text of it.
        """
        self.tell(parameter.set(text))
        with self.talk() as exchange:
            got = exchange.text(parameter.get(), len(text))
        if got != text:
            raise Refused(
                f"{self.name}: {', '.join(parameter.path)} was set to {text!r} and reads back "
                f"{got!r}"
            )

    def tell(self, *requests: str) -> None:
        """Say what is answered with ``Done``.

        Raises:
            Refused: The program says something else.
        """
        with self.talk() as exchange:
            for request in requests:
                exchange.done(request)

    def run(
        self,
        procedure: str,
        timeout: float,
        meanwhile: Meanwhile,
        gate: contextlib.AbstractContextManager[object],
    ) -> None:
        """Run a procedure until the program says that it has ended.

        Args:
            procedure: Its name.
            timeout: How long it may take [s].
            meanwhile: What to look after.
            gate: Entered to start it, and left when it has started.

        Raises:
            NoReply: It did not end in time.
        """
        with self.talk(meanwhile) as exchange:
            with gate:
                exchange.done(wire.start(procedure))
            exchange.ended(procedure, timeout)

    def stop(self, procedure: str) -> None:
        """Stop a procedure."""
        self.tell(wire.stop(procedure))

    def close(self) -> None:
        """End all conversations."""
        for connection in tuple(self._open):
            connection.close()

    def _asked(self, requests: Sequence[str]) -> list[float]:
        with self.talk() as exchange:
            return [exchange.number(request) for request in requests]

    def _link(self) -> Link:
        link: Link = TcpLink(*self._address, min(self.timeout, 3.0))
        return RecordingLink(link, self._record) if self._record is not None else link

    def _greet(self, talk: Talk) -> None:
        left = self._delay
        while left > 0:
            threading.Event().wait(min(left, SLICE))
            talk.patience.check(f"{self.name}: the pause after connecting")
            left -= SLICE
        talk.link.drain()  # what came before a question is no answer to it


class Exchange:
    """A conversation: each question waits for its answer, which has its own deadline.

    Args:
        link: To the program.
        quiet: An answer is over when so long nothing more came [s].
        timeout: How long an answer may take [s].
        meanwhile: What to look after while waiting.
    """

    def __init__(
        self, link: Link, quiet: float, timeout: float, meanwhile: Meanwhile | None = None
    ) -> None:
        self._link = link
        self._quiet, self._timeout = quiet, timeout
        self._meanwhile = meanwhile
        self._next = b""  # what came behind a Done

    def number(self, request: str) -> float:
        """Ask for a number."""
        answer = self._ask(request, _is_number)
        if not _is_number(answer):
            raise self._unexpected(request, answer, "a number")
        return wire.number(answer)

    def text(self, request: str, length: int) -> str:
        """Ask for a text that is expected to be so long."""
        return self._ask(request, lambda text: len(text) >= length)

    def done(self, request: str) -> None:
        """Say something that is answered with ``Done``."""
        answer = self._ask(request, _is_done)
        if answer != wire.DONE:
            raise self._unexpected(request, answer, wire.DONE)

    def ended(self, procedure: str, timeout: float) -> None:
        """Wait for the second ``Done``, for so long [s]."""
        answer = self._answer(_is_done, Patience(timeout, self._meanwhile))
        if answer != wire.DONE:
            raise self._unexpected(f"the end of {procedure}", answer, wire.DONE)

    def _ask(self, request: str, is_whole: Callable[[str], bool]) -> str:
        patience = Patience(self._timeout, self._meanwhile)
        self._link.send(wire.encode(request), patience)
        return self._answer(is_whole, patience)

    def _answer(self, is_whole: Callable[[str], bool], patience: Patience) -> str:
        """Receive an answer: to its end mark, or until it is whole and nothing more comes."""
        link, got = self._link, self._next
        self._next = b""
        while not got:  # an end mark alone belongs to what was whole before
            got = (link.receive(1, patience) + link.drain()).lstrip(b"\r\n")
        while True:
            if is_whole is _is_done and got.startswith(_DONE):
                self._next = got[len(_DONE) :].lstrip(b"\r\n")
                return wire.DONE
            if got.endswith(wire.END):
                return wire.decode(got)
            more = link.drain(self._quiet)
            text = wire.decode(got)
            if not more and (is_whole(text) or not _may_go_on(text)):
                return text
            if len(got) > wire.LONGEST:
                raise OutOfStep(f"{link.name} sent {len(got)} bytes where a word was due")
            got += more or link.receive(1, patience)

    def _unexpected(self, request: str, answer: str, due: str) -> OutOfStep | Refused:
        """Say what came instead: words are the program's own, all else is out of step."""
        said = f"{self._link.name} answered {answer[:100]!r} to {request!r}; expected {due}"
        is_said = _WORDS.search(answer) and answer.isprintable() and "\ufffd" not in answer
        return Refused(said) if is_said and wire.DONE not in answer else OutOfStep(said)


def _may_go_on(text: str) -> bool:
    """Whether the rest of a number or of a ``Done`` may still be missing."""
    return wire.DONE.startswith(text) or _WORDS.search(text) is None


def _is_done(text: str) -> bool:
    return text == wire.DONE


def _is_number(text: str) -> bool:
    try:
        wire.number(text)
    except ValueError:
        return False
    return True
