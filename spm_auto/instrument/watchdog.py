"""Watchdog: looks at the vitals of an instrument, and withdraws the tip before it says why."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..clock import Clock
from ..errors import EmergencyStopped, Held, NoReply, NotAcknowledged, NotConfirmed
from ..units import format as format_quantity
from .instructions import Instruction, Load
from .protocol import Instrument, InstrumentState
from .vitals import Vitals, vitals_of
from .withdrawal import Withdrawal

AT_REST = (InstrumentState.EMPTY, InstrumentState.LATCHED, InstrumentState.CLOSED)
RAIL = 0.01  # share of the z range next to its ends where the tip does not follow the surface


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
        error: Of the z loop, as a share of its set-point, from which it does not hold the tip.
        settle: How long the loop may take to come back from such an error [s].
        unit: Of the threshold; a signal in another one counts as unreadable. Empty for any.
        patience: How long there may be nothing to read, besides, before that counts as tripped [s].
    """

    period: float = 0.02
    missed: int = 3
    threshold: float | None = None
    error: float = 0.5
    settle: float = 1.0
    unit: str = ""
    patience: float = 0.0

    def __post_init__(self) -> None:
        for name, unit in (("period", "s"), ("error", "1"), ("settle", "s"), ("threshold", "")):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"a watchdog's {name} must be positive, got {value} {unit}")
        if self.missed < 1:
            raise ValueError(f"a watchdog misses one look at least, got {self.missed}")
        if not 0 <= self.patience < math.inf:
            raise ValueError(f"a watchdog's patience must not be negative, got {self.patience} s")

    @property
    def oldest(self) -> float:
        """How old a reading may be [s]."""
        return max(self.missed * self.period, self.patience)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look found wrong; put into words only after the tip was ordered up."""

    cause: str
    severity: Severity
    time: float
    say: Callable[[], str]


class Watchdog:
    """Second line of defence, after the controller's own guard; safe from any thread.

    What cannot be read, is no number or is too old counts as bad, never as good. Where no tip is at
    the sample there is nothing to protect, and nothing trips. An instrument that does not tell its
    vitals is not watched, but what others report of it trips all the same.

    Args:
        instrument: What is looked at; its `emergency_stop` withdraws the tip.
        clock: Instrument time.
        settings: How closely.
        tell: Called with each trip, after the tip was ordered up; must not raise.

    Attributes:
        settings: How closely it looks.
        withdrawal: The way up for the tip, for all who want it up.
        is_watching: Whether there are vitals to look at.
    """

    def __init__(
        self,
        instrument: Instrument,
        clock: Clock,
        settings: WatchSettings | None = None,
        tell: Callable[[Trip], None] = lambda _: None,
    ) -> None:
        self._instrument, self._clock, self._told = instrument, clock, [tell]
        self.settings = settings or WatchSettings()
        self.withdrawal = Withdrawal(instrument)
        self.is_watching = instrument.capabilities.has_vitals
        self._turn = threading.Lock()  # of who looks
        self._lock = threading.Lock()  # of what was seen
        self._trip: Trip | None = None
        self._is_acting = False  # the tip is ordered up, and nothing was said yet
        self._missed = 0
        self._missing_since = 0.0
        self._reason = ""  # why the last look gave nothing
        self._off_since: float | None = None  # the z loop is off its set-point [s]
        self._was_protected = False
        self._vitals: Vitals | None = None

    @property
    def vitals(self) -> Vitals | None:
        """What it read last; None before.

        Whoever else wants to know how the tip is takes this: where an instrument tells the largest
        signal since it was asked last, a reading of his own would keep that from the watchdog.
        """
        return self._vitals

    @property
    def trip(self) -> Trip | None:
        """What it has seen and nobody has acknowledged; None when all is well."""
        return self._trip

    def inform(self, tell: Callable[[Trip], None]) -> None:
        """Have somebody else told of each trip from now on, as in `__init__`."""
        self._told.append(tell)

    def look(self) -> Trip | None:
        """Look once, and act; any thread. Returns what stands unacknowledged."""
        trip = self._trip
        is_over = trip is not None and trip.severity is Severity.WITHDRAW
        if not self.is_watching or is_over or self._is_acting or self.withdrawal.is_under_way:
            return trip
        if not self._turn.acquire(blocking=False):  # somebody looks already
            return trip
        try:
            seen = self._look()
            if seen is not None:
                self._act(seen)
        finally:
            self._turn.release()
        return self._trip

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction while something stands unacknowledged; touches nothing.

        Where the last look gave nothing it looks again, for as long as it has patience: nothing is
        begun before somebody can say how the tip is.

        Raises:
            EmergencyStopped: The tip was withdrawn; for `Load` it is `NotAcknowledged`.
            Held: The instrument is held.
            NoReply: Nobody can say how the tip is, which is not at the sample.
        """
        if not isinstance(instruction, Load):
            self._look_again()
        trip = self._trip
        if self._is_acting or (trip is not None and trip.severity is Severity.WITHDRAW):
            why = trip.message if trip is not None else "the tip is on its way up"
            if isinstance(instruction, Load):
                raise NotAcknowledged(
                    f"the watchdog has withdrawn the tip: {why}; a human must acknowledge it "
                    f"before load()"
                )
            raise EmergencyStopped(
                f"the watchdog has withdrawn the tip: {why}; it must be acknowledged, then loaded"
            )
        if trip is not None:
            raise Held(
                f"the watchdog holds the instrument until it is acknowledged: {trip.message}"
            )
        if self._missed and not isinstance(instruction, Load):
            raise NoReply(f"nobody can say how the tip is: {self._reason}; nothing was moved")

    def _look_again(self) -> None:
        end = self._clock.now() + self.settings.oldest + self.settings.period
        while self._missed and self._trip is None and self._clock.now() < end:
            self._clock.wait(self.settings.period)
            self.look()

    def report(self, cause: str, message: str, severity: Severity) -> None:
        """Trip on what somebody else has seen, such as the guard a stuck axis."""
        self._act(_Seen(cause, severity, self._clock.now(), lambda: message))

    def acknowledge(self, who: str) -> Trip | None:
        """Let go on, as a human has seen it; returns what was acknowledged.

        Args:
            who: The human, for the record.

        Raises:
            ValueError: Nobody is named.
        """
        if not who.strip():
            raise ValueError("somebody acknowledges: say who")
        with self._lock:
            trip, self._trip = self._trip, None
            self._missed, self._off_since = 0, None
            self._was_protected = False
            return trip

    def _act(self, seen: _Seen) -> None:
        """Withdraw or interrupt first; then put it into words, let it stand, and tell it."""
        is_confirmed, unconfirmed = False, ""
        withdraws = seen.severity is Severity.WITHDRAW
        if not self._is_news(withdraws):
            return
        try:
            if withdraws:
                self._is_acting = True
                self.withdrawal.order()
            is_confirmed = True
        except NotConfirmed as error:
            unconfirmed = f"; {error}"
        finally:
            said = seen.say() + unconfirmed
            trip = Trip(seen.cause, said, seen.severity, seen.time, is_confirmed)
            with self._lock:
                is_news = self._is_news(withdraws)
                if is_news:
                    self._trip = trip
            if withdraws:
                self._is_acting = False
        if not is_news:  # somebody else was quicker
            return
        if not withdraws:
            self._instrument.interrupt()  # what begins now is refused already
        for tell in self._told:
            tell(trip)

    def _is_news(self, withdraws: bool) -> bool:
        """Whether something graver is to be said than what stands already."""
        trip = self._trip
        return trip is None or (withdraws and trip.severity is Severity.HOLD)

    def _look(self) -> _Seen | None:
        began = self._clock.now()
        try:
            vitals = vitals_of(self._instrument)
        except Exception as error:  # noqa: BLE001 - whatever it is, it was no good reading
            return self._miss(str(error) or type(error).__name__, began)
        if lacking := _lacking(vitals, self.settings):
            return self._miss(lacking, began)
        age, oldest = began - vitals.time, self.settings.oldest
        if age > oldest:
            return self._unless_at_rest(
                "stale", began, lambda: f"the vitals are {age:.3g} s old, allowed {oldest:.3g} s"
            )
        self._missed, self._vitals = 0, vitals
        return self._judge(vitals)

    def _miss(self, why: str, time: float) -> _Seen | None:
        if not self._missed:
            self._missing_since = time
        self._missed, self._reason = self._missed + 1, why
        is_patient = time - self._missing_since < self.settings.patience
        if self._missed < self.settings.missed or is_patient:
            return None
        return self._unless_at_rest(
            "unreadable",
            time,
            lambda: f"the vitals could not be read {self._missed} times in a row: {self._reason}",
        )

    def _unless_at_rest(self, cause: str, time: float, say: Callable[[], str]) -> _Seen | None:
        """Trip, unless the instrument itself says that no tip is at the sample."""
        try:
            status = self._instrument.status()
        except Exception:  # noqa: BLE001 - whoever does not answer may have a tip at the sample
            return _Seen(cause, Severity.WITHDRAW, time, say)
        if status.state in AT_REST or not status.is_engaged:
            return None
        return _Seen(cause, Severity.WITHDRAW, time, say)

    def _judge(self, vitals: Vitals) -> _Seen | None:
        """Judge a reading that is whole and fresh."""
        if vitals.has_tripped:
            return _Seen(
                "guard",
                Severity.WITHDRAW,
                vitals.time,
                lambda: f"the controller's own guard has acted: {vitals.protection}",
            )
        if not vitals.is_engaged:
            self._off_since, self._was_protected = None, False
            return None
        threshold = _threshold(vitals, self.settings)
        if vitals.signal > threshold:
            return _Seen("crash", Severity.WITHDRAW, vitals.time, lambda: _crash(vitals, threshold))
        if vitals.is_feedback_on and _is_at_rail(vitals):
            return _Seen("feedback", Severity.WITHDRAW, vitals.time, lambda: _at_rail(vitals))
        if (off := self._off(vitals)) is not None:
            return _Seen("feedback", Severity.WITHDRAW, vitals.time, off)
        if self._was_protected and not vitals.is_protected:
            return _Seen("guard", Severity.HOLD, vitals.time, lambda: _unprotected(vitals))
        self._was_protected = vitals.is_protected
        return None

    def _off(self, vitals: Vitals) -> Callable[[], str] | None:
        """Note how long the loop is off its set-point; returns the words when it is too long."""
        error = vitals.error
        if not vitals.is_feedback_on or error is None or abs(error) <= self.settings.error:
            self._off_since = None
            return None
        if self._off_since is None:
            self._off_since = vitals.time
        lasting = vitals.time - self._off_since
        if lasting < self.settings.settle:
            return None
        return lambda: (
            f"the z loop is off its set-point by {100 * error:.3g} % for {lasting:.3g} s, "
            f"allowed {100 * self.settings.error:.3g} % for {self.settings.settle:.3g} s"
        )


