"""Exposure: what an area has borne is added up, and what would be too much is refused."""

import math
import threading
from typing import Any

import numpy as np
import pytest

from spm_auto.errors import LimitExceeded
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Exposure,
    Instruction,
    Ledger,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    Spent,
)

RADIUS = 20e-9
SWEEP = BiasWaveform((-1.0, 0.5, 1.5), dwell=0.1, cycles=2)  # 0.6 V s


def spectrum(x: float = 0.0, y: float = 0.0) -> AcquireSpectrum:
    return AcquireSpectrum(x, y, SWEEP)


def filled(exposure: Exposure, *instructions: Instruction) -> Ledger:
    ledger = Ledger(exposure)
    ledger.replay(instructions)
    return ledger


@pytest.mark.parametrize(
    ("instruction", "spent"),
    [
        (spectrum(), Spent(bias_time=0.6, spectra=1)),
        (ConditionTip(0.0, 0.0, bias=-4.0, duration=0.05), Spent(bias_time=0.2, pulses=1)),
        (ConditionTip(0.0, 0.0, depth=1e-9), Spent(taps=1)),
        (AcquireForceCurve(0.0, 0.0), Spent(taps=1)),
        (PositionProbe(0.0, 0.0), Spent()),
        (Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (4, 4))), Spent()),
        (SetFeedback(bias=1.0), Spent()),
    ],
)
def test_each_instruction_costs_what_it_does_to_the_sample(
    instruction: Instruction, spent: Spent
) -> None:
    found = filled(Exposure(RADIUS), instruction).spent(0.0, 0.0)
    assert found.bias_time == pytest.approx(spent.bias_time, rel=1e-12)
    assert (found.spectra, found.pulses, found.taps) == (spent.spectra, spent.pulses, spent.taps)


@pytest.mark.parametrize(
    ("exposure", "before", "asked", "said"),
    [
        (
            Exposure(RADIUS, bias_time=1.0),
            [spectrum(0.0, 15e-9)],
            spectrum(),
            "exposure within 20 nm of (0 m, 0 m) of 1.2 V s is outside 0 to 1 V s "
            "(0.6 of it asked for now)",
        ),
        (
            Exposure(RADIUS, bias_time=0.7),
            [spectrum(100e-9, 0.0)],
            ConditionTip(100e-9, 0.0, bias=4.0, duration=0.1),
            "exposure within 20 nm of (100 nm, 0 m) of 1 V s is outside 0 to 0.7 V s",
        ),
        (
            Exposure(RADIUS, spectra=2),
            [spectrum(), spectrum(20e-9, 0.0)],
            spectrum(),
            "spectra within 20 nm of (0 m, 0 m) of 3 is outside 0 to 2 (1 of it asked for now)",
        ),
        (
            Exposure(RADIUS, pulses=0),
            [],
            ConditionTip(0.0, 0.0, bias=1.0),
            "pulses within 20 nm of (0 m, 0 m) of 1 is outside 0 to 0",
        ),
        (
            Exposure(RADIUS, taps=1),
            [ConditionTip(0.0, 0.0, depth=1e-9)],
            AcquireForceCurve(0.0, 1e-9),
            "taps within 20 nm of (0 m, 1 nm) of 2 is outside 0 to 1",
        ),
    ],
)
def test_what_would_be_too_much_is_refused_with_area_sum_and_budget(
    exposure: Exposure, before: list[Instruction], asked: Instruction, said: str
) -> None:
    ledger = filled(exposure, *before)
    with pytest.raises(LimitExceeded) as refusal:
        ledger.check(asked)
    assert str(refusal.value).startswith(said)


def test_a_check_books_nothing() -> None:
    ledger = Ledger(Exposure(RADIUS, spectra=1))
    ledger.check(spectrum())
    ledger.check(spectrum())
    assert ledger.spent(0.0, 0.0) == Spent()
    ledger.book(spectrum())
    with pytest.raises(LimitExceeded, match="spectra within"):
        ledger.check(spectrum())
    assert ledger.spectra_since_load == 1


