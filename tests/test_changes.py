"""Before a run is resumed, whoever resumes it is told what has changed at the instrument."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ohmic_runs import EXPLORE, OVERVIEW, recipe, run_quickly

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import InstantClock
from spm_auto.data import RunStarted, open_run, remember
from spm_auto.errors import DataError
from spm_auto.instrument import (
    Capabilities,
    Channel,
    GuardedInstrument,
    InstrumentState,
    Limits,
    Load,
    NoGoZone,
    PositionProbe,
    Remembered,
    Status,
    what_changed,
)

HEIGHT, PHASE, CURRENT = Channel("height", "m"), Channel("phase", "rad"), Channel("current", "A")
REACH = (-1e-6, 1e-6)
HAS = Capabilities("bench", (HEIGHT, PHASE), (CURRENT,), REACH, REACH, (-10.0, 10.0), 2e-9, False)
ZONE = NoGoZone(3e-7, 0.0, 2e-8)
LIMITS = Limits(x=REACH, y=REACH, bias=(-10.0, 10.0), scan_speed=5e-5, no_go=(ZONE,))
STATUS = Status(InstrumentState.READY, (1e-7, 3e-9), 0.5, True, 100.0)
BEFORE = Remembered("bench", (HEIGHT, PHASE), (CURRENT,), LIMITS, (1e-7, 3e-9), 0.5)


def test_when_all_is_as_it_was_there_is_nothing_to_say() -> None:
    assert what_changed(BEFORE, HAS, STATUS, LIMITS) == ()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"position": (12e-9, 3e-9)}, "the probe stands at (12 nm, 3 nm); when the run ended it "
            "stood at (100 nm, 3 nm)"),
        ({"position": (math.nan, 0.0)}, "the probe stands at (nan m, 0 m); when the run ended it "
            "stood at (100 nm, 3 nm)"),
        ({"bias": 1.0}, "the bias is 1 V; when the run ended it was 500 mV"),
        ({"is_engaged": False}, "the tip is withdrawn"),
        ({"state": InstrumentState.LATCHED}, "the instrument is latched after an emergency stop"),
        ({"state": InstrumentState.EMPTY}, "the instrument is not loaded"),
        ({"state": InstrumentState.SCANNING}, "the instrument is scanning"),
        ({"name": "bank"}, "the instrument is 'bank'; the run was made on 'bench'"),
        ({"image_channels": (HEIGHT, CURRENT)}, "channel 'phase' was scanned; now there is height, "
            "current"),
        ({"image_channels": (HEIGHT, Channel("phase", "deg"))}, "channel 'phase' was in 'rad', now "
            "in 'deg'"),
        ({"spectrum_channels": (CURRENT, PHASE)}, "a spectrum had current [A], now it has current "
            "[A], phase [rad]"),
        ({"bias": 0.5, "limits": replace(LIMITS, bias=(-5.0, 5.0))}, "the limits of the bias were "
            "-10 V to 10 V, now -5 V to 5 V"),
        ({"limits": replace(LIMITS, x=(-1e-6, 9e-7))}, "the limits of x were -1 um to 1 um, now "
            "-1 um to 900 nm"),
        ({"limits": replace(LIMITS, scan_speed=2e-5)}, "the limit of the scan speed was 50 um/s, "
            "now 20 um/s"),
        ({"limits": replace(LIMITS, spectrum_duration=60.0)}, "the limit of the duration of a "
            "spectrum was inf s, now 60 s"),
        ({"limits": replace(LIMITS, no_go=())}, "a no-go zone of radius 20 nm around (300 nm, 0 m) "
            "is gone"),
        ({"limits": replace(LIMITS, no_go=(ZONE, NoGoZone(0.0, 0.0, 1e-8)))}, "a no-go zone of "
            "radius 10 nm around (0 m, 0 m) is new"),
    ],
)  # fmt: skip
def test_each_change_is_said_in_a_line(now: dict[str, Any], said: str) -> None:
    status, has = STATUS, HAS
    for name, value in now.items():
        if name in Status.__dataclass_fields__:
            status = replace(status, **{name: value})
        elif name in Capabilities.__dataclass_fields__:
            has = replace(has, **{name: value})
    assert what_changed(BEFORE, has, status, now.get("limits", LIMITS)) == (said,)


def test_several_changes_are_several_lines_and_the_other_instrument_comes_first() -> None:
    away = replace(STATUS, position=(0.0, 0.0), is_engaged=False)
    said = what_changed(BEFORE, replace(HAS, name="bank"), away, LIMITS)
    assert len(said) == 3
    assert said[0].startswith("the instrument is 'bank'")
    assert not any("\n" in line for line in said)


@pytest.mark.parametrize(("off", "is_said"), [(1.9e-9, False), (2.1e-9, True)])
def test_a_probe_may_stand_as_far_away_as_it_is_read_back_accurately(
    off: float, is_said: bool
) -> None:
    moved = replace(STATUS, position=(1e-7 + off, 3e-9))
    assert bool(what_changed(BEFORE, HAS, moved, LIMITS)) is is_said


def test_what_is_not_remembered_cannot_have_changed() -> None:
    elsewhere = replace(STATUS, position=(5e-7, 5e-7), bias=9.0)
    assert what_changed(Remembered("bench"), HAS, elsewhere, Limits()) == ()


def test_a_journal_remembers_its_instrument(tmp_path: Path) -> None:
    limits = Limits(bias=(-2.0, 3.0), no_go=(NoGoZone(-9e-7, -9e-7, 2e-8, "a particle"),))
    run_quickly(tmp_path, limits=limits)
    run = open_run(tmp_path)
    microscope = OhmicMicroscope(InstantClock())
    guarded = GuardedInstrument(microscope, limits)
    guarded.load(Load())
    memory = remember(run.records)
    last = run.spectra[-1]
    assert memory.name == "ohmic sample"
    assert memory.position == (last.x, last.y)
    assert what_changed(memory, guarded.capabilities, guarded.status(), guarded.limits) == (
        f"the probe stands at (0 m, 0 m); when the run ended it stood at {point(last.x, last.y)}",
    )
    guarded.position_probe(PositionProbe(last.x, last.y))
    assert what_changed(memory, guarded.capabilities, guarded.status(), guarded.limits) == ()
    wider = GuardedInstrument(microscope)
    said = what_changed(memory, wider.capabilities, wider.status(), wider.limits)
    assert said[0] == "the limits of the bias were -2 V to 3 V, now -10 V to 10 V"
    assert "around (-900 nm, -900 nm) is gone" in said[1]


def point(x: float, y: float) -> str:
    return f"({1e9 * x:.6g} nm, {1e9 * y:.6g} nm)"


def test_after_a_scan_nobody_knows_where_the_probe_stands(tmp_path: Path) -> None:
    run_quickly(tmp_path, recipe(OVERVIEW, EXPLORE, OVERVIEW).steps)
    memory = remember(open_run(tmp_path).records)
    assert memory.position is None
    assert [channel.name for channel in memory.image_channels] == ["conductance"]
    assert memory.bias is None


def test_a_journal_without_limits_or_with_broken_ones_is_told_apart(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    first, *others = open_run(tmp_path).records
    assert isinstance(first.event, RunStarted)
    bare = replace(first, event=replace(first.event, settings={}))
    assert remember([bare, *others]).limits is None
    for broken in ({"x": 3.0}, {"x": (1.0, -1.0)}, {"taste": 1}, {"no_go": ((1.0,),)}, 7):
        wrong = replace(first, event=replace(first.event, settings={"limits": broken}))
        with pytest.raises(DataError, match=r"the limits of run .* cannot be read"):
            remember([wrong, *others])
    with pytest.raises(DataError, match="do not begin with a run"):
        remember(others)
