"""Stepping into a run: from any thread, recorded before it is carried out, never fatal."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import PATIENCE, Bench
from by_hand import SPECTRUM, AgentByHand, StepByHand, explorer, overview
from numpy.typing import NDArray
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe

from spm_auto.agents import (
    ForbidRegion,
    ForcePoint,
    Observation,
    Proposal,
    Rescalarize,
    SetExploration,
    steering_of,
)
from spm_auto.data import (
    LATE,
    REFUSED,
    Alarm,
    FinishReason,
    Intervention,
    PointChosen,
    SpectrumAcquired,
    SpectrumScored,
    open_run,
)
from spm_auto.errors import SpmError
from spm_auto.instrument import AcquireSpectrum
from spm_auto.workflow import (
    Ask,
    Await,
    Consult,
    Consultation,
    Estimate,
    Note,
    Prepare,
    RunState,
    StepContext,
    StepGenerator,
    chosen_event,
    scored_event,
)


class Willing(AgentByHand):
    """The agent by hand, and does what it is asked."""

    def __init__(self, n: int = 12) -> None:
        super().__init__(n)
        self.forbidden = np.zeros(n, dtype=bool)

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        while self._asked < len(self.candidates) and self.forbidden[self._asked]:
            self._asked += 1
        return super().ask(n, pending)

    def forbid(self, where: NDArray[np.bool_]) -> None:
        self.log.append("forbid")
        self.forbidden |= where

    def allow(self, where: NDArray[np.bool_]) -> None:
        self.forbidden &= ~where

    def set_exploration(self, weight: float) -> None:
        self.log.append(f"weight {weight:g}")

    def retell(self, observations: Sequence[Observation]) -> None:
        self.log.append(f"retold {[o.candidate for o in observations]}")


def exploring(agent: AgentByHand, budget: int = 4) -> StepByHand:
    """Explore as the explore step does, the next point chosen while one is measured."""
    talk = explorer(agent)

    def advice(consultation):
        given = yield Await(consultation)
        for scored in given.scored:
            yield Note(scored_event(*scored))
        for alarm in given.alarms:
            yield Note(alarm)
        if given.proposal is not None:
            yield Note(chosen_event(given.proposal))
        return given.proposal

    def script(_: StepContext) -> StepGenerator:
        told: tuple = ()
        proposal = yield from advice((yield Consult(talk)))
        for number in range(budget):
            if proposal is None:
                break
            ahead = (yield Consult(talk, told)) if number < budget - 1 else None
            spectrum = yield SPECTRUM
            told = ((proposal, spectrum),) if ahead is not None else (*told, (proposal, spectrum))
            if ahead is not None:
                proposal = yield from advice(ahead)
        yield from advice((yield Consult(talk, told, ask=False)))
        return None

    return StepByHand(script=script)


def at(agent: AgentByHand, row: int) -> tuple[float, float]:
    x, y, _ = agent.candidates.points[row].tolist()
    return x, y


def chosen(bench: Bench) -> list[int]:
    return [choice.candidate for choice in bench.recorded.decisions]


def test_what_was_ordered_before_the_run_is_done_before_the_first_choice(bench: Bench) -> None:
    agent = Willing()
    bench.runner.steer(ForcePoint(*at(agent, 7)), "Ada", "looks odd")
    bench.runner.steer(SetExploration(0.5), "Bob")
    assert bench.run(exploring(agent)).reason == FinishReason.COMPLETED
    assert chosen(bench) == [7, 0, 1, 2]
    assert agent.log[0] == "weight 0.5"
    first, second = bench.recorded.interventions
    assert (first.who, first.why, first.kind) == ("Ada", "looks odd", "force_point")
    assert steering_of(second.kind, second.values) == SetExploration(0.5)


def test_an_order_during_a_spectrum_is_done_before_the_next_one(bench: Bench) -> None:
    agent = Willing()
    bench.shown.after = {
        "SpectrumAcquired": lambda: bench.runner.steer(ForcePoint(*at(agent, 9)), "Ada")
    }
    bench.run(exploring(agent))
    assert chosen(bench) == [0, 9, 1, 2]  # 1 was chosen already, and waits
    kinds = [type(r.event) for r in bench.recorded.records]
    order, choice = kinds.index(Intervention), kinds.index(PointChosen, kinds.index(Intervention))
    assert kinds.index(SpectrumAcquired) < order < choice


def test_a_point_that_was_chosen_but_forbidden_meanwhile_is_chosen_anew(bench: Bench) -> None:
    agent = Willing()
    region = ForbidRegion(at(agent, 1), radius=1e-9)
    bench.shown.after = {"SpectrumAcquired": lambda: bench.runner.steer(region, "Ada")}
    bench.run(exploring(agent))
    assert chosen(bench) == [0, 2, 3, 4]
    assert [m.chosen.candidate for m in bench.recorded.measurements if m.chosen] == [0, 2, 3, 4]


def test_what_is_being_measured_when_it_is_forbidden_ends_and_counts(bench: Bench) -> None:
    agent = Willing()
    region = ForbidRegion(at(agent, 0), radius=1e-9)
    bench.microscope.first = {"acquire spectrum": lambda: bench.runner.steer(region, "Ada")}
    bench.run(exploring(agent, budget=2))
    assert "told 0" in agent.log
    assert chosen(bench) == [0, 1]


def test_another_scalarizer_rescores_the_journal(bench: Bench) -> None:
    agent = Willing()

    def after_the_next() -> None:
        bench.shown.after = {
            "SpectrumAcquired": lambda: bench.runner.steer(Rescalarize("peak"), "Ada")
        }

    bench.shown.after = {"SpectrumAcquired": after_the_next}
    bench.run(exploring(agent))
    scores = [
        (r.event.scalarizer, r.event.candidate)
        for r in bench.recorded.records
        if isinstance(r.event, SpectrumScored)
    ]
    assert scores[0] == ("<lambda>", 0)
    assert scores[1:] == [("peak", 0), ("peak", 1), ("peak", 2), ("peak", 3)]
    assert "retold [0]" in agent.log
    run = bench.recorded
    assert [m.scored.scalarizer for m in run.compared if m.scored] == ["peak"] * 4
    assert [m.chosen.candidate for m in run.measurements if m.chosen] == [0, 1, 2, 3]


def test_a_refusal_is_an_alarm_and_the_run_goes_on(bench: Bench) -> None:
    bench.runner.steer(SetExploration(1.0), "Ada")
    bench.runner.steer(ForcePoint(1.0, 1.0), "Ada")
    assert bench.run(exploring(AgentByHand())).reason == FinishReason.COMPLETED
    alarms = bench.recorded.alarms
    assert [alarm.cause for alarm in alarms] == [REFUSED] * 2
    assert "AgentByHand) cannot weigh what is not known" in alarms[0].message
    assert "(1 m, 1 m) lies outside of the overview" in alarms[1].message
    assert chosen(bench) == [0, 1, 2, 3]


def test_an_order_that_comes_too_late_is_an_alarm(bench: Bench) -> None:
    bench.shown.after = {"SpectrumAcquired": lambda: bench.runner.steer(SetExploration(1.0), "Ada")}
    bench.run(StepByHand(script=lambda _: iter_of(SPECTRUM)))
    (alarm,) = bench.recorded.alarms
    assert alarm == Alarm("what Ada asked for (weigh what is not known by 1) came too late", LATE)


def iter_of(*requests):
    yield from requests
    return None


def test_a_run_that_is_over_cannot_be_steered(bench: Bench) -> None:
    bench.run()
    with pytest.raises(SpmError, match="the run is over"):
        bench.runner.steer(SetExploration(1.0), "Ada")


def test_a_note_may_hold_the_run_until_a_human_lets_it_go_on(bench: Bench) -> None:
    bench.shown.after = {"RunPaused": bench.runner.resume}

    def script(_: StepContext) -> StepGenerator:
        yield Note(Alarm("the tip may have changed"), pause=True)
        yield SPECTRUM
        return None

    bench.runner.start([StepByHand(script=script)], seed=1)
    assert bench.runner.wait(PATIENCE)
    names = bench.shown.names
    assert names.index("Alarm") < names.index("RunPaused") < names.index("RunResumed")
    assert names.index("RunResumed") < names.index("SpectrumAcquired")
    assert bench.runner.state == RunState.IDLE


def test_the_recorded_orders_done_again_make_the_same_choices(tmp_path: Path) -> None:
    first = Bench(tmp_path / "first")
    agent = Willing()
    region = ForbidRegion(at(agent, 1), radius=1e-9)
    first.runner.steer(ForcePoint(*at(agent, 5)), "Ada")
    first.shown.after = {"SpectrumAcquired": lambda: first.runner.steer(region, "Ada")}
    first.run(exploring(agent))

    second = Bench(tmp_path / "second")
    done = 0  # spectra taken when an order was carried out
    waiting: dict[int, list] = {}
    for record in open_run(tmp_path / "first").records:
        match record.event:
            case SpectrumAcquired():
                done += 1
            case Intervention(kind=kind, values=values, who=who):
                waiting.setdefault(done, []).append((steering_of(kind, values), who))
    for steering, who in waiting.pop(0):
        second.runner.steer(steering, who)
    taken = 0

    def replay() -> None:
        nonlocal taken
        taken += 1
        for steering, who in waiting.pop(taken, []):
            second.runner.steer(steering, who)
        second.shown.after = {"SpectrumAcquired": replay}

    second.shown.after = {"SpectrumAcquired": replay}
    second.run(exploring(Willing()))
    assert chosen(second) == chosen(first)
    assert second.recorded.interventions == first.recorded.interventions


@pytest.mark.parametrize("waits", [True, False])
def test_the_explore_step_waits_for_a_human_after_an_alarm_when_it_is_told_to(waits: bool) -> None:
    table = recipe(OVERVIEW, {**EXPLORE, "pause_on_alarm": waits}).steps[1]
    step = table.run(StepContext(seed=1, index=1, images=(overview(),)))
    alarms = (Alarm("the tip may have changed", "tip"), Alarm("no such place", REFUSED))
    request = next(step)
    noted = []
    while not isinstance(request, AcquireSpectrum):
        match request:
            case Consult():
                consulted = request
                request = step.send(Consultation(Future(), 0.0))
            case Prepare(make=make):
                request = step.send(make())
            case Estimate() | Ask():
                request = step.send(None)
            case Await():
                request = step.send(replace(consulted.advice(), alarms=alarms))
            case Note():
                noted.append(request)
                request = step.send(None)
    step.close()
    held = {note.event.cause: note.pause for note in noted if isinstance(note.event, Alarm)}
    assert held == {"tip": waits, REFUSED: False}


def test_a_recipes_run_can_be_steered(tmp_path: Path) -> None:
    runner = new_runner(tmp_path)
    runner.steer(ForcePoint(1e-7, 5e-8), "Ada", "the middle")
    runner.run(recipe(OVERVIEW, EXPLORE).steps, seed=1)
    run = open_run(tmp_path)
    assert run.decisions[0].reason == "asked for by Ada"
    assert len(run.measurements) == 4
    names = [type(record.event).__name__ for record in run.records]
    assert names.index("Intervention") < names.index("PointChosen")
