"""Watchdog: what it finds bad, that it acts before it speaks, and that nothing missing is good."""

import math
import threading

import pytest
from felt import WELL, Felt

from spm_auto.clock import InstantClock
from spm_auto.errors import (
    ConnectionLost,
    EmergencyStopped,
    Held,
    NoReply,
    NotAcknowledged,
    NotConfirmed,
)
from spm_auto.instrument import (
    Capabilities,
    InstrumentState,
    Load,
    PositionProbe,
    Severity,
    Trip,
    Watchdog,
    WatchSettings,
)

MOVE = PositionProbe(0.0, 0.0)


class Bench:
    """A watchdog, what it looks at, its clock, and all that happened in order."""

    def __init__(self, **settings: object) -> None:
        self.clock = InstantClock()
        self.microscope = Felt(self.clock.now)
        self.told: list[Trip] = []
        self.dog = Watchdog(
            self.microscope,
            self.clock,
            WatchSettings(**settings),  # type: ignore[arg-type]
            self._tell,
        )

    def _tell(self, trip: Trip) -> None:
        self.told.append(trip)
        self.microscope.calls.append("told")

    def look(self, times: int = 1, apart: float = 0.02) -> Trip | None:
        for _ in range(times):
            self.clock.wait(apart)
            trip = self.dog.look()
        return trip


def test_a_microscope_that_is_well_never_trips() -> None:
    bench = Bench()
    assert bench.look(1000) is None
    assert bench.microscope.calls == []
    bench.dog.check(MOVE)


@pytest.mark.parametrize("signal", [5.1e-8, 1.0, math.inf])
def test_a_signal_above_the_threshold_withdraws_before_it_is_told(signal: float) -> None:
    bench = Bench()
    bench.microscope.feel(signal=signal)
    trip = bench.look()
    assert bench.microscope.calls == ["emergency stop", "told"]
    assert trip is not None
    assert (trip.cause, trip.severity, trip.is_confirmed) == ("crash", Severity.WITHDRAW, True)
    assert "above 50 nA" in trip.message
    assert bench.told == [trip]


def test_the_lab_files_threshold_stands_before_the_instruments_own() -> None:
    bench = Bench(threshold=1e-9)
    bench.microscope.feel(signal=2e-9)
    trip = bench.look()
    assert trip is not None
    assert trip.message == "the tip has touched: 2 nA, above 1 nA"


MISSING = [
    WELL.__class__(0.0, math.nan, "A", 5e-8, 0.0, (-5e-7, 5e-7), True, 0.0),
    WELL.__class__(0.0, 1e-10, "A", math.nan, 0.0, (-5e-7, 5e-7), True, 0.0),
    WELL.__class__(0.0, 1e-10, "A", 5e-8, math.nan, (-5e-7, 5e-7), True, 0.0),
    WELL.__class__(0.0, 1e-10, "A", 5e-8, 0.0, (math.nan, 5e-7), True, 0.0),
    WELL.__class__(0.0, 1e-10, "A", 5e-8, 0.0, (-5e-7, 5e-7), True, math.nan),
    WELL.__class__(math.nan, 1e-10, "A", 5e-8, 0.0, (-5e-7, 5e-7), True, 0.0),
    NoReply("no answer within 0.2 s"),
    ConnectionLost("the wire is cut"),
    OSError("no route to host"),
    ValueError("a fault of the driver"),
]


@pytest.mark.parametrize("reading", MISSING, ids=str)
def test_what_cannot_be_read_is_missed_and_three_in_a_row_withdraw(reading) -> None:
    bench = Bench()
    bench.microscope.vitals_now = reading
    assert bench.look(2) is None
    assert bench.microscope.calls == []
    trip = bench.look()
    assert bench.microscope.calls == ["emergency stop", "told"]
    assert trip is not None
    assert trip.cause == "unreadable"
    assert "3 times in a row" in trip.message


def test_a_good_reading_between_two_misses_begins_the_count_anew() -> None:
    bench = Bench()
    for _ in range(5):
        bench.microscope.vitals_now = NoReply("no answer")
        bench.look(2)
        bench.microscope.feel()
        assert bench.look() is None


def test_an_instrument_without_a_z_of_its_own_is_watched_all_the_same() -> None:
    bench = Bench()
    bench.microscope.feel(z=math.nan, z_range=(-math.inf, math.inf))
    assert bench.look(10) is None
    bench.microscope.feel(z=math.nan, z_range=(-math.inf, math.inf), signal=1e-6)
    assert bench.look() is not None


def test_a_reading_that_is_too_old_withdraws_at_once() -> None:
    bench = Bench(period=0.1, missed=3)
    bench.microscope.feel(time=-0.29)
    assert bench.look() is None
    bench.microscope.feel(time=-0.31)
    trip = bench.look()
    assert trip is not None
    assert (trip.cause, trip.message) == ("stale", "the vitals are 0.31 s old, allowed 0.3 s")


