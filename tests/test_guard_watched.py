"""What the guard reads back, what it looks at meanwhile, and that the tip always goes up."""

import math
from typing import Any

import pytest
from noting import Noting, give

from spm_auto.clock import InstantClock
from spm_auto.errors import (
    ChangedOutside,
    EmergencyStopped,
    Held,
    InstrumentError,
    LimitExceeded,
    NotConfirmed,
    Refused,
    Stopped,
    Unprotected,
)
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Exposure,
    GuardedInstrument,
    Instruction,
    Level,
    Limits,
    Load,
    Mode,
    Permit,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    Severity,
    Spent,
    Watchdog,
)

SCAN = Scan(ScanFrame((0.0, 0.0), (1e-7, 5e-8), (4, 3)))
SPECTRUM = AcquireSpectrum(1e-8, 0.0, BiasWaveform((0.1, 0.2), dwell=0.1))
PULSE = ConditionTip(1e-8, 0.0, bias=2.0)
ALL: tuple[Instruction, ...] = (
    Load("film"),
    SCAN,
    PositionProbe(1e-8, 0.0),
    SPECTRUM,
    AcquireForceCurve(1e-8, 0.0),
    PULSE,
    SetFeedback(bias=0.2),
)
LIMITS = Limits(exposure=Exposure(20e-9, spectra=2), step=200e-9, spectra=5)


def watched(driver: Noting, limits: Limits = LIMITS, **more: Any) -> GuardedInstrument:
    dog = Watchdog(driver, InstantClock())
    return GuardedInstrument(driver, limits, watchdog=dog, **more)


@pytest.fixture
def driver() -> Noting:
    return Noting()


@pytest.fixture
def guarded(driver: Noting) -> GuardedInstrument:
    return watched(driver)


class TestProtection:
    @pytest.fixture
    def alone(self, driver: Noting) -> GuardedInstrument:
        """Give an instrument that nobody sits beside."""
        return watched(driver, permit=Permit(is_autonomous=True))

    def test_confirmed_armed_it_may_run_by_itself(
        self, alone: GuardedInstrument, driver: Noting
    ) -> None:
        for instruction in ALL:
            give(alone, instruction)
        assert driver.given == list(ALL)

    @pytest.mark.parametrize("is_protected", [False, None, 1, math.nan, "yes"])
    def test_whatever_is_not_confirmed_armed_is_not(
        self, alone: GuardedInstrument, driver: Noting, is_protected: object
    ) -> None:
        driver.feel(is_protected=is_protected, protection="SafeTip answers oddly")
        for instruction in ALL[1:]:
            with pytest.raises(Unprotected, match="bench is not armed: SafeTip answers oddly"):
                give(alone, instruction)
        assert driver.given == []

    def test_what_cannot_be_read_is_not_armed(
        self, alone: GuardedInstrument, driver: Noting
    ) -> None:
        driver.vitals_now = Refused("port closed")
        with pytest.raises(Unprotected, match="port closed; nothing may run by itself"):
            alone.position_probe(PositionProbe(0.0, 0.0))
        assert driver.given == []

    def test_an_instrument_without_vitals_is_not_protected(self) -> None:
        driver = Noting(has_vitals=False)
        alone = GuardedInstrument(driver, permit=Permit(is_autonomous=True))
        with pytest.raises(Unprotected, match="does not tell its vitals"):
            alone.acquire_spectrum(SPECTRUM)
        assert driver.given == []

    def test_load_is_what_arms_it_and_is_let_through(
        self, alone: GuardedInstrument, driver: Noting
    ) -> None:
        driver.feel(is_protected=False)
        alone.load(Load())
        assert driver.given == [Load()]

    def test_a_laboratory_may_waive_it(self) -> None:
        driver = Noting(has_vitals=False)
        permit = Permit(is_autonomous=True)
        alone = GuardedInstrument(driver, permit=permit, is_protection_waived=True)
        alone.acquire_spectrum(SPECTRUM)
        assert driver.given == [SPECTRUM]

    def test_with_a_human_beside_it_it_is_not_asked_for(self, driver: Noting) -> None:
        driver.feel(is_protected=False)
        watched(driver).acquire_spectrum(SPECTRUM)
        assert driver.given == [SPECTRUM]


