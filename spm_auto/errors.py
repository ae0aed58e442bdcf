"""Everything that spm_auto says when something is not right: one tree of errors."""


class SpmError(Exception):
    """The root: catch this to catch anything that spm_auto says itself."""


class UnitError(SpmError, ValueError):
    """A text is not a quantity of the unit that was asked for."""


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


class TaskError(SpmError):
    """A task cannot be played like this; the message says what would be right."""


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


class NotLoaded(InstrumentError):
    """The instrument was not readied by ``load`` yet."""


class Unsupported(InstrumentError):
    """The instrument does not have what the instruction needs; nothing was moved."""


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
        super().__init__(
            f"{quantity} of {asked:g} {unit} is outside {low:g} to {high:g} {unit}"
            + (f" ({scope})" if scope else "")
        )


class Stopped(SpmError):
    """Someone asked the instrument to stop; the instruction ended early."""


class EmergencyStopped(Stopped):
    """The tip was withdrawn; every instruction is refused until load()."""
