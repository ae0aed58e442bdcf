"""``spm-auto plan, check, rehearse``: what people and scripts read before anything moves."""

import json
from pathlib import Path

import pytest
from prompt import EXAMPLES, LAB, RECIPE, SMALL, Command

from spm_auto import execute, open_run
from spm_auto.instrument import GuardedInstrument
from spm_auto.simulator import SimulatorSettings

STM = EXAMPLES / "lab_stm.toml"
NANONIS = EXAMPLES / "lab_nanonis.toml"
OHMIC = """
schema_version = 1
title = "few"
[[steps]]
kind = "repeat"
times = 3
[[steps.steps]]
kind = "points"
points = [["0 nm", "0 nm"]]
waveform = { kind = "sweep", start = "-1 V", stop = "1 V", points = 11 }
"""
COARSE = "--set=instrument.sample={kind = 'ferroelectric_film', cells = 64, relaxation_steps = 5}"


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Return a recipe that goes to one point three times."""
    path = tmp_path / "few.toml"
    path.write_text(OHMIC, encoding="utf-8")
    return path


def test_a_plan_names_operations_critical_path_and_bottleneck_and_moves_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedInstrument, "load", None)  # nothing may call it
    png = tmp_path / "plan.png"
    code, out, err = command("plan", RECIPE, "--lab", LAB, *SMALL, COARSE, "--png", png)
    assert code == 0, err
    for word in ("steps[0] overview", "scan", "steps[1] explore", "spectrum", "think", "share"):
        assert word in out
    assert "critical path: load 35.0 s > " in out
    assert "bottleneck: load of the start, by the instrument" in out
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_plan_is_json_for_scripts(command: Command) -> None:
    code, out, _ = command("plan", RECIPE, "--lab", LAB, *SMALL, COARSE, "--json")
    plan = json.loads(out)
    assert code == 0
    assert plan["n_spectra"] == 6
    overview, explore = plan["steps"]
    assert overview["operations"][-1]["what"] == "scan"
    assert {o["resource"] for o in explore["operations"]} == {"instrument", "agent"}
    assert plan["seconds"] == pytest.approx(35 + overview["seconds"] + explore["seconds"])
    assert plan["bottleneck"]["what"] == "load"


def test_hardware_is_planned_and_checked_on_a_simulator_within_its_own_limits(
    command: Command, few: Path
) -> None:
    slow = "--set=steps[0].steps[0].waveform.dwell=20 ms"
    code, out, err = command("check", few, "--lab", NANONIS, slow)
    assert code == 0, err
    assert out.startswith("few.toml is good, and within the limits of lab_nanonis.toml: few\n")
    code, _, err = command("check", few, "--lab", NANONIS)
    assert code == 1
    said = "error: few.toml: steps[0].steps[0] (points): bias slew of 25 V/s is outside 0 to 10 V/s"
    assert err.startswith(said)  # a step of 200 mV in 8 ms
    assert err.count("\n") == 1
    code, out, err = command("plan", few, "--lab", NANONIS, slow, "--json")
    assert code == 0, err
    assert json.loads(out)["steps"][0]["rounds"] == 3


def test_a_check_without_a_lab_knows_no_limits(command: Command, few: Path) -> None:
    code, out, _ = command("check", few, "--set=steps[0].steps[0].waveform.stop=99 V")
    assert (code, out.splitlines()[0]) == (0, "few.toml is good: few")
    code, _, err = command("check", few, "--set=steps[0].tims=3")
    assert (code, err.count("\n")) == (1, 1)
    assert "steps[0].tims: unknown key; did you mean 'times'?" in err


def test_a_rehearsal_tells_time_with_spread_exposure_and_extremes(
    command: Command, few: Path
) -> None:
    words = ("rehearse", few, "--lab", LAB, COARSE, "--seeds", 2, "--json")
    code, out, err = command(*words)
    told = json.loads(out)
    assert code == 0, err
    assert (told["n_rehearsals"], len(told["times"])) == (2, 2)
    assert told["planned_time"] == pytest.approx(told["times"][0], rel=0.02)
    assert told["extremes"]["bias"] == {"least": -1.0, "most": 1.0, "unit": "V"}
    assert told["extremes"]["x"]["unit"] == "m"
    assert told["n_spectra"] == 3
    assert told["bias_time"] == pytest.approx(3 * 6.0 * 8e-3)  # |V| of 11 points, 8 ms each
    assert told["refused"] == []


def test_a_rehearsal_finds_what_only_the_ledger_refuses_and_says_at_which_step(
    command: Command, few: Path
) -> None:
    limit = "--set=limits.exposure={radius = '5 nm', spectra = 2}"
    assert command("check", few, "--lab", LAB, COARSE, limit)[0] == 0
    code, out, _ = command("rehearse", few, "--lab", LAB, COARSE, limit)
    assert code == 1
    said = " ".join(out.split())
    assert "refused at steps[0].steps[0] (points) after " in said
    assert "spectra within 5 nm of (0 m, 0 m)" in said
    assert "the rehearsal failed: " in said


def test_a_rehearsal_says_yes_where_a_human_is_asked(command: Command, few: Path) -> None:
    with few.open("a", encoding="utf-8") as file:
        file.write('[[steps]]\nkind = "approve"\nmessage = "go on?"\n')
    code, out, err = command("rehearse", few, "--lab", LAB, COARSE)
    assert (code, "completed" in out) == (0, True), err
    code, out, _ = command("plan", few, "--lab", LAB, COARSE, "--json")
    (asked,) = json.loads(out)["steps"][1]["operations"]
    assert (asked["what"], asked["resource"], asked["count"]) == ("answer", "human", 1)


def test_a_run_is_compared_with_its_plan_and_corrects_the_next_one(
    command: Command, few: Path, tmp_path: Path
) -> None:
    kept, png = tmp_path / "kept", tmp_path / "run.png"
    assert command("rehearse", few, "--lab", LAB, COARSE, "--out", kept)[0] == 0
    assert len(open_run(kept).spectra) == 3
    code, out, err = command("plan", "--run", kept, "--json", "--png", png)
    assert code == 0, err
    rows = {(row["step"], row["operation"]): row for row in json.loads(out)["steps"]}
    spectra = rows["steps[0].steps[0] points", "spectrum"]
    assert (spectra["planned_count"], spectra["count"]) == (3, 3)
    assert spectra["seconds"] == pytest.approx(spectra["planned"], rel=0.02)
    assert rows["the start", "load"]["seconds"] == 35.0
    assert png.stat().st_size > 1000
    code, out, err = command("plan", "--run", kept)
    assert (code, "planned and done" in out) == (0, True), err
    code, out, err = command("plan", few, "--lab", LAB, COARSE, "--measured", kept)
    assert code == 0, err
    assert "corrected by what was measured: load 1.000, spectrum 1.0" in " ".join(out.split())


def test_plan_takes_a_recipe_with_a_lab_or_a_run(command: Command, few: Path) -> None:
    for words in (("plan",), ("plan", few), ("plan", few, "--run", few.parent)):
        code, _, err = command(*words)
        assert code == 1
        assert err.startswith("error: ")
        assert "--run DIR" in err


def test_a_folder_that_holds_a_run_is_not_rehearsed_into(
    command: Command, few: Path, tmp_path: Path
) -> None:
    (tmp_path / execute.FILE_NAME).write_bytes(b"")
    code, _, err = command("rehearse", few, "--lab", LAB, "--out", tmp_path)
    assert (code, "holds a run already" in err) == (1, True)


def test_what_stands_in_for_hardware_must_be_simulated(command: Command, few: Path) -> None:
    code, _, err = command("check", few, "--lab", NANONIS, "--on", EXAMPLES / "lab_rhk.toml")
    assert (code, "lab_rhk.toml: instrument: rhk is hardware" in err) == (1, True)
    slow = "--set=steps[0].steps[0].waveform.dwell=20 ms"
    assert command("check", few, "--lab", NANONIS, "--on", STM, slow)[0] == 0
    assert SimulatorSettings.is_simulated
