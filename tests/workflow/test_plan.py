"""The plan: what is known of a run is checked and timed before anything moves."""

from pathlib import Path
from typing import Any

import pytest
from by_hand import Microscope
from ohmic_runs import EXPLORE, OVERVIEW, SWEEP, new_runner, recipe

from spm_auto.agents.settings import GaussianProcessSettings
from spm_auto.clock import InstantClock
from spm_auto.data import FILE_NAME, consolidate, open_run
from spm_auto.errors import RecipeError
from spm_auto.instrument import GuardedInstrument, Limits, NoGoZone
from spm_auto.report import write_report
from spm_auto.simulator import FerroelectricFilmSettings, SimulatorSettings
from spm_auto.workflow import Recipe, make_plan

GRID = {"kind": "grid", "points": [3, 2], "waveform": SWEEP}


def frame(**changes: Any) -> dict[str, Any]:
    return {**OVERVIEW, "frame": {**OVERVIEW["frame"], **changes}}


def refused(steps: Recipe, limits: Limits | None = None) -> str:
    """Return why a recipe is refused, once it is known that nothing moved."""
    microscope = Microscope(InstantClock())
    with pytest.raises(RecipeError) as refusal:
        make_plan(steps, GuardedInstrument(microscope, limits))
    assert microscope.calls == []
    assert microscope.status().time == 0.0
    return str(refusal.value)


def test_a_frame_outside_the_scanner_is_refused_with_its_step_and_the_limit() -> None:
    assert refused(recipe(OVERVIEW, frame(center=["900 nm", "0 nm"]))) == (
        "steps[1] (overview): x of 1.3e-06 m is outside -1e-06 to 1e-06 m (a corner of the frame)"
    )


def test_a_frame_that_only_leaves_the_scanner_when_turned_is_refused() -> None:
    make_plan(
        recipe(frame(center=["0 nm", "0 nm"], size=["2 um", "2 um"])),
        GuardedInstrument(Microscope(InstantClock())),
    )
    said = refused(recipe(frame(center=["0 nm", "0 nm"], size=["2 um", "2 um"], angle="45 deg")))
    assert said.startswith("steps[0] (overview): ")


def test_a_bias_beyond_the_limits_is_refused_with_its_step_and_the_limit() -> None:
    said = refused(recipe(), Limits(bias=(-0.5, 0.5)))
    assert said == "steps[1] (explore): bias of 1 V is outside -0.5 to 0.5 V"


def test_an_amplitude_that_the_agent_might_choose_is_checked_too() -> None:
    step = {**EXPLORE, "amplitudes": ["1 V", "2 V", "11 V"], "budget": 2}
    assert refused(recipe(OVERVIEW, step)) == (
        "steps[1] (explore): bias of -11 V is outside -10 to 10 V"
    )


def test_a_channel_that_the_instrument_does_not_have_is_refused() -> None:
    assert refused(recipe({**OVERVIEW, "channels": ["height"]})) == (
        "steps[0] (overview): ohmic sample has no channel 'height'; it has conductance"
    )


def test_every_point_of_a_grid_is_checked() -> None:
    zone = NoGoZone(1e-7 + 8e-7 / 3, 5e-8 + 7.5e-8, 1e-9, "a particle")
    own = {"center": ["100 nm", "50 nm"], "size": ["800 nm", "300 nm"]}
    said = refused(recipe({**GRID, "frame": own}), Limits(no_go=(zone,)))
    assert said.startswith("steps[0] (grid): distance to no-go zone")
    assert said.endswith("(a particle)")


def test_a_scan_that_is_too_fast_is_refused() -> None:
    said = refused(recipe({**OVERVIEW, "line_rate": "10 Hz"}), Limits(scan_speed=1e-5))
    assert said == "steps[0] (overview): scan speed of 1.6e-05 m/s is outside 0 to 1e-05 m/s"


def test_a_plan_says_what_each_step_will_do_and_which_biases_the_sample_sees() -> None:
    plan = make_plan(recipe(OVERVIEW, EXPLORE, GRID), GuardedInstrument(Microscope(InstantClock())))
    overview, explore, grid = plan.steps
    assert (overview.kind, overview.n_lines, overview.n_spectra) == ("overview", 3, 0)
    assert (explore.kind, explore.n_lines, explore.n_spectra) == ("explore", 0, 4)
    assert (grid.kind, grid.n_lines, grid.n_spectra) == ("grid", 0, 6)
    assert plan.n_spectra == 10
    assert plan.bias == (0.0, 1.0)
    assert plan.seconds == pytest.approx(1.0 + 3.0 + 10 * 0.5)


def test_a_plan_says_how_much_each_step_will_write() -> None:
    instrument = GuardedInstrument(Microscope(InstantClock()))

    def sizes(*steps: dict[str, Any]) -> list[int]:
        return [step.size for step in make_plan(recipe(*steps), instrument).steps]

    overview, explore, grid = sizes(OVERVIEW, EXPLORE, GRID)
    twice = [[16, 3], [8, 6]]
    assert all(sizes(frame(pixels=pixels))[0] > overview for pixels in twice)
    assert sizes(OVERVIEW, {**EXPLORE, "budget": 8})[1] == 2 * explore
    assert sizes(OVERVIEW, {**GRID, "points": [6, 2]})[1] == 2 * grid
    plan = make_plan(recipe(OVERVIEW, EXPLORE, GRID), instrument)
    assert plan.size > 3 * (overview + explore + grid)


