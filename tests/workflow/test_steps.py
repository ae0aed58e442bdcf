"""Steps, driven by hand: the test plays the instrument and the agent's thread."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import FRAME, AgentByHand, overview
from ohmic_runs import EXPLORE, OVERVIEW, SWEEP, recipe, run_quickly

from examples.own_instrument import OhmicMicroscope
from spm_auto.agents import Agent, AgentSettings, Candidates, Proposal
from spm_auto.clock import InstantClock
from spm_auto.data import (
    Alarm,
    CostsEstimated,
    FinishReason,
    ModelFitted,
    PointChosen,
    SpectrumScored,
    open_run,
)
from spm_auto.errors import AgentError, LimitExceeded, RecipeError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Instruction,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from spm_auto.workflow import (
    Ask,
    Await,
    Consult,
    Consultation,
    Estimate,
    Estimates,
    ExploreStep,
    Note,
    Prepare,
    Step,
    StepContext,
    StepGenerator,
)
from spm_auto.workflow.requests import Request

CONTEXT = StepContext(seed=1, index=1, images=(overview(),))


def measured(instruction: AcquireSpectrum) -> Spectrum:
    """Play the instrument: the further to the upper right, the larger the current."""
    bias = instruction.waveform.bias
    data = (1.0 + 1e6 * (instruction.x + 2 * instruction.y)) * bias
    channels = overview().channels
    return Spectrum(
        instruction.x, instruction.y, bias, channels, data[None], instruction.x, instruction.y
    )


def drive(
    step: StepGenerator, refuse: Callable[[AcquireSpectrum], bool] = lambda _: False
) -> tuple[list[Request], ScanImage | None]:
    """Play runner and instrument; the agent works when it is waited for.

    Args:
        step: The step.
        refuse: Whether a point is out of bounds.

    Returns:
        What the step yielded in order, and the image that it returned.
    """
    yielded: list[Request] = []
    waiting: dict[int, tuple[Consult, Consultation]] = {}
    try:
        request = next(step)
        while True:
            yielded.append(request)
            match request:
                case Prepare(make=make):
                    request = step.send(make())
                case Estimate(instructions=instructions):
                    request = step.send(estimates(instructions))
                case Consult():
                    consultation = Consultation(Future(), 0.0)
                    waiting[id(consultation)] = (request, consultation)
                    request = step.send(consultation)
                case Await(consultation=consultation):
                    consult, _ = waiting.pop(id(consultation))
                    request = step.send(consult.advice())
                case AcquireSpectrum() if refuse(request):
                    request = step.throw(LimitExceeded("x", 9.0, (0.0, 1.0), "m"))
                case AcquireSpectrum():
                    request = step.send(measured(request))
                case Scan():
                    request = step.send(overview(request.frame))
                case _:
                    request = step.send(None)
    except StopIteration as end:
        assert not waiting, "the agent was asked and nobody waited for the answer"
        image: ScanImage | None = end.value
        return yielded, image


def estimates(instructions: Sequence[Instruction]) -> Estimates:
    """Answer what things take, from the origin: 2 s for a way of 1 um, 0.1 s, and each cycle."""
    spectra = [each for each in instructions if isinstance(each, AcquireSpectrum)]
    seconds = [0.1 + 2e6 * np.hypot(s.x, s.y) + s.waveform.duration for s in spectra]
    return Estimates((0.0, 0.0), tuple(seconds))


class GivenAgent(AgentSettings):
    """Settings that hand out an agent that a test made."""

    kind: str = "given"
    agent: Any

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Hand it out."""
        agent: Agent = self.agent
        return agent


def explore(agent: AgentByHand, **settings: Any) -> ExploreStep:
    """Make an explore step around an agent; its scalarizer is the integral."""
    step = recipe(OVERVIEW, EXPLORE).steps[1]
    assert isinstance(step, ExploreStep)
    return step.model_copy(update={"agent": GivenAgent(agent=agent), **settings})


def of_kind(requests: Sequence[Request], kind: type[Any]) -> list[Any]:
    """Return the instructions, requests and noted events of one kind."""
    found = [request.event if isinstance(request, Note) else request for request in requests]
    return [request for request in found if isinstance(request, kind)]


