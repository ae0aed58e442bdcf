"""Optimizers from outside as agents: what they ask for, what they are told, and how they go on."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agents_samples import make_overview
from resuming import cut, story

import spm_auto as spm
from examples.own_instrument import OhmicMicroscope
from spm_auto.agents import (
    Agent,
    Candidates,
    Explorer,
    Observation,
    RandomSettings,
    Resumable,
    Space,
    StrategyAgent,
)
from spm_auto.agents import by_optuna as optuna_agents
from spm_auto.agents.by_optuna import OptunaSettings
from spm_auto.clock import InstantClock
from spm_auto.errors import AgentError

SWEEP = spm.BiasWaveform.sweep("0 V", "1 V", points=3)


class Scripted:
    """A strategy that asks for what stands in a list, and keeps what it is told."""

    def __init__(self, answers: Sequence[Any]) -> None:
        self._answers = [*answers]
        self.told: list[Observation] = []
        self.pending: list[Sequence[int]] = []

    def ask(self, pending: Sequence[int]) -> Any:
        self.pending.append([*pending])
        return self._answers.pop(0)

    def tell(self, observation: Observation) -> None:
        self.told.append(observation)


@pytest.fixture
def candidates() -> Candidates:
    return Candidates.of(make_overview(pixels=(8, 8)))


def agent_of(
    candidates: Candidates, answers: Sequence[Any]
) -> tuple[StrategyAgent, list[Scripted]]:
    made: list[Scripted] = []

    def begin() -> Scripted:
        made.append(Scripted(answers))
        return made[-1]

    return StrategyAgent(candidates, begin, Space.of(candidates)), made


def test_the_free_candidate_nearest_to_what_is_asked_for_is_measured(
    candidates: Candidates,
) -> None:
    agent, (strategy,) = agent_of(candidates, [(0.0, 0.0), (0.01, 0.02), 63, 63, [1.0, 0.0]])
    chosen = [proposal.candidate for proposal in agent.ask(5)]
    assert chosen[:3] == [0, 8, 63]  # line 1 is nearer than pixel 1, which lies at 1/7 too
    assert chosen[3] in (62, 55)  # beside the one that is taken
    assert chosen[4] == 7
    assert strategy.pending[4] == chosen[:4]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (64, "candidate 64 of 0 to 63"),
        ((0.5,), r"2 finite numbers \(x, y\)"),
        ((0.5, math.nan), "2 finite numbers"),
    ],
)
def test_what_a_strategy_cannot_mean_is_refused(
    candidates: Candidates, asked: Any, said: str
) -> None:
    agent, _ = agent_of(candidates, [asked])
    with pytest.raises(AgentError, match=said):
        agent.ask()


def test_a_strategy_is_told_what_was_measured_and_begins_anew_when_all_is_judged_anew(
    candidates: Candidates,
) -> None:
    agent, made = agent_of(candidates, [0, 1, 2])
    agent.tell([Observation(5, 1.5, 0.1), Observation(6, math.nan)])
    assert made[0].told[0] == Observation(5, 1.5, 0.1)
    assert math.isnan(made[0].told[1].value)
    agent.retell([Observation(5, -1.5)])
    assert made[1].told == [Observation(5, -1.5)]
    assert [proposal.candidate for proposal in agent.ask(3)] == [0, 1, 2]


def test_the_space_is_the_unit_cube_of_places_structure_and_levels() -> None:
    candidates = Candidates.of(make_overview(pixels=(8, 6)), biases=(2.0, 5.0, 8.0))
    space = Space.of(candidates, "both", components=2)
    assert space.names == ("x", "y", "structure 0", "structure 1", "level 0")
    assert space.points.shape == (8 * 6 * 3, 5)
    assert np.array_equal(space.points.min(axis=0), np.zeros(5))
    assert np.array_equal(space.points.max(axis=0), np.ones(5))
    assert np.allclose(space.points[:, 0], np.repeat(candidates.rows[:, 1], 3) / 7)
    assert np.allclose(space.points[:, 1], np.repeat(candidates.rows[:, 0], 3) / 5)
    assert np.allclose(space.points[:, 4], (candidates.points[:, 2] - 2.0) / 6.0)
    assert Space.of(candidates, "structure", components=1).names == ("structure 0", "level 0")


def test_candidates_that_do_not_differ_in_what_is_seen_are_refused(candidates: Candidates) -> None:
    one = candidates.select(np.array([3]))
    with pytest.raises(AgentError, match="sees the place has nothing to choose by: all 1"):
        Space.of(one)


def peak(candidates: Candidates, middle: tuple[float, float]) -> np.ndarray:
    away = Space.of(candidates).points - middle
    return np.exp(-np.sum(away**2, axis=1) / 0.3**2)


def best_of(agent: Agent, truth: np.ndarray, budget: int) -> float:
    found = -math.inf
    for _ in range(budget):
        (proposal,) = agent.ask()
        found = max(found, truth[proposal.candidate])
        agent.tell([Observation(proposal.candidate, float(truth[proposal.candidate]))])
    return found


def test_optuna_comes_nearer_to_a_peak_than_chance_does() -> None:
    candidates = Candidates.of(make_overview(pixels=(40, 40)))
    missed = {"optuna": 0.0, "random": 0.0}
    for seed in range(6):
        middle = np.random.default_rng(seed).random(2)
        truth = peak(candidates, (float(middle[0]), float(middle[1])))
        for settings in (OptunaSettings(initial=5), RandomSettings()):
            agent = settings.build(candidates, np.random.default_rng(seed))
            missed[settings.kind] += truth.max() - best_of(agent, truth, 25)
    assert missed["optuna"] < missed["random"] / 2


def told(sampler: Any, candidates: Candidates, seed: int) -> Agent:
    settings = OptunaSettings(sampler=sampler, initial=3)
    agent = settings.build(candidates, np.random.default_rng(seed))
    for candidate in (0, 20, 40, 60):
        agent.tell([Observation(candidate, float(candidate % 7))])
    agent.tell([Observation(10, math.nan)])
    return agent


def test_its_answer_follows_from_seed_and_what_it_was_told(candidates: Candidates) -> None:
    def answers(seed: int) -> list[int]:
        agent = told("tpe", candidates, seed)
        return [agent.ask(1, [5])[0].candidate, *(p.candidate for p in agent.ask(2, [5, 6]))]

    first = answers(1)
    assert answers(1) == first
    assert answers(2) != first
    assert len({*first, 0, 20, 40, 60, 10, 5, 6}) == 10


def test_the_process_of_optuna_answers_the_same_when_told_the_same(candidates: Candidates) -> None:
    first, second = (told("gp", candidates, 1).ask()[0] for _ in range(2))
    assert first.candidate == second.candidate not in (0, 10, 20, 40, 60)


def script(out: Path, budget: int = 6) -> spm.Run:
    clock = InstantClock()
    run = spm.start_run(instrument=OhmicMicroscope(clock), clock=clock, out=out, resume=True)
    with run:
        overview = run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(6, 6))
        settings = OptunaSettings(initial=2)
        agent = settings.build(Candidates.of(overview), np.random.default_rng(run.seed))
        explorer = Explorer(agent, spm.agents.integral, watch=run)
        for proposal in explorer.proposals(budget):
            explorer.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, SWEEP))
    return run


def test_a_run_that_goes_on_recalls_its_choices_and_ends_as_the_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.script.consolidate", lambda journal: journal)
    script(tmp_path / "whole")
    whole = story(tmp_path / "whole")
    asked: list[int] = []
    ask = optuna_agents.OptunaStrategy.ask

    def counted(self: Any, pending: Sequence[int]) -> Sequence[float]:
        asked.append(len(pending))
        return ask(self, pending)

    monkeypatch.setattr(optuna_agents.OptunaStrategy, "ask", counted)
    scored = [n for n, (name, *_) in enumerate(whole) if name == "SpectrumScored"]
    for done, number in enumerate(scored, start=1):
        asked.clear()
        folder = cut(tmp_path / "whole", number + 1, tmp_path / f"cut {number}")
        script(folder)
        assert story(folder) == whole
        assert len(asked) == 6 - done  # what is on record is not thought out again


def test_optuna_is_an_agent_by_name_that_a_run_can_recall(candidates: Candidates) -> None:
    settings = spm.agents.make("optuna", make_overview(pixels=(8, 8)), sampler="tpe", initial=4)
    assert isinstance(settings.agent, Resumable)
    proposal = settings.ask()
    assert proposal is not None
    assert proposal.reason == "Optuna (tpe) asked for it, or for what is beside it"
    with pytest.raises(AgentError, match="no setting 'samplr'; did you mean 'sampler'"):
        spm.agents.make("optuna", make_overview(pixels=(8, 8)), samplr="tpe")
