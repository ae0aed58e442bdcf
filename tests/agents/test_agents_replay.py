"""The same seed and the same data give the same proposals, also when a journal is played again."""

from pathlib import Path

import numpy as np
import pytest
from ohmic_runs import new_runner, recipe

from spm_auto import plugins
from spm_auto.agents import Candidates, Explorer, Proposal
from spm_auto.clock import InstantClock
from spm_auto.data import PointChosen, RecordedRun, SpectrumScored, open_run
from spm_auto.simulator import SimulatorSettings

pytestmark = pytest.mark.usefixtures("quick_fits")

SEED = 5
BUDGET = 12
OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"], "pixels": [16, 16]},
    "channels": ["amplitude", "phase"],
    "line_rate": "4 Hz",
}
AGENTS = {
    "gp": {"kind": "gp", "initial": 4},
    "gp by chance": {"kind": "gp", "initial": 4, "acquisition": ["thompson", "max_value_entropy"]},
    "deep_kernel": {"kind": "deep_kernel", "initial": 4},
}
AMPLITUDES = (4.0, 8.0)


def explore(agent: dict, look_ahead: bool, folder: Path) -> RecordedRun:
    """Let an agent explore a simulated film."""
    step = {
        "kind": "explore",
        "agent": agent,
        "scalarizer": "loop_area",
        "waveform": {"kind": "triangle", "amplitude": "8 V", "points": 32, "cycles": 2},
        "amplitudes": ["4 V", "8 V"],
        "budget": BUDGET,
        "look_ahead": look_ahead,
    }
    clock = InstantClock()
    microscope = SimulatorSettings(level=1).open(clock, SEED)
    new_runner(folder, microscope, clock).run(recipe(OVERVIEW, step).steps, seed=SEED)
    return open_run(folder)


def play_again(run: RecordedRun, kind: str, **settings) -> list[Proposal]:
    """Tell and ask a new agent what the journal says that the first one was told and asked."""
    settings = plugins.load("agents", kind)(kind=kind, **settings)
    rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(1,)))
    agent = settings.build(Candidates.of(run.scans[-1], biases=AMPLITUDES), rng)
    explorer = Explorer(agent, plugins.load("scalarizers", "loop_area"))
    spectra = {
        measured.scored.start_time: measured.spectrum
        for measured in run.measurements
        if measured.scored is not None
    }
    proposals: list[Proposal] = []
    for record in run.records:
        match record.event:
            case PointChosen():
                proposal = explorer.ask()
                assert proposal is not None
                proposals.append(proposal)
            case SpectrumScored(candidate=candidate, start_time=start):
                (chosen,) = (p for p in proposals if p.candidate == candidate)
                explorer.tell(chosen, spectra[start])
    return proposals


@pytest.mark.parametrize(
    ("name", "look_ahead"),
    [("gp", True), ("gp", False), ("gp by chance", True), ("deep_kernel", True)],
)
def test_a_journal_played_again_gives_the_same_proposals(name, look_ahead, tmp_path) -> None:
    run = explore(AGENTS[name], look_ahead, tmp_path)
    again = play_again(run, **AGENTS[name])
    assert len(run.decisions) == BUDGET
    assert [p.candidate for p in again] == [d.candidate for d in run.decisions]
    assert [p.runner_up for p in again] == [d.runner_up for d in run.decisions]
    for attribute in ("mean", "deviation", "score"):
        before = [getattr(d, attribute) for d in run.decisions]
        after = [getattr(p, attribute) for p in again]
        assert after == pytest.approx(before, rel=1e-12, abs=1e-12, nan_ok=True)
    assert np.isfinite([d.mean for d in run.decisions]).sum() >= 5  # the model has spoken
