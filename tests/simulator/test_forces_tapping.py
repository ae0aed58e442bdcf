"""Tapping: what the harmonic balance promises."""

import math
from dataclasses import replace

import numpy as np
import pytest

from spm_auto.simulator.forces import (
    Oscillation,
    balance,
    contact_law,
    regime_on_approach,
    rest,
)

USUAL = Oscillation(stiffness=40.0, resonance=300e3, quality=400.0, free=40e-9, setpoint=28e-9)


def at_rest(law, oscillation=USUAL, viscosity=0.0, regime="repulsive"):
    return rest(balance(law, oscillation), oscillation, np.array(viscosity), regime)


def test_without_losses_the_phase_is_that_of_the_amplitude_alone():
    law = contact_law(8e-9, 60e9, 0.0, "hertz")
    phase = float(at_rest(law).phase)
    assert math.sin(phase) == pytest.approx(USUAL.setpoint / USUAL.free, rel=1e-3)
    assert phase < math.pi / 2


def test_attraction_delays_the_phase_and_contact_advances_it():
    law = contact_law(8e-9, 2.7e9, 0.06, "dmt")
    low = replace(USUAL, free=6e-9, setpoint=5.7e-9)
    assert at_rest(law, low, regime="attractive").phase > math.pi / 2
    assert at_rest(law, low, regime="repulsive").phase < math.pi / 2


def test_a_soft_sample_is_indented_deeper_than_a_stiff_one():
    soft, stiff = (float(at_rest(contact_law(8e-9, e, 0.06)).gap) for e in (0.25e9, 60e9))
    assert soft < -4e-9 < stiff < 0


def test_viscosity_costs_energy_and_brings_the_phase_towards_a_right_angle():
    found = at_rest(contact_law(8e-9, 0.25e9, 0.06), viscosity=[0.0, 30.0, 100.0])
    assert np.all(np.diff(found.dissipation) > 0)
    assert np.all(np.diff(found.phase) > 0)
    sine = USUAL.setpoint / USUAL.free + USUAL.quality * found.dissipation / (
        math.pi * USUAL.stiffness * USUAL.setpoint * USUAL.free
    )
    np.testing.assert_allclose(np.sin(found.phase), sine, rtol=2e-3)


def test_a_large_amplitude_hits_the_sample_and_a_small_one_is_held_off_it():
    law = contact_law(20e-9, 60e9, 0.15)
    assert regime_on_approach(law, USUAL, 0.0) == "repulsive"
    assert regime_on_approach(law, replace(USUAL, free=6e-9, setpoint=5.7e-9), 0.0) == "attractive"


def test_a_sample_too_soft_to_reduce_the_amplitude_is_refused():
    with pytest.raises(ValueError, match="too soft"):
        at_rest(contact_law(8e-9, 1e3, 0.0, "hertz"))
