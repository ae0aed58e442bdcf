"""A run whose instrument is held waits for a human, and then does what it was about to do."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from by_hand import doing
from resuming import cut, records_of, story

from spm_auto.clock import InstantClock
from spm_auto.data import (
    HELD,
    Alarm,
    FinishReason,
    InstructionFailed,
    LineAcquired,
    Record,
    RunFinished,
    RunPaused,
    RunResumed,
    ScanFinished,
    SpectrumAcquired,
    open_run,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    GuardedInstrument,
    Instruction,
    InstrumentState,
    PositionProbe,
    Scan,
    ScanFrame,
    Severity,
    Watchdog,
)
from spm_auto.lab import begin
from spm_auto.resume import read_tape, take_up
from spm_auto.simulator import SimulatedMicroscope, SimulatorSettings
from spm_auto.workflow import ByHandStep, Runner, RunState, Step

FRAME = ScanFrame((0.0, 0.0), (1e-8, 1e-8), (4, 3))
SPECTRUM = AcquireSpectrum(1e-9, 2e-9, BiasWaveform((0.0, 0.1)))
STEPS = [doing(Scan(FRAME), PositionProbe(0.0, 0.0), SPECTRUM, PositionProbe(3e-9, 0.0))]
OUTSIDE = {"kind": "changed_outside", "action": 2, "bias": "1 V"}
PATIENCE = 30.0  # [s] until a test that hangs fails


class Watched:
    """A run on a simulated microscope with a watchdog; acts when a certain event was written."""

    def __init__(self, folder: Path, *faults: dict[str, Any], resumes: bool = False) -> None:
        self.folder = folder
        self.clock = InstantClock()
        settings = SimulatorSettings.model_validate(
            {"sample": {"kind": "hopg"}, "level": 0, "faults": faults}
        )
        self.microscope: SimulatedMicroscope = settings.open(self.clock, 1)
        self.watchdog = Watchdog(self.microscope, self.clock)
        self.when: dict[type, Callable[[], object]] = {}
        guard = GuardedInstrument(self.microscope, watchdog=self.watchdog)
        if resumes:
            how: dict[str, Any] = {"listeners": (self._heard,)}
            self.runner: Runner = take_up(guard, self.clock, folder, read_tape(folder), **how)
        else:
            self.runner = begin(guard, self.clock, folder, "held", 1, listeners=(self._heard,))

    def _heard(self, record: Record) -> None:
        self.when.pop(type(record.event), lambda: None)()

    def run(self, steps: list[Step] = STEPS) -> RunFinished:  # type: ignore[assignment]
        return self.runner.run(steps, 1)

    def kinds(self, *kinds: type) -> list[str]:
        events = (record.event for record in records_of(self.folder))
        return [type(event).__name__ for event in events if isinstance(event, kinds)]


def test_what_was_changed_outside_pauses_the_run_and_resuming_lets_it_go_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path, OUTSIDE)
    watched.when[RunPaused] = watched.runner.resume
    assert watched.run().reason == FinishReason.COMPLETED
    told = open_run(tmp_path)
    assert [alarm.cause for alarm in told.alarms] == [HELD]
    assert "was changed outside: bias 100 mV -> 1 V" in told.alarms[0].message
    assert watched.kinds(InstructionFailed, Alarm, RunPaused, RunResumed, SpectrumAcquired) == [
        "InstructionFailed", "Alarm", "RunPaused", "RunResumed", "SpectrumAcquired"
    ]  # fmt: skip
    assert watched.watchdog.trip is None


def test_it_goes_on_too_when_somebody_else_acknowledges(tmp_path: Path) -> None:
    watched = Watched(tmp_path, OUTSIDE)
    watched.when[RunPaused] = lambda: watched.watchdog.acknowledge("Ada")
    assert watched.run().reason == FinishReason.COMPLETED


@pytest.mark.parametrize("stop", ["cancel", "emergency_stop"])
def test_a_run_that_is_held_can_be_stopped(tmp_path: Path, stop: str) -> None:
    watched = Watched(tmp_path, OUTSIDE)
    watched.when[RunPaused] = getattr(watched.runner, stop)
    reason = FinishReason.CANCELLED if stop == "cancel" else FinishReason.EMERGENCY
    assert watched.run().reason == reason
    assert watched.kinds(RunResumed, SpectrumAcquired) == []


def test_what_is_held_by_hand_can_be_ended_and_the_run_repeats_that(tmp_path: Path) -> None:
    def work(watched: Watched, orders: tuple[Instruction, ...]) -> None:
        watched.runner.hear()
        watched.runner.start([ByHandStep(kind="by_hand")], 1)
        for number in range(1, len(orders) + 2):
            for _ in range(int(PATIENCE / 0.002)):
                question = watched.runner.question
                if question is not None and question.number == number:
                    break
                assert not watched.runner.wait(0.002), watched.runner.finished
            if number <= len(orders):
                watched.runner.do_by_hand([orders[number - 1]], "Ada")
        watched.runner.end_by_hand("Ada")
        assert watched.runner.wait(PATIENCE)

    whole = Watched(tmp_path / "whole", OUTSIDE)
    held = {RunPaused: lambda: whole.runner.interrupt("Ada", "never mind")}
    whole.when[Alarm] = lambda: whole.when.update(held)
    work(whole, (PositionProbe(0.0, 0.0), SPECTRUM))
    failed = [r.event for r in records_of(whole.folder) if isinstance(r.event, InstructionFailed)]
    assert [each.error for each in failed] == ["Held", "Interrupted"]
    assert whole.kinds(SpectrumAcquired) == []
    assert whole.watchdog.trip is not None  # nobody has acknowledged it
    n = len(records_of(whole.folder))
    folder = cut(whole.folder, n - 2, tmp_path / "cut")
    again = Watched(folder, OUTSIDE, resumes=True)
    work(again, ())
    assert again.runner.finished == RunFinished(FinishReason.COMPLETED)
    assert again.kinds(InstructionFailed) == ["InstructionFailed"] * 2


def test_it_waits_as_long_as_nobody_acknowledges(tmp_path: Path) -> None:
    watched = Watched(tmp_path, OUTSIDE)
    watched.runner.start(STEPS, 1)
    try:
        while watched.runner.state is not RunState.PAUSED:
            assert not watched.runner.wait(1e-3)
        assert not watched.runner.wait(0.5)  # longer than it takes to look whether it is held
        assert watched.runner.state is RunState.PAUSED
        watched.runner.resume()
        assert watched.runner.wait(PATIENCE)
    finally:
        watched.runner.cancel()
    assert watched.runner.finished is not None
    assert watched.runner.finished.reason == FinishReason.COMPLETED


def test_a_scan_that_is_held_keeps_its_lines_and_begins_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    def hold() -> None:
        watched.watchdog.report("guard", "SafeTip is off", Severity.HOLD)

    watched.when = {LineAcquired: hold, RunPaused: watched.runner.resume}
    assert watched.run().reason == FinishReason.COMPLETED
    told = watched.kinds(LineAcquired, ScanFinished, InstructionFailed)
    assert told == ["LineAcquired", "ScanFinished", "InstructionFailed"] + 3 * ["LineAcquired"] + [
        "ScanFinished"
    ]
    first, second = (
        record.event for record in records_of(tmp_path) if isinstance(record.event, ScanFinished)
    )
    assert (first.is_complete, second.is_complete) == (False, True)


def test_a_poke_is_not_given_twice(tmp_path: Path) -> None:
    watched = Watched(tmp_path, {**OUTSIDE, "action": 1})
    watched.when[RunPaused] = watched.runner.resume
    assert watched.run([doing(ConditionTip(0.0, 0.0, bias=3.0))]).reason == FinishReason.FAILED
    assert watched.kinds(RunPaused, RunResumed) == ["RunPaused", "RunResumed"]


def test_resuming_a_run_that_only_pauses_acknowledges_nothing(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    def hold() -> None:
        watched.watchdog.report("guard", "SafeTip is off", Severity.HOLD)
        watched.runner.resume()  # nobody waits for it yet, so nobody has seen it

    watched.when = {LineAcquired: hold, RunPaused: watched.runner.cancel}
    assert watched.run().reason == FinishReason.CANCELLED
    assert watched.watchdog.trip is not None


def test_a_run_that_was_held_goes_on_from_anywhere_as_if_unbroken(tmp_path: Path) -> None:
    whole = Watched(tmp_path / "whole", OUTSIDE)
    whole.when[RunPaused] = whole.runner.resume
    whole.run()
    records = records_of(whole.folder)
    for n in range(2, len(records)):
        target = cut(whole.folder, n, tmp_path / f"cut-{n}")
        again = Watched(target, OUTSIDE, resumes=True)
        again.when[RunPaused] = again.runner.resume
        assert again.run().reason == FinishReason.COMPLETED, n
        # who was killed while it waited is refused once more
        left_out = ("InstructionFailed", "Alarm", "RunPaused", "RunResumed")
        told, wanted = (
            [each for each in story(folder) if each[0] not in left_out]
            for folder in (target, whole.folder)
        )
        assert told == wanted, f"cut at {n}"


def test_a_crash_ends_the_run_as_an_emergency_with_its_reason_as_an_alarm(tmp_path: Path) -> None:
    watched = Watched(tmp_path, {"kind": "tip_crash", "action": 1, "at": 1})
    finished = watched.run()
    assert finished.reason == FinishReason.EMERGENCY
    assert "the tip has touched: 500 nA, above 50 nA" in finished.message
    assert [alarm.cause for alarm in open_run(tmp_path).alarms] == ["crash"]
    assert watched.kinds(LineAcquired) == ["LineAcquired"]  # not the one of the crash


def test_the_tip_is_looked_after_while_a_human_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path)
    watched.runner.hear()
    watched.runner.start([ByHandStep(kind="by_hand")], 1)
    try:
        until(lambda: watched.runner.question is not None)
        calm = watched.microscope.vitals()
        crash = replace(calm, signal=2 * calm.threshold)
        monkeypatch.setattr(watched.microscope, "vitals", lambda: crash)
        until(lambda: watched.watchdog.trip is not None)
        until(lambda: watched.microscope.status().state is InstrumentState.LATCHED)
        watched.runner.do_by_hand([PositionProbe(0.0, 0.0)], "Ada")
        assert watched.runner.wait(PATIENCE)
    finally:
        watched.runner.cancel()
    finished = watched.runner.finished
    assert finished is not None
    assert finished.reason == FinishReason.EMERGENCY
    assert watched.kinds(Alarm) == ["Alarm"]  # it says why


def until(happens: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if happens():
            return
        pause.wait(0.005)
    raise AssertionError("it has not happened in time")
