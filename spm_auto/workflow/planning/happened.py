"""Happened: what a run really did when, from its records; and what the time model missed by."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ...data import (
    AgentAnswered,
    AgentPrepared,
    ForceCurveAcquired,
    InstructionFailed,
    Judged,
    PointChosen,
    Record,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    StepStarted,
    Waited,
)
from ...instrument import Instruction, Scan
from . import pricing as words
from .accounts import Account, Path, Resource, Span
from .pricing import Measured, Pricing, begins_at, ends_at, mean_distance, operation_of


@dataclass(frozen=True, slots=True)
class Happened:
    """What a run did.

    Attributes:
        spans: What was done when, in order.
        accounts: What each step used, by path; what belongs to none has an empty path.
        kinds: Kind of each step, by path.
        seconds: Time from the first record to the last [s].
        carried_out: Instructions that were carried out, with what they took [s], in order.
    """

    spans: tuple[Span, ...]
    accounts: dict[Path, Account]
    kinds: dict[Path, str]
    seconds: float
    carried_out: tuple[tuple[Instruction, float], ...]


def what_happened(records: Sequence[Record]) -> Happened:
    """Say what a run did when, as far as its records tell.

    An instruction took the time from the record before it to its own; a spectrum and a force curve
    say themselves when they began. What the agent thinks began when it answered last, since it is
    asked anew then.

    Args:
        records: Of the run, in order.
    """
    teller = _Teller(records[0].time if records else 0.0)
    for record in records:
        teller.hear(record)
    end = records[-1].time - records[0].time if records else 0.0
    for path, account in teller.accounts.items():
        account.end = max((s.end for s in teller.spans if s.path[: len(path)] == path), default=end)
    return Happened(
        tuple(teller.spans), teller.accounts, teller.kinds, end, tuple(teller.carried_out)
    )


def measured(happened: Happened, pricing: Pricing) -> Measured:
    """Say by what the time model missed what really happened.

    Args:
        happened: What a run did.
        pricing: The time model of the instrument that it ran on, not corrected by anything.
    """
    said: dict[str, float] = defaultdict(float)
    took: dict[str, float] = defaultdict(float)
    at, scan = pricing.here, None
    lengths, at_random = [], []
    for instruction, seconds in happened.carried_out:
        what, target = operation_of(instruction), begins_at(instruction)
        way = pricing.way(at, target)
        said[what] += pricing.fixed(instruction) + way
        took[what] += seconds
        if what == words.SPECTRUM and scan is not None and at is not None and target is not None:
            lengths.append(math.dist(at, target))
            at_random.append(mean_distance(*scan.frame.size))
        at = ends_at(instruction) or at
        if isinstance(instruction, Scan) and what == "scan":
            scan = instruction
    ratios = {what: took[what] / said[what] for what in said if said[what] > 0}
    return Measured(
        ratios=ratios,
        ways=sum(lengths) / sum(at_random) if lengths else 1.0,
        thinking=_mean(happened, words.THINKING),
        making=_mean(happened, words.MAKING),
        asking=_mean(happened, words.ASKING),
    )


def _mean(happened: Happened, what: str) -> float:
    each = [span.busy for span in happened.spans if span.what == what]
    return fmean(each) if each else math.nan


class _Teller:
    """Turns records into stretches of time."""

    def __init__(self, began: float) -> None:
        self.spans: list[Span] = []
        self.accounts: dict[Path, Account] = {}
        self.kinds: dict[Path, str] = {}
        self.carried_out: list[tuple[Instruction, float]] = []
        self._began = self._before = self._free = began
        self._asked = began
        self._path: Path = ()
        self._scan: tuple[Scan, float] | None = None

    def hear(self, record: Record) -> None:
        """Hear a record."""
        time, event = record.time, record.event
        match event:
            case StepStarted(index=index, kind=kind, path=path):
                self._step((index, *path[1::2]), kind, time)
            case ScanStarted(instruction=scan):
                self._scan = scan, time
            case ScanFinished(is_complete=is_complete) if self._scan is not None:
                scan, start = self._scan
                self._scan = None
                self._done(scan, start, time, is_counted=is_complete)
            case SpectrumAcquired(instruction=instruction, spectrum=spectrum):
                self._done(instruction, spectrum.start_time, spectrum.end_time)
            case ForceCurveAcquired(instruction=instruction, curve=curve):
                self._done(instruction, curve.start_time, curve.end_time)
            case InstructionFailed():
                self._put("failed", Resource.INSTRUMENT, self._before, time)
            case Waited(seconds=seconds) if seconds > 0:
                self._put(words.WAITING, Resource.INSTRUMENT, time - seconds, time)
            case AgentPrepared(seconds=seconds):
                self._put(words.MAKING, Resource.AGENT, time - seconds, time)
                self._asked = time
            case AgentAnswered(seconds=seconds):
                self._put(words.THINKING, Resource.AGENT, self._asked, self._asked + seconds)
                self._asked = time
            case PointChosen():
                self._asked = time
            case Judged():
                self._put(words.ASKING, Resource.HUMAN, self._before, time)
            case _:
                done: Instruction | None = getattr(event, "instruction", None)
                if done is not None:
                    self._done(done, max(self._before, self._free), time)
        self._before = time

    def _step(self, path: Path, kind: str, time: float) -> None:
        self._path = path
        self.kinds[path] = kind
        account = self._account(path)
        account.rounds += 1
        if math.isnan(account.start):
            account.start = time - self._began

    def _done(
        self, instruction: Instruction, start: float, end: float, is_counted: bool = True
    ) -> None:
        self._put(operation_of(instruction), Resource.INSTRUMENT, start, end)
        account = self._account(self._path)
        account.n_spectra += operation_of(instruction) == words.SPECTRUM
        if isinstance(instruction, Scan):
            account.n_lines += instruction.frame.pixels[1]
        if is_counted:
            self.carried_out.append((instruction, end - start))

    def _put(self, what: str, who: Resource, start: float, end: float) -> None:
        if end <= start and what == "failed":  # refused at once
            return
        span = Span(self._path, what, who, start - self._began, end - self._began, 1, end - start)
        self.spans.append(span)
        self._account(self._path).use(who, what, 1, end - start)
        if who is Resource.INSTRUMENT:
            self._free = end

    def _account(self, path: Path) -> Account:
        return self.accounts.setdefault(path, Account())