@pytest.mark.parametrize("z", [-5e-7, -4.95e-7, 4.95e-7, 5e-7, 1.0])
def test_z_at_an_end_of_its_range_withdraws(z: float) -> None:
    bench = Bench()
    bench.microscope.feel(z=z)
    trip = bench.look()
    assert trip is not None
    assert trip.cause == "feedback"
    assert "at the end of -500 nm to 500 nm" in trip.message


def test_z_at_an_end_of_its_range_is_meant_while_the_loop_is_off() -> None:
    bench = Bench()
    bench.microscope.feel(z=5e-7, is_feedback_on=False, error=math.nan)
    assert bench.look(10) is None


def test_a_loop_that_does_not_reach_its_set_point_withdraws_once_it_had_its_time() -> None:
    bench = Bench(error=0.5, settle=1.0)
    bench.microscope.feel(error=-0.7)
    assert bench.look(10, apart=0.1) is None
    trip = bench.look(2, apart=0.1)
    assert trip is not None
    assert trip.cause == "feedback"
    assert "off its set-point by -70 %" in trip.message


def test_a_loop_that_comes_back_in_time_is_no_fault() -> None:
    bench = Bench(error=0.5, settle=1.0)
    for _ in range(10):
        bench.microscope.feel(error=3.0)
        bench.look(9, apart=0.1)
        bench.microscope.feel(error=0.1)
        assert bench.look(1, apart=0.1) is None


def test_the_controllers_own_guard_that_has_acted_latches_and_the_tip_is_ordered_up_again() -> None:
    bench = Bench()
    bench.microscope.feel(has_tripped=True, is_engaged=False)
    trip = bench.look()
    assert trip is not None
    assert (trip.cause, trip.severity) == ("guard", Severity.WITHDRAW)
    assert bench.microscope.calls == ["emergency stop", "told"]


def test_a_protection_that_is_lost_holds_the_tip_where_it_is() -> None:
    bench = Bench()
    bench.look()
    bench.microscope.feel(is_protected=False, protection="SafeTip is off")
    trip = bench.look()
    assert trip is not None
    assert (trip.cause, trip.severity, trip.is_confirmed) == ("guard", Severity.HOLD, True)
    assert "SafeTip is off" in trip.message
    assert bench.microscope.calls == ["interrupt", "told"]
    with pytest.raises(Held, match="SafeTip is off"):
        bench.dog.check(MOVE)
    with pytest.raises(Held):
        bench.dog.check(Load())


def test_a_microscope_that_never_was_protected_does_not_lose_it() -> None:
    bench = Bench()
    bench.microscope.feel(is_protected=False)
    assert bench.look(10) is None
    bench.dog.check(MOVE)


@pytest.mark.parametrize(
    "state", [InstrumentState.EMPTY, InstrumentState.LATCHED, InstrumentState.CLOSED]
)
def test_where_no_tip_is_at_the_sample_nothing_trips(state: InstrumentState) -> None:
    bench = Bench()
    bench.microscope.state = state
    bench.microscope.vitals_now = NoReply("no answer")
    assert bench.look(10) is None
    bench.microscope.feel(signal=1.0, z=5e-7, is_engaged=False)
    assert bench.look(10) is None
    bench.microscope.feel(time=-100.0)
    assert bench.look(10) is None


def test_misses_at_rest_count_as_soon_as_the_tip_is_at_the_sample() -> None:
    bench = Bench()
    bench.microscope.state = InstrumentState.EMPTY
    bench.microscope.vitals_now = NoReply("no answer")
    bench.look(10)
    bench.microscope.state = InstrumentState.READY
    assert bench.look() is not None


@pytest.mark.parametrize("error", [None, ConnectionLost("cut"), RuntimeError("a fault")])
def test_an_instrument_that_is_lost_is_withdrawn(error: Exception | None) -> None:
    bench = Bench()
    bench.microscope.state = InstrumentState.LOST
    bench.microscope.status_error = error
    bench.microscope.vitals_now = ConnectionLost("cut")
    trip = bench.look(3)
    assert trip is not None
    assert trip.severity is Severity.WITHDRAW


def test_everything_is_refused_until_it_is_acknowledged_and_a_load_is_too() -> None:
    bench = Bench()
    bench.microscope.feel(signal=1e-6)
    bench.look()
    with pytest.raises(EmergencyStopped, match="1 uA, above 50 nA; it must be acknowledged"):
        bench.dog.check(MOVE)
    with pytest.raises(NotAcknowledged, match="a human must acknowledge"):
        bench.dog.check(Load())
    with pytest.raises(ValueError, match="say who"):
        bench.dog.acknowledge(" ")
    assert bench.dog.acknowledge("Ada") == bench.told[0]
    assert bench.dog.trip is None
    bench.dog.check(Load())
    assert bench.dog.acknowledge("Ada") is None


