"""An agent that was told, recalled and restored goes on exactly as the one that never stopped."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pytest
from agents_samples import make_overview, make_truth

from spm_auto import plugins
from spm_auto.agents import (
    Agent,
    Candidates,
    Costs,
    Fit,
    Model,
    Observation,
    Preferring,
    Proposal,
    Resumable,
    Steerable,
    pretraining,
    surrogate,
)
from spm_auto.agents import deep_kernel as deep_kernels
from spm_auto.errors import AgentError

BIASES = (2.0, 5.0, 8.0)
BEGINNING = {"initial": 4, "refit_every": 4}
CHANCE = ["thompson", "max_value_entropy", "novelty", "variance", "ranking"]
LEARNERS: dict[str, dict[str, Any]] = {
    "gp, spacing": {"kind": "gp"},
    "gp by many rules": {"kind": "gp", "acquisition": CHANCE},
    "gp, averages": {"kind": "gp", "averages": [1, 4]},
    "gp, levels": {
        "kind": "gp",
        "acquisition": ["thompson", "expected_improvement"],
        "prior_mean": "ranking",
        "repeats": True,
    },
    "deep_kernel": {"kind": "deep_kernel"},
    "deep_kernel alone": {"kind": "deep_kernel", "gate": False, "acquisition": "thompson"},
    "pareto": {"kind": "pareto"},
    "preference": {"kind": "preference"},
    "curious of structure": {"kind": "curious", "novelty": "structure"},
    "curious of spectra": {"kind": "curious", "novelty": "spectrum"},
    "curious of both": {"kind": "curious", "novelty": "both"},
}
PLAIN = ["random", "grid", "ranking", "sobol"]
# fmt: off
ACTS = {
    "alone": [*["ask", "tell"] * 14, "refit"],
    "ahead": ["ask", "ask", *["tell", "ask"] * 12, "tell", "tell", "refit"],
    "steered": [
        "ask", "ask", "tell", "ask", "tell", "ask", "prefer", "tell", "ask", "tell", "ask",
        "forbid", "tell", "ask", "prefer", "force", "tell", "ask", "explore", "ask", "tell", "tell",
        "ask", "allow", "ask", "tell", "retell", "ask", "prefer", "tell", "ask", "force",
        "ask", "tell", "tell", "ask", "prefer", "tell", "ask", "refit", "tell", "ask", "tell",
        "tell",
    ],
    "odd": ["ask", "ask", *["tell", "ask"] * 6, "tell", "odd", *["ask", "tell"] * 5],
}
# fmt: on
CASES = [
    *((name, "steered") for name in [*LEARNERS, *PLAIN] if name != "deep_kernel alone"),
    *((name, "alone") for name in ("gp by many rules", "deep_kernel alone", "curious of both")),
    *((name, "alone") for name in PLAIN),
    ("gp, spacing", "ahead"),
    *((name, "odd") for name in ("gp, levels", "pareto")),
]


@pytest.fixture(autouse=True)
def quick_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop fits early, and train encoders on small overviews: what is proved is the same."""
    monkeypatch.setattr(surrogate, "FIRST_ITERATIONS", 2)
    monkeypatch.setattr(surrogate, "NEXT_ITERATIONS", 1)
    monkeypatch.setattr(deep_kernels, "FIRST_STEPS", 2)
    monkeypatch.setattr(deep_kernels, "NEXT_STEPS", 1)
    monkeypatch.setattr(pretraining, "FEWEST_PIXELS", 100)
    monkeypatch.setattr(pretraining, "SMALLEST_SIDE", 12)
    monkeypatch.setattr(pretraining, "STEPS", 2)


def make_candidates(name: str, pixels: tuple[int, int] = (12, 12)) -> Candidates:
    candidates = Candidates.of(
        make_overview(pixels=pixels),
        biases=BIASES if "levels" in name else (),
        spacing=2.5e-8 if "spacing" in name else 0.0,
    )
    if "averages" in name:
        costs = Costs(np.array([0.5]), np.array([0.2]), per_metre=1e7)
        candidates = replace(candidates, costs=costs)
    return candidates


