"""The command line: exit codes, JSON for scripts, and what people read."""

import json
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from prompt import EXAMPLES, LAB, RECIPE, SMALL, Command, carry_out

from spm_auto import open_run
from spm_auto.instrument import BiasWaveform

pytestmark = pytest.mark.usefixtures("quick_fits")


def test_a_run_completes_and_names_its_report(command: Command, tmp_path: Path) -> None:
    code, out, _ = carry_out(command, tmp_path / "run")
    assert code == 0
    assert "run completed" in out
    assert f"report: {tmp_path / 'run' / 'report.html'}" in out
    assert (tmp_path / "run" / "report.html").is_file()
    assert (tmp_path / "run" / "run.h5").is_file()


def test_one_seed_gives_the_same_points_and_rewards_and_another_seed_others(
    command: Command, tmp_path: Path
) -> None:
    runs = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert carry_out(command, tmp_path / name, f"--seed={seed}")[0] == 0
        run = open_run(tmp_path / name)
        points = [(m.spectrum.x, m.spectrum.y) for m in run.measurements]
        runs.append((points, run.rewards.tobytes(), run.scans[0].forward.tobytes()))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    assert runs[0][1] != runs[2][1]
    assert runs[0][2] != runs[2][2]


def test_show_json_prints_one_object_with_what_scripts_read(
    command: Command, tmp_path: Path
) -> None:
    carry_out(command, tmp_path / "run", "--seed=5")
    code, out, _ = command("show", tmp_path / "run", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["finish_reason"] == "completed"
    assert shown["seed"] == 5
    assert (shown["n_scans"], shown["n_lines"], shown["n_spectra"]) == (1, 32, 6)
    assert shown["best"]["bias"] == 8.5
    assert abs(shown["best"]["x"]) <= 1e-6
    assert shown["simulated_time"] > 35
    assert shown["wall_time"] > 0
    assert 0 <= shown["instrument_idle_fraction"] < 1
    assert shown["decision_time_median"] > 0
    assert set(shown) >= {"uid", "instrument", "recipe", "n_flagged", "spm_auto_version"}


def test_run_json_prints_the_same_object_and_nothing_else(command: Command, tmp_path: Path) -> None:
    _, out, _ = carry_out(command, tmp_path / "run", "--json")
    assert json.loads(out) == json.loads(command("show", tmp_path / "run", "--json")[1])


def test_the_report_can_be_made_again_from_the_journal_alone(
    command: Command, tmp_path: Path
) -> None:
    carry_out(command, tmp_path / "run")
    before = (tmp_path / "run" / "report.html").read_bytes()
    for name in ("report.html", "run.h5"):
        (tmp_path / "run" / name).unlink()
    code, _, _ = command("report", tmp_path / "run")
    assert code == 0
    assert (tmp_path / "run" / "report.html").read_bytes() == before


def test_a_rehearsal_says_how_long_the_run_will_take_and_leaves_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("rehearse", RECIPE, "--lab", LAB, *SMALL)
    assert code == 0
    assert "the plan" in out
    assert "at most" in out
    assert "MB on disk" in out
    assert "bias between -8.5 V and 8.5 V" in out
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_takes_the_instrument_time_that_the_run_takes(
    command: Command, tmp_path: Path
) -> None:
    rehearsed = json.loads(command("rehearse", RECIPE, "--lab", LAB, *SMALL, "--json")[1])
    run = json.loads(carry_out(command, tmp_path / "run", "--json")[1])
    assert rehearsed["simulated_time"] == run["simulated_time"]


def test_a_rehearsal_takes_the_simulated_instrument_that_the_lab_names(command: Command) -> None:
    film = "--set=instrument.sample={kind = 'ferroelectric_film', size = '4 um'}"
    wide = "--set=steps[0].frame.size=['3 um', '3 um']"
    code, out, err = command("rehearse", RECIPE, "--lab", LAB, *SMALL, film, wide)
    assert (code, "completed" in out) == (0, True), err


def test_recorded_data_are_rehearsed_on_themselves(command: Command, tmp_path: Path) -> None:
    words = _replay(tmp_path / "map.h5")
    code, out, err = command("rehearse", *words)
    assert (code, "completed" in out) == (0, True), err


def test_a_waveform_that_was_not_recorded_is_refused_before_anything_moves(
    command: Command, tmp_path: Path
) -> None:
    words = _replay(tmp_path / "map.h5")
    out = tmp_path / "run"
    code, _, err = command("run", *words, "--out", out, "--set=steps[1].waveform.amplitude=8 V")
    assert code == 1
    assert err.startswith("error: beps_replay.toml: steps[1] (explore): point 16 of the recorded")
    assert len(err.splitlines()) == 1
    assert not out.exists()


def _replay(data: Path) -> tuple[object, ...]:
    """Record a small map, and return the words that replay it."""
    loop = BiasWaveform.triangle(8.5, 64).bias
    y, x = np.arange(6) * 1e-7, np.arange(8) * 1e-7
    with h5py.File(data, "w") as file:
        map_ = file.create_dataset("map/data", data=np.ones((6, 8, 1)) * np.sin(np.arange(64)))
        map_.attrs.update(quantity="response", units="m", data_type="SPECTRAL_IMAGE")
        axes = (("y", y, "m"), ("x", x, "m"), ("bias", loop, "V"))
        for number, (name, values, unit) in enumerate(axes):
            scale = file.create_dataset(f"map/{name}", data=values)
            scale.attrs.update(quantity=name, units=unit)
            scale.attrs["dimension_type"] = "SPECTRAL" if unit == "V" else "SPATIAL"
            scale.make_scale(name)
            map_.dims[number].attach_scale(scale)
    return (
        EXAMPLES / "beps_replay.toml", "--lab", EXAMPLES / "lab_replay.toml",
        f"--set=instrument.file={data}", "--set=steps[1].budget=3",
        "--set=steps[1].agent={kind = 'random'}",
        "--set=steps[0].frame={center=['350 nm','250 nm'],size=['800 nm','600 nm'],pixels=[8,6]}",
    )  # fmt: skip


def test_square_brackets_in_a_title_or_a_path_are_only_text(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "a[/red]b"
    code, said, err = carry_out(command, out, "--set=title=the [/b] wall, [red] scale")
    assert code == 0
    assert "the [/b] wall, [red] scale" in said.replace("\n", " ")
    assert "the [/b] wall, [red] scale" in err.replace("\n", " ")
    assert f"report: {out / 'report.html'}" in said


def test_the_best_value_is_shown_with_its_unit(command: Command, tmp_path: Path) -> None:
    _, said, progress = carry_out(
        command,
        tmp_path / "run",
        "--set=steps[1].scalarizer=coercive_bias",
        "--set=steps[1].budget=20",
        "--set=steps[1].agent={kind = 'random'}",
    )
    best = open_run(tmp_path / "run").summary()["best"]
    assert f"{best['reward']:.4g} V at (" in said
    assert re.search(r"best [\d.]+ V\n", progress)


def test_the_example_with_two_scalarizers_runs(command: Command, tmp_path: Path) -> None:
    code, _, err = command(
        "run", EXAMPLES / "compromise.toml", "--lab", LAB, "--out", tmp_path / "run",
        "--set=steps[0].frame.pixels=[32, 32]", "--set=steps[1].budget=12",
    )  # fmt: skip
    assert code == 0, err
    run = open_run(tmp_path / "run")
    scores = [m.scored for m in run.measurements if m.scored]
    assert len(scores) == 12
    assert {score.scalarizer for score in scores} == {"switchable_response"}
    assert {tuple(score.others) for score in scores} == {("coercive_bias",)}
    assert run.fits[-1].parameters["front_size"] >= 1


def test_a_run_that_goes_on_or_was_killed_is_shown_as_unfinished(
    command: Command, tmp_path: Path
) -> None:
    carry_out(command, tmp_path / "run")
    journal = tmp_path / "run" / "run.spmj"
    journal.write_bytes(journal.read_bytes()[:-8])  # the last record, how it ended, is torn
    _, said, _ = command("show", tmp_path / "run")
    assert "unfinished" in said


def test_the_plugins_are_listed(command: Command) -> None:
    found = json.loads(command("list", "--json")[1])
    assert set(found["instruments"]) >= {"simulator", "replay"}
    assert set(found["agents"]) >= {"random", "grid", "gp", "deep_kernel"}
    assert set(found["steps"]) >= {"overview", "explore", "grid"}


@pytest.mark.parametrize("of", ["recipe", "lab"])
def test_the_schema_is_json(command: Command, of: str) -> None:
    schema = json.loads(command("schema", of)[1])
    assert schema["type"] == "object"
    assert "schema_version" in schema["required"]


def test_the_doctor_finds_this_installation_well(command: Command) -> None:
    code, out, _ = command("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(out)}
    assert code == 0, out
    assert checks["agents"]["is_good"]


def test_help_comes_without_the_heavy_libraries() -> None:
    script = (
        "import sys; sys.argv = ['spm-auto', '--help']\n"
        "from spm_auto.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'h5py', 'numpy', 'scipy', 'matplotlib', 'numba'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
