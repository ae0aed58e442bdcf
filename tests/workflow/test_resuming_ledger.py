"""What a sample has borne in a run is known again when the run goes on."""

from dataclasses import replace
from pathlib import Path

import pytest
from by_hand import doing
from ohmic_runs import new_runner
from resuming import cut, records_of
from test_resuming_hardware import DRIFT, SCAN, SPECTRUM, Hardware

from spm_auto.clock import InstantClock
from spm_auto.data import (
    CommandEnded,
    CommandGiven,
    Event,
    FinishReason,
    InstructionFailed,
    LoadFinished,
    Outcome,
    ProbePositioned,
    Record,
    SpectrumAcquired,
    carried_out,
)
from spm_auto.instrument import (
    AcquireForceCurve,
    ConditionTip,
    Exposure,
    GuardedInstrument,
    Instruction,
    Limits,
    Load,
    PositionProbe,
)
from spm_auto.resume import read_tape, take_up

LIMITS = Limits(exposure=Exposure(20e-9, spectra=3))
STEPS = [doing(SCAN, SPECTRUM, SPECTRUM, SPECTRUM)]
FIRST, SECOND = PositionProbe(0.0, 0.0), ConditionTip(1e-9, 0.0, bias=1.0)


def whole(folder: Path, is_simulated: bool) -> Path:
    clock = InstantClock()
    microscope = Hardware(clock)
    if is_simulated:
        microscope = microscope._instrument  # type: ignore[assignment]  # the film itself
    new_runner(folder, microscope, clock, LIMITS).run(STEPS, seed=1)
    return folder


@pytest.mark.parametrize("number", [1, 2])
def test_of_hardware_the_ledger_knows_again_what_was_measured(tmp_path: Path, number: int) -> None:
    names = [type(r.event).__name__ for r in records_of(whole(tmp_path / "whole", False))]
    ends = [index for index, name in enumerate(names) if name == "SpectrumAcquired"]
    folder = cut(tmp_path / "whole", ends[number - 1] + 1, tmp_path / "cut")
    clock = InstantClock()
    guarded = GuardedInstrument(Hardware(clock), LIMITS)
    runner = take_up(guarded, clock, folder, read_tape(folder), looks=False)
    assert guarded.ledger.spent(SPECTRUM.x, SPECTRUM.y).spectra == number
    assert runner.run(STEPS, seed=1).reason == FinishReason.COMPLETED
    assert guarded.ledger.spent(SPECTRUM.x, SPECTRUM.y).spectra == 3


def test_of_a_sample_that_was_found_elsewhere_it_is_known_where_it_was_found(
    tmp_path: Path,
) -> None:
    names = [type(r.event).__name__ for r in records_of(whole(tmp_path / "whole", False))]
    folder = cut(tmp_path / "whole", names.index("SpectrumAcquired") + 1, tmp_path / "cut")
    clock = InstantClock()
    drifted = GuardedInstrument(Hardware(clock, *DRIFT), LIMITS)
    take_up(drifted, clock, folder, read_tape(folder)).run(STEPS, seed=1)
    clock = InstantClock()
    guarded = GuardedInstrument(Hardware(clock, *DRIFT), LIMITS)
    tape = read_tape(folder)
    take_up(guarded, clock, folder, tape).finish()
    assert tape.found is not None
    there = SPECTRUM.x + tape.found.dx, SPECTRUM.y + tape.found.dy
    assert guarded.ledger.spent(*there).spectra == 3
    assert guarded.ledger.spent(SPECTRUM.x, SPECTRUM.y).spectra == 0


def test_what_is_simulated_does_it_again_and_counts_it_once(tmp_path: Path) -> None:
    names = [type(r.event).__name__ for r in records_of(whole(tmp_path / "whole", True))]
    folder = cut(tmp_path / "whole", names.index("SpectrumAcquired") + 1, tmp_path / "cut")
    clock = InstantClock()
    guarded = GuardedInstrument(Hardware(clock)._instrument, LIMITS)
    finished = take_up(guarded, clock, folder, read_tape(folder)).run(STEPS, seed=1)
    assert finished.reason == FinishReason.COMPLETED
    assert guarded.ledger.spent(SPECTRUM.x, SPECTRUM.y).spectra == 3


def records(*events: Event) -> list[Record]:
    return [Record(number, 0.0, 0.0, event) for number, event in enumerate(events)]


def failed(instruction: Instruction, error: str) -> InstructionFailed:
    return InstructionFailed(instruction, error, "so it was")


def test_of_what_failed_only_what_was_begun_counts() -> None:
    assert carried_out(
        records(
            LoadFinished(Load("film")),
            ProbePositioned(FIRST, 0.0, 0.0),
            failed(SPECTRUM, "NoReply"),
            failed(SPECTRUM, "LimitExceeded"),
            failed(SPECTRUM, "Unprotected"),
            failed(SECOND, "EmergencyStopped"),
            failed(Load("crystal"), "NoReply"),
        )
    ) == (Load("film"), SPECTRUM, SECOND)


def test_of_the_commands_of_a_server_those_that_it_refused_do_not_count() -> None:
    curve = AcquireForceCurve(0.0, 0.0)
    assert carried_out(
        records(
            CommandGiven("ada", 1, Load("film")),
            CommandEnded("ada", 1, Outcome.DONE),
            CommandGiven("ada", 2, SPECTRUM),
            CommandEnded("ada", 2, Outcome.FAILED),
            CommandEnded("bob", -1, Outcome.REFUSED, "not the owner"),
            CommandGiven("ada", 3, SECOND),
            CommandEnded("ada", 3, Outcome.REFUSED),
            CommandGiven("ada", 4, Load("crystal")),
            CommandEnded("ada", 4, Outcome.STOPPED),
            CommandGiven("ada", 5, curve),  # and then the power went
        )
    ) == (Load("film"), SPECTRUM, curve)


def test_a_spectrum_counts_where_it_was_asked_for(tmp_path: Path) -> None:
    events = [r.event for r in records_of(whole(tmp_path, False))]
    (first, *_) = (event for event in events if isinstance(event, SpectrumAcquired))
    told = records(replace(first, spectrum=replace(first.spectrum, x=0.0)))
    assert carried_out(told) == (SPECTRUM,)
