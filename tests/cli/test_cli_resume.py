"""``spm-auto resume``: goes on with a killed run, and says in one line why it does not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prompt import LAB, RECIPE, SMALL, Command, carry_out
from resuming import cut, records_of, story

from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    Journal,
    RunFinished,
    RunStarted,
    SampleFound,
    open_run,
)
from spm_auto.simulator import SimulatedMicroscope, SimulatorSettings


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run that went through."""
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


def test_a_run_that_was_killed_before_its_files_were_made_gets_them(
    command: Command, whole: Path, tmp_path: Path
) -> None:
    folder = cut(whole, len(records_of(whole)), tmp_path / "cut")
    code, out, _ = command("resume", folder)
    assert (code, "run completed" in out) == (0, True)
    assert story(folder) == story(whole)
    assert len(open_run(folder / "run.h5").spectra) == 6
    assert (folder / "report.html").is_file()


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


def test_progress_counts_on_from_where_the_run_was(
    command: Command, whole: Path, tmp_path: Path
) -> None:
    names = [name for name, _, _ in story(whole)]
    last = max(n for n, name in enumerate(names) if name == "SpectrumAcquired")
    folder = cut(whole, last, tmp_path / "cut")
    _, _, err = command("resume", folder)
    assert "spectrum 6 of 6" in err
    assert "spectrum 1 of 6" not in err


def test_the_report_says_that_the_run_was_resumed(
    command: Command, whole: Path, tmp_path: Path
) -> None:
    folder = cut(whole, 30, tmp_path / "cut", torn=11)
    command("resume", folder)
    page = (folder / "report.html").read_text("utf-8")
    assert "<h2>Resumed</h2>" in page
    assert "after record 29: " in page
    assert "11 bytes were cut off" in page
    assert "<h2>Resumed</h2>" not in (whole / "report.html").read_text("utf-8")


def test_on_a_clock_that_really_runs_instrument_time_goes_on(
    command: Command, tmp_path: Path
) -> None:
    run = tmp_path / "whole"
    scaled = "--set=clock={kind = 'scaled', factor = 2000.0}"
    assert carry_out(command, run, scaled)[0] == 0
    n = [name for name, _, _ in story(run)].index("SpectrumAcquired") + 3
    folder = cut(run, n, tmp_path / "cut")
    assert command("resume", folder)[0] == 0
    times = [record.time for record in records_of(folder)]
    assert times == sorted(times)
    assert len(open_run(folder).spectra) == 6
    assert story(folder)[:n] == story(run)[:n]


class TestHardware:
    """The command line with an instrument that is no simulation as far as it knows."""

    @pytest.fixture
    def halved(self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Give a run on hardware that was killed after its first spectrum."""
        simulated = SimulatedMicroscope.capabilities.fget
        assert simulated is not None
        monkeypatch.setattr(SimulatorSettings, "is_simulated", False)
        monkeypatch.setattr(
            SimulatedMicroscope,
            "capabilities",
            property(lambda self: replace(simulated(self), is_simulated=False)),
        )
        assert carry_out(command, tmp_path / "whole", "--no-server")[0] == 0
        names = [name for name, _, _ in story(tmp_path / "whole")]
        return cut(tmp_path / "whole", names.index("SpectrumAcquired") + 1, tmp_path / "cut")

    def test_what_changed_is_said_and_nothing_moves_until_it_is_accepted(
        self, command: Command, halved: Path
    ) -> None:
        before = (halved / FILE_NAME).read_bytes()
        code, _, err = command("resume", halved, "--no-server")
        assert code == 1
        assert "error: the instrument is not loaded" in err
        assert "nothing has moved; --accept-changes goes on all the same" in err
        assert (halved / FILE_NAME).read_bytes() == before

    def test_accepted_it_finds_the_sample_and_goes_on(self, command: Command, halved: Path) -> None:
        code, out, err = command("resume", halved, "--no-server", "--accept-changes")
        assert (code, "run completed" in out) == (0, True)
        assert "the instrument is not loaded" in err
        run = open_run(halved)
        (found,) = (r.event for r in run.records if isinstance(r.event, SampleFound))
        assert abs(found.dx) < 0.5 * 2e-6 / 32  # drift since the first image, in half a pixel
        assert len(run.scans) == 1
        assert len(run.spectra) == 6
        assert "the sample has moved by" in (halved / "report.html").read_text("utf-8")


def test_a_journal_that_does_not_say_how_it_was_begun_is_one_clear_line(
    command: Command, tmp_path: Path
) -> None:
    started = RunStarted("1", "a stranger's", "schema_version = 1", "", "x", 1)
    with Journal(tmp_path / FILE_NAME, lambda: 0.0) as journal:
        journal.append(started)
    code, _, err = command("resume", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert "the journal does not say how the run was begun: 'recipe_file'" in err
