"""Force curves, conditioning and feedback: declared, checked, and passed through the guard."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from spm_auto.errors import InstrumentError, LimitExceeded, Unsupported
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Capabilities,
    Channel,
    ConditionTip,
    Extended,
    ForceCurve,
    GuardedInstrument,
    Instruction,
    InstrumentState,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
    Spectrum,
    Status,
)

FORCE = (Channel("force", "N"),)


class Driver:
    """Stands in for a microscope outside that can do everything and notes what it is told."""

    def __init__(self, slip: float = 0.0) -> None:
        self.told: list[Instruction] = []
        self.slip = slip
        reach = (-1e-5, 1e-5)
        self.capabilities = Capabilities(
            *("bench", FORCE, FORCE, reach, reach, (-10.0, 10.0), 2e-9, True),
            instructions=frozenset({AcquireForceCurve, ConditionTip, SetFeedback}),
        )
        self._at = (0.0, 0.0)

    def status(self) -> Status:
        return Status(InstrumentState.READY, self._at, 0.0, True, 0.0)

    def duration(self, instruction: Instruction) -> float:
        return 1.0

    def load(self, instruction: Load) -> None:
        self.told.append(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self.told.append(instruction)
        yield from ()

    def position_probe(self, instruction: PositionProbe) -> None:
        self.told.append(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        raise NotImplementedError

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        self.told.append(instruction)
        extension = np.linspace(0, instruction.distance, instruction.points)
        force = extension[np.newaxis]
        x = instruction.x + self.slip
        return ForceCurve(x, instruction.y, extension, FORCE, force, force, 0.0, 1.0)

    def condition_tip(self, instruction: ConditionTip) -> None:
        self.told.append(instruction)
        self._at = (instruction.x + self.slip, instruction.y)

    def set_feedback(self, instruction: SetFeedback) -> None:
        self.told.append(instruction)

    def interrupt(self) -> None:
        pass

    def emergency_stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def _give(instrument: Extended, instruction: Instruction) -> None:
    match instruction:
        case AcquireForceCurve():
            instrument.acquire_force_curve(instruction)
        case ConditionTip():
            instrument.condition_tip(instruction)
        case SetFeedback():
            instrument.set_feedback(instruction)


ALL = (
    AcquireForceCurve(1e-6, 0.0),
    ConditionTip(1e-6, 0.0, bias=4.0),
    ConditionTip(1e-6, 0.0, depth=1e-9),
    SetFeedback(setpoint=100e-12),
)


@pytest.mark.parametrize("instruction", ALL)
def test_what_is_declared_and_allowed_passes_the_guard(instruction: Instruction) -> None:
    driver = Driver()
    _give(GuardedInstrument(driver), instruction)
    assert driver.told == [instruction]


@pytest.mark.parametrize("instruction", ALL)
def test_what_is_not_declared_is_refused_by_name(instruction: Instruction) -> None:
    driver = Driver()
    driver.capabilities = replace(driver.capabilities, instructions=frozenset())
    with pytest.raises(
        Unsupported, match=f"bench does not understand {type(instruction).__name__}"
    ):
        _give(GuardedInstrument(driver), instruction)
    assert driver.told == []


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (AcquireForceCurve(2e-5, 0.0), "x of 2e-05 m"),
        (ConditionTip(0.0, math.nan, depth=1e-9), "y of nan m"),
        (ConditionTip(0.0, 0.0, bias=9.0), "bias of 9 V is outside -8 to 8 V"),
        (SetFeedback(bias=-9.0), "bias of -9 V is outside -8 to 8 V"),
    ],
)
def test_what_the_limits_forbid_never_reaches_the_instrument(
    instruction: Instruction, said: str
) -> None:
    driver = Driver()
    with pytest.raises(LimitExceeded, match=said):
        _give(GuardedInstrument(driver, Limits(bias=(-8.0, 8.0))), instruction)
    assert driver.told == []


@pytest.mark.parametrize("instruction", ALL[:3])
def test_a_probe_that_did_not_follow_is_a_fault(instruction: Instruction) -> None:
    with pytest.raises(InstrumentError, match="reads back"):
        _give(GuardedInstrument(Driver(slip=1e-8)), instruction)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AcquireForceCurve(0.0, 0.0, trigger=0.0), "trigger must be positive, got 0.0 N"),
        (lambda: AcquireForceCurve(0.0, 0.0, distance=-1e-9), "distance must be positive"),
        (lambda: AcquireForceCurve(0.0, 0.0, rate=math.inf), "rate must be positive, got inf Hz"),
        (lambda: AcquireForceCurve(0.0, 0.0, points=1), "at least 2 points, got 1"),
        (lambda: ConditionTip(0.0, 0.0), "either a pulse or a poke"),
        (lambda: ConditionTip(0.0, 0.0, bias=3.0, depth=1e-9), "either a pulse or a poke"),
        (lambda: ConditionTip(0.0, 0.0, depth=-1e-9), "depth must not be negative"),
        (lambda: SetFeedback(gain=-1.0), "gain must not be negative, got -1.0 1/s"),
        (lambda: SetFeedback(bias=math.nan), "bias must be finite, got nan"),
    ],
)
def test_a_value_that_could_never_be_right_is_refused(
    make: Callable[[], Instruction], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_a_force_curve_with_the_wrong_shape_is_refused() -> None:
    extension, force = np.zeros(4), np.zeros((1, 4))
    with pytest.raises(ValueError, match=r"retract has shape \(1, 3\), the curve needs \(1, 4\)"):
        ForceCurve(0.0, 0.0, extension, FORCE, force, force[:, :3], 0.0, 1.0)
