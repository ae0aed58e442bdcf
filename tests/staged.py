"""An ohmic sample on a coarse stage: which part of it conducts best is known."""

import math
from dataclasses import replace

import numpy as np

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import Clock
from spm_auto.errors import InstrumentError
from spm_auto.instrument import (
    Capabilities,
    Instruction,
    InstrumentState,
    Limits,
    MoveStage,
    Status,
)

REACH = ((-5e-3, 5e-3), (-1e-3, 1e-3))
BEST = 1.5e-3  # [m]: where along the stage it conducts best
WIDTH = 1.2e-3  # [m]


class StagedMicroscope(OhmicMicroscope):
    """Conducts best in the middle of the scanner, and most with the stage at `BEST`.

    Args:
        clock: Instrument time.
        slip: How far the stage misses where it is sent [m].
        is_simulated: What it says of itself.
    """

    def __init__(self, clock: Clock, slip: float = 0.0, is_simulated: bool = True) -> None:
        super().__init__(clock, best=(0.0, 0.0))
        self.stage: tuple[float, float] | None = (0.0, 0.0)
        self.sent: list[tuple[float, float]] = []
        self.slip, self.is_simulated = slip, is_simulated

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return replace(
            super().capabilities,
            instructions=frozenset({MoveStage}),
            stage_range=REACH,
            stage_accuracy=1e-6,
            is_simulated=self.is_simulated,
        )

    def status(self) -> Status:
        """Read back where the instrument stands."""
        return replace(super().status(), stage=self.stage)

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction takes [s]."""
        if isinstance(instruction, MoveStage):
            here = self.stage or (0.0, 0.0)
            return 65.0 + math.dist(here, (instruction.x, instruction.y)) / 1e-3
        return super().duration(instruction)

    def move_stage(self, instruction: MoveStage) -> None:
        """Move it."""
        if self.status().state is not InstrumentState.READY:
            raise InstrumentError("the stage moves only when nothing else is going on")
        Limits().within(self.capabilities).check(instruction)
        self._clock.wait(self.duration(instruction))
        self.sent.append((instruction.x, instruction.y))
        self.stage = (instruction.x + self.slip, instruction.y)

    def _conductance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        at = self.stage[0] if self.stage else 0.0
        return super()._conductance(x, y) * math.exp(-(((at - BEST) / WIDTH) ** 2))
