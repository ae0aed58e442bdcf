"""Look: how the instrument of a run is right now, as the run reads it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import WHAT_GARBAGE_RAISES, from_tree, to_tree
from ..errors import OutOfStep
from ..instrument import (
    Capabilities,
    Limits,
    ShiftedInstrument,
    Status,
    Vitals,
    limits_from_table,
    limits_to_table,
)
from ..server import (
    capabilities_table,
    read_capabilities,
    read_status,
    read_vitals,
    status_table,
    vitals_table,
)
from ..workflow import Runner


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


def look_at(runner: Runner) -> Look:
    """Look at the instrument of a run; nothing moves, and its watchdog misses nothing.

    Raises:
        InstrumentError: It cannot be read.
    """
    status, guard = runner.instrument.status(), runner.guard
    if guard is None:
        return Look(status)
    return Look(status, guard.last_vitals(), guard.trip, guard.owner)


def about(runner: Runner) -> About:
    """Say what the instrument of a run has, and what is allowed, in the run's coordinates."""
    instrument, guard = runner.instrument, runner.guard
    limits = Limits().within(instrument.capabilities) if guard is None else guard.limits
    if isinstance(instrument, ShiftedInstrument):
        limits = instrument.limits(limits)
    return About(instrument.capabilities, limits)


def look_table(look: Look) -> dict[str, Any]:
    """Turn a look into a table of plain values."""
    vitals = None if look.vitals is None else vitals_table(look.vitals)
    status = status_table(look.status)
    return {"status": status, "vitals": vitals, "trip": look.trip, "owner": look.owner}


def read_look(table: Any) -> Look:
    """Make a look of a table.

    Raises:
        OutOfStep: It is none.
    """
    try:
        vitals = table["vitals"]
        return Look(
            read_status(table["status"]),
            None if vitals is None else read_vitals(vitals),
            str(table["trip"]),
            str(table["owner"]),
        )
    except WHAT_GARBAGE_RAISES as error:
        raise OutOfStep(f"the run told of a look that is none: {error}") from error


def about_table(said: About) -> dict[str, Any]:
    """Turn what an instrument has and what is allowed into a table of plain values."""
    has: dict[str, Any] = to_tree(capabilities_table(said.capabilities), _no_array)
    return {"capabilities": has, "limits": limits_to_table(said.limits)}


def read_about(table: Any) -> About:
    """Make of a table what an instrument has and what is allowed.

    Raises:
        OutOfStep: It does not say so.
    """
    try:
        has = read_capabilities(from_tree(table["capabilities"], _none_there))
        return About(has, limits_from_table(table["limits"]))
    except WHAT_GARBAGE_RAISES as error:
        raise OutOfStep(f"the run told of an instrument that is none: {error}") from error


def _no_array(array: "np.ndarray[Any, np.dtype[Any]]") -> Mapping[str, Any]:
    raise TypeError(f"an instrument has no arrays, and this one has {array.shape}")


def _none_there(
    place: Mapping[str, Any], dtype: "np.dtype[Any]", count: int
) -> "np.ndarray[Any, np.dtype[Any]]":
    raise TypeError(f"an instrument has no arrays, and this one has {count} of {dtype} at {place}")
