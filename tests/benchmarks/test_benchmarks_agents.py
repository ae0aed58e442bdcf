"""The benchmarks of the agents run on tiny made-up data, so that they cannot rot unseen."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from spm_auto.agents import Observation

HOME = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = (
    "tables", "tasks", "microscope_tasks", "peers", "peer_agent", "contenders",
    "agents_quality", "agents_discovery", "agents_speed", "agents_simulator",
)  # fmt: skip


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch):
    """Import from the folder of the benchmarks, as its scripts do, and forget it afterwards."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    monkeypatch.syspath_prepend(HOME)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


@pytest.fixture
def task(benchmarks):
    tasks = benchmarks("tasks")
    whole = tasks.synthetic(16, noise=0.1)
    return tasks.Task(whole.candidates, whole.target, whole.images, train=20)


def test_a_perfect_prediction_explains_all_and_a_constant_one_nothing(benchmarks) -> None:
    quality = benchmarks("agents_quality").Quality
    target = np.random.default_rng(0).normal(size=4000)
    perfect = quality.of(target, target, np.full(4000, 0.1))
    assert (perfect.r_squared, perfect.coverage) == (1.0, 1.0)
    assert perfect.nlpd == pytest.approx(np.log(0.1 * np.sqrt(2 * np.pi)))
    constant = quality.of(target, np.full(4000, target.mean()), np.ones(4000))
    assert constant.r_squared == pytest.approx(0.0)
    assert constant.coverage == pytest.approx(0.9, abs=0.02)  # 4 deviations of the share


def test_the_table_of_quality_has_a_line_for_every_learner(benchmarks, task) -> None:
    module = benchmarks("agents_quality")
    lines = list(module.quality(task, seeds=1, slow_seeds=0))
    assert len(lines) == 2 + len(module.LEARNERS)
    (plain,) = (line for line in lines if line.startswith("| gp "))
    assert float(plain.split("|")[2]) > 0.1  # R²: the image says something of the target


def test_the_table_of_discovery_has_every_agent_with_both_starts(benchmarks, task) -> None:
    module = benchmarks("agents_discovery")
    lines = list(module.discovery(task, budget=16, seeds=1, slow_seeds=0))
    names = [line.split("|")[1].strip() for line in lines[2:]]
    for name in ("random", "grid", "Sobol", "ranking", "gp", "deep_kernel"):
        assert f"{name} (1)" in names
        assert (f"{name}, own start (1)" in names) == (name != "random")


def test_all_walks_of_a_seed_begin_at_the_same_points(benchmarks, task) -> None:
    module, contenders = benchmarks("agents_discovery"), benchmarks("contenders")
    walks = [
        module.walk(task, each, 14, seed=3).chosen
        for each in (contenders.RANDOM, contenders.RANKING, contenders.PROCESS)
    ]
    assert all(np.array_equal(each[:10], walks[0][:10]) for each in walks)
    assert all(len(set(each.tolist())) == 14 for each in walks)


def test_a_walk_knows_what_it_found_and_when(benchmarks) -> None:
    walk = benchmarks("agents_discovery").Walk(np.array([5, 1, 7, 2]), 0.0, 0.0)
    top = np.array([1, 2, 9])
    assert walk.found(top, 2) == pytest.approx(1 / 3)
    assert walk.until(top, 0.5) == 4
    assert np.isnan(walk.until(top, 0.9))


def test_a_step_is_timed_with_and_without_a_fit(benchmarks, task) -> None:
    module, contenders = benchmarks("agents_speed"), benchmarks("contenders")
    timing = module.timing(task, contenders.PROCESS, n=20, steps=2, fits=1)
    assert 0 < timing.step < timing.cold
    assert timing.refitted > 0
    assert module.one_pass(10, 1000) >= 0


def test_all_play_a_task_of_the_simulator(benchmarks) -> None:
    module, contenders = benchmarks("agents_simulator"), benchmarks("contenders")
    from spm_auto.simulator.tasks import GapHunt

    class Short(GapHunt):
        acts = 12

    scores = [
        module.match(Short(), player, 100)
        for player in (contenders.GRID, contenders.SOBOL, contenders.PROCESS)
    ]
    assert all(len(score.chosen) == 12 for score in scores)
    assert len({score.chosen for score in scores}) == 3


