"""What every task must show: knowing the truth pays, one seed is one game, an agent can play."""

import math

import numpy as np
import pytest

from spm_auto.play import ORACLE, play
from spm_auto.simulator.tasks import (
    ChooseBias,
    GapHunt,
    LoopArea,
    MultiFidelity,
    Shiba,
    TipPrep,
    WallLaw,
    WritePattern,
)
from spm_auto.tasks import FIRST_TEST_SEED, Task

SEED = FIRST_TEST_SEED
# made once, as a task keeps what it knows of a seed; fewer choices where all must be looked at
TASKS = (
    LoopArea(sites=16),
    WallLaw(),
    ChooseBias(),
    WritePattern(),
    MultiFidelity(),
    GapHunt(),
    Shiba(),
)

every_task = pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])


@every_task
def test_who_knows_the_truth_does_better_than_chance(task: Task) -> None:
    oracle, chance = (play(task, player, SEED, level=1) for player in (ORACLE, "random"))
    assert oracle.regret < chance.regret
    assert oracle.mean_regret < chance.mean_regret
    assert oracle.regret < 0.5


@every_task
def test_one_seed_is_one_game(task: Task) -> None:
    games = [play(task, "random", SEED, level=3) for _ in range(2)]
    assert games[0].chosen == games[1].chosen
    assert games[0].times == games[1].times
    assert np.array_equal(games[0].rewards, games[1].rewards, equal_nan=True)
    assert np.array_equal(games[0].regrets, games[1].regrets)


@every_task
def test_an_agent_that_learns_plays_to_the_end(task: Task) -> None:
    score = play(task, "gp", SEED, level=2, refit_every=50)
    assert score.times[-1] >= task.budget or len(score.chosen) == task.acts
    assert all(math.isfinite(regret) and regret >= 0 for regret in score.regrets)


@every_task
def test_choices_are_told_apart_for_people_and_take_time(task: Task) -> None:
    choices = task.begin(SEED, 1).choices
    assert len(set(choices.labels)) == len(choices)
    assert np.all(choices.seconds > 0)


@every_task
def test_an_act_takes_about_the_time_that_was_announced(task: Task) -> None:
    episode = task.begin(SEED, 1)
    index = len(episode.choices) // 2
    episode.act(index)
    assert episode.time == pytest.approx(float(episode.choices.seconds[index]), rel=0.5)
