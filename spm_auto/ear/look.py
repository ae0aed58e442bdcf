"""Look: how the instrument of a run is right now, as the run reads it back."""

from dataclasses import dataclass

from ..instrument import Capabilities, Limits, Status, Vitals


@dataclass(frozen=True, slots=True)
class Look:
    """How an instrument is.

    Attributes:
        status: What is read back.
        vitals: What it feels; None where it does not tell.
        trip: Why the watchdog acted; empty while all is well, or where nobody watches.
        owner: Who has control of its server; empty where there is none.
    """

    status: Status
    vitals: Vitals | None = None
    trip: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What an instrument has, and what is allowed.

    Attributes:
        capabilities: What it has.
        limits: What is allowed, narrowed to its own range.
    """

    capabilities: Capabilities
    limits: Limits
