"""The gate: how much the second model may say."""

import numpy as np
import pytest

from spm_auto.agents.gate import PRIOR, Gate


def told(plain: list[float], other: list[float]) -> Gate:
    gate = Gate(2)
    for densities in zip(plain, other, strict=True):
        gate.note(densities)
    return gate


def test_before_any_evidence_only_the_plain_model_speaks() -> None:
    assert Gate(2).weights.tolist() == [1.0, 0.0]


def test_a_model_alone_always_speaks() -> None:
    gate = Gate(1)
    gate.note([-3.0])
    assert gate.weights.tolist() == [1.0]
    assert gate.evidence.tolist() == [-3.0]


def test_the_better_predictor_is_heard_more_the_more_it_was_better() -> None:
    weights = [told([-2.0] * n, [-1.0] * n).weights[1] for n in (1, 10, 30, 300)]
    assert weights[0] == 0.0  # one observation does not outweigh those that are taken for granted
    assert np.all(np.diff(weights) > 0)
    assert 0.9 < weights[-1] < 1.0


def test_the_worse_predictor_is_not_heard() -> None:
    assert told([-1.0] * 50, [-1.2] * 50).weights.tolist() == [1.0, 0.0]


def test_the_weights_are_those_of_the_best_mixture() -> None:
    rng = np.random.default_rng(3)
    plain, other = rng.normal(-1.0, 1.0, 60), rng.normal(-0.9, 1.0, 60)
    second = told(plain.tolist(), other.tolist()).weights[1]

    def score(w: float) -> float:
        mixed = np.log((1 - w) * np.exp(plain) + w * np.exp(other)).sum()
        return float(mixed + PRIOR * np.log(1 - w))

    finest = np.linspace(0, 0.999, 1000)
    best = finest[np.argmax([score(w) for w in finest])]
    assert second == pytest.approx(best, abs=0.025)
    assert 0.1 < second < 0.9  # the case is one where both are heard


def test_one_blunder_of_either_does_not_decide() -> None:
    with_blunder = told([-1.0] * 40, [-0.5] * 39 + [-30.0]).weights[1]
    assert with_blunder > 0.3


def test_densities_of_nothing_do_no_harm() -> None:
    gate = told([-1.0, -np.inf], [-np.inf, -1.0])
    assert np.isfinite(gate.weights).all()


def test_what_was_forgotten_does_not_count() -> None:
    gate = told([-2.0] * 50, [-1.0] * 50)
    gate.forget()
    assert gate.weights.tolist() == [1.0, 0.0]


def test_three_models_are_refused() -> None:
    with pytest.raises(ValueError, match="one or two models, got 3"):
        Gate(3)
