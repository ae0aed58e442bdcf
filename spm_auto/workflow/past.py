"""Past: what a run that goes on has behind it, and how a simulated instrument is brought there."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..clock import InstantClock, ResumedClock
from ..data import RunContinued
from ..errors import CannotResume, InstrumentError, Interrupted, Stopped
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Extended,
    FloatArray,
    ForceCurve,
    Instruction,
    Instrument,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanLine,
    SetFeedback,
    Spectrum,
)
from .tape import Played, Tape


@dataclass(frozen=True, slots=True)
class Past:
    """What a run that goes on has behind it.

    A simulated instrument remembers nothing of an earlier process: it does again what it did, and
    is where it was. On hardware nothing is done again.

    Attributes:
        tape: What was recorded.
        continued: What is written down when the run goes on.
        is_simulated: Whether the instrument has to do again what it did.
        is_exact: Whether what it answers then must be what it answered, to the last bit.
        looks: Whether the sample is looked for before anything is measured, on hardware.
        go_on: Lets the clock go on as the laboratory has it, from an instrument time [s].
        clock: On which what is simulated does again what it did; None where nothing is.
    """

    tape: Tape
    continued: RunContinued
    is_simulated: bool
    is_exact: bool
    looks: bool
    go_on: Callable[[float], None]
    clock: InstantClock | ResumedClock | None = None

    def repeat(self, instrument: Instrument, instruction: Instruction, played: Played) -> None:
        """Let a simulated instrument do again what it did.

        Raises:
            CannotResume: It answers something else now.
        """
        if isinstance(played.error, Interrupted):
            self._repeat_what_was_ended(instrument, instruction, played, played.error.seconds)
            return
        try:
            if isinstance(instruction, Scan):
                for _ in self.lines(instrument.scan(instruction), played):
                    if played.error is None:
                        raise self._otherwise(played, "it has more lines")
                    return  # a line that was refused, then as now
            else:
                given = _give(instrument, instruction)
                if self.is_exact and played.error is None:
                    self._check_same(given, played)
            if self.is_exact and played.error is not None:
                raise self._otherwise(played, "it does not fail")
        except InstrumentError as error:
            if played.error is None:
                raise self._otherwise(played, str(error)) from error

    def _repeat_what_was_ended(
        self, instrument: Instrument, instruction: Instruction, played: Played, seconds: float
    ) -> None:
        """Let a simulated instrument do again what a human has ended after so long [s].

        On an instant clock that was between two lines, else when it came.
        """
        if not (seconds or played.lines):
            return  # it had not begun
        with contextlib.ExitStack() as stack:
            if self.clock is not None and not self.is_exact:
                stack.enter_context(self.clock.calling(instrument.interrupt, seconds))
            stack.enter_context(contextlib.suppress(InstrumentError, Stopped))
            if not isinstance(instruction, Scan):
                _give(instrument, instruction)
                return
            lines = instrument.scan(instruction)
            if isinstance(lines, Generator):
                stack.enter_context(contextlib.closing(lines))
            for before in played.lines:
                now = next(lines, None)
                if self.is_exact and (now is None or not _same_line(before, now)):
                    raise self._otherwise(played, f"line {before.index} differs")

    def lines(
        self,
        lines: Iterator[ScanLine],
        played: Played,
        go_on: Callable[[], object] = lambda: None,
    ) -> Iterator[ScanLine]:
        """Leave out the lines of a scan that are on record, and yield those after them.

        Args:
            lines: All of them.
            played: What is on record.
            go_on: Called where the record ends.

        Raises:
            CannotResume: They are not what they were.
        """
        for before in played.lines:
            now = next(lines, None)
            if now is None or (self.is_exact and not _same_line(before, now)):
                raise self._otherwise(played, f"line {before.index} differs")
        go_on()
        yield from lines

    def _check_same(self, given: Spectrum | ForceCurve | None, played: Played) -> None:
        if isinstance(given, Spectrum) and not _same_spectrum(given, played.result):
            raise self._otherwise(played, "the spectrum differs")
        if isinstance(given, ForceCurve) and not _same_curve(given, played.result):
            raise self._otherwise(played, "the force curve differs")

    def _otherwise(self, played: Played, how: str) -> CannotResume:
        return CannotResume(
            f"the run cannot be gone on with: the simulated instrument does not do again what "
            f"record {played.record} of the journal says ({how}); its code, the lab file or the "
            "seed must have changed"
        )


def _give(instrument: Instrument, instruction: Instruction) -> Spectrum | ForceCurve | None:
    """Give an instrument an instruction that is no scan, and return what it gives."""
    match instruction:
        case Load():
            instrument.load(instruction)
        case PositionProbe():
            instrument.position_probe(instruction)
        case AcquireSpectrum():
            return instrument.acquire_spectrum(instruction)
        case AcquireForceCurve():
            return cast(Extended, instrument).acquire_force_curve(instruction)
        case ConditionTip():
            cast(Extended, instrument).condition_tip(instruction)
        case SetFeedback():
            cast(Extended, instrument).set_feedback(instruction)
        case MoveStage():
            cast(Extended, instrument).move_stage(instruction)
    return None


def _same_spectrum(now: Spectrum, before: object) -> bool:
    return (
        isinstance(before, Spectrum)
        and (now.x, now.y, now.start_time) == (before.x, before.y, before.start_time)
        and _same(now.bias, before.bias)
        and _same(now.data, before.data)
    )


def _same_curve(now: ForceCurve, before: object) -> bool:
    return (
        isinstance(before, ForceCurve)
        and (now.x, now.y, now.start_time) == (before.x, before.y, before.start_time)
        and _same(now.extension, before.extension)
        and _same(now.approach, before.approach)
        and _same(now.retract, before.retract)
    )


def _same_line(before: ScanLine, now: ScanLine) -> bool:
    return (
        (before.index, before.time) == (now.index, now.time)
        and _same(before.forward, now.forward)
        and _same(before.backward, now.backward)
    )


def _same(before: FloatArray, now: FloatArray) -> bool:
    return np.array_equal(before, now, equal_nan=True)
