"""The plan of a run: what it will do and how long it will take, before anything moves."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...errors import InstrumentError, RecipeError
from ...instrument import AcquireSpectrum, GuardedInstrument
from ..recipe import Recipe
from ..steps.base import Outline
from .accounts import Account, Path, Resource, Span
from .foreseen import Foreseen
from .pricing import THINKING, Measured, Pricing
from .refusals import last_scans, limit_faults, outlines_of

_COPIES = 3  # the journal, the run file made of it, and the one that takes this one's place
_PAGES = 2_000_000  # [bytes] the report, and what a run file holds without any data


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a step does, once or again and again.

    Attributes:
        what: Its kind: "scan", "spectrum", "position", "think" and so on.
        resource: Who is busy with it.
        count: How often.
        seconds: What it takes in all [s]; NaN where nobody has measured it.
    """

    what: str
    resource: Resource
    count: int
    seconds: float

    @property
    def each(self) -> float:
        """What it takes each time [s]; NaN where nobody has measured it."""
        return self.seconds / self.count if self.count else math.nan


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a step is about to do.

    Attributes:
        kind: Kind of step.
        n_lines: Lines that it will scan.
        n_spectra: Spectra that it will take, at most.
        seconds: Instrument time that it will need [s].
        size: What its records will take in the journal, and again in a run file [bytes], at most.
        path: Which step of the recipe, and the numbers of the steps inside of it.
        operations: What it does itself, its inner steps left out.
        inner: Its inner steps, all rounds of them together.
        rounds: How many rounds of these there will be.
        start: When it begins first, since the run's start [s].
        end: When it ends last, the agent's and the humans' time included as far as known [s].
    """

    kind: str
    n_lines: int
    n_spectra: int
    seconds: float
    size: int
    path: Path = ()
    operations: tuple[Operation, ...] = ()
    inner: tuple["PlannedStep", ...] = ()
    rounds: int = 1
    start: float = 0.0
    end: float = 0.0

    def flat(self) -> Iterator["PlannedStep"]:
        """Yield the step and all inside of it, from the outside in."""
        yield self
        for step in self.inner:
            yield from step.flat()


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What most of the time goes to.

    Attributes:
        path: The step.
        kind: Its kind.
        what: Kind of operation.
        resource: Who is busy with it.
        seconds: For how long [s].
        share: The share of the whole time.
    """

    path: Path
    kind: str
    what: str
    resource: Resource
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is about to do.

    Attributes:
        steps: Step by step.
        load_seconds: Instrument time to ready the instrument [s].
        bias: Lowest and highest bias that the sample will see [V]; (0, 0) without a spectrum.
        spans: What is done when, for a picture.
        elapsed: Time from start to end, the agent's and the humans' included as far as known [s].
    """

    steps: tuple[PlannedStep, ...]
    load_seconds: float
    bias: tuple[float, float]
    spans: tuple[Span, ...] = ()
    elapsed: float = 0.0

    @property
    def seconds(self) -> float:
        """Instrument time of the whole run [s]."""
        return self.load_seconds + sum(step.seconds for step in self.steps)

    @property
    def size(self) -> int:
        """What the run's folder will hold, report and all [bytes], at most."""
        return _PAGES + _COPIES * sum(step.size for step in self.steps)

    @property
    def n_spectra(self) -> int:
        """Spectra of the whole run, at most."""
        return sum(step.n_spectra for step in self.steps)

    @property
    def critical_path(self) -> tuple[Bottleneck, ...]:
        """What the end waits for, in order: of each step who is slowest at it.

        The agent thinks beside the instrument. So a step lasts as long as the instrument needs,
        unless the agent needs longer; what it then makes the instrument wait is the agent's.
        """
        found = [Bottleneck((), "load", "load", Resource.INSTRUMENT, self.load_seconds, math.nan)]
        for step in (s for top in self.steps for s in top.flat()):
            for operation in step.operations:
                seconds, who = _on_the_path(operation), operation.resource
                if seconds > 0:
                    what = operation.what
                    found.append(Bottleneck(step.path, step.kind, what, who, seconds, math.nan))
        total = sum(each.seconds for each in found) or math.nan
        return tuple(
            Bottleneck(e.path, e.kind, e.what, e.resource, e.seconds, e.seconds / total)
            for e in found
        )

    @property
    def bottleneck(self) -> Bottleneck:
        """The operation on the critical path that takes longest."""
        return max(self.critical_path, key=lambda each: each.seconds)


def make_plan(
    recipe: Recipe,
    instrument: GuardedInstrument,
    measured: Measured | None = None,
    retuning: float | None = None,
) -> Plan:
    """Check what is known of a recipe against the limits, and add up its times. Nothing moves.

    Args:
        recipe: The recipe.
        instrument: The instrument that it will run on, loaded or not.
        measured: What an earlier run took; the times are corrected by it.
        retuning: What a `Load` takes that finds its sample mounted [s]; None when unknown.

    Raises:
        RecipeError: Instructions will be refused; the message names each step and its limit.
    """
    outlines = outlines_of(recipe)
    faults = list(limit_faults(recipe, outlines, instrument))
    if faults:
        raise RecipeError("\n".join(faults))
    tip = recipe.recovery.tip if recipe.recovery is not None else None
    foreseen = Foreseen(Pricing(instrument, measured, retuning), instrument.capabilities, tip)
    try:
        foreseen.load()
        for index, outline in enumerate(outlines):
            foreseen.go(outline, (index,))
    except InstrumentError as error:
        raise RecipeError(f"the instrument cannot say how long it takes: {error}") from error
    sizes, before = [], None
    for step, scan in zip(recipe.steps, last_scans(recipe), strict=True):
        sizes.append(step.notes_size(before))
        before = scan
    steps = tuple(
        _planned(outline, (index,), foreseen.accounts, size)
        for index, (outline, size) in enumerate(zip(outlines, sizes, strict=True))
    )
    loading = sum(foreseen.accounts[()].seconds.values())
    return Plan(steps, loading, _biases(recipe), tuple(foreseen.spans), foreseen.now)


def _biases(recipe: Recipe) -> tuple[float, float]:
    biases = {0.0}
    for waveform in {i.waveform for _, i in recipe.preview() if isinstance(i, AcquireSpectrum)}:
        biases |= {min(waveform.values), max(waveform.values)}
    return min(biases), max(biases)


def _planned(
    outline: Outline, path: Path, accounts: Mapping[Path, Account], size: int
) -> PlannedStep:
    account = accounts.get(path, Account())
    inner = tuple(
        _planned(each, (*path, number), accounts, 0) for number, each in enumerate(outline.inner)
    )
    operations = tuple(
        Operation(what, who, count, account.seconds[who, what])
        for (who, what), count in account.count.items()
    )
    own = sum(o.seconds for o in operations if o.resource is Resource.INSTRUMENT)
    return PlannedStep(
        kind=outline.kind,
        n_lines=account.n_lines + sum(step.n_lines for step in inner),
        n_spectra=account.n_spectra + sum(step.n_spectra for step in inner),
        seconds=own + sum(step.seconds for step in inner),
        size=size + account.size + sum(step.size for step in inner),
        path=path,
        operations=operations,
        inner=inner,
        rounds=account.rounds,
        start=account.start,
        end=account.end,
    )


def _on_the_path(operation: Operation) -> float:
    """Return for how long the end waits for an operation [s]."""
    if operation.what == THINKING or math.isnan(operation.seconds):  # beside the instrument
        return 0.0
    return operation.seconds
