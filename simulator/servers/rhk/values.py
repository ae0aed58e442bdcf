"""Values: everything that can be read and set at the emulated R9, the microscope's own included."""

import contextlib
import math
import threading
from dataclasses import replace
from pathlib import Path

from spm_auto.errors import InstrumentError
from spm_auto.instrument import SetFeedback
from spm_auto.wire import rhk as wire

from ..station import Station
from .labels import signal_of

BOUNDS = (-1e-6, 1e-6)  # [m] of z; the lower one is towards the sample
_KNOWN: dict[wire.Parameter, float | str] = {
    wire.X_OFFSET: 0.0,
    wire.Y_OFFSET: 0.0,
    wire.SIZE: 1e-8,
    wire.ANGLE: 0.0,
    wire.LINE_TIME: 0.5,
    wire.LINES: 256,
    wire.OVERSCAN: 0,
    wire.COUNT_MODE: wire.SINGLE,
    wire.SLOW_SCAN: wire.TOP_DOWN,
    wire.scan_setting("Scan Count"): 1,
    wire.scan_area("Scan Speed"): 1e-8,
    wire.Parameter("SWParameter", ("STM Bias", "Rate")): 1.0,
    wire.Parameter("HWSubParameter", (wire.CONTROLLER, "Integral Gain")): 1e-6,
    wire.Parameter("HWSubParameter", (wire.CONTROLLER, "Proportional Gain")): 1e-17,
    wire.controller("Lower Bound"): BOUNDS[0],
    wire.controller("Upper Bound"): BOUNDS[1],
    **{
        wire.saving(item, window): value
        for window in (wire.SCAN_WINDOW, wire.SPECTRA_WINDOW)
        for item, value in (("Enable", 0), ("File Name", "data"), ("File Name Index", 1))
    },
}


class Values:
    """Everything that can be read and set.

    Args:
        station: The microscope.
        folder: Where files go.
        coarse_steps: How many coarse steps the sample is away.
    """

    def __init__(self, station: Station, folder: Path, coarse_steps: int) -> None:
        self.station = station
        self.coarse_steps = coarse_steps
        self.target = [0.0, 0.0]
        self.starting = threading.Lock()  # held while a scan is begun or ended
        self._sign = 1.0
        self._mode = wire.RETRACT
        self._engaging: threading.Thread | None = None
        self._waiting = SetFeedback()  # what was set while the tip was up
        self._kept = dict(_KNOWN)
        for window in (wire.SCAN_WINDOW, wire.SPECTRA_WINDOW):
            self._kept[wire.saving("Save Path", window)] = str(folder)

    def get(self, parameter: wire.Parameter) -> float | str:
        """Return a value.

        Raises:
            ValueError: There is no such parameter.
        """
        station = self.station
        if parameter in (wire.TIP_X, wire.TIP_Y):
            return station.position[int(parameter == wire.TIP_Y)]
        if parameter == wire.BIAS:
            return self._bias()
        if parameter in (wire.SETPOINT, wire.controller("Set Point")):
            setpoint = self._waiting.setpoint or station.held.setpoint or 0.0
            return math.copysign(setpoint, self._bias() or self._sign)
        if parameter not in self._kept:
            raise ValueError(f"Unknown parameter {', '.join(parameter.path)}")
        return self._kept[parameter]

    def set(self, parameter: wire.Parameter, text: str) -> None:
        """Set a value.

        Raises:
            ValueError: There is no such parameter, or it cannot be that.
            InstrumentError: The microscope refuses it.
        """
        if parameter == wire.tip_control():
            self._control(text)
        elif parameter in (wire.TIP_X, wire.TIP_Y):
            self.target[int(parameter == wire.TIP_Y)] = wire.number(text)
        elif parameter == wire.BIAS:
            self._set_bias(wire.number(text))
        elif parameter in (wire.SETPOINT, wire.controller("Set Point")):
            self._set_setpoint(wire.number(text))
        elif parameter not in self._kept:
            raise ValueError(f"Unknown parameter {', '.join(parameter.path)}")
        elif isinstance(self._kept[parameter], str):
            self._kept[parameter] = text
        else:
            value = wire.number(text)
            is_whole = isinstance(self._kept[parameter], int)
            self._kept[parameter] = round(value) if is_whole else value

    def number(self, parameter: wire.Parameter) -> float:
        """Return a value that is a number."""
        return float(self.get(parameter))

    def height(self) -> float:
        """Return what z reads: upwards away from the sample [m]."""
        if self._mode == wire.RETRACT or not (self.station.is_engaged or self.coarse_steps):
            return BOUNDS[1]
        if self.coarse_steps:
            return BOUNDS[0]
        height = self.station.reading().get("height", 0.0)
        return min(max(height, 0.9 * BOUNDS[0]), 0.9 * BOUNDS[1])

    def channel(self, name: str) -> float:
        """Return what a channel reads.

        Raises:
            ValueError: There is no such channel.
        """
        if name == wire.HEIGHT_SIGNAL:
            return self.height()
        has = self.station.capabilities
        names = {signal_of(c): c.name for c in (*has.image_channels, *has.spectrum_channels)}
        if name not in names:
            raise ValueError(f"Unknown channel {name}")
        return self.station.reading().get(names[name], 0.0)

    def step_in(self) -> None:
        """Take a coarse step towards the sample.

        Raises:
            InstrumentError: The tip is down, and would run into it.
        """
        if self._mode != wire.RETRACT:
            raise InstrumentError("a coarse step with the tip down")
        self.coarse_steps = max(self.coarse_steps - 1, 0)

    def join(self) -> None:
        """Wait until the tip is where it was told to be."""
        if self._engaging is not None:
            self._engaging.join()

    def _control(self, mode: str) -> None:
        station, self._mode = self.station, mode
        if mode == wire.RETRACT:
            with self.starting:
                station.withdraw()
        elif mode == wire.FREEZE:
            station.switch_feedback(False)
        elif mode != wire.UNLIMIT:
            raise ValueError(f"Unknown tip control {mode}")
        elif station.is_engaged:
            station.switch_feedback(True)
        elif not self.coarse_steps:
            self.join()
            self._engaging = threading.Thread(target=self._engage, daemon=True)
            self._engaging.start()

    def _engage(self) -> None:
        waiting, self._waiting = self._waiting, SetFeedback()
        with contextlib.suppress(InstrumentError):
            self.station.engage()
            if waiting != SetFeedback():
                self.station.set_feedback(waiting)

    def _set_setpoint(self, signed: float) -> None:
        """Set the current; where its sign turns, the bias turns with it."""
        self._sign = math.copysign(1.0, signed)
        if self._bias() * signed < 0:
            self._set_bias(-self._bias())
        if not self.station.is_engaged:
            self._waiting = replace(self._waiting, setpoint=abs(signed))
        elif abs(signed) != self.station.held.setpoint:
            self.station.set_feedback(SetFeedback(setpoint=abs(signed)))

    def _bias(self) -> float:
        waiting = self._waiting.bias
        return self.station.bias if waiting is None else waiting

    def _set_bias(self, bias: float) -> None:
        """Set the bias; before the tip is at the sample, it is applied when it comes there."""
        if self.station.is_engaged:
            self.station.set_bias(bias)
        else:
            self._waiting = replace(self._waiting, bias=bias)
