"""Figures: what a plan and a rehearsal say of a run before it starts, read from their JSON."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from spm_auto.errors import SpmError
from spm_auto.units import format as format_quantity

_CURVE = "force curve"  # as a plan names the operation


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class OperationFigures(_Table):
    """What a step does several times.

    Attributes:
        what: In words.
        count: How often.
        seconds: In all [s]; None where nobody knows yet.
    """

    what: str
    count: float
    seconds: float | None = None


class StepFigures(_Table):
    """What a step takes.

    Attributes:
        kind: Of the step.
        n_lines: Scan lines.
        n_spectra: Spectra.
        seconds: In all [s].
        path: Where it stands in the recipe.
        operations: What it does.
        inner: The steps that it is made of, all rounds of them together.
        rounds: How often it does them.
    """

    kind: str
    n_lines: float
    n_spectra: float
    seconds: float
    path: tuple[int, ...]
    operations: tuple[OperationFigures, ...] = ()
    inner: "tuple[StepFigures, ...]" = ()
    rounds: float = 1

    @property
    def n_curves(self) -> float:
        """How many force curves, with those of the steps within."""
        own = sum(each.count for each in self.operations if each.what == _CURVE)
        return own + sum(step.n_curves for step in self.inner)


class PlanFigures(_Table):
    """What a run will do.

    Attributes:
        elapsed: How long it takes, with what is known of the agent [s].
        load_seconds: Of that, loading the sample at the beginning [s].
        n_spectra: Spectra.
        bias: Lowest and highest [V].
        size: At most on disk [bytes].
        steps: Step by step.
    """

    elapsed: float
    load_seconds: float
    n_spectra: float
    bias: tuple[float, float]
    size: float
    steps: tuple[StepFigures, ...]

    @property
    def n_curves(self) -> float:
        """How many force curves."""
        return sum(step.n_curves for step in self.steps)

    @property
    def n_lines(self) -> float:
        """How many scan lines."""
        return sum(step.n_lines for step in self.steps)

    def flat(self) -> Iterator[StepFigures]:
        """Yield all steps, also those within others, in order."""
        yield from _flat(self.steps)


class PlaceFigures(_Table):
    """What the sample bears around the place where it bears most."""

    bias_time: float
    spectra: float
    pulses: float
    taps: float


class RefusalFigures(_Table):
    """An instruction that the limits refused in a rehearsal."""

    step: str
    kind: str
    message: str
    time: float


class RangeFigures(_Table):
    """How far a quantity went."""

    least: float
    most: float
    unit: str


class RehearsalFigures(_Table):
    """What a rehearsal found.

    Attributes:
        finish_reason: How it ended.
        message: Why, where it was not completed.
        times: What each rehearsal took, in instrument time [s].
        bias_time: Bias times its duration, over all spectra and pulses [V s].
        n_spectra: Spectra.
        n_force_curves: Force curves.
        n_pulses: Pulses at the tip.
        most_at_one_place: What the sample bore where it bore most; None where that is not counted.
        extremes: How far everything went, by name.
        refused: What the limits refused.
    """

    finish_reason: str
    message: str
    times: tuple[float, ...]
    bias_time: float
    n_spectra: int
    n_force_curves: int
    n_pulses: int
    most_at_one_place: PlaceFigures | None = None
    extremes: dict[str, RangeFigures]
    refused: Annotated[tuple[RefusalFigures, ...], BeforeValidator(tuple)] = ()


def read_plan(output: str) -> PlanFigures:
    """Read what ``spm-auto plan --json`` wrote.

    Raises:
        SpmError: It is no plan.
    """
    try:
        return PlanFigures.model_validate_json(output)
    except ValidationError as error:
        raise SpmError(f"the plan cannot be read: {_first(error)}") from error


def read_rehearsal(output: str) -> RehearsalFigures:
    """Read what ``spm-auto rehearse --json`` wrote.

    Raises:
        SpmError: It is no rehearsal.
    """
    try:
        return RehearsalFigures.model_validate_json(output)
    except ValidationError as error:
        raise SpmError(f"the rehearsal cannot be read: {_first(error)}") from error


def counted(number: float, one: str, many: str) -> str:
    """Say how many there are: "1 spectrum", "36 spectra"."""
    return f"{number:g} {one if number == 1 else many}"


def measurements(spectra: float, curves: float) -> str:
    """Say how many spectra and force curves there are."""
    said = [counted(spectra, "spectrum", "spectra")] if spectra or not curves else []
    if curves:
        said.append(counted(curves, "force curve", "force curves"))
    return " and ".join(said)


def bias_range(bias: tuple[float, float]) -> str:
    """Say between which values the bias goes."""
    low, high = bias
    if low == high == 0.0:
        return "no sweep or pulse"
    return f"{format_quantity(low, 'V', 4)} to {format_quantity(high, 'V', 4)}"


def exposure(found: RehearsalFigures) -> str:
    """Say what the sample bore in a rehearsal."""
    said = f"{format_quantity(found.bias_time, 'V s', 3)} in all"
    most = found.most_at_one_place
    if most is None:
        return said
    counts = (
        counted(most.spectra, "spectrum", "spectra") if most.spectra else "",
        counted(most.pulses, "pulse", "pulses") if most.pulses else "",
        counted(most.taps, "touch", "touches") if most.taps else "",
    )
    there = format_quantity(most.bias_time, "V s", 3)
    return f"{said}; most around one place: {', '.join(filter(None, (there, *counts)))}"


def _flat(steps: tuple[StepFigures, ...]) -> Iterator[StepFigures]:
    for step in steps:
        yield step
        yield from _flat(step.inner)


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}" if place else fault["msg"]
