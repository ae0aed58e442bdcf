"""D1 drift_track: places are found again, and what is made of it keeps them under the tip."""

import math

import numpy as np
import pytest

from spm_auto.errors import TaskError
from spm_auto.play import ORACLE, play
from spm_auto.simulator.tasks import DriftTrack
from spm_auto.simulator.tasks.drift_track import PITCH, PLACES, Course, found
from spm_auto.tasks import FIRST_TEST_SEED

SEED = FIRST_TEST_SEED
REFERENCE = 2  # level: below it the scanner itself is perfect

SURROUNDINGS = np.add.outer(np.sin(np.arange(68) / 5), np.cos(np.arange(68) ** 1.3 / 9))


def course() -> Course:
    return Course(np.zeros((PLACES, 2)), np.zeros((PLACES, 2)), np.zeros(2), np.zeros(2), 0.0)


def test_who_knows_the_truth_does_better_than_chance() -> None:
    task = DriftTrack()
    oracle, chance = (play(task, player, SEED, REFERENCE) for player in (ORACLE, "random"))
    assert oracle.regret < 0.5 * chance.regret
    assert oracle.metrics["rms error [m]"] < 20e-9
    assert oracle.metrics["lost"] <= chance.metrics["lost"]


def test_one_seed_is_one_game() -> None:
    games = [play(DriftTrack(), "random", SEED, level=3) for _ in range(2)]
    assert games[0].chosen == games[1].chosen
    assert games[0].regrets == games[1].regrets
    assert np.array_equal(games[0].rewards, games[1].rewards, equal_nan=True)


def test_an_agent_that_learns_plays_to_the_end() -> None:
    score = play(DriftTrack(), "gp", SEED, level=0, refit_every=50)
    assert score.times[-1] >= DriftTrack.budget
    assert all(math.isfinite(regret) for regret in score.regrets)


def test_nothing_is_gained_before_the_first_act() -> None:
    assert DriftTrack().begin(SEED, REFERENCE).regret() == pytest.approx(1.0)


def test_choices_are_told_apart_and_take_the_time_that_was_announced() -> None:
    episode = DriftTrack().begin(SEED, REFERENCE)
    assert len(set(episode.choices.labels)) == len(episode.choices)
    episode.act(5)
    assert episode.time == pytest.approx(float(episode.choices.seconds[5]), rel=0.02)


def test_looking_twice_in_the_same_way_is_two_choices_and_each_is_made_once() -> None:
    episode = DriftTrack().begin(SEED, level=0)
    episode.act(0)
    with pytest.raises(TaskError, match="place 1, 80 nm, correct this, visit 1, was done already"):
        episode.act(0)


def test_a_look_that_is_off_is_found_where_it_belongs() -> None:
    for pixels in (20, 40):
        first = (68 - pixels) // 2
        seen = SURROUNDINGS[first + 4 : first + 4 + pixels, first - 7 : first - 7 + pixels]
        error = found(3 * seen + 1, SURROUNDINGS)
        assert error is not None
        np.testing.assert_allclose(error, [-7 * PITCH, 4 * PITCH], atol=0.2 * PITCH)


def test_a_look_at_nothing_is_found_nowhere() -> None:
    assert found(np.ones((20, 20)), SURROUNDINGS) is None
    noise = np.random.default_rng(1).standard_normal((40, 40))
    assert found(noise, SURROUNDINGS) is None


def test_a_correction_reaches_one_place_or_all() -> None:
    error = np.array([3e-9, -1e-9])
    one, all_of_them = (course().corrected(c, 2, error, 60.0) for c in ("this", "all"))
    np.testing.assert_array_equal(one.at(60.0)[2], -error)
    np.testing.assert_array_equal(one.at(60.0)[[0, 1, 3, 4]], 0.0)
    np.testing.assert_array_equal(all_of_them.at(90.0), np.tile(-error, (PLACES, 1)))


def test_a_steady_drift_is_followed_once_its_speed_is_known() -> None:
    drift = np.array([0.05e-9, -0.02e-9])
    tracked = course()
    for time in np.arange(300.0, 3000.0, 300.0).tolist():
        error = tracked.at(time)[0] + drift * time
        tracked = tracked.corrected("speed", 0, error, time)
    np.testing.assert_allclose(tracked.speed, -drift, rtol=1e-3)


def test_a_drift_faster_than_any_is_not_believed() -> None:
    error = np.array([100e-9, 0.0])
    assert np.hypot(*course().corrected("speed", 0, error, 60.0).speed) <= 0.3e-9 * (1 + 1e-12)
