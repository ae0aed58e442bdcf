"""Interventions: a human steps in; it is carried out or refused, and its record does it again."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from agents_samples import make_overview, make_spectrum
from numpy.typing import NDArray

from spm_auto.agents import (
    AllowRegion,
    Answer,
    Candidates,
    Explorer,
    ForbidRegion,
    ForcePoint,
    Observation,
    Order,
    Prefer,
    Proposal,
    Rescalarize,
    SetExploration,
    Steering,
    make,
    steering_of,
)
from spm_auto.errors import AgentError, PluginError
from spm_auto.instrument import BiasWaveform, FloatArray, Spectrum

EVERY: tuple[Steering, ...] = (
    Rescalarize("loop_area"),
    ForcePoint(1e-7, -2e-7),
    ForcePoint(1e-7, -2e-7, 3.0),
    ForbidRegion((0.0, 1e-6), radius=2e-7),
    ForbidRegion((0.0, 1e-6), size=(2e-7, 3e-7)),
    AllowRegion((0.0, 1e-6), radius=2e-7),
    SetExploration(0.5),
    Prefer(3, 4),
    Prefer((1e-7, 2e-7), (3e-7, 4e-7)),
)


class Plain:
    """An agent that takes the first free candidate, and nothing besides."""

    def __init__(self, candidates: Candidates) -> None:
        self.candidates = candidates
        self.free = np.ones(len(candidates), dtype=bool)
        self.told: list[Observation] = []
        self.pending: list[tuple[int, ...]] = []

    def tell(self, observations: Sequence[Observation]) -> None:
        self.told += observations

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        self.pending.append(tuple(pending))
        rows = np.flatnonzero(self.free)[:n]
        self.free[rows] = False
        return [
            Proposal(int(row), *self.candidates.points[row].tolist(), "next", 1.0, 0.5, 2.0)
            for row in rows
        ]


class Willing(Plain):
    """The same, and does what it is asked."""

    def __init__(self, candidates: Candidates) -> None:
        super().__init__(candidates)
        self.weights: list[float] = []
        self.answers: list[tuple[int, int]] = []

    def forbid(self, where: NDArray[np.bool_]) -> None:
        self.free &= ~where

    def allow(self, where: NDArray[np.bool_]) -> None:
        self.free |= where

    def set_exploration(self, weight: float) -> None:
        self.weights.append(weight)

    def retell(self, observations: Sequence[Observation]) -> None:
        self.told = list(observations)

    def prefer(self, better: int, worse: int) -> None:
        self.answers.append((better, worse))


class Logbook:
    """A watch through which someone steps in."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.waiting: list[Order] = []

    def answered(self, answer: Answer) -> None:
        if answer.proposal is not None:
            self.said.append(f"chose {answer.proposal.candidate}: {answer.proposal.reason}")

    def scored(
        self, proposal: Proposal, spectrum: Spectrum, scalar: object, scalarizer: str
    ) -> None:
        self.said.append(f"{scalarizer} of {proposal.candidate}")

    def fitted(self, fit: object) -> None:
        self.said.append("fitted")

    def orders(self) -> tuple[Order, ...]:
        waiting, self.waiting = tuple(self.waiting), []
        return waiting

    def steered(self, order: Order) -> None:
        self.said.append(f"{order.who}: {order.steering}, {order.why}")

    def alarmed(self, message: str, cause: str) -> None:
        self.said.append(f"{cause}: {message}")


def explore(
    agent_kind: type[Plain] = Willing, biases: tuple[float, ...] = ()
) -> tuple[Explorer, Willing, Logbook]:
    agent, watch = agent_kind(Candidates.of(make_overview(), biases=biases)), Logbook()
    return Explorer(agent, highest, watch), agent, watch  # type: ignore[return-value]  # as needed


def spectrum(height: float) -> Spectrum:
    bias = BiasWaveform.triangle(8.5, 64).bias
    return make_spectrum(height * np.exp(-((bias / 4) ** 2)), bias)


def highest(spectrum: Spectrum) -> float:
    return float(spectrum.data.max())


def measure(explorer: Explorer, n: int, height: float = 1.0) -> list[Proposal]:
    proposals = []
    for k in range(n):
        proposal = explorer.ask()
        assert proposal is not None
        explorer.tell(proposal, spectrum(height + k))
        proposals.append(proposal)
    return proposals


def place(explorer: Explorer, row: int) -> tuple[float, float]:
    x, y, _ = explorer.agent.candidates.points[row].tolist()
    return x, y


