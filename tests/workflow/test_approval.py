"""Approvals and retries: what a human says of a point is done, and bad spectra are taken again."""

from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe
from resuming import cut, records_of, resume, resumed_runner

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import InstantClock
from spm_auto.data import (
    Alarm,
    Finding,
    FinishReason,
    Intervention,
    Judged,
    PointChosen,
    SpectrumAcquired,
    SpectrumScored,
    Verdict,
    open_run,
)
from spm_auto.errors import LimitExceeded, RecipeError
from spm_auto.instrument import AcquireSpectrum, QualityFlag, Spectrum
from spm_auto.workflow import Approving, Ask, RepeatBlock, Runner, Step

GP = {**EXPLORE, "agent": {"kind": "gp", "initial": 3}, "budget": 6, "approval": "every"}
ZOOM = {"kind": "zoom", "factor": 2.0, "pixels": [4, 4], "by": {"kind": "features"}}
APPROVE = {"kind": "approve", "message": "the tip looks good"}


class Scripted:
    """Answers one question after another as it was told to, and agrees from then on."""

    def __init__(self, *answers: tuple[str, dict[str, Any]]) -> None:
        self._answers = list(answers)
        self.asked: list[Ask] = []

    def __call__(self, ask: Ask) -> Judged:
        self.asked.append(ask)
        verdict, values = self._answers.pop(0) if self._answers else ("approved", {})
        return Judged(ask.kind, ask.question, Verdict(verdict), "Ada", "", values)


def explored(folder: Path, human: Scripted, **settings: Any) -> Runner:
    clock = InstantClock()
    runner = new_runner(folder, OhmicMicroscope(clock), clock, approve=human)
    finished = runner.run(recipe(OVERVIEW, {**GP, **settings}).steps, seed=1)
    assert finished.reason == FinishReason.COMPLETED, finished
    return runner