def words(requests: Sequence[Request]) -> list[str]:
    """Say in words what a step yielded."""
    said = []
    for request in requests:
        match request:
            case Consult(told=told, ask=ask):
                candidates = [proposal.candidate for proposal, _ in told]
                said.append(f"tell {candidates}{' and ask' if ask else ''}")
            case Await():
                said.append("wait")
            case Prepare() | Estimate() | Ask() | Note(event=CostsEstimated()):
                pass  # before the first choice, and whom nobody answers
            case Note(event=PointChosen(candidate=candidate)):
                said.append(f"chosen {candidate}")
            case Note(event=SpectrumScored(candidate=candidate)):
                said.append(f"scored {candidate}")
            case Note(event=event):
                said.append(type(event).__name__)
            case _:
                said.append("measure")
    return said


def test_an_overview_is_exactly_its_scan_and_hands_the_image_on() -> None:
    (step,) = recipe(
        {**OVERVIEW, "channels": ["conductance"], "line_rate": "4 Hz"},
    ).steps
    frame = ScanFrame((1e-7, 5e-8), (8e-7, 3e-7), (8, 3))
    yielded, image = drive(step.run(CONTEXT))
    assert yielded == [Scan(frame, ("conductance",), 4.0, "overview")]
    assert image is not None
    assert image.frame == frame
    assert list(step.preview(None)) == yielded


GRID = {"kind": "grid", "points": [3, 2], "waveform": SWEEP}


def test_a_grid_goes_to_and_fro_from_the_lower_left() -> None:
    (step,) = recipe(
        {**GRID, "frame": {"center": ["0 nm", "0 nm"], "size": ["3 um", "2 um"]}}
    ).steps
    yielded, _ = drive(step.run(StepContext(1, 0)))
    points = of_kind(yielded, AcquireSpectrum)
    assert [(round(p.x * 1e6, 9), round(p.y * 1e6, 9)) for p in points] == [
        (-1, -0.5), (0, -0.5), (1, -0.5), (1, 0.5), (0, 0.5), (-1, 0.5),
    ]  # fmt: skip
    assert len(points) == len(yielded)
    assert {p.waveform for p in points} == {BiasWaveform.sweep(0.0, 1.0, 5, 0.1)}


def test_a_grid_without_a_frame_lies_on_the_image_before_and_turns_with_it() -> None:
    turned = overview(ScanFrame((1e-6, 0.0), (3e-6, 2e-6), (4, 3), math.pi / 2))
    step = recipe(OVERVIEW, GRID).steps[1]
    yielded, image = drive(step.run(StepContext(1, 1, (turned,))))
    points = of_kind(yielded, AcquireSpectrum)
    assert (points[0].x, points[0].y) == pytest.approx((1.5e-6, -1e-6))
    assert (points[1].x, points[1].y) == pytest.approx((1.5e-6, 0.0))
    assert image is turned


def test_a_grid_needs_a_frame_from_somewhere() -> None:
    with pytest.raises(RecipeError, match=r"steps\[0\]: a grid step needs a frame of its own"):
        recipe(GRID)


def test_an_exploration_needs_an_overview() -> None:
    with pytest.raises(RecipeError, match=r"steps\[0\]: an explore step needs an overview"):
        recipe(EXPLORE)


def test_the_next_point_is_chosen_while_a_spectrum_is_being_taken() -> None:
    agent = AgentByHand()
    yielded, image = drive(explore(agent, budget=3).run(CONTEXT))
    assert words(yielded) == [
        "tell [] and ask", "wait", "chosen 0",
        "tell [] and ask", "measure", "wait", "chosen 1",
        "tell [0] and ask", "measure", "wait", "scored 0", "chosen 2",
        "measure", "tell [1, 2]", "wait", "scored 1", "scored 2",
    ]  # fmt: skip
    assert agent.log == [
        "asked, pending []", "asked, pending [0]", "told 0", "asked, pending [1]",
        "told 1", "told 2",
    ]  # fmt: skip
    assert image is CONTEXT.images[0]


