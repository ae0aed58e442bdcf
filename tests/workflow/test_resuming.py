"""A run that was cut off anywhere goes on as if nothing had happened, or is left as it was."""

from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from by_hand import SCAN, SPECTRUM, Microscope, StepByHand, doing
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe, run_quickly
from resuming import cut, records_of, resume, resumed_runner, story

from examples.own_instrument import OhmicMicroscope
from spm_auto.agents import ForbidRegion, ForcePoint, Rescalarize
from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    Alarm,
    FinishReason,
    InstructionFailed,
    Journal,
    LineAcquired,
    RunContinued,
    RunFinished,
    open_run,
)
from spm_auto.errors import CannotResume, DataError, InstrumentError, LimitExceeded
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, GuardedInstrument, Spectrum
from spm_auto.resume import read_tape, take_up
from spm_auto.workflow import Note, Step, StepContext, StepGenerator
from spm_auto.workflow.failures import error_of

pytestmark = pytest.mark.usefixtures("quick_fits")

AGENTS = {
    "random": {"kind": "random"},
    "gp": {"kind": "gp", "initial": 3},
    "curious": {"kind": "curious", "initial": 3},
}
GP = {**EXPLORE, "agent": AGENTS["gp"], "budget": 7}


@pytest.mark.parametrize("look_ahead", [True, False], ids=["look ahead", "wait"])
@pytest.mark.parametrize("agent", AGENTS)
def test_cut_after_any_record_it_ends_as_the_unbroken_one(
    agent: str, look_ahead: bool, tmp_path: Path
) -> None:
    explore = {**EXPLORE, "agent": AGENTS[agent], "budget": 7, "look_ahead": look_ahead}
    steps = recipe(OVERVIEW, explore).steps
    run_quickly(tmp_path / "whole", steps)
    whole = story(tmp_path / "whole")
    for n in range(1 + look_ahead, len(whole), 2):  # every one, by the two of them
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}", torn=5 * (n % 3))
        assert resume(folder, steps).finished.reason == FinishReason.COMPLETED
        assert story(folder) == whole, f"cut after {n} records ({whole[n - 1][0]})"


def test_one_that_is_killed_again_and_again_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, GP).steps
    run_quickly(tmp_path / "whole", steps)
    whole = story(tmp_path / "whole")
    folder = cut(tmp_path / "whole", 5, tmp_path / "life 0")
    for life, n in enumerate(range(9, len(whole), 4)):
        resume(folder, steps)
        folder = cut(folder, n, tmp_path / f"life {life + 1}")
    resume(folder, steps)
    assert story(folder) == whole
    assert sum(isinstance(r.event, RunContinued) for r in records_of(folder)) > 3


def test_it_says_that_it_goes_on_and_what_was_torn_off(tmp_path: Path) -> None:
    run_quickly(tmp_path / "whole")
    folder = cut(tmp_path / "whole", 6, tmp_path / "cut", torn=9)
    resume(folder, recipe().steps)
    continued = records_of(folder)[6].event
    assert isinstance(continued, RunContinued)
    assert "9 bytes" in continued.dropped
    assert "spm_auto" in continued.versions


class Fenced(OhmicMicroscope):
    """An ohmic sample whose right half is out of reach for spectra."""

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        if instruction.x > 1e-7:
            raise LimitExceeded("x", instruction.x, (-1e-6, 1e-7), "m")
        return super().acquire_spectrum(instruction)


def test_a_refused_point_is_refused_again_from_the_record(tmp_path: Path) -> None:
    def fenced() -> dict[str, Any]:
        clock = InstantClock()
        return {"microscope": Fenced(clock), "clock": clock}

    steps = recipe(OVERVIEW, {**GP, "budget": 9}).steps
    run_quickly(tmp_path / "whole", steps, **fenced())
    whole = story(tmp_path / "whole")
    failed = [n for n, (name, _, _) in enumerate(whole) if name == "InstructionFailed"]
    assert failed, "no point lay beyond the fence; the test proves nothing"
    for n in range(failed[0], len(whole)):
        if n - 1 in failed:  # its consequence is not on record, so it is tried again
            continue
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        resume(folder, steps, **fenced())
        assert story(folder) == whole, f"cut after {n} records ({whole[n - 1][0]})"


