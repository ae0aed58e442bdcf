"""Rows 8, 9, 11 and 12: what was measured badly, elsewhere, or only in part."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from by_hand import doing
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe
from resuming import cut, records_of, resumed_runner
from rows import Table
from test_resuming_hardware import SCAN, SPECTRUM, STEPS, Hardware

from examples.own_instrument import OhmicMicroscope
from spm_auto.agents import Candidates
from spm_auto.clock import Clock, InstantClock
from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    PointChosen,
    RecordedRun,
    SampleFound,
    ScanFinished,
    SpectrumAcquired,
    consolidate,
    open_run,
)
from spm_auto.errors import ChangedOutside
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanLine,
    Spectrum,
)
from spm_auto.simulator import SimulatorSettings

LINES, PIXELS = 6, 8
BUDGET = 12
IMAGE = {**OVERVIEW, "frame": {**OVERVIEW["frame"], "pixels": [PIXELS, LINES]}}
LOOK = {**EXPLORE, "agent": {"kind": "gp", "initial": 3}, "budget": BUDGET}


class Halted(OhmicMicroscope):
    """Somebody at the controller stops each scan; a polite driver says so, another gives less."""

    def __init__(self, clock: Clock, after: int, says_so: bool) -> None:
        super().__init__(clock)
        self._after, self._says_so = after, says_so

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        for line in super().scan(instruction):
            if line.index == self._after:
                if self._says_so:
                    raise ChangedOutside(f"the scan was stopped after {line.index} lines")
                return
            yield line


def is_kept_as_it_is(run: RecordedRun, after: int) -> bool:
    """Say whether a frame ends with its last line, says so, and its run file can be read."""
    (end,) = (r.event for r in run.records if isinstance(r.event, ScanFinished))
    (image,) = run.scans
    missing = np.isnan(image.forward).all(axis=(0, 2))
    return (
        not end.is_complete
        and not image.is_complete
        and missing.tolist() == [index >= after for index in range(LINES)]
    )


@pytest.mark.parametrize("says_so", [True, False], ids=["said", "unsaid"])
def test_a_frame_that_was_stopped_is_kept_and_nothing_is_learned_of_what_is_missing(
    row: Table, how_many: Callable[..., int], tmp_path: Path, says_so: bool
) -> None:
    counted = row(8, "partial frame", "stopped at the controller after 0 to 5 of 6 lines")
    for after in (3, 0, 5, 1, 2, 4)[: how_many(quick=2, full=6)]:
        with counted.trial():
            folder, clock = tmp_path / f"{after}", InstantClock()
            runner = new_runner(folder, Halted(clock, after, says_so), clock)
            finished = runner.run(recipe(IMAGE, LOOK).steps, seed=1)
            run = open_run(folder)
            assert is_kept_as_it_is(run, after)
            consolidate(folder / FILE_NAME)
            assert is_kept_as_it_is(open_run(folder), after)
            chosen = [r.event for r in run.records if isinstance(r.event, PointChosen)]
            if says_so or after == 0:
                assert finished.reason is FinishReason.FAILED
                assert chosen == []
                continue
            candidates = Candidates.of(run.scans[0])
            assert np.isfinite(candidates.descriptors).all()
            assert (candidates.points[:, 1] < run.scans[0].frame.positions()[1][after, 0]).all()
            assert {c.y for c in chosen} <= set(candidates.points[:, 1].tolist())


class Spoiling(OhmicMicroscope):
    """Spoils some of its spectra, and keeps what it gave."""

    def __init__(self, clock: Clock, kind: str, numbers: set[int]) -> None:
        super().__init__(clock)
        self._kind, self._numbers = kind, numbers
        self.given: list[Spectrum] = []

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        spectrum = super().acquire_spectrum(instruction)
        if len(self.given) in self._numbers:
            spectrum = self._spoiled(spectrum)
        self.given.append(spectrum)
        return spectrum

    def _spoiled(self, spectrum: Spectrum) -> Spectrum:
        data, flags = spectrum.data.copy(), spectrum.flags
        top = data.max()
        match self._kind:
            case "not a number":
                data[:, ::2] = math.nan
            case "nothing but":
                data[:] = math.nan
            case "infinite":
                data[:, -1] = math.inf
            case "absurd":
                data[:] = 1e300
            case "constant":
                data[:] = 0.0
            case "saturated":
                data[:], flags = top, (QualityFlag.SATURATED,)
            case "clipped":
                data, flags = np.minimum(data, top / 2), (QualityFlag.SATURATED,)
            case "unsettled":
                flags = (QualityFlag.NOT_SETTLED,)
        return replace(spectrum, data=data, flags=flags)


SPOILED = ("not a number", "nothing but", "infinite", "absurd", "constant", "saturated", "clipped")


@pytest.mark.parametrize("kind", [*SPOILED, "unsettled"])
def test_a_bad_spectrum_is_stored_as_it_came_and_teaches_nothing(
    row: Table, how_many: Callable[..., int], tmp_path: Path, kind: str
) -> None:
    counted = row(9, "bad spectrum", "eight ways to spoil one, at random moments, with a GP agent")
    rng = random.Random(kind)
    for number in range(how_many(quick=1, full=5)):
        with counted.trial():
            folder, clock = tmp_path / f"{number}", InstantClock()
            spoiled = set(rng.sample(range(BUDGET), 3))
            microscope = Spoiling(clock, kind, spoiled)
            runner = new_runner(folder, microscope, clock)
            assert runner.run(recipe(IMAGE, LOOK).steps, 1).reason is FinishReason.COMPLETED
            run = open_run(folder)
            kept = [r.event.spectrum for r in run.records if isinstance(r.event, SpectrumAcquired)]
            for given, stored in zip(microscope.given, kept, strict=True):
                np.testing.assert_array_equal(given.data, stored.data)
                assert given.flags == stored.flags
            bad = {n for n, m in enumerate(run.measurements) if m.scored and m.scored.flag}
            assert bad == spoiled
            for fit in run.fits:
                assert np.isfinite(fit.mean).all()
                assert np.isfinite(fit.deviation).all()
            chosen = [choice.candidate for choice in run.decisions]
            assert len(set(chosen)) == len(chosen)  # nowhere twice


def test_a_probe_that_does_not_follow_is_a_fault_and_no_spectrum_of_another_place(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(11, "stuck axis", "x or y stays where it is, from any instruction on")
    points = [(1e-7, -2e-7), (-3e-7, 4e-7), (2e-7, 2e-7), (0.0, 1e-7)]
    sweep = BiasWaveform.triangle(4.0, 8)
    instructions = [
        make(x, y)
        for x, y in points
        for make in (PositionProbe, lambda x, y: AcquireSpectrum(x, y, sweep))
    ]
    for axis in "xy":
        for action in (1, 2, 3, 5, 6, 7)[: how_many(quick=1, full=6)]:
            with counted.trial():
                folder, clock = tmp_path / f"{axis}{action}", InstantClock()
                fault = {"kind": "stuck_axis", "action": action, "axis": axis}
                settings = SimulatorSettings.model_validate({"faults": (fault,), "level": 0})
                runner = new_runner(folder, settings.open(clock, 1), clock)
                finished = runner.run([doing(*instructions)], seed=1)
                assert finished.reason is FinishReason.FAILED
                assert "but reads back" in finished.message
                for taken in (
                    r.event
                    for r in open_run(folder).records
                    if isinstance(r.event, SpectrumAcquired)
                ):
                    assert (taken.spectrum.x, taken.spectrum.y) == pytest.approx(
                        (taken.instruction.x, taken.instruction.y), abs=1e-12
                    )


def test_a_sample_that_drifted_is_found_within_what_is_said_to_be_uncertain(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(
        12, "drift", "a run resumed on a stage that moved by up to a quarter of the frame"
    )
    clock = InstantClock()
    new_runner(tmp_path / "whole", Hardware(clock), clock).run(STEPS, seed=1)
    names = [type(r.event).__name__ for r in records_of(tmp_path / "whole")]
    begun = names.index("SpectrumAcquired") + 1
    rng, most = random.Random(5), SCAN.frame.size[0] / 4
    budget = SCAN.frame.size[0] / SCAN.frame.pixels[0] / 4  # a quarter of a pixel
    offs, within = [0.0], 0
    for number in range(how_many(quick=2, full=30)):
        drift = (rng.uniform(-most, most), rng.uniform(-most, most))
        folder = cut(tmp_path / "whole", begun, tmp_path / f"{number}")
        clock = InstantClock()
        hardware = Hardware(clock, *drift)
        finished = resumed_runner(folder, hardware, clock).run(STEPS, seed=1)
        if finished.reason is FinishReason.FAILED:  # paused is as good as found
            counted.case("was not found again" in finished.message and hardware.taken == [])
            continue
        (found,) = (r.event for r in open_run(folder).records if isinstance(r.event, SampleFound))
        off = math.hypot(found.dx - drift[0], found.dy - drift[1])
        offs.append(off)
        within += off <= 3 * found.uncertainty
        ((x, y),) = hardware.taken
        went = math.hypot(x - SPECTRUM.x - drift[0], y - SPECTRUM.y - drift[1])
        counted.case(off <= budget and went == pytest.approx(off, abs=1e-12))
    counted.figure(
        f"found again {len(offs) - 1} times, off by at most {1e9 * max(offs):.1f} nm of "
        f"{1e9 * budget:.1f} nm; {within} within three uncertainties"
    )
    assert within >= 0.9 * (len(offs) - 1)
