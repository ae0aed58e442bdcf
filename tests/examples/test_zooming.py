"""The examples that zoom: a simulated gap hunt, and a recorded experiment where it is at hand."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from examples import stm_two_levels
from spm_auto import cli, open_run
from spm_auto.data import Finding

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SPM_AUTO_DATA", CHECKOUT.parent / "shared" / "data"))


def test_the_gap_hunt_zooms_twice_each_time_inside_the_last_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = CHECKOUT / "examples"
    recipe, lab = examples / "stm_gap_hunt.toml", examples / "lab_stm_simulated.toml"
    small = ["--set=steps[2].budget=9", "--set=steps[2].agent.initial=7"]
    small += [f"--set=steps[{n}].budget=2" for n in (4, 6)]
    small += [f"--set=steps[{n}].pixels=[32,32]" for n in (3, 5)]
    small.append("--set=steps[1].frame.pixels=[40,40]")
    words = ["spm-auto", "run", str(recipe), "--lab", str(lab), "--out", str(tmp_path / "hunt")]
    monkeypatch.setattr("sys.argv", [*words, "--seed", "1", *small])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 0
    run = open_run(tmp_path / "hunt")
    frames = [scan.frame for scan in run.scans]
    assert [frame.size[0] for frame in frames] == [250e-9, 100e-9, 20e-9]
    for outer, inner in itertools.pairwise(frames):
        assert np.all(outer.contains(*inner.corners()))
    findings = [r.event for r in run.records if isinstance(r.event, Finding)]
    kinds = [finding.kind for finding in findings]
    assert kinds == ["frame", "registration", "carry"] * 2
    assert all(finding.values["by"] == "value" for finding in findings[::3])


def test_agents_learn_from_a_recorded_experiment_at_both_of_its_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stm_two_levels, "EVERY", 32)
    for name in (stm_two_levels.LARGE, stm_two_levels.SMALL):
        if not (DATA / name).is_file():
            pytest.skip(f"{name} is not in {DATA}; set SPM_AUTO_DATA to its folder")
    errors = stm_two_levels.main(DATA, tmp_path / "levels.png", draws=1)
    assert errors["large"] < 0.5 * errors["large, mean"]
    assert errors["small"] < 0.8 * errors["small, mean"]
    assert (
        errors["carried"] < 1.5 * errors["fresh"]
    )  # it does no harm where there is little to gain
    assert (tmp_path / "levels.png").is_file()


def test_a_folder_without_the_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="name the folder"):
        stm_two_levels.main(tmp_path)
