"""Clocks: whoever waits, waits on one of these, so that time is a parameter."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol


class Clock(Protocol):
    """Instrument time in seconds, and a way to let it pass."""

    def now(self) -> float:
        """Return the time since the clock was made [s]; it never runs backwards."""

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        """Let instrument time pass, and return early when someone sets the stop flag.

        Args:
            duration: How long to wait [s], not negative.
            stop: A flag that ends the wait at once when set.

        Returns:
            Whether the wait was cut short by the stop flag.
        """


class ScaledClock:
    """A clock that runs faster or slower than the wall clock.

    Args:
        factor: Instrument seconds per second of the wall clock, positive; 1 is real time.
    """

    def __init__(self, factor: float = 1.0) -> None:
        if not 0 < factor < float("inf"):
            raise ValueError(f"a clock's factor must be positive and finite, got {factor}")
        self.factor = factor
        self._start = time.monotonic()

    def now(self) -> float:
        """Return the instrument time since the clock was made [s]."""
        return (time.monotonic() - self._start) * self.factor

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        """Wait for ``duration`` instrument seconds; see `Clock.wait`."""
        _check(duration)
        return (stop or threading.Event()).wait(duration / self.factor)


class RealClock(ScaledClock):
    """The wall clock: one instrument second lasts one second."""

    def __init__(self) -> None:
        super().__init__(1.0)


class InstantClock:
    """A virtual clock: waiting takes no time at all, but instrument time passes exactly.

    With it a night on the microscope is rehearsed in a minute, and a test never sleeps.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()
        self._due: tuple[float, Callable[[], object]] | None = None

    def now(self) -> float:
        """Return the virtual time [s]."""
        with self._lock:
            return self._now

    def set(self, time: float) -> None:
        """Turn the clock to a time [s], also back: a simulation may return to a state."""
        with self._lock:
            self._now = time

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        """Advance the virtual time by ``duration`` [s], unless the stop flag is set already."""
        _check(duration)
        if stop is not None and stop.is_set():
            return True
        with self._lock:
            end = self._now + duration
            due = self._due
            if due is None or end < due[0]:
                self._now = end
                return False
            self._due, self._now = None, max(self._now, due[0])
        due[1]()
        if stop is not None and stop.is_set():
            return True
        with self._lock:
            self._now = end
        return False

    @contextlib.contextmanager
    def calling(self, act: Callable[[], object], after: float) -> Iterator[None]:
        """Have something done within the block, as soon as so much time [s] has passed, once."""
        with self._lock:
            self._due = self._now + after, act
        try:
            yield
        finally:
            with self._lock:
                self._due = None


class ResumedClock:
    """A clock that runs through what has been in no time, then goes on as another one does.

    Args:
        live: How time passes then.
    """

    def __init__(self, live: Clock) -> None:
        self._live = live
        self._past = InstantClock()
        self._is_live = False
        self._ahead = 0.0

    def now(self) -> float:
        """Return the instrument time since the run began [s]."""
        return self._live.now() + self._ahead if self._is_live else self._past.now()

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        """Wait as the other clock does, once it has gone on; see `Clock.wait`."""
        clock = self._live if self._is_live else self._past
        return clock.wait(duration, stop)

    def calling(
        self, act: Callable[[], object], after: float
    ) -> contextlib.AbstractContextManager[None]:
        """Have something done in what has been; see `InstantClock.calling`."""
        return self._past.calling(act, after)

    def go_on(self, time: float) -> None:
        """Go on from an instrument time [s], or from now if that is later."""
        self._ahead = max(time, self._past.now()) - self._live.now()
        self._is_live = True


def _check(duration: float) -> None:
    if not 0 <= duration < float("inf"):
        raise ValueError(f"a wait must be finite and not negative, got {duration} s")
