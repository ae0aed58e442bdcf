"""The researcher's door: a script leaves what a recipe leaves, and is guarded the same way."""

from pathlib import Path
from typing import Any

import pytest

import spm_auto as spm
from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason, PointChosen, SpectrumScored
from spm_auto.errors import AgentError, DataError, LimitExceeded, RecipeError, SpmError
from spm_auto.instrument import Limits

SWEEP = spm.BiasWaveform.sweep("0 V", "1 V", points=11)
FRAME = (("0 nm", "0 nm"), ("1 um", "1 um"))


def _start(out: Path, limits: Limits | None = None) -> spm.Run:
    clock = InstantClock()
    return spm.start_run(
        instrument=OhmicMicroscope(clock), clock=clock, out=out, seed=1, limits=limits
    )


def test_a_script_leaves_journal_run_file_and_report(tmp_path: Path) -> None:
    with _start(tmp_path / "run") as run:
        overview = run.scan(*FRAME, pixels=(16, 16))
        agent = spm.agents.make("gp", overview, scalarizer="integral", seed=1, initial=3)
        for proposal in agent.proposals(budget=6):
            agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, SWEEP))
    report = run.report()
    recorded = spm.open_run(tmp_path / "run")
    assert recorded.finished is not None
    assert recorded.finished.reason == FinishReason.COMPLETED
    assert len(recorded.measurements) == 6
    assert all(m.chosen and m.scored for m in recorded.measurements)
    assert recorded.fits[-1].n_observations == 6
    assert report.is_file()
    assert (tmp_path / "run" / "run.h5").is_file()


def test_an_agent_made_from_a_run_s_image_is_recorded_by_that_run(tmp_path: Path) -> None:
    with _start(tmp_path / "run") as run:
        overview = run.scan(*FRAME, pixels=(8, 8))
        agent = spm.agents.make("random", overview, scalarizer="peak", seed=1)
        proposal = agent.ask()
        assert proposal is not None
        agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, SWEEP))
    kinds = [type(record.event) for record in run.recorded.records]
    assert kinds.index(PointChosen) < kinds.index(SpectrumScored)


def test_what_a_script_gets_is_what_the_journal_holds(tmp_path: Path) -> None:
    with _start(tmp_path / "run") as run:
        image = run.scan(*FRAME, pixels=(8, 4), angle="30 deg")
        spectrum = run.acquire_spectrum("100 nm", "50 nm", SWEEP)
    recorded = spm.open_run(tmp_path / "run")
    assert recorded.scans[0].frame == image.frame
    assert recorded.scans[0].forward.tobytes() == image.forward.tobytes()
    assert recorded.spectra[0].data.tobytes() == spectrum.data.tobytes()
    assert (recorded.spectra[0].x, recorded.spectra[0].y) == (1e-7, 5e-8)


def test_a_script_is_guarded(tmp_path: Path) -> None:
    with _start(tmp_path / "run", Limits(bias=(-0.5, 0.5))) as run:
        with pytest.raises(LimitExceeded, match=r"bias of 1 V is outside -0\.5 to 0\.5 V"):
            run.acquire_spectrum(0.0, 0.0, SWEEP)
        with pytest.raises(LimitExceeded, match="x of"):
            run.position_probe("5 um", "0 nm")
    assert run.recorded.measurements == ()


def test_one_channel_is_named_in_a_list_too(tmp_path: Path) -> None:
    with _start(tmp_path / "run") as run:
        with pytest.raises(ValueError, match="a list of names, such as \\['current'\\]"):
            run.scan(*FRAME, channels="current")
        assert run.recorded.scans == ()


@pytest.mark.parametrize("value", [None, "much", [1.0, 2.0]])
def test_a_scalarizer_that_gives_no_number_is_named(tmp_path: Path, value: Any) -> None:
    def curvature(spectrum: spm.Spectrum) -> Any:
        return value if len(spectrum.bias) else 0.0

    with _start(tmp_path / "run") as run:
        overview = run.scan(*FRAME, pixels=(8, 8))
        agent = spm.agents.make("random", overview, scalarizer=curvature, seed=1)
        proposal = agent.ask()
        assert proposal is not None
        spectrum = run.acquire_spectrum(proposal.x, proposal.y, SWEEP)
        with pytest.raises(AgentError, match="'curvature' must return a number or a Scalar, got"):
            agent.tell(proposal, spectrum)


def test_an_error_in_a_script_ends_the_run_as_failed_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), _start(tmp_path / "run") as run:  # noqa: PT012
        run.scan(*FRAME, pixels=(4, 4))
        _ = 1 / 0
    finished = run.recorded.finished
    assert finished is not None
    assert finished.reason == FinishReason.FAILED
    assert "ZeroDivisionError" in finished.message
    assert len(run.recorded.scans) == 1


def test_ctrl_c_in_a_script_ends_the_run_as_cancelled(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), _start(tmp_path / "run") as run:
        raise KeyboardInterrupt
    assert run.recorded.finished is not None
    assert run.recorded.finished.reason == FinishReason.CANCELLED


def test_after_the_block_nothing_can_be_asked_of_the_instrument(tmp_path: Path) -> None:
    with _start(tmp_path / "run") as run:
        pass
    with pytest.raises(SpmError):
        run.position_probe(0.0, 0.0)


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    with _start(tmp_path / "run"):
        pass
    with pytest.raises(DataError, match="holds a run already"):
        _start(tmp_path / "run")


def test_a_script_names_a_lab_or_an_instrument_but_not_both(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="either a lab file or an instrument"):
        spm.start_run(out=tmp_path / "run")


def test_values_of_the_lab_file_can_be_replaced(tmp_path: Path) -> None:
    lab = Path(__file__).parent.parent / "examples" / "lab_simulator.toml"
    overrides = {"limits.bias": ["-1 V", "1 V"]}
    loop = spm.BiasWaveform.triangle("2 V", points=8)
    with (
        spm.start_run(lab=lab, out=tmp_path / "run", overrides=overrides) as run,
        pytest.raises(LimitExceeded, match="outside -1 to 1 V"),
    ):
        run.acquire_spectrum(0.0, 0.0, loop)
    assert run.recorded.started.settings["limits"]["bias"] == (-1.0, 1.0)
