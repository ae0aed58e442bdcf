"""Limits of waveforms, of the z loop, of pulses and pokes, and of ways: each one refuses."""

import math
from typing import Any

import pytest

from spm_auto.errors import InstrumentError, LimitExceeded
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    ConditionTip,
    Exposure,
    Instruction,
    InstrumentState,
    Limits,
    Load,
    NoGoZone,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    Status,
    limits_from_table,
    limits_to_table,
)

LIMITS = Limits(
    bias=(-2.0, 2.0),
    bias_step=0.5,
    bias_slew=20.0,
    least_bias=0.05,
    setpoint=(10e-12, 1e-9),
    setpoint_unit="A",
    gain=500.0,
    force=20e-9,
    pulse=(-4.0, 3.0),
    depth=1e-9,
    step=100e-9,
    spectra=3,
)


def spectrum(*values: float, dwell: float = 0.1, cycles: int = 1) -> AcquireSpectrum:
    return AcquireSpectrum(0.0, 0.0, BiasWaveform(values, dwell, cycles))


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (spectrum(0.0, 0.6), "bias step of 0.6 V is outside 0 to 0.5 V (from point 0 to the next)"),
        (spectrum(0.2, 0.4, -0.2), "bias step of 0.6 V is outside 0 to 0.5 V (from point 1"),
        (
            spectrum(0.0, 0.4, dwell=0.01),
            "bias slew of 40 V/s is outside 0 to 20 V/s (from point 0 to the next)",
        ),
        (spectrum(0.0, 0.4, 0.8, cycles=2), "bias step of 0.8 V"),  # back to the first point
        (SetFeedback(bias=0.04), "bias of 0.04 V is outside 0.05 to inf V (its magnitude)"),
        (SetFeedback(bias=-0.04), "bias of 0.04 V is outside 0.05 to inf V (its magnitude)"),
        (SetFeedback(bias=0.0), "bias of 0 V is outside 0.05 to inf V"),
        (SetFeedback(bias=3), "bias of 3 V is outside -2 to 2 V"),  # a whole number is one as well
        (SetFeedback(setpoint=2e-9), "setpoint of 2e-09 A is outside 1e-11 to 1e-09 A"),
        (SetFeedback(setpoint=0.0), "setpoint of 0 A is outside 1e-11 to 1e-09 A"),
        (SetFeedback(gain=501.0), "gain of 501 1/s is outside 0 to 500 1/s"),
        (
            AcquireForceCurve(0.0, 0.0, trigger=21e-9),
            "force of 2.1e-08 N is outside 0 to 2e-08 N (the trigger)",
        ),
        (ConditionTip(0.0, 0.0, bias=3.1), "bias of 3.1 V is outside -4 to 3 V (a pulse)"),
        (ConditionTip(0.0, 0.0, bias=math.nan), "bias of nan V is outside -4 to 3 V (a pulse)"),
        (ConditionTip(0.0, 0.0, depth=1.1e-9), "depth of 1.1e-09 m is outside 0 to 1e-09 m"),
    ],
)
def test_a_limit_refuses_with_quantity_value_range_and_unit(
    instruction: Instruction, said: str
) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        LIMITS.check(instruction)
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    "instruction",
    [
        spectrum(1.9, 1.4, 1.0),  # the way from and to the resting bias is not counted
        spectrum(0.0, 0.4, dwell=0.02),
        spectrum(0.0, 0.25, 0.5, cycles=2),
        spectrum(1.0, cycles=5),
        SetFeedback(bias=0.05),
        SetFeedback(bias=-2.0, setpoint=1e-9, gain=500.0),
        AcquireForceCurve(0.0, 0.0, trigger=20e-9),
        ConditionTip(0.0, 0.0, bias=-4.0),  # beyond the window of the bias
        ConditionTip(0.0, 0.0, depth=1e-9),
    ],
)
def test_what_is_just_within_passes(instruction: Instruction) -> None:
    LIMITS.check(instruction)


def test_a_pulse_is_held_to_the_window_of_the_bias_unless_it_has_one_of_its_own() -> None:
    with pytest.raises(LimitExceeded, match=r"bias of 2\.5 V is outside -2 to 2 V"):
        Limits(bias=(-2.0, 2.0)).check(ConditionTip(0.0, 0.0, bias=2.5))


def test_a_poke_is_no_pulse_of_no_bias() -> None:
    Limits(pulse=(1.0, 3.0)).check(ConditionTip(0.0, 0.0, depth=1e-9))


def at(x: float = 0.0, bias: float = 0.5) -> Status:
    return Status(InstrumentState.READY, (x, 0.0), bias, True, 0.0)