@pytest.mark.parametrize("steering", EVERY, ids=str)
def test_a_record_of_an_intervention_makes_the_same_again(steering: Steering) -> None:
    values = Order(steering, "me").values
    assert str(steering_of(steering.kind, values)) == str(steering)
    assert repr(steering_of(steering.kind, values)) == repr(steering)


def test_a_record_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(AgentError, match="there is no intervention 'pray'"):
        steering_of("pray", {})
    with pytest.raises(AgentError, match=r"'set_exploration' with .*-1.*must be finite"):
        steering_of("set_exploration", {"weight": -1.0})
    with pytest.raises(AgentError, match=r"'force_point' with .*unexpected keyword"):
        steering_of("force_point", {"x": 0.0, "y": 0.0, "speed": 1.0})


@pytest.mark.parametrize(
    ("make_it", "said"),
    [
        (lambda: ForbidRegion((0.0, 0.0)), "either a size .* or a radius"),
        (lambda: ForbidRegion((0.0, 0.0), (1.0, 1.0), 1.0), "either a size .* or a radius"),
        (lambda: AllowRegion((0.0, 0.0), radius=0.0), "positive and finite"),
        (lambda: ForbidRegion((0.0, 0.0), size=(1.0, -1.0)), "positive and finite"),
        (lambda: ForbidRegion((math.nan, 0.0), radius=1.0), "finite coordinates"),
        (lambda: ForcePoint(math.inf, 0.0), "finite coordinates"),
        (lambda: Prefer((math.nan, 0.0), 1), "finite coordinates"),
        (lambda: SetExploration(math.nan), "finite and not negative"),
    ],
)
def test_what_could_never_be_is_no_intervention(make_it, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_it()


def test_a_region_has_its_edge_and_nothing_beyond() -> None:
    x, y = np.array([0.0, 1.0, 1.01, 0.8]), np.array([0.0, 0.0, 0.0, 0.8])
    assert ForbidRegion((0.0, 0.0), radius=1.0).contains(x, y).tolist() == [
        True,
        True,
        False,
        False,
    ]
    square = ForbidRegion((0.0, 0.0), size=(2.0, 2.0))
    assert square.contains(x, y).tolist() == [True, True, False, True]


def test_a_forced_point_is_next_and_then_the_agent_goes_on() -> None:
    explorer, agent, watch = explore()
    measure(explorer, 2)
    x, y = place(explorer, 77)
    explorer.steer(ForcePoint(x + 1e-10, y), "Ada", "looks odd")
    assert [p.candidate for p in measure(explorer, 2)] == [77, 2]
    assert agent.told[2].candidate == 77
    assert watch.said[4].startswith("Ada: measure at ")
    assert watch.said[4].endswith(", looks odd")
    assert watch.said[5] == "chose 77: asked for by Ada"


def test_a_point_can_be_forced_again_even_while_it_is_being_measured() -> None:
    explorer, agent, _ = explore()
    first = explorer.ask()
    assert first is not None
    explorer.steer(ForcePoint(first.x, first.y))
    again = explorer.ask()
    assert again is not None
    assert again.candidate == first.candidate
    explorer.tell(first, spectrum(1.0))
    explorer.tell(again, spectrum(2.0))
    assert [o.value for o in agent.told] == [1.0, 2.0]
    with pytest.raises(AgentError, match="told already"):
        explorer.tell(first, spectrum(1.0))


def test_a_forced_point_is_pending_while_it_is_measured() -> None:
    explorer, agent, _ = explore()
    explorer.steer(ForcePoint(*place(explorer, 9)))
    explorer.ask()
    explorer.ask()
    assert agent.pending == [(9,)]


def test_a_point_is_forced_with_the_bias_that_comes_nearest() -> None:
    explorer, _, _ = explore(biases=(-8.0, 2.0, 5.0))
    row = 30
    for bias, found in ((4.0, 5.0), (-2.0, 2.0), (-7.0, -8.0), (math.nan, 2.0)):
        explorer.steer(ForcePoint(*place(explorer, row), bias))
        proposal = explorer.ask()
        assert proposal is not None
        assert (proposal.x, proposal.y) == place(explorer, row)
        assert proposal.bias == found


def test_a_bias_that_is_not_the_agents_to_choose_cannot_be_forced() -> None:
    explorer, _, _ = explore()
    with pytest.raises(AgentError, match="not the agent's to choose"):
        explorer.steer(ForcePoint(*place(explorer, 3), 5.0))


def test_a_forced_point_outside_of_the_frame_is_refused_and_nothing_changes() -> None:
    explorer, _, watch = explore()
    with pytest.raises(AgentError, match=r"\(1 mm, 0 m\) lies outside of the overview"):
        explorer.steer(ForcePoint(1e-3, 0.0), "Ada")
    assert watch.said[-1].startswith("refused: what Ada asked for (measure at (1 mm, 0 m)) was ref")
    assert [p.candidate for p in measure(explorer, 1)] == [0]


def test_a_forbidden_region_is_not_measured_until_it_is_allowed_again() -> None:
    explorer, _, _ = explore()
    x, y = explorer.agent.candidates.points[:, 0], explorer.agent.candidates.points[:, 1]
    region = ForbidRegion(place(explorer, 0), radius=5e-8)
    inside = set(np.flatnonzero(region.contains(x, y)).tolist())
    assert len(inside) > 3
    explorer.steer(region)
    assert not inside & {p.candidate for p in measure(explorer, 20)}
    with pytest.raises(AgentError, match="lies in a region that is forbidden"):
        explorer.steer(ForcePoint(*place(explorer, 1)))
    explorer.steer(AllowRegion(region.center, radius=region.radius))
    assert inside & {p.candidate for p in measure(explorer, 3)}


def test_a_forced_point_that_waits_is_dropped_when_its_region_is_forbidden() -> None:
    explorer, _, _ = explore()
    explorer.steer(ForcePoint(*place(explorer, 77)))
    explorer.steer(ForbidRegion(place(explorer, 77), radius=1e-9))
    assert [p.candidate for p in measure(explorer, 1)] == [0]


def test_a_region_without_candidates_is_refused() -> None:
    explorer, _, _ = explore()
    with pytest.raises(AgentError, match="no candidate lies within 1 nm around"):
        explorer.steer(ForbidRegion((1e-3, 0.0), radius=1e-9))


def test_another_scalarizer_judges_all_spectra_anew() -> None:
    explorer, agent, watch = explore()
    proposals = measure(explorer, 3)
    failed = explorer.ask()
    assert failed is not None
    explorer.reject(failed)
    explorer.steer(Rescalarize("integral"), "Ada")
    values = [o.value for o in agent.told]
    assert values[1] / values[0] == pytest.approx(2.0)
    assert values[0] != 1.0
    assert math.isnan(values[3])
    assert [o.candidate for o in agent.told] == [0, 1, 2, 3]
    assert watch.said[-3:] == [f"integral of {p.candidate}" for p in proposals]
    assert explorer.scalarizer_name == "integral"
    measure(explorer, 1)
    assert watch.said[-1] == "integral of 4"


def test_a_scalarizer_that_does_not_exist_is_refused_with_a_hint() -> None:
    explorer, agent, _ = explore()
    measure(explorer, 1)
    with pytest.raises(PluginError, match="did you mean 'loop_area'"):
        explorer.steer(Rescalarize("loop_aera"))
    assert agent.told[0].value == 1.0
    assert explorer.scalarizer_name == "highest"


def test_what_was_expected_by_the_old_scalarizer_is_not_held_against_the_agent() -> None:
    explorer, _, _ = explore()
    measure(explorer, 2)
    waiting = explorer.ask()
    assert waiting is not None
    assert waiting.mean == 1.0
    explorer.steer(Rescalarize("integral"))
    stays = explorer.reconsider(waiting)
    assert stays is not None
    assert stays.candidate == waiting.candidate
    assert math.isnan(stays.mean)


def test_the_weight_of_the_unknown_reaches_the_agent() -> None:
    explorer, agent, _ = explore()
    explorer.steer(SetExploration(0.25))
    assert agent.weights == [0.25]


def test_an_answer_to_a_or_b_reaches_the_agent_by_candidate_or_by_position() -> None:
    explorer, agent, _ = explore()
    measure(explorer, 5)
    explorer.steer(Prefer(3, 1))
    x, y = place(explorer, 2)
    explorer.steer(Prefer((x + 1e-10, y), place(explorer, 4)))
    assert agent.answers == [(3, 1), (2, 4)]
    for wrong, said in (
        (Prefer(3, 99), "candidate 99 was not measured"),
        (Prefer(3, 3), "not better than itself"),
        (Prefer((1.0, 1.0), 3), "outside of the overview"),
    ):
        with pytest.raises(AgentError, match=said):
            explorer.steer(wrong)
    assert len(agent.answers) == 2


@pytest.mark.parametrize(
    ("steering", "said"),
    [
        (Rescalarize("peak"), r"the agent \(Plain\) cannot judge spectra anew"),
        (SetExploration(1.0), r"the agent \(Plain\) cannot weigh what is not known"),
        (ForbidRegion((1e-6, -2e-6), radius=1e-7), r"\(Plain\) cannot leave out a region"),
        (Prefer(0, 1), r'\(Plain\) does not learn from answers to "A or B\?"'),
    ],
)
def test_an_agent_that_cannot_is_named(steering: Steering, said: str) -> None:
    explorer, _, _ = explore(Plain)
    measure(explorer, 2)
    with pytest.raises(AgentError, match=said):
        explorer.steer(steering)
    assert [p.candidate for p in measure(explorer, 1)] == [2]


def test_orders_from_elsewhere_are_carried_out_before_the_next_choice() -> None:
    explorer, _, watch = explore()
    watch.waiting = [
        Order(ForcePoint(9.0, 9.0), "Bob"),
        Order(ForcePoint(*place(explorer, 50)), "Bob"),
    ]
    assert [p.candidate for p in measure(explorer, 2)] == [50, 0]
    assert watch.said[0].startswith("refused: what Bob asked for")


def test_a_chosen_point_waits_behind_a_forced_one_and_is_not_lost() -> None:
    explorer, _, _ = explore()
    chosen = explorer.ask()
    assert chosen is not None
    explorer.carry_out(Order(ForcePoint(*place(explorer, 50)), "Bob"))
    now = explorer.reconsider(chosen)
    assert now is not None
    assert now.candidate == 50
    assert [p.candidate for p in measure(explorer, 2)] == [0, 1]


def test_a_chosen_point_that_was_forbidden_is_chosen_anew() -> None:
    explorer, agent, _ = explore()
    chosen = explorer.ask()
    assert chosen is not None
    explorer.carry_out(Order(ForbidRegion(place(explorer, 0), radius=1e-9), "Bob"))
    now = explorer.reconsider(chosen)
    assert now is not None
    assert now.candidate == 1
    explorer.tell(now, spectrum(1.0))
    assert agent.pending[-1] == ()
    with pytest.raises(AgentError, match="was not proposed"):
        explorer.tell(chosen, spectrum(1.0))


def test_further_scalarizers_and_the_spectrum_reach_the_agent() -> None:
    agent = Willing(Candidates.of(make_overview()))

    def negative(spectrum: Spectrum) -> float:
        return -float(spectrum.data.max())

    explorer = Explorer(agent, highest, others={"negative": negative})
    measure(explorer, 1, height=3.0)
    ((value, noise),) = agent.told[0].others
    assert value == -3.0
    assert math.isnan(noise)
    row: FloatArray | None = agent.told[0].spectrum
    assert row is not None
    assert row.shape == (64,)


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize("kind", ["random", "grid", "ranking", "gp"])
def test_the_agents_of_this_package_can_be_steered(kind: str) -> None:
    explorer = make(kind, make_overview(), scalarizer=highest, seed=2)
    measure(explorer, 14)
    center = explorer.agent.candidates.frame.center
    region = ForbidRegion(center, radius=6e-8)
    explorer.steer(region)
    explorer.steer(Rescalarize("integral"))
    if kind == "gp":
        explorer.steer(SetExploration(0.5))
    more = measure(explorer, 12)
    inside = region.contains(np.array([p.x for p in more]), np.array([p.y for p in more]))
    assert not inside.any()
    explorer.steer(AllowRegion(center, radius=6e-8))
    everything = len(explorer.agent.candidates) - 26
    rest = [p.candidate for p in explorer.proposals(everything) if explorer.tell(p, spectrum(1.0))]
    assert len(rest) == len(set(rest)) == everything


def test_a_forced_pulse_is_the_shortest_of_the_gentlest() -> None:
    explorer = make(
        "random", make_overview(), scalarizer=highest, biases=(8.0, 4.0), durations=(1.0, 0.01)
    )
    x, y = explorer.agent.candidates.frame.center
    explorer.steer(ForcePoint(x, y))
    explorer.steer(ForcePoint(x, y, 8.0))
    forced = [explorer.ask(), explorer.ask()]
    assert [(p.bias, p.duration) for p in forced if p is not None] == [(4.0, 0.01), (8.0, 0.01)]


def test_what_was_expected_by_another_scalarizer_is_forgotten_noise_included() -> None:
    explorer = make("gp", make_overview(), scalarizer=highest, seed=2)
    measure(explorer, 14)
    chosen = explorer.ask()
    assert chosen is not None
    assert math.isfinite(chosen.noise)
    explorer.steer(Rescalarize("integral"))
    kept = explorer.reconsider(chosen)
    assert kept is not None
    assert kept.candidate == chosen.candidate
    assert math.isnan(kept.noise)
