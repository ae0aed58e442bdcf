"""What every agent must do, whatever it learns."""

import numpy as np
import pytest
from agents_samples import make_overview

from spm_auto import plugins
from spm_auto.agents import Agent, Candidates, Model, Observation, Preferring
from spm_auto.errors import AgentError

HALF = {"initial": 4, "ranked_share": 0.5}
KINDS = {
    "random": {},
    "grid": {"points": 9},
    "ranking": {},
    "gp": {"initial": 4, "refit_every": 3},
    "deep_kernel": {"initial": 4, "refit_every": 3},
    "deep_kernel ungated": {"initial": 4, "refit_every": 3, "gate": False},
    "gp by improvement": {**HALF, "acquisition": "expected_improvement"},
    "gp by variance": {**HALF, "acquisition": "variance"},
    "gp by bound": {**HALF, "acquisition": "upper_confidence_bound", "prior_mean": "ranking"},
    "gp by entropy": {**HALF, "acquisition": "max_value_entropy"},
    "gp by draws": {**HALF, "acquisition": "thompson"},
    "gp by novelty": {**HALF, "acquisition": "novelty"},
    "gp averaging": {**HALF, "averages": [1, 4]},
    "pareto": HALF,
    "pareto of three": HALF,
    "preference": HALF,
    "curious": HALF,
}
FORETELLING = [name for name in KINDS if name.startswith(("gp", "deep", "pareto"))]
LEARNING = [name for name in KINDS if name.startswith(("preference", "curious"))] + FORETELLING
SEEDED = [name for name in KINDS if name not in ("grid", "ranking")]


def build(name: str, candidates: Candidates, seed: int = 0) -> Agent:
    kind = name.split()[0]
    settings = plugins.load("agents", kind)(kind=kind, **KINDS[name])
    return settings.build(candidates, np.random.default_rng(seed))


def value_at(agent: Agent, candidate: int) -> float:
    return float(agent.candidates.ranking[candidate])


def found(candidate: int, value: float, name: str = "") -> Observation:
    """Make an observation that has all that any agent learns from."""
    others = ((3.0 - value, 0.1), (np.tanh(value / 2), 0.1))[: 2 if "three" in name else 1]
    spectrum = np.tanh(value) * np.linspace(-1.0, 1.0, 8) ** 2
    return Observation(candidate, value, others=others, spectrum=spectrum)


def tell(agent: Agent, candidate: int, value: float, name: str = "") -> None:
    """Tell an agent what was found, and answer the question that it has then."""
    agent.tell([found(candidate, value, name)])
    if isinstance(agent, Preferring) and (pair := agent.question()):
        agent.prefer(*sorted(pair, key=lambda row: -value_at(agent, row)))


def walk(agent: Agent, n: int, name: str = "") -> list[int]:
    chosen = []
    for _ in range(n):
        (proposal,) = agent.ask()
        chosen.append(proposal.candidate)
        tell(agent, proposal.candidate, value_at(agent, proposal.candidate), name)
    return chosen


