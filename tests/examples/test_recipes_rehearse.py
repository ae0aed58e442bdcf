"""Every recipe of the examples rehearses in its lab, small, and takes as long as was planned."""

import sys
from pathlib import Path

import pytest

from spm_auto.data import FinishReason
from spm_auto.experiment import read_experiment
from spm_auto.rehearsal import rehearse_once

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from recipes import EXAMPLES, ExampleRecipe, find_recipes

RECIPES = find_recipes()


def test_every_recipe_of_the_examples_names_a_lab_that_is_there() -> None:
    named = {recipe.path.name for recipe in RECIPES}
    steps = {p.name for p in EXAMPLES.glob("*.toml") if "[[steps]]" in p.read_text("utf-8")}
    assert named == steps
    assert len(named) >= 4


def test_a_recipe_without_a_lab_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lonely.toml").write_text('[[steps]]\nkind = "tune"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"lonely\.toml: write its lab as a comment"):
        find_recipes(tmp_path)


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("example", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_rehearses_and_takes_as_long_as_was_planned(example: ExampleRecipe) -> None:
    if not example.is_there:
        pytest.skip(f"{example.data} is not on this computer")
    experiment = read_experiment(example.path, example.lab, example.overrides(is_quick=True))
    rehearsed = rehearse_once(experiment, example.path.name, seed=1)
    assert rehearsed.finished.reason == FinishReason.COMPLETED, rehearsed.finished.message
    assert rehearsed.refused == []
    took = rehearsed.summary["simulated_time"]
    planned = rehearsed.plan.seconds
    if example.is_open:
        assert took <= 1.1 * planned
    else:
        assert planned == pytest.approx(took, rel=0.1)
