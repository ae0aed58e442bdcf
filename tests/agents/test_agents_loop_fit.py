"""The fitted loop and the fitted peak: unbiased, as noisy as they say, flagged when they fail."""

import math

import numpy as np
import pytest
from agents_samples import hysteresis, make_spectrum

from spm_auto.agents.scalarizers import (
    coercive_bias,
    imprint,
    integral,
    loop_area,
    loop_area_raw,
    loop_opening,
    nucleation_bias,
    peak,
    peak_height,
    peak_position,
    remanence,
    switchable_response,
    work_of_switching,
)
from spm_auto.errors import AgentError
from spm_auto.instrument import BiasWaveform, Channel, ForceCurve, Spectrum

TRIANGLE = BiasWaveform.triangle(8.5, 64).bias
UP, DOWN, WIDTH = 4.0, -3.0, 1.2
LOOP = hysteresis(TRIANGLE, UP, DOWN, WIDTH) + 0.02 * TRIANGLE + 0.3
SEEDS = 200
TENTH = WIDTH * math.atanh(0.8)  # from the middle of a branch to a tenth of its switching
TRUE = {
    coercive_bias: (UP - DOWN) / 2,
    imprint: (UP + DOWN) / 2,
    nucleation_bias: (UP - DOWN) / 2 - TENTH,
    remanence: (math.tanh(-DOWN / WIDTH) + math.tanh(UP / WIDTH)) / 2,
    switchable_response: 2.0,
    work_of_switching: 2 * (UP - DOWN),
}
SWEEP = np.linspace(-1.0, 1.0, 101)
PEAK = 2.0 * np.exp(-(((SWEEP - 0.2) / 0.15) ** 2)) + 1.0
PEAKS = {peak: 3.0, peak_height: 2.0, peak_position: 0.2}


def scattered(scalarizer, response, bias, noise):
    """Return values and noises over all seeds; those flagged are missing."""
    scalars = [
        scalarizer(
            make_spectrum(
                response + noise * np.random.default_rng(seed).standard_normal(len(bias)), bias
            )
        )
        for seed in range(SEEDS)
    ]
    good = [scalar for scalar in scalars if scalar.is_good]
    return np.array([s.value for s in good]), np.array([s.noise for s in good])


@pytest.mark.parametrize(
    ("scalarizer", "noise"), [*((each, 0.1) for each in TRUE), (coercive_bias, 0.02)]
)
def test_a_fitted_loop_is_right_and_says_how_well(scalarizer, noise) -> None:
    values, noises = scattered(scalarizer, LOOP, TRIANGLE, noise)
    assert len(values) >= 0.98 * SEEDS
    assert 1 / 1.5 < np.median(noises) / np.std(values) < 1.5
    # three standard errors, as there are twelve of these tests, and what is left of a curved fit
    assert abs(values.mean() - TRUE[scalarizer]) < 3.5 * np.std(values) / math.sqrt(SEEDS)


@pytest.mark.parametrize("scalarizer", [loop_area, loop_area_raw, loop_opening])
def test_an_area_says_how_well_it_is_known(scalarizer) -> None:
    values, noises = scattered(scalarizer, LOOP, TRIANGLE, 0.1)
    assert len(values) >= 0.98 * SEEDS
    assert 1 / 1.5 < np.median(noises) / np.std(values) < 1.5


@pytest.mark.parametrize("scalarizer", TRUE)
def test_the_sign_of_the_response_changes_no_sign(scalarizer) -> None:
    turned = scalarizer(make_spectrum(-LOOP))
    assert turned.is_good
    assert turned.value == pytest.approx(scalarizer(make_spectrum(LOOP)).value, rel=1e-4)


@pytest.mark.parametrize("scalarizer", TRUE)
def test_noise_and_a_half_failed_loop_are_not_fitted(scalarizer) -> None:
    kept = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        failed = np.where(rng.random(64) < 0.4, 50 * rng.standard_cauchy(64), LOOP)
        kept += scalarizer(make_spectrum(rng.standard_normal(64))).is_good
        kept += scalarizer(make_spectrum(failed)).is_good
    assert kept <= 2


