"""A run whose link breaks loads again and goes on, within bounds, and never after a withdrawal."""

from pathlib import Path
from typing import Any

import pytest
from by_hand import SPECTRUM, Microscope, doing
from ohmic_runs import new_runner
from resuming import cut, records_of, resumed_runner, story

from spm_auto.clock import Clock, InstantClock, ScaledClock
from spm_auto.data import LINK, Alarm, FinishReason, InstructionFailed, LoadFinished, open_run
from spm_auto.errors import (
    ConnectionLost,
    EmergencyStopped,
    Held,
    InstrumentError,
    NoReply,
    NotConfirmed,
    NotOwner,
    OutOfStep,
    Refused,
    Unprotected,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instrument,
    Scan,
    ScanFrame,
)
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import RecoverySettings, Runner
from spm_auto.workflow.steps.base import Step

SETTINGS = RecoverySettings.model_validate(
    {"in_a_row": 3, "per_hour": 5, "wait": "10 s", "longest_wait": "25 s"}
)
SPECTRUM_HERE = AcquireSpectrum(0.0, 0.0, BiasWaveform((0.0, 0.1)))
LONG = 60.0  # [s] of patience with a thread that should have ended long ago


class Failing(Microscope):
    """Raises what a test says, at the calls that it says, counted from 0 for each kind of call."""

    def __init__(self, clock: Clock, **errors: dict[int, BaseException]) -> None:
        super().__init__(clock)
        self._errors, self._counts = errors, dict.fromkeys(errors, 0)

    def _note(self, call: str) -> None:
        super()._note(call)
        kind = call.split()[0]
        if kind in self._errors:
            number = self._counts[kind]
            self._counts[kind] += 1
            if number in self._errors[kind]:
                raise self._errors[kind][number]


def lost(*numbers: int, error: type[InstrumentError] = ConnectionLost) -> dict[int, BaseException]:
    return {number: error("the cable is out") for number in numbers}


def run(
    folder: Path,
    steps: list[Step],
    settings: RecoverySettings | None = SETTINGS,
    **errors: dict[int, BaseException],
) -> tuple[Runner, Failing, InstantClock]:
    clock = InstantClock()
    microscope = Failing(clock, **errors)
    runner = new_runner(folder, microscope, clock)
    runner.run(steps, 1, settings)
    return runner, microscope, clock


def alarms(folder: Path) -> list[str]:
    return [alarm.message for alarm in open_run(folder).alarms if alarm.cause == LINK]


@pytest.mark.parametrize("error", [ConnectionLost, NoReply, OutOfStep])
def test_a_lost_link_is_waited_for_loaded_again_and_the_same_is_asked_for_again(
    error: type[InstrumentError], tmp_path: Path
) -> None:
    runner, microscope, clock = run(tmp_path, [doing(SPECTRUM)], acquire=lost(0, error=error))
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.COMPLETED
    assert microscope.calls == ["load", "acquire spectrum", "load", "acquire spectrum", "close"]
    assert len(open_run(tmp_path).spectra) == 1
    assert clock.now() >= SETTINGS.wait
    (said,) = alarms(tmp_path)
    assert "the cable is out; loading again in 10 s" in said


def test_without_a_word_in_the_recipe_a_lost_link_ends_the_run(tmp_path: Path) -> None:
    runner, microscope, _ = run(tmp_path, [doing(SPECTRUM)], settings=None, acquire=lost(0))
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.FAILED
    assert microscope.calls == ["load", "acquire spectrum", "close"]


def test_each_wait_in_a_row_is_twice_as_long_up_to_the_longest(tmp_path: Path) -> None:
    run(tmp_path, [doing(SPECTRUM)], load=lost(1, 2), acquire=lost(0))
    assert [said.split("in ")[-1].split(" s")[0] for said in alarms(tmp_path)] == ["10", "20", "25"]


def test_after_too_many_in_a_row_the_run_ends_as_failed_and_says_so(tmp_path: Path) -> None:
    runner, microscope, _ = run(tmp_path, [doing(SPECTRUM)], acquire=lost(*range(9)))
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.FAILED
    assert microscope.calls.count("load") == 1 + SETTINGS.in_a_row
    assert "given up after 3 attempts in a row" in alarms(tmp_path)[-1]


def test_what_it_gave_up_can_be_resumed_once_the_cable_is_in_again(tmp_path: Path) -> None:
    run(tmp_path, [doing(SPECTRUM)], acquire=lost(*range(9)))
    clock = InstantClock()
    again = Failing(clock, acquire=lost(0, 1, 2))  # as it was; then the cable is in
    runner = resumed_runner(tmp_path, again, clock)
    assert runner.run([doing(SPECTRUM)], 1, SETTINGS).reason == FinishReason.COMPLETED


def test_there_are_only_so_many_in_an_hour(tmp_path: Path) -> None:
    steps: list[Step] = [doing(*[SPECTRUM] * 9)]
    every_other = lost(*range(0, 18, 2))
    runner, microscope, _ = run(tmp_path, steps, acquire=every_other)
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.FAILED
    assert microscope.calls.count("load") == 1 + SETTINGS.per_hour
    assert "5 in an hour" in alarms(tmp_path)[-1]


