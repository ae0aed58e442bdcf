"""The guard asks permit, limits, ledger, protection and watchdog; a refusal leaves no trace."""

from collections.abc import Callable
from typing import Any

import pytest
from noting import Noting, give

from spm_auto.clock import InstantClock
from spm_auto.errors import (
    Forbidden,
    Held,
    InstrumentError,
    LimitExceeded,
    Malformed,
    NotArmed,
    NotLoaded,
    SpmError,
    Unprotected,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Exposure,
    GuardedInstrument,
    Instruction,
    Ledger,
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
    vitals_of,
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


@pytest.mark.parametrize("instruction", ALL, ids=lambda i: type(i).__name__)
def test_where_all_is_well_everything_passes(
    guarded: GuardedInstrument, driver: Noting, instruction: Instruction
) -> None:
    give(guarded, instruction)
    assert driver.given == [instruction]


def test_what_it_guards_with_can_be_asked_for(driver: Noting) -> None:
    dog, ledger, permit = Watchdog(driver, InstantClock()), Ledger(), Permit()
    guarded = GuardedInstrument(driver, LIMITS, ledger=ledger, watchdog=dog, permit=permit)
    assert (guarded.ledger, guarded.watchdog, guarded.permit) == (ledger, dog, permit)
    assert guarded.limits.step == 200e-9
    assert guarded.vitals() == vitals_of(guarded) == driver.vitals_now
    alone = GuardedInstrument(driver, LIMITS)
    assert alone.watchdog is None
    assert alone.ledger.exposure == LIMITS.exposure


def test_vitals_that_there_are_none_of_are_not_made_up() -> None:
    with pytest.raises(Unsupported, match="does not tell its vitals"):
        GuardedInstrument(Noting(has_vitals=False)).vitals()


def _forbid(guarded: GuardedInstrument, _: Noting) -> None:
    guarded.permit.change(Level.WATCH)


def _wear_out(guarded: GuardedInstrument, _: Noting) -> None:
    guarded.ledger.replay([SPECTRUM, SPECTRUM])


def _go_far(_: GuardedInstrument, driver: Noting) -> None:
    driver.at = (1e-6, 0.0)


def _disarm(guarded: GuardedInstrument, driver: Noting) -> None:
    guarded.permit.change(is_autonomous=True)
    driver.feel(is_protected=False, protection="SafeTip is off")


def _hold(guarded: GuardedInstrument, driver: Noting) -> None:
    assert guarded.watchdog is not None
    guarded.watchdog.report("axis", "stuck", Severity.HOLD)
    driver.given.clear()


def _rehearse(guarded: GuardedInstrument, _: Noting) -> None:
    guarded.permit.change(mode=Mode.DRY_RUN)


# in the order in which the guard asks
REASONS: list[tuple[Callable[[GuardedInstrument, Noting], None], type[SpmError], str]] = [
    (_forbid, Forbidden, "AcquireSpectrum needs level 2"),
    (_go_far, LimitExceeded, "step of"),
    (_wear_out, LimitExceeded, "spectra within"),
    (_disarm, Unprotected, "SafeTip is off"),
    (_hold, Held, "stuck"),
    (_rehearse, NotArmed, "this is a dry run"),
]


@pytest.mark.parametrize("number", range(len(REASONS)))
def test_each_reason_refuses_and_leaves_no_trace(number: int, driver: Noting) -> None:
    guarded = watched(driver)
    arrange, error, said = REASONS[number]
    arrange(guarded, driver)
    before, count = guarded.ledger.spent(1e-8, 0.0), guarded.ledger.spectra_since_load
    with pytest.raises(error, match=said):
        guarded.acquire_spectrum(SPECTRUM)
    assert driver.given == []
    assert guarded.ledger.spent(1e-8, 0.0) == before
    assert guarded.ledger.spectra_since_load == count


@pytest.mark.parametrize("number", range(len(REASONS) - 1))
def test_of_two_reasons_the_one_that_is_asked_for_first_is_told(number: int) -> None:
    for later in range(number + 1, len(REASONS)):
        driver = Noting()
        guarded = watched(driver)
        for arrange, _, _ in (REASONS[later], REASONS[number]):
            arrange(guarded, driver)
        with pytest.raises(REASONS[number][1], match=REASONS[number][2]):
            guarded.acquire_spectrum(SPECTRUM)


def test_what_is_given_to_the_wrong_door_is_refused(
    guarded: GuardedInstrument, driver: Noting
) -> None:
    with pytest.raises(Malformed, match="expected PositionProbe, got ConditionTip"):
        guarded.position_probe(PULSE)  # type: ignore[arg-type]
    with pytest.raises(Malformed, match="expected Load, got NoneType"):
        guarded.load(None)  # type: ignore[arg-type]
    assert driver.given == []


def test_a_dry_run_checks_everything_and_sends_and_books_nothing(driver: Noting) -> None:
    permit = Permit(mode=Mode.DRY_RUN, needs_confirmation=True, now=lambda: 0.0)
    guarded = watched(driver, permit=permit)
    permit.confirm("ada", 1, 60.0)
    for instruction in ALL:
        with pytest.raises(NotArmed, match=type(instruction).__name__):
            give(guarded, instruction)
    with pytest.raises(LimitExceeded, match="x of 1 m"):
        guarded.position_probe(PositionProbe(1.0, 0.0))
    assert driver.given == []
    assert guarded.ledger.spent(1e-8, 0.0) == Spent()
    assert permit.confirmed == 1


def test_a_pulse_uses_up_one_confirmation_and_a_refused_one_none(driver: Noting) -> None:
    permit = Permit(needs_confirmation=True, now=lambda: 0.0)
    guarded = watched(driver, permit=permit)
    with pytest.raises(Forbidden, match="0 are left"):
        guarded.condition_tip(PULSE)
    permit.confirm("ada", 1, 60.0)
    with pytest.raises(LimitExceeded):
        guarded.condition_tip(ConditionTip(1.0, 0.0, bias=2.0))
    guarded.condition_tip(PULSE)
    with pytest.raises(Forbidden, match="0 are left"):
        guarded.condition_tip(PULSE)
    assert driver.given == [PULSE]


def test_a_plan_may_be_checked_beforehand_and_depends_on_nothing_that_changes(
    guarded: GuardedInstrument, driver: Noting
) -> None:
    _go_far(guarded, driver)
    _wear_out(guarded, driver)
    _hold(guarded, driver)
    _rehearse(guarded, driver)
    for instruction in ALL:
        guarded.check(instruction)
    guarded.permit.change(Level.SCAN)
    with pytest.raises(Forbidden):
        guarded.check(SPECTRUM)


class TestBooking:
    def test_what_was_begun_counts_also_when_it_fails(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        driver.fails = InstrumentError("the lock-in is off")
        with pytest.raises(InstrumentError, match="lock-in"):
            guarded.acquire_spectrum(SPECTRUM)
        assert guarded.ledger.spent(1e-8, 0.0).spectra == 1

    @pytest.mark.parametrize(
        "refusal",
        [Unsupported("no"), NotLoaded("no"), LimitExceeded("x", 1.0, (0.0, 0.5), "m")],
    )
    def test_what_the_instrument_itself_refuses_does_not(
        self, guarded: GuardedInstrument, driver: Noting, refusal: SpmError
    ) -> None:
        driver.fails = refusal
        with pytest.raises(type(refusal)):
            guarded.acquire_spectrum(SPECTRUM)
        assert guarded.ledger.spent(1e-8, 0.0) == Spent()
        assert guarded.ledger.spectra_since_load == 0

    def test_an_agent_that_asks_for_one_point_for_ever_is_refused(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        guarded.acquire_spectrum(SPECTRUM)
        guarded.acquire_spectrum(SPECTRUM)
        for _ in range(3):
            with pytest.raises(LimitExceeded, match=r"spectra within 20 nm of \(10 nm, 0 m\) of 3"):
                guarded.acquire_spectrum(SPECTRUM)
        assert driver.given == [SPECTRUM, SPECTRUM]

    def test_another_sample_is_a_new_page_only_once_it_is_loaded(
        self, guarded: GuardedInstrument, driver: Noting
    ) -> None:
        guarded.load(Load("film"))
        guarded.acquire_spectrum(SPECTRUM)
        driver.fails = InstrumentError("no approach")
        with pytest.raises(InstrumentError, match="no approach"):
            guarded.load(Load("crystal"))
        assert guarded.ledger.spent(1e-8, 0.0).spectra == 1
        driver.fails = None
        guarded.load(Load("crystal"))
        assert guarded.ledger.spent(1e-8, 0.0) == Spent()

    def test_the_spectra_of_a_load_are_counted_anew_after_the_next_one(
        self, driver: Noting
    ) -> None:
        guarded = GuardedInstrument(driver, Limits(spectra=1))
        for _ in range(2):
            guarded.load(Load())
            guarded.acquire_spectrum(SPECTRUM)
            with pytest.raises(LimitExceeded, match=r"spectra of 2 is outside 0 to 1 \(since the"):
                guarded.acquire_spectrum(SPECTRUM)
