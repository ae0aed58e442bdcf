"""The condition_tip step: it looks, treats where it does no harm, learns, and stops when good."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import Microscope
from ohmic_runs import new_runner
from pydantic import ValidationError
from resuming import cut, resumed_runner, story

from spm_auto.clock import InstantClock
from spm_auto.data import Alarm, Finding, FinishReason
from spm_auto.errors import InstrumentError, LimitExceeded, RecipeError
from spm_auto.instrument import Channel, ConditionTip, GuardedInstrument, Scan, ScanImage
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import (
    ConditionTipStep,
    Knowledge,
    Note,
    Recipe,
    StepContext,
    Wait,
    make_plan,
    parse_recipe,
)
from spm_auto.workflow.steps.tip_memory import Experience, TipAction, TipMemory

TABLE: dict[str, Any] = {
    "kind": "condition_tip",
    "reference": {"center": ("0 nm", "0 nm"), "size": ("3 nm", "3 nm"), "pixels": (40, 40)},
    "parking": {"center": ("60 nm", "0 nm"), "radius": "25 nm"},
    "spacing": "10 nm",
    "actions": ({"bias": "2 V"}, {"depth": "0.5 nm"}, {"bias": "6 V"}),
    "least": "1 nm",
    "patience": 1,
    "most": 8,
}
GENTLE = TipAction(2.0, 0.0, 10e-3)


def step(**more: Any) -> ConditionTipStep:
    return ConditionTipStep.model_validate({**TABLE, **more})


def picture(scan: Scan, height: float) -> ScanImage:
    """Return an image of rows of atoms so high (rms)."""
    waves = math.sqrt(2) * height * np.sin(np.arange(scan.frame.pixels[0]))
    stack = np.tile(waves, (1, scan.frame.pixels[1], 1))
    return ScanImage(scan.frame, (Channel("height", "m"),), stack, stack, 0.0, 10.0)


class Played:
    """What a step did, with each look showing the next height [nm]."""

    def __init__(
        self,
        step: ConditionTipStep,
        heights: Iterator[float],
        knowledge: Knowledge | None = None,
        refuse: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.done: list[ConditionTip] = []
        self.events: list[Any] = []
        self.error: InstrumentError | None = None
        context = StepContext(1, 0, knowledge=knowledge or Knowledge())
        generator, n_asked = step.run(context), 0
        answer: Any = None
        error: LimitExceeded | None = None
        try:
            while True:
                request = generator.throw(error) if error else generator.send(answer)
                answer, error = None, None
                match request:
                    case Wait():
                        answer = 0.0
                    case Scan():
                        answer = picture(request, 1e-9 * next(heights))
                    case ConditionTip():
                        n_asked += 1
                        if refuse(n_asked):
                            error = LimitExceeded("pulses", 2, (0, 1), "")
                        else:
                            self.done.append(request)
                    case Note(event=event):
                        self.events.append(event)
        except StopIteration:
            pass
        except InstrumentError as end:
            self.error = end

    @property
    def places(self) -> list[tuple[float, float]]:
        return [(each.x, each.y) for each in self.done]


def test_a_good_tip_is_left_alone_and_that_is_said() -> None:
    played = Played(step(), iter([1.2]))
    assert not played.done
    (found,) = played.events
    assert isinstance(found, Finding)
    assert "good" in found.message


def test_one_bad_look_is_chance_and_so_is_one_good_one() -> None:
    assert not Played(step(), iter([0.5, 1.2])).done
    assert len(Played(step(), iter([0.5, 0.5, 1.2, 0.5, 1.2, 1.2])).done) == 2


def test_the_strong_ones_are_tried_only_when_the_gentle_ones_have_failed() -> None:
    played = Played(step(patience=2), iter([0.1] * 30 + [1.2] * 2))
    strengths = [each.bias or 1e10 * each.depth for each in played.done]
    assert strengths[:2] == [2.0, 2.0]
    assert strengths.index(6.0) > strengths.index(5.0)


def test_each_action_takes_a_place_of_its_own_away_from_what_is_forbidden() -> None:
    forbidden = {"center": ("60 nm", "0 nm"), "radius": "12 nm"}
    knowledge = Knowledge()
    given_up = step(forbidden=(forbidden,), then="go on", most=4)
    places = [*Played(given_up, iter([0.1] * 9), knowledge).places]
    places += Played(given_up, iter([0.1] * 9), knowledge).places  # a later step remembers them
    assert len(places) == 8
    apart = [math.dist(a, b) for n, a in enumerate(places) for b in places[:n]]
    assert min(apart) >= 10e-9 * (1 - 1e-9)
    from_middle = [math.dist(place, (60e-9, 0.0)) for place in places]
    assert min(from_middle) > 12e-9
    assert max(from_middle) <= 25e-9


def test_when_no_place_is_left_the_tip_is_given_up() -> None:
    small = step(parking={"center": ("60 nm", "0 nm"), "radius": "5 nm"})
    played = Played(small, iter([0.1] * 9))
    assert len(played.done) == 1
    assert "parking area is used up" in str(played.error)


def test_what_is_refused_is_not_done_again_there_and_not_for_ever() -> None:
    played = Played(step(), iter([0.1] * 3 + [1.2] * 2), refuse=lambda n: n == 1)
    assert played.error is None
    assert "refused" in played.events[1].message
    often = Played(step(), iter([0.1] * 9), refuse=lambda _: True)
    assert not often.done
    assert "refused 3 times in a row" in str(often.error)


@pytest.mark.parametrize("then", ["stop", "go on"])
def test_a_tip_that_is_given_up_ends_the_run_or_not_as_was_said(then: str) -> None:
    played = Played(step(then=then, most=3), iter([0.1] * 9))
    assert len(played.done) == 3
    assert isinstance(played.events[-1], Alarm)
    assert (played.error is None) == (then == "go on")


def test_the_time_that_it_may_take_is_kept() -> None:
    played = Played(step(longest="5 s"), iter([0.1] * 9))  # each look of these ends at 10 s
    assert not played.done
    assert "10.0 s were not enough" in str(played.error)


def test_what_helped_once_is_chosen_again_and_what_costs_more_less_often() -> None:
    actions = [GENTLE, TipAction(6.0, 0.0, 10e-3), TipAction(0.0, 1e-9, 10e-3)]
    memory = TipMemory({a: Experience(0, 3, 0.0, 10.0) for a in actions})
    memory.known[actions[1]] = Experience(6, 3, 0.0, 10.0)
    memory.known[actions[2]] = Experience(6, 3, 0.0, 100.0)
    rng = np.random.default_rng(0)
    chosen = [memory.choose(actions, 0.5, 1, rng)[0] for _ in range(50)]
    assert chosen.count(actions[1]) > 40
    assert memory.choose(actions[:1], 0.5, 1, rng)[0] is GENTLE


def test_the_first_look_of_a_run_is_the_measure_where_a_share_is_asked_for() -> None:
    knowledge = Knowledge()
    relative = step(least=None, share=0.8, even=0.8)
    assert not Played(relative, iter([1.0]), knowledge).done
    assert not Played(relative, iter([0.9]), knowledge).done
    assert len(Played(relative, iter([0.5, 0.5, 1.0, 1.0]), knowledge).done) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"share": 0.8}, "either least"),
        ({"least": None}, "either least"),
        ({"parking": {"center": ("0 nm", "0 nm"), "radius": "8 nm"}}, "no place left"),
        ({"rows": "0.05 nm"}, "rows can be judged"),
        ({"actions": ({"bias": "1 V", "depth": "1 nm"},)}, "either a pulse or a poke"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        step(**wrong)


def recipe(*steps: dict[str, Any]) -> Recipe:
    return parse_recipe({"schema_version": 1, "title": "rescue", "steps": steps}, "recipe.toml")


RESCUE = {
    **TABLE,
    "reference": {"center": ("0 nm", "0 nm"), "size": ("3 nm", "1.5 nm"), "pixels": (40, 20)},
    "actions": ({"bias": "2 V"}, {"bias": "6 V"}),
    "least": "4.5 pm",
    "rows": "0.213 nm",
    "even": 0.4,
    "most": 30,
    "spacing": "6 nm",
}


def worn(clock: InstantClock) -> GuardedInstrument:
    sample = {"kind": "hopg", "size": "256 nm", "steps": 0, "vacancies": 0}
    technique = {"kind": "stm", "tip_life": {"change_time": "1e9 s"}}
    blunt = {"kind": "tip_change", "action": 1}
    table = {"sample": sample, "technique": technique, "faults": (blunt,)}
    return GuardedInstrument(SimulatorSettings.model_validate(table).open(clock, 2))


def test_a_worn_tip_is_rescued_and_the_run_goes_on_from_any_record(tmp_path: Path) -> None:
    steps = recipe(RESCUE).steps
    clock = InstantClock()
    runner = new_runner(tmp_path / "whole", worn(clock), clock)
    assert runner.run(steps, 1).reason == FinishReason.COMPLETED
    whole = story(tmp_path / "whole")
    kinds = [name for name, _, _ in whole]
    assert kinds.count("TipConditioned") >= 2
    for n in range(8, len(whole), len(whole) // 4):
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        clock = InstantClock()
        resumed = resumed_runner(folder, worn(clock), clock)
        assert resumed.run(steps, 1).reason == FinishReason.COMPLETED
        assert story(folder) == whole, f"cut after {n} records ({kinds[n - 1]})"


def test_a_microscope_that_cannot_treat_its_tip_is_refused_before_anything_moves() -> None:
    plain = GuardedInstrument(Microscope(InstantClock()))
    with pytest.raises(RecipeError, match="ConditionTip"):
        make_plan(recipe(TABLE), plain)