def test_an_error_comes_back_from_the_record_as_what_it_was(tmp_path: Path) -> None:
    caught: list[LimitExceeded] = []

    def script(_: StepContext) -> StepGenerator:
        try:
            yield AcquireSpectrum(1.0, 0.0, BiasWaveform((0.0, 1.0)))
        except LimitExceeded as error:
            caught.append(error)
        yield SPECTRUM
        return None

    new_runner(tmp_path / "whole").run([StepByHand(script=script)], seed=1)
    folder = cut(tmp_path / "whole", 5, tmp_path / "cut")
    assert isinstance(records_of(folder)[-2].event, InstructionFailed)
    resume(folder, [StepByHand(script=script)])
    then, again = caught
    assert (str(again), again.quantity, again.asked, again.allowed) == (
        str(then), then.quantity, then.asked, then.allowed,
    )  # fmt: skip


def test_a_scan_that_was_cancelled_goes_on_with_the_line_after(bench: Bench) -> None:
    bench.shown.after = {"LineAcquired": bench.runner.cancel}
    assert bench.run(doing(SCAN, SPECTRUM)).reason == FinishReason.CANCELLED
    before = records_of(bench.folder)
    runner = resume(bench.folder, [doing(SCAN, SPECTRUM)])
    assert runner.finished.reason == FinishReason.COMPLETED
    run = open_run(bench.folder)
    assert [r.number for r in run.records] == list(range(len(run.records)))
    assert len(run.records) > len(before)
    (image,) = run.scans
    assert image.is_complete
    lines = [r.event.line.index for r in run.records if isinstance(r.event, LineAcquired)]
    assert lines == [0, 1, 2]
    assert len(run.spectra) == 1


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    clock = InstantClock()
    microscope = Microscope(clock)
    fails = [InstrumentError("the cable was pulled")]

    def pull() -> None:
        if fails:
            raise fails.pop()

    microscope.first["acquire spectrum"] = pull
    steps = [doing(SCAN, SPECTRUM, SPECTRUM)]
    finished = new_runner(tmp_path, microscope, clock).run(steps, seed=1)
    assert finished.message == "the cable was pulled"
    assert resume(tmp_path, steps).finished.reason == FinishReason.COMPLETED
    assert len(open_run(tmp_path).spectra) == 2


def test_orders_are_carried_out_again_from_the_record(bench: Bench, tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**GP, "budget": 10}).steps
    region = ForbidRegion((3e-7, 1e-7), radius=1.2e-7)
    orders = iter([ForcePoint(0.0, 0.0), region, Rescalarize("peak")])

    def step_in() -> None:
        for order in orders:
            bench.runner.steer(order, "Ada", "a hunch")
            break
        bench.shown.after["SpectrumScored"] = step_in

    bench.shown.after["SpectrumScored"] = step_in
    assert bench.run(*steps).reason == FinishReason.COMPLETED
    whole = story(bench.folder)
    assert sum(name == "Intervention" for name, _, _ in whole) == 3
    last = max(n for n, (name, _, _) in enumerate(whole) if name == "Intervention")
    for n in range(last + 1, len(whole)):
        folder = cut(bench.folder, n, tmp_path / f"cut {n}")
        resume(folder, steps, microscope=None)
        assert story(folder) == whole, f"cut after {n} records ({whole[n - 1][0]})"


def refused(folder: Path, steps: list[Step], seed: int = 1, **how: object) -> str:
    """Try to go on with a run that must not be; return why not."""
    before = (folder / FILE_NAME).read_bytes()
    runner = resume(folder, steps, seed, **how)
    assert not runner.is_live
    assert (folder / FILE_NAME).read_bytes() == before
    assert runner.finished.reason == FinishReason.FAILED
    return runner.finished.message


def test_another_recipe_is_refused_and_the_first_difference_named(tmp_path: Path) -> None:
    run_quickly(tmp_path / "whole", recipe(OVERVIEW, EXPLORE).steps)
    folder = cut(tmp_path / "whole", 9, tmp_path / "cut")
    finer = {**OVERVIEW, "line_rate": "2 Hz"}
    said = refused(folder, list(recipe(finer, EXPLORE).steps))
    assert "record 3 of the journal is ScanStarted" in said
    assert "line_rate=2.0" in said
    assert "line_rate=1.0" in said


def test_another_seed_is_refused(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, EXPLORE).steps
    run_quickly(tmp_path / "whole", steps, seed=1)
    folder = cut(tmp_path / "whole", 16, tmp_path / "cut")
    assert "the agent chose candidate" in refused(folder, list(steps), seed=2)


def test_a_recipe_that_ends_before_its_record_is_refused(tmp_path: Path) -> None:
    run_quickly(tmp_path / "whole", recipe(OVERVIEW, EXPLORE).steps)
    folder = cut(tmp_path / "whole", 14, tmp_path / "cut")
    assert "has ended" in refused(folder, list(recipe(OVERVIEW).steps))


