"""Instructions that leave the limits, one kind of fault each, and their likes just inside."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Exposure,
    Instruction,
    Limits,
    MoveStage,
    NoGoZone,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)

ZONE = NoGoZone(5e-6, -3e-6, 5e-7, "bond wire")
AREA = Exposure(20e-9, bias_time=5.0, spectra=3, pulses=1, taps=2)
LIMITS = Limits(
    x=(-8e-6, 8e-6),
    y=(-7e-6, 7e-6),
    bias=(-6.0, 5.0),
    scan_speed=1e-4,
    spectrum_duration=10.0,
    no_go=(ZONE,),
    bias_step=0.5,
    bias_slew=50.0,
    least_bias=0.05,
    setpoint=(1e-11, 1e-9),
    setpoint_unit="A",
    gain=500.0,
    force=2e-8,
    pulse=(-4.0, 3.0),
    depth=1e-9,
    step=12e-6,
    spectra=50,
    exposure=AREA,
    stage_x=(-3e-3, 3e-3),
    stage_y=(-2e-3, 2e-3),
    stage_step=3.5e-3,
)
LOOP = BiasWaveform.triangle(1.0, points=16, dwell=0.01)
NO_NUMBERS = (math.nan, math.inf, -math.inf)
NO_TYPES = ("5 nm", "0", None, True, False, (1e-9,), b"1", 1j, [0.0])


@dataclass(frozen=True)
class Astray:
    """An instruction, and how things stand when it is given.

    Attributes:
        instruction: What is asked for.
        said: What the refusal names, as a regular expression; of no account where it fits.
        before: What the sample has borne.
        at: Where the probe stands [m].
        bias: What the bias reads back [V].
    """

    instruction: Any
    said: str = ""
    before: tuple[Instruction, ...] = ()
    at: tuple[float, float] = (0.0, 0.0)
    bias: float = 0.5


class Dice:
    """Draws what an instruction is made of.

    Args:
        rng: Randomness.
        is_bad: Whether what is drawn leaves the limits, or stays just inside.
    """

    def __init__(self, rng: np.random.Generator, is_bad: bool) -> None:
        self.rng, self.is_bad = rng, is_bad

    def near(self, limit: float) -> float:
        """Draw a value just beyond a limit or far beyond it, or just inside."""
        if not self.is_bad:
            return limit * (1.0 - self.rng.choice([0.0, 1e-9, 1e-3, 0.1]))
        return limit * float(self.rng.choice([1.0 + 1e-9, 1.001, 1.5, 1e3, 1e9]))

    def one_of(self, *choices: Any) -> Any:
        """Draw one."""
        return choices[int(self.rng.integers(len(choices)))]

    def sign(self) -> float:
        """Draw -1 or 1."""
        return float(self.rng.choice([-1.0, 1.0]))

    def point(self) -> tuple[float, float]:
        """Draw a point that is allowed."""
        x, y = self.rng.uniform((-7.9e-6, -6.9e-6), (0.0, 6.9e-6)).tolist()
        return x, y

    def at(self, x: float, y: float) -> Any:
        """Draw an instruction that is about a point."""
        return self.one_of(
            PositionProbe(x, y),
            AcquireSpectrum(x, y, LOOP),
            AcquireForceCurve(x, y),
            ConditionTip(x, y, bias=2.0),
            ConditionTip(x, y, depth=1e-10),
        )

    def forged(self, instruction: Any, **values: Any) -> Any:
        """Return a copy with values that its own checks would not let pass."""
        copied = copy.copy(instruction)
        for name, value in values.items():
            object.__setattr__(copied, name, value)
        return copied


def out_of_range(dice: Dice) -> Astray:
    x, y = dice.point()
    if dice.one_of(True, False):
        return Astray(dice.at(dice.sign() * dice.near(8e-6), y), r"^x of \S+ m is outside -8e-06")
    return Astray(dice.at(x, dice.sign() * dice.near(7e-6)), r"^y of \S+ m is outside -7e-06")


def no_number(dice: Dice) -> Astray:
    wrong = dice.one_of(*NO_NUMBERS) if dice.is_bad else 1e-7
    x, y = dice.point()
    name = dice.one_of("x", "y", "bias", "pulse")
    match name:
        case "bias":
            values = [*LOOP.values, 0.1]
            values[int(dice.rng.integers(len(values)))] = wrong
            if dice.is_bad:
                return Astray(AcquireSpectrum(x, y, BiasWaveform(tuple(values), 0.01)), "^bias of")
            return Astray(AcquireSpectrum(x, y, BiasWaveform((wrong, 0.1), 0.01)))
        case "pulse":
            return Astray(ConditionTip(x, y, bias=wrong), r"^bias of \S+ V .*\(a pulse\)")
        case _:
            point = {"x": x, "y": y, name: wrong}
            return Astray(dice.at(**point), rf"^{name} of (nan|inf|-inf) m")


def wrong_unit(dice: Dice) -> Astray:
    """Give nm as m, ms as s, mV as V, pA as A, and so on: what somebody meant, times its prefix."""
    (x, y), bad = dice.point(), dice.is_bad
    nm, nano, milli, pico = (1.0 if bad else factor for factor in (1e-9, 1e-9, 1e-3, 1e-12))
    length = float(dice.rng.uniform(60.0, 900.0))
    return dice.one_of(
        Astray(dice.at(-length * nm, y), r"^x of \S+ m is outside"),
        Astray(dice.at(x, length * nm), r"^y of \S+ m is outside"),
        Astray(Scan(ScanFrame((0.0, 0.0), (length * nm,) * 2, (16, 8))), "a corner of the frame"),
        Astray(Scan(ScanFrame((-length * nm, 0.0), (1e-7, 1e-7), (16, 8))), "a corner of the"),
        Astray(
            AcquireSpectrum(x, y, replace(LOOP, dwell=float(dice.rng.uniform(10, 90)) * milli)),
            "^spectrum duration of",
        ),
        Astray(SetFeedback(bias=length * milli), r"^bias of \S+ V is outside -6 to 5 V"),
        Astray(SetFeedback(setpoint=length * pico), r"^setpoint of \S+ A is outside 1e-11"),
        Astray(AcquireForceCurve(x, y, trigger=float(dice.rng.uniform(1, 19)) * nano), "^force of"),
        Astray(ConditionTip(x, y, depth=float(dice.rng.uniform(0.1, 0.9)) * nm), "^depth of"),
        Astray(ConditionTip(x, y, bias=length * milli * 3), r"^bias of .*\(a pulse\)"),
    )


def wrong_type(dice: Dice) -> Astray:
    x, y = dice.point()
    good = dice.one_of(
        (PositionProbe(x, y), ("x", "y")),
        (AcquireSpectrum(x, y, LOOP), ("x", "y", "waveform")),
        (AcquireForceCurve(x, y), ("x", "y", "trigger", "distance", "points", "rate")),
        (ConditionTip(x, y, bias=2.0), ("x", "y", "bias", "depth", "duration")),
        (SetFeedback(0.5, 1e-10, 100.0), ("bias", "setpoint", "gain")),
        (Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (8, 8))), ("line_rate", "frame", "channels")),
    )
    instruction, places = good
    if not dice.is_bad:
        return Astray(instruction)
    place, wrong = dice.one_of(*places), dice.one_of(*NO_TYPES)
    if isinstance(instruction, SetFeedback) and wrong is None:
        wrong = "1 V"
    if place == "channels":
        wrong = dice.one_of("height", None, 3, (3,), (None,))
    if place == "waveform" and dice.one_of(True, False):
        inner, wrong = dice.one_of("values", "dwell", "cycles"), dice.one_of(*NO_TYPES[:-1])
        wrong = dice.forged(LOOP, **{inner: (0.1, wrong) if inner == "values" else wrong})
    if place == "frame" and dice.one_of(True, False):
        inner = dice.one_of("center", "size", "pixels", "angle")
        wrong = dice.forged(instruction.frame, **{inner: dice.one_of(None, "1", (True, 0), {1: 2})})
    return Astray(dice.forged(instruction, **{place: wrong}), r"must be .*got")


def turned_frame(dice: Dice) -> Astray:
    """Turn a frame that fits straight: its corners leave the range by the turn alone."""
    size = float(dice.rng.uniform(11e-6, 13e-6))
    angle = dice.sign() * float(dice.rng.uniform(0.6, 0.95)) if dice.is_bad else 0.0
    quarter = float(dice.rng.integers(4)) * math.pi / 2
    frame = ScanFrame((0.0, 0.0), (size, size), (16, 8), angle + quarter)
    if not dice.is_bad:  # nor may the zone be touched
        frame = ScanFrame((-2e-6, 0.0), (9e-6, 9e-6), (16, 8), quarter)
    return Astray(Scan(frame, line_rate=1.0), r"^[xy] of .*\(a corner of the frame\)")


def steps(dice: Dice) -> Astray:
    """Step through 0 V from one side to the other in one go, or too far on one side."""
    x, y = dice.point()
    middle = dice.one_of(0.0, 0.0, float(dice.rng.uniform(-2.0, 2.0)))
    half = min(dice.near(0.5), 3.0) / 2
    up = dice.sign()
    values = (middle - up * half, middle + up * half, middle + up * half)
    cycles = 1
    if dice.one_of(True, False):  # only the way back to the first point is too long
        values = (middle - up * half, middle, middle + up * half)
        cycles = 2
    waveform = BiasWaveform(values, dwell=0.1, cycles=cycles)
    return Astray(AcquireSpectrum(x, y, waveform), r"^bias step of \S+ V is outside 0 to 0\.5 V")


def slew(dice: Dice) -> Astray:
    x, y = dice.point()
    step = float(dice.rng.uniform(0.1, 0.49))
    waveform = BiasWaveform((-step / 2, step / 2), dwell=step / dice.near(50.0))
    return Astray(AcquireSpectrum(x, y, waveform), r"^bias slew of \S+ V/s is outside 0 to 50 V/s")


def bias_window(dice: Dice) -> Astray:
    x, y = dice.point()
    edge = dice.one_of(dice.near(5.0), -dice.near(6.0))
    said = r"^bias of \S+ V is outside -6 to 5 V"
    if dice.one_of(True, False):
        waveform = BiasWaveform((edge,), dwell=0.1)
        return Astray(AcquireSpectrum(x, y, waveform), said)
    return Astray(SetFeedback(bias=edge), said, bias=math.copysign(1.0, edge))


def around_zero(dice: Dice) -> Astray:
    """Set a bias at which there is nothing to hold, or on the other side of it."""
    present = dice.sign() * float(dice.rng.uniform(0.05, 4.0))
    asked = math.copysign(float(dice.rng.uniform(0.05, 4.0)), present)
    if not dice.is_bad:
        return Astray(SetFeedback(bias=asked), bias=present)
    return dice.one_of(
        Astray(SetFeedback(bias=-asked), "the way leads through 0 V", bias=present),
        Astray(SetFeedback(bias=asked), "^bias read back of (nan|inf|-inf)",
               bias=dice.one_of(*NO_NUMBERS)),
        Astray(SetFeedback(bias=asked * 0.012), r"outside 0\.05 to inf V", bias=present),
        Astray(SetFeedback(bias=0.0), r"outside 0\.05 to inf V", bias=present),
    )  # fmt: skip


def loop(dice: Dice) -> Astray:
    low = 1e-11 / dice.near(1.0)
    return dice.one_of(
        Astray(SetFeedback(setpoint=dice.near(1e-9)), r"^setpoint of \S+ A is outside 1e-11"),
        Astray(SetFeedback(setpoint=low), r"^setpoint of \S+ A is outside 1e-11 to 1e-09 A"),
        Astray(SetFeedback(gain=dice.near(500.0)), "^gain of .* 1/s is outside 0 to 500 1/s"),
    )


def tip(dice: Dice) -> Astray:
    x, y = dice.point()
    pulse = dice.one_of(dice.near(3.0), -dice.near(4.0))
    return dice.one_of(
        Astray(AcquireForceCurve(x, y, trigger=dice.near(2e-8)), r"^force of \S+ N .*2e-08 N"),
        Astray(ConditionTip(x, y, depth=dice.near(1e-9)), r"^depth of \S+ m is outside 0 to 1e-09"),
        Astray(ConditionTip(x, y, bias=pulse), r"^bias of \S+ V is outside -4 to 3 V"),
    )


def speed(dice: Dice) -> Astray:
    size = float(dice.rng.uniform(1e-7, 5e-6))
    frame = ScanFrame((-2e-6, 0.0), (size, 1e-7), (16, 8), float(dice.rng.uniform(-3.0, 3.0)))
    rate = dice.near(1e-4) / (2 * size)
    return Astray(Scan(frame, line_rate=rate), r"^scan speed of \S+ m/s is outside 0 to 0\.0001")


def duration(dice: Dice) -> Astray:
    x, y = dice.point()
    dwell = dice.near(10.0) / 4 / 5
    waveform = BiasWaveform((0.01, 0.02, 0.03, 0.02), dwell, cycles=5)
    return Astray(AcquireSpectrum(x, y, waveform), r"^spectrum duration of \S+ s is outside 0 to")


def zone(dice: Dice) -> Astray:
    """Enter the zone, graze it, or lay a frame over it."""
    away = ZONE.radius * float(dice.rng.uniform(0.0, 0.999) if dice.is_bad else 1.001)
    turn = float(dice.rng.uniform(-math.pi, math.pi))
    x, y = ZONE.x + away * math.cos(turn), ZONE.y + away * math.sin(turn)
    said = r"^distance to no-go zone of .*\(bond wire\)"
    size = 1e-7
    if dice.is_bad:
        frame = ScanFrame((x, y), (size, size), (16, 8), turn)
    else:  # its near edge is square to the way to the zone
        far = away + size / 2
        center = ZONE.x + far * math.cos(turn), ZONE.y + far * math.sin(turn)
        frame = ScanFrame(center, (size, size), (16, 8), turn)
    return Astray(dice.one_of(dice.at(x, y), Scan(frame)), said)


def way(dice: Dice) -> Astray:
    """Send the probe farther at once than it may go, from where it reads back."""
    x, y = dice.point()
    if not dice.is_bad:
        return Astray(dice.at(x, y), at=(x, y + 11.9e-6))
    x, y = 0.9 * x, 0.9 * y
    place = dice.one_of((x + 12.2e-6, y), (x, y - 13e-6), (math.nan, y), (x, math.inf))
    asked = dice.one_of(dice.at(x, y), Scan(ScanFrame((x, y), (1e-7, 1e-7), (16, 8))))
    return Astray(asked, r"^step of \S+ m is outside 0 to 1\.2e-05 m", at=place)


def worn_out(dice: Dice) -> Astray:
    """Ask an area for more than it may bear."""
    x, y = dice.point()
    angle, far = float(dice.rng.uniform(-3.0, 3.0)), 0.99 if dice.is_bad else 1.01
    there = x + far * 20e-9 * math.cos(angle), y + far * 20e-9 * math.sin(angle)
    long = BiasWaveform((1.0, 1.2, 1.4), dwell=1.2)  # 4.32 V s
    return dice.one_of(
        Astray(AcquireSpectrum(x, y, LOOP), r"^spectra within 20 nm of \(",
               (AcquireSpectrum(*there, LOOP),) * 3),
        Astray(AcquireSpectrum(x, y, long), r"^exposure within 20 nm of \(",
               (AcquireSpectrum(*there, long),)),
        Astray(ConditionTip(x, y, bias=2.0), r"^pulses within 20 nm of \(",
               (ConditionTip(*there, bias=-1.0),)),
        Astray(ConditionTip(x, y, depth=1e-10), r"^taps within 20 nm of \(",
               (AcquireForceCurve(*there), ConditionTip(*there, depth=1e-10))),
        Astray(AcquireForceCurve(x, y), r"^taps within 20 nm of \(",
               (AcquireForceCurve(*there), AcquireForceCurve(*there))),
        Astray(AcquireSpectrum(x, y, LOOP), r"^spectra of 51 is outside 0 to 50",
               (AcquireSpectrum(4e-6, 4e-6, LOOP),) * (50 if dice.is_bad else 49)),
    )  # fmt: skip


def stage(dice: Dice) -> Astray:
    """Send the coarse stage out of its window, or too far at once."""
    far = (2.99e-3, dice.sign() * 1.99e-3) if dice.is_bad else (2.8e-3, -1.9e-3)
    return dice.one_of(
        Astray(MoveStage(dice.sign() * dice.near(3e-3), 0.0), r"^stage x of \S+ m is outside"),
        Astray(MoveStage(0.0, dice.sign() * dice.near(2e-3)), r"^stage y of \S+ m is outside"),
        Astray(MoveStage(*far), r"^stage step of \S+ m is outside 0 to 0\.0035 m"),
    )


KINDS: dict[str, Callable[[Dice], Astray]] = {
    "out of range": out_of_range,
    "NaN or inf": no_number,
    "wrong unit": wrong_unit,
    "wrong type": wrong_type,
    "turned frame": turned_frame,
    "bias step across 0 V": steps,
    "slew": slew,
    "window of the bias": bias_window,
    "loop closed at 0 V": around_zero,
    "set-point and gain": loop,
    "force, pulse, poke": tip,
    "scan speed": speed,
    "duration": duration,
    "no-go zone": zone,
    "long way": way,
    "worn-out area": worn_out,
    "stage": stage,
}