@pytest.fixture(params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_an_agent(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    assert isinstance(agent, Agent)
    assert isinstance(agent, Model) == (name in LEARNING)
    assert agent.candidates is candidates


def test_no_candidate_is_proposed_twice(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    chosen = walk(agent, 15, name)
    chosen += [proposal.candidate for proposal in agent.ask(5)]
    chosen += [proposal.candidate for proposal in agent.ask(5)]
    assert len(set(chosen)) == 25


def test_a_proposal_says_where_its_candidate_lies(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    walk(agent, 6, name)
    (proposal,) = agent.ask()
    assert (proposal.x, proposal.y) == tuple(candidates.points[proposal.candidate, :2])
    assert proposal.reason
    assert proposal.runner_up != proposal.candidate


def test_the_same_seed_gives_the_same_choices(name: str, candidates: Candidates) -> None:
    assert walk(build(name, candidates), 14, name) == walk(build(name, candidates), 14, name)


@pytest.mark.parametrize("name", SEEDED)
def test_another_seed_gives_other_choices(name: str, candidates: Candidates) -> None:
    first = walk(build(name, candidates, 0), 14, name)
    assert first != walk(build(name, candidates, 1), 14, name)


def test_what_is_pending_is_not_proposed(name: str, candidates: Candidates) -> None:
    first = [proposal.candidate for proposal in build(name, candidates).ask(3)]
    again = build(name, candidates).ask(3, pending=first)
    assert not {proposal.candidate for proposal in again} & set(first)


def test_all_candidates_are_used_and_then_there_are_none(name: str) -> None:
    overview = make_overview(pixels=(4, 3))
    agent = build(name, Candidates.of(overview))
    assert sorted(walk(agent, 12, name)) == list(range(12))
    assert agent.ask() == []


def test_fewer_are_proposed_when_they_run_out(name: str) -> None:
    agent = build(name, Candidates.of(make_overview(pixels=(4, 3))))
    walk(agent, 7, name)
    assert len(agent.ask(10)) == 5


def test_one_candidate_is_enough(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates.select(np.array([7])))
    (proposal,) = agent.ask()
    assert proposal.candidate == 0
    assert proposal.runner_up == -1


def test_failed_measurements_only_count_as_measured(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    chosen = []
    for _ in range(12):
        (proposal,) = agent.ask()
        chosen.append(proposal.candidate)
        agent.tell([Observation(proposal.candidate, float("nan"))])
    assert len(set(chosen)) == 12
    assert name not in LEARNING or agent.fit is None


def test_a_point_that_was_never_proposed_may_be_told(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    (proposal,) = build(name, candidates).ask()
    agent.tell([found(proposal.candidate, 1.0, name)])
    assert agent.ask()[0].candidate != proposal.candidate


def test_an_observation_of_no_candidate_is_refused(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    with pytest.raises(AgentError, match="no candidate 480; the last of the 480 is 479"):
        agent.tell([found(3, 1.0, name), found(480, 1.0, name)])
    with pytest.raises(AgentError, match="no candidate -1"):
        agent.ask(pending=[-1])
    with pytest.raises(ValueError, match="0 or more points, got -1"):
        agent.ask(-1)


@pytest.mark.parametrize("values", [[2.0] * 9, [0.0] * 9, [1e300, -1e300] + [1.0] * 7])
@pytest.mark.parametrize("name", LEARNING)
def test_odd_rewards_do_no_harm(name: str, values: list[float], candidates: Candidates) -> None:
    agent = build(name, candidates)
    for value in values:
        (proposal,) = agent.ask()
        tell(agent, proposal.candidate, value, name)
    (proposal,) = agent.ask()
    assert np.isfinite(proposal.score)
    assert np.isfinite([proposal.mean, proposal.deviation]).all() == (name in FORETELLING)
    assert np.isfinite(agent.predict()).all()


@pytest.mark.parametrize("name", FORETELLING)
def test_the_same_candidate_may_be_measured_twice(name: str, candidates: Candidates) -> None:
    agent = build(name, candidates)
    agent.tell([found(*each, name) for each in ((5, 1.0), (5, 1.2), (5, 1.1), (9, 0.0))])
    chosen = {proposal.candidate for proposal in agent.ask(6)}
    assert len(chosen - {5, 9}) == 6
    assert agent.fit is not None
    assert agent.fit.n_observations == 4
    assert agent.fit.mean[5] > agent.fit.mean[9]


def test_random_visits_all_parts_of_the_frame(candidates: Candidates) -> None:
    chosen = candidates.rows[walk(build("random", candidates), 100)]
    quarters = {(line // 10, pixel // 12) for line, pixel in chosen.tolist()}
    assert quarters == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_ranking_goes_from_high_to_low_and_takes_equals_in_order(candidates: Candidates) -> None:
    chosen = walk(build("ranking", candidates), 100)
    assert (np.diff(candidates.ranking[chosen]) <= 0).all()
    flat = Candidates.of(make_overview(pixels=(5, 5)))
    flat.ranking[:] = 1.0
    assert walk(build("ranking", flat), 5) == [0, 1, 2, 3, 4]


def test_a_grid_is_even_and_walked_to_and_fro() -> None:
    candidates = Candidates.of(make_overview(pixels=(9, 9)))
    chosen = candidates.rows[walk(build("grid", candidates), 9)].tolist()
    assert chosen == [[1, 1], [1, 4], [1, 7], [4, 7], [4, 4], [4, 1], [7, 1], [7, 4], [7, 7]]


def test_a_grid_of_a_given_pitch_has_that_pitch() -> None:
    candidates = Candidates.of(make_overview(pixels=(20, 20)))
    settings = plugins.load("agents", "grid")(pitch="50 nm")
    agent = settings.build(candidates, np.random.default_rng())
    points = candidates.points[walk(agent, 16), :2]
    steps = np.hypot(*np.moveaxis(np.diff(points, axis=0), 1, 0))
    assert steps == pytest.approx(50e-9)


def test_a_grid_avoids_what_is_no_candidate() -> None:
    candidates = Candidates.of(make_overview(pixels=(9, 9)))
    middle = (candidates.rows == 4).all(axis=1)
    agent = build("grid", candidates.select(~middle))
    chosen = agent.candidates.rows[walk(agent, 9)].tolist()
    assert [4, 4] not in chosen
    assert np.hypot(*(np.array(chosen[4]) - 4)) == 1


def test_a_grid_visits_all_biases_of_a_position_before_it_moves(overview) -> None:
    candidates = Candidates.of(overview, biases=(2.0, 4.0, 8.0))
    chosen = candidates.points[walk(build("grid", candidates), 6)]
    assert chosen[:, 2].tolist() == [2.0, 4.0, 8.0] * 2
    assert (chosen[:3, :2] == chosen[0, :2]).all()
