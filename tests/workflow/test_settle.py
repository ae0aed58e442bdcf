"""The settle block: after a move the probe rests until its scanner creeps no more than it may."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import StepByHand
from ohmic_runs import new_runner
from resuming import cut, resume, story

from spm_auto.clock import InstantClock
from spm_auto.data import Finding, FinishReason, ProbePositioned, Waited, open_run
from spm_auto.errors import RecipeError
from spm_auto.instrument import AcquireSpectrum, Load, ShiftedInstrument, Spectrum
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.workflow import Recipe, StepContext, StepGenerator, parse_recipe
from spm_auto.workflow.steps.settling import Creep, Move

CREEPING = {  # an open-loop piezo that creeps, and nothing else
    "sample": {"kind": "ferroelectric_film", "cells": 128},
    "scanner": {"preset": "perfect", "creep": 0.03},
    "level": 2,
}
SWEEP = {"kind": "sweep", "start": "-0.5 V", "stop": "0.5 V", "points": 101}
PLACES = [["500 nm", "0 nm"], ["-500 nm", "200 nm"], ["-480 nm", "200 nm"], ["300 nm", "-400 nm"]]
POINTS = {"kind": "points", "points": PLACES, "waveform": SWEEP}
FRAME = {"center": ["0 nm", "0 nm"], "size": ["600 nm", "600 nm"], "pixels": [16, 16]}
REFERENCE = {"kind": "overview", "frame": FRAME, "line_rate": "4 Hz"}


class Watched(ShiftedInstrument):
    """A microscope that notes how far the tip truly creeps during each spectrum.

    Attributes:
        crept: Way [m] and time [s] of each.
    """

    def __init__(self) -> None:
        self.clock = InstantClock()
        instrument, truth = simulate(SimulatorSettings.model_validate(CREEPING), 1, self.clock)
        super().__init__(instrument, 0.0, 0.0)
        self._truth = truth
        self.crept: list[tuple[float, float]] = []

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        spectrum = super().acquire_spectrum(instruction)
        start, end = spectrum.start_time, spectrum.end_time
        at = self._truth.scanner.true_position
        self.crept.append((math.dist(at(start), at(end)), end - start))
        return spectrum


def recipe(*steps: dict[str, Any]) -> Recipe:
    return parse_recipe({"schema_version": 1, "title": "creep", "steps": [*steps]}, "r")


def settle(*steps: dict[str, Any], **how: Any) -> dict[str, Any]:
    return {"kind": "settle", "load": "0 s", **how, "steps": [*(steps or [POINTS])]}


def carried_out(folder: Path, *steps: dict[str, Any]) -> Watched:
    watched = Watched()
    runner = new_runner(folder, watched, watched.clock)
    finished = runner.run(recipe(*steps).steps, seed=1)
    assert finished.reason == FinishReason.COMPLETED, finished.message
    return watched


def waits(folder: Path) -> list[float]:
    events = [record.event for record in open_run(folder).records]
    return [event.seconds for event in events if isinstance(event, Waited) and event.seconds]


def test_the_tip_creeps_no_faster_than_was_promised(tmp_path: Path) -> None:
    promised = 0.2e-9
    free = carried_out(tmp_path / "free", POINTS)
    assert max(way / time for way, time in free.crept) > 20 * promised
    watched = carried_out(tmp_path / "run", settle(POINTS, REFERENCE, POINTS, slowest="0.2 nm/s"))
    assert len(watched.crept) == 8
    assert max(way / time for way, time in watched.crept) < promised
    assert max(waits(tmp_path / "run")) < 120.0  # and it does not wait for ever
    said = [r.event for r in open_run(tmp_path / "run").records if isinstance(r.event, Finding)]
    assert all(event.values["speed"] <= 1.001 * promised for event in said)
    assert "the scanner was let settle for" in said[0].message


def test_the_tip_creeps_no_farther_during_a_spectrum_than_was_promised(tmp_path: Path) -> None:
    watched = carried_out(tmp_path, settle(tolerance="0.3 nm"))
    ways = [way for way, _ in watched.crept]
    assert max(ways) < 0.3e-9
    assert max(ways) > 0.1e-9  # it waits no longer than it has to


def test_moves_that_are_not_long_are_not_waited_for(tmp_path: Path) -> None:
    carried_out(tmp_path, settle(slowest="0.2 nm/s", after="50 nm"))
    moves = [r.event for r in open_run(tmp_path).records if isinstance(r.event, ProbePositioned)]
    assert [event.instruction.x for event in moves] == [5e-7, -5e-7, 3e-7]


def test_after_a_load_the_probe_rests_where_it_measures_next(tmp_path: Path) -> None:
    watched = Watched()
    (block,) = recipe(settle(load="60 s", slowest="1 um/s")).steps
    spectra = recipe(POINTS).steps[0].preview(None)[:2]

    def script(_: StepContext) -> StepGenerator:
        for instruction in (spectra[0], Load(), spectra[1], spectra[1]):
            _ = yield instruction
        return None

    by_hand = block.model_copy(update={"steps": (StepByHand(script=script),)})
    runner = new_runner(tmp_path, watched, watched.clock)
    assert runner.run([by_hand], seed=1).reason == FinishReason.COMPLETED
    assert waits(tmp_path) == pytest.approx([60.0, 60.0], abs=0.2)  # the run begins with a load


def test_cut_anywhere_it_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    steps = (settle(POINTS, REFERENCE, POINTS, slowest="0.2 nm/s"),)
    carried_out(tmp_path / "whole", *steps)
    whole = story(tmp_path / "whole")
    for n in (len(whole) // 3, len(whole) // 2, len(whole) - 4):
        folder, watched = cut(tmp_path / "whole", n, tmp_path / f"cut {n}"), Watched()
        resume(folder, recipe(*steps).steps, microscope=watched, clock=watched.clock)
        assert story(folder) == whole, f"cut after {n} records ({whole[n - 1][0]})"


def test_the_wait_for_one_move_is_that_of_the_law() -> None:
    creep = Creep(0.03, (Move(10.0, (1e-6, 0.0)),))
    wait = creep.settled(10.0, 0.1e-9, math.inf, 1.0)
    assert wait == pytest.approx(0.03 * 1e-6 / (0.1e-9 * math.log(10)), rel=1e-6)
    until = creep.settled(10.0, math.inf, 0.1e-9, 2.0)
    assert creep.way(10.0 + until, 2.0) == pytest.approx(0.1e-9, rel=1e-6)
    back = creep.after([Move(50.0, (-1e-6, 0.0))])
    assert back.speed(1000.0) < 0.1 * creep.speed(1000.0)  # there and back all but cancel
    assert np.isclose(creep.remembered(1e5, 0.1e-9).speed(2e5), 0.0)


def test_it_has_to_be_said_how_calm_it_shall_be() -> None:
    with pytest.raises(RecipeError, match="say what is allowed: slowest"):
        recipe(settle())


def test_its_outline_waits_about_as_long_as_it_does(tmp_path: Path) -> None:
    block = settle(POINTS, slowest="0.2 nm/s", load="30 s")
    outline = recipe(REFERENCE, block).steps[1].outline(recipe(REFERENCE).preview()[0][1])  # type: ignore[arg-type]
    carried_out(tmp_path, REFERENCE, block)
    assert outline.waiting - 30.0 == pytest.approx(sum(waits(tmp_path)), rel=0.3)


def test_inside_of_a_track_block_the_strips_are_waited_for_too(tmp_path: Path) -> None:
    strip = {"lines": 8, "pixels": 8, "margin": 3, "accuracy": "30 nm"}
    calm = settle(slowest="0.2 nm/s")
    still = {"speed": "1 pm/s", "walk": "1 pm", "change": "1 pm/s", "adapt": False}
    how = {"frame": FRAME, "line_rate": "4 Hz", "every": "20 s", "strip": strip, "drift": still}
    block = {"kind": "track", **how}
    watched = carried_out(tmp_path, {**block, "steps": [calm]})
    assert len(watched.crept) == 4
    assert len(open_run(tmp_path).looks) >= 2
    assert max(way / time for way, time in watched.crept) < 0.2e-9
