"""Exposure: how much an area of the sample may bear, and a ledger of what it has borne."""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import LimitExceeded
from ..units import format as format_quantity
from .frame import FloatArray
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
)

_PER_AREA = (
    ("bias_time", "exposure", "V s"),
    ("spectra", "spectra", ""),
    ("pulses", "pulses", ""),
    ("taps", "taps", ""),
)
Point = tuple[float, float]

_UNKNOWN: Point = (math.nan, math.nan)
_ROOM = 256  # instructions that a new ledger has room for
_ROUNDING = 1e-9  # share of a budget: a sum of shares that is the budget itself is no excess


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the sample may bear within a circle around any point that is asked for.

    Attributes:
        radius: Of the circle [m], positive.
        bias_time: Magnitude of the bias times its duration, of spectra and pulses together [V s].
        spectra: How many spectra; keeps an agent from asking for one point for ever.
        pulses: How many pulses at the tip.
        taps: How many force curves and pokes.
    """

    radius: float
    bias_time: float = math.inf
    spectra: float = math.inf
    pulses: float = math.inf
    taps: float = math.inf

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise ValueError(f"an exposure's radius must be positive, got {self.radius} m")
        for name, _, unit in _PER_AREA:
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"an exposure's {name} must not be negative, got {getattr(self, name)} {unit}"
                )


@dataclass(frozen=True, slots=True)
class Spent:
    """What was borne within a circle.

    Attributes:
        bias_time: Magnitude of the bias times its duration [V s].
        spectra: How many spectra.
        pulses: How many pulses.
        taps: How many force curves and pokes.
    """

    bias_time: float = 0.0
    spectra: int = 0
    pulses: int = 0
    taps: int = 0


class Ledger:
    """What a sample has borne, and where; safe from any thread.

    What was begun counts, whatever came of it. Another sample begins a new page: a `Load` that
    names one forgets what the one before has borne, and every `Load` counts its spectra anew.

    Places are those of the sample: where the coarse stage has been moved, what was worn out before
    does not count, unless the scanner reaches it from there, and it counts again when the stage
    comes back. What was borne while nobody could say where the stage stood counts everywhere.

    Args:
        exposure: What an area may bear; without it only spectra per load are counted.
    """

    def __init__(self, exposure: Exposure | None = None) -> None:
        self.exposure = exposure
        self._lock = threading.Lock()
        self._sample = ""
        self._since_load = 0
        self._count = 0
        self._stage: Point | None = None
        self._points: FloatArray = np.empty((_ROOM, 2))
        self._stages: FloatArray = np.empty((_ROOM, 2))  # NaN where nobody knows
        self._costs: FloatArray = np.empty((_ROOM, len(_PER_AREA)))

    @property
    def spectra_since_load(self) -> int:
        """How many spectra were begun since the last `Load`."""
        with self._lock:
            return self._since_load

    def spent(self, x: float, y: float) -> Spent:
        """Say what was borne around a point [m]; nothing is known where no area is watched."""
        with self._lock:
            if self.exposure is None:
                return Spent()
            bias_time, spectra, pulses, taps = self._within(self.exposure.radius, x, y).tolist()
        return Spent(bias_time, int(spectra), int(pulses), int(taps))

    def check(self, instruction: Instruction) -> None:
        """Refuse what would be too much around its point; nothing is booked.

        Raises:
            LimitExceeded: With what there would be, and what is allowed.
        """
        cost, at = _cost(instruction), _point(instruction)
        exposure = self.exposure
        if exposure is None or at is None:
            return
        with self._lock:
            after = cost + self._within(exposure.radius, *at)
        for (name, quantity, unit), total, own in zip(_PER_AREA, after, cost, strict=True):
            allowed = getattr(exposure, name)
            if own and not total <= allowed * (1 + _ROUNDING):
                where = ", ".join(format_quantity(v, "m", 6) for v in at)
                radius = format_quantity(exposure.radius, "m", 6)
                raise LimitExceeded(
                    f"{quantity} within {radius} of ({where})",
                    float(total),
                    (0.0, allowed),
                    unit,
                    f"{own:g} of it asked for now",
                )

    def book(self, instruction: Instruction) -> None:
        """Write down what is about to be given to the instrument, or, of a `Load`, what it did."""
        with self._lock:
            if isinstance(instruction, Load):
                self._load(instruction.sample)
            elif isinstance(instruction, MoveStage):
                self._stage = (float(instruction.x), float(instruction.y))
            elif (at := _point(instruction)) is not None:
                self._since_load += isinstance(instruction, AcquireSpectrum)
                self._append(at, _cost(instruction))

    def strike(self, instruction: Instruction) -> None:
        """Cross out the last entry: the instrument has refused it, and nothing was begun."""
        with self._lock:
            if _point(instruction) is not None and self._count > 0:
                self._since_load -= isinstance(instruction, AcquireSpectrum)
                self._count -= 1

    def at_stage(self, stage: Point | None, accuracy: float = 0.0) -> None:
        """Say where the coarse stage stands.

        Args:
            stage: As read back [m]; None where there is none, or nobody knows.
            accuracy: How far it may read back from where it was sent [m]: a place where it was
                before is the same one within it.
        """
        with self._lock:
            if stage is not None and self._count:
                known = self._stages[: self._count]
                off = np.hypot(*(known - stage).T)
                off[~np.isfinite(off)] = np.inf
                nearest = int(np.argmin(off))
                if off[nearest] <= accuracy:
                    stage = (float(known[nearest, 0]), float(known[nearest, 1]))
            self._stage = stage

    def replay(self, instructions: Iterable[Instruction]) -> None:
        """Write down what was carried out before, in its order; nothing of it is refused."""
        for instruction in instructions:
            self.book(instruction)

    def _load(self, sample: str) -> None:
        self._since_load = 0
        if sample and self._sample and sample != self._sample:
            self._count = 0
        self._sample = sample or self._sample

    def _append(self, at: tuple[float, float], cost: FloatArray) -> None:
        if self._count == len(self._points):
            self._points = np.concatenate([self._points, np.empty_like(self._points)])
            self._stages = np.concatenate([self._stages, np.empty_like(self._stages)])
            self._costs = np.concatenate([self._costs, np.empty_like(self._costs)])
        self._points[self._count], self._costs[self._count] = at, cost
        self._stages[self._count] = self._stage or _UNKNOWN
        self._count += 1

    def _within(self, radius: float, x: float, y: float) -> FloatArray:
        away = self._points[: self._count] - (x, y)
        away += np.nan_to_num(self._stages[: self._count] - (self._stage or _UNKNOWN))
        near = np.einsum("ij,ij->i", away, away) <= (radius * (1 + _ROUNDING)) ** 2
        total: FloatArray = self._costs[: self._count][near].sum(axis=0)
        return total


def _point(instruction: Instruction) -> tuple[float, float] | None:
    """Return where an instruction wears the sample; None where it does not."""
    if isinstance(instruction, AcquireSpectrum | AcquireForceCurve | ConditionTip):
        return float(instruction.x), float(instruction.y)
    return None


def _cost(instruction: Instruction) -> FloatArray:
    """Return what an instruction costs, in the order of `_PER_AREA`."""
    match instruction:
        case AcquireSpectrum(waveform=waveform):
            volts = float(np.abs(waveform.bias).sum())
            return np.array([volts * waveform.dwell * waveform.cycles, 1.0, 0.0, 0.0])
        case ConditionTip(bias=bias, depth=depth, duration=duration):
            is_poke = depth != 0
            return np.array([abs(bias) * duration, 0.0, float(not is_poke), float(is_poke)])
        case AcquireForceCurve():
            return np.array([0.0, 0.0, 0.0, 1.0])
        case _:
            return np.zeros(len(_PER_AREA))
