"""Watchdog: looks at the vitals of an instrument, and withdraws the tip before it says why."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..clock import Clock
from .protocol import Instrument


class Severity(StrEnum):
    """What a watchdog does about it: hold the tip where it is, or withdraw it."""

    HOLD = "hold"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Trip:
    """Why a watchdog acted; it stays until a human acknowledges it.

    Attributes:
        cause: For programs: "crash", "unreadable", "stale", "feedback", "axis", "outside", "guard".
        message: In words, with figures.
        severity: What was done about it.
        time: Instrument time of the reading that it was seen in [s].
        is_confirmed: Whether the instrument confirmed that the tip is up; true where only held.
    """

    cause: str
    message: str
    severity: Severity
    time: float
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How closely a watchdog looks.

    Attributes:
        period: Between two looks [s].
        missed: How many looks may give nothing before that counts as tripped.
        threshold: Of the signal, in its unit; None takes the instrument's own.
    """

    period: float = 0.02
    missed: int = 3
    threshold: float | None = None


class Watchdog:
    """Second line of defence, after the controller's own guard.

    Args:
        instrument: What is looked at; its `emergency_stop` withdraws the tip.
        clock: Instrument time.
        settings: How closely.
        tell: Called with each trip, after the tip was ordered up; must not raise.
    """

    def __init__(
        self,
        instrument: Instrument,
        clock: Clock,
        settings: WatchSettings | None = None,
        tell: Callable[[Trip], None] = lambda _: None,
    ) -> None:
        raise NotImplementedError

    @property
    def trip(self) -> Trip | None:
        """What it has seen and nobody has acknowledged; None when all is well."""
        raise NotImplementedError

    def look(self) -> Trip | None:
        """Look once, and act; any thread. Returns what stands unacknowledged."""
        raise NotImplementedError

    def report(self, cause: str, message: str, severity: Severity) -> None:
        """Trip on what somebody else has seen, such as the guard a stuck axis."""
        raise NotImplementedError

    def acknowledge(self, who: str) -> Trip | None:
        """Let go on, as a human has seen it; returns what was acknowledged."""
        raise NotImplementedError
