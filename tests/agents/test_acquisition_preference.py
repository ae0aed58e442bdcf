"""Usefulness learned from answers to "A or B?"."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from spm_auto.agents.acquisition import (
    Answer,
    best_and_challenger,
    learn_preferences,
    most_informative_pair,
)
from spm_auto.agents.acquisition.preference import information_of_pairs

NOISE = 0.3
MIXED = [
    Answer(0, 1),
    Answer(1, 0),
    Answer(2, 1),
    Answer(2, 1),
    Answer(3, 4, is_tie=True),
    Answer(2, 0),
    Answer(4, 0),
]


def _prior(n: int = 5, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, 2))
    return np.exp(-0.5 * ((x[:, None] - x) ** 2).sum(axis=2))


def _log_likelihood(f: np.ndarray, answers: list[Answer]) -> np.ndarray:
    total = np.zeros(f.shape[1:])
    for answer in answers:
        z = (f[answer.better] - f[answer.worse]) / (np.sqrt(2) * NOISE)
        if answer.is_tie:
            total += 0.5 * (special.log_ndtr(z) + special.log_ndtr(-z))
        else:
            total += special.log_ndtr(z)
    return total


def test_the_mean_is_where_the_posterior_is_highest() -> None:
    prior = _prior()
    found = learn_preferences(prior, MIXED, NOISE)
    inverse = np.linalg.inv(prior)
    slope = np.empty(5)
    for i in range(5):  # of the log-likelihood, by central differences
        up, down = found.mean.copy(), found.mean.copy()
        up[i] += 1e-5
        down[i] -= 1e-5
        slope[i] = (_log_likelihood(up, MIXED) - _log_likelihood(down, MIXED)) / 2e-5
    assert inverse @ found.mean == pytest.approx(slope, abs=1e-4)


def test_the_covariance_is_the_inverse_of_the_curvature() -> None:
    prior = _prior()
    found = learn_preferences(prior, MIXED, NOISE)
    curvature = np.linalg.inv(prior)
    h = 1e-3
    for i in range(5):
        for j in range(5):
            total = 0.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                f = found.mean.copy()
                f[i] += a * h
                f[j] += b * h
                total += a * b * _log_likelihood(f, MIXED)
            curvature[i, j] -= total / (4 * h * h)
    assert found.covariance == pytest.approx(np.linalg.inv(curvature), abs=1e-4)


def test_the_approximation_is_near_the_truth() -> None:
    prior, rng = _prior(), np.random.default_rng(1)
    found = learn_preferences(prior, MIXED, NOISE)
    draws = np.linalg.cholesky(prior) @ rng.standard_normal((5, 200_000))
    weights = np.exp(_log_likelihood(draws, MIXED))
    assert found.log_evidence == pytest.approx(np.log(weights.mean()), abs=0.15)
    weights /= weights.sum()
    mean = draws @ weights
    deviation = np.sqrt(draws**2 @ weights - mean**2)
    # the posterior is skewed, and its peak is nearer to the prior than its mean
    assert (np.abs(found.mean - mean) < 0.3 * deviation).all()
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(deviation, rel=0.1)


def test_without_answers_the_prior_is_left() -> None:
    prior = _prior()
    found = learn_preferences(prior, [], NOISE)
    assert not found.mean.any()
    assert found.covariance == pytest.approx(prior)
    assert found.log_evidence == 0.0
    mean, deviation = found.predict(prior, np.diag(prior))
    assert mean.tolist() == [0.0] * 5
    assert deviation == pytest.approx(np.ones(5))


def test_the_prediction_at_the_items_is_what_is_known_of_them() -> None:
    prior = _prior()
    found = learn_preferences(prior, MIXED, NOISE)
    mean, deviation = found.predict(prior, np.diag(prior))
    assert mean == pytest.approx(found.mean)
    assert deviation**2 == pytest.approx(np.diag(found.covariance))


def test_the_prediction_of_another_item_is_as_if_it_had_been_an_item() -> None:
    prior = _prior(6)
    whole = learn_preferences(prior, MIXED, NOISE)
    part = learn_preferences(prior[:5, :5], MIXED, NOISE)
    mean, deviation = part.predict(prior[5:, :5], np.ones(1))
    assert mean[0] == pytest.approx(whole.mean[5])
    assert deviation[0] ** 2 == pytest.approx(whole.covariance[5, 5])


def test_items_that_are_the_same_are_equally_useful() -> None:
    prior = np.ones((3, 3))
    prior[2, :2] = prior[:2, 2] = 0.2
    found = learn_preferences(prior, [Answer(0, 2), Answer(1, 0)], NOISE)
    assert found.mean[0] == pytest.approx(found.mean[1])
    assert found.mean[0] > found.mean[2]


def test_contradictions_cancel_and_repetitions_convince() -> None:
    prior = np.eye(2)
    assert learn_preferences(prior, [Answer(0, 1), Answer(1, 0)], NOISE).mean == pytest.approx(
        np.zeros(2), abs=1e-9
    )
    tie = learn_preferences(prior, [Answer(0, 1, is_tie=True)], NOISE)
    assert tie.mean == pytest.approx(np.zeros(2), abs=1e-9)
    assert tie.covariance[0, 1] > 0  # they are alike
    leads = []
    for count in (1, 3, 1000):
        found = learn_preferences(prior, [Answer(0, 1)] * count, NOISE)
        leads.append(found.mean[0] - found.mean[1])
    assert 0 < leads[0] < leads[1] < leads[2]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=12),
    st.sampled_from([1e-3, 0.3, 100.0]),
)
@settings(max_examples=80, deadline=None)
def test_any_answers_give_finite_numbers_and_turned_round_they_turn_the_mean(told, noise) -> None:
    answers = [Answer(a, b, tie) for a, b, tie in told if a != b]
    turned = [Answer(a.worse, a.better, a.is_tie) for a in answers]
    prior = _prior()
    found, opposite = (learn_preferences(prior, each, noise) for each in (answers, turned))
    assert found.mean == pytest.approx(-opposite.mean, abs=1e-4)
    assert np.isfinite(found.covariance).all()
    assert np.isfinite(found.log_evidence)
    assert (np.linalg.eigvalsh(found.covariance) > -1e-6).all()
    assert (np.diag(found.covariance) <= 1 + 1e-9).all()


@pytest.mark.parametrize("power", [1e-150, 1e-9, 1e9, 1e150])
def test_usefulness_scales_with_the_prior_and_the_noise(power: float) -> None:
    one = learn_preferences(_prior(), MIXED, NOISE)
    two = learn_preferences(power * _prior(), MIXED, np.sqrt(power) * NOISE)
    assert two.mean / np.sqrt(power) == pytest.approx(one.mean, rel=1e-6)
    assert two.covariance / power == pytest.approx(one.covariance, rel=1e-6)


def test_the_order_is_found_from_a_few_comparisons() -> None:
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(-2, 2, 30))
    prior = np.exp(-0.5 * (x[:, None] - x) ** 2)
    truth = np.sin(x)
    answers = []
    for _ in range(60):
        a, b = (int(i) for i in rng.choice(30, 2, replace=False))
        answers.append(Answer(a, b) if truth[a] > truth[b] else Answer(b, a))
    found = learn_preferences(prior, answers, 0.1)
    assert np.corrcoef(found.mean, truth)[0, 1] > 0.9


def test_the_information_of_a_pair_is_the_entropy_that_its_answer_loses() -> None:
    found, rng = learn_preferences(_prior(), MIXED, NOISE), np.random.default_rng(3)
    told = information_of_pairs(found, NOISE)
    assert told == pytest.approx(told.T)
    for i, j in ((0, 3), (2, 1), (4, 2)):
        variance = found.covariance[i, i] + found.covariance[j, j] - 2 * found.covariance[i, j]
        f = found.mean[i] - found.mean[j] + np.sqrt(variance) * rng.standard_normal(200_000)
        p = special.ndtr(f / (np.sqrt(2) * NOISE))

        def entropy(p: np.ndarray) -> np.ndarray:
            return (special.entr(p) + special.entr(1 - p)) / np.log(2)

        exact = float(entropy(p.mean()) - entropy(p).mean())
        assert told[i, j] == pytest.approx(exact, abs=0.01)


def test_the_next_pair_is_of_different_items_and_not_one_that_is_settled() -> None:
    settled = learn_preferences(np.eye(3), [Answer(0, 1)] * 200, NOISE)
    assert set(most_informative_pair(settled, NOISE)) != {0, 1}
    twins = np.ones((3, 3))
    twins[2, :2] = twins[:2, 2] = 0.0
    assert 2 in most_informative_pair(learn_preferences(twins, [], NOISE), NOISE)
    pair = best_and_challenger(learn_preferences(twins, [Answer(0, 2)], NOISE))
    assert pair == (0, 2)  # 1 is the same as 0 and nothing would be learnt


def test_the_challenger_is_the_item_most_hopeful_to_be_better() -> None:
    answers = [Answer(0, 1)] * 20 + [Answer(0, 2)]
    best, challenger = best_and_challenger(learn_preferences(np.eye(3), answers, NOISE))
    assert (best, challenger) == (0, 2)


def test_answers_that_cannot_be_are_refused() -> None:
    for answer in (Answer(1, 1), Answer(0, 5), Answer(-1, 2)):
        with pytest.raises(ValueError, match="compares"):
            learn_preferences(_prior(), [answer], NOISE)
    with pytest.raises(ValueError, match="noise"):
        learn_preferences(_prior(), MIXED, 0.0)
    one = learn_preferences(np.eye(1), [], NOISE)
    with pytest.raises(ValueError, match="no pair"):
        most_informative_pair(one, NOISE)
    with pytest.raises(ValueError, match="no pair"):
        best_and_challenger(one)
