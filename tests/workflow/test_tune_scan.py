"""The tune_scan step: from bad settings to good images, by steps that are safe."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ohmic_runs import new_runner
from pydantic import ValidationError
from resuming import cut, resumed_runner, story

from spm_auto.clock import InstantClock
from spm_auto.data import LOOK, Finding, FinishReason
from spm_auto.errors import BudgetSpent, LimitExceeded
from spm_auto.instrument import (
    Channel,
    GuardedInstrument,
    Limits,
    Scan,
    ScanImage,
    SetFeedback,
)
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import Knowledge, Note, StepContext, TuneScanStep
from spm_auto.workflow.steps.tuning import Setting

TABLE: dict[str, Any] = {
    "kind": "tune_scan",
    "frame": {"center": ("0 nm", "0 nm"), "size": ("20 nm", "5 nm"), "pixels": (64, 8)},
    "begin": {"gain": "30 1/s", "setpoint": "300 pA", "line_rate": "8 Hz"},
    "gain": ("10 1/s", "10000 1/s"),
    "setpoint": ("30 pA", "1 nA"),
    "line_rate": ("0.5 Hz", "16 Hz"),
    "channel": "height",
    "error": "current",
}
EDGE = 3000.0  # gain from which the loop below oscillates [1/s]


def step(**more: Any) -> TuneScanStep:
    return TuneScanStep.model_validate({**TABLE, **more})


def loop_image(scan: Scan, setting: Setting) -> ScanImage:
    """Return what a loop of first order shows of a wavy surface; it oscillates beyond an edge."""
    lines, pixels = scan.frame.shape
    rng = np.random.default_rng(int(setting.gain * 1000))
    waves = 5.0  # in a line
    ratio = 2 * np.pi * waves * 2 * setting.line_rate / setting.gain
    delay, share = np.arctan(ratio), 1 / np.sqrt(1 + ratio**2)
    phase = 2 * np.pi * waves * np.arange(pixels) / pixels
    noise = 0.05 * rng.standard_normal((2, lines, pixels))
    wild = 2.0 * rng.standard_normal((2, lines, pixels)) if setting.gain > EDGE else 0.0
    heights = np.array([share * np.sin(phase - delay), share * np.sin(phase + delay)])
    late = 3.0 * np.sin(delay) * np.array([np.cos(phase - delay), -np.cos(phase + delay)])
    stack = np.stack([heights[:, np.newaxis] + noise + wild, late[:, np.newaxis] + noise + wild], 1)
    stack[:, 1] = setting.setpoint * (1 + stack[:, 1])
    channels = (Channel("height", "m"), Channel("current", "A"))
    return ScanImage(scan.frame, channels, stack[0], stack[1], 0.0, 1.0)


class Tuned:
    """What the step did with that loop."""

    def __init__(
        self,
        step: TuneScanStep,
        knowledge: Knowledge | None = None,
        error: Callable[[SetFeedback, int], Exception | None] = lambda *_: None,
    ) -> None:
        self.tried: list[Setting] = []
        self.found: list[Finding] = []
        self.scans: list[Scan] = []
        self.feedback = SetFeedback()
        context = StepContext(1, 0, knowledge=knowledge or Knowledge())
        generator = step.run(context)
        answer: Any = None
        thrown: Exception | None = None
        try:
            while True:
                request = generator.throw(thrown) if thrown else generator.send(answer)
                answer, thrown = None, None
                match request:
                    case SetFeedback():
                        thrown = error(request, len(self.tried))
                        self.feedback = self.feedback if thrown else request
                    case Scan():
                        assert self.feedback.gain is not None
                        assert self.feedback.setpoint is not None
                        held = self.feedback.gain, self.feedback.setpoint
                        setting = Setting(*held, request.line_rate)
                        answer = loop_image(request, setting)
                        self.scans.append(request)
                        if request.purpose == LOOK:
                            self.tried.append(setting)
                    case Note(event=Finding() as found):
                        self.found.append(found)
        except StopIteration as end:
            self.image = end.value

    @property
    def last(self) -> dict[str, Any]:
        return dict(self.found[-1].values)


def test_a_loop_that_is_too_slow_is_made_a_good_one_and_stays_so() -> None:
    tuned = Tuned(step())
    assert tuned.last["score"] > 0.7 > 0.05 > tuned.last["scores"][0]
    assert tuned.feedback == SetFeedback(setpoint=tuned.last["setpoint"], gain=tuned.last["gain"])


def test_a_loop_that_oscillates_is_calmed_at_once() -> None:
    begin = {"gain": "9000 1/s", "setpoint": "100 pA", "line_rate": "4 Hz"}
    tuned = Tuned(step(begin=begin))
    assert all(b.gain < a.gain for a, b in zip(tuned.tried[:1], tuned.tried[1:], strict=False))
    assert tuned.last["score"] > 0.7
    assert tuned.last["gain"] < EDGE


def test_no_setting_is_changed_by_more_than_the_factor_from_one_that_was_tried() -> None:
    tuned = Tuned(step(step=2.0))
    for n, setting in enumerate(tuned.tried[1:], 1):
        near = [
            np.max(np.abs(setting.logarithms - before.logarithms)) <= math.log(2.0) * (1 + 1e-9)
            for before in tuned.tried[:n]
        ]
        assert any(near)


def test_the_edge_is_not_sought_for_its_own_sake() -> None:
    beyond = [setting for setting in Tuned(step(scans=20)).tried if setting.gain > EDGE]
    assert len(beyond) <= 1


def test_who_wants_it_fast_gets_faster_images_and_who_wants_it_safe_a_lower_setpoint() -> None:
    quality, fast = (Tuned(step(goal=goal)).last for goal in ("quality", "fast"))
    safe = Tuned(step(goal="safe")).last
    assert fast["line_rate"] > 2 * quality["line_rate"]
    assert fast["score"] < quality["score"]
    assert safe["setpoint"] < 300e-12


def test_all_that_was_tried_is_noted_with_the_front_that_nothing_beats() -> None:
    tuned = Tuned(step(goal="compromise"))
    last = tuned.last
    assert last["gains"] == [setting.gain for setting in tuned.tried]
    front = last["front"]
    points = np.array([last["scores"], last["line_rates"], np.negative(last["peaks"])]).T
    for n in range(len(points)):
        beaten = any(np.all(o >= points[n]) and np.any(o > points[n]) for o in points)
        assert beaten == (n not in front)
    assert len(tuned.found) == len(tuned.tried) + 1


def test_what_is_refused_is_not_tried_again() -> None:
    refused: list[SetFeedback] = []

    def error(feedback: SetFeedback, n: int) -> Exception | None:
        if n and feedback.gain is not None and feedback.gain > 200:
            refused.append(feedback)
            return LimitExceeded("gain", feedback.gain, (0, 200), "1/s", "")
        return None

    tuned = Tuned(step(), error=error)
    assert refused
    assert max(setting.gain for setting in tuned.tried) <= 200
    assert len(refused) == 1  # nor anything else beyond that gain
    assert tuned.last["score"] > tuned.last["scores"][0]


def test_when_the_budget_is_spent_it_says_what_it_found() -> None:
    tuned = Tuned(step(), error=lambda _, n: BudgetSpent("") if n == 3 else None)
    assert len(tuned.tried) == 3
    assert "the budget is spent" in tuned.found[-1].message


def test_the_next_tuning_of_a_run_begins_where_the_last_one_ended() -> None:
    knowledge = Knowledge()
    first = Tuned(step(), knowledge).last
    again = Tuned(step(), knowledge).tried[0]
    assert (again.gain, again.line_rate) == (first["gain"], first["line_rate"])


def test_the_overview_in_the_end_moves_the_tip_as_fast_as_was_found_good() -> None:
    frame = {"center": ("0 nm", "0 nm"), "size": ("80 nm", "80 nm"), "pixels": (16, 16)}
    tuned = Tuned(step(overview=frame))
    assert tuned.scans[-1].line_rate == pytest.approx(tuned.last["line_rate"] / 4)
    assert tuned.image is not None
    assert tuned.image.frame.size == (80e-9, 80e-9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"gain": ("100 1/s", "10000 1/s")}, "gain must rise and hold what is set now"),
        ({"setpoint": ("1 nN", "2 nN")}, "setpoint is in A and in N"),
        ({"frame": {**TABLE["frame"], "pixels": (8, 8)}}, "16 are"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        step(**wrong)


def gold(clock: InstantClock) -> GuardedInstrument:
    sample = {"kind": "au111", "size": "64 nm", "adatoms": 60, "vacancies": 0, "steps": 0}
    technique = {"kind": "stm", "setpoint": "300 pA", "feedback": {"gain": 30.0}}
    table = {"sample": sample, "technique": technique, "level": 2}
    simulated = SimulatorSettings.model_validate(table).open(clock, 1)
    return GuardedInstrument(simulated, Limits(gain=1500.0))


def test_a_microscope_is_tuned_within_its_limits_and_a_run_goes_on(tmp_path: Path) -> None:
    steps = (step(scans=6),)
    clock = InstantClock()
    runner = new_runner(tmp_path / "whole", gold(clock), clock)
    assert runner.run(steps, 1).reason == FinishReason.COMPLETED
    whole = story(tmp_path / "whole")
    assert [name for name, _, _ in whole].count("Finding") == 7
    for n in range(20, len(whole), len(whole) // 3):
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        clock = InstantClock()
        resumed = resumed_runner(folder, gold(clock), clock)
        assert resumed.run(steps, 1).reason == FinishReason.COMPLETED
        assert story(folder) == whole, f"cut after {n} records"
