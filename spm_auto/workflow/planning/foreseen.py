"""Foreseen: the outlines of a recipe gone through in mind, with what each operation takes."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...instrument import AcquireForceCurve, AcquireSpectrum, Capabilities, Instruction, Load, Scan
from ..steps.base import Outline
from ..steps.tip_care import TipSettings
from . import pricing as words
from .accounts import Account, Path, Resource, Span, put_span
from .pricing import Pricing, begins_at, ends_at, exposure_of, mean_distance, operation_of

_MOST = 2_000  # instructions that are gone through one by one; rounds after that are extrapolated

_State = tuple[float, int, float, dict[Path, Account]]  # time, spectra, exposure, accounts


class _Spent(Exception):
    """What a block may use is used up."""

    def __init__(self, cap: "_Cap") -> None:
        super().__init__()
        self.cap = cap


@dataclass(frozen=True, slots=True, eq=False)
class _Cap:
    """What a block may use, and what was used when it began."""

    outline: Outline
    began: float
    n_spectra: int
    exposure: float


class Foreseen:
    """Goes through outlines, and counts what is used where.

    Args:
        pricing: What instructions take.
        capabilities: What the instrument has.
        tip: How the tip is looked after; None for not at all.

    Attributes:
        accounts: What each step uses, by path; what the run's start uses has an empty path.
        spans: What is done when.
        now: Time since the run's start [s].
    """

    def __init__(
        self, pricing: Pricing, capabilities: Capabilities, tip: TipSettings | None = None
    ) -> None:
        self._pricing, self._capabilities, self._tip = pricing, capabilities, tip
        self.accounts: dict[Path, Account] = {}
        self.spans: list[Span] = []
        self.now = 0.0
        self._at = pricing.here
        self._scan: Scan | None = None
        self._given = self._n_spectra = 0
        self._exposure = 0.0
        self._caps: list[_Cap] = []

    def load(self) -> None:
        """Ready the instrument, the way every run begins."""
        self._give((), Load(), 1)

    def go(self, outline: Outline, path: Path) -> None:
        """Go through what a step is about to do."""
        account = self._account(path)
        if math.isnan(account.start):
            account.start = self.now
        cap = _Cap(outline, self.now, self._n_spectra, self._exposure)
        try:
            if outline.asks:
                asking = self._pricing.measured.asking
                self._use(path, Resource.HUMAN, words.ASKING, outline.asks, outline.asks * asking)
            if outline.rounds > 1:
                self._rounds(outline, path, cap)
            else:
                self._caps.append(cap)
                account.rounds += 1
                self._once(outline, path)
        except _Spent as spent:
            if spent.cap is not cap:
                raise
        finally:
            if cap in self._caps:
                self._caps.remove(cap)
            account.end = self.now

    def _once(self, outline: Outline, path: Path) -> None:
        """Go through a round."""
        if outline.choices:
            self._begin_agent(path)
            if self._tip is not None:
                self._give(path, self._tip.scan(), 1)
        n_chosen = 0
        most = self._tip.every if outline.choices and self._tip is not None else math.inf
        for instruction, count in _grouped(outline.instructions, most):
            n_chosen += self._give(path, instruction, count, outline, n_chosen)
        if outline.choices and self._tip is not None:
            self._give(path, self._tip.scan(), 1)
        if outline.waiting:
            self._use(path, Resource.INSTRUMENT, words.WAITING, 1, outline.waiting)
        for number, inner in enumerate(outline.inner):
            self.go(inner, (*path, number))

    def _rounds(self, outline: Outline, path: Path, cap: _Cap) -> None:
        """Go through rounds, until it is enough; very many are not gone through one by one."""
        before = self._snapshot()
        for turn in range(outline.rounds):
            if self._given > _MOST and turn > 1:
                self._extrapolate(outline.rounds - turn, cap, path, before)
                return
            before = self._snapshot()
            self._once(outline, path)
            self.accounts[path].rounds += 1
            if self._left(cap) <= 0:
                return

    def _give(
        self,
        path: Path,
        instruction: Instruction,
        count: int,
        outline: Outline | None = None,
        n_before: int = 0,
    ) -> int:
        """Give an instruction so many times; returns how many of these were chosen by an agent."""
        pricing, what = self._pricing, operation_of(instruction)
        account = self._account(path)
        target, way = begins_at(instruction), 0.0
        is_chosen = outline is not None and bool(outline.choices)
        if is_chosen and self._scan is not None:
            size = self._scan.frame.size
            way = pricing.measured.ways * pricing.way_of(mean_distance(*size))
        else:
            way = pricing.way(self._at, target)
            count_away = count - 1  # from the second on the probe stands there already
            way -= way * count_away / count
        each = pricing.corrected(what, pricing.fixed(instruction))
        way = pricing.corrected(words.POSITION, way)
        thinking = pricing.measured.thinking if is_chosen else math.nan
        idle = self._idle(outline, each + way, thinking)
        wear = exposure_of(instruction)
        is_counted = isinstance(instruction, AcquireSpectrum | AcquireForceCurve)
        count, spent = self._allowed(count, each + way + idle, is_counted, wear)
        if count:
            start = self.now
            self._given += 1
            account.book(instruction, count, self._capabilities)
            if way and what != words.POSITION:
                account.use(Resource.INSTRUMENT, words.POSITION, count, way * count)
            if idle:
                account.use(Resource.AGENT, words.IDLE, count, idle * count)
            busy = (each + way) * count
            extra = way * count if what == words.POSITION else 0.0
            account.use(Resource.INSTRUMENT, what, count, each * count + extra)
            self.now += (each + way + idle) * count
            self._span(path, what, Resource.INSTRUMENT, start, count, busy)
            if is_chosen:
                account.use(Resource.AGENT, words.THINKING, count, thinking * count)
                if thinking > 0:
                    self._span(path, words.THINKING, Resource.AGENT, start, count, thinking * count)
            self._n_spectra += count * is_counted
            self._exposure += count * wear
            self._at = ends_at(instruction) or self._at
            if isinstance(instruction, Scan):
                self._scan = instruction if what == "scan" else self._scan
            if is_chosen and self._tip is not None:
                self._look(path, n_before, n_before + count)
        if spent is not None:
            raise _Spent(spent)
        return count if is_chosen else 0

    def _look(self, path: Path, before: int, after: int) -> None:
        """Look at the tip as often as it is time for it between two numbers of spectra."""
        assert self._tip is not None
        every = self._tip.every
        looks = max(after - 1, 0) // every - max(before - 1, 0) // every
        if looks:
            self._give(path, self._tip.scan(), looks)

    def _idle(self, outline: Outline | None, seconds: float, thinking: float) -> float:
        """Return for how long the instrument stands still for a choice [s]."""
        if outline is None or not thinking > 0:
            return 0.0
        return max(thinking - seconds, 0.0) if outline.is_beside else thinking

    def _begin_agent(self, path: Path) -> None:
        making = self._pricing.measured.making
        self._account(path).use(Resource.AGENT, words.MAKING, 1, making)
        if making > 0:
            start = self.now
            self.now += making
            self._span(path, words.MAKING, Resource.AGENT, start, 1, making)

    def _allowed(
        self, count: int, seconds: float, is_counted: bool, wear: float
    ) -> tuple[int, _Cap | None]:
        """Return how often an instruction may be given, and which cap ends it."""
        spent = None
        for cap in self._caps:
            room = [(cap.outline.longest - (self.now - cap.began), seconds)]
            if is_counted:
                room.append((cap.outline.spectra - (self._n_spectra - cap.n_spectra), 1.0))
            room.append((cap.outline.exposure - (self._exposure - cap.exposure), wear))
            for left, each in room:
                if left <= 0:
                    return 0, cap
                most = left / each if each > 0 else math.inf
                if most < count:
                    count, spent = math.ceil(most), cap
        return count, spent

    def _left(self, cap: _Cap) -> float:
        """Return the smallest share of what a block may use that is left."""
        allowed = (cap.outline.longest, cap.outline.spectra, cap.outline.exposure)
        return min(1 - u / a for u, a in zip(self._used(cap), allowed, strict=True))

    def _used(self, cap: _Cap) -> tuple[float, int, float]:
        """Return time [s], spectra and exposure [V s] since a block began."""
        spectra, exposure = self._n_spectra - cap.n_spectra, self._exposure - cap.exposure
        return self.now - cap.began, spectra, exposure

    def _use(self, path: Path, who: Resource, what: str, count: int, seconds: float) -> None:
        """Count an operation that nothing else goes on beside."""
        self._account(path).use(who, what, count, seconds)
        if seconds > 0:
            start = self.now
            self.now += seconds
            self._span(path, what, who, start, count, seconds)

    def _extrapolate(self, rounds: int, cap: _Cap, path: Path, began: _State) -> None:
        """Let more rounds be as the last one was, as many as all caps let be."""
        now, n_spectra, exposure, before = began
        each = (self.now - now, self._n_spectra - n_spectra, self._exposure - exposure)
        for over in (*self._caps, cap):
            o = over.outline
            allowed = (o.longest, o.spectra, o.exposure)
            for one, u, most in zip(each, self._used(over), allowed, strict=True):
                if one > 0 and math.isfinite(most):
                    rounds = min(rounds, max(math.ceil((most - u) / one), 0))
        start = self.now
        self.now += rounds * each[0]
        self._n_spectra += rounds * each[1]
        self._exposure += rounds * each[2]
        for where, account in self.accounts.items():
            account.again(before.get(where, Account()), rounds)
            if where[: len(path)] == path:
                account.end = self.now
        what = "further rounds"
        self.spans.append(Span(path, what, Resource.INSTRUMENT, start, self.now, rounds))

    def _snapshot(self) -> _State:
        copies = {path: account.copy() for path, account in self.accounts.items()}
        return self.now, self._n_spectra, self._exposure, copies

    def _account(self, path: Path) -> Account:
        return self.accounts.setdefault(path, Account())

    def _span(
        self, path: Path, what: str, who: Resource, start: float, count: int, busy: float
    ) -> None:
        put_span(self.spans, Span(path, what, who, start, self.now, count, busy))


def _grouped(instructions: Sequence[Instruction], most: float) -> Iterator[tuple[Instruction, int]]:
    """Yield equal instructions that follow one another together, so many at most."""
    for instruction, group in itertools.groupby(instructions):
        left = sum(1 for _ in group)
        while left > 0:
            count = int(min(left, most))
            yield instruction, count
            left -= count
