"""Agents and scalarizers on recorded loops of a PbTiO3 film, where the file is at hand."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from agents_samples import make_spectrum

from spm_auto import plugins
from spm_auto.agents import Observation, coercive_bias, imprint, loop_area, loop_opening
from spm_auto.agents.loops import despike
from spm_auto.errors import DataError

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SPM_AUTO_DATA", CHECKOUT.parent / "shared" / "data"))
FILE = DATA / "BEPS_PTO_50x50.h5"

needs_file = pytest.mark.skipif(
    not FILE.is_file(), reason=f"{FILE.name} is not in {DATA}; set SPM_AUTO_DATA to its folder"
)


@pytest.fixture(scope="module")
def tasks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tasks", CHECKOUT / "benchmarks" / "tasks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def loops(tasks):
    _, bias, loops = tasks.beps_loops(FILE)
    return bias, loops.reshape(-1, 64)


@needs_file
def test_the_task_is_the_one_that_was_published(tasks) -> None:
    task = tasks.bepsc(FILE)
    assert len(task.target) == len(task.candidates) == 1640
    assert len(task.top(0.05)) == 82
    # what ranking finds without learning, first 100: 0.634 of the top 5 %
    ranked = np.argsort(-task.candidates.ranking, kind="stable")[:100]
    assert np.isin(task.top(0.05), ranked).sum() == 52


@needs_file
def test_the_opening_is_the_target_of_the_task_on_loops_without_failed_points(tasks, loops) -> None:
    bias, responses = loops
    whole = [not despike(response)[1].any() for response in responses]
    target = np.log10(tasks.mean_opening(bias, responses[whole]))
    scalars = [loop_opening(make_spectrum(response, bias)) for response in responses[whole]]
    is_good = np.array([scalar.is_good for scalar in scalars])
    assert is_good.mean() > 0.99
    values = np.array([scalar.value for scalar in scalars])
    assert values[is_good] == pytest.approx(target[is_good], abs=1e-12)


@needs_file
def test_most_loops_are_kept_and_their_statistics_are_those_of_the_film(loops) -> None:
    bias, responses = loops
    responses = responses[::4]
    medians = {}
    for scalarizer in (loop_area, coercive_bias, imprint):
        scalars = [scalarizer(make_spectrum(response, bias)) for response in responses]
        values = np.array([scalar.value for scalar in scalars if scalar.is_good])
        medians[scalarizer.__name__] = float(np.median(values))
        # an independent analysis kept 77 %; a raw autocorrelation above 0.5 keeps 66 %
        assert 0.77 < len(values) / len(responses) < 0.9
    # that analysis found medians of 8.1, 4.05 and 0.83 V
    assert medians["loop_area"] == pytest.approx(8.1, abs=0.7)
    assert medians["coercive_bias"] == pytest.approx(4.05, abs=0.2)
    assert medians["imprint"] == pytest.approx(0.83, abs=0.2)


@needs_file
@pytest.mark.parametrize("kind", ["gp", "deep_kernel"])
def test_a_learner_finds_half_of_the_best_sites_in_a_hundred_spectra(tasks, kind) -> None:
    task = tasks.bepsc(FILE)
    agent = plugins.load("agents", kind)().build(task.candidates, np.random.default_rng(0))
    chosen = []
    for _ in range(100):
        (proposal,) = agent.ask()
        chosen.append(proposal.candidate)
        agent.tell([Observation(proposal.candidate, float(task.target[proposal.candidate]))])
    assert np.isin(task.top(0.05), chosen).mean() > 0.45  # random: 0.06


def test_a_missing_or_damaged_file_is_one_clear_line(tasks, tmp_path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*gone\.h5"):
        tasks.bepsc(tmp_path / "gone.h5")
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"not HDF5 at all" * 100)
    with pytest.raises(DataError, match=r"damaged\.h5 is damaged or holds no such loops"):
        tasks.bepsc(damaged)
