"""Recipes: what stands in the file becomes a value, and what is wrong is said in one line."""

import copy
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ohmic_runs import EXPLORE, OVERVIEW

from spm_auto import plugins, units
from spm_auto.errors import RecipeError
from spm_auto.instrument import BiasWaveform, ScanFrame
from spm_auto.settings import json_schema
from spm_auto.workflow import (
    ExploreStep,
    GridStep,
    OverviewStep,
    Recipe,
    parse_recipe,
    read_recipe,
)
from spm_auto.workflow.steps.settings import FrameSettings, SweepSettings, TriangleSettings

TEXT = """
schema_version = 1
title = "Loops"

[[steps]]
kind = "overview"
frame = { center = ["0 nm", "-100 nm"], size = ["2 um", "1 um"], pixels = [64, 32], angle = "30 deg" }
channels = ["height"]
line_rate = "2 Hz"

[[steps]]
kind = "explore"
agent = { kind = "gp", initial = 5 }
scalarizer = "loop_area"
waveform = { kind = "triangle", amplitude = "8.5 V", points = 16, dwell = "4 ms", cycles = 2 }
budget = 20
amplitudes = ["4 V", "8 V"]

[[steps]]
kind = "grid"
points = [3, 2]
waveform = { kind = "sweep", start = "-1 V", stop = "1 V", points = 5, backward = true }
"""  # noqa: E501 - a table in TOML stands on one line


def table(*steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Make a recipe's table with changes of its head."""
    return {"schema_version": 1, "title": "x", "steps": list(steps), **changes}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Make a recipe's table with one value of the exploration changed."""
    step = copy.deepcopy(EXPLORE)
    *way, last = path.split(".")
    place: Any = step
    for key in way:
        place = place[key]
    place[last] = value
    return table(OVERVIEW, step)


def fault(wrong: dict[str, Any]) -> str:
    """Return the one line that says what is wrong."""
    with pytest.raises(RecipeError) as refusal:
        parse_recipe(wrong, "recipe.toml")
    (line,) = str(refusal.value).splitlines()
    assert line.startswith("recipe.toml: ")
    return line.removeprefix("recipe.toml: ")


def test_a_recipe_is_read_with_its_units(tmp_path: Path) -> None:
    (tmp_path / "loops.toml").write_text(TEXT)
    recipe = read_recipe(tmp_path / "loops.toml")
    overview, explore, grid = recipe.steps
    assert isinstance(overview, OverviewStep)
    assert isinstance(explore, ExploreStep)
    assert isinstance(grid, GridStep)
    frame = overview.frame.frame()
    assert frame == ScanFrame((0.0, -1e-7), (2e-6, 1e-6), (64, 32), units.parse("30 deg", "rad"))
    assert (overview.channels, overview.line_rate) == (("height",), 2.0)
    assert explore.waveform.waveform() == BiasWaveform.triangle(8.5, 16, dwell=4e-3, cycles=2)
    assert (explore.budget, explore.amplitudes) == (20, (4.0, 8.0))
    assert explore.agent.kind == "gp"
    assert explore.agent.initial == 5  # type: ignore[attr-defined]  # of this kind of agent
    assert grid.waveform.waveform().values == (-1, -0.5, 0, 0.5, 1, 1, 0.5, 0, -0.5, -1)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("budgt", 3, "steps[1].budgt: unknown key; did you mean 'budget'?"),
        ("waveform.ponits", 8, "steps[1].waveform.ponits: unknown key; did you mean 'points'?"),
        ("agent.inital", 3, "steps[1].agent.inital: unknown key"),
        (
            "waveform.start", "1 nm",
            "steps[1].waveform.start: '1 nm' has the unit 'nm'; expected 'V', for example '-8 V'",
        ),
        (
            "waveform.start", "1",
            "steps[1].waveform.start: '1' has no unit; expected 'V', for example '-8 V'",
        ),
        (
            "waveform.start", 1.0,
            "steps[1].waveform.start: 1.0 has no unit; write it as text, for example '-8 V'",
        ),
        (
            "waveform.dwell", "0 s",
            "steps[1].waveform: a waveform's dwell must be positive and finite, got 0.0 s",
        ),
        (
            "waveform.kind", "swep",
            "steps[1].waveform: there is no kind 'swep'; did you mean 'sweep'? "
            "(known: triangle, sweep, pulse)",
        ),
        (
            "waveform", {},
            "steps[1].waveform: the key 'kind' is missing (known: triangle, sweep, pulse)",
        ),
        (
            "amplitudes", ["1 V", "2 nm"],
            "steps[1].amplitudes[1]: '2 nm' has the unit 'nm'; expected 'V', for example '-8 V'",
        ),
        ("budget", 0, "steps[1].budget: input should be greater than or equal to 1, got 0"),
        (
            "budget", "3",
            "steps[1].budget: input should be a valid integer, got '3'; write it without quotes",
        ),
        ("budget", True, "steps[1].budget: input should be a valid integer, got True"),
    ],
)  # fmt: skip
def test_a_fault_is_said_in_one_line_with_its_path(path: str, value: Any, said: str) -> None:
    assert fault(changed(path, value)) == said


