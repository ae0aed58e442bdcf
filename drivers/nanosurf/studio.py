"""StudioLine: asking Nanosurf Studio, one script and one reply at a time."""

import itertools
import math
from collections.abc import Callable, Sequence

from spm_auto.errors import InstrumentError, OutOfStep, Refused
from spm_auto.wire.nanosurf import (
    HEADER,
    LuaError,
    Value,
    encode,
    length_of,
    read_reply,
    write_value,
)

from ..transport import Connection, Link, Meanwhile, Talk

# places in the tree below root
IMAGING = "workflow.imaging"
AXES = "workflow.axis_manager"
Z = "workflow.z_control"
SPECTRA = "workflow.spectroscopy"
APPROACH = "workflow.approach"
STORAGE = "workflow.data.storage"
BIAS = "workflow.nec.tip_voltage"

CLOSE = 1e-6  # share by which a setting may read back otherwise


class StudioLine:
    """A connection to Studio, in a measurement session.

    Each script returns a number of ours beside its result, so that a reply to an earlier script is
    never taken for the answer.

    Args:
        name: For messages.
        open_link: Opens a new link.
        session: Name of the session; empty takes the only one.
        level: Of the interface.
        timeout: Of what is answered at once [s].
    """

    def __init__(
        self, name: str, open_link: Callable[[], Link], session: str, level: int, timeout: float
    ) -> None:
        self.name = name
        self._session = session
        self._level = level
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._connection = Connection(name, open_link, self._greet, timeout=timeout)

    def ask(
        self, expression: str, timeout: float | None = None, meanwhile: Meanwhile | None = None
    ) -> Value:
        """Return what an expression gives in Studio.

        Args:
            expression: In Lua.
            timeout: How long the answer may take [s]; None for what comes at once.
            meanwhile: Looked after while waiting.

        Raises:
            Refused: Studio answers with an error; its text is the message.
            ConnectionLost: Studio is gone, or what it says is no answer.
            NoReply: It does not answer in time.
        """
        with self._connection.talk(timeout or self._timeout, meanwhile) as talk:
            return self._exchange(talk, expression)

    def call(
        self,
        path: str,
        *arguments: Value,
        timeout: float | None = None,
        meanwhile: Meanwhile | None = None,
    ) -> Value:
        """Call a function of the tree; see `ask`."""
        return self.ask(called(path, arguments), timeout, meanwhile)

    def numbers(self, paths: Sequence[str]) -> list[float]:
        """Return the values of several properties, asked for at once; see `ask`."""
        said = self.ask("{" + ",".join(called(f"{path}.value_get") for path in paths) + "}")
        if not isinstance(said, list) or len(said) != len(paths):
            raise OutOfStep(f"{self.name} answered {said!r} where {len(paths)} numbers were asked")
        return [self._number(value, path) for value, path in zip(said, paths, strict=True)]

    def put(self, path: str, value: bool | int | float | str, raw: bool = False) -> None:
        """Give a property a value, and see that it has taken it.

        Args:
            path: Of the property.
            value: In its unit.
            raw: Whether it is the number of a choice.

        Raises:
            InstrumentError: It reads back otherwise; with both values.
        """
        kind = "value_raw" if raw else "value"
        self.call(f"{path}.{kind}_set", value)
        held = self.call(f"{path}.{kind}_get")
        if not _is_same(value, held):
            raise InstrumentError(
                f"{self.name}: {path} was set to {value!r} and reads back {held!r}; "
                "nothing was measured"
            )

    def unit(self, path: str) -> str:
        """Return the unit in which a property is said; see `ask`."""
        return str(self.call(f"{path}.unit_get"))

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _greet(self, talk: Talk) -> None:
        try:
            session = self._session or self._only_session(talk)
            self._exchange(talk, called("session.select", (session, self._level)))
        except Refused as error:
            raise InstrumentError(f"{self.name} opens no session: {error}") from error

    def _only_session(self, talk: Talk) -> str:
        sessions = self._exchange(talk, called("session.list"))
        if not isinstance(sessions, list) or len(sessions) != 1:
            raise InstrumentError(
                f"{self.name} has the sessions {sessions!r}; the lab file must name one as session"
            )
        return str(sessions[0])

    def _exchange(self, talk: Talk, expression: str) -> Value:
        number = next(self._numbers)
        talk.link.drain()
        talk.link.send(encode(f"return {{{number},{expression}}}"), talk.patience)
        try:
            length = length_of(talk.link.receive(HEADER, talk.patience))
            text = talk.link.receive(length, talk.patience).decode("utf-8")
            reply = read_reply(text)
        except (LuaError, ValueError) as error:
            raise OutOfStep(f"{self.name} answered what is no reply: {error}") from error
        if reply.is_error:
            raise Refused(f"{self.name} refuses {expression}: {reply.value}")
        match reply.values:
            case ([first, *others],) if first == number and len(others) <= 1:
                return others[0] if others else None
        raise OutOfStep(f"{self.name} answered something else than {expression}: {text[:80]}")

    def _number(self, value: Value, path: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OutOfStep(f"{self.name} says {value!r} for {path}, where a number was expected")
        return float(value)


def called(path: str, arguments: Sequence[Value] = ()) -> str:
    """Return the call of a function below ``root`` as text."""
    return f"root.{path}({','.join(map(write_value, arguments))})"


def _is_same(asked: bool | int | float | str, held: Value) -> bool:
    if isinstance(asked, bool | str):
        return held == asked
    if isinstance(held, bool) or not isinstance(held, int | float):
        return False
    return math.isclose(asked, held, rel_tol=CLOSE, abs_tol=1e-13)
