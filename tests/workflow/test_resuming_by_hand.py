"""A run that is worked with by hand, cut off anywhere, is gone on with as the unbroken one."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bench import PATIENCE
from humans import told
from ohmic_runs import new_runner, recipe
from resuming import cut, records_of, resumed_runner
from test_resuming_hardware import Hardware

from spm_auto.clock import Clock, InstantClock, ScaledClock
from spm_auto.data import (
    FinishReason,
    InstructionFailed,
    Intervention,
    Judged,
    LineAcquired,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    ScanStarted,
    SpectrumAcquired,
)
from spm_auto.errors import SpmError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Instruction,
    Instrument,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.resume import read_tape, resumed
from spm_auto.simulator import FerroelectricFilmSettings, SimulatorSettings
from spm_auto.workflow import Runner

STEPS = recipe({"kind": "by_hand"}).steps
WAVES = BiasWaveform.triangle(2.0, 8)
SCAN = Scan(ScanFrame((0.0, 0.0), (4e-7, 4e-7), (8, 5)), line_rate=2.0)
ORDERS: tuple[tuple[Instruction, ...], ...] = (
    (SCAN,),
    (PositionProbe(1e-7, 0.0), PositionProbe(1.0, 0.0), SCAN),  # the second one is refused
    (SCAN, PositionProbe(0.0, 0.0)),  # ended after its third line
    (AcquireSpectrum(1e-7, 1e-7, WAVES), AcquireSpectrum(-1e-7, 1e-7, WAVES)),  # after the first
    (AcquireSpectrum(0.0, 1e-7, WAVES),),
)
ENDED = 3, 3  # in which order, after how many lines
_TICK = 0.002  # [s]


@dataclass(slots=True, eq=False)
class Operator:
    """Gives the orders one after another; ends the third one and the fourth one."""

    runner: Runner = field(init=False)
    orders: int = 0
    lines: int = 0

    def remember(self, records: Sequence[Record]) -> None:
        """Know which orders are on record already."""
        for record in records:
            self._see(record)

    def __call__(self, record: Record) -> None:
        """See what comes, and end what shall be ended."""
        self._see(record)
        match record.event:
            case LineAcquired() if (self.orders, self.lines) == ENDED:
                self.runner.interrupt("Ada", "drift")
            case SpectrumAcquired() if self.orders == ENDED[0] + 1:
                self.runner.interrupt("Ada", "one is enough")

    def _see(self, record: Record) -> None:
        match record.event:
            case Judged():
                self.orders, self.lines = self.orders + 1, 0
            case LineAcquired():
                self.lines += 1

    def work(self, seed: int = 1) -> RunFinished:
        """Work with the run to its end."""
        self.runner.hear()
        self.runner.start(STEPS, seed)
        answered = 0
        for _ in range(int(PATIENCE / _TICK)):
            if self.runner.wait(_TICK):
                break
            question = self.runner.question
            if question is None or question.number == answered:
                continue
            answered = question.number
            if self.orders < len(ORDERS):
                self.runner.do_by_hand(ORDERS[self.orders], "Ada", number=answered)
            else:
                self.runner.end_by_hand("Ada")
        assert self.runner.finished is not None, "the run hangs"
        return self.runner.finished


def simulated(clock: Clock) -> Instrument:
    """Make a film under a scanner that creeps and drifts: what was done shows in what follows."""
    film = {"size": "1 um", "cells": 128, "relaxation_steps": 60}
    sample = FerroelectricFilmSettings.model_validate(film)
    return SimulatorSettings(sample=sample, level=2).open(clock, 1)


def begin(folder: Path, clock: Clock) -> RunFinished:
    """Work by hand on a film."""
    operator = Operator()
    operator.runner = new_runner(folder, simulated(clock), clock, listeners=(operator,))
    return operator.work()


def go_on(folder: Path, clock: Clock) -> Operator:
    """Go on with it; the operator knows what he has said."""
    operator = Operator()
    operator.remember(records_of(folder))
    operator.runner = resumed_runner(folder, simulated(clock), clock, listeners=(operator,))
    assert operator.work().reason == FinishReason.COMPLETED
    return operator


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by hand") / "whole"
    assert begin(folder, InstantClock()).reason == FinishReason.COMPLETED
    return folder


def unheard(records: Sequence[Record]) -> set[int]:
    """Return after how many records an end by hand was wanted that had not come yet.

    Who was killed there has not heard of it, and is told again.
    """
    said = [n for n, record in enumerate(records) if isinstance(record.event, Intervention)]
    failed = [n for n, record in enumerate(records) if isinstance(record.event, InstructionFailed)]
    return {n for k in said for n in range(k, min(f for f in failed if f > k) + 1)}


def test_what_a_human_refused_and_ended_by_hand_is_on_record(whole: Path) -> None:
    events = [record.event for record in records_of(whole)]
    failed = [event for event in events if isinstance(event, InstructionFailed)]
    assert [each.error for each in failed] == ["LimitExceeded", "Interrupted", "Interrupted"]
    assert [each.values.get("seconds", 0.0) > 0 for each in failed] == [False, True, False]
    assert sum(isinstance(event, SpectrumAcquired) for event in events) == 2
    assert sum(isinstance(event, LineAcquired) for event in events) == 5 + 3


def cut_and_gone_on_with(whole: Path, stride: int, tmp_path: Path) -> None:
    """Cut a run after every so many-th record, and hold what becomes of it against the whole."""
    records = records_of(whole)
    failed = [n for n, r in enumerate(records) if isinstance(r.event, InstructionFailed)]
    cuts = set(range(2, len(records), stride)) - unheard(records) - {failed[0] + 1}
    # what was refused is tried again where the question after it is not on record, else it is not
    for n in sorted({*cuts, *(n + 2 for n in failed)}):
        folder = cut(whole, n, tmp_path / f"{n}", torn=n % 4)
        go_on(folder, InstantClock())
        assert told(folder) == told(whole), f"cut after {n} records"


def test_cut_after_some_records_it_ends_as_the_unbroken_one(whole: Path, tmp_path: Path) -> None:
    cut_and_gone_on_with(whole, 25, tmp_path)


@pytest.mark.torture
def test_cut_anywhere_it_ends_as_the_unbroken_one(whole: Path, tmp_path: Path) -> None:
    cut_and_gone_on_with(whole, 1, tmp_path)


def test_what_had_been_ended_is_not_done_again_when_the_run_goes_on(
    whole: Path, tmp_path: Path
) -> None:
    records = records_of(whole)
    n = next(k for k, r in enumerate(records) if _is_ended(r)) + 1
    folder = cut(whole, n, tmp_path / "cut")
    go_on(folder, InstantClock())
    new = [type(record.event) for record in records_of(folder)[n:]]
    assert new[:3] == [RunContinued, RunPaused, RunResumed]
    assert new.count(ScanStarted) == 0


def test_while_the_sample_is_looked_for_there_is_nothing_to_end(tmp_path: Path) -> None:
    """What was ordered by hand waits for it; to end that would end the run."""
    scan = Scan(ScanFrame((0.0, 0.0), (1e-6, 1e-6), (64, 32)), line_rate=4.0)
    clock = InstantClock()
    before = new_runner(tmp_path, Hardware(clock), clock)
    before.hear()
    before.start(STEPS, 1)
    asked(before, 1)
    before.do_by_hand([scan], "Ada")
    asked(before, 2)
    before.cancel()
    assert before.wait(PATIENCE)
    refused: list[str] = []

    def end_it(record: Record) -> None:
        if isinstance(record.event, LineAcquired):
            with pytest.raises(SpmError) as caught:
                after.interrupt("Ada")
            refused.append(str(caught.value))

    clock = InstantClock()
    after = resumed_runner(tmp_path, Hardware(clock), clock, listeners=(end_it,))
    after.hear()
    after.start(STEPS, 1)
    asked(after, 1)
    after.do_by_hand([PositionProbe(1e-7, 0.0)], "Ada")
    asked(after, 2)
    after.end_by_hand("Ada")
    assert after.wait(PATIENCE)
    assert after.finished == RunFinished(FinishReason.COMPLETED)
    assert len(refused) == 32


def test_what_is_ended_in_the_middle_on_a_real_clock_is_gone_on_with_from_there(
    tmp_path: Path,
) -> None:
    clock = ScaledClock(200.0)
    long = AcquireSpectrum(2e-7, 2e-7, BiasWaveform((1.0,) * 100, dwell=10.0))
    operator = Operator()
    microscope = simulated(clock)
    operator.runner = new_runner(tmp_path / "run", microscope, clock, listeners=(operator,))
    operator.runner.hear()
    operator.runner.start(STEPS, 1)
    asked(operator.runner, 1)
    operator.runner.do_by_hand([long], "Ada")
    until(lambda: microscope.status().bias == 1.0)  # the probe is there, and sweeps
    operator.runner.interrupt("Ada", "too long")
    asked(operator.runner, 2)
    operator.runner.cancel()
    assert operator.runner.wait(PATIENCE)
    (failed,) = [r.event for r in records_of(tmp_path / "run") if _is_ended(r)]
    assert 0 < failed.values["seconds"] < long.waveform.duration

    tape = read_tape(tmp_path / "run")
    clock = resumed(ScaledClock(200.0), tape, is_simulated=True)
    microscope = simulated(clock)
    runner = resumed_runner(tmp_path / "run", microscope, clock)
    runner.hear()
    runner.start(STEPS, 1)
    asked(runner, 1)
    x, y = microscope.status().position
    assert math.dist((x, y), (long.x, long.y)) < 1e-9
    assert clock.now() >= tape.records[-1].time
    runner.end_by_hand("Ada")
    assert runner.wait(PATIENCE)
    assert runner.finished == RunFinished(FinishReason.COMPLETED)


def _is_ended(record: Record) -> bool:
    return isinstance(record.event, InstructionFailed) and record.event.error == "Interrupted"


def until(happens: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(int(PATIENCE / _TICK)):
        if happens():
            return
        threading.Event().wait(_TICK)
    pytest.fail("it does not happen")


def asked(runner: Runner, number: int) -> None:
    """Wait until a run asks for the so many-th time."""
    until(lambda: runner.question is not None and runner.question.number == number)
