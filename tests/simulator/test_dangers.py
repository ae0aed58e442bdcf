"""What a simulated tip feels, and the faults that are about it."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from spm_auto.clock import InstantClock
from spm_auto.errors import ChangedOutside, EmergencyStopped, NoReply, NotConfirmed
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)
from spm_auto.simulator import SimulatedMicroscope, SimulatorSettings, Truth, simulate
from spm_auto.simulator.faults import Fault

FRAME = ScanFrame((0.0, 0.0), (1e-8, 1e-8), (8, 4))
HERE = PositionProbe(1e-9, 2e-9)
LOOP = AcquireSpectrum(0.0, 0.0, BiasWaveform.triangle(0.5, points=8))
SAMPLES: dict[str, dict[str, Any]] = {
    "pfm": {"kind": "ferroelectric_film", "size": "200 nm", "cells": 32},
    "stm": {"kind": "hopg"},
    "tapping": {"kind": "polymer_blend"},
    "contact": {"kind": "conducting_grains"},
}


def opened(
    *faults: dict[str, Any], of: str = "stm", level: int = 0
) -> tuple[SimulatedMicroscope, Truth]:
    table: dict[str, Any] = {"kind": "simulator", "sample": {"kind": SAMPLES[of]["kind"]}}
    checked = TypeAdapter(tuple[Fault, ...]).validate_python(faults)
    settings = SimulatorSettings.model_validate({**table, "level": level, "faults": checked})
    return simulate(settings, clock=InstantClock())


def loaded(*faults: dict[str, Any], of: str = "stm") -> SimulatedMicroscope:
    microscope, _ = opened(*faults, of=of)
    microscope.load(Load())
    return microscope


@pytest.mark.parametrize("of", SAMPLES)
@pytest.mark.parametrize("level", [0, 3])
def test_a_tip_that_is_well_feels_less_than_the_threshold_whatever_it_does(
    of: str, level: int
) -> None:
    microscope, _ = opened(of=of, level=level)
    assert not microscope.vitals().is_engaged
    microscope.load(Load())
    felt = [microscope.vitals()]
    for _ in microscope.scan(Scan(FRAME)):
        felt.append(microscope.vitals())
    microscope.acquire_spectrum(LOOP)
    felt.append(microscope.vitals())
    for vitals in felt:
        assert 0 <= vitals.signal < vitals.threshold
        assert vitals.unit in ("A", "N")
        assert vitals.is_engaged
        assert vitals.is_protected
        assert vitals.error == 0
        low, high = vitals.z_range
        assert low < vitals.z < high
    assert [vitals.time for vitals in felt] == sorted(vitals.time for vitals in felt)


def test_the_signal_is_the_largest_current_of_the_last_line() -> None:
    microscope, _ = opened(level=3)
    microscope.load(Load())
    assert microscope.vitals().signal == 100e-12  # what the loop holds
    for line in microscope.scan(Scan(FRAME, channels=("height",))):
        assert line.forward.shape[0] == 1
    assert microscope.vitals().signal > 100e-12


def test_z_is_where_the_last_line_ended() -> None:
    microscope, _ = opened(level=3)
    microscope.load(Load())
    *_, last = microscope.scan(Scan(FRAME, channels=("height",)))
    assert microscope.vitals().z == last.backward[0, 0]


def test_after_a_withdrawal_the_tip_feels_nothing() -> None:
    microscope = loaded()
    microscope.emergency_stop()
    vitals = microscope.vitals()
    assert (vitals.signal, vitals.is_engaged, vitals.is_feedback_on) == (0.0, False, False)
    assert math.isnan(vitals.error)


def test_a_crash_begins_at_its_instant_and_lasts_until_the_tip_is_up() -> None:
    microscope, truth = opened({"kind": "tip_crash", "action": 1, "at": 2, "after": "0.3 s"})
    microscope.load(Load())
    lines = microscope.scan(Scan(FRAME))
    next(lines), next(lines)
    assert truth.crash_began is None
    assert microscope.vitals().signal < microscope.vitals().threshold
    before = microscope.status().time
    next(lines)
    assert truth.crash_began == pytest.approx(before + 0.3)
    vitals = microscope.vitals()
    assert vitals.signal == pytest.approx(10 * vitals.threshold)
    microscope.interrupt()
    assert microscope.vitals().signal > vitals.threshold  # an interrupt does not help
    microscope.emergency_stop()
    assert microscope.vitals().signal == 0
    microscope.load(Load())
    assert microscope.vitals().signal < vitals.threshold


def test_a_crash_may_begin_in_the_middle_of_any_instruction() -> None:
    microscope, truth = opened({"kind": "tip_crash", "action": 1, "after": "1 ms", "factor": 3.0})
    microscope.load(Load())
    began = microscope.status().time
    microscope.position_probe(HERE)
    vitals = microscope.vitals()
    assert vitals.signal == pytest.approx(3 * vitals.threshold)
    assert truth.crash_began == pytest.approx(began + 1e-3)


def test_blind_vitals_have_no_numbers_for_as_many_looks_as_said() -> None:
    microscope = loaded({"kind": "blind", "action": 1, "looks": 2})
    assert math.isfinite(microscope.vitals().signal)
    microscope.position_probe(HERE)
    for _ in range(2):
        vitals = microscope.vitals()
        assert all(math.isnan(v) for v in (vitals.signal, vitals.z, vitals.error))
    assert math.isfinite(microscope.vitals().signal)


def test_blind_vitals_last_until_a_load() -> None:
    microscope = loaded({"kind": "blind", "action": 1, "how": "raise"})
    microscope.position_probe(HERE)
    for _ in range(20):
        with pytest.raises(NoReply):
            microscope.vitals()
    microscope.load(Load())
    assert math.isfinite(microscope.vitals().signal)


def test_stale_vitals_are_as_old_as_the_instruction_in_which_it_began() -> None:
    microscope = loaded({"kind": "blind", "action": 1, "how": "stale"})
    began = microscope.status().time
    list(microscope.scan(Scan(FRAME)))
    assert microscope.vitals().time == began
    assert microscope.status().time > began + 3


def test_a_stuck_feedback_is_at_the_end_of_its_range_until_a_load() -> None:
    microscope = loaded({"kind": "stuck_feedback", "action": 1})
    list(microscope.scan(Scan(FRAME)))
    vitals = microscope.vitals()
    assert vitals.z == vitals.z_range[1] == 500e-9
    assert vitals.error == 1
    for line in microscope.scan(Scan(FRAME, channels=("height",))):
        assert (line.forward == 500e-9).all()
    microscope.load(Load())
    assert microscope.vitals().z == 0


@pytest.mark.parametrize("of", SAMPLES)
def test_what_is_changed_outside_is_refused_once_and_then_taken_as_it_is(of: str) -> None:
    fault = {"kind": "changed_outside", "action": 2, "bias": "1 V", "x": "3 nm"}
    microscope = loaded(fault, of=of)
    microscope.position_probe(HERE)
    with pytest.raises(ChangedOutside, match=r"was changed outside: position .*; bias .* -> 1 V"):
        microscope.position_probe(PositionProbe(0.0, 0.0))
    if SetFeedback not in microscope.capabilities.instructions or of in ("stm", "contact"):
        assert microscope.status().bias == 1
    assert microscope.status().position == (3e-9, 2e-9)
    microscope.position_probe(PositionProbe(0.0, 0.0))
    microscope.acquire_spectrum(LOOP)


def test_a_load_does_not_care_what_was_changed_outside() -> None:
    microscope = loaded({"kind": "changed_outside", "action": 1, "bias": "1 V"})
    microscope.load(Load())
    microscope.position_probe(HERE)


def test_something_must_be_changed_outside() -> None:
    with pytest.raises(ValidationError, match="must be bias, x or y"):
        opened({"kind": "changed_outside", "action": 1})


def test_a_withdrawal_that_fails_latches_and_the_tip_stays_down_and_so_it_says() -> None:
    microscope = loaded({"kind": "withdrawal_fails", "action": 0, "times": 2})
    for _ in range(2):
        with pytest.raises(NotConfirmed, match="does not move"):
            microscope.emergency_stop()
        status = microscope.status()
        assert (status.state, status.is_engaged) == (InstrumentState.LATCHED, True)
        with pytest.raises(EmergencyStopped):
            microscope.position_probe(HERE)
    microscope.emergency_stop()
    assert not microscope.status().is_engaged


def test_a_crash_goes_on_where_the_withdrawal_fails() -> None:
    microscope = loaded(
        {"kind": "tip_crash", "action": 1}, {"kind": "withdrawal_fails", "action": 1}
    )
    microscope.position_probe(HERE)
    for _ in range(5):
        with pytest.raises(NotConfirmed):
            microscope.emergency_stop()
        assert microscope.vitals().signal > microscope.vitals().threshold


def test_a_snapshot_knows_what_the_tip_feels() -> None:
    microscope, truth = opened({"kind": "tip_crash", "action": 1})
    microscope.load(Load())
    well, before = truth.snapshot(), microscope.vitals()
    microscope.position_probe(HERE)
    crashed = truth.snapshot()
    microscope.emergency_stop()
    truth.restore(crashed)
    assert microscope.vitals().signal > before.threshold
    truth.restore(well)
    assert microscope.vitals() == before
