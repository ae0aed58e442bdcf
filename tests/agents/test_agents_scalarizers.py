"""Scalarizers against loops whose numbers are known, with spikes, noise and failures."""

import math

import numpy as np
import pytest
from agents_samples import hysteresis, make_spectrum
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spm_auto.agents import (
    Scalar,
    coercive_bias,
    imprint,
    integral,
    loop_area,
    loop_area_raw,
    loop_opening,
    peak,
)
from spm_auto.instrument import BiasWaveform

LOOP_SCALARIZERS = (loop_area, loop_area_raw, loop_opening, coercive_bias, imprint)
SCALARIZERS = (*LOOP_SCALARIZERS, peak, integral)
TRIANGLE = BiasWaveform.triangle(8.5, 64).bias
PITCH = 8.5 / 16  # [V]
STARTS_LOW = np.concatenate([np.linspace(-6, 6, 33), np.linspace(6, -6, 33)])  # turns twice
TWO_CYCLES = np.tile(BiasWaveform.triangle(8.5, 64).bias, 2)
WITH_OFFSET = BiasWaveform.triangle(5.0, 48, offset=2.0).bias
FALLS_FIRST = -TRIANGLE
WAVEFORMS = {
    "triangle from zero": TRIANGLE,
    "sweep there and back": STARTS_LOW,
    "two cycles": TWO_CYCLES,
    "with an offset": WITH_OFFSET,
    "falling first": FALLS_FIRST,
    "fine": BiasWaveform.triangle(8.5, 400).bias,
}


def good(scalar: Scalar) -> float:
    assert scalar.flag == ""
    assert scalar.is_good
    return scalar.value


@pytest.mark.parametrize("bias", WAVEFORMS.values(), ids=WAVEFORMS.keys())
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_smooth_loop_gives_its_numbers_on_any_triangle(bias, sign) -> None:
    middle = (np.max(bias) + np.min(bias)) / 2
    up, down = middle + 2.0, middle - 1.2
    spectrum = make_spectrum(hysteresis(bias, up, down, width=0.3, amplitude=sign * 3e-12), bias)
    pitch = float(np.max(np.abs(np.diff(bias))))
    # the tangent is curved within a step, and its ends are not quite saturated
    assert good(coercive_bias(spectrum)) == pytest.approx((up - down) / 2, abs=0.15 * pitch)
    assert good(imprint(spectrum)) == pytest.approx((up + down) / 2, abs=0.15 * pitch)
    assert good(loop_area(spectrum)) == pytest.approx(up - down, rel=0.01)
    assert good(loop_area_raw(spectrum)) == pytest.approx(2 * 3e-12 * (up - down), rel=0.01)


def test_a_rectangular_loop_is_as_wide_as_it_is() -> None:
    # switching half-way between two points: the trapezoid rule is exact
    response = hysteresis(TRIANGLE, up=7.5 * PITCH, down=-4.5 * PITCH)
    spectrum = make_spectrum(response)
    assert good(loop_area(spectrum)) == pytest.approx(12 * PITCH, rel=1e-12)
    assert good(loop_area_raw(spectrum)) == pytest.approx(24 * PITCH, rel=1e-12)
    # the fit's search ends, and the branches have a width that the steps of the bias cannot show
    assert good(coercive_bias(spectrum)) == pytest.approx(6 * PITCH, rel=1e-5)
    assert good(imprint(spectrum)) == pytest.approx(1.5 * PITCH, rel=1e-5)


def test_a_parallelogram_has_the_area_of_a_parallelogram() -> None:
    # straight branches from -1 to 1 over 4 pitches, 10 pitches apart
    rises = np.roll(TRIANGLE, -1) - np.roll(TRIANGLE, 1) > 0
    middle = np.where(rises, 6 * PITCH, -4 * PITCH)
    response = np.clip((TRIANGLE - middle) / (2 * PITCH), -1, 1)
    spectrum = make_spectrum(response)
    assert good(loop_area_raw(spectrum)) == pytest.approx(2 * 10 * PITCH, rel=1e-12)
    # the fitted branches are tangents hyperbolic, symmetric as the straight ones are
    assert good(coercive_bias(spectrum)) == pytest.approx(5 * PITCH, rel=2e-3)
    assert good(imprint(spectrum)) == pytest.approx(1 * PITCH, abs=2e-3 * PITCH)


def test_the_opening_is_the_mean_distance_of_the_branches() -> None:
    response = hysteresis(TRIANGLE, up=100.0, down=-100.0, amplitude=2e-5)  # never switches
    # the running median rounds the corners at the turning points, which do not enter
    assert good(loop_opening(make_spectrum(response))) == pytest.approx(math.log10(4e-5), abs=1e-9)
    narrow = hysteresis(TRIANGLE, up=1.0, down=-1.0, width=0.3, amplitude=2e-5)
    assert good(loop_opening(make_spectrum(narrow))) < math.log10(4e-5) - 1


