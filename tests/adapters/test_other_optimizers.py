"""The examples of other optimizers, where those are installed; nobody has to have them."""

import math
from pathlib import Path

import numpy as np
import pytest
from agents_samples import make_overview

from examples import ax_agent, botorch_agent
from spm_auto import open_run
from spm_auto.agents import Agent, Candidates, Observation, RandomSettings, Space


def best_of(agent: Agent, truth: np.ndarray, budget: int) -> float:
    found = -math.inf
    for _ in range(budget):
        (proposal,) = agent.ask()
        found = max(found, float(truth[proposal.candidate]))
        agent.tell([Observation(proposal.candidate, float(truth[proposal.candidate]))])
    return found


def test_botorch_comes_nearer_to_a_peak_than_chance_does() -> None:
    pytest.importorskip("botorch", reason="no botorch: pip install 'spm_auto[bench]'")
    candidates = Candidates.of(make_overview(pixels=(40, 40)))
    missed = {"botorch": 0.0, "random": 0.0}
    for seed in range(4):
        middle = np.random.default_rng(seed).random(2)
        away = Space.of(candidates).points - middle
        truth = np.exp(-np.sum(away**2, axis=1) / 0.3**2)
        for settings in (botorch_agent.BoTorchSettings(initial=5), RandomSettings()):
            agent = settings.build(candidates, np.random.default_rng(seed))
            missed[settings.kind] += truth.max() - best_of(agent, truth, 15)
    assert missed["botorch"] < missed["random"] / 4


def test_ax_is_asked_and_told_in_a_run(tmp_path: Path) -> None:
    pytest.importorskip("ax", reason="no Ax: pip install ax-platform")
    ax_agent.main(tmp_path / "run", budget=7)
    run = open_run(tmp_path / "run")
    assert len(run.decisions) == len(run.spectra) == 7
    assert run.decisions[0].reason.startswith("Ax asked for it")
