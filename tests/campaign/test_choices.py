"""Games of compromise, taste, novelty and statistics, played to their ends."""

import math
from typing import Any

import numpy as np
import pytest

from spm_auto.agents import ForbidRegion, Prefer
from spm_auto.errors import AgentError
from spm_auto.play import ORACLE, play
from spm_auto.simulator.tasks import (
    Distinct,
    EaseSymmetry,
    Library,
    LoopArea,
    Release,
    SwitchStats,
    Taste,
)
from spm_auto.tasks import FIRST_TEST_SEED, Task

SEED = FIRST_TEST_SEED
GREEDY: dict[str, Any] = {
    "acquisition": "upper_confidence_bound",
    "exploration": 0.0,
    "initial": 3,
    "ranked_share": 0.0,
}
# made once, as a task keeps what it knows of a seed
RELEASE, DISTINCT, EASE, TASTE = Release(), Distinct(), EaseSymmetry(sites=14), Taste(sites=14)
TASKS = (RELEASE, DISTINCT, EASE, TASTE, SwitchStats(), Library())

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_who_knows_the_truth_does_better_than_chance_and_acts_take_their_time(task: Task) -> None:
    oracle, chance = (play(task, player, SEED) for player in (ORACLE, "random"))
    assert oracle.regret < chance.regret
    assert oracle.mean_regret < chance.mean_regret
    assert oracle.regret < 0.25
    assert all(math.isfinite(regret) for regret in chance.regrets)
    episode = task.begin(SEED)
    assert len(set(episode.choices.labels)) == len(episode.choices)
    index = len(episode.choices) // 2
    episode.act(index)
    assert episode.time == pytest.approx(float(episode.choices.seconds[index]), rel=0.5)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_one_seed_is_one_game(task: Task) -> None:
    first, again = (play(task, "random", SEED, level=3) for _ in range(2))
    assert first.chosen == again.chosen
    assert first.regrets == again.regrets
    assert np.array_equal(first.rewards, again.rewards, equal_nan=True)


def test_who_does_not_listen_hears_nothing() -> None:
    score = play(RELEASE, "gp", SEED, **GREEDY)
    assert score.orders == ()
    assert "interventions" not in score.metrics


def test_a_player_who_listens_to_an_expert_goes_where_he_has_not_closed() -> None:
    score = play(LoopArea(sites=16), "random", SEED, human=True)
    points = LoopArea(sites=16).begin(SEED).choices.points[list(score.chosen)]
    for order in score.orders:
        assert isinstance(order.steering, ForbidRegion)
        assert not order.steering.contains(points[:, 0], points[:, 1]).any()


def test_an_agent_that_asks_is_answered_and_goes_by_the_answers() -> None:
    score = play(TASTE, "preference", SEED, human=True, initial=5)
    assert score.metrics["answers"] > 1.5 * len(score.chosen)
    assert {type(order.steering) for order in score.orders} == {Prefer}
    deaf = play(TASTE, "preference", SEED, initial=5)
    assert deaf.chosen != score.chosen


def test_agents_go_by_the_scalarizer_that_they_are_given() -> None:
    ease, symmetry = (
        play(EASE, "gp", SEED, scalarizer=name, ranked_share=0.0, refit_every=50)
        for name in EASE.begin(SEED).scalarizers
    )
    assert ease.chosen[:10] == symmetry.chosen[:10]
    assert ease.chosen != symmetry.chosen
    both = play(EASE, "pareto", SEED, refit_every=50)
    assert len(both.chosen) == len(ease.chosen)
    with pytest.raises(AgentError, match=r"no scalarizer 'beauty' in this task.*ease, symmetry"):
        play(EASE, "gp", SEED, scalarizer="beauty")
    with pytest.raises(AgentError, match="learns from 1 scalarizer, got 2"):
        play(EASE, "gp", SEED, scalarizer=("ease", "symmetry"))
    with pytest.raises(AgentError, match="'pareto' learns from 2 to 3 scalarizers, got 1"):
        play(RELEASE, "pareto", SEED)


def test_an_agent_that_looks_for_novelty_is_told_spectra() -> None:
    score = play(DISTINCT, "curious", SEED, refit_every=50)
    assert len(score.chosen) == Distinct.acts
    with pytest.raises(AgentError, match=r"the spectrum of candidate .* was not told"):
        play(RELEASE, "curious", SEED)