def test_a_loop_noisier_than_crossings_can_stand_is_still_fitted() -> None:
    response = hysteresis(TRIANGLE, UP, DOWN, 1.0)
    values, _ = scattered(coercive_bias, response, TRIANGLE, 0.4)
    assert len(values) >= 0.98 * SEEDS
    assert np.std(values) < 0.35  # of the crossings 1.3


def test_a_loop_that_switches_in_two_steps_keeps_its_coercive_bias_and_has_no_remanence() -> None:
    fine = BiasWaveform.triangle(8.5, 128).bias
    steps = hysteresis(fine, 0.5, -0.5, 0.2) + hysteresis(fine, 7.5, -7.5, 0.2)
    steps += 0.01 * np.random.default_rng(0).standard_normal(128)
    assert coercive_bias(make_spectrum(steps, fine)).is_good
    assert remanence(make_spectrum(steps, fine)).flag == "the loop has another form"


def test_a_branch_that_ends_before_it_is_through_is_flagged() -> None:
    late = hysteresis(TRIANGLE, 7.0, -3.0, 12.0)
    assert "within the sweep" in nucleation_bias(make_spectrum(late)).flag


@pytest.mark.parametrize("scalarizer", PEAKS)
@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_a_fitted_peak_is_right_and_says_how_well(scalarizer, noise) -> None:
    values, noises = scattered(scalarizer, PEAK, SWEEP, noise)
    assert len(values) >= 0.98 * SEEDS
    assert 1 / 1.5 < np.median(noises) / np.std(values) < 1.5
    # the polynomial of the top is not quite the peak's own form
    assert abs(values.mean() - PEAKS[scalarizer]) < 0.005 + 3 * np.std(values) / math.sqrt(SEEDS)


@pytest.mark.parametrize("scalarizer", [*PEAKS, integral])
def test_white_noise_has_no_peak_and_no_integral(scalarizer) -> None:
    values, _ = scattered(scalarizer, np.zeros(101), SWEEP, 1.0)
    assert len(values) <= 0.02 * SEEDS


def test_the_noise_of_an_integral_is_that_of_its_value() -> None:
    values, noises = scattered(integral, PEAK, SWEEP, 0.1)
    assert len(values) == SEEDS
    assert 1 / 1.5 < np.median(noises) / np.std(values) < 1.5


@pytest.mark.parametrize("places", [(70,), (70, 71), (3, 4, 40, 90, 91)])
def test_two_failed_neighbours_are_no_peak(places) -> None:
    response = PEAK + 0.02 * np.random.default_rng(1).standard_normal(101)
    response[list(places)] = 40.0
    assert peak(make_spectrum(response, SWEEP)).value == pytest.approx(3.0, abs=0.05)
    assert peak_position(make_spectrum(response, SWEEP)).value == pytest.approx(0.2, abs=0.01)


def test_a_curve_that_rises_to_its_end_has_a_highest_value_but_no_peak() -> None:
    rising = make_spectrum(np.exp(SWEEP), SWEEP)
    assert peak(rising).value == pytest.approx(math.e, rel=1e-3)
    assert peak_position(rising).flag == "no peak within the sweep"


def test_a_peak_is_looked_for_in_the_conductance_where_there_is_one() -> None:
    channels = (Channel("current", "A"), Channel("didv", "S"))
    spectrum = Spectrum(0.0, 0.0, SWEEP, channels, np.stack([SWEEP, 1e-9 * PEAK]), 0.0, 1.0)
    assert peak_position(spectrum).value == pytest.approx(0.2, abs=1e-3)
    assert peak(spectrum).unit == "S"


@pytest.mark.parametrize("scalarizer", [*TRUE, *PEAKS, integral])
def test_a_force_curve_is_no_spectrum(scalarizer) -> None:
    force = np.zeros((1, 64))
    curve = ForceCurve(0, 0, np.arange(64.0), (Channel("force", "N"),), force, force, 0.0, 1.0)
    with pytest.raises(AgentError, match="needs a Spectrum, got a ForceCurve"):
        scalarizer(curve)
