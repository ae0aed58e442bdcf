"""Acquisition functions against their definitions."""

import numpy as np
import pytest
from scipy import integrate, stats

from spm_auto.agents.acquisition import (
    expected_improvement,
    log_expected_improvement,
    predictive_variance,
    upper_confidence_bound,
)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (-2.0, 0.5), (3.0, 0.1), (1.0, 2.0)])
def test_expected_improvement_is_the_mean_of_what_is_above_the_best(mean, deviation) -> None:
    gain, _ = integrate.quad(
        lambda f: (f - 1.0) * stats.norm.pdf(f, mean, deviation), 1.0, mean + 12 * deviation + 1
    )
    value = expected_improvement(np.array([mean]), np.array([deviation]), 1.0)[0]
    assert value == pytest.approx(gain, rel=1e-7, abs=1e-12)


def test_the_logarithm_is_that_of_the_expected_improvement() -> None:
    mean, deviation = np.linspace(-6, 5, 200), np.full(200, 0.7)
    direct = np.log(expected_improvement(mean, deviation, 0.3))
    assert log_expected_improvement(mean, deviation, 0.3) == pytest.approx(direct, rel=1e-6)


# from 60-digit arithmetic: log(phi(u) + u Phi(u))
@pytest.mark.parametrize(
    ("u", "exact"),
    [
        (-10.0, -55.553122036122346),
        (-50.0, -1258.744182868461),
        (-199.0, -19812.005623931618),
        (-201.0, -20212.025622598474),
        (-1e3, -500014.73445209116),
    ],
)
def test_the_logarithm_is_exact_in_the_far_tail(u: float, exact: float) -> None:
    value = log_expected_improvement(np.array([u]), np.array([1.0]), 0.0)[0]
    assert value == pytest.approx(exact, abs=2e-11)


def test_the_logarithm_rises_with_the_mean_and_the_deviation_however_far_out() -> None:
    mean = -np.logspace(9, -3, 2000)
    assert (np.diff(log_expected_improvement(mean, np.ones(2000), 0.0)) > 0).all()
    deviation = np.logspace(-4, 2, 2000)
    assert (np.diff(log_expected_improvement(np.full(2000, -1.0), deviation, 0.0)) > 0).all()


def test_what_is_known_for_sure_gains_what_it_is_above_the_best() -> None:
    mean, certain = np.array([0.0, 1.0, 3.0]), np.zeros(3)
    assert expected_improvement(mean, certain, 1.0).tolist() == [0.0, 0.0, 2.0]
    assert log_expected_improvement(mean, certain, 1.0).tolist() == [-np.inf, -np.inf, np.log(2)]


def test_the_bound_and_the_variance_are_what_they_say() -> None:
    mean, deviation = np.array([1.0, 2.0]), np.array([3.0, 0.5])
    assert upper_confidence_bound(mean, deviation, 2.0).tolist() == [7.0, 3.0]
    assert predictive_variance(deviation).tolist() == [9.0, 0.25]