def test_the_first_point_does_not_enter_the_opening() -> None:
    response = hysteresis(TRIANGLE, 4.0, -4.0, width=1.0)
    other = response.copy()
    other[0] += 0.2
    assert loop_opening(make_spectrum(other)).value == loop_opening(make_spectrum(response)).value
    other[5] += 0.2
    other[6] += 0.2
    other[7] += 0.2
    assert loop_opening(make_spectrum(other)).value != loop_opening(make_spectrum(response)).value


def test_a_loop_with_a_background_has_the_area_of_the_loop() -> None:
    response = hysteresis(TRIANGLE, 3.0, -3.0, width=0.5)
    tilted = make_spectrum(response + 0.05 * TRIANGLE + 0.3)
    assert good(loop_area_raw(tilted)) == pytest.approx(12.0, rel=0.01)


@pytest.mark.parametrize("scalarizer", LOOP_SCALARIZERS)
@pytest.mark.parametrize("size", [20.0, -1000.0])
@pytest.mark.parametrize("places", [(11,), (3, 30, 31, 60), (0, 1, 2, 3, 36, 37, 38, 39)])
def test_failed_points_hardly_change_a_loop(scalarizer, size, places) -> None:
    rng = np.random.default_rng(3)
    clean = hysteresis(TRIANGLE, 4.4, -3.2, width=0.4) + 0.02 * rng.standard_normal(64)
    spiked = clean.copy()
    spiked[list(places)] = size * (1 + 0.5 * rng.standard_normal(len(places)))
    before, after = scalarizer(make_spectrum(clean)), scalarizer(make_spectrum(spiked))
    # failed points on a switching branch hide where in the gap it switched; the raw area is twice
    # as sensitive to that
    assert good(after) == pytest.approx(good(before), abs=2 * PITCH)


@pytest.mark.parametrize("scalarizer", SCALARIZERS)
def test_the_noise_is_that_of_the_value(scalarizer) -> None:
    values, noises = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        response = hysteresis(TRIANGLE, 4.0, -3.0, width=1.5) + 0.05 * rng.standard_normal(64)
        scalar = scalarizer(make_spectrum(response))
        values.append(good(scalar))
        noises.append(scalar.noise)
    # an order of magnitude is what an agent needs; the crossings' half step is an upper bound
    assert 0.3 < np.median(noises) / np.std(values) < 3


@pytest.mark.parametrize("scalarizer", LOOP_SCALARIZERS)
@pytest.mark.parametrize("relative_noise", [0.05, 0.1, 0.2])
def test_good_noisy_loops_are_kept(scalarizer, relative_noise) -> None:
    kept = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        response = hysteresis(TRIANGLE, 4.0, -3.0, width=1.0)
        response += 2 * relative_noise * rng.standard_normal(64)  # relative to the loop's height
        kept += scalarizer(make_spectrum(response)).is_good
    assert kept >= 196


@pytest.mark.parametrize("scalarizer", LOOP_SCALARIZERS)
def test_noise_is_no_loop(scalarizer) -> None:
    flags = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        flags.append(scalarizer(make_spectrum(rng.standard_normal(64))).flag)
    assert sum(flag != "" for flag in flags) >= 196


@pytest.mark.parametrize("scalarizer", LOOP_SCALARIZERS)
def test_a_fit_that_failed_everywhere_is_flagged(scalarizer) -> None:
    kept = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        response = hysteresis(TRIANGLE, 4.0, -3.0, width=1.0)
        failed = rng.random(64) < 0.5
        response[failed] = rng.standard_cauchy(np.count_nonzero(failed)) * 100
        kept += scalarizer(make_spectrum(response)).is_good
    assert kept <= 4


@pytest.mark.parametrize("scalarizer", LOOP_SCALARIZERS)
def test_many_failed_points_are_counted_in_the_flag(scalarizer) -> None:
    response = hysteresis(TRIANGLE, 4.0, -3.0, width=1.0)
    response[18:30] = 50.0
    assert scalarizer(make_spectrum(response)).flag == "12 of 64 points failed"


@pytest.mark.parametrize("scalarizer", SCALARIZERS)
@pytest.mark.parametrize("value", [0.0, 1e-5, -3.0])
def test_a_constant_is_flagged(scalarizer, value: float) -> None:
    assert scalarizer(make_spectrum(np.full(64, value))).flag == "constant"


