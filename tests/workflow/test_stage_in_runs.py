"""Moves of the coarse stage in a run: written down, read again, and gone on with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import SCAN, SPECTRUM, doing
from ohmic_runs import new_runner
from resuming import cut, records_of, resumed_runner, story
from staged import StagedMicroscope

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FinishReason,
    SampleFound,
    StageMoved,
    StepStarted,
    carried_out,
    consolidate,
    open_run,
)
from spm_auto.errors import DataError
from spm_auto.instrument import (
    Exposure,
    GuardedInstrument,
    Limits,
    Load,
    MoveStage,
)
from spm_auto.resume import changes_since, read_tape
from spm_auto.script import start_run
from spm_auto.simulator import ReplayRunSettings

THERE, BEYOND = MoveStage(1e-3, 0.0), MoveStage(2e-3, -5e-4)
STEP = doing(SCAN, SPECTRUM, THERE, SCAN, SPECTRUM, BEYOND, SPECTRUM)


def carried_out_in(
    folder: Path, microscope: StagedMicroscope, limits: Limits | None = None
) -> None:
    clock: Any = microscope._clock
    guard = GuardedInstrument(microscope, limits)
    finished = new_runner(folder, guard, clock).run([STEP], 1)
    assert finished.reason == FinishReason.COMPLETED, finished.detail


@pytest.fixture
def run(tmp_path: Path) -> Path:
    carried_out_in(tmp_path / "whole", StagedMicroscope(InstantClock(), slip=2e-7))
    return tmp_path / "whole"


def test_each_scan_and_spectrum_knows_where_the_stage_was(run: Path) -> None:
    for recorded in (open_run(run), open_run(consolidate(run / "run.spmj"))):
        places = [(0.0, 0.0), (1.0002e-3, 0.0), (2.0002e-3, -5e-4)]
        stages = [m.stage for m in recorded.measurements]
        np.testing.assert_allclose(stages, places, rtol=1e-12)
        scans = [recorded.stage_at(scan.start_time) for scan in recorded.scans]
        np.testing.assert_allclose(scans, places[:2], rtol=1e-12)
        moves = [r.event for r in recorded.records if isinstance(r.event, StageMoved)]
        assert [move.instruction for move in moves] == [THERE, BEYOND]


def test_cut_after_any_record_it_goes_on_as_the_unbroken_one(run: Path, tmp_path: Path) -> None:
    whole = story(run)
    for n in range(2, len(whole)):
        folder, clock = cut(run, n, tmp_path / f"cut {n}"), InstantClock()
        runner = resumed_runner(folder, StagedMicroscope(clock, slip=2e-7), clock)
        assert runner.run([STEP], 1).reason == FinishReason.COMPLETED
        assert story(folder) == whole, f"cut after {n} records"


def test_what_a_ledger_has_to_know_tells_where_the_stage_was(run: Path) -> None:
    moves = [each for each in carried_out(records_of(run)) if isinstance(each, MoveStage)]
    assert moves == [MoveStage(0.0, 0.0), THERE, BEYOND]


def _cut_hardware_run(tmp_path: Path, after: str, times: int) -> Path:
    microscope = StagedMicroscope(InstantClock(), is_simulated=False)
    carried_out_in(tmp_path / "whole", microscope)
    names = [type(record.event).__name__ for record in records_of(tmp_path / "whole")]
    ends = [n + 1 for n, name in enumerate(names) if name == after]
    return cut(tmp_path / "whole", ends[times - 1], tmp_path / "cut")


def _gone_on(folder: Path, stage: tuple[float, float]) -> tuple[str, StagedMicroscope]:
    clock = InstantClock()
    hardware = StagedMicroscope(clock, is_simulated=False)
    hardware.stage = stage
    limits = Limits(exposure=Exposure(5e-8, spectra=1))
    runner = resumed_runner(folder, hardware, clock, limits, looks=False)
    return runner.run([STEP], 1).message, hardware


def test_hardware_whose_stage_stands_elsewhere_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = _cut_hardware_run(tmp_path, "StageMoved", 1)
    said, hardware = _gone_on(folder, (3e-3, 0.0))
    assert "the stage stands at (0.003, 0) m; the run left it at (0.001, 0) m" in said
    assert "bring it back" in said
    assert hardware.sent == []


def test_hardware_whose_stage_stayed_where_it_was_goes_on(tmp_path: Path) -> None:
    folder = _cut_hardware_run(tmp_path, "StageMoved", 1)
    said, hardware = _gone_on(folder, (1e-3, 0.0))
    assert said == ""
    assert hardware.sent == [(2e-3, -5e-4)]  # what was moved before is not moved again
    assert len(open_run(folder).spectra) == 3


def test_killed_while_the_stage_moved_it_moves_on_from_wherever_it_is(tmp_path: Path) -> None:
    folder = _cut_hardware_run(tmp_path, "SpectrumAcquired", 1)
    said, hardware = _gone_on(folder, (0.4e-3, 0.0))
    assert said == ""
    assert hardware.sent == [(1e-3, 0.0), (2e-3, -5e-4)]
    found = [r.event for r in open_run(folder).records if isinstance(r.event, SampleFound)]
    assert [event.message for event in found] == ["not looked for: the stage moves on"]


def test_that_the_stage_stands_elsewhere_is_said_before_anything_moves(tmp_path: Path) -> None:
    folder = _cut_hardware_run(tmp_path, "StageMoved", 2)
    guard = GuardedInstrument(StagedMicroscope(InstantClock(), is_simulated=False))
    said = "\n".join(changes_since(read_tape(folder), guard))
    assert "the stage stands at (0 m, 0 m); the run left it at (2 mm, -500 um)" in said


def test_an_image_of_another_place_is_none_to_find_the_sample_by(run: Path) -> None:
    tape = read_tape(run)
    seen = []
    for instruction in (Load(), SCAN, SPECTRUM, THERE, SCAN):
        assert tape.instruction(instruction) is not None
        if instruction == Load():
            tape.note(StepStarted(0, "by hand"))
        seen.append(tape.image is not None)
    assert seen == [False, True, True, False, True]


def test_a_run_at_several_places_is_no_single_sample_to_measure_again(run: Path) -> None:
    with pytest.raises(DataError, match="3 positions of the coarse stage"):
        ReplayRunSettings.model_validate({"kind": "replay_run", "run": str(run)}).open(
            InstantClock(), 0
        )


def test_a_script_moves_the_stage_and_looks_at_images_of_the_new_place_only(
    tmp_path: Path,
) -> None:
    clock = InstantClock()
    microscope = StagedMicroscope(clock)
    with start_run(instrument=microscope, clock=clock, out=tmp_path / "run", seed=1) as run:
        run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(8, 4))
        assert len(run.context().images) == 1
        run.move_stage("1 mm", "0 mm")
        assert run.context().images == ()
        run.position_probe("0 nm", "10 nm")
    assert microscope.sent == [(1e-3, 0.0)]
    assert open_run(tmp_path / "run").stage_at(clock.now()) == (1e-3, 0.0)
