"""A campaign's file, its folder, and what is refused before anything is written."""

import json
import math
import tomllib
from pathlib import Path

import pytest
from hands import SMALL, end, written

from spm_auto.campaign import entries, foresee, open_folders, order, part_of
from spm_auto.campaign.product import _toml
from spm_auto.errors import DataError, RecipeError

LAB = """
schema_version = 1
laboratory = "simulated"
[instrument]
kind = "simulator"
"""
RECIPE = """
schema_version = 1
title = "A look"
[[steps]]
kind = "overview"
frame = {center = ["0 nm", "0 nm"], size = ["100 nm", "100 nm"], pixels = [8, 8]}
"""


def test_each_run_has_a_folder_and_ordering_again_changes_nothing(tmp_path: Path) -> None:
    spec, out = written(tmp_path), tmp_path / "out"
    first = order(spec, out)
    files = {path: path.read_bytes() for path in out.rglob("*.json")}
    assert len({entry.folder for entry in first}) == len(first) == 4
    assert [entry.seed for entry in first] == [0, 0, 1, 1]
    assert order(spec, out) == first == entries(out)
    assert {path: path.read_bytes() for path in out.rglob("*.json")} == files


def test_a_dry_run_foresees_the_same_runs_and_writes_nothing(tmp_path: Path) -> None:
    spec, out = written(tmp_path), tmp_path / "out"
    foreseen = foresee(spec, out)
    assert not out.exists()
    assert foreseen == order(spec, out)


def test_a_file_that_was_changed_keeps_what_is_done_and_asks_for_the_rest(tmp_path: Path) -> None:
    spec, out = written(tmp_path), tmp_path / "out"
    for entry in order(spec, out):
        end(entry, regret=0.5)
    ordered = order(written(tmp_path, SMALL.replace("0..1", "1..2")), out)
    assert [entry.seed for entry in ordered] == [1, 1, 2, 2]
    assert open_folders(ordered) == tuple(entry.folder for entry in ordered if entry.seed == 2)


def test_parts_of_a_campaign_are_all_of_it_and_have_nothing_in_common(tmp_path: Path) -> None:
    ordered = order(written(tmp_path, SMALL.replace("0..1", "0..4")), tmp_path / "out")
    parts = [part_of(ordered, part, 3) for part in range(3)]
    assert [entry for part in parts for entry in part] == list(ordered)
    assert sorted(map(len, parts)) == [3, 3, 4]
    with pytest.raises(RecipeError, match="no part 3 of 3; they are 0 to 2"):
        part_of(ordered, 3, 3)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('"gap_hunt"', '"gap_hnt"', r"runs\[0\].tasks\[0\]: .* did you mean 'gap_hunt'"),
        ('"gap_hunt"', '{ kind = "setpoint", gain = [1] }', "no setting 'gain'; did you mean"),
        ('"sobol"', '"sobl"', r"runs\[0\].agents\[1\]: .* did you mean 'sobol'"),
        ('"sobol"', '{ kind = "gp", inital = 3 }', "inital: unknown key; did you mean 'initial'"),
        ('"sobol"', '{ kind = "oracle", initial = 3 }', "knows the truth and has no settings"),
        ('"sobol"', '{ label = "mine" }', "the name of an agent"),
        ('"sobol"', '{ kind = "gp", label = "random" }', "'random' stands for two players"),
        ('"sobol"', '{ kind = "random", label = "luck" }', "are the same run; name it once"),
        ("seeds =", "levels = [5]\nseeds =", "no level 5; the levels are 0 to 3"),
        ("seeds =", "settings.gate = [3]\nseeds =", "with gate = 3: agent 'random'"),
        ("0..1", "1..0", "expected seeds such as '100..109'"),
        ('"0..1"', '"0..1"\nrow = {title = "t", rule = "sbol"}', "did you mean 'sobol'"),
        ('"0..1"', '"0..1"\nrow = {title = "t", random = "sbol"}', "did you mean 'sobol'"),
        (
            '"0..1"',
            '"0..1"\nrow = {title = "t", agents = ["sobol"], rule = "sobol"}',
            "'sobol' is in question, and would be compared with itself",
        ),
        ('"0..1"', '"0..9999999999999"', "are more than the 2,000,000 runs of a campaign"),
        ('"0..1"', '"0..1500000"', "these are 3,000,002 runs; a campaign has 2,000,000 at most"),
        (
            '"sobol"',
            '{ kind = "gp", initial = 2020-01-01 }',
            r"agents\[1\].initial: a date or time",
        ),
        ('"gap_hunt"', '{ kind = "gap_hunt", n = [nan] }', r"tasks\[0\].n\[0\]: nan cannot be"),
        ("seeds =", "settings.exploration = [inf]\nseeds =", "inf cannot be a setting of a game"),
    ],
)
def test_what_no_run_could_begin_with_is_refused_at_its_place_and_nothing_is_written(
    tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said) as refused:
        order(written(tmp_path, SMALL.replace(was, becomes, 1)), tmp_path / "out")
    assert str(refused.value).startswith(("campaign.toml: runs", "campaign.toml: "))
    assert not (tmp_path / "out").exists()


