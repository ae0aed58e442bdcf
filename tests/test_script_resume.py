"""A script that was killed is run again: it gets what it got, and goes on from there."""

from pathlib import Path

import pytest
from resuming import cut, records_of, story

import spm_auto as spm
from examples.own_instrument import OhmicMicroscope
from spm_auto.agents import ForbidRegion, SetExploration
from spm_auto.clock import InstantClock
from spm_auto.data import FILE_NAME, FinishReason, RunContinued
from spm_auto.errors import CannotResume, LimitExceeded

pytestmark = pytest.mark.usefixtures("quick_fits")

SWEEP = spm.BiasWaveform.sweep("0 V", "1 V", points=11)
FRAME = (("0 nm", "0 nm"), ("1 um", "1 um"))
LAB = Path(__file__).parent.parent / "examples" / "lab_simulator.toml"


def script(
    out: Path, budget: int = 7, seed: int = 1, agent: str = "gp", resume: bool = True
) -> spm.Run:
    """Explore, step in, stumble over a limit, and look again."""
    clock = InstantClock()
    microscope = OhmicMicroscope(clock)
    run = spm.start_run(instrument=microscope, clock=clock, out=out, seed=seed, resume=resume)
    with run:
        overview = run.scan(*FRAME, pixels=(8, 6))
        settings = {"initial": 3} if agent == "gp" else {}
        explorer = spm.agents.make(agent, overview, scalarizer="integral", seed=seed, **settings)
        for number, proposal in enumerate(explorer.proposals(budget)):
            explorer.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, SWEEP))
            if number == 2:
                explorer.steer(ForbidRegion((3e-7, 0.0), radius=1.5e-7), why="a scratch")
            if number == 3:
                run.steer(SetExploration(3.0), who="Ada")
        with pytest.raises(LimitExceeded):
            run.position_probe("1 m", "0 m")
        run.position_probe("10 nm", "0 nm")
        run.scan(*FRAME, pixels=(8, 4))
    return run


@pytest.fixture(params=["gp", "random"])
def agent(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_cut_after_any_record_a_script_ends_as_the_unbroken_one(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.script.consolidate", lambda journal: journal)  # is proved below
    if agent == "random":  # which has no weight of exploration
        monkeypatch.setattr(spm.Run, "steer", lambda *_, **__: None)
    script(tmp_path / "whole", agent=agent)
    whole = story(tmp_path / "whole")
    failed = [name for name, _, _ in whole].index("InstructionFailed")
    for n in range(1, len(whole)):
        if n - 1 == failed:  # nobody has heard of it, so it is tried again
            continue
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}", torn=3 * (n % 2))
        script(folder, agent=agent)
        assert story(folder) == whole, f"cut after {n} records ({whole[n - 1][0]})"


def test_a_resumed_script_has_its_run_file_too(tmp_path: Path) -> None:
    script(tmp_path / "whole")
    folder = cut(tmp_path / "whole", 14, tmp_path / "cut")
    script(folder)
    assert (folder / "run.h5").is_file()
    assert len(spm.open_run(folder / "run.h5").spectra) == 7


def test_with_nothing_to_resume_the_script_begins(tmp_path: Path) -> None:
    script(tmp_path / "new")
    run = spm.open_run(tmp_path / "new")
    assert run.finished is not None
    assert run.finished.reason == FinishReason.COMPLETED
    assert not any(isinstance(r.event, RunContinued) for r in run.records)


def test_a_completed_script_is_answered_to_its_end_and_nothing_is_written(tmp_path: Path) -> None:
    first = script(tmp_path / "run")
    before = (tmp_path / "run" / FILE_NAME).read_bytes()
    again = script(tmp_path / "run")
    assert (tmp_path / "run" / FILE_NAME).read_bytes() == before
    assert again.recorded.rewards.tobytes() == first.recorded.rewards.tobytes()


def test_a_completed_script_may_be_made_longer(tmp_path: Path) -> None:
    def look(n: int) -> None:
        clock = InstantClock()
        with spm.start_run(
            instrument=OhmicMicroscope(clock), clock=clock, out=tmp_path, resume=True
        ) as run:
            for x in range(n):
                run.acquire_spectrum(x * 1e-8, 0.0, SWEEP)

    look(2)
    look(5)
    run = spm.open_run(tmp_path)
    assert [s.x for s in run.spectra] == [x * 1e-8 for x in range(5)]
    assert [s.start_time for s in run.spectra] == sorted(s.start_time for s in run.spectra)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 2}, "its seed was 1, now 2"),
        ({"budget": 2}, r"record \d+ of the journal is PointChosen, but now the run asks for Pos"),
        ({"agent": "random"}, r"the agent chose candidate \d+ then, and chooses candidate \d+ now"),
    ],
)
def test_another_script_is_refused_by_the_first_difference(
    change: dict[str, object], said: str, tmp_path: Path
) -> None:
    script(tmp_path / "whole")
    folder = cut(tmp_path / "whole", 40, tmp_path / "cut")
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(CannotResume, match=said):
        script(folder, **change)  # type: ignore[arg-type]
    assert (folder / FILE_NAME).read_bytes() == before


def test_another_lab_file_is_refused_by_its_first_line(tmp_path: Path) -> None:
    lab = tmp_path / "lab.toml"
    lab.write_text(LAB.read_text("utf-8"), "utf-8")
    with spm.start_run(lab=lab, out=tmp_path / "run"):
        pass
    lab.write_text(LAB.read_text("utf-8").replace("student", "teacher"), "utf-8")
    with pytest.raises(CannotResume, match="line 4 of the lab file was"):
        spm.start_run(lab=lab, out=tmp_path / "run", resume=True)


def test_without_resume_a_run_is_never_gone_on_with(tmp_path: Path) -> None:
    script(tmp_path)
    with pytest.raises(spm.errors.DataError, match="holds a run already"):
        script(tmp_path, resume=False)
    assert records_of(tmp_path)
