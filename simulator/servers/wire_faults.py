"""WireFaults: what goes wrong between a controller and its driver, as switches."""

import threading
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from spm_auto.units import Duration

WireFaultKind = Literal[
    "split",  # the reply comes in pieces
    "late",  # after a delay
    "silent",  # never
    "doubled",  # twice
    "truncated",  # its first half, and the line stays open
    "garbage",  # other bytes, as many
    "stale",  # the reply before this one, once more
    "closed",  # its first half, then the line is closed
    "unplugged",  # the line breaks at once, without a goodbye
    "half_open",  # from now on nothing is answered on this line
    "error",  # the device says that it will not
    "coerced",  # a setting is changed to another one that the device likes better
    "meddled",  # somebody at the controller changes bias and position
    "stuck",  # a scan, sweep or motion does not end
]
ON_THE_LINE: tuple[WireFaultKind, ...] = (
    *("split", "late", "silent", "doubled", "truncated", "garbage", "stale"),
    *("closed", "unplugged", "half_open"),
)


class WireFault(BaseModel):
    """One thing that goes wrong.

    Attributes:
        kind: What.
        on: At which command, as the protocol names it; empty for any.
        after: How many of these pass before.
        times: How many are struck.
        delay: How long a late reply is held back, on the wall clock [s].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: WireFaultKind
    on: str = ""
    after: int = Field(default=0, ge=0)
    times: int = Field(default=1, ge=1)
    delay: Annotated[Duration, Field(gt=0)] = 0.2


class WireFaults:
    """Which fault strikes now; counts the commands that each has seen. Any thread may ask.

    Args:
        faults: What goes wrong.
    """

    def __init__(self, faults: tuple[WireFault, ...] = ()) -> None:
        self._lock = threading.Lock()
        self.arm(*faults)

    def arm(self, *faults: WireFault) -> None:
        """Let these go wrong from now on, and nothing else."""
        with self._lock:
            self._faults = faults
            self._seen = [0] * len(faults)
            self.struck = 0

    def strike(self, command: str, *kinds: WireFaultKind) -> WireFault | None:
        """Return the fault of one of these kinds that strikes a command, if any does.

        Args:
            command: As the protocol names it.
            kinds: Which are asked for; each place in an emulator asks for its own.
        """
        hit = None
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind not in kinds or fault.on.lower() not in ("", command.lower()):
                    continue
                seen, self._seen[index] = self._seen[index], self._seen[index] + 1
                if hit is None and fault.after <= seen < fault.after + fault.times:
                    hit = fault
            self.struck += hit is not None
        return hit
