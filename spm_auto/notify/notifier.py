"""Notifier: a thread that tells somebody, while whoever raised the alarm goes on."""

import logging
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .settings import NotifySettings
from .ways import FAILURES, Way, ways

_HOUR = 3600.0  # [s]
_MOST_CAUSES = 32  # that are counted each for itself; all others are counted as one
_MOST_WAITING = 100  # messages
_MOST_LEFT_BEHIND = 4  # deliveries of a way that did not end at their deadline
_LONGEST, _MOST_VALUES = 2000, 50  # characters of a text, values of a message
_GRACE = 1.0  # [s] in which a way may end itself at its deadline

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the messages of a notifier.

    Attributes:
        told: Deliveries that succeeded; a message has one by each way.
        failed: Deliveries that did not.
        left_out: Messages that were too many.
    """

    told: int = 0
    failed: int = 0
    left_out: int = 0


@dataclass(slots=True)
class _Attempt:
    """One delivery by one way."""

    way: Way
    is_done: bool = False
    failure: str = "it ended unexpectedly"


class Notifier:
    """Tells somebody, in a thread of its own; telling never blocks and never raises.

    Args:
        settings: Whom, how, of what.
        about: What all messages bear besides, such as the laboratory.
        now: Tells a time that never jumps [s].
        wall: Tells the time of day [s since 1970].
    """

    def __init__(
        self,
        settings: NotifySettings,
        about: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._now, self._wall = settings, now, wall
        self._about = {**(about or {}), "computer": socket.gethostname()}
        self._ways = ways(settings)
        self._condition = threading.Condition()
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._left_behind: list[_Attempt] = []
        self._times: dict[str, deque[float]] = {}
        self._told = self._failed = self._left_out = self._since = 0
        self._is_closed = not self._ways
        self._thread = threading.Thread(target=self._work, name="notifier", daemon=True)
        if self._ways:
            self._thread.start()

    @property
    def counts(self) -> Counts:
        """What became of the messages so far."""
        with self._condition:
            return Counts(self._told, self._failed, self._left_out)

    def tell(self, cause: str, message: str, values: Mapping[str, object] | None = None) -> None:
        """Tell of something, soon; any thread.

        Args:
            cause: For programs: "crash", "stale", ...
            message: In words.
            values: Figures.
        """
        if not self._ways or (self._settings.causes and cause not in self._settings.causes):
            return
        with self._condition:
            if not self._may_tell(cause):
                self._left_out += 1
                self._since += 1
                return
            time_of_day = datetime.fromtimestamp(self._wall(), UTC)
            self._waiting.append(
                {
                    **self._about,
                    "time": time_of_day.isoformat(timespec="seconds"),
                    "cause": cause,
                    "message": message[:_LONGEST],
                    "values": _plain(values or {}),
                    "left_out": self._since,
                }
            )
            self._since = 0
            self._condition.notify_all()

    def close(self, timeout: float = 15.0) -> bool:
        """Deliver what waits, and end; says whether that was done in time.

        Args:
            timeout: How long this may take [s].
        """
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
        if not self._ways:
            return True
        self._thread.join(timeout)
        with self._condition:
            if not self._thread.is_alive():
                return True
            _log.warning("ended before all was told; %d messages waited", len(self._waiting))
            self._left_out += len(self._waiting)
            self._waiting.clear()
            return False

    def _may_tell(self, cause: str) -> bool:
        if self._is_closed or len(self._waiting) >= _MOST_WAITING:
            return False
        known = cause if cause in self._times or len(self._times) < _MOST_CAUSES else ""
        times = self._times.setdefault(known, deque(maxlen=self._settings.at_most))
        now = self._now()
        if len(times) == times.maxlen and now - times[0] < _HOUR:
            return False
        times.append(now)
        return True

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                message = self._waiting.popleft()
            self._deliver(message)

    def _deliver(self, message: Mapping[str, Any]) -> None:
        """Go all ways at once, so that one which hangs holds up no other."""
        attempts = [_Attempt(way) for way in self._ways]
        for attempt in attempts:
            self._begin(attempt, message)
        deadline = self._settings.deadline + _GRACE
        with self._condition:
            self._condition.wait_for(lambda: all(each.is_done for each in attempts), deadline)
            for attempt in attempts:
                if not attempt.is_done:
                    self._left_behind.append(attempt)
                    attempt.failure = f"not done within {self._settings.deadline:g} s"
                if attempt.failure:
                    self._failed += 1
                    _log.warning("%s: could not tell: %s", attempt.way.name, attempt.failure)
                else:
                    self._told += 1

    def _begin(self, attempt: _Attempt, message: Mapping[str, Any]) -> None:
        with self._condition:
            self._left_behind = [each for each in self._left_behind if not each.is_done]
            hanging = sum(each.way is attempt.way for each in self._left_behind)
            if hanging >= _MOST_LEFT_BEHIND:
                attempt.is_done, attempt.failure = True, f"{hanging} earlier ones hang"
                return
        name = f"notifier: {attempt.way.name}"
        threading.Thread(target=self._go, args=(attempt, message), name=name, daemon=True).start()

    def _go(self, attempt: _Attempt, message: Mapping[str, Any]) -> None:
        failure = attempt.failure
        try:
            attempt.way.deliver(message)
            failure = ""
        except FAILURES as error:
            failure = f"{type(error).__name__}: {error}"
        finally:
            with self._condition:
                attempt.is_done, attempt.failure = True, failure
                self._condition.notify_all()


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    """Return values as JSON has them: no NaN, no infinity, nothing of ours, not too much."""
    return {str(key): _value(value) for key, value in list(values.items())[:_MOST_VALUES]}


def _value(value: object) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)[:_LONGEST]
