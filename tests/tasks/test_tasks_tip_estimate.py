"""A2 tip_estimate: what bumps say of a tip, and that looking at the right ones pays."""

import math

import numpy as np
import pytest

from spm_auto.errors import TaskError
from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage
from spm_auto.play import ORACLE, play
from spm_auto.simulator.tasks import TipEstimate
from spm_auto.simulator.tasks.tip_belief import GRID, Belief, Bump, bumps
from spm_auto.tasks import FIRST_TEST_SEED

SEED = FIRST_TEST_SEED
FRAME = ScanFrame((0.0, 0.0), (200e-9, 200e-9), (80, 80))


def image(*tops: tuple[float, float, float, float]) -> ScanImage:
    """Return a tilted image of paraboloids at x, y, of some height and radius [m]."""
    x, y = FRAME.positions()
    shapes = [h - ((x - u) ** 2 + (y - v) ** 2) / (2 * radius) for u, v, h, radius in tops]
    height: FloatArray = np.max([np.zeros_like(x), *shapes], axis=0) + 0.01 * x - 0.02 * y
    noisy = height + 2e-11 * np.random.default_rng(1).standard_normal(height.shape)
    return ScanImage(FRAME, (Channel("height", "m"),), noisy[None], noisy[None], 0.0, 1.0)


def bump(height: float, radius: float, x: float = 0.0, room: float = 100e-9) -> Bump:
    return Bump(x, 0.0, height, radius, 0.01 * radius, room)


def test_who_knows_the_truth_does_better_than_chance() -> None:
    oracle, chance = (play(TipEstimate(), player, SEED) for player in (ORACLE, "random"))
    assert oracle.regret < 0.5 * chance.regret
    assert oracle.metrics["error of R"] < 0.3


def test_one_seed_is_one_game() -> None:
    games = [play(TipEstimate(), "random", SEED, level=3) for _ in range(2)]
    assert games[0].chosen == games[1].chosen
    assert games[0].regrets == games[1].regrets
    assert np.array_equal(games[0].rewards, games[1].rewards, equal_nan=True)


def test_an_agent_that_learns_plays_to_the_end() -> None:
    score = play(TipEstimate(), "gp", SEED, level=0, refit_every=50)
    assert score.times[-1] >= TipEstimate.budget
    assert all(math.isfinite(regret) for regret in score.regrets)


def test_choices_are_told_apart_cost_what_was_announced_and_are_made_once() -> None:
    episode = TipEstimate().begin(SEED)
    assert len(set(episode.choices.labels)) == len(episode.choices)
    assert episode.regret() == pytest.approx(1.0)
    episode.act(7)
    assert episode.time == pytest.approx(float(episode.choices.seconds[7]), rel=0.05)
    with pytest.raises(TaskError, match=r"choice 7, wide look at .* was done already"):
        episode.act(7)


def test_a_bump_is_read_with_its_height_and_radius_on_a_slope() -> None:
    (found,) = bumps(image((12e-9, -20e-9, 8e-9, 40e-9)))
    assert (found.x, found.y) == pytest.approx((12e-9, -20e-9), abs=3e-9)
    assert found.height == pytest.approx(8e-9, abs=0.3e-9)
    assert found.radius == pytest.approx(40e-9, rel=0.02)


def test_two_bumps_that_overlap_are_read_as_two() -> None:
    both = bumps(image((-25e-9, 0.0, 12e-9, 60e-9), (25e-9, 0.0, 10e-9, 60e-9)))
    assert sorted(round(1e9 * each.height) for each in both) == [10, 12]
    assert [each.radius for each in both] == pytest.approx([60e-9, 60e-9], rel=0.05)


def test_a_bump_that_fills_the_image_is_not_read_as_there_is_no_ground() -> None:
    assert bumps(image((0.0, 0.0, 40e-9, 150e-9))) == ()
    assert bumps(image()) == ()


def test_a_low_bump_says_more_of_the_radius_than_a_high_one() -> None:
    low, high = (Belief().after([bump(h, 20e-9 + 4 * h)]) for h in (1e-9, 6e-9))
    assert low.spread_around(20e-9) < 0.7 * high.spread_around(20e-9)
    assert low.radius == pytest.approx(20e-9, rel=0.15)


def test_no_tip_is_blunter_than_what_it_shows() -> None:
    belief = Belief().after([bump(3e-9, 25e-9)])
    assert np.sum(belief.of_radii[GRID > 25e-9]) < 0.05


def test_a_bump_seen_twice_counts_once() -> None:
    once = Belief().after([bump(3e-9, 40e-9)])
    twice = once.after([bump(3e-9, 40e-9, x=4e-9)])
    assert len(twice.bumps) == 1
    np.testing.assert_allclose(twice.of_radii, once.of_radii, atol=2e-3)


def test_an_echo_speaks_for_a_second_end_and_its_absence_against_it() -> None:
    first = bump(10e-9, 50e-9)
    echo, other = bump(8e-9, 50e-9, x=60e-9), bump(8e-9, 80e-9, x=60e-9)
    assert Belief().after([first, echo]).double > 0.8
    assert len(Belief().after([first, echo]).bumps) == 1
    assert Belief().after([first, other]).double < 0.4
    assert Belief().after([bump(10e-9, 50e-9, room=20e-9)]).double == 0.5
