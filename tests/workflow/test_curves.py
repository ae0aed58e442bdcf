"""Force curves in place of spectra: an agent asks for them, and so do grid, line and points."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from resuming import cut, resume, story

from spm_auto.clock import Clock, InstantClock
from spm_auto.data import FinishReason, open_run
from spm_auto.errors import RecipeError
from spm_auto.instrument import AcquireForceCurve, GuardedInstrument, Instrument
from spm_auto.lab import begin
from spm_auto.report import pictures
from spm_auto.report.curves import draw_curves
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.samples.afm import StiffInclusionsSettings
from spm_auto.simulator.techniques.afm import AfmSettings
from spm_auto.workflow import Step, parse_recipe

CURVE = {"trigger": "150 nN", "distance": "60 nm", "points": 100, "rate": "2 Hz"}
OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"], "pixels": [16, 16]},
    "channels": ["height"],
}
pytestmark = pytest.mark.usefixtures("quick_fits")

EXPLORE = {
    "kind": "explore",
    "agent": {"kind": "gp", "initial": 4},
    "scalarizer": "stiffness",
    "curve": CURVE,
    "budget": 7,
}
SETTINGS = SimulatorSettings(
    sample=StiffInclusionsSettings(cells=128, size="1.5 um", count=20, decoy_count=4),
    technique=AfmSettings(),
    level=1,
)


def steps(*tables: dict[str, Any]) -> tuple[Step, ...]:
    table = {"schema_version": 1, "title": "stiff", "steps": [OVERVIEW, *tables]}
    return parse_recipe(table, "recipe.toml").steps


def microscope(clock: Clock) -> Instrument:
    return simulate(SETTINGS, 1, clock)[0]


def run(folder: Path, *tables: dict[str, Any]) -> None:
    clock = InstantClock()
    runner = begin(GuardedInstrument(microscope(clock)), clock, folder, title="stiff", seed=1)
    assert runner.run(steps(*tables), 1).reason is FinishReason.COMPLETED


def test_an_agent_explores_by_force_curves_and_a_run_cut_off_goes_on_as_it_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse = {"kind": "analyse", "fits": ["adhesion"], "statements": [{"structure": "height"}]}
    run(tmp_path / "run", EXPLORE, analyse)
    recorded = open_run(tmp_path / "run")
    curves = recorded.judged_curves
    assert len(curves) == recorded.summary()["n_force_curves"] == 7
    assert recorded.measurements == ()
    for each in curves:
        assert each.chosen is not None
        assert each.scored is not None
        assert each.scored.scalarizer == "stiffness"
        assert each.scored.flag or each.scored.unit == "N/m"
        np.testing.assert_allclose((each.curve.x, each.curve.y), (each.chosen.x, each.chosen.y))
    adhesion, height = recorded.findings
    assert adhesion.message.startswith("adhesion: ")
    assert "at least 12 values, got " in height.message
    whole = story(tmp_path / "run")
    n = next(n for n, (name, _, _) in enumerate(whole) if name == "ForceCurveAcquired") + 12
    broken, clock = cut(tmp_path / "run", n, tmp_path / "cut"), InstantClock()
    resume(broken, steps(EXPLORE, analyse), microscope=microscope(clock), clock=clock)
    assert story(broken) == whole
    monkeypatch.setattr(pictures, "to_data_uri", lambda _: "")
    titles = [picture.title for picture in draw_curves(recorded)]
    assert titles[:3] == ["force curves", "learning curve", titles[2]]
    assert titles[2].startswith("best 1: force curve ")


@pytest.mark.parametrize(
    ("table", "n"),
    [
        ({"kind": "grid", "points": [2, 2]}, 4),
        ({"kind": "line", "start": ["0 nm", "0 nm"], "end": ["9 nm", "0 nm"], "points": 3}, 3),
        ({"kind": "points", "points": [["1 nm", "2 nm"]]}, 1),
        ({**EXPLORE, "agent": {"kind": "random"}}, 7),
    ],
)
def test_each_step_that_takes_spectra_takes_force_curves(table: dict[str, Any], n: int) -> None:
    step = steps({**table, "curve": CURVE})[-1]
    before = steps()[0].preview(None)[0]
    planned = step.preview(before)  # type: ignore[arg-type]
    assert len(planned) == n
    assert {type(each) for each in planned} == {AcquireForceCurve}
    assert {(each.trigger, each.distance) for each in planned} == {(150e-9, 60e-9)}  # type: ignore[union-attr]


SWEEP = {"kind": "sweep", "start": "-1 V", "stop": "1 V"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({**EXPLORE, "waveform": SWEEP}, "by a waveform or by a force curve, not both"),
        ({"kind": "grid", "points": [2, 2]}, "by a waveform or by a force curve, got neither"),
        ({**EXPLORE, "amplitudes": ["1 V"]}, "amplitudes and durations belong to a waveform"),
        ({**EXPLORE, "curve": {"triger": "1 nN"}}, "did you mean 'trigger'"),
        ({**EXPLORE, "curve": {"trigger": "-1 nN"}}, "greater than 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        steps(table)
