"""Vitals: what an instrument feels right now, for whoever watches over the tip."""

import math
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

from ..errors import Unsupported
from .protocol import Instrument, Range


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a watchdog looks at; NaN is what could not be read, and never counts as good.

    Attributes:
        time: Instrument time at which it was read [s].
        signal: What shows a crash, as a magnitude: a current, a deflection; the largest since the
            last time, where the instrument can tell.
        unit: Its unit.
        threshold: Above it the tip has touched, in the same unit.
        z: Where the z piezo is [m].
        z_range: Its ends [m]; infinite for an instrument that does not tell its z.
        is_feedback_on: Whether the z loop holds the tip.
        error: Of the loop, as a share of its set-point; NaN while the loop is off, None for an
            instrument that does not tell it.
        is_protected: Whether the controller's own guard of the tip is armed, as read back.
        protection: What guards it, or why nothing does.
        has_tripped: Whether that guard has withdrawn the tip by itself.
        is_engaged: Whether a tip is at the sample that was brought there by `load`.
    """

    time: float
    signal: float
    unit: str
    threshold: float
    z: float
    z_range: Range
    is_feedback_on: bool
    error: float | None = math.nan
    is_protected: bool = False
    protection: str = ""
    has_tripped: bool = False
    is_engaged: bool = True


class Watched(Instrument, Protocol):
    """An instrument that tells its vitals; its capabilities say so."""

    def vitals(self) -> Vitals:
        """Read what the instrument feels; any thread, never behind an instruction in progress.

        Raises:
            InstrumentError: It cannot be read.
        """


@runtime_checkable
class Attended(Protocol):
    """An instrument in another process, where somebody else looks after it."""

    @property
    def trip(self) -> str:
        """Why a watchdog has acted over there, as it was said last; empty while all is well."""

    @property
    def owner(self) -> str:
        """Who has control over there, as it was said last."""

    def vitals(self) -> Vitals:
        """Ask what the instrument feels.

        Raises:
            InstrumentError: It cannot be read.
        """

    def last_resort(self) -> None:
        """Have the tip withdrawn over there, by the alternate path at once where there is one.

        Raises:
            NotConfirmed: Nobody says that it is up.
        """


def vitals_of(instrument: Instrument) -> Vitals:
    """Read the vitals of an instrument.

    Raises:
        Unsupported: It has none.
        InstrumentError: They cannot be read.
    """
    if not instrument.capabilities.has_vitals:
        raise Unsupported(f"{instrument.capabilities.name} does not tell its vitals")
    return cast(Watched, instrument).vitals()
