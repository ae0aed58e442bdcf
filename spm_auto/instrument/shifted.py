"""ShiftedInstrument: an instrument whose sample has moved, told in the coordinates from before."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar, cast

from ..errors import LimitExceeded
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .limits import Limits
from .protocol import Capabilities, Extended, Instrument, Status
from .results import ForceCurve, ScanLine, Spectrum
from .vitals import Vitals, vitals_of

AtPoint = TypeVar(
    "AtPoint", bound=PositionProbe | AcquireSpectrum | AcquireForceCurve | ConditionTip
)
Point = tuple[float, float]


class ShiftedInstrument:
    """An instrument over a sample that has moved; itself an `Instrument`.

    Who uses it goes on in the coordinates of the first overview: what was at (x, y) stays there.
    Instructions are sent to where the sample is now, and positions that are read back, ranges and
    refusals are told in the coordinates from before. It stands outside the guard, whose limits are
    those of the real scanner. Stopping is passed on before anything else.

    Args:
        instrument: The instrument, behind its guard.
        dx: How far the sample has moved [m]; see `spm_auto.analysis.Shift`.
        dy: How far the sample has moved [m].

    Raises:
        ValueError: The shift is not finite: nobody knows where the sample is.
    """

    def __init__(self, instrument: Instrument, dx: float, dy: float) -> None:
        if not (math.isfinite(dx) and math.isfinite(dy)):
            raise ValueError(f"a sample has moved by a finite way, got ({dx}, {dy}) m")
        self._instrument = instrument
        self._shift = (dx, dy)
        self._last: tuple[Point, Point] = (
            (0.0, 0.0),
            self._shift,
        )  # asked for, and where it was sent

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has; its ranges are where the sample from before can be reached."""
        has = self._instrument.capabilities
        (dx, dy), (left, right), (low, high) = self._shift, has.x_range, has.y_range
        return replace(has, x_range=(left - dx, right - dx), y_range=(low - dy, high - dy))

    def status(self) -> Status:
        """Read back where the instrument stands."""
        status = self._instrument.status()
        return replace(status, position=self._back(status.position))

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction will take from here [s]."""
        match instruction:
            case Scan():
                instruction = self._scan_there(instruction)
            case PositionProbe() | AcquireSpectrum() | AcquireForceCurve() | ConditionTip():
                instruction = self._there(instruction)
        return self._instrument.duration(instruction)

    def load(self, instruction: Load) -> None:
        """Ready the instrument."""
        self._instrument.load(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Scan the frame where the sample is now."""
        with self._told_as_asked():
            lines = self._instrument.scan(self._scan_there(instruction))
        return self._lines(lines)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe to where the point is now."""
        with self._sent(instruction) as sent:
            self._instrument.position_probe(sent)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Take a spectrum where the point is now."""
        with self._sent(instruction) as sent:
            spectrum = self._instrument.acquire_spectrum(sent)
        x, y = self._back((spectrum.x, spectrum.y))
        return replace(spectrum, x=x, y=y)

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Take a force curve where the point is now."""
        with self._sent(instruction) as sent:
            curve = self._extended().acquire_force_curve(sent)
        x, y = self._back((curve.x, curve.y))
        return replace(curve, x=x, y=y)

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Pulse or poke where the point is now."""
        with self._sent(instruction) as sent:
            self._extended().condition_tip(sent)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change the z loop."""
        self._extended().set_feedback(instruction)

    def move_stage(self, instruction: MoveStage) -> None:
        """Move the stage; by how much the sample was off elsewhere says nothing there."""
        self._extended().move_stage(instruction)
        self._shift = (0.0, 0.0)
        self._last = ((0.0, 0.0), self._shift)

    def limits(self, there: Limits) -> Limits:
        """Return limits of the scanner in the coordinates from before."""
        (dx, dy), (left, right), (low, high) = self._shift, there.x, there.y
        zones = tuple(replace(zone, x=zone.x - dx, y=zone.y - dy) for zone in there.no_go)
        return replace(there, x=(left - dx, right - dx), y=(low - dy, high - dy), no_go=zones)

    def interrupt(self) -> None:
        """End the instruction in progress now."""
        self._instrument.interrupt()

    def emergency_stop(self) -> None:
        """Withdraw the tip and latch; passed on before anything else."""
        self._instrument.emergency_stop()

    def vitals(self) -> Vitals:
        """Read what the instrument feels; where the sample is makes no difference."""
        return vitals_of(self._instrument)

    def close(self) -> None:
        """Let go of the hardware."""
        self._instrument.close()

    def _scan_there(self, scan: Scan) -> Scan:
        return replace(scan, frame=replace(scan.frame, center=self._moved(scan.frame.center)))

    def _there(self, instruction: AtPoint) -> AtPoint:
        x, y = self._moved((instruction.x, instruction.y))
        return replace(instruction, x=x, y=y)

    def _moved(self, point: Point) -> Point:
        return point[0] + self._shift[0], point[1] + self._shift[1]

    @contextlib.contextmanager
    def _sent(self, instruction: AtPoint) -> Iterator[AtPoint]:
        """Give what to send; once it was done, positions are told relative to where that was."""
        sent = self._there(instruction)
        with self._told_as_asked():
            yield sent
        self._last = (instruction.x, instruction.y), (sent.x, sent.y)

    def _back(self, position: Point) -> Point:
        """Return a position in the coordinates from before.

        A probe that is exactly where it was sent is exactly where it was asked for, which the shift
        added and subtracted again would miss by a rounding.
        """
        asked, sent = self._last
        return asked[0] + (position[0] - sent[0]), asked[1] + (position[1] - sent[1])

    @contextlib.contextmanager
    def _told_as_asked(self) -> Iterator[None]:
        """Tell a refusal in the coordinates that were asked for."""
        try:
            yield
        except LimitExceeded as error:
            moved = {"x": self._shift[0], "y": self._shift[1]}.get(error.quantity)
            if moved is None:
                raise
            low, high = error.allowed
            raise LimitExceeded(
                error.quantity,
                error.asked - moved,
                (low - moved, high - moved),
                error.unit,
                error.scope,
            ) from error

    def _lines(self, lines: Iterator[ScanLine]) -> Iterator[ScanLine]:
        with contextlib.ExitStack() as stack:
            if hasattr(lines, "close"):
                stack.callback(lines.close)
            with self._told_as_asked():
                yield from lines

    def _extended(self) -> Extended:
        return cast(Extended, self._instrument)  # its capabilities say whether it is one
