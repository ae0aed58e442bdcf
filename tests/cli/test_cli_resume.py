"""``spm-auto resume``: goes on with a killed run, and says in one line why it does not."""

import json
from pathlib import Path

import pytest
from prompt import LAB, Command
from resuming import cut, records_of, story

from spm_auto.data import FILE_NAME, FinishReason, Journal, RunFinished, open_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run that went through."""
    from prompt import RECIPE, SMALL

    from spm_auto.execute import execute

    folder = tmp_path_factory.mktemp("runs") / "whole"
    overrides = [word.removeprefix("--set=") for word in SMALL]
    assert execute(RECIPE, LAB, folder, seed=1, overrides=overrides, as_json=True) == 0
    return folder


def test_a_killed_run_ends_as_the_unbroken_one(
    command: Command, whole: Path, tmp_path: Path
) -> None:
    n = len(records_of(whole)) // 2
    folder = cut(whole, n, tmp_path / "cut", torn=20)
    code, out, err = command("resume", folder)
    assert code == 0
    assert "run completed" in out
    assert f"resumed after record {n - 1}" in err
    assert story(folder) == story(whole)
    assert len(open_run(folder / "run.h5").spectra) == 6
    assert (folder / "report.html").is_file()


def test_a_run_that_has_completed_is_left_alone(command: Command, whole: Path) -> None:
    before = (whole / FILE_NAME).read_bytes()
    code, _, err = command("resume", whole)
    assert code == 1
    assert "has completed; nothing is left to do" in err
    assert (whole / FILE_NAME).read_bytes() == before


def test_after_an_emergency_it_wants_to_be_told_so(
    command: Command, whole: Path, tmp_path: Path
) -> None:
    folder = cut(whole, 30, tmp_path / "cut")
    with Journal.reopen(folder / FILE_NAME, lambda: records_of(folder)[-1].time) as journal:
        journal.append(RunFinished(FinishReason.EMERGENCY, "the tip was withdrawn"))
    code, _, err = command("resume", folder)
    assert (code, "--after-emergency" in err) == (1, True)
    code, out, _ = command("resume", folder, "--after-emergency", "--json")
    assert code == 0
    assert json.loads(out)["n_spectra"] == 6


def test_a_script_s_run_is_not_for_the_command_line(command: Command, tmp_path: Path) -> None:
    import spm_auto as spm

    with spm.start_run(lab=LAB, out=tmp_path / "script"):
        pass
    code, _, err = command("resume", tmp_path / "script")
    assert (code, "start_run(..., resume=True)" in err) == (1, True)


def test_where_there_is_no_run_it_says_so(command: Command, tmp_path: Path) -> None:
    code, _, err = command("resume", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert f"there is no run to resume ({FILE_NAME} is missing)" in err


def test_a_run_of_an_older_version_can_be_read_but_not_gone_on_with(
    command: Command, tmp_path: Path
) -> None:
    old = Path(__file__).parent.parent / "files" / "journal-1.spmj"
    (tmp_path / FILE_NAME).write_bytes(old.read_bytes()[:-200])
    code, _, err = command("resume", tmp_path)
    assert (code, "version 1" in err) == (1, True)
    assert (tmp_path / FILE_NAME).read_bytes() == old.read_bytes()[:-200]


def test_a_run_that_another_process_writes_is_left_to_it(
    command: Command, whole: Path, tmp_path: Path
) -> None:
    folder = cut(whole, 20, tmp_path / "cut")
    with Journal.reopen(folder / FILE_NAME, lambda: 0.0):
        code, _, err = command("resume", folder)
    assert (code, "another process" in err) == (1, True)