def test_a_trip_is_told_once_however_often_one_looks() -> None:
    bench = Bench()
    bench.microscope.feel(signal=1e-6)
    bench.look(50)
    assert len(bench.told) == 1
    assert bench.microscope.calls == ["emergency stop", "told"]


def test_a_withdrawal_that_is_not_confirmed_is_part_of_what_is_told() -> None:
    bench = Bench()
    bench.microscope.feel(signal=1e-6)
    bench.microscope.stopping = [NotConfirmed("z is stuck")] * 3
    trip = bench.look()
    assert trip is not None
    assert not trip.is_confirmed
    assert "NOT confirmed; try 1: z is stuck; try 2" in trip.message
    with pytest.raises(NotAcknowledged):
        bench.dog.check(Load())


def test_what_others_report_trips_too_and_withdrawing_goes_before_holding() -> None:
    bench = Bench()
    bench.dog.report("outside", "changed outside: bias 0.5 V -> 1 V", Severity.HOLD)
    with pytest.raises(Held, match="changed outside: bias"):
        bench.dog.check(MOVE)
    bench.dog.report("axis", "x does not follow", Severity.HOLD)
    assert [trip.cause for trip in bench.told] == ["outside"]
    bench.dog.report("axis", "x does not follow", Severity.WITHDRAW)
    assert [trip.cause for trip in bench.told] == ["outside", "axis"]
    bench.dog.report("outside", "changed again", Severity.HOLD)
    assert bench.dog.trip is not None
    assert bench.dog.trip.cause == "axis"


def test_a_tip_that_is_held_is_watched_on() -> None:
    bench = Bench()
    bench.dog.report("outside", "bias 0.5 V -> 1 V", Severity.HOLD)
    bench.microscope.feel(signal=1e-6)
    trip = bench.look()
    assert trip is not None
    assert trip.cause == "crash"
    assert bench.microscope.calls == ["interrupt", "told", "emergency stop", "told"]


class Blind(Felt):
    """Has no vitals."""

    @property
    def capabilities(self) -> Capabilities:
        has = super().capabilities
        return Capabilities(
            "blind", has.image_channels, has.spectrum_channels, has.x_range, has.y_range,
            has.bias_range, has.position_accuracy, True,
        )  # fmt: skip


def test_an_instrument_without_vitals_is_not_watched_but_reports_count() -> None:
    microscope = Blind()
    dog = Watchdog(microscope, InstantClock())
    assert not dog.is_watching
    assert dog.look() is None
    dog.report("axis", "x does not follow", Severity.HOLD)
    assert dog.look() is not None


class Waiting(Felt):
    """Answers, or withdraws, when a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def vitals(self):
        self.begun.set()
        assert self.go_on.wait(10)
        return super().vitals()

    def emergency_stop(self) -> None:
        self.begun.set()
        assert self.go_on.wait(10)
        super().emergency_stop()


def test_a_look_never_waits_for_another_one() -> None:
    microscope = Waiting()
    dog = Watchdog(microscope, InstantClock())
    other = threading.Thread(target=dog.look)
    other.start()
    assert microscope.begun.wait(10)
    assert dog.look() is None  # it comes back while the other one reads
    assert not microscope.go_on.is_set()
    microscope.go_on.set()
    other.join(10)


def test_while_the_tip_is_on_its_way_up_nobody_looks_and_nothing_is_let_through() -> None:
    microscope = Waiting()
    dog = Watchdog(microscope, InstantClock())
    other = threading.Thread(target=dog.report, args=("axis", "stuck", Severity.WITHDRAW))
    other.start()
    assert microscope.begun.wait(10)
    assert dog.look() is None
    with pytest.raises(NotAcknowledged, match="on its way up"):
        dog.check(Load())
    with pytest.raises(EmergencyStopped):
        dog.check(MOVE)
    microscope.go_on.set()
    other.join(10)
    assert dog.trip is not None


@pytest.mark.parametrize("setting", ["period", "error", "settle", "threshold"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_settings_that_would_watch_nothing_are_refused(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"watchdog's {setting} must be positive"):
        WatchSettings(**{setting: value})  # type: ignore[arg-type]


def test_a_watchdog_that_may_miss_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="misses one look"):
        WatchSettings(missed=0)


def test_nothing_is_begun_before_somebody_can_say_how_the_tip_is() -> None:
    bench = Bench(patience=1.0)
    bench.microscope.feel(signal=math.nan)
    bench.look()
    began = bench.clock.now()
    with pytest.raises(EmergencyStopped, match="could not be read"):
        bench.dog.check(MOVE)
    assert 0.9 <= bench.clock.now() - began <= 1.1


def test_a_link_that_is_away_for_a_moment_costs_nothing() -> None:
    bench = Bench(patience=1.0)
    bench.microscope.feel(signal=math.nan)
    assert bench.look(45) is None
    bench.microscope.feel(signal=1e-10)
    assert bench.look(100) is None
    bench.dog.check(MOVE)
    assert bench.microscope.calls == []
