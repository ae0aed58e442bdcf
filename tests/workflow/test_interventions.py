"""A run that humans step into in every way, killed twice, is the same run unbroken."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from humans import Act, Human, begin, resume, steer, told
from ohmic_runs import EXPLORE, OVERVIEW, recipe
from resuming import cut

from spm_auto.agents import ForbidRegion, ForcePoint, Prefer, Rescalarize, SetExploration
from spm_auto.data import FinishReason, Judged, Verdict, open_run
from spm_auto.workflow import Ask

GP = {**EXPLORE, "agent": {"kind": "gp", "initial": 3}, "budget": 10}
TASTE = {**EXPLORE, "agent": {"kind": "preference", "initial": 3}, "budget": 9}
LARGER = {**OVERVIEW, "frame": {**OVERVIEW["frame"], "pixels": [6, 4]}}
STEPS = recipe(OVERVIEW, GP, {"kind": "approve", "message": "the tip looks good"}, LARGER, TASTE)


def preferring(human: Human) -> None:
    one, other = human.scored[-2:]
    better, worse = (one, other) if one.value > other.value else (other, one)
    human.runner.steer(Prefer(better.candidate, worse.candidate), "Ada", "it looks cleaner")


ACTS = (
    Act("LineAcquired", 2, lambda h: h.runner.annotate("a streak in this line", "Ada")),
    Act("SpectrumAcquired", 2, lambda h: h.runner.pause("Ada", "lunch")),
    Act("paused by a human", 1, lambda h: h.runner.resume("Ada", "lunch is over")),
    Act("SpectrumAcquired", 3, steer(ForcePoint(0.0, 0.0), "it glitters")),
    Act("SpectrumAcquired", 4, steer(ForbidRegion((3e-7, 1e-7), radius=1e-7), "a scratch")),
    Act("SpectrumAcquired", 5, steer(Rescalarize("peak"))),
    Act("SpectrumScored", 10, steer(SetExploration(0.5))),
    Act("SpectrumAcquired", 7, lambda h: h.runner.set_approval(1, "Ada", "I am back")),
    Act("LineAcquired", 5, steer(ForcePoint(2e-7, 1e-7))),
    Act("SpectrumAcquired", 12, lambda h: h.runner.set_approval(2, "Ada")),
    *(Act("SpectrumAcquired", n, preferring) for n in (14, 15, 16, 17)),
    Act("SpectrumAcquired", 18, lambda h: h.runner.annotate("almost done", "Bob", "to say so")),
)


def answer(ask: Ask, before: Sequence[Judged]) -> tuple[Verdict, dict[str, Any]]:
    """Reject the first point, have the second measured elsewhere, and agree from then on."""
    if ask.kind == "point" and not any(j.verdict is Verdict.REJECTED for j in before):
        return Verdict.REJECTED, {}
    if ask.kind == "point" and not any(j.verdict is Verdict.EDITED for j in before):
        return Verdict.EDITED, {"x": -2e-7, "y": 0.0}
    return Verdict.APPROVED, {}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interventions") / "whole"
    assert begin(folder, Human(ACTS, answer), STEPS.steps).reason == FinishReason.COMPLETED
    return folder


@cache
def said(folder: Path) -> tuple[Any, ...]:
    return tuple(told(folder))


def test_every_kind_of_intervention_is_on_record_with_who_and_why(whole: Path) -> None:
    run = open_run(whole)
    kinds = [event.kind for event in run.interventions]
    assert len(kinds) == len(ACTS)
    assert set(kinds) == {
        "annotate", "pause", "resume", "force_point", "forbid_region", "rescalarize",
        "set_exploration", "set_approval", "prefer",
    }  # fmt: skip
    assert {event.who for event in run.interventions} == {"Ada", "Bob"}
    judged = [r.event for r in run.records if isinstance(r.event, Judged)]
    verdicts = [each.verdict for each in judged]
    assert verdicts.count(Verdict.REJECTED) == 1
    assert verdicts.count(Verdict.EDITED) == 1
    assert verdicts.count(Verdict.APPROVED) > 3
    assert {each.kind for each in judged} == {"point", "step"}
    assert not run.alarms
    names = [type(record.event).__name__ for record in run.records]
    between = [n for n, name in enumerate(names) if name == "Intervention"]
    assert any(names[n - 1] == names[n + 1] == "LineAcquired" for n in between)


def killed_twice(whole: Path, first: int, second: int, tmp_path: Path) -> None:
    """Cut a run twice, in its first and in its second life, and hold its end against the whole."""
    once = cut(whole, first, tmp_path / f"{first}", torn=first % 7)
    resume(once, Human(ACTS, answer), STEPS.steps)
    n = len(open_run(once).records)
    twice = cut(once, min(second, n - 1), tmp_path / f"{first} and {second}", torn=second % 5)
    assert resume(twice, Human(ACTS, answer), STEPS.steps).reason == FinishReason.COMPLETED
    assert said(twice) == said(whole), f"cut after {first} and {second} records"


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7])
def test_killed_twice_it_ends_as_the_unbroken_one(
    share: float, whole: Path, tmp_path: Path
) -> None:
    n = len(open_run(whole).records)
    killed_twice(whole, int(share * n), int((share + 0.13) * n), tmp_path)


@pytest.mark.torture
def test_killed_twice_anywhere_it_ends_as_the_unbroken_one(whole: Path, tmp_path: Path) -> None:
    n = len(open_run(whole).records)
    for first in range(2, n):
        killed_twice(whole, first, first + 1 + 7 * first % 40, tmp_path)
