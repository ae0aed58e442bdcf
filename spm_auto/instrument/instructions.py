"""The instructions that an instrument understands, as values.

The same object is checked by the guard, executed by the driver, stored in the journal, shown in the
window and compared on resume.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..units import quantity
from .frame import FloatArray, ScanFrame


@dataclass(frozen=True, slots=True)
class Load:
    """Ready the instrument: sample in, probe tuned and engaged. The only way out of a latch.

    Attributes:
        sample: Name of the sample, for the record; empty keeps what is mounted.
    """

    sample: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """Raster a frame line by line, forward and backward.

    Attributes:
        frame: Where and how finely.
        channels: Names of the channels to record; empty for all that the instrument has.
        line_rate: Lines per second [Hz], each forward and backward.
        purpose: What the scan is for ("overview", "zoom", ...), for the record.
    """

    frame: ScanFrame
    channels: tuple[str, ...] = ()
    line_rate: float = 1.0
    purpose: str = "overview"

    def __post_init__(self) -> None:
        if not 0 < self.line_rate < math.inf:
            raise ValueError(f"a scan's line_rate must be positive, got {self.line_rate} Hz")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"a scan names a channel twice: {', '.join(self.channels)}")


@dataclass(frozen=True, slots=True)
class PositionProbe:
    """Move the probe to a point of the sample.

    Attributes:
        x: Target [m].
        y: Target [m].
    """

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class BiasWaveform:
    """The biases that a spectrum steps through.

    Attributes:
        values: Bias of each point in order [V].
        dwell: Time at each point, measuring included [s].
        cycles: How often the sequence is run; the cycles are averaged by the instrument.
    """

    values: tuple[float, ...]
    dwell: float = 8e-3
    cycles: int = 1

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a bias waveform needs at least one point")
        if not 0 < self.dwell < math.inf:
            raise ValueError(f"a waveform's dwell must be positive and finite, got {self.dwell} s")
        if self.cycles < 1:
            raise ValueError(f"a waveform runs at least once, got {self.cycles} cycles")

    @classmethod
    def triangle(
        cls,
        amplitude: float | str,
        points: int = 64,
        offset: float | str = 0.0,
        dwell: float | str = 8e-3,
        cycles: int = 1,
    ) -> Self:
        """Make the loop of switching spectroscopy: 0, up, down through 0, and back towards 0.

        Args:
            amplitude: Largest bias above the offset, as a float [V] or as text ("8.5 V").
            points: Number of points, a multiple of 4; the last is one step short of the first.
            offset: Bias around which the triangle swings [V].
            dwell: Time at each point [s].
            cycles: How often the loop is run.

        Raises:
            ValueError: ``points`` is no positive multiple of 4.
        """
        if points < 4 or points % 4:
            raise ValueError(f"a triangle needs a multiple of 4 points, got {points}")
        rise = np.arange(points // 4) / (points // 4)
        shape = np.concatenate([rise, 1 - rise, -rise, rise - 1])
        values = quantity(offset, "V") + quantity(amplitude, "V") * shape
        return cls(tuple(values.tolist()), quantity(dwell, "s"), cycles)

    @classmethod
    def sweep(
        cls,
        start: float | str,
        stop: float | str,
        points: int = 101,
        dwell: float | str = 8e-3,
        backward: bool = False,
    ) -> Self:
        """Make a linear sweep from start to stop [V], and back again where asked for."""
        if points < 2:
            raise ValueError(f"a sweep needs at least 2 points, got {points}")
        there = np.linspace(quantity(start, "V"), quantity(stop, "V"), points)
        values = np.concatenate([there, there[::-1]]) if backward else there
        return cls(tuple(values.tolist()), quantity(dwell, "s"))

    @property
    def bias(self) -> FloatArray:
        """The biases of one cycle as an array [V], shape [point]."""
        return np.array(self.values, dtype=float)

    @property
    def duration(self) -> float:
        """Time that all cycles take, without the instrument's overhead [s]."""
        return len(self.values) * self.dwell * self.cycles


@dataclass(frozen=True, slots=True)
class AcquireSpectrum:
    """Position the probe at a point and sweep the bias there.

    Attributes:
        x: Where [m].
        y: Where [m].
        waveform: The biases to step through.
    """

    x: float
    y: float
    waveform: BiasWaveform


@dataclass(frozen=True, slots=True)
class AcquireForceCurve:
    """Bring the probe down to the sample and back at a point. Optional: not every instrument can.

    Attributes:
        x: Where [m].
        y: Where [m].
        trigger: Force at which the probe turns back [N], positive.
        distance: Travel of the ramp, from far above to the turning point [m].
        points: Points of each direction.
        rate: Curves per second [Hz], each down and up.
    """

    x: float
    y: float
    trigger: float = 10e-9
    distance: float = 100e-9
    points: int = 512
    rate: float = 1.0

    def __post_init__(self) -> None:
        for name, unit in (("trigger", "N"), ("distance", "m"), ("rate", "Hz")):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"a force curve's {name} must be positive, got {value} {unit}")
        if self.points < 2:
            raise ValueError(f"a force curve needs at least 2 points, got {self.points}")


@dataclass(frozen=True, slots=True)
class ConditionTip:
    """Give the tip a chance to become another one, where that does no harm. Optional.

    Either a bias pulse or a poke into the surface; what comes of it is up to the tip.

    Attributes:
        x: Where [m].
        y: Where [m].
        bias: Of the pulse [V]; 0 for a poke.
        depth: Of the poke [m]; 0 for a pulse.
        duration: Of either [s].
    """

    x: float
    y: float
    bias: float = 0.0
    depth: float = 0.0
    duration: float = 10e-3

    def __post_init__(self) -> None:
        if not (0 <= self.depth < math.inf and 0 < self.duration < math.inf):
            raise ValueError(
                f"a poke's depth must not be negative and its duration be positive, "
                f"got {self.depth} m for {self.duration} s"
            )
        if (self.bias == 0) == (self.depth == 0):
            raise ValueError(
                f"conditioning is either a pulse or a poke, got {self.bias} V and {self.depth} m"
            )


@dataclass(frozen=True, slots=True)
class SetFeedback:
    """Change what the z feedback holds, and how fast; None leaves a value as it is. Optional.

    Attributes:
        bias: Tip-sample bias while scanning [V].
        setpoint: What the loop holds: a current [A], a force [N] or an amplitude [m].
        gain: Integral gain, the loop's bandwidth in rad/s [1/s].
    """

    bias: float | None = None
    setpoint: float | None = None
    gain: float | None = None

    def __post_init__(self) -> None:
        for name in ("bias", "setpoint", "gain"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"the feedback's {name} must be finite, got {value}")
        if self.gain is not None and self.gain < 0:
            raise ValueError(f"the feedback's gain must not be negative, got {self.gain} 1/s")


@dataclass(frozen=True, slots=True)
class MoveStage:
    """Bring another part of the sample under the scanner, by the coarse stage. Optional.

    The tip is withdrawn, the stage moves, and the tip approaches again. Positions of the stage are
    places of the sample: with the stage at X the scanner's x lies over X + x of the sample.

    Attributes:
        x: Where the middle of the scanner shall be over the sample [m].
        y: The same [m].
    """

    x: float
    y: float


Instruction = (
    Load
    | Scan
    | PositionProbe
    | AcquireSpectrum
    | AcquireForceCurve
    | ConditionTip
    | SetFeedback
    | MoveStage
)
