"""Accounts: what each step of a run uses, operation by operation, and when."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ...instrument import AcquireForceCurve, AcquireSpectrum, Capabilities, Instruction, Scan

_RECORD = 512  # [bytes] of the journal for an event, its arrays not counted
_NUMBER = 8  # [bytes]
_BIAS = 9 + _NUMBER  # [bytes] for each point: asked for, and read back
_IMAGE = 16_000  # [bytes] of the run file for an image, its pixels not counted

Path = tuple[int, ...]


class Resource(StrEnum):
    """Who is busy with an operation."""

    INSTRUMENT = "instrument"
    AGENT = "agent"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which one thing is done, once or again and again.

    Attributes:
        path: Step of the recipe, and the numbers of the steps inside of it; empty for none.
        what: Kind of operation.
        resource: Who does it.
        start: Since the run's start [s].
        end: Since the run's start [s].
        count: How often it is done.
        busy: For how long of that time [s].
    """

    path: Path
    what: str
    resource: Resource
    start: float
    end: float
    count: int = 1
    busy: float = math.nan


@dataclass(slots=True)
class Account:
    """What a step uses, counted up.

    Attributes:
        count: How often each operation is done, by resource and kind.
        seconds: What it takes in all [s], NaN where nobody knows.
        n_lines: Lines that are scanned.
        n_spectra: Spectra that are taken.
        size: What the results take in the journal [bytes].
        start: When it begins first [s].
        end: When it ends last [s].
        rounds: How many rounds of its inner steps there are.
    """

    count: dict[tuple[Resource, str], int] = field(default_factory=dict)
    seconds: dict[tuple[Resource, str], float] = field(default_factory=dict)
    n_lines: int = 0
    n_spectra: int = 0
    size: int = 0
    start: float = math.nan
    end: float = math.nan
    rounds: int = 0

    def copy(self) -> "Account":
        """Return what is used so far."""
        return replace(self, count=dict(self.count), seconds=dict(self.seconds))

    def use(self, who: Resource, what: str, count: int, seconds: float) -> None:
        """Count an operation."""
        key = who, what
        self.count[key] = self.count.get(key, 0) + count
        self.seconds[key] = self.seconds.get(key, 0.0) + seconds

    def book(self, instruction: Instruction, count: int, capabilities: Capabilities) -> None:
        """Count what an instruction gives."""
        self.size += count * result_size(instruction, capabilities)
        if isinstance(instruction, Scan):
            self.n_lines += count * instruction.frame.pixels[1]
        if isinstance(instruction, AcquireSpectrum):
            self.n_spectra += count

    def again(self, before: "Account", rounds: int) -> None:
        """Use as often again what was used since an earlier state."""
        for key in self.count:
            self.count[key] += rounds * (self.count[key] - before.count.get(key, 0))
            self.seconds[key] += rounds * (self.seconds[key] - before.seconds.get(key, 0.0))
        for name in ("n_lines", "n_spectra", "size", "rounds"):
            now = getattr(self, name)
            setattr(self, name, now + rounds * (now - getattr(before, name)))


def put_span(spans: list[Span], new: Span) -> None:
    """Append a stretch of time; one that goes on with the last one becomes part of it."""
    last = spans[-1] if spans else None
    if (
        last is not None
        and (last.path, last.what, last.resource) == (new.path, new.what, new.resource)
        and math.isclose(last.end, new.start)
    ):
        spans.pop()
        busy, count = last.busy + new.busy, last.count + new.count
        new = replace(new, start=last.start, count=count, busy=busy)
    spans.append(new)


def result_size(instruction: Instruction, capabilities: Capabilities) -> int:
    """Return how many bytes the records of an instruction take."""
    match instruction:
        case Scan():
            n_images = 2 * len(capabilities.channels_of(instruction))  # forward and backward
            pixels, lines = instruction.frame.pixels
            return lines * (_RECORD + n_images * pixels * _NUMBER) + n_images * _IMAGE
        case AcquireSpectrum(waveform=waveform):
            point = _BIAS + _NUMBER * len(capabilities.spectrum_channels)
            return _RECORD + point * len(waveform.values)
        case AcquireForceCurve(points=points):
            return _RECORD + 4 * _NUMBER * points
        case _:
            return 0
