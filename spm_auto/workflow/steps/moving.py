"""Moving: instructions sent to where the sample is now, and what came back told as it was asked."""

from dataclasses import replace

from ...errors import LimitExceeded
from ...instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    ForceCurve,
    PositionProbe,
    Scan,
    ScanImage,
    Spectrum,
)

Point = tuple[float, float]
AtPoint = PositionProbe | AcquireSpectrum | AcquireForceCurve | ConditionTip
Placeable = Scan | AtPoint
PLACEABLE = (Scan, PositionProbe, AcquireSpectrum, AcquireForceCurve, ConditionTip)


def place_of(instruction: Placeable) -> Point:
    """Return where an instruction is carried out; of a scan the frame's middle [m]."""
    if isinstance(instruction, Scan):
        return instruction.frame.center
    return instruction.x, instruction.y


def moved(instruction: Placeable, shift: Point) -> Placeable:
    """Return an instruction for a place that lies shifted [m]."""
    if isinstance(instruction, Scan):
        x, y = instruction.frame.center
        frame = replace(instruction.frame, center=(x + shift[0], y + shift[1]))
        return replace(instruction, frame=frame)
    return replace(instruction, x=instruction.x + shift[0], y=instruction.y + shift[1])


def told_back(result: object, asked: Placeable, sent: Placeable) -> object:
    """Return a result where it was asked for; a probe exactly where it was sent is exactly there.

    Args:
        result: Of the instruction that was sent.
        asked: The instruction as it was asked for.
        sent: And as it was sent.
    """
    if isinstance(asked, Scan):
        return replace(result, frame=asked.frame) if isinstance(result, ScanImage) else result
    if isinstance(result, Spectrum | ForceCurve) and not isinstance(sent, Scan):
        x, y = asked.x + (result.x - sent.x), asked.y + (result.y - sent.y)
        return replace(result, x=x, y=y)
    return result


def told_as_asked(error: LimitExceeded, shift: Point) -> LimitExceeded:
    """Return a refusal in the coordinates that were asked for."""
    by = {"x": shift[0], "y": shift[1]}.get(error.quantity)
    if by is None:
        return error
    low, high = error.allowed
    return LimitExceeded(
        error.quantity, error.asked - by, (low - by, high - by), error.unit, error.scope
    )


def takes(instruction: object) -> float:
    """Return about how long an instruction takes, motion left out [s]; 0 where nothing is known."""
    match instruction:
        case Scan(frame=frame, line_rate=rate):
            return frame.pixels[1] / rate
        case AcquireSpectrum(waveform=BiasWaveform() as waveform):
            return waveform.duration
        case AcquireForceCurve(rate=rate):
            return 1 / rate
        case ConditionTip(duration=duration):
            return duration
        case _:
            return 0.0
