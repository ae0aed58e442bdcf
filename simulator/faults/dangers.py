"""Dangers: the faults that are about the tip: what it feels, and whether it can be withdrawn."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from spm_auto.errors import NoReply, NotConfirmed
from spm_auto.instrument import Vitals
from spm_auto.units import format as format_quantity

from ..timing import Point
from .kinds import Blind, FaultSettings, MeddledOutside, StuckFeedback, TipCrash, WithdrawalFails

Kind = TypeVar("Kind", bound=FaultSettings)
USUAL_REACH = 500e-9  # [m] of a z piezo that does not tell its own


@dataclass(frozen=True, slots=True)
class DangerState:
    """Everything changeable.

    Attributes:
        begun: Number of the last instruction; -1 before the first.
        mended: Number of the last load.
        crash: The crash that the tip is in.
        crash_began: When the last crash began, or will [s].
        blind_since: When the vitals last told anything [s].
        looks: How many looks found nothing.
        failed: How many withdrawals did nothing.
    """

    begun: int = -1
    mended: int = -1
    crash: TipCrash | None = None
    crash_began: float | None = None
    blind_since: float = 0.0
    looks: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """What somebody else has made of a microscope.

    Attributes:
        position: Where the probe is now [m].
        bias: What it is now [V].
        words: What is otherwise.
    """

    position: Point
    bias: float
    words: str


class Dangers:
    """What befalls the tip of one microscope.

    Args:
        faults: All faults; those that are about something else are left alone.

    Attributes:
        state: Everything changeable.
    """

    def __init__(self, faults: tuple[FaultSettings, ...] = ()) -> None:
        self._faults = faults
        self.state = DangerState()

    def begin(self, number: int, time: float, loading: bool, scanning: bool) -> None:
        """Let happen what befalls the tip as an instruction begins [s]; a load mends it."""
        state = replace(self.state, begun=number)
        if loading:
            state = replace(state, mended=number, crash=None, looks=0)
        if any(fault.action == number for fault in self._of(Blind)):
            state = replace(state, blind_since=time)
        self.state = state
        self._crash(number, None, time, scanning)

    def begin_line(self, number: int, line: int, time: float) -> None:
        """Let happen what befalls the tip as a line begins [s]."""
        self._crash(number, line, time, scanning=True)

    def feel(self, vitals: Vitals) -> Vitals:
        """Return what is told of the vitals.

        Raises:
            NoReply: Nothing is.
        """
        if not self._faults:
            return vitals
        state = self.state
        if state.crash is not None and vitals.time >= (state.crash_began or 0.0):
            vitals = replace(vitals, signal=state.crash.factor * vitals.threshold)
        if vitals.is_engaged and any(self._lasting(StuckFeedback)):
            low, high = vitals.z_range
            if not math.isfinite(high - low):
                low, high = -USUAL_REACH, USUAL_REACH
            error = 1.0 if vitals.is_feedback_on else math.nan
            vitals = replace(vitals, z=high, z_range=(low, high), error=error)
        for blind in self._lasting(Blind):
            if blind.looks is not None and state.looks >= blind.looks:
                continue
            self.state = replace(self.state, looks=state.looks + 1)
            return self._seen_blindly(blind, vitals)
        return vitals

    def withdraw(self) -> None:
        """Let the tip be withdrawn, which ends its crash.

        Raises:
            NotConfirmed: It stays where it is.
        """
        state = self.state
        for fails in self._of(WithdrawalFails):
            if fails.action <= state.begun and (fails.times is None or state.failed < fails.times):
                self.state = replace(state, failed=state.failed + 1)
                raise NotConfirmed("the tip was ordered up, and does not move")
        self.state = replace(state, crash=None)

    def changed(self, number: int, position: Point, bias: float) -> Changed | None:
        """Return what somebody else has changed before an instruction, if anybody has.

        Args:
            number: Of the instruction.
            position: Where the probe stood [m].
            bias: What it was [V].
        """
        for meddled in self._of(MeddledOutside):
            if meddled.action != number:
                continue
            x, y = position
            there = x if meddled.x is None else meddled.x, y if meddled.y is None else meddled.y
            turned = bias if meddled.bias is None else meddled.bias
            words = []
            if there != position:
                words.append(f"position {_at(position)} -> {_at(there)}")
            if turned != bias:
                words.append(f"bias {_said(bias, 'V')} -> {_said(turned, 'V')}")
            if words:
                return Changed(there, turned, "; ".join(words))
        return None

    def is_stuck(self) -> bool:
        """Whether the z piezo is at the end of its range."""
        return any(self._lasting(StuckFeedback))

    def _seen_blindly(self, blind: Blind, vitals: Vitals) -> Vitals:
        match blind.how:
            case "nan":
                return replace(vitals, signal=math.nan, z=math.nan, error=math.nan)
            case "stale":
                return replace(vitals, time=min(vitals.time, self.state.blind_since))
            case _:
                raise NoReply("the microscope does not tell its vitals")

    def _crash(self, number: int, line: int | None, time: float, scanning: bool) -> None:
        for crash in self._of(TipCrash):
            if crash.action == number and (crash.at if scanning else None) == line:
                began = time + crash.after
                self.state = replace(self.state, crash=crash, crash_began=began)

    def _of(self, kind: type[Kind]) -> Iterator[Kind]:
        return (fault for fault in self._faults if isinstance(fault, kind))

    def _lasting(self, kind: type[Kind]) -> Iterator[Kind]:
        """Return the faults of a kind that last from their instruction until a load."""
        state = self.state
        return (f for f in self._of(kind) if state.mended <= f.action <= state.begun)


def _at(point: Point) -> str:
    return f"({_said(point[0], 'm')}, {_said(point[1], 'm')})"


def _said(value: float, unit: str) -> str:
    return format_quantity(value, unit, 6)
