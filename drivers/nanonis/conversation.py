"""What the parts of the Nanonis driver have in common: acting, setting and reading back."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spm_auto.clock import Clock
from spm_auto.errors import ConnectionLost, InstrumentError, NoReply, Refused
from spm_auto.instrument import Action
from spm_auto.units import format as format_quantity
from spm_auto.wire import nanonis as wire

from ..microscope import halting
from .line import Lines

FLOAT32 = 1e-6  # relative: a float32 is read back that good
FIRST_POLL, LAST_POLL = 2e-3, 0.2  # [s] between two questions, growing
GROWTH = 1.5
SWITCHING = 8.0  # [s] that the controller may take to do what it was told (z loop, safe tip)


class Conversation:
    """One instruction's way to talk to the controller.

    Args:
        lines: The connections.
        action: The instruction in progress.
        clock: Instrument time.
    """

    def __init__(self, lines: Lines, action: Action, clock: Clock) -> None:
        self.lines = lines
        self.action = action
        self.clock = clock

    def do(
        self, command: str, /, *, within: float | None = None, halt: str = "", **values: Any
    ) -> wire.Values:
        """Send a command over the action's connection, which may block.

        Args:
            command: Its name.
            within: How long it may take [s].
            halt: The command that ends it, sent over the supervising connection when the
                instruction is to end, and when no answer came.
            **values: Its arguments.

        Raises:
            Stopped: The instruction was to end, and the controller has come to an end, or does not
                say so; in the latter case the connection was closed.
        """
        try:
            with self.ending():
                meanwhile = halting(self.action, lambda: self._halt(halt))
                return self.lines.action.ask(command, within=within, meanwhile=meanwhile, **values)
        except (NoReply, ConnectionLost):
            with contextlib.suppress(InstrumentError):  # the first error is the one to tell
                self._halt(halt)
            raise

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Tell an error that comes of ending an instruction as its end."""
        try:
            yield
        except InstrumentError:
            self.action.check()
            raise

    def set(self, command: str, /, **values: Any) -> None:
        """Set what the controller may make something else of, and read it back.

        Values that are not a number or an empty text keep what is there, and are not compared.

        Raises:
            InstrumentError: Something else is there now.
        """
        self.do(f"{command}Set", **values)
        self.confirm(command, **values)

    def confirm(self, command: str, /, **values: Any) -> None:
        """Read settings back and compare them with what they should be.

        Raises:
            InstrumentError: One is otherwise.
        """
        compare(command, self.do(f"{command}Get"), values)

    def until(self, is_so: Callable[[], bool], within: float, what: str) -> None:
        """Ask again and again, at first quickly, until something is so.

        Raises:
            InstrumentError: It is not within that time [s]; the message says what was waited for.
            Stopped: The instruction is to end.
        """
        end, pause = time.monotonic() + within, FIRST_POLL
        while not is_so():
            if time.monotonic() > end:
                raise InstrumentError(
                    f"{self.lines.action.name}: {what} within {format_quantity(within, 's')}"
                )
            self.action.stop.wait(pause)
            self.action.check()
            pause = min(pause * GROWTH, LAST_POLL)

    def _halt(self, command: str) -> None:
        if command:
            with contextlib.suppress(Refused):
                self.lines.supervision.ask(command)


def compare(command: str, said: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Compare what was read back with what was set.

    Raises:
        InstrumentError: Something is otherwise.
    """
    for name, value in wanted.items():
        if not agree(value, said[name]):
            raise InstrumentError(
                f"{command}Set: the controller made {name} = {said[name]!r} of {value!r}; "
                f"set it by hand, or ask for another value"
            )


def agree(wanted: Any, said: Any) -> bool:
    """Whether a value read back is the one that was set, as good as a float32 knows."""
    if isinstance(wanted, float):
        return math.isnan(wanted) or math.isclose(wanted, said, rel_tol=FLOAT32, abs_tol=1e-30)
    return bool(wanted == said)