@pytest.mark.parametrize(
    "error", [EmergencyStopped, NotConfirmed, Held, Unprotected, NotOwner, Refused]
)
def test_what_is_no_lost_link_is_never_loaded_away(error: type[Exception], tmp_path: Path) -> None:
    failing: dict[int, BaseException] = {0: error("no further")}
    clock = InstantClock()
    microscope = Failing(clock, acquire=failing)
    runner = new_runner(tmp_path, microscope, clock)
    microscope.first["acquire spectrum"] = runner.cancel if error is Held else lambda: None
    finished = runner.run([doing(SPECTRUM)], 1, SETTINGS)
    assert finished.reason != FinishReason.COMPLETED
    assert microscope.calls.count("load") == 1
    assert not alarms(tmp_path)


def test_a_tip_that_was_withdrawn_while_the_link_was_lost_is_left_withdrawn(tmp_path: Path) -> None:
    clock = InstantClock()
    microscope = Failing(clock, acquire=lost(0))
    runner = new_runner(tmp_path, microscope, clock)
    microscope.first["acquire spectrum"] = microscope.emergency_stop  # by somebody else
    finished = runner.run([doing(SPECTRUM)], 1, SETTINGS)
    assert finished.reason == FinishReason.EMERGENCY
    assert microscope.calls.count("load") == 1


def test_a_cancel_ends_the_wait(tmp_path: Path) -> None:
    clock = ScaledClock()  # the wait would take an hour
    microscope = Failing(clock, acquire=lost(0))
    runner = new_runner(tmp_path, microscope, clock)
    hour = RecoverySettings.model_validate({"wait": "1 h", "longest_wait": "1 h"})
    runner.start([doing(SPECTRUM)], 1, hour)
    while not alarms_so_far(tmp_path):
        assert not runner.wait(0.01)
    runner.cancel()
    assert runner.wait(LONG)
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.CANCELLED
    assert microscope.calls.count("load") == 1


def alarms_so_far(folder: Path) -> list[Alarm]:
    return [r.event for r in records_of(folder) if isinstance(r.event, Alarm)]


def test_cut_after_any_record_it_recovers_as_the_unbroken_one(tmp_path: Path) -> None:
    steps: list[Step] = [doing(SPECTRUM, SPECTRUM, SPECTRUM)]
    errors: dict[str, Any] = {"acquire": lost(1, 3), "load": lost(2)}
    run(tmp_path / "whole", steps, **errors)
    whole = story(tmp_path / "whole")
    kinds = [name for name, _, _ in whole]
    assert kinds.count("InstructionFailed") == 3
    for n in range(2, len(whole)):
        records = records_of(tmp_path / "whole")[:n]
        if any(isinstance(r.event, InstructionFailed) for r in records[-2:]):
            continue  # what failed, and its alarm, are tried again and said twice
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        clock = InstantClock()
        resumed_runner(folder, Failing(clock, **errors), clock).run(steps, 1, SETTINGS)
        assert story(folder) == whole, f"cut after {n} records ({kinds[n - 1]})"


def test_a_pulse_that_may_have_come_through_is_not_given_again(tmp_path: Path) -> None:
    clock = InstantClock()
    settings = SimulatorSettings.model_validate(
        {"sample": {"kind": "hopg"}, "level": 1, "faults": ({"kind": "hang", "action": 1},)}
    )
    runner = new_runner(tmp_path, settings.open(clock, 1), clock)
    pulse = ConditionTip(0.0, 0.0, bias=3.0)
    assert runner.run([doing(pulse)], 1, SETTINGS).reason == FinishReason.COMPLETED
    told = [r.event for r in open_run(tmp_path).records]
    assert sum(isinstance(event, InstructionFailed) for event in told) == 1
    assert sum(isinstance(event, LoadFinished) for event in told) == 2
    assert "TipConditioned" not in {type(event).__name__ for event in told}


def test_a_line_that_was_cut_short_is_a_lost_link_and_goes_on_from_the_record(
    tmp_path: Path,
) -> None:
    def cut_short(clock: InstantClock) -> Instrument:
        fault = {"kind": "truncated_reply", "action": 1, "at": 2}
        settings = {"sample": {"kind": "hopg"}, "level": 1, "faults": (fault,)}
        return SimulatorSettings.model_validate(settings).open(clock, 1)

    steps: list[Step] = [doing(Scan(ScanFrame((0.0, 0.0), (5e-9, 5e-9), (8, 4))), SPECTRUM_HERE)]
    clock = InstantClock()
    runner = new_runner(tmp_path / "whole", cut_short(clock), clock)
    finished = runner.run(steps, 1, SETTINGS)
    assert finished.reason == FinishReason.COMPLETED, finished.detail
    whole = story(tmp_path / "whole")
    folder = cut(tmp_path / "whole", len(whole) - 2, tmp_path / "cut")
    clock = InstantClock()
    resumed_runner(folder, cut_short(clock), clock).run(steps, 1, SETTINGS)
    assert story(folder) == whole