@pytest.mark.parametrize(
    ("agent", "least", "most"),
    [
        ({"kind": "random"}, 0, 0),
        ({"kind": "gp"}, 12, 14),  # from the second good spectrum on, or from the tenth
        ({"kind": "gp", "refit_every": 30}, 3, 4),
        ({"kind": "preference"}, 61, 61),
    ],
)
def test_an_agent_that_learns_notes_its_maps_with_each_fit(
    agent: dict[str, Any], least: int, most: int
) -> None:
    step = {**EXPLORE, "agent": agent, "budget": 60}
    coarse, fine = (recipe(OVERVIEW, {**step, "stride": stride}) for stride in (3, 1))
    instrument = GuardedInstrument(Microscope(InstantClock()))
    more = make_plan(fine, instrument).steps[1].size - make_plan(coarse, instrument).steps[1].size
    places = 8 * 3 - 3 * 1
    assert least * 24 * places <= more <= most * 24 * places


def test_more_spectra_are_fitted_less_often() -> None:
    fits = [GaussianProcessSettings().most_fits(n) for n in (100, 1_000, 10_000)]
    assert fits[0] <= 22
    # from a hundred on each fit has a twentieth more than the one before: log(10) / log(1.05) = 47
    assert fits[1] - fits[0] == pytest.approx(47, abs=3)
    assert fits[2] - fits[1] == pytest.approx(47, abs=3)


def test_a_recipe_without_spectra_shows_the_sample_no_bias() -> None:
    plan = make_plan(recipe(OVERVIEW), GuardedInstrument(Microscope(InstantClock())))
    assert plan.bias == (0.0, 0.0)


def test_a_budget_smaller_than_the_number_of_amplitudes_is_not_exceeded() -> None:
    step = {**EXPLORE, "amplitudes": ["1 V", "2 V", "3 V"], "budget": 2}
    plan = make_plan(recipe(OVERVIEW, step), GuardedInstrument(Microscope(InstantClock())))
    assert plan.n_spectra == 2
    assert plan.bias == (-3.0, 3.0)


@pytest.mark.parametrize("steps", [(OVERVIEW, EXPLORE), (OVERVIEW, GRID), (GRID | {"frame": {
    "center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"]}},)])  # fmt: skip
def test_a_run_takes_as_long_as_its_plan_said(tmp_path: Path, steps: tuple[Any, ...]) -> None:
    clock = InstantClock()
    microscope = Microscope(clock)
    order = recipe(*steps)
    plan = make_plan(order, GuardedInstrument(microscope))
    new_runner(tmp_path, microscope, clock).run(order.steps, seed=1)
    assert open_run(tmp_path).simulated_time == pytest.approx(plan.seconds)


def test_a_simulated_run_takes_as_long_as_its_plan_said(tmp_path: Path) -> None:
    film = FerroelectricFilmSettings.model_validate(
        {"size": "1 um", "cells": 128, "relaxation_steps": 20}
    )
    clock = InstantClock()
    simulator = SimulatorSettings(sample=film).open(clock, seed=1)
    overview = frame(center=["0 nm", "0 nm"], size=["500 nm", "500 nm"], pixels=[16, 16])
    loop = {"kind": "triangle", "amplitude": "5 V", "points": 16}
    order = recipe(overview, {**EXPLORE, "waveform": loop, "budget": 20})
    plan = make_plan(order, GuardedInstrument(simulator))
    finished = new_runner(tmp_path, simulator, clock).run(order.steps, seed=1)
    assert finished.message == ""
    # the way from point to point is only guessed beforehand
    assert open_run(tmp_path).simulated_time == pytest.approx(plan.seconds, rel=0.05)


@pytest.mark.usefixtures("quick_fits")
def test_a_simulated_run_writes_no_more_than_its_plan_said_and_not_much_less(
    tmp_path: Path,
) -> None:
    film = FerroelectricFilmSettings.model_validate(
        {"size": "1 um", "cells": 128, "relaxation_steps": 20}
    )
    clock = InstantClock()
    simulator = SimulatorSettings(sample=film).open(clock, seed=1)
    overview = frame(center=["0 nm", "0 nm"], size=["500 nm", "500 nm"], pixels=[96, 96])
    loop = {"kind": "triangle", "amplitude": "5 V", "points": 64}
    agent = {"kind": "gp", "refit_every": 3}
    order = recipe(overview, {**EXPLORE, "agent": agent, "waveform": loop, "budget": 30})
    plan = make_plan(order, GuardedInstrument(simulator))
    finished = new_runner(tmp_path, simulator, clock).run(order.steps, seed=1)
    assert finished.message == ""
    journal = (tmp_path / FILE_NAME).stat().st_size
    assert journal <= sum(step.size for step in plan.steps) <= 2 * journal
    consolidate(tmp_path / FILE_NAME)
    write_report(tmp_path)
    folder = sum(file.stat().st_size for file in tmp_path.iterdir())
    # one copy more while the run file is rewritten, and a report as large as any
    assert folder <= plan.size <= 4 * folder
