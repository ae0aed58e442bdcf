"""A microscope that can do everything, notes what it is given, and feels what a test says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Capabilities,
    Channel,
    ConditionTip,
    ForceCurve,
    GuardedInstrument,
    Instruction,
    InstrumentState,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
    Spectrum,
    Status,
    Vitals,
)

HEIGHT = (Channel("height", "m"),)
WELL = Vitals(0.0, 1e-10, "A", 5e-8, 0.0, (-5e-7, 5e-7), True, 0.0, True, "SafeTip at 10 nA")


class Noting:
    """Stands in for a microscope outside.

    Attributes:
        given: The instructions that it was given, and "interrupt", "emergency stop" and "close".
        slip: How far the probe misses [m].
        offset: By which the bias misses [V].
        vitals_now: What it feels: a value, or an error that reading it raises.
        fails: What an instruction raises; None when it works.
        during: Called in the middle of each instruction, and at each line of a scan.
        shortened: How many points are missing from what it measures.
    """

    def __init__(self, has_vitals: bool = True, has_stage: bool = False) -> None:
        reach = (-1e-5, 1e-5)
        optional = {AcquireForceCurve, ConditionTip, SetFeedback}
        self.capabilities = Capabilities(
            *("bench", HEIGHT, HEIGHT, reach, reach, (-10.0, 10.0), 2e-9, True),
            instructions=frozenset(optional | ({MoveStage} if has_stage else set())),
            has_vitals=has_vitals,
            stage_range=((-5e-3, 5e-3), (-5e-3, 5e-3)) if has_stage else None,
            stage_accuracy=1e-6,
        )
        self.stage = (0.0, 0.0) if has_stage else None
        self.given: list[Instruction | str] = []
        self.slip, self.offset, self.shortened = 0.0, 0.0, 0
        self.vitals_now: Vitals | Exception = WELL
        self.fails: Exception | None = None
        self.during = lambda: None
        self.at = (0.0, 0.0)
        self.bias = 0.5

    def status(self) -> Status:
        return Status(InstrumentState.READY, self.at, self.bias, True, 0.0, stage=self.stage)

    def vitals(self) -> Vitals:
        if isinstance(self.vitals_now, Exception):
            raise self.vitals_now
        return self.vitals_now

    def feel(self, **values: Any) -> None:
        """Feel something else than it does when it is well."""
        self.vitals_now = replace(WELL, **values)

    def duration(self, instruction: Instruction) -> float:
        return 1.0

    def load(self, instruction: Load) -> None:
        self._do(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self._do(instruction)
        count, pixels = instruction.frame.shape
        for index in range(count):
            self.during()
            values = np.zeros((1, pixels - self.shortened))
            yield ScanLine(index, values, values, float(index))

    def position_probe(self, instruction: PositionProbe) -> None:
        self._go(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        self._go(instruction)
        bias = instruction.waveform.bias[self.shortened :]
        return Spectrum(*self.at, bias, HEIGHT, bias[None, :], 0.0, 1.0)

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        self._go(instruction)
        force = np.zeros((1, instruction.points - self.shortened))
        return ForceCurve(*self.at, force[0], HEIGHT, force, force, 0.0, 1.0)

    def condition_tip(self, instruction: ConditionTip) -> None:
        self._go(instruction)

    def set_feedback(self, instruction: SetFeedback) -> None:
        self._do(instruction)
        if instruction.bias is not None:
            self.bias = instruction.bias + self.offset

    def move_stage(self, instruction: MoveStage) -> None:
        self._do(instruction)
        self.stage = instruction.x, instruction.y

    def interrupt(self) -> None:
        self.given.append("interrupt")

    def emergency_stop(self) -> None:
        self.given.append("emergency stop")

    def close(self) -> None:
        self.given.append("close")

    def _do(self, instruction: Instruction) -> None:
        self.given.append(instruction)
        if not isinstance(instruction, Scan):
            self.during()
        if self.fails is not None:
            raise self.fails

    def _go(
        self, instruction: PositionProbe | AcquireSpectrum | AcquireForceCurve | ConditionTip
    ) -> None:
        self._do(instruction)
        self.at = instruction.x + self.slip, instruction.y


def give(instrument: GuardedInstrument, instruction: Instruction) -> None:
    """Give an instruction, and carry it out to its end."""
    match instruction:
        case Load():
            instrument.load(instruction)
        case Scan():
            list(instrument.scan(instruction))
        case PositionProbe():
            instrument.position_probe(instruction)
        case AcquireSpectrum():
            instrument.acquire_spectrum(instruction)
        case AcquireForceCurve():
            instrument.acquire_force_curve(instruction)
        case ConditionTip():
            instrument.condition_tip(instruction)
        case SetFeedback():
            instrument.set_feedback(instruction)
        case MoveStage():
            instrument.move_stage(instruction)
