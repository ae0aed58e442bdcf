"""Past: what a run that goes on has behind it, and how a simulated instrument is brought there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..data import RunContinued
from ..errors import CannotResume, InstrumentError
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
    """

    tape: Tape
    continued: RunContinued
    is_simulated: bool
    is_exact: bool
    looks: bool
    go_on: Callable[[float], None]

    def repeat(self, instrument: Instrument, instruction: Instruction, played: Played) -> None:
        """Let a simulated instrument do again what it did.

        Raises:
            CannotResume: It answers something else now.
        """
        try:
            match instruction:
                case Load():
                    instrument.load(instruction)
                case Scan():
                    for _ in self.lines(instrument.scan(instruction), played):
                        if played.error is None:
                            raise self._otherwise(played, "it has more lines")
                        return  # a line that was refused, then as now
                case PositionProbe():
                    instrument.position_probe(instruction)
                case AcquireSpectrum():
                    spectrum = instrument.acquire_spectrum(instruction)
                    was_same = _same_spectrum(spectrum, played.result) or played.error is not None
                    if self.is_exact and not was_same:
                        raise self._otherwise(played, "the spectrum differs")
                case AcquireForceCurve():
                    curve = cast(Extended, instrument).acquire_force_curve(instruction)
                    was_same = _same_curve(curve, played.result) or played.error is not None
                    if self.is_exact and not was_same:
                        raise self._otherwise(played, "the force curve differs")
                case ConditionTip():
                    cast(Extended, instrument).condition_tip(instruction)
                case SetFeedback():
                    cast(Extended, instrument).set_feedback(instruction)
                case MoveStage():
                    cast(Extended, instrument).move_stage(instruction)
            if self.is_exact and played.error is not None:
                raise self._otherwise(played, "it does not fail")
        except InstrumentError as error:
            if played.error is None:
                raise self._otherwise(played, str(error)) from error

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

    def _otherwise(self, played: Played, how: str) -> CannotResume:
        return CannotResume(
            f"the run cannot be gone on with: the simulated instrument does not do again what "
            f"record {played.record} of the journal says ({how}); its code, the lab file or the "
            "seed must have changed"
        )


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
