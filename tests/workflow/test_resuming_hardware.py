"""A run goes on with hardware: nothing is done again, and the sample is found where it is now."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from by_hand import doing
from ohmic_runs import new_runner
from resuming import cut, records_of, resumed_runner

from spm_auto.clock import Clock, InstantClock
from spm_auto.data import (
    FinishReason,
    LoadFinished,
    RunContinued,
    SampleFound,
    SampleSought,
    open_run,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    GuardedInstrument,
    Instrument,
    Limits,
    Scan,
    ScanFrame,
    ShiftedInstrument,
    Spectrum,
)
from spm_auto.resume import changes_since, read_tape
from spm_auto.simulator import SimulatorSettings

FRAME = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (64, 64))
SCAN = Scan(FRAME, ("amplitude", "phase"), line_rate=4.0)
SPECTRUM = AcquireSpectrum(1e-7, -2e-7, BiasWaveform.triangle(4.0, 16))
STEPS = [doing(SCAN, SPECTRUM, SPECTRUM)]
DRIFT = (47e-9, -31e-9)  # three and two pixels


class Hardware(ShiftedInstrument):
    """A film that is no simulation as far as the runner knows, on a stage that has drifted.

    Attributes:
        taken: Points of the spectra that were taken, in the instrument's own coordinates [m].
    """

    def __init__(self, clock: Clock, dx: float = 0.0, dy: float = 0.0, seed: int = 3) -> None:
        film: Instrument = SimulatorSettings(level=0).open(clock, seed)
        super().__init__(film, -dx, -dy)  # the film lies elsewhere, seen from the instrument
        self.taken: list[tuple[float, float]] = []
        self.scans = 0

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, is_simulated=False)

    def scan(self, instruction: Scan) -> object:  # type: ignore[override]
        self.scans += 1
        return super().scan(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        self.taken.append((instruction.x, instruction.y))
        return super().acquire_spectrum(instruction)


@pytest.fixture
def cut_run(tmp_path: Path) -> Path:
    """Give a run that was killed between its two spectra."""
    clock = InstantClock()
    new_runner(tmp_path / "whole", Hardware(clock), clock).run(STEPS, seed=1)
    names = [type(r.event).__name__ for r in records_of(tmp_path / "whole")]
    return cut(tmp_path / "whole", names.index("SpectrumAcquired") + 1, tmp_path / "cut")


def test_the_sample_is_found_again_and_measured_where_it_is_now(cut_run: Path) -> None:
    clock = InstantClock()
    hardware = Hardware(clock, *DRIFT)
    runner = resumed_runner(cut_run, hardware, clock)
    assert runner.run(STEPS, seed=1).reason == FinishReason.COMPLETED
    run = open_run(cut_run)
    (found,) = (r.event for r in run.records if isinstance(r.event, SampleFound))
    assert (found.dx, found.dy) == pytest.approx(DRIFT, abs=0.3 * 1e-6 / 64)
    ((x, y),) = hardware.taken  # the first spectrum was not taken again
    assert (x, y) == pytest.approx((1e-7 + found.dx, -2e-7 + found.dy), abs=1e-15)
    assert (run.spectra[1].x, run.spectra[1].y) == pytest.approx((1e-7, -2e-7), abs=1e-12)


def test_what_is_recorded_of_the_search_is_no_image_of_the_run(cut_run: Path) -> None:
    clock = InstantClock()
    hardware = Hardware(clock, *DRIFT)
    resumed_runner(cut_run, hardware, clock).run(STEPS, seed=1)
    run = open_run(cut_run)
    assert hardware.scans == 1
    assert [image.frame for image in run.scans] == [FRAME]
    events = [r.event for r in run.records]
    sought = next(n for n, event in enumerate(events) if isinstance(event, SampleSought))
    assert isinstance(events[sought - 1], RunContinued)
    assert isinstance(events[sought + 1], LoadFinished)


def test_killed_while_the_sample_is_looked_for_it_is_looked_for_again(
    cut_run: Path, tmp_path: Path
) -> None:
    clock = InstantClock()
    before = len(records_of(cut_run))
    resumed_runner(cut_run, Hardware(clock, *DRIFT), clock).run(STEPS, seed=1)
    again = cut(cut_run, before + 12, tmp_path / "again")
    clock = InstantClock()
    runner = resumed_runner(again, Hardware(clock, *DRIFT), clock)
    assert runner.run(STEPS, seed=1).reason == FinishReason.COMPLETED
    run = open_run(again)
    assert len(run.scans) == 1
    assert len(run.spectra) == 2
    assert sum(isinstance(r.event, SampleFound) for r in run.records) == 1


def test_another_sample_is_not_taken_for_the_one_that_was_measured(cut_run: Path) -> None:
    clock = InstantClock()
    hardware = Hardware(clock, seed=4)
    finished = resumed_runner(cut_run, hardware, clock).run(STEPS, seed=1)
    assert finished.reason == FinishReason.FAILED
    assert "the sample was not found again" in finished.message
    assert hardware.taken == []
    clock = InstantClock()
    resumed_runner(cut_run, Hardware(clock), clock, looks=False).run(STEPS, seed=1)
    assert len(open_run(cut_run).spectra) == 2


def test_what_changed_is_said_before_anything_moves(cut_run: Path) -> None:
    clock = InstantClock()
    hardware = Hardware(clock)
    guarded = GuardedInstrument(hardware, Limits(bias=(-5.0, 5.0)))
    said = "\n".join(changes_since(read_tape(cut_run), guarded))
    assert "the limits of the bias were" in said
    assert "not loaded" in said
    assert (hardware.scans, hardware.taken, clock.now()) == (0, [], 0.0)


def test_images_that_were_on_record_are_not_scanned_again(cut_run: Path) -> None:
    clock = InstantClock()
    hardware = Hardware(clock)
    resumed_runner(cut_run, hardware, clock).run(STEPS, seed=1)
    (image,) = open_run(cut_run).scans
    assert np.isfinite(image.forward).all()
    assert hardware.scans == 1  # to find the sample
