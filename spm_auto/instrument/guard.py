"""GuardedInstrument: an instrument that refuses what the laboratory's limits forbid."""

import contextlib
import math
from collections.abc import Iterator
from typing import cast

from ..errors import InstrumentError
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .limits import Limits
from .protocol import Capabilities, Extended, Instrument, Status
from .results import ForceCurve, ScanLine, Spectrum


class GuardedInstrument:
    """An instrument behind limits; itself an `Instrument`.

    An instruction is checked as a whole before the instrument sees any of it, so what is refused
    has moved nothing. After a motion the position is read back, and a probe that did not follow is
    a fault. Stopping is never checked and never refused.

    Args:
        instrument: What is guarded.
        limits: What the laboratory allows; narrowed to the instrument's own range.
    """

    def __init__(self, instrument: Instrument, limits: Limits | None = None) -> None:
        self._instrument = instrument
        self.limits = (limits or Limits()).within(instrument.capabilities)

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._instrument.capabilities

    def status(self) -> Status:
        """Read back where the instrument stands."""
        return self._instrument.status()

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction will take from here [s]."""
        return self._instrument.duration(instruction)

    def load(self, instruction: Load) -> None:
        """Ready the instrument."""
        self._instrument.load(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Check the frame and the channels, then scan."""
        self.check(instruction)
        return self._lines(instruction)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Check the point, move, and read the position back."""
        self.check(instruction)
        self._instrument.position_probe(instruction)
        self._check_position(self._instrument.status().position, instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Check point and waveform, acquire, and compare the position read back."""
        self.check(instruction)
        spectrum = self._instrument.acquire_spectrum(instruction)
        self._check_position((spectrum.x, spectrum.y), instruction)
        return spectrum

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Check point and declared ability, measure, and compare the position read back."""
        self.check(instruction)
        curve = self._extended().acquire_force_curve(instruction)
        self._check_position((curve.x, curve.y), instruction)
        return curve

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Check point, bias and declared ability, then pulse or poke."""
        self.check(instruction)
        self._extended().condition_tip(instruction)
        self._check_position(self._instrument.status().position, instruction)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Check bias and declared ability, then change the z loop."""
        self.check(instruction)
        self._extended().set_feedback(instruction)

    def interrupt(self) -> None:
        """End the instruction in progress now."""
        self._instrument.interrupt()

    def emergency_stop(self) -> None:
        """Withdraw the tip and latch; passed on before anything else."""
        self._instrument.emergency_stop()

    def close(self) -> None:
        """Let go of the hardware."""
        self._instrument.close()

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction without touching the instrument.

        Raises:
            LimitExceeded: It leaves the limits.
            Unsupported: It is not understood, or names a channel that the instrument lacks.
        """
        self.capabilities.check(instruction)
        self.limits.check(instruction)
        if isinstance(instruction, AcquireSpectrum):
            # an instrument may dwell longer than it was told: a lock-in has to settle
            self.limits.check_spectrum_duration(self._instrument.duration(instruction))

    def _extended(self) -> Extended:
        return cast(Extended, self._instrument)  # only after `check`: it declares that it is one

    def _lines(self, instruction: Scan) -> Iterator[ScanLine]:
        lines = self._instrument.scan(instruction)
        with contextlib.ExitStack() as stack:
            if hasattr(lines, "close"):
                stack.callback(lines.close)
            yield from lines

    def _check_position(
        self,
        position: tuple[float, float],
        instruction: PositionProbe | AcquireSpectrum | AcquireForceCurve | ConditionTip,
    ) -> None:
        off = math.hypot(position[0] - instruction.x, position[1] - instruction.y)
        allowed = self.capabilities.position_accuracy
        if not off <= allowed * (1 + 1e-9):  # NaN is a fault too
            raise InstrumentError(
                f"the probe was sent to ({instruction.x:g}, {instruction.y:g}) m but reads back "
                f"({position[0]:g}, {position[1]:g}) m: {off:g} m away, allowed {allowed:g} m"
            )
