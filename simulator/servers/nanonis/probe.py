"""Probe: the values of the signals now, and the safe tip that watches one of them."""

import math

import numpy as np

from spm_auto.errors import Unsupported
from spm_auto.instrument import FloatArray

from ..station import Station
from .panel import Panel
from .signal_map import BIAS, SignalMap, X, Y
from .z_loop import SAME, ZLoop

MODULATOR = {"mod": 1}  # the one whose answer the simulated lock-in gives


class Probe:
    """What the controller shows of the microscope; nothing that cannot be known.

    Args:
        station: The microscope.
        panel: Tilt, lock-in and safe tip.
        signals: Their numbers.
        z: The Z controller.
    """

    def __init__(self, station: Station, panel: Panel, signals: SignalMap, z: ZLoop) -> None:
        self._station, self._panel, self._signals, self._z = station, panel, signals, z
        self._current = 0.0  # the last one that was known [A]

    @property
    def has_current(self) -> bool:
        """Whether a current is measured."""
        return "current" in self._signals.signals

    def channels(self) -> dict[str, float]:
        """Return what the detectors show now, by channel.

        With the tip up there is no current, and nothing else is known; with the tip lifted by some
        amount nothing at all.
        """
        if not self._station.is_engaged:
            return {"current": 0.0} if self.has_current else {}
        if self._z.lift > SAME:
            return {}
        values = self._station.reading()
        self.watch(values.get("current", 0.0))
        if not self.is_modulated:
            values.pop("didv", None)
        return values

    @property
    def is_modulated(self) -> bool:
        """Whether the modulator is on whose answer is measured."""
        return bool(self._panel.get("LockIn.ModOnOff", MODULATOR)["on"])

    def value(self, signal: int) -> float:
        """Return the value of a signal now.

        Raises:
            Unsupported: The simulated microscope does not know it.
        """
        name = self._signals.names[self._signals.check(signal)]
        if signal == BIAS:
            return self._z.bias
        if signal in (X, Y):
            return self._station.position[signal == Y]
        channel = self._signals.channels.get(signal)
        if channel is None:
            raise Unsupported(f"nothing is connected to signal {signal}, {name}")
        if channel.name == "height":
            return float(self.levelled(self._z.height, *self._station.position))
        values = self.channels()
        if channel.name not in values:
            raise Unsupported(f"the simulated microscope does not know {name} as it stands now")
        return values[channel.name]

    def current(self) -> float:
        """Return the current [A]."""
        if not self.has_current:
            name = self._station.capabilities.name
            raise Unsupported(f"{name} measures no current")
        return self.value(self._signals.signals["current"])

    def felt(self) -> float:
        """Return what the safe tip looks at: the current [A], or that of a crash.

        While a scan that does not record it goes on, it is the last one that is known.
        """
        crash = self._station.crash()
        if crash is not None:
            return crash
        values = self.channels()
        self._current = values.get("current", self._current)
        return self._current if self._station.is_engaged and self.has_current else self.current()

    def levelled(
        self, z: FloatArray | float, x: FloatArray | float, y: FloatArray | float
    ) -> FloatArray:
        """Return heights [m] at places [m] without the plane that the tilt correction takes off."""
        tilt = self._panel.get("Piezo.Tilt")
        slopes = [math.tan(math.radians(tilt[axis])) for axis in ("x", "y")]
        return np.asarray(z) - slopes[0] * np.asarray(x) - slopes[1] * np.asarray(y)

    def watch(self, current: float) -> None:
        """Let the safe tip look at a current [A]."""
        if not self._panel.value("SafeTip.OnOff", "state") or self._z.is_tripped:
            return
        if abs(current) > abs(self._panel.value("SafeTip.Props", "threshold")):
            self._z.trip()

    def look(self) -> None:
        """Let the safe tip look at the microscope as it is."""
        if self.has_current and self._panel.value("SafeTip.OnOff", "state"):
            self.channels()
            self.watch(self._station.crash() or 0.0)
