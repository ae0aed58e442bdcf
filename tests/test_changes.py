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
    Exposure,
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
        ({"limits": replace(LIMITS, bias_step=0.5)}, "the limit of the step of the bias was inf V, "
            "now 500 mV"),
        ({"limits": replace(LIMITS, bias_slew=100.0)}, "the limit of the slew of the bias was "
            "inf V/s, now 100 V/s"),
        ({"limits": replace(LIMITS, least_bias=0.05)}, "the limit of the least bias of the z loop "
            "was 0 V, now 50 mV"),
        ({"limits": replace(LIMITS, setpoint=(1e-11, 1e-9), setpoint_unit="A")}, "the limits of "
            "the setpoint were -inf to inf, now 10 pA to 1 nA"),
        ({"limits": replace(LIMITS, gain=500.0)}, "the limit of the gain was inf 1/s, now 500 1/s"),
        ({"limits": replace(LIMITS, force=1e-8)}, "the limit of the force was inf N, now 10 nN"),
        ({"limits": replace(LIMITS, pulse=(-4.0, 4.0))}, "the limits of a pulse were those of the "
            "bias, now -4 V to 4 V"),
        ({"limits": replace(LIMITS, depth=1e-9)}, "the limit of the depth of a poke was inf m, now "
            "1 nm"),
        ({"limits": replace(LIMITS, step=1e-7)}, "the limit of the step of the probe was inf m, "
            "now 100 nm"),
        ({"limits": replace(LIMITS, spectra=300)}, "the limit of the spectra per load was inf, now "
            "300"),
        ({"limits": replace(LIMITS, exposure=Exposure(2e-8))}, "a limit of what an area may bear "
            "is new"),
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


def test_another_budget_of_an_area_is_said_by_its_number_and_one_that_is_gone_too() -> None:
    before = replace(LIMITS, exposure=Exposure(2e-8, bias_time=5.0, spectra=3))
    then = replace(BEFORE, limits=before)
    now = replace(before, exposure=Exposure(1e-8, bias_time=10.0, spectra=3))
    assert what_changed(then, HAS, STATUS, now) == (
        "the limit of the radius of an exposed area was 20 nm, now 10 nm",
        "the limit of the exposure of an area was 5 V s, now 10 V s",
    )
    assert what_changed(then, HAS, STATUS, LIMITS) == ("a limit of what an area may bear is gone",)
    assert what_changed(then, HAS, STATUS, before) == ()


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


def test_a_journal_remembers_every_limit(tmp_path: Path) -> None:
    limits = Limits(
        bias_step=2.0,
        bias_slew=1e3,
        least_bias=0.01,
        setpoint=(1e-11, 1e-9),
        setpoint_unit="A",
        gain=100.0,
        force=1e-8,
        pulse=(-4.0, 3.0),
        depth=1e-9,
        step=2e-6,
        spectra=100,
        exposure=Exposure(1e-8, bias_time=50.0, spectra=9),
    )
    run_quickly(tmp_path, limits=limits)
    microscope = OhmicMicroscope(InstantClock())
    assert remember(open_run(tmp_path).records).limits == limits.within(microscope.capabilities)


def test_a_journal_from_before_the_newer_limits_is_read(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    first, *others = open_run(tmp_path).records
    assert isinstance(first.event, RunStarted)
    old = {"x": REACH, "y": REACH, "bias": (-2.0, 2.0), "scan_speed": math.inf}
    old |= {"spectrum_duration": math.inf, "no_go": ((3e-7, 0.0, 2e-8),)}
    started = replace(first, event=replace(first.event, settings={"limits": old}))
    assert remember([started, *others]).limits == Limits(
        x=REACH, y=REACH, bias=(-2.0, 2.0), no_go=(ZONE,)
    )


def test_a_journal_without_limits_or_with_broken_ones_is_told_apart(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    first, *others = open_run(tmp_path).records
    assert isinstance(first.event, RunStarted)
    bare = replace(first, event=replace(first.event, settings={}))
    assert remember([bare, *others]).limits is None
    for broken in (
        {"x": 3.0},
        {"x": (1.0, -1.0)},
        {"taste": 1},
        {"no_go": ((1.0,),)},
        {"exposure": {}},
        7,
    ):
        wrong = replace(first, event=replace(first.event, settings={"limits": broken}))
        with pytest.raises(DataError, match=r"the limits of run .* cannot be read"):
            remember([wrong, *others])
    with pytest.raises(DataError, match="do not begin with a run"):
        remember(others)