def test_without_looking_ahead_each_choice_knows_the_spectrum_before() -> None:
    agent = AgentByHand()
    yielded, _ = drive(explore(agent, budget=3, look_ahead=False).run(CONTEXT))
    assert words(yielded) == [
        "tell [] and ask", "wait", "chosen 0",
        "measure", "tell [0] and ask", "wait", "scored 0", "chosen 1",
        "measure", "tell [1] and ask", "wait", "scored 1", "chosen 2",
        "measure", "tell [2]", "wait", "scored 2",
    ]  # fmt: skip
    assert agent.log == [
        "asked, pending []", "told 0", "asked, pending []", "told 1", "asked, pending []", "told 2",
    ]  # fmt: skip


@pytest.mark.parametrize("look_ahead", [True, False])
@pytest.mark.parametrize("budget", [1, 2, 5])
def test_the_budget_is_spent_and_every_spectrum_is_told_once(budget: int, look_ahead: bool) -> None:
    agent = AgentByHand()
    yielded, _ = drive(explore(agent, budget=budget, look_ahead=look_ahead).run(CONTEXT))
    assert len(of_kind(yielded, AcquireSpectrum)) == budget
    assert [s.candidate for s in of_kind(yielded, SpectrumScored)] == list(range(budget))
    assert [c.candidate for c in of_kind(yielded, PointChosen)] == list(range(budget))
    assert [word for word in agent.log if "told" in word] == [f"told {n}" for n in range(budget)]


@pytest.mark.parametrize("look_ahead", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_candidates_that_run_out_end_the_exploration_with_all_told_once(
    n: int, look_ahead: bool
) -> None:
    agent = AgentByHand(n)
    yielded, image = drive(explore(agent, budget=9, look_ahead=look_ahead).run(CONTEXT))
    assert len(of_kind(yielded, AcquireSpectrum)) == n
    assert [s.candidate for s in of_kind(yielded, SpectrumScored)] == list(range(n))
    assert image is CONTEXT.images[0]


@pytest.mark.parametrize("look_ahead", [True, False])
def test_a_refused_point_is_an_alarm_and_the_exploration_goes_on(look_ahead: bool) -> None:
    agent = AgentByHand()
    second = agent.candidates.points[1, 0]
    step = explore(agent, budget=3, look_ahead=look_ahead).run(CONTEXT)
    yielded, _ = drive(step, refuse=lambda at: bool(at.x == second))
    (alarm,) = of_kind(yielded, Alarm)
    assert alarm.message == "the agent's point was refused: x of 9 m is outside 0 to 1 m"
    assert [s.candidate for s in of_kind(yielded, SpectrumScored)] == [0, 2]
    assert "told 1" in agent.log  # so that it is not proposed again


def test_a_score_says_where_the_probe_stood_and_which_spectrum_it_is_of() -> None:
    yielded, _ = drive(explore(AgentByHand(), budget=2).run(CONTEXT))
    points = of_kind(yielded, AcquireSpectrum)
    for point, score in zip(points, of_kind(yielded, SpectrumScored), strict=True):
        spectrum = measured(point)
        assert (score.x, score.y) == (point.x, point.y)
        assert score.start_time == spectrum.start_time
        assert score.scalarizer == "integral"
        assert math.isfinite(score.value)
        assert math.isnan(score.bias)


def test_where_the_agent_chooses_the_bias_the_waveform_has_that_amplitude() -> None:
    step = recipe(OVERVIEW, {**EXPLORE, "amplitudes": ["1 V", "2 V"], "budget": 6}).steps[1]
    yielded, _ = drive(step.run(CONTEXT))
    chosen = of_kind(yielded, PointChosen)
    points = of_kind(yielded, AcquireSpectrum)
    assert {choice.bias for choice in chosen} == {1.0, 2.0}
    for choice, point in zip(chosen, points, strict=True):
        assert max(point.waveform.values) == choice.bias


def places(seed: int, **settings: Any) -> list[tuple[float, float]]:
    """Return where a random agent goes."""
    step = recipe(OVERVIEW, {**EXPLORE, **settings}).steps[1]
    yielded, _ = drive(step.run(StepContext(seed, 1, (overview(),))))
    return [(p.x, p.y) for p in of_kind(yielded, AcquireSpectrum)]


def test_one_seed_gives_the_same_points_and_another_one_others() -> None:
    assert places(1) == places(1)
    assert places(1) != places(2)


def test_points_of_a_second_exploration_do_not_repeat_those_of_the_first() -> None:
    step = recipe(OVERVIEW, EXPLORE).steps[1]
    first, second = (
        [p.x for p in of_kind(drive(step.run(StepContext(1, index, (overview(),))))[0],
                              AcquireSpectrum)]
        for index in (1, 2)
    )  # fmt: skip
    assert first != second


def test_stride_margin_and_budget_bound_what_is_visited() -> None:
    wide = overview(ScanFrame((0.0, 0.0), (8e-7, 6e-7), (8, 6)))
    step = recipe(OVERVIEW, {**EXPLORE, "budget": 99, "stride": 2, "margin": 1}).steps[1]
    yielded, _ = drive(step.run(StepContext(1, 1, (wide,))))
    visited = {(p.x, p.y) for p in of_kind(yielded, AcquireSpectrum)}
    x, y = wide.frame.to_sample([1, 1, 1, 3, 3, 3], [1, 3, 5, 1, 3, 5])
    assert visited == set(zip(x.tolist(), y.tolist(), strict=True))


def test_an_agent_with_nothing_to_look_at_says_why() -> None:
    fault = "no channel 'conductanc'; it has conductance"
    with pytest.raises(AgentError, match=f"the agent has nothing to choose from: .*{fault}"):
        places(1, channels=["conductanc"])


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"margin": 4}, r"margin: 4 pixels along each edge leave nothing of \(8, 3\)"),
        ({"channels": ["conductanc"]}, "channels: the overview does not record 'conductanc'; did"),
    ],
)
def test_an_exploration_that_cannot_work_is_refused_before_it_begins(
    settings: dict[str, Any], fault: str
) -> None:
    overview = {**OVERVIEW, "channels": ["conductance"]}
    with pytest.raises(RecipeError, match=fault):
        recipe(overview, {**EXPLORE, **settings})


