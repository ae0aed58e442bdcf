"""Relocation: where the sample is now, when a run goes on with hardware that may have drifted."""

import math
from collections.abc import Callable
from dataclasses import replace

from ..data import SampleFound
from ..errors import CannotResume, InstrumentError
from ..instrument import Instruction, Instrument, Load, Scan, ScanImage, Spectrum
from .tape import Tape

LINES = 64  # of the image by which the sample is found; its pixels are those of the first one

CarryOut = Callable[[Instruction], ScanImage | Spectrum | None]


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
            found = _compare(tape.image, tape.scan, (dx, dy), carry_out)
    except InstrumentError as error:
        raise CannotResume(f"the instrument cannot go on with the run: {error}") from error
    if not (found.dx or found.dy):
        return found, instrument
    from ..instrument import ShiftedInstrument

    return found, ShiftedInstrument(instrument, found.dx, found.dy)


def _compare(
    before: ScanImage, scan: Scan, shift: tuple[float, float], carry_out: CarryOut
) -> SampleFound:
    """Scan where the sample was last, and see how far it has moved since."""
    frame = before.frame
    pixels, lines = frame.pixels
    center = (frame.center[0] + shift[0], frame.center[1] + shift[1])
    coarse = replace(frame, center=center, pixels=(pixels, min(lines, LINES)))
    after = carry_out(replace(scan, frame=coarse, purpose="registration"))
    assert isinstance(after, ScanImage)
    # both in the coordinates of the first image, so that what is left is the motion since
    from ..analysis import register

    moved = register(before, replace(after, frame=replace(coarse, center=frame.center)))
    if not moved.is_sure:
        raise CannotResume(
            f"the sample was not found again: the image of {frame.size[0]:g} m x {frame.size[1]:g}"
            f" m resembles the first one too little (quality {moved.quality:.2f}); look at it, and "
            "resume with --same-place if nothing has moved"
        )
    return SampleFound(
        shift[0] + moved.dx,
        shift[1] + moved.dy,
        moved.uncertainty,
        f"by an image of {pixels} x {min(lines, LINES)} pixels, quality {moved.quality:.2f}",
    )
