"""Pricing: what an instruction takes by the instrument's own time model, the way to it included."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ...data import LOOK
from ...errors import InstrumentError
from ...instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    GuardedInstrument,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)

POSITION, SPECTRUM, LOADING, WAITING = "position", "spectrum", "load", "wait"
THINKING, MAKING, ASKING, IDLE = "think", "make the agent", "answer", "hold up the instrument"

Place = tuple[float, float]
_NAMES: Mapping[type, str] = MappingProxyType(
    {
        Load: LOADING,
        Scan: "scan",
        PositionProbe: POSITION,
        AcquireSpectrum: SPECTRUM,
        AcquireForceCurve: "force curve",
        ConditionTip: "condition the tip",
        SetFeedback: "feedback",
    }
)
_STEP = 0.25  # share of the scanner's range that the probe is thought to go, to see what it takes
_SPARE = 1e-6  # [m] the same for an instrument that does not say how far it reaches


@dataclass(frozen=True, slots=True)
class Measured:
    """What an earlier run took, beside what the time model had said of it.

    Attributes:
        ratios: Measured over predicted time of each kind of operation.
        ways: How far apart chosen points lay, over how far points at random would; 1 when unknown.
        thinking: Time of one choice of the agent [s]; NaN when unknown.
        making: Time until the agent is made [s]; NaN when unknown.
        asking: Time until a human answers [s]; NaN when unknown.
    """

    ratios: Mapping[str, float] = field(default_factory=dict)
    ways: float = 1.0
    thinking: float = math.nan
    making: float = math.nan
    asking: float = math.nan


def operation_of(instruction: Instruction) -> str:
    """Name the kind of operation that an instruction is."""
    if isinstance(instruction, Scan) and instruction.purpose == LOOK:
        return "look at the tip"
    name = _NAMES.get(type(instruction))
    if name is None:  # an optional instruction that was added later: MoveStage is "move stage"
        name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(instruction).__name__).lower()
    return name


def begins_at(instruction: Instruction) -> Place | None:
    """Return where the probe has to be for an instruction [m]; None where it stays."""
    match instruction:
        case Scan(frame=frame):
            return _corner(frame, 0)
        case PositionProbe(x=x, y=y) | AcquireSpectrum(x=x, y=y):
            return x, y
        case AcquireForceCurve(x=x, y=y) | ConditionTip(x=x, y=y):
            return x, y
        case _:
            return None


def ends_at(instruction: Instruction) -> Place | None:
    """Return where the probe is after an instruction [m]; None where it was before."""
    if isinstance(instruction, Scan):
        return _corner(instruction.frame, -1)
    return begins_at(instruction)


def exposure_of(instruction: Instruction) -> float:
    """Return bias times duration of a spectrum [V s]; of all else nothing."""
    if not isinstance(instruction, AcquireSpectrum):
        return 0.0
    waveform = instruction.waveform
    return sum(map(abs, waveform.values)) * waveform.dwell * waveform.cycles


class Pricing:
    """Times of instructions; nothing moves.

    An instrument can say what an instruction takes from where the probe stands. So the way is taken
    out of that and put in again from where the probe will stand then.

    Args:
        instrument: The instrument, loaded or not.
        measured: What an earlier run took.
        retuning: What a `Load` takes that finds its sample mounted [s]; None when unknown.
    """

    def __init__(
        self,
        instrument: GuardedInstrument,
        measured: Measured | None = None,
        retuning: float | None = None,
    ) -> None:
        self._instrument = instrument
        self.measured = measured or Measured()
        self._retuning = retuning
        self._is_mounted = False
        self._fixed: dict[Instruction | BiasWaveform, float] = {}
        self._here, self._per_metre = _travel(instrument)

    @property
    def here(self) -> Place | None:
        """Where the probe stands [m]; None when nobody knows."""
        return self._here

    def way(self, start: Place | None, end: Place | None) -> float:
        """Return the time from one place to another, without what each motion takes besides [s]."""
        if start is None or end is None:
            return 0.0
        return self.way_of(math.dist(start, end))

    def way_of(self, length: float) -> float:
        """Return the time of a way of this length [m], as `way` does [s]."""
        return self._per_metre * length

    def fixed(self, instruction: Instruction) -> float:
        """Return what an instruction takes, the way to it left out [s].

        From the second `Load` on one that names no sample finds its sample mounted.
        """
        if isinstance(instruction, Load):
            is_mounted, self._is_mounted = self._is_mounted, True
            if is_mounted and not instruction.sample and self._retuning is not None:
                return self._retuning
        key: Instruction | BiasWaveform = instruction
        if isinstance(instruction, AcquireSpectrum):
            key = instruction.waveform  # wherever it is
        if key not in self._fixed:
            seconds = self._instrument.duration(instruction)
            way = self.way(self._here, begins_at(instruction))
            self._fixed[key] = max(seconds - way, 0.0)
        return self._fixed[key]

    def corrected(self, what: str, seconds: float) -> float:
        """Return the time of a kind of operation as it was measured [s]."""
        return seconds * self.measured.ratios.get(what, 1.0)


def mean_distance(width: float, height: float) -> float:
    """Return how far apart two points at random lie in a rectangle, on average [m] (Ghosh, 1951).

    With sides a and b and the diagonal d it is ``(a^3/b^2 + b^3/a^2 + d (3 - a^2/b^2 - b^2/a^2)
    + 5/2 (b^2/a ln((a + d)/b) + a^2/b ln((b + d)/a))) / 15``.

    Args:
        width: One side [m], positive.
        height: The other [m], positive.
    """
    a, b = width, height
    d = math.hypot(a, b)
    powers = a**3 / b**2 + b**3 / a**2 + d * (3 - (a / b) ** 2 - (b / a) ** 2)
    logs = b**2 / a * math.log((a + d) / b) + a**2 / b * math.log((b + d) / a)
    return (powers + 2.5 * logs) / 15


def is_somewhere(instruction: Instruction, scan: Scan | None) -> bool:
    """Say whether a point stands for one that will be chosen: it is the last frame's middle."""
    if not isinstance(instruction, AcquireSpectrum | AcquireForceCurve) or scan is None:
        return False
    return (instruction.x, instruction.y) == scan.frame.center


def _corner(frame: ScanFrame, line: int) -> Place:
    lines = frame.shape[0]
    x, y = frame.to_sample(line % lines, 0)
    return float(x), float(y)


def _travel(instrument: GuardedInstrument) -> tuple[Place | None, float]:
    """Return where the probe stands [m] and what a way takes [s/m]; None and 0 if unknown."""
    try:
        here = instrument.status().position
        there = tuple(
            at + _away(at, ends)
            for at, ends in zip(here, (instrument.limits.x, instrument.limits.y), strict=True)
        )
        near = instrument.duration(PositionProbe(*here))
        far = instrument.duration(PositionProbe(*there))
    except InstrumentError:
        return None, 0.0
    length = math.dist(here, there)
    per_metre = (far - near) / length if length > 0 else 0.0
    return here, max(per_metre, 0.0) if math.isfinite(per_metre) else 0.0


def _away(at: float, ends: tuple[float, float]) -> float:
    """Return how far to go along an axis without leaving its ends [m]."""
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(at)):
        return _SPARE if math.isfinite(at) else math.nan
    step = _STEP * (high - low)
    return step if at + step <= high else -step
