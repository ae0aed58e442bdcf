"""Bad input at the command line: one clear line that names the place, and nothing moves."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from prompt import EXAMPLES, LAB, RECIPE, Command, carry_out

BAD_VALUES = {
    "a misspelt key": (
        "steps[0].frame.pixles=[8, 8]",
        "ferroelectric.toml: steps[0].frame.pixles: unknown key; did you mean 'pixels'?",
    ),
    "a wrong unit": (
        "steps[0].frame.size=['2 V', '2 um']",
        "ferroelectric.toml: steps[0].frame.size[0]: '2 V' has the unit 'V'; expected 'm'",
    ),
    "no unit": (
        "steps[1].waveform.amplitude=8.5",
        "ferroelectric.toml: steps[1].waveform.amplitude: 8.5 has no unit",
    ),
    "a frame outside the scanner": (
        "steps[0].frame.center=['5 um', '0 nm']",
        "ferroelectric.toml: steps[0] (overview): x of 4e-06 m is outside -1e-06 to 1e-06 m",
    ),
    "a bias beyond the limits": (
        "steps[1].waveform.amplitude=20 V",
        "ferroelectric.toml: steps[1] (explore): bias of 20 V is outside -10 to 10 V",
    ),
    "an unknown channel": (
        "steps[0].channels=['taste']",
        "ferroelectric.toml: steps[0] (overview): simulated ferroelectric film has no channel",
    ),
    "a channel that the overview does not record": (
        "steps[1].channels=['amplitud']",
        "ferroelectric.toml: steps[1]: channels: the overview does not record 'amplitud'; did you",
    ),
    "a margin that leaves nothing": (
        "steps[1].margin=64",
        "ferroelectric.toml: steps[1]: margin: 64 pixels along each edge leave nothing",
    ),
    "more pixels than any memory": (
        "steps[0].frame.pixels=[1000000, 1000000]",
        "ferroelectric.toml: steps[0].frame.pixels[0]: ",
    ),
    "a channel named twice": (
        "steps[0].channels=['phase', 'phase']",
        "ferroelectric.toml: steps[0]: a scan names a channel twice: phase, phase",
    ),
    "a frame without a width": (
        "steps[0].frame.size=['0 nm', '2 um']",
        "ferroelectric.toml: steps[0].frame: a frame's size must be positive, got (0.0, 2e-06) m",
    ),
    "an unknown agent": (
        "steps[1].agent.kind=deep_kernal",
        "ferroelectric.toml: steps[1].agent: there is no agent 'deep_kernal'; did you mean",
    ),
    "an unknown scalarizer": (
        "steps[1].scalarizer=loop_aera",
        "ferroelectric.toml: steps[1].scalarizer: there is no scalarizer 'loop_aera'; did you",
    ),
    "an unknown instrument": (
        "instrument.kind=nanonis9",
        "lab_simulator.toml: instrument: there is no instrument 'nanonis9'",
    ),
    "an impossible sample": (
        "instrument.sample.size=-2 um",
        "lab_simulator.toml: instrument.sample",
    ),
    "a key of neither file": ("limts.bias=1", "--set limts.bias=1: neither a recipe nor a lab"),
    "a path that leads nowhere": ("steps[7].budget=1", "--set steps[7].budget: there is no"),
    "no value": ("steps[1].budget", "--set steps[1].budget: write PATH=VALUE"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_bad_value_gives_one_clear_line_and_nothing_moves(
    command: Command, tmp_path: Path, case: str
) -> None:
    setting, message = BAD_VALUES[case]
    code, out, err = command(
        "run", RECIPE, "--lab", LAB, "--out", tmp_path / "run", f"--set={setting}"
    )
    assert code == 1
    assert err.startswith(f"error: {message}"), err
    assert len(err.strip().splitlines()) == (2 if "memory" in case else 1), err
    assert "Traceback" not in out + err
    assert not (tmp_path / "run").exists()


def test_a_missing_recipe_or_lab_file_is_named(command: Command, tmp_path: Path) -> None:
    code, _, err = command("run", tmp_path / "no.toml", "--lab", LAB, "--out", tmp_path / "run")
    assert (code, err) == (1, f"error: {tmp_path / 'no.toml'}: there is no such recipe\n")
    code, _, err = command("run", RECIPE, "--lab", tmp_path / "no.toml", "--out", tmp_path / "run")
    assert (code, err) == (1, f"error: {tmp_path / 'no.toml'}: there is no such lab file\n")


def test_a_file_that_is_no_toml_is_refused_with_the_line(command: Command, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("title = 'x'\nsteps = [oops]\n")
    code, _, err = command("run", bad, "--lab", LAB, "--out", tmp_path / "run")
    assert code == 1
    assert err.startswith(f"error: {bad}: not valid TOML: ")
    assert "line 2" in err


def _no_data(path: Path) -> None:
    del path


def _no_hdf5(path: Path) -> None:
    path.write_bytes(b"this is no HDF5 file" * 100)


def _cut_off(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["loops"] = np.zeros((100, 100))
    path.write_bytes(path.read_bytes()[:3000])


def _other_data(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["picture"] = np.zeros((4, 4))


@pytest.mark.parametrize("make", [_no_data, _no_hdf5, _cut_off, _other_data])
def test_a_missing_or_corrupt_data_file_is_refused_in_one_line(
    command: Command, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    data = tmp_path / "data.h5"
    make(data)
    code, out, err = command(
        "run", EXAMPLES / "beps_replay.toml", "--lab", EXAMPLES / "lab_replay.toml",
        "--out", tmp_path / "run", f"--set=instrument.file={data}",
    )  # fmt: skip
    assert code == 1
    assert len(err.strip().splitlines()) == 1, err
    assert str(data) in err
    assert "Traceback" not in out + err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(command: Command, tmp_path: Path) -> None:
    carry_out(command, tmp_path / "run")
    before = (tmp_path / "run" / "run.spmj").read_bytes()
    code, _, err = carry_out(command, tmp_path / "run")
    assert code == 1
    assert err.count("\n") == 1
    assert "holds a run already" in err
    assert (tmp_path / "run" / "run.spmj").read_bytes() == before


def test_showing_what_is_no_run_is_refused(command: Command, tmp_path: Path) -> None:
    code, _, err = command("show", tmp_path)
    assert (code, err) == (
        1,
        f"error: {tmp_path}: there is no run here (no run.spmj and no run.h5)\n",
    )
