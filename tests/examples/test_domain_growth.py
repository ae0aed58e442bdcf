"""The example of domain growth runs, and finds what its film was made to do."""

from pathlib import Path

import pytest

from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason, open_run
from spm_auto.lab import begin, read_lab
from spm_auto.workflow import make_plan, read_recipe

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_the_example_finds_that_its_walls_creep(tmp_path: Path) -> None:
    recipe = read_recipe(EXAMPLES / "domain_growth.toml")
    lab, _ = read_lab(EXAMPLES / "lab_epitaxial_film.toml")
    clock = InstantClock()
    instrument = lab.open(3, clock)
    plan = make_plan(recipe, instrument)
    runner = begin(instrument, clock, tmp_path, title=recipe.title, seed=3)
    assert runner.run(recipe.steps, seed=3).reason == FinishReason.COMPLETED
    run = open_run(tmp_path)
    last = run.findings[-1]
    assert (last.kind, last.values["law"]) == ("law", "log_time")
    assert last.values["probability"] >= 0.95
    assert last.values["parameters"]["c"] == pytest.approx(5e-9, abs=3e-9)  # a decade of time
    assert run.simulated_time < plan.seconds  # there is no need of all pulses that are planned
