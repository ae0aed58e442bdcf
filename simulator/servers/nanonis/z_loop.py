"""ZLoop: the Z controller: on and off, up and down, and what it holds."""

import threading
from typing import Any

from spm_auto.errors import InstrumentError, Unsupported
from spm_auto.instrument import SetFeedback

from ..station import Station
from .jobs import Jobs
from .panel import Panel

OFF, ON, SWITCHING_OFF, SAFE_TIP, WITHDRAWING = 1, 2, 4, 5, 6
DECAY = 2e10  # [1/m]: of a tunnelling current, to turn gains in m/s into a bandwidth
SAME = 1e-12  # [m]: no difference in height
APPROACH, WITHDRAWAL, SWITCH_OFF = "the approach", "the withdrawal", "switching off"


class ZLoop:
    """What keeps the tip where it is; any thread may call.

    Args:
        station: The microscope.
        jobs: Where what takes time goes on.
        panel: Delays and rates.
        z_range: Full range of the piezo [m].

    Attributes:
        lift: How far the tip is above the place where the loop was opened [m].
        gap: Coarse steps by which the sample is out of the piezo's reach.
        is_tripped: Whether the safe tip withdrew the tip.
    """

    def __init__(self, station: Station, jobs: Jobs, panel: Panel, z_range: float) -> None:
        self._station, self._jobs, self._panel = station, jobs, panel
        self.z_range = z_range
        self.lift = 0.0
        self.gap = 0
        self.is_tripped = False
        self._is_extended = False  # looking for a surface that is out of reach
        self._held_z: float | None = None
        self._pending: dict[str, float] = {}
        self._keep_on = threading.Event()

    @property
    def limits(self) -> tuple[float, float]:
        """How high and how low the tip can go [m]."""
        if self._panel.value("ZCtrl.LimitsEnabled", "on"):
            return self._own_limits
        return self.z_range / 2, -self.z_range / 2

    _own_limits = (1e-6, -1e-6)

    def set_limits(self, high: float, low: float) -> None:
        """Set the limits that hold while they are enabled [m].

        Raises:
            ValueError: They do not lie within the range.
        """
        if not -self.z_range / 2 <= low < high <= self.z_range / 2:
            raise ValueError(f"limits of {high:g} to {low:g} m are not within the piezo's range")
        self._own_limits = high, low

    @property
    def is_on(self) -> bool:
        """Whether the loop is closed, as the real-time engine says."""
        return self._station.has_feedback or self._is_extended or self._jobs.is_running(APPROACH)

    @property
    def status(self) -> int:
        """What `ZCtrl.StatusGet` says."""
        if self._jobs.is_running(WITHDRAWAL):
            return WITHDRAWING
        if self.is_tripped:
            return SAFE_TIP
        if self._jobs.is_running(SWITCH_OFF):
            return SWITCHING_OFF
        return ON if self.is_on else OFF

    @property
    def height(self) -> float:
        """Height of the tip [m], larger is further up.

        Raises:
            Unsupported: The microscope has no height.
        """
        high, low = self.limits
        if not self._station.is_engaged:
            return low if self._is_extended else high
        if self._station.has_feedback or self._held_z is None:
            return self._measured()
        return self._held_z + self.lift

    @property
    def bias(self) -> float:
        """The bias that is set [V]."""
        if self._station.is_engaged:
            return self._station.bias
        held = self._station.held.bias
        return self._pending.get("bias", self._station.bias if held is None else held)

    def held(self, name: str) -> float:
        """Return set-point or gain of the loop.

        Raises:
            Unsupported: The microscope does not tell.
        """
        value = self._pending.get(name, getattr(self._station.held, name))
        if value is None:
            raise Unsupported(f"the simulated microscope does not tell its {name}")
        return float(value)

    def hold(self, **values: float) -> None:
        """Change bias, set-point or gain: now, or when the loop is closed.

        Raises:
            InstrumentError: It cannot be.
        """
        bias = values.get("bias")
        if bias is not None:
            low, high = self._station.capabilities.bias_range
            if not low <= bias <= high:
                raise InstrumentError(f"bias of {bias:g} V is outside {low:g} to {high:g} V")
        if self._station.has_feedback:
            if set(values) == {"bias"}:
                self._station.set_bias(values["bias"])
            else:
                self._station.set_feedback(SetFeedback(**values))
            return
        declared = SetFeedback in self._station.capabilities.instructions
        if self._station.is_engaged and bias is not None:
            self._station.set_bias(bias)
        elif not declared and any(getattr(self, n, None) != v for n, v in values.items()):
            name = self._station.capabilities.name
            raise Unsupported(f"{name} keeps bias, set-point and gain as they are")
        if declared:
            self._pending |= values

    def engage(self) -> None:
        """Bring the tip to the sample; blocks."""
        self._station.engage()
        self.gap, self.lift, self._held_z = 0, 0.0, None
        self._is_extended = self.is_tripped = False
        self._hold_pending()

    def approach(self, run: bool) -> None:
        """Start to bring the tip to the sample wherever that is, or stop it."""
        if not run:
            if self._jobs.is_running(APPROACH):
                self._station.halt()
        elif not self._station.is_engaged:
            self._jobs.start(APPROACH, self.engage)

    @property
    def is_approaching(self) -> bool:
        """Whether the tip is on its way to the sample."""
        return self._jobs.is_running(APPROACH)

    def switch(self, on: bool) -> None:
        """Close the loop, or begin to open it."""
        if not on:
            self._switch_off()
            return
        self._keep_on.set()
        self._jobs.join(SWITCH_OFF)
        self.is_tripped = False
        if self._station.is_engaged:
            if not self._station.has_feedback:
                self._station.switch_feedback(True)
                self.lift, self._held_z = 0.0, None
                self._hold_pending()
        elif self.gap > 0:
            self._is_extended = True
        elif not self._jobs.is_running(APPROACH):
            self._jobs.start(APPROACH, self.engage)

    def set_height(self, z: float) -> None:
        """Bring the open loop's tip to a height [m].

        Raises:
            InstrumentError: The loop is closed, or the height is none that can be simulated.
        """
        if not self._station.is_engaged or self._station.has_feedback:
            raise InstrumentError("Z is set with the Z controller off and the tip at the sample")
        if self._held_z is None:
            self._held_z = self._measured()
        lift, high = z - self._held_z, self.limits[0]
        if lift < -SAME:
            raise Unsupported(
                f"Z of {z:g} m is {-lift:g} m below the place where the loop was opened; "
                "the simulated microscope does not press its tip"
            )
        if z > high:
            raise InstrumentError(f"Z of {z:g} m is above the upper limit of {high:g} m")
        self.lift = max(lift, 0.0)

    def withdraw(self, wait: bool, timeout: float | None) -> None:
        """Lift the tip fully; at once where the sample is concerned, the rest takes its time."""
        way = 0.0
        if self._station.is_engaged and "height" in self._names:
            way = self.limits[0] - self.height
        self._up()
        rate = self._panel.value("ZCtrl.WithdrawRate", "rate")
        if way > 0 and rate > 0 and not self._jobs.is_running(WITHDRAWAL):
            self._jobs.start(WITHDRAWAL, lambda: self._jobs.pass_time(way / rate))
        if wait:
            self._jobs.join(WITHDRAWAL, timeout)

    def trip(self) -> None:
        """Lift the tip because the safe tip says so."""
        self.is_tripped = True
        self._up()

    @property
    def _names(self) -> list[str]:
        return [channel.name for channel in self._station.capabilities.image_channels]

    def _up(self) -> None:
        self._keep_on.set()
        self._station.withdraw()
        self._is_extended, self.lift, self._held_z = False, 0.0, None

    def _switch_off(self) -> None:
        self._is_extended = False
        if not self._station.has_feedback or self._jobs.is_running(SWITCH_OFF):
            return
        picture = self._station.picture
        if picture is not None and picture.is_running:
            raise InstrumentError("the simulated microscope scans with the Z controller on only")
        self._keep_on.clear()
        delay = self._panel.value("ZCtrl.SwitchOffDelay", "delay")
        if delay > 0:
            self._jobs.start(SWITCH_OFF, lambda: self._open_after(delay))
        else:
            self._open()

    def _open_after(self, delay: float) -> None:
        self._jobs.pass_time(delay)
        if not self._keep_on.is_set() and not self._jobs.ending.is_set():
            self._open()

    def _open(self) -> None:
        self._held_z = self._measured() if "height" in self._names else None
        self._station.switch_feedback(False)
        self.lift = max(self._panel.value("ZCtrl.TipLift", "lift"), 0.0)

    def _measured(self) -> float:
        height = self._station.height()
        if height is None:
            raise Unsupported("the simulated microscope does not tell its height")
        return height

    def _hold_pending(self) -> None:
        values, self._pending = self._pending, {}
        held: Any = self._station.held
        changed = {k: v for k, v in values.items() if v != getattr(held, k)}
        if changed:
            self._station.set_feedback(SetFeedback(**changed))
