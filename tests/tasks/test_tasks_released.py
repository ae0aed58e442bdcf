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
    Setpoint,
    Shiba,
    StiffInclusions,
    TipPrep,
    WallLaw,
    WritePattern,
)
from spm_auto.tasks import FIRST_TEST_SEED, Task

SEED = FIRST_TEST_SEED
FEW_ACTS = 5


class ShortTipPrep(TipPrep):
    acts = 12


# made once, as a task keeps what it knows of a seed; fewer choices where all must be looked at
TASKS = (
    LoopArea(sites=16),
    WallLaw(),
    ChooseBias(),
    WritePattern(),
    MultiFidelity(),
    GapHunt(),
    Shiba(),
    StiffInclusions(),
    ShortTipPrep(),
    Setpoint(gains=(900.0, 3000.0), rates=(16.0,)),
)

every_task = pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])


@every_task
def test_who_knows_the_truth_does_better_than_chance(task: Task) -> None:
    oracle, chance = (play(task, player, SEED, level=1) for player in (ORACLE, "random"))
    assert oracle.regret < chance.regret
    assert oracle.mean_regret < chance.mean_regret
    assert oracle.regret < 0.5
    assert all(math.isfinite(regret) and regret >= 0 for regret in chance.regrets)


@every_task
def test_one_seed_is_one_game(task: Task) -> None:
    games = [task.begin(SEED, level=3) for _ in range(2)]
    picks = np.linspace(0, len(games[0].choices) - 1, FEW_ACTS).astype(int).tolist()
    for pick in picks:
        one, other = (game.act(pick) for game in games)
        assert one == other or (math.isnan(one) and math.isnan(other))
        assert games[0].time == games[1].time
        assert games[0].regret() == games[1].regret()


@pytest.mark.usefixtures("quick_fits")
@every_task
def test_an_agent_that_learns_plays_to_the_end(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "acts", min(task.acts, 24), raising=False)
    score = play(task, "gp", SEED, level=1, refit_every=50)
    assert score.times[-1] >= task.budget or len(score.chosen) == task.acts
    assert len(set(score.chosen)) == len(score.chosen)


@every_task
def test_choices_are_told_apart_for_people_and_an_act_takes_the_time_announced(task: Task) -> None:
    episode = task.begin(SEED, 1)
    choices = episode.choices
    assert len(set(choices.labels)) == len(choices)
    index = len(choices) // 2
    episode.act(index)
    assert episode.time == pytest.approx(float(choices.seconds[index]), rel=0.5)
