"""The plan inside of blocks: rounds, budgets, ways, and the agent beside the instrument."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from by_hand import Microscope
from ohmic_runs import EXPLORE, OVERVIEW, SWEEP, recipe

from spm_auto.clock import InstantClock
from spm_auto.instrument import AcquireSpectrum, GuardedInstrument, Instruction, PositionProbe
from spm_auto.workflow import (
    Measured,
    Plan,
    PlannedStep,
    Pricing,
    Resource,
    TipSettings,
    make_plan,
    outlines_of,
)
from spm_auto.workflow.planning.foreseen import Foreseen
from spm_auto.workflow.planning.pricing import mean_distance

SPECTRUM, LINES, LOADING = 0.5, 3.0, 1.0  # [s] what the ohmic microscope takes
POINTS = {
    "kind": "points",
    "points": [["100 nm", "0 nm"], ["200 nm", "0 nm"]],
    "waveform": SWEEP,
}
WAIT = {"kind": "wait", "duration": "10 s"}


class Slow(Microscope):
    """A microscope that needs a second for each 100 nm between two spectra."""

    def duration(self, instruction: Instruction) -> float:
        match instruction:
            case AcquireSpectrum(x=x, y=y) | PositionProbe(x=x, y=y):
                return super().duration(instruction) + math.dist((x, y), self._position) / 1e-7
            case _:
                return super().duration(instruction)


def planned(*steps: dict[str, Any], measured: Measured | None = None) -> Plan:
    microscope = Microscope(InstantClock())
    plan = make_plan(recipe(*steps), GuardedInstrument(microscope), measured)
    assert microscope.calls == []
    return plan


def seconds(step: PlannedStep, what: str) -> float:
    return sum(o.seconds for o in step.operations if o.what == what)


def repeat(times: int, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "repeat", "times": times, "steps": list(steps), **more}


def within(limit: dict[str, Any], *steps: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "within", "budget": [limit], "steps": list(steps)}


def test_rounds_are_counted_with_all_that_is_inside_of_them() -> None:
    block = planned(repeat(3, OVERVIEW, repeat(2, POINTS, WAIT))).steps[0]
    overview, inner = block.inner
    points, wait = inner.inner
    assert (block.rounds, inner.rounds) == (3, 6)
    assert (overview.n_lines, points.n_spectra, block.n_spectra) == (9, 12, 12)
    assert seconds(wait, "wait") == 60.0
    assert block.seconds == pytest.approx(3 * LINES + 12 * SPECTRUM + 60.0)
    assert [step.path for step in block.flat()] == [(0,), (0, 0), (0, 1), (0, 1, 0), (0, 1, 1)]
    assert block.end - block.start == pytest.approx(block.seconds)


def test_a_repetition_ends_with_the_round_in_which_its_time_is_over() -> None:
    until = [{"kind": "time", "limit": "25 s"}]
    assert planned(repeat(99, WAIT, until=until)).steps[0].rounds == 3


def test_a_repetition_ends_with_the_round_in_which_it_has_its_spectra() -> None:
    until = [{"kind": "spectra", "limit": 5}]
    assert planned(repeat(99, POINTS, until=until)).steps[0].n_spectra == 6


def test_a_budget_of_time_ends_its_steps_in_the_middle() -> None:
    explore = {**EXPLORE, "budget": 100}
    plan = planned(OVERVIEW, within({"kind": "time", "limit": "10.2 s"}, explore))
    assert plan.steps[1].n_spectra == 21  # the one that has begun comes to its end
    assert plan.steps[1].seconds == pytest.approx(10.5)


def test_a_budget_of_exposure_ends_its_steps_in_the_middle() -> None:
    volt_seconds = 2.5 * 0.1  # of a sweep: 0 to 1 V in five points of 100 ms
    limit = {"kind": "exposure", "limit": f"{4.5 * volt_seconds} V s"}
    plan = planned(OVERVIEW, within(limit, {**EXPLORE, "budget": 100}, WAIT))
    assert plan.steps[1].n_spectra == 5


def test_the_budget_of_an_outer_block_ends_what_is_inside_of_inner_ones() -> None:
    inner = repeat(50, repeat(50, POINTS))
    plan = planned(within({"kind": "spectra", "limit": 7}, inner, OVERVIEW), WAIT)
    assert plan.steps[0].n_spectra == 7
    assert plan.steps[0].n_lines == 0
    assert plan.steps[1].seconds == 10.0


def test_more_rounds_than_can_be_gone_through_are_extrapolated() -> None:
    block = planned(repeat(100_000, POINTS, WAIT)).steps[0]
    assert block.n_spectra == 200_000
    assert block.seconds == pytest.approx(100_000 * (2 * SPECTRUM + 10.0))
    until = [{"kind": "time", "limit": f"{50_000 * 11} s"}]
    assert planned(repeat(100_000, POINTS, WAIT, until=until)).steps[0].rounds == 50_000


def test_ways_between_points_are_counted_from_where_the_probe_will_be() -> None:
    plan = make_plan(recipe(POINTS), GuardedInstrument(Slow(InstantClock())))
    assert seconds(plan.steps[0], "position") == pytest.approx(2.0)  # to 100 nm, and to 200 nm
    assert seconds(plan.steps[0], "spectrum") == pytest.approx(2 * SPECTRUM)


def test_points_that_an_agent_will_choose_lie_as_far_apart_as_points_at_random() -> None:
    plan = make_plan(recipe(OVERVIEW, EXPLORE), GuardedInstrument(Slow(InstantClock())))
    ways = seconds(plan.steps[1], "position")
    assert ways == pytest.approx(4 * mean_distance(8e-7, 3e-7) / 1e-7)


@pytest.mark.parametrize(("width", "height"), [(1.0, 1.0), (8e-7, 3e-7), (1e-9, 1e-6)])
def test_the_mean_distance_in_a_rectangle_is_that_of_points_drawn_in_it(
    width: float, height: float
) -> None:
    points = np.random.default_rng(1).random((2, 200_000, 2)) * (width, height)
    drawn = np.hypot(*(points[1] - points[0]).T).mean()
    assert mean_distance(width, height) == pytest.approx(drawn, rel=5e-3)
    assert mean_distance(1.0, 1.0) == pytest.approx(0.5214054, rel=1e-6)


def test_what_nobody_has_measured_is_not_known_and_counts_nothing() -> None:
    plan = planned(OVERVIEW, EXPLORE)
    thinking = [o for o in plan.steps[1].operations if o.resource is Resource.AGENT]
    assert [(o.what, o.count) for o in thinking] == [("make the agent", 1), ("think", 4)]
    assert all(math.isnan(o.seconds) for o in thinking)
    assert plan.elapsed == pytest.approx(plan.seconds)


def test_a_quick_agent_thinks_beside_the_instrument() -> None:
    plan = planned(OVERVIEW, EXPLORE, measured=Measured(thinking=0.2, making=2.0))
    assert plan.elapsed == pytest.approx(plan.seconds + 2.0)
    assert plan.bottleneck.what == "scan"
    assert plan.bottleneck.resource is Resource.INSTRUMENT


def test_a_slow_agent_is_the_bottleneck_and_holds_up_the_instrument() -> None:
    plan = planned(OVERVIEW, EXPLORE, measured=Measured(thinking=5.0, making=2.0))
    held_up = 4 * (5.0 - SPECTRUM)
    assert plan.elapsed == pytest.approx(plan.seconds + 2.0 + held_up)
    assert plan.seconds == pytest.approx(LOADING + LINES + 4 * SPECTRUM)
    assert plan.bottleneck.resource is Resource.AGENT
    assert plan.bottleneck.path == (1,)
    assert plan.bottleneck.seconds == pytest.approx(held_up)
    assert sum(each.share for each in plan.critical_path) == pytest.approx(1.0)
    assert sum(each.seconds for each in plan.critical_path) == pytest.approx(plan.elapsed)


def test_an_agent_that_does_not_look_ahead_is_always_waited_for() -> None:
    step = {**EXPLORE, "look_ahead": False}
    plan = planned(OVERVIEW, step, measured=Measured(thinking=0.2))
    assert plan.elapsed == pytest.approx(plan.seconds + 4 * 0.2)


def test_times_are_corrected_by_what_was_measured() -> None:
    plan = planned(OVERVIEW, EXPLORE, measured=Measured(ratios={"scan": 2.0, "spectrum": 1.5}))
    assert plan.seconds == pytest.approx(LOADING + 2 * LINES + 1.5 * 4 * SPECTRUM)


def test_looks_at_the_tip_are_planned_as_often_as_they_will_be() -> None:
    frame = {"center": ("0 nm", "0 nm"), "size": ("9 nm", "9 nm"), "pixels": (8, 8)}
    tip = TipSettings.model_validate(
        {"reference": frame, "parking": ("0 nm", "0 nm"), "every": 10, "line_rate": "1 Hz"}
    )
    instrument = GuardedInstrument(Microscope(InstantClock()))
    foreseen = Foreseen(Pricing(instrument), instrument.capabilities, tip)
    for index, outline in enumerate(outlines_of(recipe(OVERVIEW, {**EXPLORE, "budget": 25}))):
        foreseen.go(outline, (index,))
    # at first, after 10 and after 20 spectra, and at the end
    assert foreseen.accounts[(1,)].count[Resource.INSTRUMENT, "look at the tip"] == 4
    assert foreseen.now == pytest.approx(LINES + 25 * SPECTRUM + 4 * 8.0)


def test_spans_of_the_instrument_do_not_overlap() -> None:
    plan = planned(OVERVIEW, repeat(3, EXPLORE, WAIT), measured=Measured(thinking=5.0))
    busy = [s for s in plan.spans if s.resource is Resource.INSTRUMENT]
    assert all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(busy))
    assert busy[-1].end == pytest.approx(plan.elapsed)
