"""Thompson draws against the exact mean and covariance."""

import numpy as np
import pytest

from spm_auto.agents.acquisition import (
    Covariance,
    joint_draws,
    posterior_draw,
    prior_draw,
    through_kernel,
)

LEVELS = 0.3 + 0.7 * np.exp(-np.abs(np.subtract.outer(np.arange(3), np.arange(3))))
DRAWS = 4000
# a covariance of DRAWS draws of variance v errs by about v sqrt(2 / DRAWS) = 0.022 v; 5 of these
# leave room for the largest of all entries
TOLERANCE = 0.11


def _covariance(levels: np.ndarray | None, sites: int = 7, seed: int = 0) -> Covariance:
    rng = np.random.default_rng(seed)
    inputs = (rng.normal(size=(sites, 2)), rng.normal(size=(sites, 3)))
    return Covariance(inputs, (0.6, 0.4), levels)


def _posterior(covariance: Covariance) -> tuple[np.ndarray, ...]:
    everything = np.arange(len(covariance))
    k = covariance.between(everything, everything)
    rows = np.array([0, 3, 3, 5])
    targets, noise = np.array([1.0, -1.0, -0.5, 2.0]), np.array([0.5, 0.8, 0.8, 0.5])
    told = k[np.ix_(rows, rows)] + np.diag(noise)
    mean = k[:, rows] @ np.linalg.solve(told, targets)
    rest = k - k[:, rows] @ np.linalg.solve(told, k[rows])
    return rows, targets, noise, np.linalg.cholesky(told), mean, rest


def test_the_kernel_is_that_of_the_sites_times_that_of_the_levels() -> None:
    covariance = _covariance(LEVELS)
    everything, sites = np.arange(21), np.arange(7)
    x, z = covariance.inputs
    total = np.zeros((7, 7))
    for scale, inputs in ((0.6, x), (0.4, z)):
        r = np.sqrt(5) * np.linalg.norm(inputs[:, None] - inputs, axis=2)
        total += scale * (1 + r + r**2 / 3) * np.exp(-r)
    # a squared distance rounded by 1e-15 is a distance of 3e-8, and M is flat there
    assert covariance.of_sites(sites, sites) == pytest.approx(total, abs=1e-12)
    assert covariance.between(everything, everything) == pytest.approx(
        np.kron(total, LEVELS), abs=1e-12
    )
    weights = np.random.default_rng(1).normal(size=4)
    rows = np.array([2, 20, 2, 7])
    assert covariance.times(rows, weights) == pytest.approx(
        covariance.between(everything, rows) @ weights
    )


@pytest.mark.parametrize("levels", [None, LEVELS], ids=["sites", "levels"])
def test_draws_from_the_prior_have_its_covariance(levels) -> None:
    covariance, rng = _covariance(levels), np.random.default_rng(1)
    draws = np.array([prior_draw(covariance, rng, waves=32) for _ in range(DRAWS)])
    everything = np.arange(len(covariance))
    exact = covariance.between(everything, everything)
    assert np.cov(draws.T) == pytest.approx(exact, abs=TOLERANCE)
    assert draws.mean(axis=0) == pytest.approx(np.zeros(len(covariance)), abs=0.08)  # 5 / sqrt(n)


@pytest.mark.parametrize("distance", [0.5, 1.0])
def test_the_waves_are_those_of_this_kernel_and_of_no_other_of_its_family(distance) -> None:
    rng = np.random.default_rng(3)
    left = 8.0 * np.arange(2000)[:, None]
    covariance = Covariance((np.vstack([left, left + distance]),), (1.0,))
    draws = np.array([prior_draw(covariance, rng, waves=2048) for _ in range(10)])
    found = np.mean(draws[:, :2000] * draws[:, 2000:])
    exact = covariance.between(np.array([0]), np.array([2000]))[0, 0]
    # 20,000 products and 20,480 waves: 0.01; the rougher Matérn-3/2 is off by 0.04
    assert found == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("levels", [None, LEVELS], ids=["sites", "levels"])
def test_draws_from_the_posterior_have_its_mean_and_covariance(levels) -> None:
    covariance, rng = _covariance(levels), np.random.default_rng(2)
    rows, targets, noise, factor, mean, rest = _posterior(covariance)
    back = through_kernel(covariance, rows, factor)
    draws = np.array(
        [
            posterior_draw(prior_draw(covariance, rng, 32), rows, targets, noise, factor, back, rng)
            for _ in range(DRAWS)
        ]
    )
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.08)
    assert np.cov(draws.T) == pytest.approx(rest, abs=TOLERANCE)


