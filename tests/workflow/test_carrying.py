"""What was learned on a coarse image helps on a finer one, and is where it lies now."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ohmic_runs import EXPLORE, recipe, run_quickly
from resuming import cut, resume, story

from spm_auto import agents
from spm_auto.agents import Candidates, Explorer, Proposal, Scored
from spm_auto.agents.scalarizers import zero_bias_conductance
from spm_auto.data import Finding, open_run
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    FloatArray,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.tasks.stage import Stage, mount
from spm_auto.workflow import Knowledge, Learned
from spm_auto.workflow.steps.carrying import believed, carry
from spm_auto.workflow.steps.moved import way_of
from spm_auto.workflow.steps.promise import by_value
from spm_auto.workflow.steps.windows import best_window

SWEEP = BiasWaveform.sweep(-3e-3, 3e-3, points=41, dwell=5e-3)
SAMPLE = {"kind": "superconductor", "size": "120 nm", "field": "0.5 T", "adatoms": 30}
LARGE = ScanFrame((0.0, 0.0), (100e-9, 100e-9), (40, 40))
CONDUCTANCE, CURRENT = Channel("conductance", "S"), Channel("current", "A")
BIAS = np.linspace(0.0, 1.0, 5)
ZBC = "zero_bias_conductance"


def stage(seed: int, level: int) -> Stage:
    return mount(SimulatorSettings.model_validate({"sample": SAMPLE, "level": level}), seed)


def spectrum(on: Stage, x: float, y: float) -> Spectrum:
    return on.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))


def coarse(on: Stage, seed: int) -> Learned:
    """Let an agent learn from sixty spectra of the large frame."""
    image = on.image(Scan(LARGE, ("height",), 8.0))
    explorer = agents.make("gp", image, scalarizer=ZBC, initial=40, ranked_share=0.0, seed=seed)
    learned = Learned(explorer, image)
    for proposal in explorer.proposals(60):
        found = spectrum(on, proposal.x, proposal.y)
        scalar = explorer.tell(proposal, found)
        learned.heard([Scored(proposal, found, scalar, ZBC)])
    return learned


def error_of(explorer: Explorer, places: FloatArray, truth: FloatArray) -> float:
    """Return the rms error of what an agent predicts [1]."""
    explorer.conclude()
    fit = explorer.fit
    assert fit is not None
    known = np.column_stack(fit.frame.to_sample(*fit.rows.T))
    nearest = [int(np.argmin(np.hypot(*(known - place).T))) for place in places]
    return float(np.sqrt(np.mean((fit.mean[nearest] - truth) ** 2)))


def errors(seed: int) -> tuple[float, float]:
    """Return the errors of a fresh agent and of one that was carried over, after four spectra."""
    on, perfect = stage(seed, 1), stage(seed, 0)
    knowledge = Knowledge()
    knowledge.learned.append(coarse(on, seed))
    promise = by_value(knowledge, knowledge.learned[0].image)
    assert promise is not None
    window = ScanFrame((0.0, 0.0), (24e-9, 24e-9), (24, 24))
    zoomed = best_window(promise.values, promise.frame, window, LARGE)
    assert zoomed is not None
    frame = zoomed.frame
    image = on.image(Scan(frame, ("height",), 8.0))
    candidates = Candidates.of(image)
    carried = carry(candidates, image, knowledge, (ZBC,))
    settings = agents.GaussianProcessSettings(initial=2, prior_mean="ranking")
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(candidates), 4, replace=False).tolist()
    test = candidates.positions[rng.choice(len(candidates), 40, replace=False)]
    truth = np.array([zero_bias_conductance(spectrum(perfect, *at)).value for at in test.tolist()])
    found = []
    for given in (candidates, carried.candidates):
        agent = settings.build(given, np.random.default_rng(seed))
        explorer = Explorer(agent, zero_bias_conductance, name=ZBC)
        if given is carried.candidates:
            carried.tell(explorer)
        for number in chosen:
            x, y, bias = given.points[number].tolist()
            agents.inherit(explorer, Proposal(number, x, y, bias, ""), spectrum(on, x, y))
        found.append(error_of(explorer, test, truth))
    return found[0], found[1]


def test_where_a_vortex_was_found_a_carried_agent_predicts_better_than_a_fresh_one() -> None:
    fresh, carried = np.array([errors(seed) for seed in (0, 1)]).T
    assert carried.mean() < 0.75 * fresh.mean()
    assert (carried < fresh).all()


SMALL = ScanFrame((1e-7, 5e-8), (2e-7, 2e-7), (20, 20))


def flat(frame: ScanFrame, start: float) -> ScanImage:
    ramp = np.tile(np.linspace(0.0, 1.0, frame.pixels[0]), (frame.pixels[1], 1))[None]
    return ScanImage(frame, (CONDUCTANCE,), ramp, ramp, start, start + 10.0)


def level(spectrum: Spectrum) -> float:
    """Say how high a spectrum is."""
    return float(spectrum.data.mean())


def taught() -> tuple[Learned, ScanImage]:
    """Return an agent that found 60 values that grow to the right, on an image of 1 um."""
    image = flat(ScanFrame((0.0, 0.0), (1e-6, 1e-6), (20, 20)), 0.0)
    explorer = agents.make("gp", image, scalarizer=level, initial=60, ranked_share=0.0)
    learned = Learned(explorer, image)
    for number, proposal in enumerate(explorer.proposals(60)):
        start = 20.0 + 0.01 * number
        data = np.full((1, 5), 1.0 + 1e6 * proposal.x)
        found = Spectrum(proposal.x, proposal.y, BIAS, (CURRENT,), data, start, start)
        scalar = explorer.tell(proposal, found)
        learned.heard([Scored(proposal, found, scalar, "level")])
    return learned, image


def test_a_belief_is_that_of_the_place_where_the_sample_was_then() -> None:
    learned, _ = taught()
    later = flat(SMALL, 1000.0)
    knowledge = Knowledge()
    knowledge.learned.append(learned)
    positions = np.array([[1e-7, 5e-8], [1.5e-7, 0.0]])
    still, _ = believed(learned, positions, later, knowledge)
    way = way_of(knowledge)
    way.times, way.places = [5.0, 1005.0], [(0.0, 0.0), (8e-8, 0.0)]
    moved, _ = believed(learned, positions, later, knowledge)
    back, _ = believed(learned, positions - (8e-8, 0.0), replace(later, start_time=0.0,
                       end_time=10.0), knowledge)  # fmt: skip
    assert moved == pytest.approx(back)
    assert np.all(still - moved > 0)  # they grow to the right, and it has moved there


def test_spectra_are_carried_to_the_candidates_where_they_lie_now() -> None:
    learned, _ = taught()
    knowledge = Knowledge()
    knowledge.learned.append(learned)
    way = way_of(knowledge)
    way.times, way.places = [20.0, 1005.0], [(0.0, 0.0), (4e-8, -3e-8)]
    later = flat(SMALL, 1000.0)
    carried = carry(Candidates.of(later), later, knowledge, ("level",))
    assert carried.found
    for proposal, found in carried.found:
        off = np.subtract((proposal.x, proposal.y), (found.x + 4e-8, found.y - 3e-8))
        assert np.max(np.abs(off)) <= 1.01 * SMALL.pitch[0]
    assert carried.candidates.descriptors.shape[1] == Candidates.of(later).descriptors.shape[1] + 2
    slope = np.polyfit(carried.candidates.positions[:, 0], carried.candidates.ranking, 1)[0]
    assert slope > 0
    assert carried.finding.values == {"spectra": len(carried.found), "agents": 1}


def test_what_another_scalarizer_said_is_not_carried() -> None:
    learned, _ = taught()
    knowledge = Knowledge()
    knowledge.learned.append(learned)
    later = flat(SMALL, 1000.0)
    candidates = Candidates.of(later)
    carried = carry(candidates, later, knowledge, ("integral",))
    assert (carried.candidates, carried.found) == (candidates, ())
    assert "nothing" in carried.finding.message


def test_a_run_with_what_is_carried_resumes_to_the_same_end(tmp_path: Path) -> None:
    overview = {
        "kind": "overview",
        "frame": {"center": ["0 nm", "0 nm"], "size": ["1.6 um", "1.6 um"], "pixels": [14, 14]},
    }
    learn: dict[str, Any] = {**EXPLORE, "agent": {"kind": "gp", "initial": 6}, "budget": 9}
    zoom = {"kind": "zoom", "factor": 2.0, "pixels": [10, 10], "registered": False}
    steps = recipe(overview, learn, zoom, {**learn, "carry": True, "budget": 5}).steps
    run_quickly(tmp_path / "whole", steps)
    run = open_run(tmp_path / "whole")
    carried = [r.event for r in run.records if isinstance(r.event, Finding)][-1]
    assert carried.kind == "carry"
    assert carried.values["spectra"] > 0
    folder = cut(tmp_path / "whole", int(0.9 * len(run.records)), tmp_path / "cut")
    resume(folder, steps)
    assert story(folder) == story(tmp_path / "whole")
