"""Whatever an agent is told, in whatever order: finite predictions or a clear end, no crash."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from agents_samples import make_overview, make_truth
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_auto import plugins
from spm_auto.agents import Agent, Candidates, Observation, Proposal, learner
from spm_auto.agents.protocol import Model, Steerable
from spm_auto.agents.surrogate import GaussianProcess, Inputs

KINDS = ["gp", "deep_kernel"]
BIASES = (2.0, 5.0, 8.0)
SMALL = Candidates.of(make_overview(pixels=(7, 6)), biases=BIASES)


def build(kind: str, candidates: Candidates, **chosen) -> Agent:
    return plugins.load("agents", kind)(kind=kind, **chosen).build(
        candidates, np.random.default_rng(0)
    )


def is_sound(agent: Agent, proposals: Sequence[Proposal]) -> bool:
    """Return whether all predictions are finite, or there are none yet."""
    assert isinstance(agent, Model)
    for proposal in proposals:
        said = [proposal.mean, proposal.deviation, proposal.score]
        if not (np.isnan(said).all() or np.isfinite(said).all()):
            return False
    mean, deviation = agent.predict()
    return agent.fit is None or bool(np.isfinite(mean).all() and np.isfinite(deviation).all())


def feed(agent: Agent, observations: Sequence[tuple[float, float]]) -> None:
    """Ask and tell one value and noise after the other, and look at what it says."""
    for value, noise in observations:
        proposals = agent.ask()
        assert is_sound(agent, proposals)
        agent.tell([Observation(proposals[0].candidate, value, noise)])
    assert is_sound(agent, agent.ask(2))


NAN = math.nan
REWARDS = {
    "all failed": [NAN] * 14,
    "failed but for two": [NAN] * 6 + [1.0, 2.0] + [NAN] * 8,
    "constant": [(3.7)] * 14,
    "zero": [0.0] * 14,
    "two values": [1.0, 2.0] * 7,
    "huge": [1e150, -1e150] + [1e150 * k for k in range(12)],
    "tiny": [1e-150 * k for k in range(14)],
    "smallest": [5e-324 * k for k in range(14)],
    "near the largest": [1e300, -1e300] * 7,
    "infinite": [math.inf, -math.inf, 1.0, 2.0] * 4,
    "one of another world": [0.1, 0.2] * 6 + [1e150, 0.3, 0.1, 0.2, 0.3, 0.1],
    "a tiny world that grows": [1e-150 * k for k in range(13)] + [1e150, 1.0, -1e150],
    "a constant world that jumps": [1.0] * 12 + [1e300, 1.0, 2.0],
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "gp") for name in REWARDS),
        ("failed but for two", "deep_kernel"),
        ("constant", "deep_kernel"),
        ("huge", "deep_kernel"),
        ("a tiny world that grows", "deep_kernel"),
    ],
)
def test_no_rewards_make_it_say_what_is_not_finite(name: str, kind: str) -> None:
    feed(build(kind, SMALL, initial=4), [(value, NAN) for value in REWARDS[name]])


@pytest.mark.parametrize(
    "noises",
    [
        [0.0] * 14,
        [1e-150] * 14,
        [1e-12, 1.0, 1e12, NAN] * 4,
        [1e150, 1e-150, 0.3] * 5,
        [math.inf, NAN, 1.0] * 5,
        [1e308] * 14,
    ],
)
def test_no_noise_makes_it_say_what_is_not_finite(noises: list[float]) -> None:
    values = np.sin(np.arange(len(noises))).tolist()
    feed(build("gp", SMALL, initial=4), list(zip(values, noises, strict=True)))


@pytest.mark.parametrize(
    "rule",
    ["ranking", "upper_confidence_bound", "expected_improvement", "variance", "thompson",
     "max_value_entropy", "novelty"],
)  # fmt: skip
def test_every_rule_stands_odd_rewards_until_nothing_is_left(rule: str) -> None:
    few = Candidates.of(make_overview(pixels=(4, 3)), biases=(3.0, 6.0))
    agent = build("gp", few, initial=3, acquisition=rule)
    values = ([1e150, NAN, 1.0, 1.0, -1e150, 0.0] * 4)[: len(few)]
    chosen = []
    for value in values:
        (proposal,) = agent.ask()
        chosen.append(proposal.candidate)
        agent.tell([Observation(proposal.candidate, value)])
        assert is_sound(agent, [proposal])
    assert sorted(chosen) == list(range(len(few)))
    assert agent.ask() == []


@pytest.mark.parametrize("repeats", [False, True])
def test_one_candidate_is_enough_and_measured_again_only_where_asked_for(repeats: bool) -> None:
    one = Candidates.of(make_overview(pixels=(5, 5))).select(np.array([12]))
    agent = build("gp", one, initial=2, repeats=repeats)
    found = []
    for k in range(6):
        proposals = agent.ask()
        assert is_sound(agent, proposals)
        found += [proposal.candidate for proposal in proposals]
        agent.tell([Observation(proposal.candidate, float(k % 2)) for proposal in proposals])
    assert found == [0] * (6 if repeats else 1)


@pytest.mark.parametrize("repeats", [False, True])
def test_the_ranking_rule_visits_new_places_rather_than_other_levels(repeats: bool) -> None:
    agent = build("gp", SMALL, initial=2, acquisition="ranking", repeats=repeats)
    places = []
    for k in range(12):
        (proposal,) = agent.ask(1, pending=[p * len(BIASES) for p in places[-1:]])
        places.append(proposal.candidate // len(BIASES))
        agent.tell([Observation(proposal.candidate, math.sin(k))])
    assert len(set(places)) == 12


@pytest.mark.parametrize("kind", [*KINDS, "random", "grid", "ranking"])
def test_when_all_is_forbidden_that_is_the_end_until_it_is_allowed(kind: str) -> None:
    agent = build(kind, SMALL)
    assert isinstance(agent, Steerable)
    everywhere = np.ones(len(SMALL), dtype=bool)
    agent.forbid(everywhere)
    assert agent.ask(3) == []
    agent.tell([Observation(k, float(k)) for k in range(20)])
    assert agent.ask(3) == []
    agent.allow(everywhere)
    assert len({p.candidate for p in agent.ask(3)} - set(range(20))) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_with_everything_pending_there_is_nothing_to_propose(kind: str) -> None:
    agent = build(kind, SMALL, initial=4)
    agent.tell([Observation(k, math.sin(k)) for k in range(12)])
    assert agent.ask(2, pending=range(len(SMALL))) == []
    agent.tell([Observation(k, math.sin(k)) for k in range(12, len(SMALL))])
    assert agent.ask() == []
    assert is_sound(agent, [])


def test_a_batch_of_all_that_is_left_holds_each_once() -> None:
    n = len(SMALL)
    agent = build("gp", SMALL, initial=4)
    agent.tell([Observation(k, math.sin(k)) for k in range(n - 20)])
    chosen = [proposal.candidate for proposal in agent.ask(30, pending=[n - 1, n - 2, n - 1])]
    assert sorted(chosen) == list(range(n - 20, n - 2))


def test_spacing_is_kept_by_what_is_proposed_told_and_pending() -> None:
    spacing = 3.5e-8
    wide = replace(Candidates.of(make_overview(), biases=BIASES), spacing=spacing)
    agent = build("gp", wide, initial=4)
    agent.tell([Observation(600, 1.0), Observation(601, NAN)])  # two levels of one place
    measured, pending = [600], [0]
    while proposals := agent.ask(2, pending=pending):
        for proposal in proposals:
            others = [wide.position(other) for other in (*measured, 0)]
            here = (proposal.x, proposal.y)
            assert min(math.dist(here, other) for other in others) >= spacing
            measured.append(proposal.candidate)
        agent.tell([Observation(p.candidate, math.sin(p.candidate)) for p in proposals])
    assert len(measured) > 15
    away = wide.positions[:, None] - np.array([wide.position(m) for m in (*measured, 0)])
    assert np.hypot(*np.moveaxis(away, 2, 0)).min(axis=1).max() < spacing  # no room is left


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_from_points_that_it_never_proposed(kind: str) -> None:
    candidates = Candidates.of(make_overview())
    truth = make_truth(candidates)
    agent = build(kind, candidates, initial=4)
    told = np.random.default_rng(1).choice(len(candidates), 60, replace=False).tolist()
    agent.tell([Observation(k, float(truth[k])) for k in told])
    (proposal,) = agent.ask()
    assert proposal.candidate not in told
    mean, _ = agent.predict()
    unseen = np.setdiff1d(np.arange(len(candidates)), told)
    assert np.corrcoef(mean[unseen], truth[unseen])[0, 1] > 0.7  # measured: above 0.9


def test_two_thousand_spectra_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "MOST_FITTED", 200)  # a quicker fit; all 2,000 predict as ever
    candidates = Candidates.of(make_overview(pixels=(50, 50)))
    truth = make_truth(candidates)
    agent = build("gp", candidates)
    told = np.random.default_rng(2).choice(len(candidates), 2000, replace=False).tolist()
    agent.tell([Observation(k, float(truth[k])) for k in told])
    proposals = agent.ask(3)
    assert len({p.candidate for p in proposals} - set(told)) == 3
    assert is_sound(agent, proposals)
    best = np.setdiff1d(np.arange(len(candidates)), told)
    rank = np.argsort(truth[best])[::-1][:10]
    assert {p.candidate for p in proposals} & set(best[rank].tolist())


def test_three_hundred_updates_drift_by_less_than_a_rounding_matters() -> None:
    candidates = Candidates.of(make_overview(pixels=(50, 50)))
    truth = make_truth(candidates)
    rng = np.random.default_rng(3)
    rows = rng.choice(len(candidates), 310, replace=False).tolist()
    targets = truth[rows] / truth.std()
    extra = rng.uniform(0, 0.1, 310)
    model = GaussianProcess(Inputs.of(candidates))
    model.fit(rows[:100], targets[:100], extra[:100])
    grown = model.posterior(rows[:10], targets[:10], extra[:10])
    for row, target, noise in zip(rows[10:], targets[10:], extra[10:], strict=True):
        grown.observe(row, float(target), float(noise))
    whole = model.posterior(rows, targets, extra)
    assert grown.mean == pytest.approx(whole.mean, abs=1e-8)
    assert grown.deviation == pytest.approx(whole.deviation, abs=1e-8)


numbers = st.integers(0, len(SMALL) - 1)
values = st.one_of(
    st.floats(-1e150, 1e150),
    st.floats(-2.0, 2.0),
    st.sampled_from([0.0, 1.0, 1e150, -1e150, NAN, math.inf, -math.inf]),
)
noises = st.one_of(st.just(NAN), st.just(math.inf), st.floats(0.0, 1e300))
observations = st.lists(st.builds(Observation, numbers, values, noises), max_size=6)
masks = st.builds(lambda low, high: (low, high), numbers, numbers)
acts = st.one_of(
    st.tuples(st.just("tell"), observations),
    st.tuples(st.just("answer"), values),
    st.tuples(st.just("ask"), st.integers(0, 4)),
    st.tuples(st.just("wait"), st.lists(numbers, max_size=3)),
    st.tuples(st.just("forbid"), masks),
    st.tuples(st.just("allow"), masks),
    st.tuples(st.just("retell"), observations),
    st.tuples(st.just("explore"), st.floats(0.0, 50.0)),
    st.tuples(st.just("refit"), st.none()),
)


@settings(max_examples=40)
@given(script=st.lists(acts, min_size=4, max_size=25), repeats=st.booleans())
def test_any_sequence_of_acts_is_borne(script: list, repeats: bool) -> None:
    agent = build("gp", SMALL, initial=3, refit_every=4, repeats=repeats)
    assert isinstance(agent, Steerable)
    assert isinstance(agent, Model)
    forbidden = np.zeros(len(SMALL), dtype=bool)
    used: set[int] = set()
    for act, what in script:
        proposals: list[Proposal] = []
        match act:
            case "tell" | "retell":
                getattr(agent, act)(what)
                used |= {observation.candidate for observation in what}
            case "answer":
                proposals = agent.ask()
                agent.tell([Observation(p.candidate, what) for p in proposals])
            case "ask":
                proposals = agent.ask(what)
            case "wait":
                proposals = agent.ask(1, pending=what)
                assert not {p.candidate for p in proposals} & set(what)
                used |= set(what)
            case "forbid" | "allow":
                where = np.zeros(len(SMALL), dtype=bool)
                where[min(what) : max(what)] = True
                getattr(agent, act)(where)
                forbidden = forbidden | where if act == "forbid" else forbidden & ~where
            case "explore":
                agent.set_exploration(what)
            case "refit":
                agent.refit()
        chosen = [proposal.candidate for proposal in proposals]
        assert len(set(chosen)) == len(chosen)
        assert not forbidden[chosen].any()
        assert repeats or not used & set(chosen)
        used |= set(chosen)
        assert is_sound(agent, proposals)