@pytest.mark.parametrize("look_ahead", [True, False], ids=["look ahead", "wait"])
def test_a_rejected_point_is_not_measured_nor_asked_about_again(
    look_ahead: bool, tmp_path: Path
) -> None:
    human = Scripted(*[("rejected", {})] * 3)
    explored(tmp_path, human, look_ahead=look_ahead)
    run = open_run(tmp_path)
    assert len(run.spectra) == 6
    rejected = {(ask.values["x"], ask.values["y"]) for ask in human.asked[:3]}
    later = [(ask.values["x"], ask.values["y"]) for ask in human.asked[3:]]
    assert len(rejected) == 3
    assert rejected.isdisjoint(later)
    assert [(s.x, s.y) for s in run.spectra] == later
    assert [ask.number for ask in human.asked] == [1, 1, 1, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("look_ahead", [True, False], ids=["look ahead", "wait"])
def test_an_edited_point_is_measured_where_the_human_wants(
    look_ahead: bool, tmp_path: Path
) -> None:
    human = Scripted(
        ("approved", {}), ("edited", {"x": 4e-7, "y": 1.4e-7}), ("edited", {"bias": 0.5})
    )
    explored(tmp_path, human, look_ahead=look_ahead, amplitudes=["1 V", "0.5 V"],
             waveform={"kind": "triangle", "amplitude": "1 V", "points": 8})  # fmt: skip
    run = open_run(tmp_path)
    assert len(run.spectra) == 6
    assert abs(run.spectra[1].x - 4e-7) <= 5.1e-8  # the pixel next to it
    assert abs(run.spectra[1].y - 1.4e-7) <= 5.1e-8
    forced = [m.chosen for m in run.measurements if m.chosen and "Ada" in m.chosen.reason]
    assert len(forced) == 2
    assert forced[1].bias == 0.5
    third = human.asked[2].values
    assert (forced[1].x, forced[1].y) == (third["x"], third["y"])
    assert len(human.asked) == 6  # who says where is not asked again


def test_an_edit_that_cannot_be_is_refused_and_the_human_is_asked_again(tmp_path: Path) -> None:
    human = Scripted(("edited", {"x": 1.0}))
    explored(tmp_path, human)
    (alarm,) = open_run(tmp_path).alarms
    assert "lies outside of the overview" in alarm.message
    assert [ask.number for ask in human.asked[:2]] == [1, 1]


def test_a_question_says_why_and_what_is_expected(tmp_path: Path) -> None:
    human = Scripted()
    explored(tmp_path, human)
    first, last = human.asked[0].question, human.asked[-1].question
    assert first.startswith("spectrum 1: measure at (")
    assert "; expected " in last
    assert " ± " in last


def test_every_third_point_is_asked_about(tmp_path: Path) -> None:
    human = Scripted()
    explored(tmp_path, human, approval={"every": 3})
    assert [ask.number for ask in human.asked] == [3, 6]
    explored(tmp_path / "never", human := Scripted(), approval="never")
    assert human.asked == []


def test_whoever_is_asked_may_reject_all_until_nothing_is_left(tmp_path: Path) -> None:
    human = Scripted(*[("rejected", {})] * 24)
    explored(tmp_path, human)
    assert len(human.asked) == 24  # as many as the overview has pixels
    assert open_run(tmp_path).spectra == ()


def test_an_answer_comes_back_from_the_record_wherever_it_is_cut(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, GP).steps
    answers = (("rejected", {}), ("approved", {}), ("edited", {"x": 4e-7, "y": 1.4e-7}))
    explored(tmp_path / "whole", Scripted(*answers))
    whole = [r.event for r in records_of(tmp_path / "whole")]
    cuts = [n + k for n, e in enumerate(whole) if isinstance(e, Judged) for k in (0, 1)]
    for n in cuts[1:5]:
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        done = sum(isinstance(event, Judged) for event in whole[:n])
        resume(folder, steps, approve=Scripted(*answers[done:]))
        spectra = [s.data.tobytes() for s in open_run(folder).spectra]
        assert spectra == [s.data.tobytes() for s in open_run(tmp_path / "whole").spectra], n


def test_how_often_a_human_wants_to_be_asked_outlives_the_process(tmp_path: Path) -> None:
    runner = new_runner(tmp_path / "whole", approve=Scripted())
    runner.set_approval(2, "Ada", "I have to go")
    runner.run(recipe(OVERVIEW, {**GP, "approval": "never"}).steps, seed=1)
    records = records_of(tmp_path / "whole")
    (said,) = [r.event for r in records if isinstance(r.event, Intervention)]
    assert (said.what, said.values) == ("ask about every 2nd proposal", {"every": 2})
    folder = cut(tmp_path / "whole", 14, tmp_path / "cut")
    assert resumed_runner(folder).approval == 2


def test_whoever_says_no_ends_the_run_and_is_asked_again_when_it_is_resumed(
    tmp_path: Path,
) -> None:
    steps = recipe(OVERVIEW, APPROVE, EXPLORE).steps
    no = Scripted(("rejected", {}))
    runner = new_runner(tmp_path, approve=no)
    finished = runner.run(steps, seed=1)
    assert finished.reason == FinishReason.CANCELLED
    assert finished.message == "Ada said no to 'the tip looks good'"
    yes = Scripted()
    assert resume(tmp_path, steps, approve=yes).finished.reason == FinishReason.COMPLETED
    assert [ask.question for ask in yes.asked] == ["the tip looks good"]
    assert len(open_run(tmp_path).spectra) == 4


def test_a_recipe_that_asks_where_nobody_answers_is_refused_before_anything_moves(
    tmp_path: Path,
) -> None:
    inner = recipe(OVERVIEW, GP).steps
    block = RepeatBlock(kind="repeat", times=1, steps=inner)
    cases: dict[str, list[Step]] = {
        "explore": list(inner),
        "approve": list(recipe(OVERVIEW, APPROVE).steps),
        "block": [block],
        "zoom": list(recipe(OVERVIEW, {**ZOOM, "ask": "may"}).steps),
    }
    for name, steps in cases.items():
        bench = Bench(tmp_path / name)
        assert "nobody can answer" in bench.run(*steps).message
        assert bench.microscope.calls == ["close"]


def test_a_rehearsal_says_yes_in_its_own_name(tmp_path: Path) -> None:
    runner = new_runner(tmp_path, approve=Approving("rehearsal"))
    assert runner.run(recipe(OVERVIEW, APPROVE).steps, seed=1).reason == FinishReason.COMPLETED
    (judged,) = [r.event for r in records_of(tmp_path) if isinstance(r.event, Judged)]
    assert (judged.verdict, judged.who) == (Verdict.APPROVED, "rehearsal")


@pytest.mark.parametrize("approval", ["always", {"every": 0}, {"each": 1}, 5])
def test_other_approvals_are_refused(approval: Any) -> None:
    with pytest.raises(RecipeError, match="approval"):
        recipe(OVERVIEW, {**GP, "approval": approval})


class Flaky(OhmicMicroscope):
    """An ohmic sample of which every other spectrum is flagged, and one place is worn out."""

    def __init__(self, clock: InstantClock, most: int = 999) -> None:
        super().__init__(clock)
        self.most, self.taken = most, 0

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        if self.taken >= self.most:
            raise LimitExceeded("spectra near here", 3.0, (0.0, 2.0), "")
        self.taken += 1
        found = super().acquire_spectrum(instruction)
        flags = (QualityFlag.SATURATED,) if self.taken % 2 else ()
        return Spectrum(
            found.x, found.y, found.bias, found.channels, found.data, found.start_time,
            found.end_time, flags,
        )  # fmt: skip


def flaky(folder: Path, retries: int, most: int = 999) -> list[Any]:
    clock = InstantClock()
    steps = recipe(OVERVIEW, {**EXPLORE, "budget": 3, "retries": retries}).steps
    runner = new_runner(folder, Flaky(clock, most), clock)
    assert runner.run(steps, seed=1).reason == FinishReason.COMPLETED
    return [record.event for record in records_of(folder)]


def of(events: list[Any], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_spectrum_that_is_no_good_is_taken_again_and_only_the_last_is_told(
    tmp_path: Path,
) -> None:
    events = flaky(tmp_path / "whole", retries=2)
    spectra = [event.spectrum for event in of(events, SpectrumAcquired)]
    assert [bool(s.flags) for s in spectra] == [True, False] * 3
    assert [s.flag for s in of(events, SpectrumScored)] == ["", "", ""]
    told = {scored.start_time for scored in of(events, SpectrumScored)}
    assert told == {s.start_time for s in spectra if not s.flags}
    findings = of(events, Finding)
    assert len(findings) == 3
    assert findings[0].kind == "retry"
    assert "is no good (saturated): it is taken again, 1 of at most 2" in findings[0].message
    assert len(of(events, PointChosen)) == 3
    for n in (13, 14, 15, 17):  # wherever it is cut, it decides as it did
        folder, clock = cut(tmp_path / "whole", n, tmp_path / f"cut {n}"), InstantClock()
        steps = recipe(OVERVIEW, {**EXPLORE, "budget": 3, "retries": 2}).steps
        assert resume(folder, steps, microscope=Flaky(clock), clock=clock).finished
        again = [r.event for r in records_of(folder)]
        assert len(of(again, SpectrumAcquired)) == 6
        assert str(of(again, SpectrumScored)) == str(of(events, SpectrumScored))


def test_without_retries_a_bad_spectrum_is_told_as_it_is(tmp_path: Path) -> None:
    scored = of(flaky(tmp_path, retries=0), SpectrumScored)
    assert [s.flag for s in scored] == ["saturated", "", "saturated"]


def test_a_worn_out_area_is_a_refused_point_also_when_it_is_taken_again(tmp_path: Path) -> None:
    events = flaky(tmp_path, retries=3, most=3)
    assert len(of(events, SpectrumAcquired)) == 3
    messages = [alarm.message for alarm in of(events, Alarm)]
    assert messages[0].startswith("it could not be taken again: spectra near here of 3")
    assert messages[1].startswith("the agent's point was refused: spectra near here of 3")
    assert [s.flag for s in of(events, SpectrumScored)] == ["", "saturated"]
