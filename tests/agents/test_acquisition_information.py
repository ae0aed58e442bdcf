"""Max-value entropy search against its definition and against high precision."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import integrate, special, stats

from spm_auto.agents.acquisition import log_max_value_entropy, maximum_samples
from spm_auto.agents.acquisition.information import QUANTILES, _quartiles


@pytest.mark.parametrize("n", [1, 5, 1000, 20_000])
@pytest.mark.parametrize("spread", [0.0, 0.5, 3.0])
def test_the_quartiles_are_those_of_the_maximum_of_independent_numbers(n, spread) -> None:
    rng = np.random.default_rng(n)
    mean, deviation = spread * rng.standard_normal(n), rng.uniform(0.1, 1.0, n)
    for level, y in zip(QUANTILES, _quartiles(mean - mean.max(), deviation), strict=True):
        exact = math.exp(float(special.log_ndtr((y - mean + mean.max()) / deviation).sum()))
        assert exact == pytest.approx(level, abs=1e-5)


def test_drawn_maxima_are_distributed_as_drawn_maxima_are() -> None:
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=300), rng.uniform(0.3, 1.0, 300)
    drawn = maximum_samples(mean, deviation, 4000, rng)
    true = (mean + deviation * rng.standard_normal((4000, 300))).max(axis=1)
    # the quartiles are matched; a Gumbel distribution leaves a few percent in between
    assert stats.ks_2samp(drawn, true).statistic < 0.05


def test_what_is_known_for_sure_bounds_the_maximum() -> None:
    rng = np.random.default_rng(0)
    mean, deviation = np.array([3.0, 0.0]), np.array([0.0, 1.0])
    drawn = maximum_samples(mean, deviation, 1000, rng)
    assert drawn.min() == 3.0
    assert maximum_samples(mean, np.zeros(2), 3, rng).tolist() == [3.0] * 3


@pytest.mark.parametrize("power", [1e-150, 1.0, 1e150])
def test_maxima_shift_and_scale_as_values_do(power: float) -> None:
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=50), rng.uniform(0.1, 1.0, 50)
    first = maximum_samples(mean, deviation, 20, np.random.default_rng(1))
    second = maximum_samples((mean + 7) * power, deviation * power, 20, np.random.default_rng(1))
    assert second / power - 7 == pytest.approx(first, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("g", [-4.0, -1.0, 0.0, 0.5, 2.0, 4.0])
def test_the_information_is_the_entropy_that_a_cut_normal_number_loses(g: float) -> None:
    whole = special.ndtr(g)

    def surprise(z: float) -> float:
        density = stats.norm.pdf(z) / whole
        return -density * math.log(density) if density > 0 else 0.0

    left, _ = integrate.quad(surprise, -25.0, g, points=[-8.0, -4.0], limit=200)
    lost = 0.5 * math.log(2 * math.pi * math.e) - left
    value = log_max_value_entropy(np.array([1.0]), np.array([2.0]), np.array([1.0 + 2.0 * g]))
    assert math.exp(value[0]) == pytest.approx(lost, rel=1e-5)


# from 60-digit arithmetic: log(g phi(g) / (2 Phi(g)) - log Phi(g))
@pytest.mark.parametrize(
    ("g", "exact"),
    [
        (-1e6, 2.6556650189744904),
        (-201.0, 1.7443695887726911),
        (-30.0, 1.340865140666289),
        (5.1, -12.916244686035183),
        (20.0, -198.61137824444924),
        (50.0, -1247.6992633475272),
    ],
)
def test_the_information_is_exact_far_out(g: float, exact: float) -> None:
    value = log_max_value_entropy(np.zeros(1), np.ones(1), np.array([g]))[0]
    assert value == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_information_falls_from_the_highest_candidate_down_however_far(noise: float) -> None:
    mean = -np.concatenate([-np.logspace(6, -3, 2000), np.logspace(-3, 6, 2000)])
    value = log_max_value_entropy(mean, np.ones(4000), np.zeros(1), noise)
    steps = np.diff(value)
    # beyond 1e3 above, what a noisy measurement tells is constant to rounding
    assert (steps <= 1e-9).all()
    assert (steps[2000:] < 0).all()


def test_the_noisy_information_is_its_formula_and_less_with_more_noise() -> None:
    g = np.linspace(-3, 3, 25)
    ratio = stats.norm.pdf(g) / stats.norm.cdf(g)
    explained = 1 / (1 + 0.3**2) * ratio * (g + ratio)
    value = log_max_value_entropy(-g, np.ones(25), np.zeros(1), 0.3)
    assert np.exp(value) == pytest.approx(-0.5 * np.log1p(-explained), rel=1e-9)
    assert (log_max_value_entropy(-g, np.ones(25), np.zeros(1), 0.6) < value).all()


def test_it_averages_over_the_maxima() -> None:
    mean, deviation = np.array([0.0, 1.0]), np.array([1.0, 0.3])
    each = [np.exp(log_max_value_entropy(mean, deviation, np.array([y]))) for y in (1.0, 2.0)]
    both = log_max_value_entropy(mean, deviation, np.array([1.0, 2.0]))
    assert np.exp(both) == pytest.approx(np.mean(each, axis=0))


def test_what_is_known_tells_nothing_and_what_cannot_be_is_refused() -> None:
    value = log_max_value_entropy(np.array([0.0, 0.0]), np.array([0.0, 1.0]), np.array([1.0]))
    assert value[0] == -np.inf
    assert np.isfinite(value[1])
    with pytest.raises(ValueError, match="finite"):
        log_max_value_entropy(np.zeros(1), np.ones(1), np.array([np.nan]))
    with pytest.raises(ValueError, match="noise"):
        log_max_value_entropy(np.zeros(1), np.ones(1), np.ones(1), -1.0)


@given(
    arrays.arrays(float, 5, elements=st.floats(-5, 5)),
    arrays.arrays(float, 5, elements=st.floats(0.05, 3)),
    st.floats(-10, 10),
    st.sampled_from([1e-150, 1e-9, 1.0, 1e9, 1e150]),
    st.sampled_from([0.0, 0.4]),
)
@settings(max_examples=60, deadline=None)
def test_the_information_is_the_same_for_values_shifted_and_scaled(
    mean, deviation, shift, power, noise
) -> None:
    maxima = np.array([4.0, 6.0])
    first = log_max_value_entropy(mean, deviation, maxima, noise)
    second = log_max_value_entropy(
        (mean + shift) * power, deviation * power, (maxima + shift) * power, noise * power
    )
    # a shift rounds g by 1e-15 x 20/s, and g^2/2 by g times that: 1e-8 at s = 0.05
    assert second == pytest.approx(first, rel=1e-9, abs=1e-7)
