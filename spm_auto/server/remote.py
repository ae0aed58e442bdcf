"""RemoteInstrument: an instrument in another process, itself an `Instrument`."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import zmq

from ..clock import Clock, InstantClock
from ..errors import ConnectionLost, InstrumentError, NoReply, NotConfirmed, NotOwner, OutOfStep
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Capabilities,
    ConditionTip,
    ForceCurve,
    Instruction,
    InstrumentState,
    Limits,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
    Spectrum,
    Status,
    Vitals,
    limits_from_table,
)
from .connection import Connection
from .heart import Heart, Signs
from .keys import Identity
from .wire import (
    HARD,
    Answer,
    Ask,
    read_capabilities,
    read_status,
    read_vitals,
)

WITHDRAWAL = 20.0  # [s] for the server to confirm that the tip is up

Timed = TypeVar("Timed", Spectrum, ForceCurve)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, and how it is known.

    Attributes:
        command: Address of its door for commands.
        server_public: Its public key.
        safety: Address of its door for safety; empty for the one that it names itself.
    """

    command: str
    server_public: str
    safety: str = ""


class RemoteInstrument:
    """An instrument behind an instrument server, with guard, watchdog and lease over there.

    It gives a sign of life every second, from a thread of its own; when this process dies or
    freezes, the server holds the tip and later withdraws it. When the server is not heard of for
    three seconds the instruction in progress raises `ConnectionLost`; nothing is sent twice.
    Withdrawing goes over a connection that nothing else uses.

    Args:
        place: Where the server is.
        identity: Whose key it is.
        clock: Instrument time; what comes back is told in it, and a virtual one follows the
            server's.
        has_control: Whether to take the control lease; without it only looking is possible.
        is_autonomous: Whether no human decides about each instruction, so that the controller's
            own guard must be armed.
        on_close: Called once, after control was given back and the connections are closed.

    Raises:
        ConnectionLost: The server is not there, or does not know this key.
        NotOwner: Somebody else has control.
        Forbidden: This key may not.
    """

    def __init__(
        self,
        place: Place,
        identity: Identity,
        clock: Clock,
        has_control: bool = True,
        is_autonomous: bool = True,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock, self._is_autonomous = clock, is_autonomous
        self._on_close = on_close
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._is_closed = False
        self._ahead = 0.0

        def connection(address: str) -> Connection:
            return Connection(self._context, address, identity, place.server_public)

        self._commands, self._looks = connection(place.command), connection(place.command)
        self._connections = [self._commands, self._looks]
        self._heart: Heart | None = None
        try:
            self.greeting: Mapping[str, Any] = self._greet()
            safety = place.safety or _on_same_host(self.greeting["doors"]["safety"], place.command)
            self._stop, self._up = connection(safety), connection(safety)
            self._last, beats = connection(safety), connection(safety)
            self._connections += [self._stop, self._up, self._last, beats]
            for each in (self._looks, self._stop, self._up, self._last, beats):
                each.open()
            self._heart = Heart(beats)
            if has_control:
                self._take()
        except InstrumentError:
            self._hang_up()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has; the watchdog over there looks at its vitals."""
        return self._capabilities

    @property
    def limits(self) -> Limits:
        """What the laboratory allows, over there."""
        return self._limits

    @property
    def signs(self) -> Signs:
        """What the server said last of itself."""
        return self._heart.signs if self._heart is not None else Signs()

    @property
    def trip(self) -> str:
        """Why the watchdog over there has acted, as it was said last; empty while all is well."""
        return self.signs.trip or ""

    @property
    def owner(self) -> str:
        """Who has control, as the server said last."""
        return self.signs.owner

    def status(self) -> Status:
        """Read back where the instrument stands; LOST when the server does not answer."""
        if self._is_closed:
            return self._unknown(InstrumentState.CLOSED)
        try:
            answer = self._looks.ask(Ask.STATUS)
            status = read_status(answer.result())
        except (ConnectionLost, NoReply):
            return self._unknown(InstrumentState.LOST)
        self._follow(answer)
        return replace(status, time=status.time + self._ahead)

    def vitals(self) -> Vitals:
        """Read what the instrument feels.

        Raises:
            InstrumentError: It cannot be read.
        """
        vitals = read_vitals(self._looks.ask(Ask.VITALS).result())
        return replace(vitals, time=vitals.time + self._ahead)

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction will take from here [s]."""
        return float(self._looks.ask(Ask.DURATION, instruction).result())

    def load(self, instruction: Load) -> None:
        """Ready the instrument; takes control again where it was lost and nobody else has it."""
        self._refuse_if_closed()
        if not self._living().token:
            self._take()
        self._perform(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Have the frame checked now, then scan as the lines are asked for."""
        number = self._perform(instruction)
        return self._lines(number)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe."""
        self._perform(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Position the probe and sweep the bias."""
        return self._in_our_time(self._perform(instruction), Spectrum)

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Position the probe, press it into the sample and pull it off again."""
        return self._in_our_time(self._perform(instruction), ForceCurve)

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Position the probe, and pulse or poke."""
        self._perform(instruction)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change the z loop."""
        self._perform(instruction)

    def move_stage(self, instruction: MoveStage) -> None:
        """Withdraw the tip, move the stage, and approach again."""
        self._perform(instruction)

    def interrupt(self) -> None:
        """End the instruction in progress; where the server is lost it ends by itself."""
        if not self._is_closed:
            with contextlib.suppress(ConnectionLost, NoReply, NotOwner):
                self._stop.ask(Ask.INTERRUPT, token=self._living().token).result()

    def emergency_stop(self) -> None:
        """Have the tip withdrawn, over a connection of its own.

        Raises:
            NotConfirmed: The server, or the instrument, does not say that it is up.
        """
        self._withdraw(self._up)

    def last_resort(self) -> None:
        """Have the tip withdrawn by the alternate path at once; waits for no other withdrawal.

        Raises:
            NotConfirmed: The server, or the instrument, does not say that it is up.
        """
        self._withdraw(self._last, HARD)

    def _withdraw(self, connection: Connection, how: str | None = None) -> None:
        try:
            connection.ask(Ask.WITHDRAW, how, within=WITHDRAWAL).result()
        except (ConnectionLost, NoReply) as error:
            raise NotConfirmed(
                f"the server does not confirm that the tip is up: {error}; without a sign of life "
                f"of its owner it withdraws by itself"
            ) from error

    def acknowledge(self) -> str:
        """Let go on after the watchdog has acted; returns what was acknowledged.

        Raises:
            Forbidden: This key may not.
        """
        return str(self._stop.ask(Ask.ACKNOWLEDGE).result())

    def ask_for_signs(self) -> Signs:
        """Ask the server how it is, now.

        Raises:
            ConnectionLost: It is not there.
        """
        said = self._stop.ask(Ask.BEAT).result()
        return Signs(said["owner"], said["trip"], said["severity"])

    def confirm(self, count: int, seconds: float) -> None:
        """Let so many instructions of level 3 be carried out within so many seconds.

        Raises:
            Forbidden: This key may not.
        """
        self._looks.ask(Ask.CONFIRM, {"count": count, "seconds": seconds}).result()

    def close(self) -> None:
        """Give control back and hang up; the instrument stays as it is. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._heart is not None and self._heart.token:
            with contextlib.suppress(InstrumentError):
                self._looks.ask(Ask.RELEASE, token=self._heart.token).result()
        self._hang_up()
        self._on_close()

    def _greet(self) -> Mapping[str, Any]:
        before = self._clock.now()
        answer = self._commands.ask(Ask.HELLO, within=5.0)
        greeting = answer.result()
        try:
            self._capabilities = replace(
                read_capabilities(greeting["capabilities"]),
                has_vitals=False,
                has_last_resort=False,
            )
            self._limits = limits_from_table(greeting["limits"])
        except (KeyError, TypeError, ValueError) as error:
            raise OutOfStep(f"the server's greeting is none: {error}") from error
        if isinstance(self._clock, InstantClock):
            self._follow(answer)
        else:
            self._ahead = (before + self._clock.now()) / 2 - answer.time
        return cast(Mapping[str, Any], greeting)

    def _take(self) -> None:
        heart = self._living()
        heart.token = str(self._looks.ask(Ask.TAKE, self._is_autonomous).result())

    def _perform(self, instruction: Instruction) -> Any:
        return self._ask(Ask.PERFORM, instruction)

    def _ask(self, ask: Ask, value: Any) -> Any:
        self._refuse_if_closed()
        heart = self._living()
        answer = self._commands.ask(ask, value, heart.token, is_alive=heart.is_alive)
        self._follow(answer)
        return answer.result()

    def _lines(self, number: int) -> Iterator[ScanLine]:
        is_open = True
        try:
            while is_open:
                try:
                    line = self._ask(Ask.LINE, number)
                except InstrumentError:
                    is_open = False
                    raise
                if line is None:
                    is_open = False
                else:
                    yield replace(line, time=line.time + self._ahead)
        finally:
            if is_open:
                with contextlib.suppress(InstrumentError):
                    self._ask(Ask.LEAVE, number)

    def _in_our_time(self, given: Any, kind: type[Timed]) -> Timed:
        if not isinstance(given, kind):
            raise OutOfStep(f"the server sent something else than a {kind.__name__}")
        return replace(
            given, start_time=given.start_time + self._ahead, end_time=given.end_time + self._ahead
        )

    def _follow(self, answer: Answer) -> None:
        """Turn a virtual clock to the server's; a real one goes by itself."""
        if isinstance(self._clock, InstantClock) and math.isfinite(answer.time):
            self._clock.set(answer.time)

    def _living(self) -> Heart:
        if self._heart is None:
            raise ConnectionLost("the connection to the server was never made")
        return self._heart

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise InstrumentError("the instrument was closed")

    def _unknown(self, state: InstrumentState) -> Status:
        nowhere = (math.nan, math.nan)
        return Status(state, nowhere, math.nan, is_engaged=False, time=self._clock.now())

    def _hang_up(self) -> None:
        if self._heart is not None:
            self._heart.close()
        for each in self._connections:
            each.close()
        self._context.destroy(linger=0)


def _on_same_host(address: str, other: str) -> str:
    """Return an address with the host of another one: the server may know itself by another."""
    return f"{other.rpartition(':')[0]}:{address.rpartition(':')[2]}"
