"""The benchmark of place and amplitude, on a film that is made up."""

import importlib
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from spm_auto import plugins
from spm_auto.agents import Candidates
from spm_auto.instrument import Channel, ScanFrame, ScanImage
from spm_auto.simulator.timing import Timing

HOME = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("tables", "film_amplitudes", "agents_voltage")
SIDE = 12


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


def made_up(module: ModuleType):
    """Make a film whose best amplitude grows from left to right, and whose best place is low."""
    frame = ScanFrame((0.0, 0.0), (5e-7, 5e-7), (SIDE, SIDE))
    u, v = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    image = np.stack([u])
    overview = ScanImage(frame, (Channel("height", "m"),), image, image, 0.0, 1.0)
    biases = (2.0, 4.0, 6.0, 8.0)
    candidates = Candidates.of(overview, biases=biases)
    best = 2 + 6 * u.ravel()
    worth = -v.ravel()[:, None] - ((np.array(biases) - best[:, None]) / 4) ** 2
    return module.Film(candidates, worth)


def test_regret_is_nothing_for_the_best_and_one_for_the_median(benchmarks) -> None:
    film = made_up(benchmarks("film_amplitudes"))
    assert film.regrets.min() == 0
    assert np.median(film.regrets) == pytest.approx(1)
    place, level = np.unravel_index(np.argmin(film.regrets), film.regrets.shape)
    assert film.level_of_the_best == level
    assert film.worth[place].max() == film.worth.max()


def test_a_sweep_costs_all_loops_but_is_armed_once(benchmarks) -> None:
    module = benchmarks("film_amplitudes")
    film, timing = made_up(module), Timing()
    bench, levels = module.Bench(timing), film.candidates.levels
    joint, swept = bench.costs(levels, "joint"), bench.costs(levels, "sweep")
    assert swept.sweep == pytest.approx([joint.sweep.sum()])
    assert swept.overhead == joint.overhead
    one = joint.seconds(film.candidates.positions[:1], film.candidates.position(0))
    waveform = module.loop(2.0)
    assert one[0, 0] == pytest.approx(timing.sweep(waveform) + timing.settling)
    slow = module.Bench(timing, rate=4.0).costs(levels, "joint")
    assert slow.sweep == pytest.approx([2.0, 4.0, 6.0, 8.0])  # there and back twice


@pytest.mark.parametrize("way", ["joint", "sweep", 0])
def test_an_agent_finds_the_best_of_a_simple_film(way, benchmarks) -> None:
    module = benchmarks("film_amplitudes")
    film, settings = made_up(module), plugins.load("agents", "gp")()
    bench = module.Bench(Timing())
    near, nearer = module.search(film, bench, way, settings, 0, 60.0, (0.2, 0.1))
    assert 0 < near <= nearer < 70
    (never,) = module.search(film, bench, way, settings, 0, 2.0, (0.0,))
    assert math.isinf(never)


def test_the_middle_of_an_even_number_is_the_later_one_and_never_stays_never(benchmarks) -> None:
    module = benchmarks("agents_voltage")
    assert module._median([1.0, math.inf, 2.0, 3.0]) == 3.0
    assert module._cell([math.inf] * 4, 1.0) == "never [never, never]"
    assert module._cell([4.0] * 4, 2.0) == "4 [4, 4] × 2.00"