def test_settings_are_told_apart_in_the_label_that_was_given(tmp_path: Path) -> None:
    text = SMALL.replace('"random", "sobol"', '{ kind = "gp", label = "plain" }')
    text += "settings = { initial = [4, 8] }\n"
    labels = {entry.label for entry in foresee(written(tmp_path, text), tmp_path / "out")}
    assert labels == {"plain (initial 4)", "plain (initial 8)"}


def test_a_value_of_a_recipe_is_written_as_toml_reads_it() -> None:
    value = {"a": [1, 1.5, True], "b c": "é\n", "limit": math.inf, "0-x": {"y": -math.inf}}
    assert tomllib.loads(f"value = {_toml(value)}")["value"] == value
    assert _toml({"kind": "gp", "initial": 5}) == '{kind = "gp", initial = 5}'  # names of runs


def test_paths_in_a_lab_file_start_at_the_lab_file(tmp_path: Path) -> None:
    for name, text in (("recipes/look.toml", RECIPE), ("labs/lab.toml", LAB)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    block = 'name = "look"\nrecipes = ["recipes/look.toml"]\nlabs = ["labs/lab.toml"]\nseeds = [1]'
    spec = written(tmp_path, f'schema_version = 1\ntitle = "t"\n[[runs]]\n{block}\n')
    (entry,) = order(spec, tmp_path / "out")
    found = json.loads((entry.folder / "spec.json").read_text())
    assert found["folder"] == str((tmp_path / "labs").resolve())


def test_two_lab_files_of_the_same_text_whose_paths_lead_elsewhere_are_not_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "look.toml").write_text(RECIPE)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "lab.toml").write_text(LAB)
    block = (
        'name = "look"\nrecipes = ["look.toml"]\nlabs = ["a/lab.toml", "b/lab.toml"]\nseeds = [1]'
    )
    spec = written(tmp_path, f'schema_version = 1\ntitle = "t"\n[[runs]]\n{block}\n')
    with pytest.raises(RecipeError, match="two lab files have the same text"):
        foresee(spec, tmp_path / "out")


def test_hardware_is_refused_and_so_is_a_recipe_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "look.toml").write_text(RECIPE.replace("overview", "overviw"))
    (tmp_path / "lab.toml").write_text(LAB)
    block = 'name = "look"\nrecipes = ["look.toml"]\nlabs = ["lab.toml"]\nseeds = [1]'
    spec = written(tmp_path, f'schema_version = 1\ntitle = "t"\n[[runs]]\n{block}\n')
    with pytest.raises(RecipeError, match="did you mean 'overview'"):
        foresee(spec, tmp_path / "out")
    (tmp_path / "look.toml").write_text(RECIPE)
    (tmp_path / "lab.toml").write_text(LAB.replace('"simulator"', '"nanonis"\nhost = "x"'))
    with pytest.raises(RecipeError, match="'nanonis' is no simulation"):
        foresee(spec, tmp_path / "out")


def test_a_folder_without_a_campaign_and_a_damaged_list_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no campaign"):
        entries(tmp_path)
    (tmp_path / "campaign.json").write_text('{"players": [], "runs": [[0, "a", 1]]}')
    with pytest.raises(DataError, match="does not list the runs"):
        entries(tmp_path)