def test_what_a_model_believes_is_noted_after_each_fit() -> None:
    step = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", "initial": 2}, "budget": 5}).steps[
        1
    ]
    yielded, _ = drive(step.run(CONTEXT))
    fits = of_kind(yielded, ModelFitted)
    assert fits
    assert all(fit.frame == FRAME for fit in fits)
    assert len({fit.n_observations for fit in fits}) == len(fits)


def test_a_step_that_says_nothing_is_told_what_it_lacks() -> None:
    class Empty(Step):
        kind: str = "empty"

    with pytest.raises(TypeError, match="step 'empty' does not say what to do"):
        Empty().run(CONTEXT)
    with pytest.raises(TypeError, match="step 'empty' does not say what it is about to do"):
        Empty().preview(None)


def test_a_grid_runs_on_an_instrument(tmp_path: Path) -> None:
    run_quickly(tmp_path, recipe(OVERVIEW, GRID).steps)
    run = open_run(tmp_path)
    assert run.finished is not None
    assert run.finished.reason == FinishReason.COMPLETED
    assert len(run.measurements) == 6


class ShyMicroscope(OhmicMicroscope):
    """Refuses the left half, as an instrument may that knows more than its limits say."""

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        if instruction.x < 1e-7:
            raise LimitExceeded("x", instruction.x, (1e-7, 1e-6), "m")
        return super().acquire_spectrum(instruction)


def test_an_exploration_goes_on_where_an_instrument_refuses_points(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**EXPLORE, "budget": 24}).steps
    clock = InstantClock()
    run_quickly(tmp_path, steps, microscope=ShyMicroscope(clock), clock=clock)
    run = open_run(tmp_path)
    assert run.finished is not None
    assert run.finished.reason == FinishReason.COMPLETED
    assert (len(run.decisions), len(run.alarms)) == (24, 12)
    allowed = [choice for choice in run.decisions if choice.x >= 1e-7]
    assert [m.chosen.candidate for m in run.measurements if m.chosen] == [
        choice.candidate for choice in allowed
    ]


