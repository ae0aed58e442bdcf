"""A sample that has moved is measured in the coordinates from before it did."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import InstantClock
from spm_auto.errors import EmergencyStopped, LimitExceeded
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Extended,
    GuardedInstrument,
    Instrument,
    InstrumentState,
    Limits,
    Load,
    NoGoZone,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    ShiftedInstrument,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.simulator import FerroelectricFilmSettings, SimulatorSettings

DX, DY = 37.3e-9, -21.7e-9  # neither is a sum of few powers of two
SWEEP = BiasWaveform((0.0, 1.0), 0.1)
near = st.floats(-9e-7, 9e-7)
shifts = st.floats(-1e-7, 1e-7)


class TestShiftedMicroscope(InstrumentContract):
    @pytest.fixture
    def fresh(self) -> Instrument:
        film = FerroelectricFilmSettings.model_validate(
            {"size": "1 um", "cells": 128, "relaxation_steps": 60}
        )
        microscope = SimulatorSettings(sample=film).open(InstantClock(), seed=1)
        return ShiftedInstrument(microscope, DX, DY)


class TestShiftedAndGuarded(TestShiftedMicroscope):
    """The way it is used: outside the guard."""

    @pytest.fixture
    def instrument(self, fresh: Instrument) -> Iterator[Instrument]:  # type: ignore[override]
        film = FerroelectricFilmSettings.model_validate(
            {"size": "1 um", "cells": 128, "relaxation_steps": 60}
        )
        microscope = SimulatorSettings(sample=film).open(InstantClock(), seed=1)
        shifted = ShiftedInstrument(GuardedInstrument(microscope), DX, DY)
        shifted.load(Load())
        yield shifted
        shifted.close()


def shifted(
    dx: float = DX, dy: float = DY, limits: Limits | None = None
) -> tuple[ShiftedInstrument, OhmicMicroscope]:
    """Return a loaded instrument whose sample has moved, and what stands behind it."""
    microscope = OhmicMicroscope(InstantClock())
    instrument = ShiftedInstrument(GuardedInstrument(microscope, limits), dx, dy)
    instrument.load(Load())
    return instrument, microscope


def test_the_same_place_of_a_sample_that_moved_gives_the_same_result() -> None:
    still, moved = OhmicMicroscope(InstantClock()), OhmicMicroscope(InstantClock())
    moved._best = (still._best[0] + DX, still._best[1] + DY)
    still.load(Load())
    moved.load(Load())
    instrument = ShiftedInstrument(moved, DX, DY)
    frame = ScanFrame((1e-7, 5e-8), (8e-7, 3e-7), (16, 8), 0.3)
    for one, other in zip(still.scan(Scan(frame)), instrument.scan(Scan(frame)), strict=True):
        np.testing.assert_allclose(one.forward, other.forward, rtol=1e-9)
    order = AcquireSpectrum(2e-7, 1e-7, SWEEP)
    one, other = still.acquire_spectrum(order), instrument.acquire_spectrum(order)
    np.testing.assert_allclose(one.data, other.data, rtol=1e-9)
    assert (other.x, other.y) == (2e-7, 1e-7)


@given(x=near, y=near, dx=shifts, dy=shifts)
def test_a_probe_that_is_where_it_was_sent_is_exactly_where_it_was_asked_for(
    x: float, y: float, dx: float, dy: float
) -> None:
    instrument, microscope = shifted(dx, dy)
    instrument.position_probe(PositionProbe(x, y))
    assert microscope.status().position == (x + dx, y + dy)
    assert instrument.status().position == (x, y)
    spectrum = instrument.acquire_spectrum(AcquireSpectrum(y, x, SWEEP))
    assert (spectrum.x, spectrum.y) == instrument.status().position == (y, x)


@given(x=near, y=near, off=st.floats(-1e-9, 1e-9))
def test_how_far_the_probe_is_from_where_it_was_sent_is_kept(
    x: float, y: float, off: float
) -> None:
    instrument, microscope = shifted()
    instrument.position_probe(PositionProbe(x, y))
    microscope._position = (microscope._position[0] + off, microscope._position[1] - off)
    read = instrument.status().position
    assert read[0] - x == pytest.approx(off, abs=1e-20)
    assert read[1] - y == pytest.approx(-off, abs=1e-20)


def test_before_anything_was_asked_for_the_position_is_told_where_it_was_before() -> None:
    instrument, microscope = shifted()
    microscope._position = (1e-7 + DX, 2e-7 + DY)
    assert instrument.status().position == pytest.approx((1e-7, 2e-7), abs=1e-20)


def test_what_was_refused_does_not_change_what_is_read_back() -> None:
    instrument, _ = shifted()
    instrument.position_probe(PositionProbe(1e-7, 2e-7))
    with pytest.raises(LimitExceeded):
        instrument.position_probe(PositionProbe(math.nan, 0.0))
    assert instrument.status().position == (1e-7, 2e-7)


def test_the_reach_is_told_where_the_sample_was_before() -> None:
    instrument, microscope = shifted()
    has = instrument.capabilities
    assert has.x_range == (-1e-6 - DX, 1e-6 - DX)
    assert has.y_range == (-1e-6 - DY, 1e-6 - DY)
    rest = replace(has, x_range=(-1e-6, 1e-6), y_range=(-1e-6, 1e-6))
    assert rest == microscope.capabilities
    for x in has.x_range:
        instrument.position_probe(PositionProbe(x, 0.0))


def test_a_refusal_names_what_was_asked_for_and_what_is_allowed_there() -> None:
    instrument, microscope = shifted(50e-9, 0.0)
    before = microscope.status()
    with pytest.raises(LimitExceeded) as refusal:
        instrument.position_probe(PositionProbe(0.98e-6, 0.0))
    assert str(refusal.value) == "x of 9.8e-07 m is outside -1.05e-06 to 9.5e-07 m"
    with pytest.raises(LimitExceeded) as refusal:
        instrument.scan(Scan(ScanFrame((0.8e-6, 0.0), (4e-7, 1e-7), (8, 4))))
    assert str(refusal.value) == (
        "x of 1e-06 m is outside -1.05e-06 to 9.5e-07 m (a corner of the frame)"
    )
    assert microscope.status() == before


def test_a_bare_instrument_that_refuses_while_it_scans_is_told_in_the_same_way() -> None:
    microscope = OhmicMicroscope(InstantClock())
    microscope.load(Load())
    instrument = ShiftedInstrument(microscope, 50e-9, 0.0)
    with pytest.raises(LimitExceeded, match=r"x of 1e-06 m is outside .* to 9.5e-07 m"):
        list(instrument.scan(Scan(ScanFrame((0.8e-6, 0.0), (4e-7, 1e-7), (8, 4)))))


def test_the_limits_of_the_laboratory_stay_where_they_are() -> None:
    zone = NoGoZone(3e-7, 0.0, 2e-8, "a clamp of the stage")
    instrument, microscope = shifted(50e-9, 0.0, Limits(bias=(-0.5, 0.5), no_go=(zone,)))
    with pytest.raises(LimitExceeded, match="a clamp of the stage"):
        instrument.position_probe(PositionProbe(2.5e-7, 0.0))
    instrument.position_probe(PositionProbe(3e-7, 0.0))
    assert microscope.status().position == pytest.approx((3.5e-7, 0.0))
    with pytest.raises(LimitExceeded, match=r"bias of 1 V is outside -0\.5 to 0\.5 V"):
        instrument.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))


def test_leaving_a_scan_ends_that_of_the_instrument() -> None:
    instrument, microscope = shifted()
    lines = instrument.scan(Scan(ScanFrame((0.0, 0.0), (4e-7, 1e-7), (8, 4))))
    next(lines)
    assert microscope.status().state == InstrumentState.SCANNING
    lines.close()  # type: ignore[attr-defined]
    assert microscope.status().state == InstrumentState.READY


def test_an_emergency_stop_goes_through_whatever_is_shifted() -> None:
    instrument, microscope = shifted()
    instrument.emergency_stop()
    assert microscope.status().state == InstrumentState.LATCHED
    with pytest.raises(EmergencyStopped):
        instrument.position_probe(PositionProbe(0.0, 0.0))


def test_optional_instructions_go_where_the_sample_is() -> None:
    table = {
        "level": 1,
        "sample": {"kind": "stiff_inclusions"},
        "technique": {"kind": "afm", "mode": "contact"},
    }
    microscope = SimulatorSettings.model_validate(table).open(InstantClock(), seed=1)
    guarded = GuardedInstrument(microscope)
    instrument: Extended = ShiftedInstrument(guarded, DX, DY)
    instrument.load(Load())
    assert instrument.capabilities.instructions == microscope.capabilities.instructions
    curve = instrument.acquire_force_curve(AcquireForceCurve(1e-7, -2e-7, points=32))
    assert (curve.x, curve.y) == (1e-7, -2e-7)
    assert microscope.status().position == (1e-7 + DX, -2e-7 + DY)
    instrument.condition_tip(ConditionTip(2e-7, 1e-7, bias=3.0))
    assert microscope.status().position == (2e-7 + DX, 1e-7 + DY)
    assert instrument.status().position == (2e-7, 1e-7)
    instrument.set_feedback(SetFeedback(gain=100.0))


def test_time_is_estimated_for_the_way_that_the_probe_will_take() -> None:
    microscope = SimulatorSettings(level=0).open(InstantClock(), seed=1)
    microscope.load(Load())
    instrument = ShiftedInstrument(microscope, 4e-7, 0.0)
    here = instrument.duration(PositionProbe(0.0, 0.0))
    assert here == microscope.duration(PositionProbe(4e-7, 0.0))
    assert here > instrument.duration(PositionProbe(-4e-7, 0.0))
    scan = Scan(ScanFrame((0.0, 0.0), (4e-7, 1e-7), (8, 4)))
    there = replace(scan, frame=replace(scan.frame, center=(4e-7, 0.0)))
    assert instrument.duration(scan) == microscope.duration(there)


@pytest.mark.parametrize("shift", [(math.nan, 0.0), (0.0, math.inf)])
def test_a_shift_that_is_not_known_is_refused(shift: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="a sample has moved by a finite way"):
        ShiftedInstrument(OhmicMicroscope(InstantClock()), *shift)


def test_limits_are_told_in_the_coordinates_from_before() -> None:
    there = Limits(x=(-1e-6, 2e-6), y=(-3e-6, 1e-6), no_go=(NoGoZone(1e-7, 2e-7, 5e-8),))
    shifted = ShiftedInstrument(OhmicMicroscope(InstantClock()), DX, DY)
    told = shifted.limits(there)
    assert told.x == (-1e-6 - DX, 2e-6 - DX)
    assert told.y == (-3e-6 - DY, 1e-6 - DY)
    (zone,) = told.no_go
    assert (zone.x, zone.y, zone.radius) == (1e-7 - DX, 2e-7 - DY, 5e-8)
    assert replace(told, x=there.x, y=there.y, no_go=there.no_go) == there
