"""Limits: what the laboratory allows. They refuse; they never clip."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InstrumentError, LimitExceeded
from .exposure import Exposure
from .form import check_form
from .frame import FloatArray, ScanFrame
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .protocol import Capabilities, Range, Status

Point = tuple[float, float]

_ANY: Range = (-math.inf, math.inf)
_RANGES = ("x", "y", "bias", "setpoint", "pulse", "stage_x", "stage_y")
_HIGHEST = (
    "scan_speed",
    "spectrum_duration",
    "bias_step",
    "bias_slew",
    "gain",
    "force",
    "depth",
    "step",
    "spectra",
    "stage_step",
)


@dataclass(frozen=True, slots=True)
class NoGoZone:
    """A circle on the sample that the probe must not enter.

    Attributes:
        x: Middle [m].
        y: Middle [m].
        radius: Radius [m], positive.
        reason: Why, for the message.
        stage: Position of the coarse stage at which it was found [m]; without one the circle is
            forbidden wherever the stage stands.
    """

    x: float
    y: float
    radius: float
    reason: str = "no-go zone"
    stage: Point | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y) and 0 < self.radius < math.inf):
            raise ValueError(f"a no-go zone needs a finite middle and a positive radius: {self}")
        if self.stage is not None and not all(map(math.isfinite, self.stage)):
            raise ValueError(f"a no-go zone needs a finite position of the stage: {self}")

    def seen_from(self, stage: Point | None) -> "NoGoZone":
        """Return where it is for a scanner with the stage elsewhere [m].

        One of which nobody can say so stays where it is: it is forbidden rather than forgotten.
        """
        if self.stage is None or stage is None:
            return self
        (x, y), (now_x, now_y) = self.stage, stage
        return replace(self, x=self.x + x - now_x, y=self.y + y - now_y, stage=stage)


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
        bias_step: Largest step between neighbouring points of a waveform [V].
        bias_slew: Largest such step in its dwell time [V/s].
        least_bias: Least magnitude of the bias that the z loop is given in constant current [V];
            nor may it be led through 0 V, where there is no current to hold.
        setpoint: What the z loop may hold, in `setpoint_unit`.
        setpoint_unit: Of what the loop holds: "A", "N" or "m".
        gain: Highest of the z loop [1/s].
        force: Highest trigger of a force curve [N].
        pulse: Window of the bias of a pulse at the tip [V]; None leaves it to that of the bias.
        depth: Deepest poke [m].
        step: Longest way that the probe may be sent at once, from where it reads back [m].
        spectra: How many spectra may be taken from one `Load` to the next.
        exposure: What an area of the sample may bear; None leaves it open.
        stage_x: Where the coarse stage may go [m].
        stage_y: The same [m].
        stage_step: Longest way of the stage at once [m].
    """

    x: Range = _ANY
    y: Range = _ANY
    bias: Range = _ANY
    scan_speed: float = math.inf
    spectrum_duration: float = math.inf
    no_go: tuple[NoGoZone, ...] = ()
    bias_step: float = math.inf
    bias_slew: float = math.inf
    least_bias: float = 0.0
    setpoint: Range = _ANY
    setpoint_unit: str = ""
    gain: float = math.inf
    force: float = math.inf
    pulse: Range | None = None
    depth: float = math.inf
    step: float = math.inf
    spectra: float = math.inf
    exposure: Exposure | None = None
    stage_x: Range = _ANY
    stage_y: Range = _ANY
    stage_step: float = math.inf

    def __post_init__(self) -> None:
        for name in _RANGES:
            low, high = getattr(self, name) or _ANY
            if not low < high:
                raise ValueError(f"limits.{name} must rise, got {low:g} to {high:g}")
        for name in _HIGHEST:
            if not getattr(self, name) > 0:
                raise ValueError(f"limits.{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.least_bias < math.inf:
            raise ValueError(f"limits.least_bias must not be negative, got {self.least_bias}")

    def within(self, capabilities: Capabilities) -> "Limits":
        """Return these limits narrowed to what the instrument can reach.

        Raises:
            InstrumentError: They leave nothing of it.
        """

        def both(name: str, unit: str, reach: Range) -> Range:
            allowed: Range = getattr(self, name) or _ANY
            low, high = max(allowed[0], reach[0]), min(allowed[1], reach[1])
            if not low < high:
                raise InstrumentError(
                    f"limits.{name} of {allowed[0]:g} to {allowed[1]:g} {unit} leave nothing of "
                    f"the range of {capabilities.name}, {reach[0]:g} to {reach[1]:g} {unit}"
                )
            return low, high

        stage = {}
        if capabilities.stage_range is not None:
            for name, reach in zip(("stage_x", "stage_y"), capabilities.stage_range, strict=True):
                stage[name] = both(name, "m", reach)
        return replace(
            self,
            x=both("x", "m", capabilities.x_range),
            y=both("y", "m", capabilities.y_range),
            bias=both("bias", "V", capabilities.bias_range),
            pulse=None if self.pulse is None else both("pulse", "V", capabilities.bias_range),
            stage_x=stage.get("stage_x", self.stage_x),
            stage_y=stage.get("stage_y", self.stage_y),
        )

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction that leaves the limits, whatever the instrument does just now.

        Raises:
            Malformed: Something else stands in it where a number belongs.
            LimitExceeded: With the quantity, what was asked and what is allowed.
        """
        check_form(instruction)
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                self.check_frame(frame)
                # there and back on every line
                _check("scan speed", 2 * frame.size[0] * rate, (0.0, self.scan_speed), "m/s")
            case PositionProbe(x=x, y=y):
                self.check_point(x, y)
            case AcquireForceCurve(x=x, y=y, trigger=trigger):
                self.check_point(x, y)
                _check("force", trigger, (0.0, self.force), "N", "the trigger")
            case ConditionTip(x=x, y=y, bias=bias, depth=depth):
                self.check_point(x, y)
                _check("depth", depth, (0.0, self.depth), "m", "a poke")
                if depth == 0:
                    _check("bias", bias, self.pulse or self.bias, "V", "a pulse")
            case SetFeedback():
                self._check_feedback(instruction)
            case MoveStage(x=x, y=y):
                _check("stage x", x, self.stage_x, "m")
                _check("stage y", y, self.stage_y, "m")
            case AcquireSpectrum(x=x, y=y, waveform=waveform):
                self.check_point(x, y)
                self.check_waveform(waveform)

    def needs_status(self, instruction: Instruction) -> bool:
        """Say whether `check_change` has to know where the instrument stands."""
        match instruction:
            case SetFeedback(bias=bias):
                return bias is not None and self.least_bias > 0
            case Load():
                return False
            case MoveStage():
                return self.stage_step < math.inf
            case _:
                return self.step < math.inf or any(zone.stage for zone in self.no_go)

    def check_change(self, instruction: Instruction, status: Status) -> None:
        """Refuse an instruction that leaves the limits from where the instrument stands.

        Args:
            instruction: What is asked for; `check` has let it pass.
            status: What the instrument reads back now.

        Raises:
            LimitExceeded: With the quantity, what was asked and what is allowed.
        """
        if not self.needs_status(instruction):
            return
        match instruction:
            case SetFeedback(bias=bias) if bias is not None:
                self._check_crossing(bias, status.bias)
            case MoveStage(x=x, y=y):
                here = status.stage or (math.nan, math.nan)  # nobody knows how far it is
                _check("stage step", math.dist((x, y), here), (0.0, self.stage_step), "m")
            case PositionProbe() | AcquireSpectrum() | AcquireForceCurve() | ConditionTip():
                self._check_point(instruction.x, instruction.y, self._zones_at(status))
                self._check_way((instruction.x, instruction.y), status, "to the point")
            case Scan(frame=frame):
                self._check_frame(frame, self._zones_at(status))
                xs, ys = frame.corners()  # a scan begins at the first one
                self._check_way((float(xs[0]), float(ys[0])), status, "to the frame's first line")

    def check_count(self, instruction: Instruction, taken: int) -> None:
        """Refuse one spectrum more than there may be, with so many taken since the last `Load`."""
        if isinstance(instruction, AcquireSpectrum):
            _check("spectra", taken + 1, (0.0, self.spectra), "", "since the last load")

    def check_point(self, x: float, y: float) -> None:
        """Refuse a point out of range or in a no-go zone."""
        _check("x", x, self.x, "m")
        _check("y", y, self.y, "m")
        self._check_point(x, y, self._zones)

    def check_frame(self, frame: ScanFrame) -> None:
        """Refuse a frame with a corner out of range or that touches a no-go zone."""
        xs, ys = frame.corners()
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            _check("x", x, self.x, "m", "a corner of the frame")
            _check("y", y, self.y, "m", "a corner of the frame")
        self._check_frame(frame, self._zones)

    def check_waveform(self, waveform: BiasWaveform) -> None:
        """Refuse a waveform with a bias out of the window or that lasts too long."""
        # the ends stand for all, the largest first; a NaN is the largest
        bias = waveform.bias
        for index in (np.argmax(np.abs(bias)), np.argmax(bias), np.argmin(bias)):
            _check("bias", float(bias[index]), self.bias, "V")
        self._check_steps(bias, waveform)
        self.check_spectrum_duration(waveform.duration)

    def check_spectrum_duration(self, duration: float) -> None:
        """Refuse a spectrum that lasts too long [s]."""
        _check("spectrum duration", duration, (0.0, self.spectrum_duration), "s")

    @property
    def _zones(self) -> tuple[NoGoZone, ...]:
        """The zones that are forbidden wherever the stage stands."""
        return tuple(zone for zone in self.no_go if zone.stage is None)

    def _zones_at(self, status: Status) -> tuple[NoGoZone, ...]:
        """Return the zones of one position of the stage, as the scanner meets them now."""
        return tuple(z.seen_from(status.stage) for z in self.no_go if z.stage is not None)

    @staticmethod
    def _check_point(x: float, y: float, zones: Iterable[NoGoZone]) -> None:
        for zone in zones:
            distance = math.hypot(x - zone.x, y - zone.y)
            _check("distance to no-go zone", distance, (zone.radius, math.inf), "m", zone.reason)

    @staticmethod
    def _check_frame(frame: ScanFrame, zones: Iterable[NoGoZone]) -> None:
        for zone in zones:
            u, v = frame.to_frame(zone.x, zone.y)
            outside = np.maximum(np.abs([u, v]) - np.array(frame.size) / 2, 0.0)
            distance = float(np.hypot(*outside))
            _check("distance to no-go zone", distance, (zone.radius, math.inf), "m", zone.reason)

    def _check_steps(self, bias: FloatArray, waveform: BiasWaveform) -> None:
        # a cycle after the first one begins with the step from the last point back to the first
        again = bias[:1] if waveform.cycles > 1 else bias[:0]
        with np.errstate(over="ignore"):  # an infinite step is refused all the same
            steps = np.abs(np.diff(np.concatenate([bias, again])))
        if not len(steps):
            return
        index = int(np.argmax(steps))
        largest, where = float(steps[index]), f"from point {index} to the next"
        _check("bias step", largest, (0.0, self.bias_step), "V", where)
        _check("bias slew", largest / waveform.dwell, (0.0, self.bias_slew), "V/s", where)

    def _check_feedback(self, feedback: SetFeedback) -> None:
        bias, setpoint, gain = feedback.bias, feedback.setpoint, feedback.gain
        if bias is not None:
            _check("bias", bias, self.bias, "V")
            if abs(bias) < self.least_bias:
                _check("bias", abs(bias), (self.least_bias, math.inf), "V", "its magnitude")
        if setpoint is not None:
            _check("setpoint", setpoint, self.setpoint, self.setpoint_unit)
        if gain is not None:
            _check("gain", gain, (0.0, self.gain), "1/s")

    def _check_crossing(self, bias: float, present: float) -> None:
        if not math.isfinite(present):
            raise LimitExceeded("bias read back", present, self.bias, "V", "nobody knows the sign")
        low, high = self.bias
        sides = (low, -self.least_bias), (self.least_bias, high)
        if (present < 0) != (bias < 0) and present != 0:
            way = f"from {present:g} V the way leads through 0 V with the loop closed"
            raise LimitExceeded("bias", bias, sides[present > 0], "V", way)

    def _check_way(self, target: tuple[float, float], status: Status, scope: str) -> None:
        _check("step", math.dist(target, status.position), (0.0, self.step), "m", scope)


def _check(quantity: str, asked: float, allowed: Range, unit: str, scope: str = "") -> None:
    # a comparison with NaN is false, so "not inside" refuses what is no number; the margin is for
    # rounding: 1e-6 m written as a sum of steps may be 1.0000000000000002e-06
    low, high = allowed
    if math.isfinite(asked) and low <= asked <= high:
        return
    margin = 1e-12 * max((abs(v) for v in allowed if math.isfinite(v)), default=0.0)
    if not (math.isfinite(asked) and low - margin <= asked <= high + margin):
        raise LimitExceeded(quantity, asked, allowed, unit, scope)
