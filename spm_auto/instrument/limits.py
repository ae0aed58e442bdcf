"""Limits: what the laboratory allows. They refuse; they never clip."""

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InstrumentError, LimitExceeded
from .frame import ScanFrame
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .protocol import Capabilities, Range


@dataclass(frozen=True, slots=True)
class NoGoZone:
    """A circle on the sample that the probe must not enter.

    Attributes:
        x: Middle [m].
        y: Middle [m].
        radius: Radius [m], positive.
        reason: Why, for the message.
    """

    x: float
    y: float
    radius: float
    reason: str = "no-go zone"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y) and 0 < self.radius < math.inf):
            raise ValueError(f"a no-go zone needs a finite middle and a positive radius: {self}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an instruction may ask for. Without a limit the instrument's own range holds.

    Attributes:
        x: Where the probe may go [m].
        y: Where the probe may go [m].
        bias: Window of the bias [V].
        scan_speed: Highest speed of the tip along a line [m/s].
        spectrum_duration: Longest time that one spectrum may take [s].
        no_go: Circles that neither a frame nor a point may touch.
    """

    x: Range = (-math.inf, math.inf)
    y: Range = (-math.inf, math.inf)
    bias: Range = (-math.inf, math.inf)
    scan_speed: float = math.inf
    spectrum_duration: float = math.inf
    no_go: tuple[NoGoZone, ...] = ()

    def __post_init__(self) -> None:
        for name in ("x", "y", "bias"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"limits.{name} must rise, got {low:g} to {high:g}")
        for name in ("scan_speed", "spectrum_duration"):
            if not getattr(self, name) > 0:
                raise ValueError(f"limits.{name} must be positive, got {getattr(self, name)}")

    def within(self, capabilities: Capabilities) -> "Limits":
        """Return these limits narrowed to what the instrument can reach.

        Raises:
            InstrumentError: They leave nothing of it.
        """

        def both(name: str, unit: str, reach: Range) -> Range:
            allowed: Range = getattr(self, name)
            low, high = max(allowed[0], reach[0]), min(allowed[1], reach[1])
            if not low < high:
                raise InstrumentError(
                    f"limits.{name} of {allowed[0]:g} to {allowed[1]:g} {unit} leave nothing of "
                    f"the range of {capabilities.name}, {reach[0]:g} to {reach[1]:g} {unit}"
                )
            return low, high

        return Limits(
            x=both("x", "m", capabilities.x_range),
            y=both("y", "m", capabilities.y_range),
            bias=both("bias", "V", capabilities.bias_range),
            scan_speed=self.scan_speed,
            spectrum_duration=self.spectrum_duration,
            no_go=self.no_go,
        )

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction that leaves the limits.

        Raises:
            LimitExceeded: With the quantity, what was asked and what is allowed.
        """
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                self.check_frame(frame)
                # there and back on every line
                _check("scan speed", 2 * frame.size[0] * rate, (0.0, self.scan_speed), "m/s")
            case PositionProbe(x=x, y=y) | AcquireForceCurve(x=x, y=y):
                self.check_point(x, y)
            case ConditionTip(x=x, y=y, bias=bias):
                self.check_point(x, y)
                _check("bias", bias, self.bias, "V", "a pulse")
            case SetFeedback(bias=float() as bias):
                _check("bias", bias, self.bias, "V")
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                self.check_point(x, y)
                self.check_waveform(waveform)

    def check_point(self, x: float, y: float) -> None:
        """Refuse a point out of range or in a no-go zone."""
        _check("x", x, self.x, "m")
        _check("y", y, self.y, "m")
        for zone in self.no_go:
            distance = math.hypot(x - zone.x, y - zone.y)
            _check("distance to no-go zone", distance, (zone.radius, math.inf), "m", zone.reason)

    def check_frame(self, frame: ScanFrame) -> None:
        """Refuse a frame with a corner out of range or that touches a no-go zone."""
        xs, ys = frame.corners()
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            _check("x", x, self.x, "m", "a corner of the frame")
            _check("y", y, self.y, "m", "a corner of the frame")
        for zone in self.no_go:
            u, v = frame.to_frame(zone.x, zone.y)
            outside = np.maximum(np.abs([u, v]) - np.array(frame.size) / 2, 0.0)
            distance = float(np.hypot(*outside))
            _check("distance to no-go zone", distance, (zone.radius, math.inf), "m", zone.reason)

    def check_waveform(self, waveform: BiasWaveform) -> None:
        """Refuse a waveform with a bias out of the window or that lasts too long."""
        # the ends stand for all, the largest first; a NaN is the largest
        bias = waveform.bias
        for index in (np.argmax(np.abs(bias)), np.argmax(bias), np.argmin(bias)):
            _check("bias", float(bias[index]), self.bias, "V")
        self.check_spectrum_duration(waveform.duration)

    def check_spectrum_duration(self, duration: float) -> None:
        """Refuse a spectrum that lasts too long [s]."""
        _check("spectrum duration", duration, (0.0, self.spectrum_duration), "s")


def _check(quantity: str, asked: float, allowed: Range, unit: str, scope: str = "") -> None:
    # a comparison with NaN is false, so "not inside" refuses what is no number; the margin is for
    # rounding: 1e-6 m written as a sum of steps may be 1.0000000000000002e-06
    low, high = allowed
    if math.isfinite(asked) and low <= asked <= high:
        return
    margin = 1e-12 * max((abs(v) for v in allowed if math.isfinite(v)), default=0.0)
    if not (math.isfinite(asked) and low - margin <= asked <= high + margin):
        raise LimitExceeded(quantity, asked, allowed, unit, scope)