def make_agent(name: str, candidates: Candidates | None = None) -> Agent:
    chosen = {**LEARNERS[name], **BEGINNING} if name in LEARNERS else {"kind": name}
    settings = plugins.load("agents", chosen["kind"])(**chosen)
    agent: Agent = settings.build(candidates or make_candidates(name), np.random.default_rng(7))
    return agent


def found_at(agent: Agent, candidate: int, sign: float = 1.0) -> Observation:
    """Return what is found at a candidate; nearly every fourth measurement fails."""
    rng = np.random.default_rng(candidate)
    truth = float(make_truth(agent.candidates)[candidate])
    value = math.nan if rng.random() < 0.2 else sign * truth + 0.1 * float(rng.normal())
    other = math.nan if rng.random() < 0.05 else math.cos(truth)
    spectrum = np.tanh(np.linspace(-3, 3, 16) * truth) + 0.01 * rng.standard_normal(16)
    noise = 0.1 if rng.random() < 0.5 else math.nan
    return Observation(candidate, value, noise, ((other, math.nan),), spectrum)


@dataclass
class Session:
    """An agent, asked and told and steered, and what a journal would hold of it.

    Attributes:
        agent: The agent.
        open: Candidates that were given out and not told yet.
        told: Candidates that were told.
        sign: Of the values that the scalarizer gives now.
        proposals: What each ask has brought, by the number of the act.
        states: What was saved, likewise.
    """

    agent: Agent
    open: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    sign: float = 1.0
    proposals: dict[int, Proposal | None] = field(default_factory=dict)
    states: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def act(self, number: int, what: str) -> None:
        """Do something for real."""
        before = fit_of(self.agent)
        match what:
            case "ask":
                proposals = self.agent.ask(1, self.open)
                self.proposals[number] = proposals[0] if proposals else None
                self.open += [proposal.candidate for proposal in proposals]
            case "refit":
                if isinstance(self.agent, Model):
                    self.agent.refit()
            case _:
                self.steer(what)
        if isinstance(self.agent, Resumable) and fit_of(self.agent) not in (before, None):
            self.states[number] = self.agent.save()

    def recall(self, number: int, what: str, unbroken: "Session", last: int) -> None:
        """Do what the journal of an unbroken session says."""
        if not isinstance(self.agent, Resumable):
            self.act(number, what)
            return
        if what == "ask":
            proposal = unbroken.proposals[number]
            if proposal is not None:
                self.agent.recall(proposal, self.open)
                self.open.append(proposal.candidate)
        elif what != "refit":
            self.steer(what)
        if number == last:
            self.agent.restore(from_journal(unbroken.states[number]))

    def steer(self, what: str) -> None:
        """Do what is done for real in any case."""
        agent, n = self.agent, len(self.agent.candidates)
        assert isinstance(agent, Steerable)
        where = np.arange(n) % 12 < 5
        match what:
            case "tell" | "odd":
                candidate = self.open.pop(0)
                self.told.append(candidate)
                found = found_at(agent, candidate, self.sign)
                agent.tell([replace(found, value=1e9) if what == "odd" else found])
            case "forbid":
                agent.forbid(where)
            case "allow":
                agent.allow(where)
            case "force":
                self.open.append(n // 2 + len(self.told))
            case "retell":
                self.sign = -1.0
                agent.retell([found_at(agent, candidate, -1.0) for candidate in self.told])
            case "explore":
                try:
                    agent.set_exploration(0.5)
                except AgentError:
                    return  # some have no such weight
            case "prefer" if isinstance(agent, Preferring):
                agent.prefer(self.told[-1], self.told[len(self.told) // 2 - 1])


def fit_of(agent: Agent) -> Fit | None:
    return agent.fit if isinstance(agent, Model) else None


def from_journal(value: Any) -> Any:
    """Return a state as a journal gives it back: little-endian arrays that cannot be written to."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            kind = value.dtype.newbyteorder("<")
            assert value.dtype.name in {"float64", "float32", "int64", "int32", "uint8", "bool"}
            return np.frombuffer(value.astype(kind).tobytes(), kind).reshape(value.shape)
        case list():
            return [from_journal(each) for each in value]
        case dict():
            assert all(isinstance(key, str) for key in value)
            return {key: from_journal(each) for key, each in value.items()}
    raise AssertionError(f"{type(value)} is no plain value")


def size(value: Any) -> int:
    """Return about how many bytes a state takes."""
    match value:
        case np.ndarray():
            return value.nbytes
        case list():
            return sum(map(size, value))
        case dict():
            return sum(len(key) + size(each) for key, each in value.items())
        case str():
            return len(value)
    return 8


def bits(value: Any) -> Any:
    """Return something that is equal for values that are equal bit for bit, NaN included."""
    match value:
        case float():
            return "nan" if math.isnan(value) else value.hex()
        case np.ndarray():
            return value.dtype.str, value.shape, value.tobytes()
        case Mapping():
            return {key: bits(each) for key, each in value.items()}
        case Proposal() | Fit():
            return {each.name: bits(getattr(value, each.name)) for each in fields(value)}
        case tuple() | list():
            return [bits(each) for each in value]
    return value


def run(name: str, acts: list[str], candidates: Candidates | None = None) -> Session:
    session = Session(make_agent(name, candidates))
    for number, what in enumerate(acts):
        session.act(number, what)
    return session


def resume(name: str, acts: list[str], cut: int, unbroken: Session) -> Session:
    """Play the acts before the cut again, then go on for real."""
    session = Session(make_agent(name))
    last = max((number for number in unbroken.states if number < cut), default=-1)
    for number, what in enumerate(acts):
        if number < cut:
            session.recall(number, what, unbroken, last)
        else:
            session.act(number, what)
    return session


def difference(name: str, acts: list[str], cut: int, unbroken: Session) -> str:
    """Say what an agent that was cut off before an act does otherwise than the unbroken one."""
    session = resume(name, acts, cut, unbroken)
    for number in range(cut, len(acts)):
        for each in ("proposals", "states"):
            ours, theirs = (bits(getattr(s, each).get(number)) for s in (session, unbroken))
            if ours != theirs:
                return f"cut before act {cut}, {each} of act {number}: {ours} and not {theirs}"
    if bits(fit_of(session.agent)) != bits(fit_of(unbroken.agent)):
        return f"cut before act {cut}: another fit"
    if isinstance(session.agent, Model) and isinstance(unbroken.agent, Model):
        for noise in (False, True):
            ours, theirs = (bits(a.predict(noise)) for a in (session.agent, unbroken.agent))
            if ours != theirs:
                return f"cut before act {cut}: another prediction at the end"
    return ""


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_cut_off_before_any_choice_it_goes_on_as_if_nothing_had_happened(
    name: str, scenario: str
) -> None:
    acts = ACTS[scenario]
    unbroken = run(name, acts)
    assert len(unbroken.told) >= 12
    assert len(unbroken.states) >= (2 if name in LEARNERS and "prefer" not in name else 0)
    cuts = [number for number, what in enumerate(acts) if what == "ask"][1:]
    if scenario == "steered" and name in LEARNERS:  # half of them, others for the next one
        cuts = cuts[list(LEARNERS).index(name) % 2 :: 2]
    for cut in [*cuts, len(acts)]:
        assert difference(name, acts, cut, unbroken) == ""


def test_an_encoder_that_was_trained_elsewhere_is_taken_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acts = ACTS["alone"]
    unbroken = run("deep_kernel", acts)
    monkeypatch.setattr(pretraining, "STEPS", 3)  # as if rounding had led training astray
    first = min(unbroken.states)
    assert difference("deep_kernel", acts, first, unbroken) != ""
    assert difference("deep_kernel", acts, first + 1, unbroken) == ""


@pytest.mark.parametrize("name", list(LEARNERS))
def test_a_state_is_small(name: str) -> None:
    acts = ACTS["steered"]
    candidates = make_candidates(name, pixels=(40, 40))
    unbroken = run(name, acts, candidates)
    assert size(unbroken.states[max(unbroken.states)]) < (40_000 if "deep" in name else 2_000)


def test_a_state_of_another_agent_is_refused() -> None:
    acts = ["ask", "tell"] * 9
    states = {name: run(name, acts) for name in ("gp, spacing", "gp, levels", "deep_kernel")}
    for name, other, message in (
        ("deep_kernel", "gp, spacing", "saved with agent = 'gp', this agent has 'deep_kernel'"),
        ("gp, spacing", "gp, levels", "saved with candidates = 432, this agent has 144"),
    ):
        session, number = Session(make_agent(name)), max(states[other].states)
        assert isinstance(session.agent, Resumable)
        with pytest.raises(AgentError, match=message):
            session.agent.restore(states[other].states[number])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observations": 3}, "saved with observations = 3, this agent has"),
        ({"failed": 12}, "saved with failed = 12, this agent has"),
        ({"models": 2}, "models in the agent's state are no list of states, but 2"),
        ({"models": []}, "holds 0 models, this agent has 2"),
        (
            {"log_densities": np.zeros((3, 1))},
            "log_densities .* of shape .3, 1., .* needs .* n x 2",
        ),
        ({"log_densities": np.full((3, 2), np.nan)}, "log_densities .* not all finite"),
        ({"network": np.zeros(3)}, "network .* float64 of shape .3,., this agent needs float64, "),
        ({"encoder": np.zeros(3952)}, "encoder .* are float64 .* needs float32, "),
        ({"hyperparameters": "many"}, "hyperparameters .* needs float64, "),
        ({"model": "gp"}, "saved with model = 'gp', this agent has 'deep kernel'"),
        ({"network": None}, "needs float64"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    session = run("deep_kernel", ["ask", "tell"] * 8 + ["refit"])
    assert isinstance(session.agent, Resumable)
    state = dict(session.agent.save())
    (name,) = change
    if name in state:
        state |= change
    else:
        state["models"] = [state["models"][0], {**state["models"][1], **change}]
    with pytest.raises(AgentError, match=message):
        session.agent.restore(state)
    lacking = {key: value for key, value in session.agent.save().items() if key != "models"}
    with pytest.raises(AgentError, match="has no 'models', only agent, candidates, "):
        session.agent.restore(lacking)


@pytest.mark.parametrize("name", ["gp, spacing", "preference", "pareto", "curious of both"])
def test_an_agent_is_saved_right_after_a_fit_only(name: str) -> None:
    agent = make_agent(name)
    assert isinstance(agent, Resumable)
    with pytest.raises(AgentError, match="right after a fit"):
        agent.save()
    told = [found_at(agent, candidate) for candidate in range(30)]
    agent.tell(told)
    if isinstance(agent, Preferring):
        agent.prefer(1, 2)
    assert agent.ask()
    agent.save()
    agent.tell([Observation(40, math.nan)])
    with pytest.raises(AgentError, match="right after a fit"):
        agent.save()


def test_what_was_pending_is_not_proposed_again_though_it_was_never_told() -> None:
    wanted = make_agent("gp, spacing").ask(3)[2].candidate
    unbroken, resumed = (make_agent("gp, spacing") for _ in range(2))
    assert isinstance(resumed, Resumable)
    (proposal,) = unbroken.ask(1, [wanted])  # a forced point, which then was forbidden
    resumed.recall(proposal, [wanted])
    chosen = [each.candidate for each in unbroken.ask(5)]
    assert wanted not in chosen
    assert [each.candidate for each in resumed.ask(5)] == chosen


def test_what_is_no_candidate_cannot_be_recalled() -> None:
    agent = make_agent("gp, spacing")
    assert isinstance(agent, Resumable)
    (proposal,) = agent.ask()
    with pytest.raises(AgentError, match="no candidate 144"):
        agent.recall(replace(proposal, candidate=144))
    with pytest.raises(AgentError, match="no candidate -1"):
        agent.recall(proposal, pending=[-1])


@pytest.mark.parametrize("name", PLAIN)
def test_an_agent_without_a_model_is_asked_again(name: str) -> None:
    assert not isinstance(make_agent(name), Resumable)
