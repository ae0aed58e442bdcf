"""The bandit: whose turn it is."""

import math

import numpy as np

from spm_auto.agents.bandit import WINDOW, Bandit

RULES = ("ranking", "upper_confidence_bound")


def shares(values: dict[str, float], n: int = 200, seed: int = 0) -> dict[str, float]:
    """Return how often each rule had its turn, when it always finds about the same value."""
    rng = np.random.default_rng(seed)
    bandit = Bandit(RULES, seed)
    turns = []
    for k in range(n):
        rule = bandit.choose(k)
        turns.append(rule)
        bandit.note(rule, values[rule] + rng.normal())
    return {rule: turns.count(rule) / n for rule in RULES}


def test_the_rule_that_finds_more_has_its_turn_more_often() -> None:
    assert shares({"ranking": 2.0, "upper_confidence_bound": 0.0})["ranking"] > 0.8
    assert shares({"ranking": 0.0, "upper_confidence_bound": 2.0})["ranking"] < 0.2


def test_equal_rules_share() -> None:
    mean = np.mean(
        [
            shares({"ranking": 1.0, "upper_confidence_bound": 1.0}, seed=s)["ranking"]
            for s in range(8)
        ]
    )
    assert 0.3 < mean < 0.7


def test_the_unit_of_the_values_does_not_matter() -> None:
    for factor in (1e-12, 1e12):
        bandits = Bandit(RULES, 1), Bandit(RULES, 1)
        rng = np.random.default_rng(2)
        for k in range(60):
            one, other = (bandit.choose(k) for bandit in bandits)
            assert one == other
            value = float(rng.normal())
            bandits[0].note(one, value)
            bandits[1].note(other, factor * value)


def test_a_rule_that_fails_loses_its_turn() -> None:
    bandit = Bandit(RULES, 0)
    turns = []
    for k in range(80):
        rule = bandit.choose(k)
        turns.append(rule)
        bandit.note(rule, math.nan if rule == "ranking" else 1.0)
    assert turns[20:].count("ranking") < 12


def test_a_rule_recovers_when_the_other_has_found_all_there_is() -> None:
    bandit = Bandit(RULES, 0)
    for _ in range(WINDOW):
        bandit.note("ranking", 2.0)
    for _ in range(WINDOW):
        bandit.note("upper_confidence_bound", 1.0)
    for _ in range(WINDOW):
        bandit.note("ranking", 0.0)
    turns = [bandit.choose(k) for k in range(50)]
    assert turns.count("upper_confidence_bound") > 40


def test_one_rule_alone_needs_no_draw() -> None:
    bandit = Bandit(("variance",), 0)
    assert {bandit.choose(k) for k in range(5)} == {"variance"}


def test_every_rule_is_tried() -> None:
    bandit = Bandit(("a", "b", "c"), 5)
    tried = set()
    for k in range(30):
        rule = bandit.choose(k)
        tried.add(rule)
        bandit.note(rule, 0.0)
    assert tried == {"a", "b", "c"}


def test_the_standing_is_the_mean_rank_of_the_finds() -> None:
    bandit = Bandit(RULES, 0)
    assert all(math.isnan(mean) for mean in bandit.standing.values())
    for rule, value in (("ranking", 1.0), ("", 2.0), ("upper_confidence_bound", 3.0)):
        bandit.note(rule, value)
    standing = bandit.standing
    assert standing["ranking"] == 1 / 6
    assert standing["upper_confidence_bound"] == 5 / 6
