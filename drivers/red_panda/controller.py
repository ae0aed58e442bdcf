"""Controller: conversations with the red panda firmware, which acknowledges nothing."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spm_auto.errors import EmergencyStopped, InstrumentError, OutOfStep
from spm_auto.wire import red_panda as wire

from ..transport import SLICE, Connection, Link, Patience, Talk
from .listener import Listener
from .strips import Strip

NEAR = 1  # [counts] that a position may be off: the firmware computes in single precision
SHOUT_TIME = 1.0  # [s] for the first words of a withdrawal to leave
ATTEMPTS = 2  # to open the line
WITHDRAWING = ("STOP", "DACZ", "MTMV")  # only ever sent to take the tip away


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a strip gave.

    Attributes:
        errors: Of the loop's logarithm, by pixel in the order of measuring.
        heights: z DAC, the same [counts].
    """

    errors: tuple[int, ...]
    heights: tuple[int, ...]


class Controller(Listener):
    """The firmware at the other end of a serial line.

    One conversation at a time. Each setting is read back, each answer is checked for what was
    asked, and lines that nobody asked for are events. While a strip is scanned the firmware is
    deaf: `status` then answers with what was known last.

    Args:
        name: For messages.
        open_link: Opens the line.
        timeout: Of an answer that is due at once [s].
        pause: After a command with numbers [s].
        quiet: After opening the line, until nothing more comes from before [s].
        deaf: The longest that the firmware answers nothing, because it scans [s].

    Attributes:
        is_latched: Whether only what keeps the tip up is sent: set before a withdrawal, whose own
            orders wait for their turn, so that nothing can come behind them.
    """

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Link],
        timeout: float,
        pause: float,
        quiet: float,
        deaf: float,
    ) -> None:
        super().__init__(name, pause, quiet)
        self.timeout = timeout
        self.is_latched = False
        self._link: Link | None = None
        self._turn = threading.Lock()
        self._is_deaf = False

        def opened() -> Link:
            self._begin()
            self._link = open_link()
            return self._link

        self._line = Connection(name, opened, self._greet, ATTEMPTS, timeout + deaf)

    @property
    def losses(self) -> int:
        """How often the line was given up."""
        return self._line.losses

    def status(self) -> wire.Status:
        """Ask for the status; while the firmware is deaf, return the latest.

        Raises:
            InstrumentError: It does not answer.
        """
        waiting = Patience(self.timeout)
        while not self._turn.acquire(timeout=SLICE):
            if self._is_deaf and self.last is not None:
                return self.last
            waiting.check(f"another conversation with {self.name} goes on")
        try:
            with self._line.talk(self.timeout) as talk:
                return self._status(talk)
        finally:
            self._turn.release()

    def tell(self, name: str, *values: float) -> wire.Status:
        """Send a command that has no answer, and return the status after it."""
        with self._talk(name) as talk:
            self._send(talk, name, *values)
            return self._status(talk)

    def set(self, name: str, value: int) -> None:
        """Set a DAC and see that it is so.

        Args:
            name: ``BIAS``, ``DACX``, ``DACY`` or ``DACZ``.
            value: [counts].

        Raises:
            InstrumentError: It reads back otherwise.
        """
        status = self.tell(name, value)
        shown = {"BIAS": status.bias, "DACX": status.x, "DACY": status.y, "DACZ": status.z}[name]
        if shown != value:
            raise InstrumentError(f"{self.name}: {name} {value} reads back {shown}")

    def reading(self) -> int:
        """Return the mean of the latest readings of the current [counts]."""
        with self._talk("ADCR") as talk:
            self._send(talk, "ADCR")
            return self._answer(talk, wire.parse_number)

    def turn(self, steps: int, time: float) -> wire.Status:
        """Turn the motor; the firmware is deaf for so long [s].

        Raises:
            InstrumentError: The counter of steps has not moved as far.
        """
        with self._talk("MTMV", time) as talk:
            before = self._status(talk)
            self._send(talk, "MTMV", steps)
            after = self._status(talk)
        if after.steps - before.steps != steps:
            moved = after.steps - before.steps
            raise InstrumentError(f"{self.name}: MTMV {steps} moved the motor by {moved} steps")
        return after

    def measure(self, bias: int) -> int:
        """Return the current at a bias with the tip held still [counts].

        A sweep over five neighbouring biases, of which the firmware gives the mean: its loop does
        not run meanwhile, and goes on afterwards as it was.
        """
        half = wire.AVERAGED // 2
        biases = list(range(bias - half, bias + half + 1))
        with self._talk("IVME") as talk:
            self._send(talk, "IVME", biases[0], biases[-1] + 1, 1)
            self._send(talk, "IVGE")
            row = self._answer(talk, wire.parse_row)
            if row.kind != "IV" or list(row.values[0::2]) != biases:
                raise OutOfStep(f"{self.name}: asked for biases {biases}, got {row.values[:10]}")
        return row.values[-1]

    def scan(self, strip: Strip, time: float) -> tuple[Pixels, wire.Status]:
        """Scan a strip, from its first to its last pixel; nothing can stop it.

        Args:
            strip: What to scan.
            time: That it is expected to take [s].

        Raises:
            OutOfStep: What came is not what was asked for; it is thrown away.
            InstrumentError: The tip is not where the strip ends.
        """
        errors: list[int] = []
        heights: list[int] = []
        with self._talk("SCST", 1.5 * time) as talk:
            self._is_deaf = True
            try:
                self._collect(talk)
                talk.link.send(strip.command(), talk.patience)
                for index in range(strip.columns):
                    errors += self._row(talk, "A", index, strip.rows)
                    heights += self._row(talk, "Z", index, strip.rows)
                self._answer(talk, _done)
            finally:
                self._is_deaf = False
            status = self._status(talk)
            x, y = strip.end
            if abs(status.x - x) > NEAR or abs(status.y - y) > NEAR:
                raise OutOfStep(
                    f"{self.name}: a strip that ends at ({x}, {y}) ended at "
                    f"({status.x}, {status.y}); it is thrown away"
                )
        return Pixels(tuple(errors), tuple(heights)), status

    def shout(self, data: bytes) -> None:
        """Send beside whatever is going on, if there is a line; nobody says that it is heard."""
        link = self._link
        if link is not None and self._line.is_open:
            with contextlib.suppress(InstrumentError):
                link.send(data, Patience(SHOUT_TIME))

    def close(self) -> None:
        """Let go of the line; safe to call twice."""
        self._line.close()

    @contextlib.contextmanager
    def _talk(self, name: str, longer: float = 0.0) -> Iterator[Talk]:
        """Have one's turn to send a command that takes so much longer than an answer [s].

        Raises:
            EmergencyStopped: The tip was withdrawn, and the command could bring it back.
        """
        timeout = self.timeout + longer
        waiting = Patience(timeout)
        while not self._turn.acquire(timeout=SLICE):
            waiting.check(f"another conversation with {self.name} goes on")
        try:
            if self.is_latched and name not in WITHDRAWING:
                raise EmergencyStopped(f"the tip is withdrawn; {name} is not sent before load()")
            with self._line.talk(timeout) as talk:
                yield talk
        finally:
            self._turn.release()


def _done(line: str) -> bool | None:
    return True if line == wire.DONE else None
