"""Events: everything that a run says, as values, from which all else is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..instrument import (
    AcquireSpectrum,
    Channel,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    Spectrum,
)
from .audit import (
    AccessDenied,
    Acknowledged,
    CommandEnded,
    CommandGiven,
    LeaseChanged,
    ServerStarted,
    ServerStopped,
    TipWithdrawn,
)
from .choices import (
    AgentAnswered,
    AgentPrepared,
    CostsEstimated,
    ModelFitted,
    PointChosen,
    SpectrumScored,
)
from .findings import Finding, Judged, Waited
from .recovery import (
    FeedbackSet,
    ForceCurveAcquired,
    SpectraDoubted,
    StageMoved,
    TipConditioned,
)

REFUSED = "refused"  # cause of the alarm that an intervention was not carried out
LATE = "late"  # cause of the alarm that an intervention came when the run was over
CLOSING = "closing"  # cause of the alarm that the instrument could not be closed
ROOM = "room"  # cause of the alarm that there is too little room on the disk
HELD = "held"  # cause of the alarm that the watchdog holds the instrument, and the run waits
TRIPS = ("crash", "unreadable", "stale", "feedback", "axis", "outside", "guard")  # of a watchdog
LINK = "link"  # cause of the alarm that the instrument was lost, and is looked for again
PAUSE, RESUME, CANCEL = "pause", "resume", "cancel"  # kinds of interventions, these and the next
EMERGENCY, ANNOTATE, SET_APPROVAL = "emergency_stop", "annotate", "set_approval"
INTERRUPT = "interrupt"  # of what is done by hand
BESIDE = (  # those that no agent hears of
    *(PAUSE, RESUME, CANCEL, EMERGENCY, ANNOTATE, SET_APPROVAL, INTERRUPT),
)
TIP = "tip"  # cause of the alarms of what was seen of the tip, and done about it


class FinishReason(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event of every journal.

    Attributes:
        uid: Unique name of the run.
        title: Title of the recipe, or name of the script.
        recipe: Text of the recipe as it was used; empty for a script.
        lab: Text of the lab file as it was used.
        instrument: Name of the instrument.
        seed: Root of all randomness.
        versions: Version of spm_auto and of the packages that matter, by name.
        settings: What else was set: command-line overrides, limits in force, operator.
    """

    uid: str
    title: str
    recipe: str
    lab: str
    instrument: str
    seed: int
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step of the recipe begins.

    Attributes:
        index: Which step of the recipe.
        kind: Its kind.
        path: Where it stands inside that step, when that is a block: round and number, alternately.
    """

    index: int
    kind: str
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadFinished:
    """The instrument is ready, the tip engaged."""

    instruction: Load


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """A scan begins; its lines follow."""

    instruction: Scan
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class LineAcquired:
    """A line of the scan in progress."""

    line: ScanLine


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """The scan in progress ended."""

    is_complete: bool


@dataclass(frozen=True, slots=True)
class ProbePositioned:
    """The probe was moved; the position is the one read back [m]."""

    instruction: PositionProbe
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class SpectrumAcquired:
    """A spectrum was taken."""

    instruction: AcquireSpectrum
    spectrum: Spectrum


@dataclass(frozen=True, slots=True)
class InstructionFailed:
    """An instruction was refused or could not be carried out, and whoever gave it was told so.

    Attributes:
        instruction: What was asked for.
        error: Kind of the error, a class of `spm_auto.errors`.
        message: What it says.
        values: What it holds besides, by name.
    """

    instruction: Instruction
    error: str
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DurationsEstimated:
    """The instrument said how long instructions would take; nothing moved.

    Attributes:
        position: Where the probe was [m]; None when the instrument could not tell.
        seconds: Time of each instruction from there [s]; empty when it could not tell.
    """

    position: tuple[float, float] | None
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Intervention:
    """A human stepped in; written before it is carried out, but for what stops the run.

    Attributes:
        who: Who wants it.
        what: What shall be done, in words.
        why: Why, in words; empty when nothing was said.
        kind: What shall be done, for programs, such as "forbid_region"; see
            `spm_auto.agents.steering`; or one of `BESIDE`. Empty for what is only words.
        values: Its values by name.
        is_late: Whether the agent was thinking already when it was written down.
    """

    who: str
    what: str
    why: str = ""
    kind: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a human should know of.

    Attributes:
        message: What, in words.
        cause: What raised it, for programs: "stuck", "calibration", `TIP`, `REFUSED`, `LATE`,
            `CLOSING`, `ROOM`, `LINK`, `HELD` or one of `TRIPS`; empty for all else.
    """

    message: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The run waits before the next instruction or line."""


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The run goes on."""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event of a run; only a `RunContinued` may follow.

    Attributes:
        reason: How the run ended.
        message: Why, in one line; empty when it completed.
        detail: More for the developer, such as a traceback.
    """

    reason: FinishReason
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RunContinued:
    """A run that had ended, or was killed, goes on in another process.

    Attributes:
        changes: What is not as it was when the run ended, line by line.
        dropped: What was cut off the journal's end because it was not whole; empty for nothing.
        versions: Version of spm_auto and of the packages that matter, by name.
    """

    changes: tuple[str, ...] = ()
    dropped: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleSought:
    """A run that goes on looks where the sample is now: hardware may have drifted meanwhile.

    The instrument is readied and scans; what is recorded of that, up to `SampleFound`, belongs to
    no step.
    """


@dataclass(frozen=True, slots=True)
class SampleFound:
    """A run that goes on has found where the sample is now.

    Attributes:
        dx: How far it has moved since the run's first image, along x [m].
        dy: The same along y [m].
        uncertainty: Standard deviation of either [m]; NaN where it was not looked for.
        message: How it was found, in words.
    """

    dx: float
    dy: float
    uncertainty: float
    message: str = ""


Event = (
    RunStarted
    | StepStarted
    | LoadFinished
    | ScanStarted
    | LineAcquired
    | ScanFinished
    | ProbePositioned
    | SpectrumAcquired
    | ForceCurveAcquired
    | TipConditioned
    | FeedbackSet
    | StageMoved
    | SpectraDoubted
    | Waited
    | Finding
    | Judged
    | InstructionFailed
    | DurationsEstimated
    | PointChosen
    | SpectrumScored
    | ModelFitted
    | CostsEstimated
    | AgentPrepared
    | AgentAnswered
    | Intervention
    | Alarm
    | RunPaused
    | RunResumed
    | RunFinished
    | RunContinued
    | SampleSought
    | SampleFound
    | ServerStarted
    | CommandGiven
    | CommandEnded
    | LeaseChanged
    | TipWithdrawn
    | Acknowledged
    | AccessDenied
    | ServerStopped
)


@dataclass(frozen=True, slots=True)
class Record:
    """An event with when it happened: what the journal holds.

    Attributes:
        number: Counts the run's records from 0.
        utc: When it was written [s since 1970, UTC].
        time: Instrument time [s].
        event: What happened.
    """

    number: int
    utc: float
    time: float
    event: Event
