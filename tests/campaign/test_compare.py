"""Comparisons: what is called better is so beyond chance, and nothing else is."""

import math

import numpy as np
import pytest
from scipy.special import stdtrit

from spm_auto.campaign.compare import Comparison, compare, verdict


def _against(mine: list[float], theirs: list[float], is_lower_better: bool = True) -> Comparison:
    rng = np.random.default_rng(0)
    return compare(dict(enumerate(mine)), dict(enumerate(theirs)), is_lower_better, rng)


def test_a_player_who_wins_on_every_seed_is_better_and_its_opponent_worse() -> None:
    good, bad = [0.1, 0.2, 0.15, 0.1, 0.3, 0.2, 0.1, 0.2], [0.5, 0.6, 0.4, 0.5, 0.7, 0.5, 0.6, 0.4]
    forward, back = _against(good, bad), _against(bad, good)
    assert (forward.says, forward.wins, forward.losses) == ("better", 8, 0)
    assert back.says == "worse"
    assert forward.mean == pytest.approx(-back.mean)
    assert forward.low < forward.mean < forward.high < 0


def test_more_is_better_where_the_row_says_so() -> None:
    many, few = [5.0, 6, 7, 5, 6, 7], [1.0, 2, 3, 2, 1, 2]
    assert _against(many, few, is_lower_better=False).says == "better"
    assert _against(many, few, is_lower_better=True).says == "worse"


def test_pairing_by_seed_sees_what_the_scatter_between_seeds_hides() -> None:
    hard = np.linspace(0, 10, 12)  # seeds differ by far more than players
    paired = _against((hard - 0.1).tolist(), hard.tolist())
    rng = np.random.default_rng(1)
    mixed = _against(rng.permutation(hard - 0.1).tolist(), hard.tolist())
    assert (paired.says, mixed.says) == ("better", "open")


def test_players_that_differ_by_chance_are_called_different_about_one_time_in_twenty() -> None:
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(200, 2, 10)).tolist()
    called = sum(_against(mine, theirs).says != "open" for mine, theirs in draws)
    assert 0.02 < called / len(draws) < 0.07


@pytest.mark.parametrize("n", [6, 10, 20])
def test_the_interval_of_few_seeds_is_as_wide_as_students(n: int) -> None:
    drawn = np.random.default_rng(3).normal(size=n)
    found = _against(drawn.tolist(), [0.0] * n)
    student = 2 * stdtrit(n - 1, 0.975) * drawn.std(ddof=1) / math.sqrt(n)
    assert found.high - found.low == pytest.approx(student, rel=0.12)


def test_what_differs_by_rounding_alone_is_the_same() -> None:
    figures = [0.3, 0.1, 0.7, 0.2, 0.9, 0.4, 0.0]
    found = _against([(each + 0.1) - 0.1 - 1e-17 for each in figures], figures)
    assert (found.says, found.wins, found.losses, found.mean) == ("open", 0, 0, 0.0)


def test_few_seeds_decide_nothing_however_clear_they_look() -> None:
    assert _against([0.0] * 5, [1.0] * 5).says == "few"
    assert _against([0.0] * 6, [1.0] * 6).says == "better"
    assert _against([], []).n == 0


def test_seeds_that_only_one_has_played_do_not_count() -> None:
    rng = np.random.default_rng(0)
    found = compare({1: 0.0, 2: 0.0, 3: math.nan}, {2: 1.0, 3: 1.0, 4: 1.0}, True, rng)
    assert (found.n, found.wins) == (1, 1)


def test_what_never_came_is_compared_by_who_won_and_has_no_mean() -> None:
    never = math.inf
    clear = _against([5.0, 6, 7, 5, 6, 7, 8], [never] * 7)
    assert clear.says == "better"
    assert math.isnan(clear.mean)
    assert _against([never] * 7, [5.0, 6, 7, 5, 6, 7, 8]).says == "worse"
    assert _against([never, 6, never, never, never, 7], [never] * 6).says == "open"


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("better", "better", "better than random and ranking"),
        ("better", "open", "better than random, not than ranking"),
        ("better", "worse", "better than random, worse than ranking"),
        ("open", "open", "no better than random"),
        ("open", "better", "no better than random, but better than ranking"),
        ("open", "worse", "no better than random, worse than ranking"),
        ("worse", "worse", "worse than random and ranking"),
        ("worse", "open", "worse than random"),
        ("worse", "better", "worse than random, but better than ranking"),
        ("few", "better", "too few seeds to say (3)"),
    ],
)
def test_a_verdict_says_what_the_intervals_say(first: str, second: str, words: str) -> None:
    def saying(says: str) -> Comparison:
        return Comparison(3 if says == "few" else 10, 0.0, 0.0, 0.0, 0, 0, says)  # type: ignore[arg-type]

    assert verdict(saying(first), saying(second), "ranking") == words


def test_a_verdict_without_random_or_rule_speaks_of_the_other_alone() -> None:
    one = _against([0.0] * 6, [1.0] * 6)
    assert verdict(one, None, "") == "better than random"
    assert verdict(None, one, "in turn") == "better than in turn"
    assert verdict(None, None, "") == "compared with nobody"