def test_what_lies_farther_away_than_the_radius_does_not_count() -> None:
    ledger = filled(Exposure(RADIUS, spectra=1), spectrum())
    ledger.check(spectrum(20.1e-9, 0.0))
    with pytest.raises(LimitExceeded, match="spectra within"):
        ledger.check(spectrum(20e-9, 0.0))  # the rim counts


def test_a_spent_area_can_still_be_given_what_costs_it_nothing() -> None:
    ledger = filled(Exposure(RADIUS, bias_time=0.5, spectra=0, taps=5), spectrum())
    ledger.check(AcquireForceCurve(0.0, 0.0))
    ledger.check(PositionProbe(0.0, 0.0))


def test_a_budget_that_is_met_exactly_is_no_excess_whatever_the_rounding() -> None:
    tenth = AcquireSpectrum(0.0, 0.0, BiasWaveform((0.1,), dwell=1.0))
    ledger = Ledger(Exposure(RADIUS, bias_time=0.3))
    for _ in range(3):  # 0.1 + 0.1 + 0.1 > 0.3 in floats
        ledger.check(tenth)
        ledger.book(tenth)
    with pytest.raises(LimitExceeded, match="exposure within"):
        ledger.check(tenth)


def test_another_sample_is_a_new_page_and_the_same_one_is_not() -> None:
    ledger = filled(Exposure(RADIUS), Load("film"), spectrum(), Load(), Load("film"))
    assert ledger.spent(0.0, 0.0).spectra == 1
    assert ledger.spectra_since_load == 0
    ledger.book(Load("crystal"))
    assert ledger.spent(0.0, 0.0).spectra == 0


def test_a_sample_that_gets_its_name_late_is_not_another_one() -> None:
    ledger = filled(Exposure(RADIUS), Load(), spectrum(), Load("film"))
    assert ledger.spent(0.0, 0.0).spectra == 1


def test_what_the_instrument_has_refused_is_crossed_out() -> None:
    ledger = filled(Exposure(RADIUS), spectrum(), spectrum())
    ledger.strike(PositionProbe(0.0, 0.0))
    assert ledger.spent(0.0, 0.0).spectra == 2
    ledger.strike(spectrum())
    assert ledger.spent(0.0, 0.0) == Spent(bias_time=pytest.approx(0.6), spectra=1)
    assert ledger.spectra_since_load == 1


def test_without_an_area_only_the_spectra_of_a_load_are_counted() -> None:
    ledger = Ledger()
    ledger.replay([Load(), spectrum(), spectrum()])
    ledger.check(spectrum())
    assert ledger.spectra_since_load == 2
    assert ledger.spent(0.0, 0.0) == Spent()


def test_ten_thousand_spectra_are_added_up_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(-1e-6, 1e-6, (10_000, 2))
    ledger = Ledger(Exposure(50e-9, spectra=1000))
    ledger.replay(spectrum(x, y) for x, y in points.tolist())
    for x, y in points[::500].tolist():
        near = int((np.hypot(*(points - (x, y)).T) <= 50e-9).sum())
        assert ledger.spent(x, y).spectra == near
    assert ledger.spectra_since_load == 10_000


def test_bookings_from_several_threads_are_all_there() -> None:
    ledger = Ledger(Exposure(RADIUS))

    def book() -> None:
        for _ in range(300):
            ledger.book(spectrum())

    threads = [threading.Thread(target=book) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.spent(0.0, 0.0).spectra == 1200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"radius": 0.0}, "radius must be positive, got 0.0 m"),
        ({"radius": math.nan}, "radius must be positive"),
        ({"radius": math.inf}, "radius must be positive"),
        ({"bias_time": -1.0}, "bias_time must not be negative, got -1.0 V s"),
        ({"spectra": math.nan}, "spectra must not be negative"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Exposure(**{"radius": RADIUS, **wrong})
