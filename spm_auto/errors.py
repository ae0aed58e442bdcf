"""Everything that spm_auto says when something is not right: one tree of errors."""

from collections.abc import Iterator, Mapping
from typing import Any


class SpmError(Exception):
    """The root: catch this to catch anything that spm_auto says itself."""


class UnitError(SpmError, ValueError):
    """A text is not a quantity of the unit that was asked for."""


class BudgetSpent(SpmError):
    """What a block of a recipe may use is used up: thrown into its steps, which then conclude."""


class RecipeError(SpmError):
    """A recipe or lab file cannot be used; the message names the key and what would be right."""


class PluginError(SpmError):
    """A named instrument, sample, agent, scalarizer or step does not exist or cannot be loaded."""


class DataError(SpmError):
    """A file or folder of measurements is missing, damaged or not what it should be."""


class JournalFull(DataError):
    """The disk has no room for the next record; once there is some it can be written again."""


class CannotResume(DataError):
    """A run cannot be gone on with; its journal is as it was, and nothing has moved."""


class AgentError(SpmError):
    """An agent cannot choose: there is nothing to choose from, or it was used out of order."""


class CampaignError(SpmError):
    """The runs of a campaign cannot be done: there is nobody to do them, or no room for them."""


class TaskError(SpmError):
    """A task cannot be played like this; the message says what would be right."""


class LessonError(SpmError):
    """A lesson cannot be given, answered or marked like this; says what would be right."""


class InstrumentError(SpmError):
    """The instrument could not carry out an instruction."""


class ConnectionLost(InstrumentError):
    """The instrument can no longer be reached; ``load`` or opening it again may help."""


class OutOfStep(ConnectionLost):
    """An answer does not fit what was asked; the conversation was broken off."""


class Refused(InstrumentError):
    """The instrument answered that it will not, or cannot; it can be talked to as before."""


class NoReply(InstrumentError):
    """The instrument did not answer within the time that it was given."""


class ChangedOutside(InstrumentError):
    """Somebody else changed the instrument since it was last told something."""


class NotConfirmed(InstrumentError):
    """A withdrawal was ordered, but the instrument did not say that the tip is up."""


class AccessError(SpmError):
    """A key is missing, cannot be used, or is not kept as it must be; says what would be right."""


class Forbidden(InstrumentError):
    """Whoever asked may not give this instruction; nothing was moved."""


class NotArmed(InstrumentError):
    """The instruction is allowed, but this is a dry run: nothing was sent."""


class NotOwner(InstrumentError):
    """Somebody else has the control lease, or nobody has; nothing was moved."""


class Held(InstrumentError):
    """The watchdog holds the instrument, the tip at the sample, until a human acknowledges."""


class Unprotected(InstrumentError):
    """The controller's own guard of the tip is not confirmed armed; nothing may run by itself."""


class Interrupted(InstrumentError):
    """A human has ended what was being done by hand; the run goes on.

    Attributes:
        seconds: For how long the instruction had gone on [s]; 0 where it had not begun.
    """

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotLoaded(InstrumentError):
    """The instrument was not readied by ``load`` yet."""


class Unsupported(InstrumentError):
    """The instrument does not have what the instruction needs; nothing was moved."""


class Malformed(InstrumentError):
    """An instruction has something else where a number belongs; nothing was moved."""


class LimitExceeded(InstrumentError):
    """An instruction would leave the limits of the laboratory; nothing was moved.

    Attributes:
        quantity: What was out of range.
        asked: The value asked for, in the unit given.
        allowed: Lowest and highest allowed value.
        unit: Unit of these.
        scope: What of the instruction it is about, or why it is not allowed; may be empty.
    """

    def __init__(
        self, quantity: str, asked: float, allowed: tuple[float, float], unit: str, scope: str = ""
    ) -> None:
        self.quantity, self.asked, self.allowed = quantity, asked, allowed
        self.unit, self.scope = unit, scope
        low, high = allowed
        of = f" {unit}" if unit else ""  # what is counted has none
        super().__init__(
            f"{quantity} of {asked:g}{of} is outside {low:g} to {high:g}{of}"
            + (f" ({scope})" if scope else "")
        )


class Stopped(SpmError):
    """Someone asked the instrument to stop; the instruction ended early."""


class EmergencyStopped(Stopped):
    """The tip was withdrawn; every instruction is refused until load()."""


class NotAcknowledged(EmergencyStopped):
    """The watchdog has withdrawn the tip; even load() is refused until a human acknowledges."""


def tell(error: SpmError) -> tuple[str, str, dict[str, Any]]:
    """Return an error as kind, message and plain values, for a record or for a wire."""
    plain = (bool, int, float, str, tuple)
    values = {name: value for name, value in vars(error).items() if isinstance(value, plain)}
    return type(error).__name__, str(error), values


def retell(kind: str, message: str, values: Mapping[str, Any]) -> SpmError:
    """Make an error again from what `tell` gave; a kind that is not known is an `InstrumentError`.

    Nothing of the class is called: the values are set as they were taken.
    """
    known = {each.__name__: each for each in _all_of(SpmError)}
    made = known.get(kind, InstrumentError)
    error = made.__new__(made)
    error.args = (message,)
    vars(error).update(values)
    return error


def _all_of(kind: type[SpmError]) -> Iterator[type[SpmError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all_of(child)
