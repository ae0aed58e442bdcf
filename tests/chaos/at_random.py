"""Random sequences of what may happen to a guarded microscope, with what must hold as oracle."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from spm_auto.clock import InstantClock
from spm_auto.errors import (
    Forbidden,
    Held,
    InstrumentError,
    LimitExceeded,
    NotAcknowledged,
    NotConfirmed,
    NotOwner,
    SpmError,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    ConditionTip,
    GuardedInstrument,
    Instruction,
    InstrumentState,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanLine,
    SetFeedback,
    Severity,
    Spectrum,
    Status,
    Trip,
    Vitals,
    Watchdog,
    WatchSettings,
)
from spm_auto.server import Due, Lease, Terms
from spm_auto.simulator import SimulatedMicroscope, SimulatorSettings
from spm_auto.simulator.faults import (
    Blind,
    FaultSettings,
    MeddledOutside,
    StuckAxis,
    StuckFeedback,
    TipCrash,
    WithdrawalFails,
)

CLIENTS = ("ada", "bob")
MISSED, PERIOD, RAIL = 3, 0.02, 0.01
REFUSALS = (Forbidden, Held, LimitExceeded, NotAcknowledged, NotOwner, Unsupported)
POINTS = st.sampled_from(
    [
        *((0.0, 0.0), (2e-9, -1e-9), (-3e-9, 3e-9), (1e-9, 1e-9), (-1e-9, 0.0)),
        *((1.0, 0.0), (math.nan, 0.0), (0.0, -math.inf)),
    ]
)
FINITE = POINTS.filter(lambda point: all(map(math.isfinite, point)))  # a frame knows better
ONE_OF_US = st.sampled_from([CLIENTS[0], CLIENTS[0], CLIENTS[0], CLIENTS[1]])
BIASES = st.sampled_from([0.1, -0.2, 0.5, -0.9, 3.0, 1e6, math.nan])
FAULTS = st.one_of(
    st.fixed_dictionaries(
        {
            "at": st.sampled_from([None, 0, 1, 2]),
            "after": st.sampled_from(["0 s", "1 ms", "0.5 s"]),
        }
    ).map(lambda values: (TipCrash, values)),
    st.fixed_dictionaries(
        {
            "how": st.sampled_from(["nan", "stale", "raise"]),
            "looks": st.sampled_from([None, 1, 2, 3, 9]),
        }
    ).map(lambda values: (Blind, values)),
    st.just((StuckFeedback, {})),
    st.sampled_from(["x", "y"]).map(lambda axis: (StuckAxis, {"axis": axis})),
    st.sampled_from(["300 mV", "400 mV"]).map(lambda bias: (MeddledOutside, {"bias": bias})),
    st.sampled_from([1, 2, 4, 9]).map(lambda times: (WithdrawalFails, {"times": times})),
)
SETTINGS = SimulatorSettings.model_validate({"sample": {"kind": "hopg"}, "level": 0})


class Spy:
    """The microscope as the guard has it: sees what arrives, and judges what must have been seen.

    Attributes:
        violations: What must not have happened, in words.
        is_alarmed: Whether something was read that must withdraw the tip, and nobody acknowledged.
        calls: How many calls arrived that move something.
    """

    def __init__(self, microscope: SimulatedMicroscope, clock: InstantClock) -> None:
        self.microscope, self._clock = microscope, clock
        self.violations: list[str] = []
        self.is_alarmed = self.was_ordered_up = False
        self.calls = 0
        self.bad = 0

    @property
    def capabilities(self) -> Capabilities:
        return self.microscope.capabilities

    def status(self) -> Status:
        return self.microscope.status()

    def duration(self, instruction: Instruction) -> float:
        return self.microscope.duration(instruction)

    def vitals(self) -> Vitals:
        """Pass the vitals on, and note by rules of our own what they must lead to."""
        is_engaged = self.microscope.status().is_engaged
        at_rest = self.microscope.status().state is InstrumentState.LATCHED
        try:
            vitals = self.microscope.vitals()
        except InstrumentError:
            self._missed(is_engaged and not at_rest)
            raise
        if any(math.isnan(v) for v in (vitals.signal, vitals.z)):
            self._missed(is_engaged and not at_rest)
            return vitals
        if vitals.time < self._clock.now() - MISSED * PERIOD:
            self.is_alarmed |= is_engaged and not at_rest
            return vitals
        self.bad = 0
        if is_engaged:
            low, high = vitals.z_range
            is_at_rail = math.isfinite(high) and vitals.z >= high - RAIL * (high - low)
            self.is_alarmed |= vitals.signal > vitals.threshold
            self.is_alarmed |= is_at_rail and vitals.is_feedback_on
        return vitals

    def _missed(self, counts: bool) -> None:
        self.bad += 1
        self.is_alarmed |= counts and self.bad >= MISSED

    def _arrives(self, what: str) -> None:
        self.calls += 1
        if self.is_alarmed:
            self.violations.append(f"{what} reached the microscope after an alarm")

    def load(self, instruction: Load) -> None:
        self._arrives("load")
        self.microscope.load(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self._arrives("scan")
        for line in self.microscope.scan(instruction):
            yield line
            self._arrives("line")

    def position_probe(self, instruction: PositionProbe) -> None:
        self._arrives("motion")
        self.microscope.position_probe(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        self._arrives("spectrum")
        return self.microscope.acquire_spectrum(instruction)

    def condition_tip(self, instruction: ConditionTip) -> None:
        self._arrives("pulse")
        self.microscope.condition_tip(instruction)

    def set_feedback(self, instruction: SetFeedback) -> None:
        self._arrives("set-point")
        self.microscope.set_feedback(instruction)

    def interrupt(self) -> None:
        self.microscope.interrupt()

    def emergency_stop(self) -> None:
        self.was_ordered_up = True
        self.microscope.emergency_stop()

    def close(self) -> None:
        self.microscope.close()


class GuardedAtRandom(RuleBasedStateMachine):
    """A microscope behind guard, watchdog and lease, to which everything happens.

    Attributes:
        steps: How many rules were carried out, by all machines.
        happened: What came of it, and how often: trips by their cause, and what was refused.
    """

    steps: ClassVar[int] = 0
    happened: ClassVar[Counter[str]] = Counter()

    def make_watchdog(self, spy: Spy) -> Watchdog:
        """Make the watchdog; machines that plant a fault make a bad one."""
        return Watchdog(spy, self.clock, WatchSettings(period=PERIOD, missed=MISSED), self.told)

    def told(self, trip: Trip) -> None:
        """Count why the watchdog acted."""
        type(self).happened[trip.cause] += 1
        type(self).happened["not confirmed"] += not trip.is_confirmed

    def make_lease(self, now: Callable[[], float]) -> Lease:
        """Make the lease; machines that plant a fault make a bad one."""
        return Lease(Terms(), now)

    @initialize(is_ready=st.booleans())
    def begin(self, is_ready: bool) -> None:
        self.clock, self.seconds = InstantClock(), 0.0
        self.microscope = SETTINGS.open(self.clock, 1)
        self.spy = Spy(self.microscope, self.clock)
        self.watchdog = self.make_watchdog(self.spy)
        self.guard = GuardedInstrument(self.spy, Limits(bias=(-1.0, 1.0)), watchdog=self.watchdog)
        self.lease = self.make_lease(lambda: self.seconds)
        self.tokens: dict[str, str] = dict.fromkeys(CLIENTS, "")
        self.was_engaged = self.is_latched = False
        self.may_engage = False
        if is_ready:
            self.get_ready()

    # what a client does

    def give(self, who: str, instruction: Instruction, lines: int = 99) -> Any:
        """Give an instruction as the owner of a lease, and judge what came of it."""
        type(self).steps += 1
        calls, begun = self.spy.calls, self.microscope._turns.count
        trip, was_latched = self.watchdog.trip, self.is_latched
        before = self.microscope.status()
        result = error = None
        try:
            self.lease.check(self.tokens[who])
            result = self._give(instruction, lines)
        except SpmError as caught:
            error = caught
            is_off = "reads back" in str(error)
            type(self).happened["off" if is_off else type(error).__name__] += 1
        if isinstance(error, REFUSALS) and not isinstance(error.__context__, InstrumentError):
            is_untouched = self.spy.calls == calls and self.microscope._turns.count == begun
            # one that was held while it went on had begun
            assert is_untouched or self.watchdog.trip is not trip, f"{error} was no refusal"
            if is_untouched:
                assert self.microscope.status().position == before.position
        if trip is not None:
            assert isinstance(error, SpmError), f"{instruction} was let through after {trip}"
            assert self.spy.calls == calls, f"{instruction} arrived after {trip}"
        if was_latched and not isinstance(instruction, Load):
            assert error is not None
            assert self.microscope._turns.count == begun, "an instruction began with the tip up"
        if isinstance(instruction, Load) and self.spy.calls > calls:
            self.may_engage = True
        if isinstance(instruction, Load) and error is None:
            self.is_latched = self.spy.was_ordered_up = False
        return result

    def _give(self, instruction: Instruction, lines: int) -> Any:
        match instruction:
            case Load():
                return self.guard.load(instruction)
            case Scan():
                scanning = self.guard.scan(instruction)
                try:
                    return [line for line, _ in zip(scanning, range(lines), strict=False)]
                finally:
                    scanning.close()  # type: ignore[attr-defined]
            case PositionProbe():
                return self.guard.position_probe(instruction)
            case AcquireSpectrum():
                return self.guard.acquire_spectrum(instruction)
            case ConditionTip():
                return self.guard.condition_tip(instruction)
            case SetFeedback():
                return self.guard.set_feedback(instruction)

    @rule(who=ONE_OF_US)
    def load(self, who: str) -> None:
        self.give(who, Load())

    @rule(then=st.booleans())
    def get_ready_again(self, then: bool) -> None:
        self.get_ready()
        if then:
            self.give(CLIENTS[0], PositionProbe(0.0, 0.0))

    @rule()
    def get_ready(self) -> None:
        """Acknowledge what there is, take control if nobody has it, and load."""
        self.acknowledge("the operator")
        self.take(CLIENTS[0])
        self.give(CLIENTS[0], Load())

    @rule(who=ONE_OF_US, point=POINTS)
    def move(self, who: str, point: tuple[float, float]) -> None:
        self.give(who, PositionProbe(*point))

    @rule(who=ONE_OF_US, point=FINITE, lines=st.integers(0, 4))
    def scan(self, who: str, point: tuple[float, float], lines: int) -> None:
        self.give(who, Scan(ScanFrame(point, (2e-9, 1e-9), (4, 3))), lines)

    @rule(who=ONE_OF_US, point=POINTS, bias=BIASES)
    def spectrum(self, who: str, point: tuple[float, float], bias: float) -> None:
        spectrum = self.give(who, AcquireSpectrum(*point, BiasWaveform((0.0, bias))))
        if spectrum is not None:
            at = self.microscope.status().position
            assert (spectrum.x, spectrum.y) == at, "a spectrum from where the probe is not"
            off = math.dist(at, point)
            assert off <= self.guard.capabilities.position_accuracy * (1 + 1e-9)

    @rule(who=ONE_OF_US, bias=BIASES)
    def pulse(self, who: str, bias: float) -> None:
        self.give(who, ConditionTip(0.0, 0.0, bias=bias))

    @rule(who=ONE_OF_US, bias=st.sampled_from([0.05, 0.2, 3.0]))
    def set_bias(self, who: str, bias: float) -> None:
        self.give(who, SetFeedback(bias=bias))

    @rule()
    def withdraw(self) -> None:
        """Withdraw, as anybody may, in any state."""
        type(self).steps += 1
        self.spy.was_ordered_up = False
        is_confirmed = True
        try:
            self.guard.emergency_stop()
        except NotConfirmed:
            is_confirmed = False
            type(self).happened["not confirmed"] += 1
        self.is_latched = True
        assert self.spy.was_ordered_up, "a withdrawal never reached the microscope"
        assert self.microscope.status().state is InstrumentState.LATCHED
        assert self.microscope.status().is_engaged != is_confirmed, "up is not what was said"

    @rule()
    def interrupt(self) -> None:
        type(self).steps += 1
        self.guard.interrupt()

    # what those do who look after it

    @rule(passing=st.sampled_from([0.0, PERIOD, 0.1, 5.0]), times=st.integers(1, 4))
    def look(self, passing: float, times: int) -> None:
        type(self).steps += 1
        for _ in range(times):
            self.clock.wait(passing)
            self.watchdog.look()

    @rule(who=st.sampled_from(["operator", "the next shift"]))
    def acknowledge(self, who: str) -> None:
        type(self).steps += 1
        trip = self.watchdog.acknowledge(who)
        assert self.watchdog.trip is None
        if trip is not None and trip.severity is Severity.WITHDRAW:
            assert self.microscope.status().state is InstrumentState.LATCHED
            self.is_latched = True
        self.spy.is_alarmed, self.spy.bad = False, 0

    @rule(severity=st.sampled_from([*3 * [Severity.HOLD], Severity.WITHDRAW]))
    def report(self, severity: Severity) -> None:
        type(self).steps += 1
        self.watchdog.report("reported", "x does not follow", severity)
        assert self.watchdog.trip is not None, "something was reported, and nothing was done"

    # who has control

    @rule(who=ONE_OF_US)
    def take(self, who: str) -> None:
        type(self).steps += 1
        owner = self.lease.owner
        try:
            self.tokens[who] = self.lease.take(who)
        except NotOwner:
            assert owner, "nobody had it, and it was refused"
        else:
            assert not owner, f"{who} has taken what {owner} had"
            assert self.lease.owner == who

    @rule(who=ONE_OF_US, what=st.sampled_from(["renew", "release"]))
    def keep_or_give_back(self, who: str, what: str) -> None:
        type(self).steps += 1
        is_owner = self.lease.owner == who
        try:
            getattr(self.lease, what)(self.tokens[who])
        except NotOwner:
            assert not is_owner
        else:
            assert is_owner

    @rule(passing=st.sampled_from([1.0, 4.9, 5.1, 31.0]))
    def fall_silent(self, passing: float) -> None:
        """Let time pass, and do what is due then, as a server does."""
        type(self).steps += 1
        self.seconds += passing
        due, _ = self.lease.look()
        if due is Due.HOLD:
            assert not self.lease.owner
            self.guard.interrupt()
        elif due is Due.WITHDRAW:
            self.withdraw()

    # what goes wrong

    def strike(self, kind: type[FaultSettings], **values: Any) -> None:
        """Let a fault strike the next instruction."""
        type(self).steps += 1
        fault = kind(action=self.microscope._turns.count, **values)
        faults = self.microscope._faults
        faults._faults = (*faults._faults, fault)
        faults.dangers._faults = faults._faults

    @rule(fault=FAULTS)
    def something_else_will_go_wrong(
        self, fault: tuple[type[FaultSettings], dict[str, Any]]
    ) -> None:
        self.something_will_go_wrong(fault)

    @rule(fault=FAULTS)
    def something_will_go_wrong(self, fault: tuple[type[FaultSettings], dict[str, Any]]) -> None:
        kind, values = fault
        self.strike(kind, **values)

    # what must hold

    @invariant()
    def nothing_was_seen_that_must_not_happen(self) -> None:
        assert not self.spy.violations, self.spy.violations[0]

    @invariant()
    def what_was_felt_has_withdrawn_the_tip(self) -> None:
        trip = self.watchdog.trip
        if self.spy.is_alarmed:
            assert trip is not None, "something bad was read, and nothing was done about it"
            assert trip.severity is Severity.WITHDRAW, f"only held: {trip}"
            assert self.spy.was_ordered_up
        if trip is not None and trip.severity is Severity.WITHDRAW:
            self.is_latched = True
            assert trip.is_confirmed or "NOT confirmed" in trip.message

    @invariant()
    def the_tip_approaches_by_a_load_only(self) -> None:
        is_engaged = self.microscope.status().is_engaged
        assert self.was_engaged or not is_engaged or self.may_engage, "the tip has approached"
        self.was_engaged, self.may_engage = is_engaged, False

    @invariant()
    def the_status_tells_how_it_is(self) -> None:
        told, is_really = self.guard.status(), self.microscope.status()
        assert told.state == is_really.state
        assert told.is_engaged == is_really.is_engaged
        if self.is_latched:
            assert told.state is InstrumentState.LATCHED
        trip = self.watchdog.trip
        assert told.is_held == (trip is not None and trip.severity is Severity.HOLD)

    @invariant()
    def there_is_one_owner_at_most(self) -> None:
        owners = []
        for who, token in self.tokens.items():
            try:
                self.lease.check(token)
            except NotOwner:
                continue
            owners.append(who)
        assert len(owners) <= 1, f"{owners} all own it"
        assert not owners or owners == [self.lease.owner]
