"""The example of features that are revisited while everything drifts."""

from pathlib import Path

import pytest

from spm_auto.data import Alarm, Finding, FinishReason, open_run
from spm_auto.experiment import read_experiment
from spm_auto.rehearsal import rehearse_once

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_features_are_revisited_and_the_plan_knows_how_long_it_takes(tmp_path: Path) -> None:
    recipe, lab = EXAMPLES / "drift_revisit.toml", EXAMPLES / "lab_drifting.toml"
    shorter = ("steps[0].steps[0].until[0].limit=10 min",)
    experiment = read_experiment(recipe, lab, shorter)
    done = rehearse_once(experiment, recipe.name, 1, out=tmp_path / "run")
    assert done.finished.reason == FinishReason.COMPLETED
    run = open_run(tmp_path / "run")
    events = [record.event for record in run.records]
    looks = [e for e in events if isinstance(e, Finding) and e.kind == "drift"]
    assert len(looks) >= 4
    assert not any(isinstance(event, Alarm) for event in events)
    assert run.records[-1].time == pytest.approx(done.plan.seconds, rel=0.1)
