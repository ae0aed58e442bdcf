"""docs/recipes.md: every snippet is part of a good recipe, and no step or criterion is left out."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from spm_auto import plugins
from spm_auto.workflow import parse_recipe
from spm_auto.workflow.steps.criteria import AnyCriterion
from spm_auto.workflow.steps.settings import PulseSettings, SweepSettings, TriangleSettings

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["2 um", "2 um"], "pixels": [128, 128]},
}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_is_part_of_a_good_recipe(snippet: str) -> None:
    table: dict[str, Any] = tomllib.loads(snippet)
    whole = {"schema_version": 1, "title": "x", **table}
    whole["steps"] = [OVERVIEW, *table.get("steps", [])]
    recipe = parse_recipe(whole, "snippet")
    assert len(recipe.steps) == len(whole["steps"])


def test_the_page_shows_every_step_criterion_and_waveform() -> None:
    steps = set(plugins.names("steps"))
    shown = set(re.findall(r'kind = "(\w+)"', PAGE))
    assert sorted(steps - shown) == []
    union, _ = get_args(AnyCriterion)
    kinds = {get_args(each.model_fields["kind"].annotation)[0] for each in get_args(union)}
    kinds |= {
        get_args(each.model_fields["kind"].annotation)[0]
        for each in (TriangleSettings, SweepSettings, PulseSettings)
    }
    assert sorted(kinds - shown) == []