class Noting(AgentSettings):
    """Settings that note what candidates they are given."""

    kind: str = "noting"
    note: Any

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Note them, and make an agent that takes one after another."""
        self.note(candidates)
        return AgentByHand(3)


def noted(**settings: Any) -> tuple[Candidates, list[Request]]:
    """Let an explore step run, and return what its agent could choose and what it yielded."""
    given: list[Candidates] = []
    step = recipe(OVERVIEW, {**EXPLORE, **settings}).steps[1]
    agent = Noting(note=given.append)
    yielded, _ = drive(step.model_copy(update={"agent": agent}).run(CONTEXT))
    return given[0], yielded


def test_the_agent_is_told_what_the_instrument_says_that_measurements_take() -> None:
    candidates, yielded = noted(amplitudes=["1 V", "2 V"])
    assert candidates.costs is not None
    sweep = candidates.costs.sweep
    assert sweep == pytest.approx([0.5, 0.5])  # five points of 100 ms
    assert candidates.costs.per_metre == pytest.approx(2e6)
    assert float(candidates.costs.overhead[0]) == pytest.approx(0.1)
    (event,) = of_kind(yielded, CostsEstimated)
    assert event == CostsEstimated(
        tuple(sweep.tolist()), float(candidates.costs.overhead[0]), candidates.costs.per_metre
    )
    x, y = candidates.positions[-1]
    expected = 0.1 + 2e6 * np.hypot(x, y) + 3 * 0.5
    assert candidates.costs.seconds(candidates.positions, (0.0, 0.0), 3)[-1] == pytest.approx(
        expected
    )


def test_regions_are_left_alone_and_points_keep_their_distance() -> None:
    free, _ = noted()
    less, _ = noted(no_go=[{"center": ["100 nm", "0 nm"], "radius": "90 nm"}], spacing="60 nm")
    gone = np.hypot(*(free.positions - (1e-7, 0.0)).T) <= 90e-9
    assert 0 < np.count_nonzero(gone) < len(free.positions)
    assert less.positions.tolist() == free.positions[~gone].tolist()
    assert less.spacing == 60e-9


def test_where_all_is_left_alone_nothing_is_to_be_chosen() -> None:
    with pytest.raises(AgentError, match="nothing to choose from"):
        noted(no_go=[{"center": ["100 nm", "0 nm"], "size": ["9 um", "9 um"]}])


def test_amplitude_and_duration_of_a_pulse_are_the_agents_to_choose() -> None:
    pulse = {"kind": "pulse", "amplitude": "3 V", "points": 2, "dwell": "10 ms"}
    candidates, _ = noted(waveform=pulse, amplitudes=["2 V", "4 V"], durations=["10 ms", "30 ms"])
    assert candidates.levels.bias.tolist() == [2.0, 2.0, 4.0, 4.0]
    assert candidates.levels.duration.tolist() == pytest.approx([0.01, 0.03, 0.01, 0.03])
    assert candidates.costs is not None
    assert candidates.costs.sweep == pytest.approx([0.05, 0.07, 0.05, 0.07])
    step = recipe(
        OVERVIEW, {**EXPLORE, "waveform": pulse, "amplitudes": ["2 V"], "durations": ["30 ms"]}
    ).steps[1]
    assert isinstance(step, ExploreStep)
    measured = step.measurement(0.0, 0.0, (2.0, 0.03))
    assert isinstance(measured, AcquireSpectrum)
    assert measured.waveform.values == (0.0, 0.0, 2.0, 2.0, 2.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"durations": ["10 ms"]}, "a sweep has no duration to choose"),
        ({"spacing": "-1 nm"}, "spacing"),
        ({"no_go": [{"center": ["0 nm", "0 nm"]}]}, "needs either a size .* or a radius"),
        ({"amplitudes": ["1 V", "1 V"]}, "a finite number of its own"),
        (
            {"waveform": {"kind": "pulse", "amplitude": "3 V", "dwell": "1 s"}},
            "shorter than a point",
        ),
    ],
)
def test_what_cannot_be_explored_is_said_before_the_run(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(OVERVIEW, {**EXPLORE, **settings})


def test_what_is_averaged_is_run_that_many_times() -> None:
    class Averaging(AgentByHand):
        def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
            return [replace(proposal, averages=4) for proposal in super().ask(n, pending)]

    yielded, _ = drive(explore(Averaging(), budget=2).run(CONTEXT))
    assert {each.waveform.cycles for each in of_kind(yielded, AcquireSpectrum)} == {4}


def test_the_preview_counts_on_the_most_averages() -> None:
    def longest(**agent: Any) -> float:
        step = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", **agent}}).steps[1]
        spectra = step.preview(Scan(FRAME))
        return max(s.waveform.duration for s in spectra if isinstance(s, AcquireSpectrum))

    assert longest(averages=[1, 4]) == pytest.approx(4 * longest())
