"""Games of compromise, taste, novelty and release, and the humans who look on."""

import math
from typing import Any

import numpy as np
import pytest

from spm_auto.agents import ForbidRegion, Order
from spm_auto.campaign.checks import check_agent
from spm_auto.errors import AgentError, RecipeError, TaskError
from spm_auto.play import ORACLE, agent_settings, play
from spm_auto.simulator.tasks import (
    GapHunt,
    Release,
)
from spm_auto.simulator.tasks.distinct import kinds_of
from spm_auto.simulator.tasks.ease_symmetry import area, is_front
from spm_auto.simulator.tasks.onlookers import Releaser, stripes
from spm_auto.simulator.tasks.switching import switching
from spm_auto.tasks import FIRST_TEST_SEED, Avoid, Choices, Shown

SEED = FIRST_TEST_SEED
GREEDY: dict[str, Any] = {
    "acquisition": "upper_confidence_bound",
    "exploration": 0.0,
    "initial": 3,
    "ranked_share": 0.0,
}
RELEASE = Release()


def test_who_knows_the_truth_climbs_all_hills() -> None:
    oracle, chance = (play(RELEASE, player, SEED) for player in (ORACLE, "random"))
    assert oracle.metrics["hills climbed"] == 5
    assert oracle.regret < 0.1 < chance.regret


def test_a_trapped_agent_is_sent_away_and_stays_away() -> None:
    orders: list[Order] = []
    score = play(RELEASE, "gp", SEED, record=orders.append, human=True, **GREEDY)
    assert score.metrics["interventions"] == len(orders) >= 1
    assert tuple(orders) == score.orders
    order = orders[0]
    assert order.who == "simulated human"
    assert isinstance(order.steering, ForbidRegion)
    points = RELEASE.begin(SEED).choices.points
    inside = [bool(order.steering.contains(*points[[i], :2].T)[0]) for i in score.chosen]
    last = max(i for i, is_inside in enumerate(inside) if is_inside)
    assert not any(inside[last + 1 :])
    assert sum(inside) < len(inside) - 5


def test_where_nobody_looks_on_nobody_can_be_listened_to() -> None:
    with pytest.raises(TaskError, match="nobody looks on in task 'gap_hunt'"):
        play(GapHunt(), "random", SEED, human=True)


def shown(places: list[tuple[float, float]], rewards: list[float]) -> Shown:
    choices = Choices.of(np.array(places), [str(i) for i in range(len(places))], 1.0)
    return Shown(choices, tuple(range(len(places))), tuple(rewards), ())


def test_a_human_closes_a_region_only_where_nothing_better_is_found() -> None:
    here = [(0.0, 0.0), (5.0, 5.0), (5.1, 5.0), (5.0, 5.1)]
    (wish,) = Releaser(3, near=0.5, radius=1.0).look(shown(here, [2.0, 1.0, math.nan, 1.9]))
    assert isinstance(wish, Avoid)
    assert wish.center == (5.0, 5.0)
    assert wish.radius == 1.0
    assert not Releaser(3, 0.5, 1.0).look(shown(here, [2.0, 1.0, 2.1, 1.9]))
    assert not Releaser(3, 0.05, 1.0).look(shown(here, [2.0, 1.0, 1.0, 1.9]))
    human = Releaser(3, 0.5, 1.0)
    assert human.look(shown(here, [2.0, 1.0, 1.0, 1.9]))
    assert not human.look(shown([*here, (5.0, 5.0)], [2.0, 1.0, 1.0, 1.9, 1.0]))


def test_an_expert_closes_just_the_places_that_he_means() -> None:
    y, x = np.divmod(np.arange(25.0), 5)
    choices = Choices.of(np.column_stack([x, y]), [str(i) for i in range(25)], 1.0)
    useless = np.isin(np.arange(25), [0, 1, 7, 9, 20, 24])
    regions = [ForbidRegion(w.center, w.size, w.radius) for w in stripes(choices, useless, "")]
    closed = np.any([region.contains(x, y) for region in regions], axis=0)
    assert np.array_equal(closed, useless)
    assert len(regions) == 5


def test_what_a_player_has_besides_its_agent_is_no_fault_of_the_agents_settings() -> None:
    settings = agent_settings("gp", {"human": True, "scalarizer": "ease", "initial": 4})
    assert settings.model_dump()["initial"] == 4
    with pytest.raises(AgentError, match="agent 'gp': initail"):
        agent_settings("gp", {"initail": 4})


def test_the_switching_biases_of_a_loop_are_read_where_its_branches_step() -> None:
    bias = np.concatenate([np.linspace(-10, 10, 33), np.linspace(10, -10, 33)[1:-1]])
    rises = np.arange(len(bias)) < 33
    response = np.where(rises, np.tanh(bias - 3.0), np.tanh(bias + 4.5))
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(bias))
    for sign in (1e-12, -3e-12):
        found = switching(bias, sign * (response + noise))
        assert found is not None
        assert found.width == pytest.approx(3.75, abs=0.2)
        assert found.shift == pytest.approx(-0.75, abs=0.2)
    assert switching(bias, noise) is None


def test_a_front_dominates_what_it_should() -> None:
    values = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [1.5, 1.5], [2.0, 1.0], [-1.0, 9.0]])
    assert is_front(values).tolist() == [True, True, True, False, False, True]
    assert area(values[:5], np.zeros(2)) == pytest.approx(6.0)
    assert area(values[[5]], np.zeros(2)) == 0.0
    assert area(values[:0], np.zeros(2)) == 0.0


def test_kinds_are_far_from_one_another_and_near_to_all() -> None:
    rng = np.random.default_rng(2)
    middles = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    spectra = np.repeat(middles, 20, axis=0) + 0.1 * rng.standard_normal((60, 2))
    kinds = kinds_of(spectra, 3)
    assert sorted(int(row) // 20 for row in kinds.rows) == [0, 1, 2]
    assert kinds.radius < 1.0


def test_a_campaign_takes_a_player_who_listens_and_refuses_half_a_word() -> None:
    check_agent({"kind": "pareto", "human": True, "scalarizer": ["ease", "symmetry"]})
    with pytest.raises(RecipeError, match="human"):
        check_agent({"kind": "gp", "human": "yes"})
