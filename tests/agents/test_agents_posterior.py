"""The Gaussian process against the textbook, and its updates against a rebuild."""

import warnings

import numpy as np
import pytest
import torch
from agents_samples import make_overview, make_truth

from spm_auto.agents import Candidates
from spm_auto.agents.surrogate import GaussianProcess, Inputs

ROWS = [3, 40, 41, 77, 120, 200, 33, 250, 301, 18, 99, 410]


def matern(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return (1 + r + r^2/3) exp(-r) with r = sqrt(5) |a - b|, term by term."""
    r = np.sqrt(5) * np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))
    return (1 + r + r**2 / 3) * np.exp(-r)


def dense_covariance(inputs: Inputs, parameters: dict[str, float]) -> np.ndarray:
    """Return the covariance of all candidates, level by level at each place."""

    def term(name: str, columns: np.ndarray) -> np.ndarray:
        lengths = [v for key, v in parameters.items() if key.startswith(f"{name}_length")]
        return matern(columns / np.array(lengths), columns / np.array(lengths))

    places = sum(
        parameters[f"{name}_variance"] * term(name, getattr(inputs, name).numpy())
        for name in ("descriptors", "position")
    )
    if not inputs.levels.shape[1]:
        return np.asarray(places)
    alike = term("level", inputs.levels.numpy())
    shared = parameters["level_share"] + (1 - parameters["level_share"]) * alike
    own = np.ones_like(places)
    return np.kron(places, shared) + np.kron(own, parameters["level_variance"] * alike)


def noise_at(inputs: Inputs, parameters: dict[str, float], rows: list[int]) -> np.ndarray:
    slopes = [v for key, v in parameters.items() if key.startswith("noise_slope")]
    z = inputs.descriptors.numpy()[np.array(rows) // len(inputs.levels)]
    return parameters["noise_variance"] * np.exp(np.clip(z @ np.array(slopes), -1.0, 2.0))


def prior_mean(inputs: Inputs, parameters: dict[str, float]) -> np.ndarray:
    slope = parameters.get("ranking_slope", 0.0)
    mean = parameters["constant"] + slope * inputs.ranking.numpy()
    return np.repeat(mean, len(inputs.levels))


def loss_of(model: GaussianProcess, targets: np.ndarray, extra_noise: np.ndarray) -> torch.Tensor:
    sites, levels = model._split(torch.tensor(ROWS))
    y, extra = torch.from_numpy(targets), torch.from_numpy(extra_noise)
    return model._loss(model._columns(sites), sites, levels, y, extra)


@pytest.fixture(params=["fixed bias", "chosen bias", "bias and ranking"])
def case(request: pytest.FixtureRequest):
    biases = () if request.param == "fixed bias" else (2.0, 5.0, 8.0)
    candidates = Candidates.of(make_overview(), biases=biases)
    inputs = Inputs.of(candidates)
    truth = make_truth(candidates) + 0.3 * np.tile(
        np.arange(len(candidates.levels)), len(candidates.positions)
    )
    targets = (truth[ROWS] - truth[ROWS].mean()) / truth[ROWS].std()
    extra_noise = np.linspace(0.0, 0.2, len(ROWS))
    model = GaussianProcess(inputs, trusts_ranking=request.param == "bias and ranking")
    model.fit(ROWS, targets, extra_noise)
    return model, inputs, targets, extra_noise


def test_the_posterior_is_that_of_the_textbook(case) -> None:
    model, inputs, targets, extra_noise = case
    posterior = model.posterior(ROWS, targets, extra_noise)
    parameters = model.parameters
    k = dense_covariance(inputs, parameters)
    noise = noise_at(inputs, parameters, ROWS)
    observed = k[np.ix_(ROWS, ROWS)] + np.diag(noise + extra_noise)
    gain = np.linalg.solve(observed, k[ROWS]).T
    prior = prior_mean(inputs, parameters)
    mean = prior + gain @ (targets - prior[ROWS])
    variance = np.diag(k) - np.sum(gain * k[:, ROWS], axis=1)
    assert posterior.mean == pytest.approx(mean, abs=1e-9)
    assert posterior.deviation == pytest.approx(np.sqrt(variance), abs=1e-7)


def test_the_loss_is_the_evidence_and_the_priors_of_the_textbook(case) -> None:
    model, inputs, targets, extra_noise = case
    parameters = model.parameters
    k = dense_covariance(inputs, parameters)[np.ix_(ROWS, ROWS)]
    k += np.diag(noise_at(inputs, parameters, ROWS) + extra_noise)
    residual = targets - prior_mean(inputs, parameters)[ROWS]
    evidence = -0.5 * residual @ np.linalg.solve(k, residual) - 0.5 * np.linalg.slogdet(k)[1]

    def prior(value: float, center: float, width: float) -> float:
        return -0.5 * ((value - center) / width) ** 2

    def log_prior(value: float, center: float, width: float) -> float:
        return prior(np.log(value), np.log(center), width) - np.log(width * np.sqrt(2 * np.pi))

    total = prior(parameters["constant"], 0.0, 0.5)
    total += prior(np.log(parameters["noise_variance"]), np.log(0.3), 1.0)
    spread = 0.25 * np.sqrt(15 / inputs.descriptors.shape[1])
    total += sum(prior(v, 0.0, spread) for key, v in parameters.items() if "noise_slope" in key)
    if "ranking_slope" in parameters:
        total += prior(parameters["ranking_slope"], 0.0, 0.5)
    if "level_share" in parameters:
        share = parameters["level_share"]
        total += prior(np.log(share / (1 - share)), 0.0, 1.5)
    d = inputs.descriptors.shape[1]
    for name, scale, length, width in (
        ("descriptors", 0.5, np.sqrt(d) * np.exp(0.5), 1.0),
        ("position", 0.3, 0.25, 0.7),
        ("level", 0.3, 0.7, 0.7),
    ):
        if f"{name}_variance" in parameters:
            total += log_prior(parameters[f"{name}_variance"], scale, 1.0)
            lengths = [v for key, v in parameters.items() if key.startswith(f"{name}_length")]
            total += sum(log_prior(value, length, width) for value in lengths)
    loss = loss_of(model, targets, extra_noise)
    assert float(loss.detach()) == pytest.approx(-(evidence + total), abs=1e-6)


def test_a_fit_finds_a_stationary_point(case) -> None:
    model, _, targets, extra_noise = case
    for _ in range(8):
        model.fit(ROWS, targets, extra_noise)
    parameters = model._hyperparameters()
    loss = loss_of(model, targets, extra_noise)
    slopes = torch.autograd.grad(loss, parameters)
    assert float(torch.cat([slope.flatten() for slope in slopes]).abs().max()) < 1e-3


def test_updating_point_by_point_equals_a_rebuild(case) -> None:
    model, _, targets, extra_noise = case
    grown = model.posterior(ROWS[:2], targets[:2], extra_noise[:2])
    for row, target, extra in zip(ROWS[2:], targets[2:], extra_noise[2:], strict=True):
        grown.observe(row, target, extra)
    whole = model.posterior(ROWS, targets, extra_noise)
    assert grown.mean == pytest.approx(whole.mean, abs=1e-10)
    assert grown.deviation == pytest.approx(whole.deviation, abs=1e-10)


def test_many_updates_find_room(case) -> None:
    model, _, _, _ = case
    rows = list(range(0, 400, 5))
    targets = np.sin(np.arange(80.0))
    grown = model.posterior(rows[:3], targets[:3], np.zeros(3))
    for row, target in zip(rows[3:], targets[3:], strict=True):
        grown.observe(row, target)
    whole = model.posterior(rows, targets, np.zeros(80))
    assert grown.mean == pytest.approx(whole.mean, abs=1e-9)
    assert grown.deviation_with([7, 8]) == pytest.approx(whole.deviation_with([7, 8]), abs=1e-9)


def test_pending_points_shrink_the_deviation_as_observations_would(case) -> None:
    model, _, targets, extra_noise = case
    posterior = model.posterior(ROWS, targets, extra_noise)
    before, mean = posterior.deviation, posterior.mean
    pending = posterior.deviation_with([60, 61])
    assert pending[60] < 0.9 * before[60]
    assert (pending <= before + 1e-12).all()
    assert posterior.deviation.tolist() == before.tolist()  # nothing was kept
    posterior.observe(60, 5.0)
    posterior.observe(61, -5.0)
    assert posterior.deviation == pytest.approx(pending, abs=1e-10)
    assert posterior.mean != pytest.approx(mean, abs=0.1)


def test_believed_points_leave_the_mean_alone(case) -> None:
    model, _, targets, extra_noise = case
    plain = model.posterior(ROWS, targets, extra_noise)
    believing = model.posterior(ROWS, targets, extra_noise, believed=[60, 61])
    assert believing.mean == pytest.approx(plain.mean, abs=1e-10)
    assert believing.deviation == pytest.approx(plain.deviation_with([60, 61]), abs=1e-10)
    plain.believe(60)
    plain.believe(61)
    assert plain.mean == pytest.approx(believing.mean, abs=1e-10)
    assert plain.deviation == pytest.approx(believing.deviation, abs=1e-10)


def test_the_density_of_an_observation_counts_its_noise(case) -> None:
    model, inputs, targets, extra_noise = case
    posterior = model.posterior(ROWS, targets, extra_noise)
    noise = float(noise_at(inputs, model.parameters, [60])[0])
    variance = posterior.deviation[60] ** 2 + noise + 0.4
    expected = (
        -0.5 * np.log(2 * np.pi * variance) - 0.5 * (1.5 - posterior.mean[60]) ** 2 / variance
    )
    assert posterior.log_density(60, 1.5, extra_noise=0.4) == pytest.approx(expected, abs=1e-9)


def test_the_kernel_is_that_which_was_fitted(case) -> None:
    # the posterior evaluates Matérn kernels by itself, for speed; gpytorch's are the reference
    model, inputs, targets, extra_noise = case
    posterior = model.posterior(ROWS, targets, extra_noise)
    with torch.no_grad():
        columns = model._columns(torch.arange(len(inputs.position)))
        reference = sum(term(columns[name]).to_dense() for name, term in model._terms.items())
    own = posterior._k.places.between(slice(None), slice(None))
    assert own.numpy() == pytest.approx(reference.numpy(), abs=1e-9)


def test_draws_scatter_around_the_mean_as_the_posterior_says(case) -> None:
    model, _, targets, extra_noise = case
    posterior = model.posterior(ROWS, targets, extra_noise, believed=[60])
    posterior.observe(61, 0.5)
    draws = np.array([posterior.draw(np.random.default_rng(seed)) for seed in range(400)])
    error = (draws.mean(axis=0) - posterior.mean) / posterior.deviation
    assert np.abs(error).max() < 5 / np.sqrt(400)
    assert draws.std(axis=0) == pytest.approx(posterior.deviation, rel=0.2)


def test_a_fit_warns_of_nothing() -> None:
    candidates = Candidates.of(make_overview())
    model = GaussianProcess(Inputs.of(candidates))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit([1, 2], np.array([1.0, 1.0]), np.zeros(2))
        model.posterior([1, 2], np.array([1.0, 1.0]), np.zeros(2))
