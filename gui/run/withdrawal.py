"""Withdrawal: has the tip withdrawn, over lines that nothing else uses. It knows no Qt."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from spm_auto.errors import AccessError, ConnectionLost, SpmError

from .doors import EVERY, NoServer, OpenDoor, Prepared, Seen, ear_door, press_ctrl_c, server_door_of
from .link import Connect, call_run, unforeseen

IN_TIME = 0.2  # [s] within which a withdrawal is confirmed where all is well
PERSISTENCE = 3.0  # [s] for which somebody who cannot be reached is called again and again
HARD_PATIENCE = 0.5  # [s] for the hard path to be confirmed before the process is signalled
CALM = 1.0  # [s] after a confirmation in which nothing more is ordered
INSISTS = 1.0  # [s] after which what is not confirmed is ordered again
LAST = 1.0  # [s] at most that a window waits for a confirmation before it closes
_CALL_AGAIN, _LOOK_AGAIN = 0.1, 0.01  # [s]
_MOST_AGAIN = 10
_BY_HAND = "use the controller's own button"


class Stage(Enum):
    """Where a withdrawal stands."""

    READY = auto()
    NOTHING = auto()  # there is nothing to withdraw from
    WITHDRAWING = auto()
    LATE = auto()  # not confirmed in time, and not given up either
    CONFIRMED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Said:
    """How a withdrawal stands, in words.

    Attributes:
        stage: Where.
        words: What an operator has to know, in one line.
        detail: More of it; may be empty.
        seconds: How long the confirmation took [s]; NaN without one.
        at: When it was confirmed, by the clock on the wall; empty where it was not.
    """

    stage: Stage
    words: str
    detail: str = ""
    seconds: float = float("nan")
    at: str = ""


@dataclass(slots=True)
class _Attempt:
    """One or more presses, until they are confirmed.

    Attributes:
        start: When it was pressed first, or again after all had failed [s].
        presses: How often.
        pending: How many ways are being tried.
        confirmed: How long the first confirmation took [s]; None without one.
        at: When that was, by the clock on the wall.
        by: Who confirmed.
        faults: Why not, by way.
    """

    start: float
    presses: int = 0
    pending: int = 0
    confirmed: float | None = None
    at: time.struct_time = field(default_factory=time.localtime)
    by: str = ""
    faults: dict[str, str] = field(default_factory=dict)


class Withdrawal:
    """Has the tip withdrawn: by the run, by its server, by signals to its process.

    A press never waits for anything, also not for an earlier one: each has threads and connections
    of its own, which are made beforehand. What is pressed once goes to the run, and to its server
    where the run cannot do it. Pressed again, while nothing was confirmed, it takes the hard path:
    all at once, also the instrument's last resort, and at last the signals that withdraw the tip.

    Args:
        who: Who sits here, for the record.
        connect: Connects to the ear of a run.
        signal: Presses Ctrl-C in a process; returns why it could not, empty where it could.
        every: How often it is looked whether somebody is there [s].
        persistence: How long somebody who cannot be reached is called again and again [s].
    """

    def __init__(
        self,
        who: str,
        connect: Connect = call_run,
        signal: Callable[[Seen], str] = press_ctrl_c,
        every: float = EVERY,
        persistence: float = PERSISTENCE,
    ) -> None:
        self._who, self._connect, self._signal = who, connect, signal
        self._every, self._patience = every, persistence
        self._lock = threading.Lock()
        self._ways: tuple[Prepared, ...] = ()
        self._attempt: _Attempt | None = None
        self._before = ""  # that it was withdrawn before
        self._prefix = ""  # what need not be said to who looks at one run

    def point_at(self, folder: Path | None, server: OpenDoor | None = None) -> None:
        """Say whose tip is meant: of a run's folder, or behind a server; of none without either."""
        for each in self._ways:
            each.close()
        ways = []
        if folder is not None:
            ear = ear_door(folder, self._who, self._connect)
            ways.append(Prepared("the run", ear, self._every))
            ways.append(Prepared("its server", server_door_of(folder), self._every))
        if server is not None:
            ways.append(Prepared("the server", server, self._every))
        with self._lock:
            self._ways, self._attempt = tuple(ways), None
            self._prefix = "" if folder is None else f"{folder}: "
            self._before = ""

    def close(self) -> None:
        """Hang up; safe to call twice. What was just ordered is given time to be confirmed."""
        end = time.monotonic() + LAST
        while self._is_under_way and time.monotonic() < end:
            threading.Event().wait(_LOOK_AGAIN)
        self.point_at(None)

    @property
    def _is_under_way(self) -> bool:
        with self._lock:
            attempt = self._attempt
            return attempt is not None and attempt.confirmed is None and attempt.pending > 0

    def forget(self) -> None:
        """Be ready again after a confirmed withdrawal: the tip is at the sample once more."""
        with self._lock:
            if self._attempt is not None and self._attempt.confirmed is not None:
                self._attempt, self._before = None, ""

    def press(self) -> None:
        """Have the tip withdrawn; returns at once."""
        with self._lock:
            attempt, now = self._attempt, time.monotonic()
            if attempt is not None and attempt.confirmed is not None:
                if now - attempt.start - attempt.confirmed < CALM:
                    return  # in the heat of the moment: it is up
                self._before = f"it was confirmed {time.strftime('at %H:%M:%S', attempt.at)}"
                attempt = None
            if attempt is None:
                attempt = self._attempt = _Attempt(now)
            elif attempt.pending and now - attempt.start < IN_TIME:
                return  # the second half of a double click
            elif not attempt.pending:  # the one before has ended, maybe long ago
                attempt.start = now
            attempt.presses += 1
            is_hard = attempt.presses > 1
            ways = self._ways
            attempt.pending += bool(ways)
        if ways:
            target = self._hard if is_hard else self._soft
            self._in_a_thread(target, attempt, ways)
            self._in_a_thread(self._insist, attempt, ways[0], is_hard)

    @property
    def said(self) -> Said:
        """How it stands; for any thread, and it never waits."""
        with self._lock:
            attempt, ways = self._attempt, self._ways
            if attempt is None:
                return _idle(ways, self._prefix)
            if attempt.confirmed is not None:
                by = f"by {attempt.by}"
                ms = 1e3 * attempt.confirmed
                words = f"WITHDRAWN (confirmed after {ms:.0f} ms)"
                at = time.strftime("%H:%M:%S", attempt.at)
                return Said(Stage.CONFIRMED, words, by, attempt.confirmed, at)
            if not ways:
                return Said(Stage.NOTHING, "no instrument is attached: nothing was withdrawn")
            faults = [f"{w}: {f.removeprefix(self._prefix)}" for w, f in attempt.faults.items()]
            detail = "; ".join(filter(None, (self._before, *faults)))
            path = "the hard path" if attempt.presses > 1 else "press again for the hard path"
            if attempt.pending:
                if time.monotonic() - attempt.start < IN_TIME:
                    return Said(Stage.WITHDRAWING, "withdrawing...", detail)
                return Said(Stage.LATE, f"NOT CONFIRMED YET - {_BY_HAND}; {path}", detail)
            path = "press again for the hard path"
            return Said(Stage.FAILED, f"NOT CONFIRMED - {_BY_HAND}; {path}", detail)

    def _soft(self, attempt: _Attempt, ways: tuple[Prepared, ...]) -> None:
        """Try the way that is ready; the others only where it does not lead up."""
        for way in sorted(ways, key=lambda each: not each.is_ready):
            if self._take(way, attempt, is_hard=False, persistence=self._persistence(way, ways)):
                break
        self._ended(attempt)

    def _persistence(self, way: Prepared, ways: tuple[Prepared, ...]) -> float:
        """Return how long to call somebody: not at all where nobody was ever seen [s]."""
        others = any(each.is_ready for each in ways if each is not way)
        return 0.0 if others or way is not ways[0] else self._patience

    def _hard(self, attempt: _Attempt, ways: tuple[Prepared, ...]) -> None:
        """Try all ways at once; where nothing is confirmed soon, signal the process."""
        is_up = threading.Event()

        def take(way: Prepared) -> None:
            if self._take(way, attempt, is_hard=True, persistence=self._patience):
                is_up.set()
            self._ended(attempt)

        with self._lock:
            attempt.pending += len(ways)
        for way in ways:
            self._in_a_thread(take, way)
        if not is_up.wait(HARD_PATIENCE):
            self._press_ctrl_c(attempt, ways)
        self._ended(attempt)

    def _insist(self, attempt: _Attempt, way: Prepared, is_hard: bool) -> None:
        """Order it again over new connections while it is not confirmed: answers may get lost."""
        for _ in range(_MOST_AGAIN):
            way.pause(INSISTS)
            with self._lock:
                is_over = attempt.confirmed is not None or not attempt.pending
            if is_over or way.is_closed:
                return
            self._in_a_thread(self._take, way, attempt, is_hard, 0.0)

    def _press_ctrl_c(self, attempt: _Attempt, ways: tuple[Prepared, ...]) -> None:
        seen = next((way.seen for way in ways if way.seen is not None), None)
        if seen is None:
            return
        fault = self._signal(seen)
        said = fault or f"process {seen.process} was signalled to withdraw; it does not confirm"
        with self._lock:
            attempt.faults["signals"] = said

    def _take(self, way: Prepared, attempt: _Attempt, is_hard: bool, persistence: float) -> bool:
        """Go one way, and return whether the tip is up."""
        end = time.monotonic() + persistence
        door = way.take()
        while True:
            try:
                with unforeseen():
                    door = door or way.open()
                    door.withdraw(is_hard)
            except NoServer:
                return False
            except (AccessError, ConnectionLost) as error:
                fault, is_over = str(error), time.monotonic() > end
            except SpmError as error:
                fault, is_over = str(error), True
            else:
                fault, is_over = "", True
            if door is not None:
                door.close()
            door = None
            with self._lock:
                if not fault and attempt.confirmed is None:
                    attempt.confirmed = time.monotonic() - attempt.start
                    attempt.at = time.localtime()
                    attempt.by = way.name
                elif fault:
                    attempt.faults[way.name] = fault
            if is_over or attempt.confirmed is not None:
                return not fault
            threading.Event().wait(_CALL_AGAIN)  # also where the window looks at another run now

    def _ended(self, attempt: _Attempt) -> None:
        with self._lock:
            attempt.pending -= 1

    @staticmethod
    def _in_a_thread(target: Callable[..., object], *what: object) -> None:
        threading.Thread(target=target, args=what, name="withdraw", daemon=True).start()


def _idle(ways: tuple[Prepared, ...], prefix: str) -> Said:
    if any(way.is_ready for way in ways):
        return Said(Stage.READY, "ready")
    detail = next((way.fault for way in ways if way.fault), "")
    if detail:
        said = detail.removeprefix(prefix)
        return Said(Stage.NOTHING, "no instrument can be reached", said)
    return Said(Stage.NOTHING, "no instrument attached")
