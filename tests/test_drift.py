"""Drift: the filter that says where the sample is by now."""

import numpy as np
import pytest

from spm_auto.analysis.drift import Drift, DriftModel, Look
from spm_auto.instrument import FloatArray
from spm_auto.simulator.randomness import RandomStreams
from spm_auto.simulator.scanner import Scanner, ScannerSettings

FIXED = DriftModel(is_adapted=False)
SEEN = (0.2e-9) ** 2 * np.eye(2)


def walked(model: DriftModel, rng: np.random.Generator, every: float, n: int) -> FloatArray:
    """Draw a true motion of the model's own kind: states at equal times, shape (n, 4)."""
    root = np.linalg.cholesky(model.noise(every))
    state = np.array([0.0, 0.0, *rng.normal(0, model.speed, 2)])
    states = []
    for _ in range(n):
        state = state + np.array([*(every * state[2:]), 0.0, 0.0]) + root @ rng.normal(size=4)
        states.append(state)
    return np.array(states)


def followed(
    model: DriftModel, truth: FloatArray, every: float, rng: np.random.Generator
) -> list[Look]:
    drift, looks = Drift.begin(model, 0.0), []
    for number, state in enumerate(truth, start=1):
        seen = state[:2] + rng.multivariate_normal(np.zeros(2), SEEN)
        look = drift.looked(number * every, seen, SEEN)
        drift = look.drift
        looks.append(look)
    return looks


def test_its_surprises_are_what_chance_says() -> None:
    rng = np.random.default_rng(1)
    surprises, errors = [], []
    for _ in range(12):
        truth = walked(FIXED, rng, 120.0, 30)
        looks = followed(FIXED, truth, 120.0, rng)
        surprises += [look.surprise for look in looks]
        for look, state in zip(looks, truth, strict=True):
            off = look.drift.mean - state
            errors.append(off @ np.linalg.solve(look.drift.covariance, off))
    # chi-square of 2 and of 4; the mean of 360 scatters by 2/sqrt(360), and errors are correlated
    assert np.mean(surprises) == pytest.approx(2.0, abs=0.35)
    assert np.mean(errors) == pytest.approx(4.0, abs=0.9)
    assert sum(look.is_outlier for look in looks) == 0


def test_between_two_looks_the_error_stays_within_what_it_says() -> None:
    settings = ScannerSettings(preset="room_temperature_stm", warm_up="20 nm")
    errors, sds = [], []
    for seed in range(6):
        scanner = Scanner(settings, 1e-6, RandomStreams(seed))
        scanner.engage(0.0, 1)
        rng = np.random.default_rng(seed)
        drift = Drift.begin(DriftModel(), 0.0)
        for time in np.arange(120.0, 3600.0, 120.0).tolist():
            before, truth = drift.at(time), scanner.drift(np.array([time]))[:, 0]
            if time > 600:
                errors.append(before.mean[:2] - truth)
                sds.append(before.sd)
            drift = drift.looked(time, truth + rng.normal(0, 0.2e-9, 2), SEEN).drift
    normalised = np.array(errors) / np.array(sds)[:, np.newaxis]
    assert 0.5 < np.sqrt(np.mean(normalised**2)) < 1.5
    assert np.sqrt(np.mean(np.square(errors))) < 1.0e-9  # where nobody corrects it is 100 nm


def test_a_velocity_is_learned_from_two_looks_and_carried_on() -> None:
    drift = Drift.begin(DriftModel(), 0.0)
    for time in (60.0, 120.0, 180.0):
        drift = drift.looked(time, np.array([0.05e-9, -0.02e-9]) * time, SEEN).drift
    ahead = drift.at(600.0)
    assert ahead.offset == pytest.approx((30e-9, -12e-9), abs=3 * ahead.sd)
    assert ahead.sd > drift.sd
    assert drift.velocity == pytest.approx((0.05e-9, -0.02e-9), abs=0.005e-9)


def test_an_outlier_moves_nothing_and_a_second_one_may_be_believed() -> None:
    drift = Drift.begin(DriftModel(), 0.0)
    for time in (60.0, 120.0):
        drift = drift.looked(time, np.zeros(2), SEEN).drift
    jumped = np.array([40e-9, 0.0])
    look = drift.looked(180.0, jumped, SEEN)
    assert look.is_outlier
    assert look.drift.offset == pytest.approx((0.0, 0.0), abs=1e-9)
    again = look.drift.reacquired(190.0, jumped, SEEN)
    assert again.offset == (40e-9, 0.0)
    assert not again.looked(250.0, jumped, SEEN).is_outlier


def test_a_motion_that_is_wilder_than_thought_is_followed_when_it_is_adapted() -> None:
    wild = DriftModel(walk=0.3e-9, is_adapted=False)
    rng = np.random.default_rng(4)
    truth = walked(wild, rng, 60.0, 60)
    calm = DriftModel(gate=100.0, is_adapted=False)
    stiff, adapted = (
        [look.surprise for look in followed(model, truth, 60.0, np.random.default_rng(5))][20:]
        for model in (calm, DriftModel(gate=100.0))
    )
    assert np.mean(stiff) > 10
    assert np.mean(adapted) < 4


def test_time_does_not_run_backwards_and_nothing_is_not_seen() -> None:
    drift = Drift.begin(DriftModel(), 100.0)
    with pytest.raises(ValueError, match=r"99.0 s lies before 100.0 s"):
        drift.at(99.0)
    with pytest.raises(ValueError, match="finite"):
        drift.looked(110.0, np.array([np.nan, 0.0]), SEEN)
    with pytest.raises(ValueError, match="walk must be positive, got 0"):
        DriftModel(walk=0.0)
