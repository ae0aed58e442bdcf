"""Extremes: how far everything went in a run, and what the sample bore; heard from its records."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .data import (
    FeedbackSet,
    ForceCurveAcquired,
    InstructionFailed,
    ProbePositioned,
    Record,
    ScanStarted,
    SpectrumAcquired,
    StepStarted,
    TipConditioned,
)
from .errors import InstrumentError
from .instrument import GuardedInstrument, ScanFrame
from .workflow import where

_REFUSALS = ("LimitExceeded", "Forbidden", "Malformed", "Unsupported")  # classes of `errors`
_FELT = (SpectrumAcquired, ForceCurveAcquired, TipConditioned, ScanStarted)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An instruction that the limits refused in the middle of a run.

    Attributes:
        step: Which step gave it, as in a recipe.
        kind: Kind of that step.
        message: What the limit said.
        time: When [s].
    """

    step: str
    kind: str
    message: str
    time: float


@dataclass(slots=True)
class Extremes:
    """Hears the records of a run, in its instrument thread.

    Args:
        instrument: What is asked what it feels.

    Attributes:
        ranges: Lowest and highest value of each quantity with its unit, by name.
        bias_time: Bias that the sample has borne in spectra and pulses, times its duration [V s].
        n_spectra: Spectra.
        n_pulses: Pulses at the tip.
        n_taps: Pokes and force curves.
        refused: What the limits refused.
        places: Where spectra were taken [m].
    """

    instrument: GuardedInstrument
    ranges: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    bias_time: float = 0.0
    n_spectra: int = 0
    n_pulses: int = 0
    n_taps: int = 0
    refused: list[Refusal] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)
    step: tuple[str, str] = ("the start", "load")

    def __call__(self, record: Record) -> None:
        """Hear a record."""
        event = record.event
        match event:
            case StepStarted(index=index, kind=kind, path=path):
                self.step = where((index, *path[1::2])), kind
            case ScanStarted(instruction=scan):
                self._frame(scan.frame)
                self._saw("scan speed", 2 * scan.frame.size[0] * scan.line_rate, "m/s")
            case ProbePositioned(x=x, y=y):
                self._at(x, y)
            case SpectrumAcquired(instruction=instruction, spectrum=spectrum):
                self._at(spectrum.x, spectrum.y)
                self.places.append((instruction.x, instruction.y))
                self.n_spectra += 1
                waveform = instruction.waveform
                borne = sum(map(abs, waveform.values)) * waveform.dwell * waveform.cycles
                self.bias_time += borne
                self._saw("bias", min(waveform.values), "V")
                self._saw("bias", max(waveform.values), "V")
                self._saw("spectrum duration", spectrum.end_time - spectrum.start_time, "s")
            case ForceCurveAcquired(instruction=instruction, curve=curve):
                self._at(curve.x, curve.y)
                self.n_taps += 1
                self._saw("trigger of a force curve", instruction.trigger, "N")
            case TipConditioned(instruction=instruction, x=x, y=y):
                self._at(x, y)
                if instruction.depth:
                    self.n_taps += 1
                    self._saw("depth of a poke", instruction.depth, "m")
                else:
                    self.n_pulses += 1
                    self.bias_time += abs(instruction.bias) * instruction.duration
                    self._saw("pulse", instruction.bias, "V")
            case FeedbackSet(instruction=instruction):
                unit = self.instrument.limits.setpoint_unit or "1"
                for name, value, of in (
                    ("bias while scanning", instruction.bias, "V"),
                    ("set-point", instruction.setpoint, unit),
                    ("gain", instruction.gain, "1/s"),
                ):
                    if value is not None:
                        self._saw(name, value, of)
            case InstructionFailed(error=error, message=message) if error in _REFUSALS:
                self.refused.append(Refusal(*self.step, message, record.time))
        if isinstance(event, _FELT):
            self._feel()

    def table(self) -> dict[str, Any]:
        """Return what is known as plain values."""
        spent = [self.instrument.ledger.spent(*place) for place in set(self.places)]
        watched = self.instrument.limits.exposure is not None and spent
        return {
            "extremes": {
                name: {"least": low, "most": high, "unit": unit}
                for name, (low, high, unit) in self.ranges.items()
            },
            "bias_time": self.bias_time,
            "n_spectra": self.n_spectra,
            "n_pulses": self.n_pulses,
            "n_taps": self.n_taps,
            "most_at_one_place": {
                name: max(getattr(each, name) for each in spent)
                for name in ("bias_time", "spectra", "pulses", "taps")
            }
            if watched
            else None,
        }

    def _frame(self, frame: ScanFrame) -> None:
        for x, y in zip(*frame.corners(), strict=True):
            self._at(float(x), float(y))

    def _at(self, x: float, y: float) -> None:
        self._saw("x", x, "m")
        self._saw("y", y, "m")

    def _saw(self, name: str, value: float, unit: str) -> None:
        if math.isfinite(value):
            low, high, _ = self.ranges.get(name, (value, value, unit))
            self.ranges[name] = min(low, value), max(high, value), unit

    def _feel(self) -> None:
        """Look at what the instrument feels, where it tells."""
        if not self.instrument.capabilities.has_vitals:
            return
        try:
            vitals = self.instrument.vitals()
        except InstrumentError:
            return
        if vitals.unit:
            names: Mapping[str, str] = {"A": "current", "N": "force", "m": "deflection"}
            self._saw(f"{names.get(vitals.unit, 'signal')} felt", vitals.signal, vitals.unit)


def told_once(refused: list[Refusal]) -> Iterator[tuple[Refusal, int]]:
    """Yield the first refusal of each step, with how many there were."""
    steps: dict[str, list[Refusal]] = {}
    for each in refused:
        steps.setdefault(each.step, []).append(each)
    for several in steps.values():
        yield several[0], len(several)


def merged(ranges: list[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the extremes of several runs together."""
    found: dict[str, dict[str, Any]] = {}
    for each in ranges:
        for name, values in each.items():
            known = found.setdefault(name, dict(values))
            known["least"] = min(known["least"], values["least"])
            known["most"] = max(known["most"], values["most"])
    return found
