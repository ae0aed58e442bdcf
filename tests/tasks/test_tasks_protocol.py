"""What every episode holds to, shown on a game without a microscope."""

import math

import numpy as np
import pytest

from spm_auto.clock import InstantClock
from spm_auto.errors import AgentError, PluginError, TaskError
from spm_auto.play import ORACLE, Score, Summary, candidates, play
from spm_auto.simulator.tasks.search import SearchEpisode
from spm_auto.tasks import Choices, Measured, Task

VALUES = np.array([0.0, 1.0, 2.0, 3.0, 10.0])


class Doors(Task):
    """Five doors in a row; behind the last one is the most, and the second is jammed."""

    id, name, question, unit = "T1", "doors", "Which door?", "1"
    budget, acts = 40.0, 4

    def _begin(self, seed: int, level: int) -> "DoorsEpisode":
        points = np.column_stack([np.arange(5.0), np.zeros(5)])
        return DoorsEpisode(self, Choices.of(points, list("abcde"), seconds=10.0), level)


class DoorsEpisode(SearchEpisode):
    def __init__(self, task: Task, choices: Choices, level: int) -> None:
        self.clock = InstantClock()
        self.clock.wait(1000.0)
        self._noise = [math.nan, 5.0][level > 1]
        super().__init__(task, choices, self.clock, VALUES)

    def _act(self, index: int) -> Measured:
        self.clock.wait(10.0)
        return (math.inf if index == 1 else VALUES[index]), self._noise if index == 4 else 0.1


def test_an_act_gives_its_reward_and_takes_its_time() -> None:
    episode = Doors().begin(0)
    assert episode.time == 0
    assert episode.act(3) == 3.0
    assert (episode.time, episode.chosen, episode.rewards) == (10.0, [3], [3.0])


def test_a_measurement_that_fails_gives_no_number_and_no_answer() -> None:
    episode = Doors().begin(0)
    assert math.isnan(episode.act(1))
    assert episode.answer is None
    assert episode.regret() == 1.0


def test_the_regret_is_one_for_the_median_and_zero_for_the_best() -> None:
    episode = Doors().begin(0)
    episode.act(2)
    assert episode.regret() == pytest.approx(1.0)
    episode.act(3)
    assert episode.regret() == pytest.approx(7 / 8)
    episode.act(4)
    assert episode.regret() == 0.0


def test_the_answer_is_the_highest_reward_less_its_noise() -> None:
    episode = Doors().begin(0, level=2)
    for index in (3, 4):
        episode.act(index)
    assert episode.answer == 4  # 10 - 5 is more than 3 - 0.1
    episode._noise = 8.0
    again = Doors().begin(0, level=2)
    again._noise = 8.0
    for index in (3, 4):
        again.act(index)
    assert again.answer == 3


def test_what_cannot_be_done_is_refused_with_what_would_be_right() -> None:
    episode = Doors().begin(0)
    with pytest.raises(TaskError, match="there is no choice 5; they are 0 to 4"):
        episode.act(5)
    episode.act(0)
    with pytest.raises(TaskError, match="choice 0, a, was done already"):
        episode.act(0)
    for index in (1, 2, 3):
        episode.act(index)
    assert episode.is_over
    with pytest.raises(TaskError, match=r"over after 4 acts and 40 s \(budget 4 acts, 40 s\)"):
        episode.act(4)


@pytest.mark.parametrize("level", [-1, 4])
def test_a_level_that_does_not_exist_is_refused(level: int) -> None:
    with pytest.raises(TaskError, match=f"no level {level}; the levels are 0 to 3"):
        Doors().begin(0, level)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(TaskError, match="a seed must not be negative, got -1"):
        Doors().begin(-1)


def test_choices_of_other_lengths_than_their_points_are_refused() -> None:
    with pytest.raises(ValueError, match="2 choices have features of shape"):
        Choices.of(np.zeros((2, 2)), ["only one"], seconds=1.0)


def test_one_who_knows_the_truth_has_no_regret_and_stops() -> None:
    score = play(Doors(), ORACLE, seed=0)
    assert (score.chosen, score.regret, score.times) == ((4,), 0.0, (10.0,))


def test_a_player_acts_until_the_episode_is_over() -> None:
    score = play(Doors(), "random", seed=0)
    assert len(score.chosen) == 4
    assert score.times == (10.0, 20.0, 30.0, 40.0)


def test_a_game_with_one_seed_is_always_the_same() -> None:
    assert play(Doors(), "random", seed=3) == play(Doors(), "random", seed=3)
    games = {play(Doors(), "random", seed).chosen for seed in range(8)}
    assert len(games) > 1


def test_an_agent_with_a_model_plays_through() -> None:
    assert len(play(Doors(), "gp", seed=0, initial=2).chosen) == 4


def test_a_wrong_player_or_setting_is_refused() -> None:
    with pytest.raises(PluginError, match="there is no agent 'rando'; did you mean 'random'"):
        play(Doors(), "rando", seed=0)
    with pytest.raises(AgentError, match="agent 'gp': initial: "):
        play(Doors(), "gp", seed=0, initial=-1)


def test_choices_without_a_place_all_stand_at_one() -> None:
    shown = candidates(
        Choices.of(np.full((3, 2), np.nan), ["x", "y", "z"], 1.0, features=np.eye(3))
    )
    assert np.ptp(shown.points[:, :2]) == 0
    assert shown.descriptors.shape == (3, 3)
    assert shown.descriptors.std(axis=0) == pytest.approx(1.0)


def score(regrets: tuple[float, ...], times: tuple[float, ...]) -> Score:
    return Score("t", "p", 0, 1, 100.0, times, regrets, (), ())


def test_the_mean_regret_is_the_area_under_its_curve_over_the_budget() -> None:
    assert score((0.5, 0.1), (20.0, 60.0)).mean_regret == pytest.approx(
        (20 * 1.0 + 40 * 0.5 + 40 * 0.1) / 100
    )
    assert score((0.0,), (120.0,)).mean_regret == 1.0  # what came too late does not count
    assert score((), ()).mean_regret == 1.0


def test_the_time_to_a_good_answer_is_when_the_regret_first_fell_below() -> None:
    assert score((0.5, 0.04, 0.2), (1.0, 2.0, 3.0)).time_to_good == 2.0
    assert math.isinf(score((0.5,), (1.0,)).time_to_good)


def test_a_summary_can_hold_what_never_happened() -> None:
    summary = Summary.of([1.0, 2.0, math.inf])
    assert (summary.median, summary.low, summary.high) == (2.0, 1.0, math.inf)
