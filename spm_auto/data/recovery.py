"""Events of the optional instructions, and of what a run doubts afterwards."""

from dataclasses import dataclass

from ..instrument import AcquireForceCurve, ConditionTip, ForceCurve, MoveStage, SetFeedback

LOOK = "tip"  # purpose of a scan that shows the tip, not the sample: none of the run's images
STRIP = "strip"  # of one that shows how far the sample has drifted: none of them either
ASIDE = (LOOK, STRIP)


@dataclass(frozen=True, slots=True)
class ForceCurveAcquired:
    """A force curve was taken."""

    instruction: AcquireForceCurve
    curve: ForceCurve


@dataclass(frozen=True, slots=True)
class TipConditioned:
    """The tip was pulsed or poked; the position is the one read back [m]."""

    instruction: ConditionTip
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FeedbackSet:
    """What the z feedback holds was changed; the bias is the one read back [V]."""

    instruction: SetFeedback
    bias: float


@dataclass(frozen=True, slots=True)
class StageMoved:
    """The coarse stage was moved, and the tip is back; the position is the one read back [m]."""

    instruction: MoveStage
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class SpectraDoubted:
    """Spectra that were taken with a tip of which nobody knows any more that it was good.

    Attributes:
        since: Instrument time of the last look at the tip that found it good [s]; spectra that
            started at it or later are doubted.
        until: Instrument time of the look that found it bad [s].
        reason: What was seen, in words.
    """

    since: float
    until: float
    reason: str