@pytest.mark.parametrize(
    ("path", "wrong", "said"),
    [
        ("kind", "explor", "steps[1]: there is no step 'explor'; did you mean 'explore'?"),
        (
            "agent.kind", "randm",
            "steps[1].agent: there is no agent 'randm'; did you mean 'random'?",
        ),
        (
            "scalarizer", "integrl",
            "steps[1].scalarizer: there is no scalarizer 'integrl'; did you mean 'integral'?",
        ),
    ],
)  # fmt: skip
def test_a_plugin_that_does_not_exist_is_answered_with_one_that_does(
    path: str, wrong: str, said: str
) -> None:
    line = fault(changed(path, wrong))
    assert line.startswith(f"{said} (known: ")


@pytest.mark.parametrize(
    ("agent", "scalarizer", "said"),
    [
        (
            "pareto", ["integral", "peek"],
            "steps[1].scalarizer[1]: there is no scalarizer 'peek'; did you mean 'peak'?",
        ),
        (
            "random", ["integral", "peak"],
            "steps[1]: agent 'random' learns from 1 scalarizer, got 2 (integral, peak)",
        ),
        (
            "pareto", "peak",
            "steps[1]: agent 'pareto' learns from 2 to 3 scalarizers, got 1 (peak)",
        ),
        ("pareto", ["peak", "peak"], "steps[1]: a scalarizer is named twice: peak, peak"),
        ("random", [], "steps[1].scalarizer: at least 1 is needed, got 0"),
        ("random", 3, "steps[1].scalarizer: input should be a valid string, got 3"),
    ],
)  # fmt: skip
def test_as_many_scalarizers_as_the_agent_can_use(agent: str, scalarizer: Any, said: str) -> None:
    step = {**EXPLORE, "agent": {"kind": agent}, "scalarizer": scalarizer}
    assert fault(table(OVERVIEW, step)).startswith(said)


def test_several_scalarizers_are_a_list() -> None:
    step = {**EXPLORE, "agent": {"kind": "pareto"}, "scalarizer": ["integral", "peak"]}
    explore = parse_recipe(table(OVERVIEW, step), "recipe.toml").steps[1]
    assert isinstance(explore, ExploreStep)
    assert explore.scalarizers == ("integral", "peak")


def test_a_misspelt_key_of_the_only_step_is_the_only_line() -> None:
    frame = {**OVERVIEW["frame"], "pixles": [8, 3]}
    assert fault(table({**OVERVIEW, "frame": frame})) == (
        "steps[0].frame.pixles: unknown key; did you mean 'pixels'?"
    )


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"size": ["0 nm", "1 um"]}, "steps[0].frame: a frame's size must be positive, got (0.0,"),
        (
            {"pixels": [1, 3]},
            "steps[0].frame.pixels[0]: input should be greater than or equal to 2, got 1",
        ),
        (
            {"pixels": [8.0, 3]},
            "steps[0].frame.pixels[0]: input should be a valid integer",
        ),
        ({"center": ["0 nm"]}, "steps[0].frame.center[1]: this key is missing"),
    ],
)
def test_a_frame_that_is_none_is_refused(frame: dict[str, Any], said: str) -> None:
    wrong = table({**OVERVIEW, "frame": {**OVERVIEW["frame"], **frame}})
    assert fault(wrong).startswith(said)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (table(OVERVIEW, schema_version=2), "schema_version: input should be 1, got 2"),
        (table(), "steps: at least 1 is needed, got 0"),
        ({"schema_version": 1, "title": "x"}, "steps: this key is missing"),
        (table(OVERVIEW, titel="y"), "titel: unknown key; did you mean 'title'?"),
        (table(EXPLORE), "steps[0]: an explore step needs an overview step before it"),
    ],
)
def test_a_recipe_that_is_none_is_refused(wrong: dict[str, Any], said: str) -> None:
    assert fault(wrong) == said


def test_what_is_known_of_a_run_is_told_step_by_step() -> None:
    recipe = parse_recipe(table(OVERVIEW, {**EXPLORE, "budget": 2}), "recipe.toml")
    known = recipe.preview()
    assert [index for index, _ in known] == [0, 1, 1]
    assert [type(instruction).__name__ for _, instruction in known] == [
        "Scan", "AcquireSpectrum", "AcquireSpectrum",
    ]  # fmt: skip


