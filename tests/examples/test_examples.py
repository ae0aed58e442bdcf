"""Every example runs, small, and leaves what it promises."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples import (
    first_run,
    own_agent,
    own_instrument,
    own_scalarizer,
    own_step,
    steering,
    vortex_hunt,
)
from examples.own_instrument import OhmicMicroscope
from spm_auto import BiasWaveform, cli, open_run
from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason
from spm_auto.instrument import Instrument
from spm_auto.instrument.contract import InstrumentContract


class TestOhmicMicroscope(InstrumentContract):
    """The example of an own instrument passes the exam that it recommends."""

    WAVEFORM = BiasWaveform.triangle(8.0, points=16)

    @pytest.fixture
    def fresh(self) -> Instrument:
        """Give the ohmic microscope on an instant clock."""
        return OhmicMicroscope(InstantClock())


def _small_first_run(out: Path) -> None:
    first_run.main(out, budget=8, pixels=32)


def _small_hunt(out: Path) -> None:
    vortex_hunt.main(out, budget=8, pixels=32)


def _small_steering(out: Path) -> None:
    steering.main(out, budget=16, pixels=32)


RUNS: dict[str, tuple[Callable[[Path], object], int]] = {
    "first_run": (_small_first_run, 8),
    "own_agent": (own_agent.main, 20),
    "own_instrument": (own_instrument.main, 12),
    "own_scalarizer": (own_scalarizer.main, 15),
    "own_step": (own_step.main, 0),
    "steering": (_small_steering, 16),
    "vortex_hunt": (_small_hunt, 8),
}


# need a recorded experiment, or another optimizer; see test_zooming.py and tests/adapters
ELSEWHERE = {"stm_two_levels", "botorch_agent", "ax_agent"}


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("name", RUNS)
def test_an_example_completes(name: str, tmp_path: Path) -> None:
    main, spectra = RUNS[name]
    main(tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert run.finished is not None
    assert run.finished.reason == FinishReason.COMPLETED
    assert len(run.measurements) == spectra
    assert len(run.decisions) == spectra


def test_the_first_script_leaves_a_report(tmp_path: Path) -> None:
    report = first_run.main(tmp_path / "run", budget=4, pixels=32)
    assert report.is_file()
    assert report.parent == tmp_path / "run"


def test_every_example_is_run_here() -> None:
    scripts = {path.stem for path in Path(first_run.__file__).parent.glob("*.py")}
    assert scripts - ELSEWHERE == set(RUNS)


def test_the_own_instrument_finds_the_place_that_conducts_best(tmp_path: Path) -> None:
    own_instrument.main(tmp_path / "run")
    best = open_run(tmp_path / "run").best
    assert best is not None
    assert best.spectrum.x == pytest.approx(2e-7, abs=5e-8)
    assert best.spectrum.y == pytest.approx(1e-7, abs=5e-8)


def test_what_a_human_asked_for_is_recorded_and_carried_out(tmp_path: Path) -> None:
    _small_steering(tmp_path / "run")
    run = open_run(tmp_path / "run")
    kinds = [event.kind for event in run.interventions]
    assert kinds == ["forbid_region", "force_point", "rescalarize", "set_exploration"]
    assert run.alarms == ()
    assert run.decisions[8].reason == "asked for by Ada"
    assert {m.scored.scalarizer for m in run.measurements if m.scored} == {"loop_opening"}


def test_the_night_alone_survives_a_lost_link_and_a_bad_tip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = "[{kind = 'dropped_connection', action = 12}, {kind = 'tip_change', action = 24}]"
    examples = Path(__file__).parents[2] / "examples"
    words = ["run", str(examples / "overnight.toml"), "--lab", str(examples / "lab_stm.toml")]
    small = ["--set=steps[1].budget=40", f"--set=instrument.faults={faults}"]
    out = tmp_path / "night"
    monkeypatch.setattr(sys, "argv", ["spm-auto", *words, "--seed", "3", "--out", str(out), *small])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    run = open_run(out)
    assert (leaving.value.code, len(run.spectra)) == (0, 40)
    told = [alarm.cause for alarm in run.alarms]
    assert told.count("link") == 1
    assert told.count("tip") == 2  # it was bad, and is good again
    doubted = [bool(measurement.doubt) for measurement in run.measurements]
    assert 0 < sum(doubted) < 40
    assert run.summary()["n_flagged"] == sum(doubted)
    assert run.best is not None
    best = f"best 1: spectrum {run.best.number + 1}<"
    assert best in (out / "report.html").read_text("utf-8")