@pytest.mark.parametrize("kind", ["botorch", "gpax", "atomai", "position", "number"])
@pytest.mark.filterwarnings("ignore")  # of other projects
def test_a_peer_that_is_installed_predicts_every_site(
    benchmarks, task, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = benchmarks("peers")
    if not peers.is_installed(kind):
        pytest.skip(f"{kind} is not installed: pip install 'spm_auto[bench]'")
    monkeypatch.setattr(peers, "ATOMAI_CYCLES", 5)
    monkeypatch.setattr(peers, "GPAX_STEPS", 5)
    peer = peers.build_peer(kind, task.candidates, task.images, seed=0)
    known = np.arange(0, 256, 8)
    peer.fit(known, task.target[known])
    mean, deviation, of_measurement = peer.predict()
    assert mean.shape == deviation.shape == task.target.shape
    assert np.isfinite(mean).all()
    assert (deviation > 0).all()
    assert (of_measurement > deviation).all()


def test_a_peer_as_an_agent_chooses_each_site_once_and_well(benchmarks, task) -> None:
    settings = benchmarks("peer_agent").PeerSettings(
        kind="number", images=task.images, batch=5, initial=10
    )
    agent = settings.build(task.candidates, np.random.default_rng(0))
    values = []
    chosen = []
    for _ in range(30):
        (proposal,) = agent.ask()
        chosen.append(proposal.candidate)
        values.append(float(task.target[proposal.candidate]))
        agent.tell([Observation(proposal.candidate, values[-1])])
    assert len(set(chosen)) == 30
    assert np.mean(values[10:]) > np.mean(values[:10]) + 0.5


def test_the_logarithm_of_the_improvement_is_right_near_and_far(benchmarks) -> None:
    improvement = benchmarks("peer_agent").log_improvement
    mean, deviation = np.array([0.0, -4.9999, -5.0001, -40.0, 60.0]), np.ones(5)
    found = improvement(mean, deviation, best=0.0)
    assert found[0] == pytest.approx(np.log(1 / np.sqrt(2 * np.pi)))
    # the asymptote leaves out a factor of 1 - 3 / u²
    assert found[1] == pytest.approx(found[2], abs=0.13)
    assert found[3] == pytest.approx(-0.5 * 40**2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(40))
    assert found[4] == pytest.approx(np.log(60.0))


def test_a_patch_is_centred_on_its_site_and_reflected_at_the_border(benchmarks) -> None:
    peers = benchmarks("peers")
    image = np.arange(400.0).reshape(1, 20, 20) / 399
    cut = peers.patches(image, np.array([[10, 7], [0, 0]])).reshape(2, peers.PATCH, peers.PATCH)
    assert cut[0, 4, 4] == image[0, 10, 7]
    assert np.array_equal(cut[0], image[0, 6:15, 3:12])
    assert cut[1, 3, 4] == image[0, 1, 0]


def test_a_spread_is_the_deviation_over_seeds(benchmarks) -> None:
    tables = benchmarks("tables")
    assert tables.spread([1.0, 3.0], 1) == "2.0 ± 1.4"
    assert tables.spread([1.0]) == "1.00"
    assert tables.spread([float("nan")]) == "–"


def test_who_is_not_installed_gets_a_line_that_says_so(benchmarks) -> None:
    lines = list(benchmarks("tables").table(["who", "what", "when"], [["a", "1", "2"], ["b"]]))
    assert lines[2:] == ["| a | 1 | 2 |", "| b | not installed | not installed |"]


def test_a_recorded_run_lies_on_its_topograph(benchmarks, tmp_path) -> None:
    import h5py

    file = tmp_path / "run.hf5"
    stored = np.random.default_rng(0).normal(size=(512, 512))  # its upper line first
    stored[0, 511] = 100.0
    with h5py.File(file, "w") as opened:
        opened["Measurement_001/STM Image/Image/Image"] = stored
        opened["Metadata_000/DKL Position/Position/Position"] = [[249.9, 249.9], [0.0, 10.0]]
        opened["Metadata_001/DKL Scalar/Scalar/Scalar"] = [2.0, 4.0]
    task = benchmarks("microscope_tasks").stm_large(file)
    assert task.target.tolist() == [-1.0, 1.0]
    # the upper right corner holds the peak, and the second site is 10 nm above the lower left one
    line, pixel = task.candidates.rows[0]
    assert task.images[0, line, pixel] == 100.0
    assert task.candidates.rows[1].tolist() == [20, 0]


def test_the_synthetic_task_has_a_value_for_each_place_and_bias(benchmarks) -> None:
    task = benchmarks("tasks").synthetic(8, biases=(1.0, 2.0, 3.0), noise=0.0)
    values = task.target.reshape(64, 3)
    assert len(task.candidates) == task.target.size == 192
    assert (values[:, 1] > values[:, 0]).all()  # it is highest in the middle
    assert values[:, 0] == pytest.approx(values[:, 2])
