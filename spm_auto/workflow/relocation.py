"""Relocation: where the sample is now, when a run goes on with hardware that may have drifted."""

import math
from collections.abc import Callable
from dataclasses import replace

from ..analysis import register
from ..data import SampleFound
from ..errors import CannotResume, InstrumentError
from ..instrument import (
    Instruction,
    Instrument,
    Load,
    MoveStage,
    Scan,
    ScanImage,
    ShiftedInstrument,
)
from .requests import Result
from .tape import Tape

LINES = 64  # of the image by which the sample is found; its pixels are those of the first one

CarryOut = Callable[[Instruction], Result]


def relocate(
    tape: Tape, instrument: Instrument, carry_out: CarryOut, looks: bool, first: Instruction
) -> tuple[SampleFound, Instrument]:
    """Ready the instrument, scan the last image's frame again, coarsely, and compare.

    Args:
        tape: What was recorded.
        instrument: The instrument, in its own coordinates.
        carry_out: Gives it an instruction, and writes down what comes back.
        looks: Whether to look; else the sample is believed to be where it was.
        first: The instruction that comes next. One that moves the coarse stage is not looked
            before: the place that it leaves does not matter any more.

    Returns:
        Where the sample is, and the instrument in the coordinates of the run's first image.

    Raises:
        CannotResume: The instrument does not work, the coarse stage is not where the run left it,
            or the sample is not found.
    """
    dx, dy = (tape.found.dx, tape.found.dy) if tape.found is not None else (0.0, 0.0)
    if not isinstance(first, MoveStage):
        _check_stage(tape, instrument)
    try:
        carry_out(Load(tape.sample))
        if isinstance(first, MoveStage):
            found = SampleFound(0.0, 0.0, math.nan, "not looked for: the stage moves on")
        elif not looks:
            found = SampleFound(dx, dy, math.nan, "not looked for, as was asked for")
        elif tape.image is None or tape.scan is None:
            found = SampleFound(dx, dy, math.nan, "nothing was scanned before")
        else:
            found = _compare(tape.image, tape.scan, carry_out)
    except InstrumentError as error:
        raise CannotResume(f"the instrument cannot go on with the run: {error}") from error
    if not (found.dx or found.dy):
        return found, instrument

    return found, ShiftedInstrument(instrument, found.dx, found.dy)


def _check_stage(tape: Tape, instrument: Instrument) -> None:
    """Refuse to go on at another part of the sample; the stage is not driven by itself.

    Nobody knows why it stands elsewhere: it may have been moved to change the sample or the tip.
    """
    left = tape.remembered.stage
    if left is None:
        return
    now = instrument.status().stage
    if now is None or not math.dist(now, left) <= instrument.capabilities.stage_accuracy + 1e-12:
        at = "does not say where it is" if now is None else f"stands at ({now[0]:g}, {now[1]:g}) m"
        raise CannotResume(
            f"the stage {at}; the run left it at ({left[0]:g}, {left[1]:g}) m: bring it back there "
            "before the run goes on"
        )


def _compare(before: ScanImage, scan: Scan, carry_out: CarryOut) -> SampleFound:
    """Scan the frame again, coarsely and where it was first, and see how far the sample is off."""
    frame = before.frame
    pixels, lines = frame.pixels
    coarse = replace(frame, pixels=(pixels, min(lines, LINES)))
    after = carry_out(replace(scan, frame=coarse, purpose="registration"))
    assert isinstance(after, ScanImage)
    shift = register(before, after)
    if not shift.is_sure:
        raise CannotResume(
            f"the sample was not found again by an image of {pixels} x {coarse.pixels[1]} pixels: "
            f"{shift.doubt}; look at it, and resume with --same-place if nothing has moved"
        )
    how = f"by {shift.channel} on {pixels} x {coarse.pixels[1]} pixels, quality {shift.quality:.2f}"
    return SampleFound(shift.dx, shift.dy, shift.uncertainty, how)
