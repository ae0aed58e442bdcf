"""The kinds of faults, as a lab file names them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.units import Bias, Duration, Length

from ..checks import not_negative, positive, share


class FaultSettings(BaseModel):
    """What all faults have in common.

    Attributes:
        action: Number of the instruction that it strikes; each load counts, the first one is 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    action: int = Field(ge=0)


class DroppedConnection(FaultSettings):
    """The connection breaks: `ConnectionLost`, and again for every instruction until a load.

    Attributes:
        action: Number of the instruction.
        at: Line of a scan before which it breaks; without one as the instruction begins.
    """

    kind: Literal["dropped_connection"] = "dropped_connection"
    at: int | None = Field(default=None, ge=0)


class Hang(FaultSettings):
    """The instrument does not answer, until somebody stops it or the deadline is over: `NoReply`.

    Attributes:
        action: Number of the instruction.
        at: Line of a scan before which it hangs; without one as the instruction begins.
        deadline: How long is waited for it [s].
    """

    kind: Literal["hang"] = "hang"
    at: int | None = Field(default=None, ge=0)
    deadline: Annotated[Duration, positive("s")] = 3600.0


class LateReply(FaultSettings):
    """The instruction takes longer than it should.

    Attributes:
        action: Number of the instruction.
        at: Line of a scan that comes late; without one all of the instruction.
        delay: By how much [s].
    """

    kind: Literal["late_reply"] = "late_reply"
    at: int | None = Field(default=None, ge=0)
    delay: Annotated[Duration, not_negative("s")] = 10.0


class TruncatedReply(FaultSettings):
    """Lines, spectra and force curves end too soon; bias and extension with them.

    Attributes:
        action: Number of the instruction.
        at: The one line of a scan that is cut; without one every line.
        keep: Share of the points that arrives.
    """

    kind: Literal["truncated_reply"] = "truncated_reply"
    at: int | None = Field(default=None, ge=0)
    keep: Annotated[float, share()] = 0.5


class Garbage(FaultSettings):
    """Half of the values are no numbers or absurd ones.

    Attributes:
        action: Number of the instruction.
        at: The one line of a scan that is garbled; without one every line.
    """

    kind: Literal["garbage"] = "garbage"
    at: int | None = Field(default=None, ge=0)


class StuckAxis(FaultSettings):
    """An axis of the scanner stays where it is and reads back so, until a load.

    Attributes:
        action: Number of the first instruction that it does not follow.
        axis: Which one.
    """

    kind: Literal["stuck_axis"] = "stuck_axis"
    axis: Literal["x", "y"] = "x"


class Rail(FaultSettings):
    """A channel stays at the end of its range.

    Attributes:
        action: Number of the instruction.
        at: First line of a scan, or point of a spectrum, at the rail; without one all are.
        channel: Which one; empty for the first.
        rail: What it shows, in the channel's unit.
    """

    at: int | None = Field(default=None, ge=0)
    channel: str = ""
    rail: float = Field(default=100e-9, allow_inf_nan=False)


class SaturatedPreamp(Rail):
    """A channel shows the end of its amplifier's range; spectra are flagged as saturated."""

    kind: Literal["saturated_preamp"] = "saturated_preamp"


class RailedFeedback(Rail):
    """The z feedback has run to the end of its range: the height no longer changes."""

    kind: Literal["railed_feedback"] = "railed_feedback"
    channel: str = "height"
    rail: float = Field(default=500e-9, allow_inf_nan=False)


class TipCrash(FaultSettings):
    """The tip runs into the surface: its signal is far above the threshold until it is withdrawn.

    Attributes:
        action: Number of the instruction.
        at: Line of a scan in which it does; without one the instruction as a whole.
        after: How long after the beginning of the line, or of the instruction [s].
        factor: By how much the signal is above the threshold.
    """

    kind: Literal["tip_crash"] = "tip_crash"
    at: int | None = Field(default=None, ge=0)
    after: Annotated[Duration, not_negative("s")] = 0.0
    factor: float = Field(default=10.0, gt=1, allow_inf_nan=False)


class Blind(FaultSettings):
    """The vitals tell nothing, for some looks or until a load.

    Attributes:
        action: Number of the first instruction in which they do not.
        how: No numbers, always the same old ones, or no answer at all.
        looks: How many looks find nothing; without a number all of them do.
    """

    kind: Literal["blind"] = "blind"
    how: Literal["nan", "stale", "raise"] = "nan"
    looks: int | None = Field(default=None, ge=1)


class StuckFeedback(FaultSettings):
    """The z piezo has run to the end of its range and stays there, until a load.

    Attributes:
        action: Number of the first instruction in which it does.
    """

    kind: Literal["stuck_feedback"] = "stuck_feedback"


class MeddledOutside(FaultSettings):
    """Somebody at the vendor's window changes something before an instruction: `ChangedOutside`.

    The instruction is refused, and the next one takes things as they are now.

    Attributes:
        action: Number of the instruction.
        bias: What the bias is turned to [V].
        x: Where the probe is sent to [m].
        y: Where the probe is sent to [m].
    """

    kind: Literal["changed_outside"] = "changed_outside"
    bias: Bias | None = None
    x: Length | None = None
    y: Length | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.bias is None and self.x is None and self.y is None:
            raise ValueError("what is changed outside must be bias, x or y")
        return self


class WithdrawalFails(FaultSettings):
    """The tip is ordered up and stays down: `NotConfirmed`.

    Attributes:
        action: Number of the first instruction from which on it does.
        times: How many orders do nothing; without a number none ever does anything.
    """

    kind: Literal["withdrawal_fails"] = "withdrawal_fails"
    times: int | None = Field(default=None, ge=1)


class TipChange(FaultSettings):
    """The tip becomes a blunt one as the instruction begins, and stays so until it changes again.

    Attributes:
        action: Number of the instruction.
        blur: Width of what the tip averages over then, in units of a good one's.
    """

    kind: Literal["tip_change"] = "tip_change"
    blur: Annotated[float, positive("1")] = 3.0


Fault = Annotated[
    DroppedConnection
    | Hang
    | LateReply
    | TruncatedReply
    | Garbage
    | StuckAxis
    | SaturatedPreamp
    | RailedFeedback
    | TipCrash
    | Blind
    | StuckFeedback
    | MeddledOutside
    | WithdrawalFails
    | TipChange,
    Field(discriminator="kind"),
]
