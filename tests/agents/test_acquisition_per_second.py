"""Gain per second and the number of averages: what must hold whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spm_auto.agents.acquisition import (
    bound_per_second,
    choose_averages,
    expected_improvement,
    improvement_per_second,
    information_per_second,
    log_augmented_improvement,
    log_expected_improvement,
    log_information,
    log_per_second,
    reach_per_second,
    reachable_bound,
    upper_confidence_bound,
)

N = 6
NUMBERS = arrays.arrays(float, N, elements=st.floats(-5, 5).map(lambda v: round(v, 6)))
DEVIATIONS = arrays.arrays(float, N, elements=st.floats(0.01, 3))
COSTS = arrays.arrays(float, N, elements=st.floats(0.1, 100))
SHIFTS = st.floats(-10, 10)
POWERS = st.sampled_from([1e-150, 1e-9, 1.0, 1e9, 1e150])


def test_a_noisy_measurement_is_worth_its_improvement_times_what_it_teaches() -> None:
    mean, deviation = np.linspace(-3, 3, 50), np.linspace(0.1, 2, 50)
    direct = expected_improvement(mean, deviation, 0.5) * (1 - 0.7 / np.sqrt(deviation**2 + 0.7**2))
    value = log_augmented_improvement(mean, deviation, 0.5, 0.7)
    assert np.exp(value) == pytest.approx(direct, rel=1e-12)


def test_without_noise_the_augmented_improvement_is_the_improvement() -> None:
    mean, deviation = np.array([0.0, 2.0, 2.0]), np.array([1.0, 0.5, 0.0])
    plain = log_expected_improvement(mean, deviation, 1.0)
    assert log_augmented_improvement(mean, deviation, 1.0, 0.0).tolist() == plain.tolist()


def test_what_is_known_for_sure_is_not_measured_again_with_noise() -> None:
    value = log_augmented_improvement(np.array([5.0]), np.array([0.0]), 1.0, 0.1)
    assert value.tolist() == [-np.inf]


@pytest.mark.parametrize("tiny", [1e-9, 1e-120])
def test_little_that_is_left_to_learn_does_not_vanish_in_rounding(tiny: float) -> None:
    at = log_augmented_improvement(np.array([2.0]), np.array([tiny]), 1.0, 1.0)[0]
    assert at == pytest.approx(2 * np.log(tiny) - np.log(2), rel=1e-12)
    assert log_information(np.array([tiny]), 1.0)[0] == pytest.approx(
        2 * np.log(tiny) - np.log(2), rel=1e-12
    )


def test_information_is_that_of_a_normal_number_seen_through_noise() -> None:
    s = np.array([0.1, 1.0, 30.0])
    assert np.exp(log_information(s, 0.5)) == pytest.approx(0.5 * np.log1p((s / 0.5) ** 2))
    assert log_information(np.zeros(1), 0.5).tolist() == [-np.inf]
    with pytest.raises(ValueError, match="without noise"):
        log_information(s, 0.0)


def test_the_reachable_bound_is_the_spread_of_the_next_mean() -> None:
    rng = np.random.default_rng(0)
    s, sigma = 1.3, 0.8
    truth = s * rng.standard_normal(200_000)
    told = truth + sigma * rng.standard_normal(200_000)
    next_mean = told * s**2 / (s**2 + sigma**2)
    reach = reachable_bound(np.zeros(1), np.array([s]), 1.0, sigma)[0]
    assert reach == pytest.approx(float(next_mean.std()), rel=0.01)  # 200,000 draws: 0.2 %
    plain = upper_confidence_bound(np.zeros(1), np.array([s]), 2.0)
    assert reachable_bound(np.zeros(1), np.array([s]), 2.0, 0.0) == pytest.approx(plain)


@given(NUMBERS, DEVIATIONS, COSTS, SHIFTS, POWERS)
@settings(max_examples=60, deadline=None)
def test_the_bound_per_second_is_the_same_for_values_shifted_and_scaled(
    mean, deviation, cost, shift, power
) -> None:
    first = bound_per_second(mean + 2 * deviation, cost, float(mean.max()))
    moved = (mean + shift) * power
    second = bound_per_second(moved + 2 * deviation * power, cost, float(moved.max()))
    assert second / power == pytest.approx(first, rel=1e-9, abs=1e-10)


@given(NUMBERS, DEVIATIONS, st.floats(0.01, 1e3))
@settings(max_examples=60, deadline=None)
def test_equal_costs_leave_the_choice_as_it_was(mean, deviation, cost) -> None:
    costs = np.full(N, cost)
    bound = mean + deviation
    at = int(np.argmax(bound))
    rated = bound_per_second(bound, costs, float(mean.max()))
    assert rated[at] == rated.max()
    gains = log_expected_improvement(mean, deviation, float(mean.max()))
    assert np.argmax(log_per_second(gains, costs)) == np.argmax(gains)


@given(NUMBERS, COSTS, st.floats(0.01, 60), st.floats(-6, 6))
@settings(max_examples=60, deadline=None)
def test_minutes_choose_as_seconds_do(bound, cost, unit, settled) -> None:
    # also where no bound reaches what one would settle for
    first = bound_per_second(bound, cost, settled)
    second = bound_per_second(bound, cost * unit, settled)
    at = int(np.argmax(first))
    assert second[at] == pytest.approx(second.max(), rel=1e-9, abs=1e-12)


@given(NUMBERS, COSTS, st.floats(-6, 6), st.integers(0, N - 1))
@settings(max_examples=60, deadline=None)
def test_to_become_cheaper_never_hurts(bound, cost, settled, at) -> None:
    before = bound_per_second(bound, cost, settled)[at]
    cheaper = cost.copy()
    cheaper[at] /= 2
    assert bound_per_second(bound, cheaper, settled)[at] >= before
    log_value = np.log(np.abs(bound) + 0.1)
    assert log_per_second(log_value, cheaper)[at] > log_per_second(log_value, cost)[at]


def test_of_equal_gains_the_cheaper_one_is_better_and_no_weight_forgets_costs() -> None:
    gains, cost = np.zeros(2), np.array([2.0, 1.0])
    assert np.argmax(log_per_second(gains, cost)) == 1
    assert log_per_second(gains, cost, weight=0.0).tolist() == [0.0, 0.0]
    assert bound_per_second(np.ones(2), cost, 0.0).tolist() == [0.5, 1.0]


@pytest.mark.parametrize("cost", [0.0, -1.0, np.nan, np.inf])
def test_a_cost_that_is_no_time_is_refused(cost: float) -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        log_per_second(np.zeros(2), np.array([1.0, cost]))
    with pytest.raises(ValueError, match="positive number of seconds"):
        bound_per_second(np.zeros(2), np.array([1.0, cost]), 0.0)


AVERAGES = (1, 4, 16)


def _cost(n: int, overhead: float) -> np.ndarray:
    return np.array([np.full(n, overhead + k) for k in AVERAGES])


def test_where_moving_is_free_and_noise_small_one_spectrum_is_enough() -> None:
    mean, deviation = np.zeros(3), np.ones(3)
    _, chosen = improvement_per_second(mean, deviation, 0.0, 0.1, AVERAGES, _cost(3, 0.01))
    assert chosen.tolist() == [1, 1, 1]


@pytest.mark.parametrize("rule", ["improvement", "reach", "information"])
def test_where_moving_is_dear_and_noise_large_it_is_worth_averaging(rule: str) -> None:
    mean, deviation, cost = np.zeros(3), np.ones(3), _cost(3, 100.0)
    if rule == "improvement":
        _, chosen = improvement_per_second(mean, deviation, 0.0, 5.0, AVERAGES, cost)
    elif rule == "reach":
        _, chosen = reach_per_second(mean, deviation, 2.0, 5.0, AVERAGES, cost)
    else:
        _, chosen = information_per_second(deviation, 5.0, AVERAGES, cost)
    assert chosen.tolist() == [16, 16, 16]


def test_the_best_number_of_averages_is_the_best_by_trying_each() -> None:
    rng = np.random.default_rng(1)
    mean, deviation = rng.normal(size=40), rng.uniform(0.05, 2, 40)
    noise, cost = rng.uniform(0.1, 3, 40), rng.uniform(1, 9, (3, 40)).cumsum(axis=0)
    score, chosen = improvement_per_second(mean, deviation, 1.0, noise, AVERAGES, cost)
    for i in range(40):
        tried = [
            log_augmented_improvement(
                mean[i : i + 1], deviation[i : i + 1], 1.0, noise[i] / np.sqrt(k)
            )[0]
            - np.log(cost[j, i])
            for j, k in enumerate(AVERAGES)
        ]
        assert chosen[i] == AVERAGES[int(np.argmax(tried))]
        assert score[i] == pytest.approx(max(tried))


def test_equal_scores_take_the_first_number() -> None:
    score, chosen = choose_averages(lambda _: np.full(2, -np.inf), (1, 2))
    assert chosen.tolist() == [1, 1]
    assert score.tolist() == [-np.inf, -np.inf]


def test_averages_and_costs_must_belong_together() -> None:
    with pytest.raises(ValueError, match="one row for each of 3 averages"):
        information_per_second(np.ones(2), 1.0, AVERAGES, np.ones((2, 2)))
    with pytest.raises(ValueError, match="from 1 on"):
        choose_averages(lambda _: np.zeros(2), (0, 1))


@given(NUMBERS, DEVIATIONS, SHIFTS, POWERS, st.floats(0, 2))
@settings(max_examples=60, deadline=None)
def test_improvements_shift_and_scale_as_values_do(mean, deviation, shift, power, noise) -> None:
    first = log_augmented_improvement(mean, deviation, 0.5, noise)
    second = log_augmented_improvement(
        (mean + shift) * power, deviation * power, (0.5 + shift) * power, noise * power
    )
    # a shift rounds what lies far out in the tail: u by 1e-15 x 10/s, u^2/2 by |u| times that
    u = np.abs(mean - 0.5) / deviation
    assert np.all(np.abs(second - np.log(power) - first) <= 1e-9 + 1e-13 * (1 + u) ** 2 / deviation)


@given(NUMBERS, DEVIATIONS, st.floats(0.01, 2))
@settings(max_examples=60, deadline=None)
def test_more_noise_is_never_worth_more(mean, deviation, noise) -> None:
    for value in (
        lambda sigma: log_augmented_improvement(mean, deviation, 0.5, sigma),
        lambda sigma: reachable_bound(mean, deviation, 2.0, sigma),
        lambda sigma: log_information(deviation, sigma),
    ):
        assert (value(2 * noise) <= value(noise)).all()
