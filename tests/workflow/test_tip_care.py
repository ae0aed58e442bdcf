"""A tip that has become a bad one is seen, conditioned, and what it has measured is doubted."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ohmic_runs import new_runner
from resuming import cut, records_of, resumed_runner, story

from spm_auto.clock import InstantClock
from spm_auto.data import (
    TIP,
    Alarm,
    FinishReason,
    SpectraDoubted,
    TipConditioned,
    consolidate,
    open_run,
)
from spm_auto.errors import LimitExceeded, RecipeError
from spm_auto.instrument import Channel, ConditionTip, GuardedInstrument, Limits, Scan, ScanImage
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import Note, Recipe, Runner, TipCare, TipSettings, make_plan, parse_recipe
from spm_auto.workflow.steps.tip_care import Tip, corrugation

pytestmark = pytest.mark.usefixtures("quick_fits")

TABLE: dict[str, Any] = {
    "reference": {"center": ("40 nm", "40 nm"), "size": ("3 nm", "3 nm"), "pixels": (24, 24)},
    "parking": ("-40 nm", "-40 nm"),
    "every": 4,
    "most": 30,
}
SETTINGS = TipSettings.model_validate({**TABLE, "pulses": ("5 V", "7 V"), "most": 6})
ALL_GOOD = (1.0,) * 50


def picture(scan: Scan, shown: float) -> ScanImage:
    """Return an image of rows of atoms so high."""
    waves = shown * np.sin(np.arange(scan.frame.pixels[0]))
    stack = np.tile(waves, (1, scan.frame.pixels[1], 1))
    return ScanImage(scan.frame, (Channel("height", "m"),), stack, stack, 0.0, 1.0)


def keep(care: TipCare, shown: Iterator[float]) -> tuple[Tip, list[Any]]:
    """Play the microscope: each look shows the next value; returns the verdict, and what else."""
    looking, asked = care.keep(), []
    try:
        request = next(looking)
        while True:
            if isinstance(request, Scan):
                request = looking.send(picture(request, next(shown)))
            else:
                asked.append(request.event if isinstance(request, Note) else request)
                request = looking.send(None)
    except StopIteration as end:
        return end.value, asked


def pulses(asked: list[Any]) -> list[float]:
    return [each.bias for each in asked if isinstance(each, ConditionTip)]


def begun() -> TipCare:
    care = TipCare(SETTINGS)
    assert keep(care, iter([1.0]))[0] is Tip.GOOD
    return care


def test_a_tip_that_shows_what_it_showed_is_left_alone() -> None:
    assert keep(begun(), iter([0.9])) == (Tip.GOOD, [])


def test_one_bad_look_is_chance_and_two_are_a_bad_tip() -> None:
    assert keep(begun(), iter([0.3, 0.9])) == (Tip.GOOD, [])
    verdict, asked = keep(begun(), iter([0.3, 0.4, 1.0]))
    assert verdict is Tip.MENDED
    assert pulses(asked) == [5.0]
    (doubted,) = [each for each in asked if isinstance(each, SpectraDoubted)]
    assert "40% of the corrugation" in doubted.reason


def test_a_line_that_is_missing_is_no_good_tip() -> None:
    verdict, _ = keep(begun(), iter([math.nan, math.nan, 1.0]))
    assert verdict is Tip.MENDED


def test_the_pulse_that_has_helped_comes_first_next_time() -> None:
    care = begun()
    assert pulses(keep(care, iter([0.3, 0.3, 0.3, 1.0]))[1]) == [5.0, 7.0]
    assert pulses(keep(care, iter([0.3, 0.3, 1.0]))[1]) == [7.0]


def test_after_so_many_pulses_the_tip_is_given_up_and_that_is_said() -> None:
    verdict, asked = keep(begun(), iter([0.3] * 20))
    assert verdict is Tip.BAD
    assert len(pulses(asked)) == SETTINGS.most
    assert "6 pulses did not" in asked[-1].message
    assert asked[-1].cause == TIP


def test_a_reference_that_shows_nothing_is_no_measure() -> None:
    verdict, (alarm,) = keep(TipCare(SETTINGS), iter([0.0]))
    assert verdict is Tip.BAD
    assert "nothing that a tip could be judged by" in alarm.message


def test_it_is_due_after_so_many_spectra_or_flags_in_a_row_or_when_the_tip_is_suspected() -> None:
    care = begun()
    for _ in range(SETTINGS.every):
        assert not care.is_due
        care.taken()
    assert care.is_due
    keep(care, iter(ALL_GOOD))
    for flag in ("no gap", "no gap", "", "no gap", "no gap"):
        care.judged(flag)
        assert not care.is_due
    care.judged("no gap")
    assert care.is_due
    keep(care, iter(ALL_GOOD))
    care.suspect()
    assert care.is_due
    keep(care, iter(ALL_GOOD))
    assert not care.is_due


def test_noise_alone_has_no_corrugation() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((64, 64))
    atoms = np.tile(np.sin(np.arange(64) / 2), (64, 1))
    assert corrugation(noise) < 0.05  # 1 / sqrt(64 * 64), three times
    assert corrugation(atoms + noise) == pytest.approx(corrugation(atoms), abs=0.1)


def night(**more: Any) -> Recipe:
    """Return a recipe that looks after its tip."""
    frame = {"center": ("0 nm", "0 nm"), "size": ("20 nm", "20 nm"), "pixels": (8, 8)}
    sweep = {"kind": "sweep", "start": "-0.2 V", "stop": "0.2 V", "points": 17, "dwell": "10 ms"}
    explore = {
        "kind": "explore",
        "agent": {"kind": "gp", "initial": 3},
        "scalarizer": "integral",
        "waveform": sweep,
        "budget": 14,
        **more,
    }
    table = {
        "schema_version": 1,
        "title": "a night",
        "steps": [{"kind": "overview", "frame": frame, "line_rate": "5 Hz"}, explore],
        "recovery": {"tip": TABLE},
    }
    return parse_recipe(table, "recipe.toml")


BAD_FROM = 9  # load, overview, a first look, and then spectra


def microscope(clock: InstantClock, *faults: dict[str, Any]) -> GuardedInstrument:
    sample = {"kind": "hopg", "size": "128 nm", "steps": 0, "vacancies": 0}
    # the tip does not change but for the fault; pulses work as on any other day
    technique = {"kind": "stm", "tip_life": {"change_time": "1e9 s"}}
    settings = {"sample": sample, "technique": technique, "level": 3, "faults": faults}
    return GuardedInstrument(SimulatorSettings.model_validate(settings).open(clock, 3))


def run_night(folder: Path, recipe: Recipe) -> Runner:
    clock = InstantClock()
    blunt = {"kind": "tip_change", "action": BAD_FROM}
    runner = new_runner(folder, microscope(clock, blunt), clock)
    runner.run(recipe.steps, 1, recipe.recovery)
    return runner


@pytest.mark.parametrize("look_ahead", [True, False], ids=["look ahead", "wait"])
def test_a_tip_that_changes_is_mended_and_what_it_measured_is_doubted(
    look_ahead: bool, tmp_path: Path
) -> None:
    runner = run_night(tmp_path, night(look_ahead=look_ahead))
    assert runner.finished is not None
    assert runner.finished.reason == FinishReason.COMPLETED, runner.finished.detail
    run = open_run(tmp_path)
    doubted = [bool(m.doubt) for m in run.measurements]
    assert doubted == [False] * 4 + [True] * 4 + [False] * 6  # of the second four one was good
    assert sum(isinstance(r.event, TipConditioned) for r in run.records) >= 1
    assert [alarm.cause for alarm in run.alarms] == [TIP, TIP]
    assert len(run.looks) >= 5
    assert len(run.scans) == 1
    assert run.best is not None
    assert not run.best.doubt


def test_the_agent_goes_on_as_if_the_doubted_spectra_had_not_been_taken(tmp_path: Path) -> None:
    run_night(tmp_path, night())
    run = open_run(tmp_path)
    fits = [fit.n_observations for fit in run.fits]
    assert max(fits) <= 10
    (index,) = [n for n in range(1, len(fits)) if fits[n] < fits[n - 1]]
    assert fits[index] <= 5


def test_a_night_with_a_bad_tip_goes_on_from_any_record(tmp_path: Path) -> None:
    recipe = night()
    run_night(tmp_path / "whole", recipe)
    whole = story(tmp_path / "whole")
    kinds = [name for name, _, _ in whole]
    first = kinds.index("SpectraDoubted") - 12
    for n in range(first, len(whole), 15):
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        clock = InstantClock()
        blunt = {"kind": "tip_change", "action": BAD_FROM}
        runner = resumed_runner(folder, microscope(clock, blunt), clock)
        assert runner.run(recipe.steps, 1, recipe.recovery).reason == FinishReason.COMPLETED
        assert story(folder) == whole, f"cut after {n} records ({kinds[n - 1]})"


def test_the_run_file_says_which_spectra_are_doubted_and_holds_the_looks(tmp_path: Path) -> None:
    import h5py

    run_night(tmp_path, night())
    with h5py.File(consolidate(tmp_path / "run.spmj")) as file:
        entry = file["entry"]
        group = entry["spectra_000_current"]
        assert sum("corrugation" in str(flag) for flag in group["metadata"].attrs["flag"]) == 4
        assert np.count_nonzero(group["mask"][()]) == 4
        assert "look_000_height_forward" in entry
        assert "scan_001_height_forward" not in entry


def test_pulses_beyond_the_limits_are_refused_before_the_night(tmp_path: Path) -> None:
    clock = InstantClock()
    instrument = GuardedInstrument(microscope(clock), Limits(bias=(-2.0, 2.0)))
    with pytest.raises(RecipeError, match=r"recovery.tip: bias of 5 V"):
        make_plan(night(), instrument)


def test_nothing_of_it_is_said_where_the_tip_stays_good(tmp_path: Path) -> None:
    clock = InstantClock()
    runner = new_runner(tmp_path, microscope(clock), clock)
    recipe = night()
    assert runner.run(recipe.steps, 1, recipe.recovery).reason == FinishReason.COMPLETED
    events = [record.event for record in records_of(tmp_path)]
    assert not any(isinstance(e, Alarm | TipConditioned | SpectraDoubted) for e in events)
    assert len(open_run(tmp_path).looks) == 1 + 14 // 4 + 1


def test_where_the_laboratory_allows_no_more_pulses_the_tip_is_given_up() -> None:
    looking = begun().keep()
    request = next(looking)
    while not isinstance(request, ConditionTip):
        answer = picture(request, 0.3) if isinstance(request, Scan) else None
        request = looking.send(answer)
    note = looking.throw(LimitExceeded("pulses", 21, (0, 20), ""))
    assert isinstance(note, Note)
    assert "cannot be conditioned any more" in str(note.event)
    with pytest.raises(StopIteration) as end:
        next(looking)
    assert end.value.value is Tip.BAD
