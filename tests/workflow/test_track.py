"""The track block: steps are sent to where the sample has drifted by then."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import StepByHand
from ohmic_runs import new_runner
from resuming import cut, resume, story

from spm_auto.clock import Clock, InstantClock
from spm_auto.data import (
    Alarm,
    Finding,
    FinishReason,
    InstructionFailed,
    RecordedRun,
    ScanStarted,
    SpectrumAcquired,
    StepStarted,
    open_run,
)
from spm_auto.errors import LimitExceeded, RecipeError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Instrument,
    PositionProbe,
    Scan,
    ScanFrame,
    ShiftedInstrument,
    Spectrum,
)
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.truth import Truth
from spm_auto.workflow import Estimate, Recipe, Runner, StepContext, StepGenerator, parse_recipe

DRIFTING = {
    "sample": {"kind": "ferroelectric_film", "cells": 128},
    "scanner": {"preset": "perfect", "drift": "0.1 nm/s", "random_walk": "20 pm"},
    "level": 2,
}
FRAME = {"center": ["0 nm", "0 nm"], "size": ["800 nm", "800 nm"], "pixels": [64, 64]}
REFERENCE = {"kind": "overview", "frame": FRAME, "line_rate": "4 Hz"}
SWEEP = {"kind": "sweep", "start": "-0.5 V", "stop": "0.5 V", "points": 5}
POINTS = {"kind": "points", "points": [["100 nm", "0 nm"], ["-150 nm", "90 nm"]], "waveform": SWEEP}
REST = {"kind": "wait", "duration": "2 min"}
STRIP = {"lines": 16, "pixels": 32}


def visits(times: int = 5, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "repeat", "times": times, "steps": [*(steps or [POINTS]), REST]}


def track(*steps: dict[str, Any], **how: Any) -> dict[str, Any]:
    how = {"frame": FRAME, "line_rate": "4 Hz", "every": "90 s", "strip": STRIP, **how}
    return {"kind": "track", **how, "steps": [*(steps or [visits()])]}


def recipe(*steps: dict[str, Any]) -> Recipe:
    return parse_recipe({"schema_version": 1, "title": "a drifting film", "steps": [*steps]}, "r")


def drifting(seed: int = 2) -> dict[str, Any]:
    clock = InstantClock()
    film = SimulatorSettings.model_validate(DRIFTING).open(clock, seed)
    return {"microscope": film, "clock": clock}


def carried_out(folder: Path, *steps: dict[str, Any], **on: Any) -> Runner:
    runner = new_runner(folder, **(on or drifting()))
    finished = runner.run(recipe(*steps).steps, seed=1)
    assert finished.reason == FinishReason.COMPLETED, finished.message
    return runner


def findings(run: RecordedRun, kind: str = "drift") -> list[Finding]:
    found = [r.event for r in run.records if isinstance(r.event, Finding)]
    return [each for each in found if each.kind == kind]


class Sliding(ShiftedInstrument):
    """A still film that slides away at once, after some spectra.

    Attributes:
        slides: By how much, by the number of spectra that were taken before [m].
    """

    def __init__(self, clock: Clock, slides: dict[int, tuple[float, float]]) -> None:
        still = {**DRIFTING, "level": 1}
        super().__init__(SimulatorSettings.model_validate(still).open(clock, 2), 0.0, 0.0)
        self.slides, self._taken = slides, 0

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._instrument.capabilities, x_range=(-0.9e-6, 0.9e-6))

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        spectrum = super().acquire_spectrum(instruction)
        self._taken += 1
        dx, dy = self.slides.get(self._taken, (0.0, 0.0))
        self._shift = (self._shift[0] - dx, self._shift[1] - dy)
        return spectrum


def sliding(slides: dict[int, tuple[float, float]]) -> dict[str, Any]:
    clock = InstantClock()
    instrument: Instrument = Sliding(clock, slides)
    return {"microscope": instrument, "clock": clock}


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedRun, Runner, Truth]:
    """Give a run that followed a drifting film, and the truth about it."""
    clock, folder = InstantClock(), tmp_path_factory.mktemp("tracked")
    film, truth = simulate(SimulatorSettings.model_validate(DRIFTING), 2, clock)
    runner = carried_out(folder, track(visits(6)), microscope=film, clock=clock)
    return open_run(folder), runner, truth


def test_the_tip_is_kept_over_the_places_while_everything_drifts(
    tracked: tuple[RecordedRun, Runner, Truth],
) -> None:
    run, runner, truth = tracked
    taken = [r.event for r in run.records if isinstance(r.event, SpectrumAcquired)]
    times = np.array([each.spectrum.start_time for each in taken])
    sent = np.array([(each.instruction.x, each.instruction.y) for each in taken])
    places = np.tile([(100e-9, 0.0), (-150e-9, 90e-9)], (6, 1))
    reference = run.scans[0]
    lines, _ = reference.frame.to_pixel(places[:, 0], places[:, 1])
    shown = reference.start_time + (lines + 0.5) / 64 * (reference.end_time - reference.start_time)
    drift = truth.drift(times)
    errors = sent + drift - places - truth.drift(shown)
    assert np.hypot(*(drift - truth.drift(shown))[-1]) > 60e-9  # where nobody corrects it
    assert np.sqrt(np.mean(np.sum(errors**2, axis=1))) < 1.5e-9
    # who works with the results sees the sample's coordinates
    seen = np.array([(s.x, s.y) for s in runner.knowledge.spectra])
    assert np.abs(seen - places).max() < 1e-18
    assert runner.knowledge.shift == (0.0, 0.0)


def test_each_look_says_what_it_found_and_how_sure_that_is(
    tracked: tuple[RecordedRun, Runner, Truth],
) -> None:
    run, _, truth = tracked
    (chosen,) = findings(run, "registration")
    looks = findings(run)
    assert "by a strip of 32 x 16 pixels" in chosen.message
    assert len(looks) >= 5
    start = truth.drift(np.array([looks[0].values["time"]]))[0]
    for look in looks[1:]:
        moved = start - truth.drift(np.array([look.values["time"]]))[0]
        apart = np.subtract(look.values["offset"], looks[0].values["offset"]) - moved
        assert np.abs(apart).max() < 4 * look.values["sd"]
    velocity = np.hypot(*looks[-1].values["velocity"])
    assert velocity == pytest.approx(0.1e-9, abs=0.03e-9)
    assert len(run.scans) == 1  # strips are none of its images
    assert sum(image.frame.pixels == (32, 16) for image in run.looks) == len(looks)


def test_its_outline_has_as_many_strips_as_it_took(
    tracked: tuple[RecordedRun, Runner, Truth],
) -> None:
    outline = recipe(track(visits(6))).steps[0].outline(None)
    foreseen = sum(isinstance(each, Scan) for each in outline.instructions) - 1
    assert foreseen == pytest.approx(len(findings(tracked[0])), abs=1)


@pytest.mark.parametrize("when", [{"every": "1 min"}, {"every": None, "tolerance": "4 nm"}])
def test_cut_anywhere_it_ends_as_the_unbroken_one(when: dict[str, Any], tmp_path: Path) -> None:
    steps = (REFERENCE, track(visits(2), frame=None, **when), POINTS)
    carried_out(tmp_path / "whole", *steps)
    whole = story(tmp_path / "whole")
    names = [name for name, _, _ in whole]
    first = names.index("Finding")  # the strip is chosen; a look begins
    last = max(n for n, name in enumerate(names) if name == "Finding")
    for n in (first + 4, last - 7) if "tolerance" in when else (last, last + 3):
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        resume(folder, recipe(*steps).steps, **drifting())
        assert story(folder) == whole, f"cut after {n} records ({names[n - 1]})"


def test_an_agent_inside_sees_the_coordinates_of_the_sample(tmp_path: Path) -> None:
    explore = {
        "kind": "explore",
        "agent": {"kind": "random"},
        "scalarizer": "integral",
        "waveform": SWEEP,
        "budget": 3,
        "stride": 8,
    }
    runner = carried_out(tmp_path, track(explore, REST, {**POINTS}, explore))
    places = [(s.x, s.y) for learned in runner.knowledge.learned for (s,) in _found(learned)]
    x, y = ScanFrame((0, 0), (800e-9, 800e-9), (64, 64)).positions()
    candidates = np.column_stack([x[::8, ::8].ravel(), y[::8, ::8].ravel()])
    assert len(places) == 6
    for place in places:
        assert np.hypot(*(candidates - place).T).min() < 1e-15
    taken = open_run(tmp_path).records
    sent = [r.event.instruction for r in taken if isinstance(r.event, SpectrumAcquired)]
    assert np.hypot(sent[-1].x - places[-1][0], sent[-1].y - places[-1][1]) > 5e-9


def _found(learned: Any) -> list[tuple[Spectrum]]:
    return [(scored.spectrum,) for scored in learned.found]


def test_images_and_estimates_inside_are_told_as_they_were_asked_for(tmp_path: Path) -> None:
    seen: list[Any] = []
    scan = Scan(ScanFrame((5e-8, 0.0), (1e-7, 1e-7), (8, 8)), line_rate=4.0)

    def script(_: StepContext) -> StepGenerator:
        seen.append((yield scan))
        yield PositionProbe(1e-8, 2e-8)
        seen.append((yield Estimate((PositionProbe(0.0, 0.0),))))
        return None

    (block,) = recipe(track()).steps
    by_hand = block.model_copy(update={"steps": (StepByHand(script=script),)})
    runner = new_runner(tmp_path, **drifting())
    reference, wait = recipe(REFERENCE, {"kind": "wait", "duration": "20 min"}).steps
    late = by_hand.model_copy(update={"frame": None})
    assert runner.run([reference, wait, late], seed=1).reason == FinishReason.COMPLETED
    image, estimates = seen
    assert image.frame == scan.frame
    assert estimates.position == pytest.approx((1e-8, 2e-8), abs=1e-15)
    (started,) = [
        r.event.instruction
        for r in open_run(tmp_path).records
        if isinstance(r.event, ScanStarted) and r.event.instruction.frame.pixels == (8, 8)
    ]
    assert np.hypot(*(np.array(started.frame.center) - scan.frame.center)) > 50e-9


def test_a_sample_that_jumps_is_found_again(tmp_path: Path) -> None:
    runner = carried_out(tmp_path, track(visits(4)), **sliding({3: (40e-9, -30e-9)}))
    looks = findings(open_run(tmp_path))
    assert "which was not expected there" in " ".join(look.message for look in looks)
    assert looks[-1].values["offset"] == pytest.approx([40e-9, -30e-9], abs=2e-9)
    assert not any(isinstance(r.event, Alarm) for r in open_run(tmp_path).records)
    assert len(runner.knowledge.spectra) == 8


@pytest.mark.parametrize(("lost", "n"), [("end", 5), ("go on", 9)])
def test_a_sample_that_is_lost_is_said_and_not_measured_blindly(
    lost: str, n: int, tmp_path: Path
) -> None:
    how = sliding({3: (480e-9, 0.0)})
    after = {**POINTS, "points": [["0 nm", "0 nm"]]}
    runner = carried_out(tmp_path, track(visits(4), lost=lost), after, **how)
    run = open_run(tmp_path)
    alarms = [r.event for r in run.records if isinstance(r.event, Alarm)]
    assert alarms[0].cause == "drift"
    assert "the sample is lost: the whole reference" in alarms[0].message
    assert not findings(run)[-1].values["is_sure"]
    assert len(runner.knowledge.spectra) == n


def test_a_place_beyond_the_scanner_is_refused_in_the_coordinates_of_the_sample(
    tmp_path: Path,
) -> None:
    caught: list[LimitExceeded] = []

    def script(_: StepContext) -> StepGenerator:
        waveform = BiasWaveform((0.0, 0.1))
        for x in (0.0, 0.88e-6):
            try:
                yield AcquireSpectrum(x, 0.0, waveform)
            except LimitExceeded as error:
                caught.append(error)
        return None

    _, block = recipe(REFERENCE, track(frame=None)).steps
    late = block.model_copy(update={"steps": (StepByHand(script=script),)})
    reference, first, rest = recipe(REFERENCE, POINTS, REST).steps
    runner = new_runner(tmp_path, **sliding({2: (50e-9, 0.0)}))
    assert runner.run([reference, first, rest, late], seed=1).reason == FinishReason.COMPLETED
    (error,) = caught
    assert error.asked == pytest.approx(0.88e-6, abs=1e-12)
    assert error.allowed[1] == pytest.approx(0.85e-6, abs=3e-9)
    assert any(isinstance(r.event, InstructionFailed) for r in open_run(tmp_path).records)


def test_a_later_block_with_the_same_reference_goes_on_with_what_is_known(tmp_path: Path) -> None:
    carried_out(tmp_path, track(visits(2)), REST, track(visits(2)))
    run = open_run(tmp_path)
    assert len(run.scans) == 1
    assert len(findings(run, "registration")) == 1
    started = [n for n, r in enumerate(run.records) if isinstance(r.event, StepStarted)]
    again = [n for n in started if run.records[n].event.index == 2]  # type: ignore[union-attr]
    first = next(r.event for r in run.records[again[0] :] if isinstance(r.event, Finding))
    assert np.hypot(*first.values["offset"]) > 30e-9


def test_what_cannot_be_tracked_is_refused_before_anything_moves() -> None:
    with pytest.raises(RecipeError, match=r"steps\[0\]: a track step inside of a track step"):
        recipe(track(visits(2, track())))
    with pytest.raises(RecipeError, match="a track step needs a frame of its own, or an overview"):
        recipe(track(frame=None))
    with pytest.raises(RecipeError, match="say when it is looked"):
        recipe(track(every=None))
    with pytest.raises(RecipeError, match="32 x 60 pixels with 8 around them do not fit in a"):
        recipe(track(strip={"lines": 60, "pixels": 32}))


class Hardware(Sliding):
    """The still film again, as far as the runner knows no simulation, that has slid meanwhile."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, is_simulated=False)


def test_with_hardware_it_goes_on_with_a_sample_that_has_slid_meanwhile(tmp_path: Path) -> None:
    steps, clock = (track(visits(4)),), InstantClock()
    carried_out(tmp_path / "whole", *steps, microscope=Hardware(clock, {}), clock=clock)
    names = [name for name, _, _ in story(tmp_path / "whole")]
    n = [at for at, name in enumerate(names) if name == "SpectrumAcquired"][3]
    folder, clock = cut(tmp_path / "whole", n + 1, tmp_path / "cut"), InstantClock()
    slid = Hardware(clock, {})
    slid._shift = (-47e-9, 31e-9)
    runner = resume(folder, recipe(*steps).steps, microscope=slid, clock=clock)
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.COMPLETED, runner.finished.message
    run = open_run(folder)
    assert findings(run)[-1].values["offset"] == pytest.approx([0.0, 0.0], abs=2e-9)
    assert slid._last[1] == pytest.approx((-150e-9, 90e-9), abs=3e-9)  # on the film itself
    assert not any(isinstance(r.event, Alarm) for r in run.records)
