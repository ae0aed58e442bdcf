"""Relocation: where the sample is now, when a run goes on with hardware that may have drifted."""

import math
from collections.abc import Callable
from dataclasses import replace

from ..analysis import register
from ..data import SampleFound
from ..errors import CannotResume, InstrumentError
from ..instrument import Instruction, Instrument, Load, Scan, ScanImage, ShiftedInstrument
from .requests import Result
from .tape import Tape

LINES = 64  # of the image by which the sample is found; its pixels are those of the first one

CarryOut = Callable[[Instruction], Result]


def relocate(
    tape: Tape, instrument: Instrument, carry_out: CarryOut, looks: bool
) -> tuple[SampleFound, Instrument]:
    """Ready the instrument, scan the last image's frame again, coarsely, and compare.

    Args:
        tape: What was recorded.
        instrument: The instrument, in its own coordinates.
        carry_out: Gives it an instruction, and writes down what comes back.
        looks: Whether to look; else the sample is believed to be where it was.

    Returns:
        Where the sample is, and the instrument in the coordinates of the run's first image.

    Raises:
        CannotResume: The instrument does not work, or the sample is not found.
    """
    dx, dy = (tape.found.dx, tape.found.dy) if tape.found is not None else (0.0, 0.0)
    try:
        carry_out(Load(tape.sample))
        if not looks:
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
