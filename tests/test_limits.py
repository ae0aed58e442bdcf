"""Limits: each one refuses with the quantity, the value and what is allowed; none ever clips."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_auto.errors import LimitExceeded
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    Instruction,
    Limits,
    Load,
    NoGoZone,
    PositionProbe,
    Scan,
    ScanFrame,
)

ZONE = NoGoZone(x=3e-6, y=0.0, radius=1e-6, reason="bond wire")
LIMITS = Limits(
    x=(-5e-6, 5e-6),
    y=(-4e-6, 4e-6),
    bias=(-9.0, 8.0),
    scan_speed=1e-4,
    spectrum_duration=10.0,
    no_go=(ZONE,),
)
LOOP = BiasWaveform.triangle(8.0)


def _scan(size: float = 1e-6, angle: float = 0.0, at: tuple[float, float] = (0.0, 0.0)) -> Scan:
    return Scan(ScanFrame(at, (size, size), (16, 16), angle))


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (PositionProbe(6e-6, 0.0), "x of 6e-06 m is outside -5e-06 to 5e-06 m"),
        (PositionProbe(0.0, -4.1e-6), "y of -4.1e-06 m is outside -4e-06 to 4e-06 m"),
        (AcquireSpectrum(0.0, 4.1e-6, LOOP), "y of 4.1e-06 m is outside -4e-06 to 4e-06 m"),
        (
            AcquireSpectrum(0.0, 0.0, BiasWaveform((0.0, 8.5))),
            "bias of 8.5 V is outside -9 to 8 V",
        ),
        (
            AcquireSpectrum(0.0, 0.0, BiasWaveform((0.0,), dwell=1.0, cycles=11)),
            "spectrum duration of 11 s is outside 0 to 10 s",
        ),
        (
            Scan(ScanFrame((0.0, 0.0), (1e-6, 1e-6), (16, 16)), line_rate=100.0),
            "scan speed of 0.0002 m/s is outside 0 to 0.0001 m/s",
        ),
        (_scan(9e-6), "y of -4.5e-06 m is outside -4e-06 to 4e-06 m (a corner of the frame)"),
        (
            PositionProbe(2.5e-6, 0.0),
            "distance to no-go zone of 5e-07 m is outside 1e-06 to inf m (bond wire)",
        ),
        (_scan(1e-6, at=(3e-6, 0.0)), "distance to no-go zone of 0 m"),
        (_scan(4.2e-6), "distance to no-go zone of 9e-07 m"),
    ],
)
def test_a_limit_refuses_with_quantity_value_range_and_unit(
    instruction: Instruction, said: str
) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        LIMITS.check(instruction)
    assert str(refusal.value).startswith(said)
    assert refusal.value.quantity == said.split(" of ")[0]


@pytest.mark.parametrize(
    "instruction",
    [
        Load(),
        PositionProbe(5e-6, 4e-6),  # the edge is allowed
        PositionProbe(2e-6, 0.0),  # the zone's rim is allowed
        _scan(3.9e-6),
        AcquireSpectrum(-5e-6, -4e-6, BiasWaveform((-9.0, 8.0), dwell=5.0)),
    ],
)
def test_what_is_within_the_limits_passes(instruction: Instruction) -> None:
    LIMITS.check(instruction)


def test_a_frame_that_fits_straight_is_refused_when_a_turn_brings_a_corner_out() -> None:
    limits = Limits(x=(-5e-6, 5e-6), y=(-5e-6, 5e-6))
    limits.check(_scan(9e-6))
    with pytest.raises(LimitExceeded, match=r"6\.36396e-06 m .*a corner of the frame"):
        limits.check(_scan(9e-6, angle=math.pi / 4))


def test_a_turned_frame_is_held_from_a_zone_by_its_own_edge_and_not_by_its_bounding_box() -> None:
    limits = Limits(no_go=(NoGoZone(2e-6, 2e-6, 0.5e-6),))
    limits.check(_scan(3.5e-6, angle=math.pi / 4))  # the edge passes at 1.08 um from the middle
    with pytest.raises(LimitExceeded, match="no-go zone"):
        limits.check(_scan(3.5e-6))  # its corner lies at (1.75, 1.75) um, 0.35 um away


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("limits", [LIMITS, Limits()])
def test_what_is_no_number_is_refused_even_without_a_limit(limits: Limits, value: float) -> None:
    for instruction, quantity in (
        (PositionProbe(value, 0.0), "x"),
        (PositionProbe(0.0, value), "y"),
        (AcquireSpectrum(value, 0.0, LOOP), "x"),
        (AcquireSpectrum(0.0, 0.0, BiasWaveform((0.0, value))), "bias"),
    ):
        with pytest.raises(LimitExceeded) as refusal:
            limits.check(instruction)
        assert refusal.value.quantity == quantity


@given(x=st.floats(), y=st.floats(), bias=st.floats())
def test_a_point_passes_unchanged_or_is_refused(x: float, y: float, bias: float) -> None:
    limits = Limits(x=(-5e-6, 5e-6), y=(-4e-6, 4e-6), bias=(-9.0, 8.0))
    instruction = AcquireSpectrum(x, y, BiasWaveform((bias,)))
    inside = -5e-6 <= x <= 5e-6 and -4e-6 <= y <= 4e-6 and -9 <= bias <= 8
    try:
        limits.check(instruction)
    except LimitExceeded as refusal:
        assert not inside
        asked = refusal.asked
        assert asked in (x, y, bias) or math.isnan(asked)
    else:
        # what passes lies inside but for the rounding that is allowed for
        assert abs(x) <= 5e-6 * (1 + 1e-9)
        assert abs(y) <= 4e-6 * (1 + 1e-9)
        assert -9 * (1 + 1e-9) <= bias <= 8 * (1 + 1e-9)


def test_rounding_of_a_sum_of_steps_is_no_reason_to_refuse() -> None:
    x = 0.0
    for _ in range(10):
        x += 1e-7
    limits = Limits(x=(0.0, 1e-7 * 3))
    limits.check(PositionProbe(0.1e-6 + 0.2e-6, 0.0))  # 3.0000000000000004e-07
    Limits(x=(0.0, 1e-6)).check(PositionProbe(x, 0.0))


def _instrument(x: float, bias: float) -> Capabilities:
    height = (Channel("height", "m"),)
    return Capabilities("bench", height, height, (-x, x), (-x, x), (-bias, bias), 1e-9, True)


def test_limits_are_narrowed_to_what_the_instrument_reaches_and_never_widened() -> None:
    narrowed = LIMITS.within(_instrument(x=4.5e-6, bias=10.0))
    assert narrowed.x == (-4.5e-6, 4.5e-6)
    assert narrowed.y == (-4e-6, 4e-6)
    assert narrowed.bias == (-9.0, 8.0)
    assert narrowed.scan_speed == LIMITS.scan_speed
    assert narrowed.spectrum_duration == LIMITS.spectrum_duration
    assert narrowed.no_go == LIMITS.no_go


def test_without_a_limit_the_instruments_own_range_holds() -> None:
    with pytest.raises(LimitExceeded, match="bias of 11 V is outside -10 to 10 V"):
        Limits().within(_instrument(1e-5, 10.0)).check(
            AcquireSpectrum(0.0, 0.0, BiasWaveform((11.0,)))
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": (1.0, -1.0)},
        {"y": (0.0, 0.0)},
        {"bias": (math.nan, 1.0)},
        {"scan_speed": 0.0},
        {"spectrum_duration": math.nan},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f"limits.{name} must"):
        Limits(**wrong)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("wrong", [{"x": math.nan}, {"radius": 0.0}, {"radius": math.inf}])
def test_a_no_go_zone_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    place = {"x": 0.0, "y": 0.0, "radius": 1.0} | wrong
    with pytest.raises(ValueError, match="finite middle and a positive radius"):
        NoGoZone(place["x"], place["y"], place["radius"])
