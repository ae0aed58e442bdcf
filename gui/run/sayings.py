"""Sayings: the log of a run, a line for each event that an operator would want to read."""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from spm_auto.data import (
    AgentAnswered,
    Alarm,
    DurationsEstimated,
    FeedbackSet,
    Finding,
    FinishReason,
    ForceCurveAcquired,
    InstructionFailed,
    Intervention,
    Judged,
    LineAcquired,
    LoadFinished,
    PointChosen,
    ProbePositioned,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    SpectraDoubted,
    SpectrumAcquired,
    SpectrumScored,
    StageMoved,
    StepStarted,
    TipConditioned,
    Verdict,
    Waited,
)
from spm_auto.errors import RecipeError
from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration
from spm_auto.workflow import instructions_from_text


class Weight(IntEnum):
    """How much a line of the log matters."""

    DETAIL = 0
    NEWS = 1
    WARNING = 2
    ALARM = 3


@dataclass(frozen=True, slots=True)
class Saying:
    """A line of the log.

    Attributes:
        number: Of the record.
        utc: When it was written [s since 1970].
        time: Instrument time [s].
        weight: How much it matters.
        text: What happened.
        who: Which human did it; empty where none did.
    """

    number: int
    utc: float
    time: float
    weight: Weight
    text: str
    who: str = ""


def saying(record: Record) -> Saying | None:
    """Return what the log says of a record; None where it is silent."""
    said = _words(record)
    if said is None:
        return None
    weight, text, *who = said
    return Saying(record.number, record.utc, record.time, weight, text, *who)


def _words(record: Record) -> tuple[Weight, str] | tuple[Weight, str, str] | None:
    event = record.event
    match event:
        case LineAcquired() | AgentAnswered() | SpectrumScored() | DurationsEstimated():
            return None  # what comes most often is asked for first
        case RunStarted(title=title, instrument=instrument, seed=seed):
            return Weight.NEWS, f"run started on {instrument}: {title} (seed {seed})"
        case StepStarted(index=index, kind=kind):
            weight = Weight.DETAIL if event.path else Weight.NEWS
            return weight, f"step {index + 1}: {kind}"
        case LoadFinished(instruction=load):
            return Weight.NEWS, f"loaded {load.sample}".rstrip()
        case ScanStarted(instruction=scan):
            frame = scan.frame
            size = " x ".join(format_quantity(length, "m", 4) for length in frame.size)
            pixels = " x ".join(map(str, frame.pixels))
            return (
                Weight.NEWS,
                f"scan begins: {scan.purpose}, {size} at {_place(*frame.center)}, {pixels} pixels",
            )
        case ScanFinished(is_complete=is_complete):
            return Weight.NEWS, "scan ended" if is_complete else "scan broken off"
        case PointChosen(x=x, y=y, reason=reason):
            return Weight.DETAIL, f"next: {_place(x, y)} ({reason})"
        case SpectrumAcquired(spectrum=spectrum):
            flags = ", ".join(spectrum.flags)
            text = f"spectrum at {_place(spectrum.x, spectrum.y)}"
            return (Weight.WARNING, f"{text}: {flags}") if flags else (Weight.DETAIL, text)
        case ForceCurveAcquired(curve=curve):
            return Weight.DETAIL, f"force curve at {_place(curve.x, curve.y)}"
        case ProbePositioned(x=x, y=y):
            return Weight.DETAIL, f"probe at {_place(x, y)}"
        case TipConditioned(instruction=tip, x=x, y=y):
            what = (
                f"pulse of {format_quantity(tip.bias, 'V', 4)}"
                if tip.bias
                else f"poke of {format_quantity(tip.depth, 'm', 4)}"
            )
            return Weight.WARNING, f"{what} at {_place(x, y)}"
        case FeedbackSet():
            return Weight.NEWS, "feedback changed"
        case StageMoved(x=x, y=y):
            return Weight.NEWS, f"stage at {_place(x, y)}"
        case Waited(seconds=seconds):
            return Weight.DETAIL, f"waited {format_duration(seconds)}"
        case SpectraDoubted(reason=reason):
            return Weight.WARNING, f"spectra are doubted: {reason}"
        case Finding(message=message):
            return Weight.NEWS, message
        case Judged(kind="by_hand", who=who, why=why):
            return Weight.NEWS, _by_hand(event) + (f" ({why})" if why else ""), who
        case Judged(question=question, verdict=verdict, who=who, why=why):
            return Weight.NEWS, f"{verdict}: {question}" + (f" ({why})" if why else ""), who
        case Intervention(who=who, what=what, why=why):
            return Weight.NEWS, what + (f" ({why})" if why else ""), who
        case InstructionFailed(instruction=instruction, error="Interrupted", message=message):
            return Weight.NEWS, f"ended by hand: {type(instruction).__name__}: {message}"
        case InstructionFailed(instruction=instruction, message=message):
            return Weight.WARNING, f"refused: {type(instruction).__name__}: {message}"
        case Alarm(message=message):
            return Weight.ALARM, message
        case RunPaused():
            return Weight.DETAIL, "paused"
        case RunResumed():
            return Weight.DETAIL, "goes on"
        case SampleSought():
            return Weight.NEWS, "looking where the sample is now"
        case SampleFound(message=message):
            return Weight.NEWS, message or "the sample was found"
        case RunContinued():
            return Weight.NEWS, "the run goes on in another process"
        case RunFinished(reason=reason, message=message):
            weight = Weight.NEWS if reason is FinishReason.COMPLETED else Weight.ALARM
            if reason is FinishReason.CANCELLED:
                weight = Weight.WARNING
            return weight, f"run {reason}" + (f": {message}" if message else "")
        case _:
            return None


def _place(x: float, y: float) -> str:
    return f"({format_quantity(x, 'm', 4)}, {format_quantity(y, 'm', 4)})"


def _by_hand(judged: Judged) -> str:
    """Return what a human wanted done by hand."""
    if judged.verdict is not Verdict.EDITED:
        return "nothing more by hand"
    try:
        wanted = Counter(
            type(each).__name__
            for each in instructions_from_text(str(judged.values.get("instructions", "")))
        )
    except RecipeError as error:
        return f"by hand, not understood: {error}"
    return "by hand: " + ", ".join(
        name if count == 1 else f"{count} x {name}" for name, count in wanted.items()
    )
