"""A whole autonomous run over the Nanonis wire ends as one without any wire does."""

from pathlib import Path

import numpy as np
import pytest

from spm_auto.data import RecordedRun, open_run
from spm_auto.experiment import read_experiment
from spm_auto.lab import begin

EXAMPLES = Path(__file__).parents[2] / "examples"
# the recipe of the demonstration, smaller; the whole of it gives the same (see docs/drivers)
SEED = 1
SMALL = ("steps[0].frame.pixels=[64, 64]", "steps[1].agent.kind=gp")


def run(lab: str, out: Path, *overrides: str) -> RecordedRun:
    recipe = EXAMPLES / "ferroelectric.toml"
    experiment = read_experiment(recipe, EXAMPLES / lab, (*SMALL, *overrides))
    clock = experiment.lab.clock.clock()
    runner = begin(experiment.lab.open(SEED, clock), clock, out, "a small run", SEED)
    runner.start(experiment.recipe.steps, SEED)
    assert runner.wait(60.0)
    assert runner.finished is not None
    assert runner.finished.reason == "completed", runner.finished.message
    return open_run(out)


def both(out: Path, level: int, budget: int) -> tuple[RecordedRun, RecordedRun]:
    spectra = f"steps[1].budget={budget}"
    plain = run("lab_simulator.toml", out / "plain", f"instrument.level={level}", spectra)
    name, key = "lab_nanonis_simulated.toml", "instrument.simulator.level"
    wired = run(name, out / "wired", f"{key}={level}", spectra)
    assert wired.simulated_time == pytest.approx(plain.simulated_time, rel=0.05)
    return plain, wired


def test_on_a_perfect_instrument_every_choice_is_the_same_over_the_wire(tmp_path: Path) -> None:
    plain, wired = both(tmp_path, level=0, budget=16)
    there, here = ([(s.x, s.y) for s in each.spectra] for each in (wired, plain))
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-15)
    np.testing.assert_allclose(wired.rewards, plain.rewards, rtol=1e-5)  # values came as float32


def test_with_noise_and_drift_the_same_optimum_is_found_over_the_wire(tmp_path: Path) -> None:
    plain, wired = both(tmp_path, level=3, budget=40)
    assert plain.best is not None
    assert wired.best is not None
    assert plain.best.scored is not None
    assert wired.best.scored is not None
    # over the wire other noise comes with each spectrum, as on another day
    assert wired.best.scored.value == pytest.approx(plain.best.scored.value, rel=0.05)