def test_the_schema_is_json_and_names_every_step_and_agent() -> None:
    schema = json.loads(json.dumps(json_schema(Recipe), allow_nan=False))
    assert schema["additionalProperties"] is False
    assert schema["properties"]["steps"]["minItems"] == 1
    kinds = {one["properties"]["kind"]["const"]: one for one in schema["$defs"]["steps"]["oneOf"]}
    assert set(kinds) == set(plugins.names("steps"))
    assert schema["properties"]["steps"]["items"] == {"$ref": "#/$defs/steps"}
    assert kinds["repeat"]["properties"]["steps"]["items"] == {"$ref": "#/$defs/steps"}
    agents = schema["$defs"]["agents"]["oneOf"]
    assert {one["properties"]["kind"]["const"] for one in agents} == set(plugins.names("agents"))
    assert "pixels" in json.dumps(kinds["overview"])


def test_the_schema_refers_to_nothing_that_is_not_in_it() -> None:
    schema = json_schema(Recipe)
    text = json.dumps(schema)
    for name in set(text.split("#/$defs/")[1:]):
        assert name.split('"')[0] in schema.get("$defs", {})


lengths = st.floats(1e-9, 1e-4).map(lambda value: units.format(value, "m"))
biases = st.floats(-10, 10).map(lambda value: units.format(value, "V"))


@given(lengths, lengths, st.integers(2, 512), st.integers(2, 512))
def test_whatever_frame_is_written_is_the_frame_that_is_scanned(
    width: str, height: str, pixels: int, lines: int
) -> None:
    settings = FrameSettings.model_validate(
        {"center": (height, width), "size": (width, height), "pixels": (pixels, lines)}
    )
    frame = settings.frame()
    assert frame.size == (units.parse(width, "m"), units.parse(height, "m"))
    assert frame.center == (units.parse(height, "m"), units.parse(width, "m"))
    assert frame.shape == (lines, pixels)


@given(biases, biases, st.integers(1, 20))
def test_whatever_waveform_is_written_reaches_from_end_to_end(
    one: str, other: str, quarter: int
) -> None:
    first, second = units.parse(one, "V"), units.parse(other, "V")
    triangle = TriangleSettings.model_validate(
        {"kind": "triangle", "amplitude": one, "offset": other, "points": 4 * quarter}
    ).waveform()
    assert len(triangle.values) == 4 * quarter
    assert max(triangle.values) == pytest.approx(second + abs(first))
    assert min(triangle.values) == pytest.approx(second - abs(first))
    sweep = SweepSettings.model_validate({"kind": "sweep", "start": one, "stop": other})
    assert sweep.waveform().values[0] == first
    assert sweep.waveform().values[-1] == second
    assert sweep.waveform(abs(first)).values[0] == -abs(first)


PULSE = {"kind": "pulse", "amplitude": "1 V", "duration": "1 s", "dwell": "1 ms"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("waveform.points", 10**9, "steps[1].waveform.points: input should be less than or equal"),
        ("budget", 10**30, "steps[1].budget: input should be less than or equal to 1000000"),
        ("amplitudes", ["1 V"] * 100_000, "steps[1].amplitudes: at most 1000 are allowed, got 100"),
        (
            "waveform",
            {**PULSE, "duration": "1e9 s"},
            "steps[1].waveform: a pulse of 1e+09 s has 1e+12 points of 0.001 s; at most 100000",
        ),
        ("waveform", {**PULSE, "dwell": "1e-320 s"}, "steps[1].waveform: a pulse of 1 s has inf"),
        ("waveform", {**PULSE, "dwell": "0 s"}, "steps[1].waveform: a waveform's dwell must be"),
        ("waveform", {**PULSE, "amplitude": " " * 100_000 + "x"}, "a text of 100001 characters"),
        ("agent", {"kind": "../../agent"}, "steps[1].agent: there is no agent '../../agent'"),
        ("agent", {"kind": "os:system"}, "steps[1].agent: there is no agent 'os:system'"),
        ("scalarizer", "__import__('os').system('id')", "steps[1].scalarizer: there is no scalar"),
    ],
)
def test_a_recipe_that_wants_too_much_is_refused_before_it_takes_any(
    path: str, value: Any, said: str
) -> None:
    tracemalloc.start()
    try:
        assert said in fault(changed(path, value))
        assert tracemalloc.get_traced_memory()[1] < 5e7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "not valid TOML: tables or lists too deep"),
        ("[" + ".".join("a" * 3000) + "]", "not valid TOML: tables or lists too deep"),
        ("a = " + "9" * 10_000, "not valid TOML: Exceeds the limit"),
        ("!!python/object/apply:os.system ['id']", "not valid TOML: Invalid statement"),
        ("# " + "x" * 2**20, "the recipe is larger than the 1048576 bytes allowed"),
        (b"\xff\xfe", "the recipe cannot be read"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_clear_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecipeError) as refusal:
        read_recipe(path)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
