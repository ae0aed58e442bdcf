"""Audit: what an instrument server writes down besides: who asked for what, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..instrument import Instruction


class Outcome(StrEnum):
    """What came of a command."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ServerStarted:
    """The first event of a server's journal.

    Attributes:
        uid: Unique name of this start.
        lab: Text of the lab file.
        instrument: Name of the instrument.
        addresses: Where it listens, by socket.
        versions: Version of spm_auto and of the packages that matter, by name.
    """

    uid: str
    lab: str
    instrument: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """An instruction arrived and was accepted; written before the instrument sees it.

    Attributes:
        who: Name of the key.
        number: Counts the commands of this server.
        instruction: What was asked for.
    """

    who: str
    number: int
    instruction: Instruction


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """What came of a command, or why it was refused before it began.

    Attributes:
        who: Name of the key.
        number: Of the `CommandGiven`; -1 for one that was refused before it began.
        outcome: What came of it.
        message: Why, in words; empty when it was done.
    """

    who: str
    number: int
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class LeaseChanged:
    """The control lease has another owner, or none.

    Attributes:
        who: Name of the key.
        what: "taken", "released", "lost" (no sign of life) or "refused".
        message: More, in words.
    """

    who: str
    what: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class TipWithdrawn:
    """The tip was ordered up.

    Attributes:
        who: Name of the key; "server" for the lease rule, "watchdog" for the watchdog.
        is_confirmed: Whether the instrument confirmed that it is up.
        message: Why, or what the instrument said.
        seconds: From the order to the confirmation [s].
    """

    who: str
    is_confirmed: bool
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A human has seen what the watchdog held or withdrew the tip for.

    Attributes:
        who: Name of the key.
        message: What it was.
    """

    who: str
    message: str


@dataclass(frozen=True, slots=True)
class AccessDenied:
    """Somebody knocked whose key is not known, or asked for what it may not.

    Attributes:
        who: Name of the key, or its public part, or the address.
        message: What was tried.
    """

    who: str
    message: str


@dataclass(frozen=True, slots=True)
class ServerStopped:
    """The server ended in order."""

    message: str = ""