def _threshold(vitals: Vitals, settings: WatchSettings) -> float:
    return vitals.threshold if settings.threshold is None else settings.threshold


def _lacking(vitals: Vitals, settings: WatchSettings) -> str:
    """Name what could not be read; empty when nothing is missing."""
    needed = {
        "time": vitals.time,
        "signal": vitals.signal,
        "threshold": _threshold(vitals, settings),
    }
    if any(math.isfinite(end) for end in vitals.z_range):
        needed["z"] = vitals.z
    if vitals.is_feedback_on and vitals.error is not None:
        needed["error of the z loop"] = vitals.error
    missing = [name for name, value in needed.items() if math.isnan(value)]
    if any(math.isnan(end) for end in vitals.z_range):
        missing.append("z range")
    if settings.unit and settings.unit != vitals.unit:
        return f"the signal is in {vitals.unit}, its threshold in {settings.unit}"
    return f"no number for {', '.join(missing)}" if missing else ""


def _is_at_rail(vitals: Vitals) -> bool:
    low, high = vitals.z_range
    if not (math.isfinite(low) and math.isfinite(high)):
        return False
    rail = RAIL * (high - low)
    return not low + rail < vitals.z < high - rail


def _crash(vitals: Vitals, threshold: float) -> str:
    said = (format_quantity(value, vitals.unit, 4) for value in (vitals.signal, threshold))
    return "the tip has touched: {}, above {}".format(*said)


def _at_rail(vitals: Vitals) -> str:
    said = (format_quantity(value, "m", 4) for value in (vitals.z, *vitals.z_range))
    return "the tip does not follow the surface: z is {}, at the end of {} to {}".format(*said)


def _unprotected(vitals: Vitals) -> str:
    return f"the controller's own guard of the tip is no longer armed: {vitals.protection or '?'}"
