"""Recipes are changed where a value stands, and what people wrote around it stays."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spm_auto.errors import RecipeError
from spm_auto.gui.start.catalogue import RECIPES
from spm_auto.gui.start.schema import ABSENT, Place, Schema, written
from spm_auto.gui.start.toml_text import at, inserted, moved, removed, replaced
from spm_auto.settings import json_schema
from spm_auto.workflow import Recipe, parse_recipe

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = """\
# what it is for
schema_version = 1
title = "mine" # a name

[[steps]]
kind = "overview" # first an image
frame = { center = ["0 nm", "0 nm"], size = ["1 um", "1 um"] }

[[steps]] # then the agent
kind = "explore"
budget = 60   # an hour

[steps.agent]
kind = "gp"
"""


def test_a_value_changes_where_it_stands_and_comments_stay() -> None:
    text = replaced(TEXT, ("steps", 1, "budget"), 20)
    assert text == TEXT.replace("budget = 60 ", "budget = 20 ")


def test_a_new_value_goes_to_its_own_table_and_not_to_the_one_below() -> None:
    text = replaced(TEXT, ("steps", 1, "margin"), 2)
    assert tomllib.loads(text)["steps"][1] == {
        "kind": "explore",
        "budget": 60,
        "margin": 2,
        "agent": {"kind": "gp"},
    }
    assert "budget = 60   # an hour\nmargin = 2\n" in text


def test_a_table_is_written_as_the_one_before_it() -> None:
    text = replaced(TEXT, ("steps", 1, "agent"), {"kind": "grid", "points": [3, 3]})
    assert '[steps.agent]\nkind = "grid"\npoints = [3, 3]\n' in text
    text = replaced(TEXT, ("steps", 0, "frame"), {"center": ["1 nm", "2 nm"]})
    assert 'frame = {center = ["1 nm", "2 nm"]}' in text


def test_steps_are_added_moved_and_taken_away_with_their_comments() -> None:
    step = {"kind": "wait", "duration": "5 min"}
    text = inserted(TEXT, ("steps", 1), step)
    assert [each["kind"] for each in tomllib.loads(text)["steps"]] == [
        "overview",
        "wait",
        "explore",
    ]
    assert '[[steps]]\nkind = "wait"\nduration = "5 min"\n' in text
    text = moved(text, ("steps", 1), 0)
    assert [each["kind"] for each in tomllib.loads(text)["steps"]][:2] == ["wait", "overview"]
    text = removed(text, ("steps", 0))
    assert tomllib.loads(text) == tomllib.loads(TEXT)
    assert "# first an image" in text
    assert "# then the agent" in text


def test_a_list_that_was_not_there_begins_with_its_first_step() -> None:
    text = inserted('title = "x" # so far\n', ("steps", 0), {"kind": "load"})
    assert tomllib.loads(text)["steps"] == [{"kind": "load"}]
    assert "# so far" in text
    assert "[[steps]]" in text


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(RecipeError, match="line 2"):
        replaced("title = 1\nsteps == 2\n", ("title",), "x")


@pytest.mark.parametrize("name", ["stm_gap_hunt", "overnight", "domain_growth", "attended"])
def test_every_value_of_an_example_can_be_changed_in_place(name: str) -> None:
    text = (EXAMPLES / f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    for path in [("title",), *[("steps", i, "kind") for i in range(len(table["steps"]))]]:
        changed = replaced(text, path, "other")
        assert at(tomllib.loads(changed), path) == "other"
        assert [line for line in changed.splitlines() if line.startswith("#")] == comments
        assert replaced(changed, path, at(table, path)) == text


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema(json_schema(Recipe))


def test_typed_text_becomes_what_the_schema_asks_for(schema: Schema) -> None:
    (steps,) = schema.fields(schema.root.schemas[0])["steps"].schemas
    step = schema.element(steps, 0)
    explore = step.fitting({"kind": "explore"})
    overview = step.fitting({"kind": "overview"})
    assert explore is not None
    assert overview is not None
    places = schema.fields(explore)
    assert schema.value(places["budget"], "20") == 20
    assert schema.value(places["budget"], "many") == "many"  # who checks it says what is wrong
    assert schema.value(places["budget"], " ") is ABSENT
    assert schema.value(places["carry"], "true") is True
    assert schema.value(places["amplitudes"], "4 V, 6 V") == ["4 V", "6 V"]
    assert schema.value(places["spacing"], "20 nm") == "20 nm"
    assert schema.value(places["spacing"], '"20 nm"') == "20 nm"  # as it stands in the text
    assert schema.value(places["approval"], "never") == "never"
    assert schema.value(places["approval"], "{ every = 5 }") == {"every": 5}
    assert schema.value(places["agent"], "gp") == {"kind": "gp"}
    (frame,) = schema.fields(overview)["frame"].schemas
    assert schema.value(schema.fields(frame)["pixels"], "64, 32") == [64, 32]
    points = schema.element(steps, 0).fitting({"kind": "points"})
    assert points is not None
    place = schema.fields(points)["points"]
    for typed in ("[0 nm, 1 nm]", "[[0 nm, 1 nm]]", '[["0 nm", "1 nm"]]'):
        assert schema.value(place, typed) == [["0 nm", "1 nm"]]
    title = schema.fields(schema.root.schemas[0])["title"]
    assert schema.value(title, "slow, but good") == "slow, but good"
    assert written([["0 nm", "1 nm"], ["2 nm", "3 nm"]]) == "[0 nm, 1 nm], [2 nm, 3 nm]"


def values(schema: Schema, place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    """Yield what stands in the fields of a form."""
    fitting = place.fitting(value)
    assert fitting is not None
    if isinstance(value, dict):
        places = schema.fields(fitting)
        for name in value.keys() - {"kind"}:
            yield from values(schema, places[name], value[name])
    elif isinstance(value, list) and schema.is_of_tables(fitting):
        for index, element in enumerate(value):
            yield from values(schema, schema.element(fitting, index), element)
    else:
        yield place, value


def test_what_stands_in_any_field_of_any_example_is_read_as_what_it_was(schema: Schema) -> None:
    read = 0
    for path in (*EXAMPLES.glob("*.toml"), *RECIPES.glob("*.toml")):
        if path.name.startswith("lab_"):
            continue
        table = tomllib.loads(path.read_text("utf-8"))
        for place, value in values(schema, schema.root, table):
            again = schema.value(place, written(value))
            assert (type(again), again) == (type(value), value)
            read += 1
    assert read > 300


def test_what_is_right_is_said_with_unit_range_and_default(schema: Schema) -> None:
    (steps,) = schema.fields(schema.root.schemas[0])["steps"].schemas
    explore = schema.element(steps, 0).fitting({"kind": "explore"})
    assert explore is not None
    places = schema.fields(explore)
    assert places["budget"].hint.startswith("from 1")
    assert "in m" in places["spacing"].hint
    assert "widest" not in places["budget"].help
    assert places["budget"].help != ""


def test_every_kind_of_step_has_an_example_that_is_nearly_right(schema: Schema) -> None:
    (steps,) = schema.fields(schema.root.schemas[0])["steps"].schemas
    place = schema.element(steps, 0)
    good, faults = [], []
    for kind in place.choices:
        step = schema.value(place, kind)
        assert step["kind"] == kind
        try:
            parse_recipe({"schema_version": 1, "title": "x", "steps": [step]}, "x")
        except RecipeError as error:
            faults.append(str(error))
        else:
            good.append(kind)
    assert {"overview", "load", "tune", "wait", "approve"} <= set(good)
    # what an example lacks is one of two, or an image before it; it has no wrong key or unit
    assert not [fault for fault in faults if "unknown key" in fault or "expected '" in fault]
