"""Tasks that ask for a whole map: the judge's kriging, and what must hold for each of them."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from spm_auto.errors import TaskError
from spm_auto.play import ORACLE, candidates, play
from spm_auto.simulator.tasks import (
    DefectMap,
    LongWay,
    ProbeTime,
    RecordedMap,
    RightChannel,
    SparseMap,
)
from spm_auto.simulator.tasks.defect_map import CORE, MAGNETIC, PLAIN
from spm_auto.simulator.tasks.kriging import LEVEL, Kriging
from spm_auto.simulator.tasks.recorded_map import FILE
from spm_auto.simulator.tasks.right_channel import powers
from spm_auto.tasks import FIRST_TEST_SEED, Task

SEED = FIRST_TEST_SEED
DATA = Path(os.environ.get("SPM_AUTO_DATA", Path(__file__).parents[3] / "shared" / "data"))


class FewWays(LongWay):
    acts, budget = 15, 90.0


class FewTimes(ProbeTime):
    acts = 20


class FewSites(SparseMap):
    acts = 40


class FewDefects(DefectMap):
    acts = 30


class FewLoops(RightChannel):
    acts = 25


# made once, as a task keeps what it knows of a seed
WAYS, TIMES, DEFECTS = FewWays(), FewTimes(), FewDefects(sites=24)
LOOPS = FewLoops(sites=12)
TASKS: tuple[Task, ...] = (WAYS, TIMES, FewSites(), DEFECTS, LOOPS)


def each(slow: tuple[Task, ...]) -> pytest.MarkDecorator:
    """Go through all tasks; the slow ones with the campaigns."""
    marked = [
        pytest.param(task, marks=pytest.mark.campaign) if task in slow else task for task in TASKS
    ]
    return pytest.mark.parametrize("task", marked, ids=[task.name for task in TASKS])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def dense(points: np.ndarray, sites: list[int], values: np.ndarray, noise: float) -> np.ndarray:
    r = math.sqrt(3) * np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) / 2.0
    covariance = LEVEL + (1 + r) * np.exp(-r)
    known = covariance[np.ix_(sites, sites)] + noise * np.eye(len(sites))
    return np.asarray(covariance[:, sites] @ np.linalg.solve(known, values))


def test_filling_in_site_by_site_is_the_same_as_all_at_once(rng: np.random.Generator) -> None:
    points, values = rng.uniform(0, 10, (30, 2)), rng.normal(size=12)
    kriging = Kriging(points, length=2.0, noise=0.1)
    for site, value in enumerate(values.tolist()):
        kriging.add(site, value)
    assert kriging.mean == pytest.approx(dense(points, list(range(12)), values, 0.1), abs=1e-6)


def test_the_level_of_a_map_is_learned_from_its_values(rng: np.random.Generator) -> None:
    points = rng.uniform(0, 100, (30, 2))
    kriging = Kriging(points, length=1.0, noise=0.01)
    for site in range(10):
        kriging.add(site, 7.0)
    assert kriging.mean == pytest.approx(7.0, abs=0.01)


def test_a_value_with_more_averages_counts_for_more() -> None:
    points = np.array([[0.0, 0.0], [0.1, 0.0], [50.0, 0.0]])
    maps = [Kriging(points, length=1.0, noise=4.0) for _ in range(2)]
    for kriging, weight in zip(maps, (1.0, 100.0), strict=True):
        kriging.add(2, 0.0)
        kriging.add(0, 1.0, weight)
    assert maps[0].mean[1] < maps[1].mean[1] < 1.0


def test_what_a_site_would_gain_is_what_it_gains(rng: np.random.Generator) -> None:
    points, truth = rng.uniform(0, 10, (40, 2)), rng.normal(size=40)
    truth[5] = math.nan
    kriging = Kriging(points, length=2.0, noise=0.1)
    kriging.add(0, truth[0])
    before = np.nansum((truth - kriging.mean) ** 2)
    (gain,) = kriging.gains(np.array([3]), truth)
    kriging.add(3, truth[3])
    assert before - np.nansum((truth - kriging.mean) ** 2) == pytest.approx(gain)


@each(slow=(LOOPS,))
def test_who_knows_the_truth_draws_a_better_map_than_chance(task: Task) -> None:
    oracle, chance = (play(task, player, SEED) for player in (ORACLE, "random"))
    assert oracle.regret < chance.regret - 0.05
    assert all(math.isfinite(regret) and regret >= 0 for regret in chance.regrets)


@each(slow=(DEFECTS, LOOPS))
def test_one_seed_is_one_map_and_an_act_takes_the_time_announced(task: Task) -> None:
    games = [task.begin(SEED, level=3) for _ in range(2)]
    for pick in (7, 70, 130):
        one, other = (game.act(pick) for game in games)
        assert one == other or (math.isnan(one) and math.isnan(other))
        assert games[0].time == games[1].time
        assert games[0].regret() == games[1].regret()
    costs = candidates(games[0].choices).costs
    assert costs is not None
    here, there = games[0].choices.points[[130, 131], :2]
    announced = costs.seconds(games[0].choices.points[:, :2], tuple(here.tolist()))[131, 0]
    began = games[0].time
    games[0].act(131)
    assert games[0].time - began == pytest.approx(announced, rel=0.3)
    assert not np.array_equal(here, there)


def test_far_away_takes_longer_than_near_by_where_ways_count() -> None:
    times = []
    for second in (1, 575):
        game = WAYS.begin(SEED)
        game.act(0)
        began = game.time
        game.act(second)
        times.append(game.time - began)
    assert times[1] > times[0] + 15


def test_more_sweeps_scatter_less_and_take_longer() -> None:
    errors: dict[int, list[float]] = {1: [], 32: []}
    for averages, found in errors.items():
        game = TIMES.begin(SEED)
        game.act(0, averages)
        assert game.time == pytest.approx(5.35 + 0.25 * averages, rel=0.1)
        assert game.noises[0] == pytest.approx(90e-6 / averages**0.5)
        for index in range(1, 19):
            found.append(game.act(index, averages) - game._truth[index] * game._spread)
    assert np.std(errors[32]) < np.std(errors[1]) / 3


def test_defects_get_the_label_of_what_their_gap_holds() -> None:
    game = DEFECTS.begin(SEED)
    sample = game._stage.truth.sample
    x, y, _ = game.choices.points.T

    def at(u: float, v: float) -> int:
        return int(game._true[np.argmin(np.hypot(x - u, y - v))])

    inside = np.maximum(np.abs(sample.vortex_x), np.abs(sample.vortex_y)) < 45e-9
    vortices = zip(sample.vortex_x[inside], sample.vortex_y[inside], strict=True)
    assert np.mean([at(*place) == CORE for place in vortices]) > 0.6
    magnetic = np.column_stack([sample.adatom_x, sample.adatom_y])[sample.is_magnetic]
    labelled = np.column_stack([x, y])[game._true == MAGNETIC]
    away = np.hypot(*(labelled[:, None] - magnetic[None]).transpose(2, 0, 1)).min(axis=1)
    assert len(labelled) > 0
    assert np.mean(away < 5e-9) > 0.8
    assert np.mean(game._true == PLAIN) > 0.7


def test_a_channel_is_worth_what_it_explains(rng: np.random.Generator) -> None:
    channels = rng.normal(size=(3, 200))
    values = np.stack([np.exp(channels[1]), rng.normal(size=200)])
    values[0, :20] = math.nan
    told = powers(channels, values)
    assert told[0, 1] > 0.6
    assert np.delete(told.ravel(), 1) == pytest.approx(0.0, abs=0.05)


@pytest.mark.campaign
def test_naming_channels_takes_some_loops(rng: np.random.Generator) -> None:
    game = LOOPS.begin(SEED)
    for site in rng.permutation(144)[:7].tolist():
        game.act(site)
        assert (game.regret(), game.metrics()["lacking"]) == (1.0, 1.0)
    for site in rng.permutation(np.flatnonzero(game.free))[:15].tolist():
        game.act(site)
    assert game.metrics()["lacking"] < 1.0


def test_without_the_recorded_map_its_task_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=f"needs measured data: there is no {FILE} in .*SPM_AUTO_D"):
        RecordedMap(str(tmp_path)).begin(SEED)


@pytest.mark.campaign
@pytest.mark.skipif(
    not (DATA / FILE).is_file(), reason=f"{FILE} is not in {DATA}; set SPM_AUTO_DATA to its folder"
)
def test_the_recorded_map_is_measured_again_in_a_window_that_depends_on_the_seed() -> None:
    class FewRecorded(RecordedMap):
        acts = 25

    task = FewRecorded(str(DATA))
    chance, oracle = (play(task, player, SEED) for player in ("random", ORACLE))
    assert oracle.regret < chance.regret
    one, other = (task.begin(seed).choices.labels[0] for seed in (SEED, SEED + 1))
    assert one != other