class TestWatching:
    def test_a_crash_before_an_instruction_refuses_it_and_the_tip_is_up(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        driver.feel(signal=1e-6)
        with pytest.raises(EmergencyStopped, match="the tip has touched"):
            guarded.acquire_spectrum(SPECTRUM)
        assert driver.given == ["emergency stop"]
        assert guarded.ledger.spent(1e-8, 0.0) == Spent()

    @pytest.mark.parametrize("instruction", ALL[2:], ids=lambda i: type(i).__name__)
    def test_a_crash_in_an_instruction_ends_it_and_its_result_is_not_given(
        self, guarded: GuardedInstrument, driver: Noting, instruction: Instruction
    ) -> None:
        driver.during = lambda: driver.feel(signal=1e-6)
        with pytest.raises(EmergencyStopped, match="the tip has touched"):
            give(guarded, instruction)
        assert driver.given == [instruction, "emergency stop"]

    def test_a_crash_at_a_line_ends_the_scan_before_the_line_is_given(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        lines = guarded.scan(SCAN)
        assert next(lines).index == 0
        driver.feel(signal=1e-6)
        with pytest.raises(EmergencyStopped, match="the tip has touched"):
            next(lines)
        assert driver.given == [SCAN, "emergency stop"]

    def test_a_crash_that_comes_with_an_error_is_seen_and_the_error_told(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        driver.during = lambda: driver.feel(signal=1e-6)
        driver.fails = InstrumentError("no answer")
        with pytest.raises(InstrumentError, match="no answer"):
            guarded.position_probe(PositionProbe(0.0, 0.0))
        assert driver.given[-1] == "emergency stop"
        with pytest.raises(EmergencyStopped, match="the tip has touched"):
            guarded.position_probe(PositionProbe(0.0, 0.0))

    def test_a_scan_that_the_watchdog_interrupts_says_why(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        dog = guarded.watchdog
        assert dog is not None

        def hold() -> None:
            dog.report("outside", "the bias was changed", Severity.HOLD)
            raise Stopped("interrupted")

        lines = guarded.scan(SCAN)
        next(lines)
        driver.during = hold
        with pytest.raises(Held, match="the bias was changed"):
            next(lines)
        assert driver.given == [SCAN, "interrupt"]

    def test_an_interrupt_by_somebody_else_stays_one(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        driver.fails = Stopped("interrupted")
        with pytest.raises(Stopped, match="interrupted"):
            guarded.position_probe(PositionProbe(0.0, 0.0))

    def test_a_probe_that_did_not_follow_holds_the_instrument_where_it_is(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        driver.slip = 5e-9
        with pytest.raises(InstrumentError, match="m away, allowed 2e-09 m"):
            guarded.position_probe(PositionProbe(0.0, 0.0))
        assert "emergency stop" not in driver.given
        assert guarded.watchdog is not None
        assert guarded.watchdog.trip is not None
        assert guarded.watchdog.trip.cause == "axis"
        with pytest.raises(Held, match="reads back"):
            guarded.acquire_spectrum(SPECTRUM)
        driver.slip = 0.0
        guarded.watchdog.acknowledge("ada")
        guarded.acquire_spectrum(SPECTRUM)

    def test_what_somebody_else_has_changed_holds_it_too(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        driver.fails = ChangedOutside("the bias was 0.5 V, now 1 V")
        with pytest.raises(Held) as held:  # at once: whoever gave it waits, and gives it again
            guarded.position_probe(PositionProbe(0.0, 0.0))
        assert isinstance(held.value.__context__, ChangedOutside)
        driver.fails = None
        with pytest.raises(Held, match=r"the bias was 0\.5 V, now 1 V"):
            guarded.position_probe(PositionProbe(0.0, 0.0))


class TestReadingBack:
    @pytest.mark.parametrize("offset", [2.1e-3, -0.1, math.nan])
    def test_a_bias_that_did_not_follow_is_a_fault(self, driver: Noting, offset: float) -> None:
        driver.offset = offset
        with pytest.raises(InstrumentError, match=r"the bias was set to 0\.2 V but reads back"):
            GuardedInstrument(driver).set_feedback(SetFeedback(bias=0.2))

    def test_a_bias_within_its_accuracy_is_none_and_no_bias_is_not_compared(
        self, driver: Noting
    ) -> None:
        driver.offset = 1.9e-3
        GuardedInstrument(driver).set_feedback(SetFeedback(bias=0.2))
        driver.bias = math.nan
        GuardedInstrument(driver).set_feedback(SetFeedback(setpoint=1e-10))

    @pytest.mark.parametrize(
        ("instruction", "said"),
        [
            (SCAN, r"line 0 with values of shape \(1, 3\) and \(1, 3\)"),
            (SPECTRUM, "a spectrum of 2 points came back with 1"),
            (AcquireForceCurve(0.0, 0.0), "a force curve of 512 points came back with 511"),
        ],
    )
    def test_what_comes_back_with_another_shape_is_a_fault(
        self, driver: Noting, instruction: Instruction, said: str
    ) -> None:
        driver.shortened = 1
        with pytest.raises(InstrumentError, match=said):
            give(GuardedInstrument(driver), instruction)

    def test_a_bias_through_zero_is_refused_from_the_bias_that_reads_back(
        self, driver: Noting
    ) -> None:
        guarded = GuardedInstrument(driver, Limits(least_bias=0.05))
        with pytest.raises(LimitExceeded, match=r"from 0\.5 V the way leads through 0 V"):
            guarded.set_feedback(SetFeedback(bias=-0.5))
        driver.bias = math.nan
        with pytest.raises(LimitExceeded, match="bias read back of nan V"):
            guarded.set_feedback(SetFeedback(bias=0.5))
        assert driver.given == []


class TestStopping:
    def test_the_tip_goes_up_whatever_is_forbidden(self, driver: Noting) -> None:
        guarded = watched(driver, permit=Permit(Level.WATCH, mode=Mode.DRY_RUN))
        guarded.emergency_stop()
        guarded.interrupt()
        assert driver.given == ["emergency stop", "interrupt"]

    def test_a_withdrawal_that_nobody_confirms_is_told_loudly(
        self, driver: Noting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> None:
            raise Refused("busy")

        monkeypatch.setattr(driver, "emergency_stop", refuse)
        with pytest.raises(NotConfirmed, match=r"NOT confirmed.*busy"):
            GuardedInstrument(driver).emergency_stop()