def test_the_correction_is_the_same_through_the_kernel_and_through_its_whitened_rows() -> None:
    covariance = _covariance(LEVELS)
    rows, targets, noise, factor, _, _ = _posterior(covariance)
    whitened = np.linalg.solve(factor, covariance.between(rows, np.arange(21)))
    draws = [
        posterior_draw(
            prior_draw(covariance, np.random.default_rng(3)),
            rows,
            targets,
            noise,
            factor,
            back,
            np.random.default_rng(4),
        )
        for back in (through_kernel(covariance, rows, factor), lambda white: whitened.T @ white)
    ]
    assert draws[0] == pytest.approx(draws[1], abs=1e-10)


def test_a_draw_goes_through_what_was_measured_without_noise() -> None:
    covariance, rng = _covariance(None, sites=50), np.random.default_rng(5)
    rows = np.array([3, 8, 40])
    factor = np.linalg.cholesky(covariance.between(rows, rows) + 1e-10 * np.eye(3))
    targets = np.array([1.0, -2.0, 0.5])
    back = through_kernel(covariance, rows, factor)
    draw = posterior_draw(prior_draw(covariance, rng), rows, targets, 1e-10, factor, back, rng)
    assert draw[rows] == pytest.approx(targets, abs=1e-4)


def test_blocks_make_no_difference(monkeypatch) -> None:
    covariance = _covariance(LEVELS, sites=50)
    whole = prior_draw(covariance, np.random.default_rng(6))
    monkeypatch.setattr("spm_auto.agents.acquisition.thompson._BLOCK", 7 * 512)
    parts = prior_draw(covariance, np.random.default_rng(6))
    assert parts == pytest.approx(whole, abs=1e-5)  # single precision, summed in another order


@pytest.mark.parametrize("power", [1e-150, 1e150])
def test_a_draw_scales_as_the_deviation_does(power: float) -> None:
    covariance = _covariance(None)
    scaled = Covariance(covariance.inputs, tuple(power * s for s in covariance.scales))
    one = prior_draw(covariance, np.random.default_rng(7))
    two = prior_draw(scaled, np.random.default_rng(7))
    assert two / np.sqrt(power) == pytest.approx(one, abs=1e-5)


def test_nothing_to_draw_draws_nothing() -> None:
    covariance, rng = Covariance((np.zeros((1, 2)),), (0.0,)), np.random.default_rng(8)
    assert prior_draw(covariance, rng).tolist() == [0.0]
    empty = np.empty((0, 0))
    back = through_kernel(covariance, [], empty)
    prior = np.ones(1)
    assert posterior_draw(prior, [], np.empty(0), 0.1, empty, back, rng).tolist() == [1.0]


def test_a_term_without_inputs_is_the_same_everywhere() -> None:
    covariance = Covariance((np.empty((5, 0)),), (1.0,))
    draws = [prior_draw(covariance, np.random.default_rng(i)) for i in range(500)]
    assert np.ptp(draws, axis=1) == pytest.approx(np.zeros(500), abs=1e-6)
    assert np.std(draws) == pytest.approx(1.0, abs=0.15)  # 500 draws: 0.03


def test_joint_draws_have_the_mean_and_covariance_also_when_it_is_singular() -> None:
    rng = np.random.default_rng(9)
    half = rng.normal(size=(5, 3))
    covariance, mean = half @ half.T, rng.normal(size=5)
    draws = joint_draws(mean, covariance, 40_000, rng)
    # 5 x sqrt(2 / 40,000) of a variance
    assert np.cov(draws.T) == pytest.approx(covariance, abs=0.036 * covariance.max())
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.025 * np.sqrt(covariance.max()))
    assert joint_draws(np.ones(2), np.zeros((2, 2)), 1, rng).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("power", [1e-150, 1e150])
def test_joint_draws_of_huge_and_tiny_variances_are_finite(power: float) -> None:
    draws = joint_draws(np.zeros(3), power * np.eye(3), 2, np.random.default_rng(0))
    one = joint_draws(np.zeros(3), np.eye(3), 2, np.random.default_rng(0))
    assert draws / np.sqrt(power) == pytest.approx(one)


def test_what_is_no_covariance_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="eigenvalue"):
        joint_draws(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]), 1, rng)
    with pytest.raises(ValueError, match="diagonal"):
        joint_draws(np.zeros(1), np.array([[np.nan]]), 1, rng)
    with pytest.raises(ValueError, match="shape"):
        joint_draws(np.zeros(2), np.eye(3), 1, rng)
    with pytest.raises(ValueError, match="same sites"):
        Covariance((np.zeros((2, 1)), np.zeros((3, 1))), (1.0, 1.0))
    with pytest.raises(ValueError, match="scales"):
        Covariance((np.zeros((2, 1)),), (np.nan,))
