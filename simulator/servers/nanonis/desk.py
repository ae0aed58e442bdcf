"""Desk: what all commands of the controller share: the microscope, the panel and what goes on."""

import contextlib
from pathlib import Path

from spm_auto.clock import Clock
from spm_auto.errors import SpmError, Unsupported
from spm_auto.instrument import Limits
from spm_auto.wire.nanonis import Values

from ..station import Station
from ..wire_faults import WireFaults
from .jobs import Jobs
from .panel import Panel
from .panel_rows import ROWS
from .probe import Probe
from .recorder import Recorder
from .signal_map import SignalMap
from .z_loop import ZLoop

MEDDLED_BIAS, MEDDLED_SHARE = 0.123, 0.01  # [V], and of the range


class Desk:
    """The state of the emulated controller.

    Args:
        station: The microscope that it operates.
        clock: On which the microscope lives.
        folder: Of the session.
        windows_paths: Whether paths are told as Windows would write them.
        z_range: Full range of the z piezo [m].
        by_slot: Whether scans and spectra name signals by slot.
        faults: What goes wrong on purpose.
    """

    def __init__(
        self,
        station: Station,
        clock: Clock,
        *,
        folder: Path | None = None,
        windows_paths: bool = False,
        z_range: float = 2e-6,
        by_slot: bool = False,
        faults: WireFaults | None = None,
    ) -> None:
        self.station, self.clock, self.z_range = station, clock, z_range
        self.faults = faults or WireFaults()
        self.jobs = Jobs(clock)
        self.panel = Panel(ROWS)
        self.signals = SignalMap(station.capabilities, by_slot)
        self.recorder = Recorder(folder, windows_paths, station.capabilities.name)
        self.reach = Limits().within(station.capabilities)
        self.z = ZLoop(station, self.jobs, self.panel, z_range)
        self.probe = Probe(station, self.panel, self.signals, self.z)
        self._stuck: set[str] = set()
        width = 0.2 * min(self.ranges)
        self.panel.put("Scan.Frame", width=width, height=width)
        self.panel.put("Scan.Speed", fwd_speed=2 * width, bwd_speed=2 * width)

    @property
    def ranges(self) -> tuple[float, float]:
        """Full ranges of the scanner [m]."""
        what = self.station.capabilities
        return what.x_range[1] - what.x_range[0], what.y_range[1] - what.y_range[0]

    def move(self, x: float, y: float) -> None:
        """Move the probe to a point [m]; blocks."""
        self.require_loop("a motion")
        self.station.move(x, y)

    def require_loop(self, what: str) -> None:
        """Refuse what the simulated microscope does with its loop closed only.

        Raises:
            Unsupported: The loop is open, over the sample.
        """
        if self.station.is_engaged and not self.station.has_feedback:
            raise Unsupported(f"the simulated microscope needs the Z controller on for {what}")

    def stick(self, command: str) -> bool:
        """Say whether a fault lets this command never come to its end."""
        if self.faults.strike(command, "stuck") is None:
            return False
        self._stuck.add(command)
        return True

    def is_stuck(self, command: str) -> bool:
        """Whether a command hangs since a fault struck it."""
        return command in self._stuck

    def release(self, command: str) -> None:
        """Let go of a command that hangs, because somebody stopped it."""
        self._stuck.discard(command)

    def wait_stuck(self, command: str) -> None:
        """Hang until somebody stops the command."""
        self.jobs.until(lambda: command not in self._stuck)

    def meddle(self) -> None:
        """Change bias and position, as somebody does who sits at the controller."""
        x, y = self.station.position
        share = MEDDLED_SHARE * self.ranges[0]
        with contextlib.suppress(SpmError):
            self.z.hold(bias=self.z.bias + MEDDLED_BIAS)
        with contextlib.suppress(SpmError):
            self.station.move(x + share if x <= 0 else x - share, y)

    def end(self) -> None:
        """End what goes on, and wake up everybody who waits for it."""
        self.jobs.ending.set()
        self.station.close()

    def close(self) -> None:
        """Wait until everything has come to its end."""
        self.jobs.close()


def seconds(values: Values) -> float | None:
    """Return the time-out of a request [s]; None for one that waits for ever."""
    timeout = values.get("timeout", -1)
    return None if timeout < 0 else timeout / 1e3
