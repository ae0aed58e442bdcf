"""What is no number where a number belongs is refused by name, before anything looks at it."""

import copy
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from spm_auto.errors import Malformed
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    check_form,
)

FRAME = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (16, 16))
LOOP = BiasWaveform.triangle(1.0, 8)
GOOD: tuple[Instruction, ...] = (
    Load("a film"),
    Scan(FRAME, ("height",), 2.0, "overview"),
    PositionProbe(1e-9, 2e-9),
    AcquireSpectrum(1e-9, 2e-9, LOOP),
    AcquireForceCurve(1e-9, 2e-9),
    ConditionTip(1e-9, 2e-9, bias=2.0),
    SetFeedback(0.5, 1e-10, 100.0),
    SetFeedback(),
)


def forged(instruction: Any, **values: Any) -> Any:
    """Return a copy with values that its own checks would not all let pass."""
    copied = copy.copy(instruction)
    for name, value in values.items():
        object.__setattr__(copied, name, value)
    return copied


@pytest.mark.parametrize("instruction", GOOD, ids=lambda i: type(i).__name__)
def test_what_is_well_formed_passes(instruction: Instruction) -> None:
    check_form(instruction)


def test_numbers_of_numpy_are_numbers() -> None:
    check_form(PositionProbe(np.float64(1e-9), np.float32(1e-9)))  # type: ignore[arg-type]
    check_form(AcquireSpectrum(1, np.int64(0), BiasWaveform((np.float64(1.0), 0), 1, 2)))  # type: ignore[arg-type]
    check_form(Scan(ScanFrame((0, 0), (1, 1), (np.int64(4), 4))))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["1 nm", "1e-9", None, True, 1j, (1e-9,), [], b"1", Fraction(1)])
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (2, "x"), (2, "y"), (3, "x"), (3, "y"), (4, "x"), (4, "trigger"), (4, "distance"),
        (4, "points"), (4, "rate"), (5, "y"), (5, "bias"), (5, "depth"), (5, "duration"),
        (1, "line_rate"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_its_place(kind: int, place: str, wrong: Any) -> None:
    instruction = GOOD[kind]
    with pytest.raises(Malformed) as refusal:
        Limits().check(forged(instruction, **{place: wrong}))
    said = str(refusal.value)
    assert said.startswith(f"{type(instruction).__name__}.{place} must be a")
    assert type(wrong).__name__ in said


@pytest.mark.parametrize("place", ["bias", "setpoint", "gain"])
@pytest.mark.parametrize("wrong", ["1 V", True, 1j])
def test_a_value_of_the_loop_is_a_number_or_left_as_it_is(place: str, wrong: Any) -> None:
    with pytest.raises(Malformed, match=rf"SetFeedback\.{place} must be a number, got"):
        check_form(forged(SetFeedback(), **{place: wrong}))
    check_form(forged(SetFeedback(1.0, 1.0, 1.0), **{place: None}))


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (forged(GOOD[0], sample=None), "Load.sample must be text, got None (NoneType)"),
        (forged(GOOD[1], frame=None), "Scan.frame must be a ScanFrame, got None"),
        (forged(GOOD[1], channels="height"), "Scan.channels must be names, got 'height' (str)"),
        (forged(GOOD[1], channels=(1,)), "Scan.channels must be text, got 1 (int)"),
        (forged(GOOD[1], channels=None), "Scan.channels must be names, got None"),
        (forged(GOOD[1], purpose=3), "Scan.purpose must be text, got 3 (int)"),
        (
            forged(GOOD[1], frame=forged(FRAME, center=(True, 0.0))),
            "Scan.frame.center must be a number, got True (bool)",
        ),
        (
            forged(GOOD[1], frame=forged(FRAME, size=(1e-6,))),
            "Scan.frame.size must be two numbers, got (1e-06,) (tuple)",
        ),
        (
            forged(GOOD[1], frame=forged(FRAME, pixels=(16.0, 16))),
            "Scan.frame.pixels must be a whole number, got 16.0 (float)",
        ),
        (forged(GOOD[1], frame=forged(FRAME, angle="30 deg")), "Scan.frame.angle must be a number"),
        (forged(GOOD[3], waveform=(0.0, 1.0)), "AcquireSpectrum.waveform must be one, got (0.0,"),
        (
            forged(GOOD[3], waveform=forged(LOOP, values=(0.0, "1 V"))),
            "BiasWaveform.values must be a number, got '1 V' (str)",
        ),
        (
            forged(GOOD[3], waveform=forged(LOOP, values=(0.0, True))),
            "BiasWaveform.values must be a number, got True (bool)",
        ),
        (forged(GOOD[3], waveform=forged(LOOP, values="1")), "BiasWaveform.values must be numbers"),
        (
            forged(GOOD[3], waveform=forged(LOOP, dwell=None)),
            "BiasWaveform.dwell must be a number, got None",
        ),
        (
            forged(GOOD[3], waveform=forged(LOOP, cycles=1.5)),
            "BiasWaveform.cycles must be a whole number, got 1.5 (float)",
        ),
        (PositionProbe(10**400, 0.0), "PositionProbe.x is beyond 9.22337e+18"),
        ("load", "'load' (str) is no instruction"),
        (None, "None (NoneType) is no instruction"),
    ],
)
def test_everything_else_is_refused_with_its_place_too(instruction: Any, said: str) -> None:
    with pytest.raises(Malformed) as refusal:
        check_form(instruction)
    assert str(refusal.value).startswith(said)


def test_a_class_of_ones_own_is_no_way_around() -> None:
    class Sneaky(ConditionTip):
        """Is one, and is none of those that the instrument has to declare."""

    with pytest.raises(Malformed, match="is no instruction"):
        check_form(Sneaky(0.0, 0.0, bias=5.0))


def test_no_number_is_as_good_as_a_number_here_and_left_to_the_limits() -> None:
    check_form(PositionProbe(math.nan, math.inf))