@pytest.mark.parametrize("scalarizer", SCALARIZERS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_point_is_flagged(scalarizer, value: float) -> None:
    response = hysteresis(TRIANGLE, 4.0, -3.0)
    response[20] = value
    scalar = scalarizer(make_spectrum(response))
    assert scalar.flag == "not finite"
    assert math.isnan(scalar.value)


@pytest.mark.parametrize("scalarizer", LOOP_SCALARIZERS)
@pytest.mark.parametrize(
    ("bias", "why"),
    [
        (np.linspace(-1.0, 1.0, 101), "does not run up and down"),
        (np.full(64, 2.0), "the bias is constant"),
        (np.array([0.0, 1.0, 0.0, -1.0]), "4 points are fewer than 8"),
        (np.random.default_rng(0).uniform(-8, 8, 64), "does not run up and down"),
        (np.concatenate([2 * TRIANGLE, TRIANGLE]), "does not run up and down"),
        (np.append(TRIANGLE[:-1], np.nan), "not finite"),
    ],
    ids=["one way", "constant", "short", "random", "growing", "missing"],
)
def test_a_bias_that_makes_no_loop_is_flagged(scalarizer, bias, why) -> None:
    response = np.tanh(np.nan_to_num(bias)) + 0.01 * np.arange(len(bias))
    assert why in scalarizer(make_spectrum(response, bias)).flag


@pytest.mark.parametrize("scalarizer", [coercive_bias, imprint])
def test_a_branch_that_does_not_switch_has_no_coercive_bias(scalarizer) -> None:
    response = hysteresis(TRIANGLE, up=4.0, down=-100.0, width=0.5)
    flag = scalarizer(make_spectrum(response)).flag
    assert flag == "the falling branch does not switch within the sweep"


@pytest.mark.parametrize("scalarizer", [loop_area, coercive_bias, imprint])
def test_saturations_that_do_not_differ_are_flagged(scalarizer) -> None:
    rng = np.random.default_rng(1)
    butterfly = np.abs(TRIANGLE) + 0.3 * rng.standard_normal(64)
    assert "do not differ" in scalarizer(make_spectrum(butterfly)).flag


def test_a_line_without_hysteresis_has_no_area_but_is_no_failure() -> None:
    assert good(loop_area(make_spectrum(0.1 * TRIANGLE))) == pytest.approx(0.0, abs=1e-12)


def test_a_loop_that_runs_backwards_has_a_negative_area() -> None:
    spectrum = make_spectrum(hysteresis(TRIANGLE, up=-2.0, down=2.0, width=0.5))
    assert good(loop_area(spectrum)) == pytest.approx(-4.0, rel=0.01)
    assert good(loop_area_raw(spectrum)) == pytest.approx(-8.0, rel=0.01)


def test_a_peak_is_found_and_one_failed_point_is_not() -> None:
    bias = np.linspace(-1.0, 1.0, 101)
    response = 2e-9 / (1 + ((bias - 0.2) / 0.1) ** 2)
    assert good(peak(make_spectrum(response, bias))) == pytest.approx(2e-9, rel=0.05)
    response[80] = 1.0
    assert good(peak(make_spectrum(response, bias))) == pytest.approx(2e-9, rel=0.05)


@pytest.mark.parametrize("bias", [np.linspace(-1.0, 2.0, 301), np.linspace(2.0, -1.0, 301)])
def test_the_integral_does_not_depend_on_the_direction(bias) -> None:
    assert good(integral(make_spectrum(bias**2, bias))) == pytest.approx(3.0, rel=1e-3)
    assert good(integral(make_spectrum(-(bias**2), bias))) == pytest.approx(-3.0, rel=1e-3)


def test_the_integral_of_a_sweep_there_and_back_is_that_of_one_way() -> None:
    there = np.linspace(-1.0, 2.0, 301)
    bias = np.concatenate([there, there[::-1]])
    assert good(integral(make_spectrum(bias**2, bias))) == pytest.approx(3.0, rel=1e-3)


@given(
    arrays(
        float,
        st.integers(0, 40),
        elements=st.floats(allow_nan=True, allow_infinity=True),
    ),
    st.booleans(),
)
def test_whatever_comes_a_scalarizer_answers(response, is_triangle) -> None:
    if is_triangle and len(response) >= 8:
        response = response[: len(response) // 4 * 4]
        bias = BiasWaveform.triangle(8.5, len(response)).bias
    else:
        bias = response[::-1].copy()
    for scalarizer in SCALARIZERS:
        scalar = scalarizer(make_spectrum(response, bias))
        assert scalar.is_good or scalar.flag


@pytest.mark.parametrize(
    ("scalarizer", "unit"),
    [
        (loop_area, "V"),
        (loop_area_raw, "m V"),
        (loop_opening, "1"),
        (coercive_bias, "V"),
        (imprint, "V"),
        (peak, "m"),
        (integral, "m V"),
    ],
)
def test_every_value_says_its_unit(scalarizer, unit: str) -> None:
    loop = hysteresis(TRIANGLE, 4.2, -3.1, width=0.3, amplitude=3e-12)
    scalar = scalarizer(make_spectrum(loop, TRIANGLE))
    assert scalar.is_good
    assert scalar.unit == unit


@pytest.mark.parametrize("points", [3, 5, 8, 9, 17, 64])
def test_a_straight_line_has_its_integral_however_few_points_there_are(points: int) -> None:
    bias = np.linspace(0.0, 1.0, points)
    scalar = integral(make_spectrum(2.0 * bias, bias))
    assert not scalar.flag
    assert scalar.value == pytest.approx(1.0)