def test_a_simulated_sample_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, EXPLORE).steps
    run_quickly(tmp_path / "whole", steps)
    folder = cut(tmp_path / "whole", 14, tmp_path / "cut")
    clock = InstantClock()
    other = OhmicMicroscope(clock, best=(0.0, 0.0))
    said = refused(folder, list(steps), microscope=other, clock=clock)
    assert "line 0 differs" in said


def test_a_completed_run_is_played_to_its_end_and_nothing_is_written(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    runner = resume(tmp_path, recipe().steps)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert (runner.is_live, runner.finished.reason) == (False, FinishReason.COMPLETED)


def test_a_journal_with_a_hole_is_not_gone_on_with(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    path = tmp_path / FILE_NAME
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotResume, match=r"run.spmj: record \d+ of the journal is missing"):
        resumed_runner(tmp_path)
    assert path.read_bytes() == data


def test_a_step_is_told_its_own_notes_again(tmp_path: Path) -> None:
    def script(_: StepContext) -> StepGenerator:
        yield Note(Alarm("the sample is upside down"))
        yield SPECTRUM
        yield Note(Alarm("and back"))
        return None

    steps = [StepByHand(script=script)]
    new_runner(tmp_path / "whole").run(steps, seed=1)
    whole = story(tmp_path / "whole")
    for n in range(2, len(whole)):
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        resume(folder, steps)
        assert story(folder) == whole


def test_a_run_that_somebody_else_went_on_with_meanwhile_is_left_to_him(tmp_path: Path) -> None:
    run_quickly(tmp_path / "whole")
    folder = cut(tmp_path / "whole", 8, tmp_path / "cut")
    tape, clock = read_tape(folder), InstantClock()
    resume(folder, recipe().steps)
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(CannotResume, match="another process has gone on with this run meanwhile"):
        take_up(GuardedInstrument(OhmicMicroscope(clock)), clock, folder, tape)
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_run_that_is_being_written_is_refused_before_an_instrument_is_opened(
    tmp_path: Path,
) -> None:
    run_quickly(tmp_path / "whole")
    folder = cut(tmp_path / "whole", 8, tmp_path / "cut")
    with (
        Journal.reopen(folder / FILE_NAME, lambda: 0.0),
        pytest.raises(DataError, match="another process"),
    ):
        read_tape(folder)


def test_cancelled_while_its_past_is_played_it_is_left_as_it_was(tmp_path: Path) -> None:
    run_quickly(tmp_path / "whole")
    folder, clock = cut(tmp_path / "whole", 12, tmp_path / "cut"), InstantClock()
    before = (folder / FILE_NAME).read_bytes()
    microscope = Microscope(clock)
    runner = resumed_runner(folder, microscope, clock)
    microscope.first["line 1"] = runner.cancel
    assert runner.run(recipe().steps, seed=1).reason == FinishReason.CANCELLED
    assert (folder / FILE_NAME).read_bytes() == before


def test_an_emergency_is_written_down_even_while_the_past_is_played(tmp_path: Path) -> None:
    run_quickly(tmp_path / "whole")
    folder, clock = cut(tmp_path / "whole", 12, tmp_path / "cut"), InstantClock()
    microscope = Microscope(clock)
    runner = resumed_runner(folder, microscope, clock)
    microscope.first["line 1"] = runner.emergency_stop
    assert runner.run(recipe().steps, seed=1).reason == FinishReason.EMERGENCY
    last = records_of(folder)[-1].event
    assert isinstance(last, RunFinished)
    assert last.reason == FinishReason.EMERGENCY
    resume(folder, recipe().steps)  # who knows that it was one may go on
    told = [event for event in story(folder) if event[0] != "RunFinished"]
    assert told == [event for event in story(tmp_path / "whole") if event[0] != "RunFinished"]


def test_a_journal_that_fails_at_the_very_end_does_not_break_the_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_quickly(tmp_path / "whole")
    n = len(records_of(tmp_path / "whole"))
    folder, clock = cut(tmp_path / "whole", n - 1, tmp_path / "cut"), InstantClock()
    runner = resumed_runner(folder, OhmicMicroscope(clock), clock)

    def broken(*_: object, **__: object) -> None:
        raise DataError("the disk is gone")

    monkeypatch.setattr(Journal, "append", broken)
    finished = runner.run(recipe().steps, seed=1)
    assert (finished.reason, finished.message) == (FinishReason.FAILED, "the disk is gone")


def test_a_record_of_a_failure_cannot_change_what_an_error_is() -> None:
    failed = InstructionFailed(
        SPECTRUM, "KeyboardInterrupt", "no", {"args": ("other",), "__class__": "int", "unit": "m"}
    )
    error = error_of(failed)
    assert type(error) is InstrumentError
    assert str(error) == "no"