@pytest.mark.parametrize(
    ("instruction", "status", "said"),
    [
        (
            SetFeedback(bias=-0.5),
            at(bias=0.5),
            "bias of -0.5 V is outside 0.05 to 2 V (from 0.5 V the way leads through 0 V",
        ),
        (SetFeedback(bias=0.5), at(bias=-0.1), "bias of 0.5 V is outside -2 to -0.05 V (from -0.1"),
        (SetFeedback(bias=0.5), at(bias=math.nan), "bias read back of nan V"),
        (PositionProbe(101e-9, 0.0), at(), "step of 1.01e-07 m is outside 0 to 1e-07 m"),
        (PositionProbe(0.0, 0.0), at(x=math.nan), "step of nan m is outside 0 to 1e-07 m"),
        (
            AcquireSpectrum(-60e-9, 0.0, BiasWaveform((0.1,))),
            at(x=50e-9),
            "step of 1.1e-07 m is outside 0 to 1e-07 m (to the point)",
        ),
        (AcquireForceCurve(0.0, 101e-9), at(), "step of 1.01e-07 m"),
        (ConditionTip(0.0, 101e-9, bias=1.0), at(), "step of 1.01e-07 m"),
        (
            Scan(ScanFrame((0.0, 0.0), (1.6e-7, 1.6e-7), (16, 16))),
            at(),
            "step of 1.13137e-07 m is outside 0 to 1e-07 m (to the frame's first line)",
        ),
    ],
)
def test_what_depends_on_where_the_instrument_stands_is_refused_too(
    instruction: Instruction, status: Status, said: str
) -> None:
    LIMITS.check(instruction)
    assert LIMITS.needs_status(instruction)
    with pytest.raises(LimitExceeded) as refusal:
        LIMITS.check_change(instruction, status)
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    ("instruction", "status"),
    [
        (SetFeedback(bias=0.05), at(bias=2.0)),
        (SetFeedback(bias=-0.5), at(bias=0.0)),  # away from 0 V is not through it
        (SetFeedback(setpoint=1e-10), at(bias=math.nan)),
        (PositionProbe(100e-9, 0.0), at()),
        (Scan(ScanFrame((0.0, 0.0), (1.4e-7, 1.4e-7), (16, 16))), at()),
        (Load(), at(x=math.nan, bias=math.nan)),
    ],
)
def test_a_change_within_the_limits_passes(instruction: Instruction, status: Status) -> None:
    LIMITS.check_change(instruction, status)


@pytest.mark.parametrize("instruction", [PositionProbe(1.0, 1.0), SetFeedback(bias=1.0), Load()])
def test_without_such_a_limit_nobody_has_to_ask_where_the_instrument_stands(
    instruction: Instruction,
) -> None:
    assert not Limits().needs_status(instruction)
    Limits().check_change(instruction, at(x=math.nan, bias=math.nan))


def test_one_spectrum_more_than_there_may_be_since_the_last_load_is_refused() -> None:
    LIMITS.check_count(spectrum(0.1), 2)
    with pytest.raises(LimitExceeded) as refusal:
        LIMITS.check_count(spectrum(0.1), 3)
    assert str(refusal.value) == "spectra of 4 is outside 0 to 3 (since the last load)"
    LIMITS.check_count(PositionProbe(0.0, 0.0), 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"bias_step": 0.0}, "limits.bias_step must be positive"),
        ({"bias_slew": -1.0}, "limits.bias_slew must be positive"),
        ({"gain": math.nan}, "limits.gain must be positive"),
        ({"force": 0.0}, "limits.force must be positive"),
        ({"depth": 0.0}, "limits.depth must be positive"),
        ({"step": math.nan}, "limits.step must be positive"),
        ({"spectra": 0}, "limits.spectra must be positive"),
        ({"pulse": (1.0, -1.0)}, "limits.pulse must rise"),
        ({"setpoint": (1.0, 1.0)}, "limits.setpoint must rise"),
        ({"least_bias": math.nan}, "limits.least_bias must not be negative"),
        ({"least_bias": -0.1}, "limits.least_bias must not be negative"),
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Limits(**wrong)


def has(bias: float) -> Capabilities:
    height, reach = (Channel("height", "m"),), (-1e-6, 1e-6)
    return Capabilities("bench", height, height, reach, reach, (-bias, bias), 1e-9, True)


def test_narrowing_keeps_every_limit_and_brings_the_pulse_within_the_source() -> None:
    narrowed = LIMITS.within(has(3.5))
    assert narrowed.pulse == (-3.5, 3.0)
    assert narrowed.bias == (-2.0, 2.0)
    assert narrowed.x == (-1e-6, 1e-6)
    for name in ("bias_step", "bias_slew", "least_bias", "setpoint", "setpoint_unit", "gain"):
        assert getattr(narrowed, name) == getattr(LIMITS, name)
    for name in ("force", "depth", "step", "spectra"):
        assert getattr(narrowed, name) == getattr(LIMITS, name)
    assert Limits().within(has(3.5)).pulse is None


def test_a_window_of_pulses_beyond_the_source_is_refused() -> None:
    with pytest.raises(InstrumentError, match=r"limits\.pulse of 5 to 9 V leave nothing"):
        Limits(pulse=(5.0, 9.0)).within(has(3.5))


def test_limits_come_back_from_their_table() -> None:
    zone = NoGoZone(1e-7, 0.0, 1e-8, "a particle")
    for limits in (
        Limits(),
        LIMITS,
        Limits(no_go=(zone,), exposure=Exposure(20e-9, bias_time=5.0, spectra=3)),
    ):
        assert limits_from_table(limits_to_table(limits)) == limits


def test_a_table_from_before_these_limits_is_without_them() -> None:
    old = {"bias": (-2.0, 2.0), "scan_speed": math.inf, "no_go": ((1e-7, 0.0, 1e-8),)}
    assert limits_from_table(old) == Limits(bias=(-2.0, 2.0), no_go=(NoGoZone(1e-7, 0.0, 1e-8),))
