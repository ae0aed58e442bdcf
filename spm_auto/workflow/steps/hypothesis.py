"""The hypothesis step: which of several laws holds, found out with as few pulses as it takes."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from ... import plugins
from ...analysis import (
    Domain,
    Evidence,
    Grown,
    Law,
    Span,
    information,
    measure_domain,
    poled_sites,
    probabilities,
    seen_at_best,
    weigh,
)
from ...data import Alarm, Finding
from ...errors import BudgetSpent, LimitExceeded, RecipeError
from ...instrument import (
    AcquireSpectrum,
    BiasWaveform,
    FloatArray,
    Instruction,
    Scan,
    ScanFrame,
    ScanImage,
)
from ...settings import PluginName
from ...units import Bias, Duration, Frequency, Length
from ...units import format as format_quantity
from ..requests import Compute, Estimate, Estimates, Note, Request
from .base import Step, StepContext, StepGenerator
from .settings import FrameSettings, PixelCount

LawName = Annotated[str, PluginName("laws")]
LAWS = ("instant", "log_time", "power", "viscous", "creep")
SITES = "sites"  # cause of an alarm: there is no place to go on, or what is there is no use
_SHARED = "hypothesis"
_SAME = 0.99  # of the spacing: closer is no fresh place
_NO_SITE = "no site is left that has had no pulse"
_NOT_POLED = "there is no site for a pulse: nowhere is the film poled one way"
_NOTE = 2048  # [bytes] of a finding without its arrays
_LEAVES = 2.0  # sizes of an image, as far as a domain may reach that is not whole on it
_LARGEST = 2 / 3  # of the image of a site: larger domains are not sure to be whole

Row = tuple[float, float, float, float, float]


@dataclass(slots=True)
class _Memory:
    """What steps of this kind remember.

    Attributes:
        used: Places that have had a pulse [m].
        rows: What was found, by step: bias, duration, diameter, uncertainty, smallest.
        too_large: Bias and duration of pulses whose domains were not whole on their images.
    """

    used: list[tuple[float, float]] = field(default_factory=list)
    rows: dict[tuple[int, ...], list[Row]] = field(default_factory=dict)
    too_large: list[tuple[float, float]] = field(default_factory=list)


class HypothesisStep(Step):
    """Tell laws of domain growth apart: pulse at a fresh site, look what grew, weigh the laws.

    The sites lie where the image before shows film that is poled one way. Each pulse is the one
    that is expected to tell most about which law holds, for the time that it costs. Inside of a
    `repeat` block later rounds go on with what earlier ones found.

    Attributes:
        biases: That a pulse may have, all of one sign [V].
        durations: That it may have [s].
        budget: How many pulses, at most.
        laws: Names of the candidates.
        until: Probability of a law at which it is enough.
        least: How many pulses there are at least, before it may be enough.
        choice: How the next pulse is chosen: by the information that it is expected to give, by
            chance, or in turn through all of them.
        size: Side of the image of a site [m]; the largest domain must fit.
        pixels: Along each side of that image.
        line_rate: Of that image [Hz].
        phase: Channel with the phase of the response, or with its signed value.
        amplitude: Channel with the amplitude; empty for none.
        resolution: Standard deviation of the area that the tip sees [m].
        area: Where the sites lie; without it on the frame of the image before.
        spacing: Of neighbouring sites [m]; without it as wide as the image of a site.
    """

    kind: Literal["hypothesis"]
    biases: Annotated[tuple[Bias, ...], Field(min_length=2, max_length=100)]
    durations: Annotated[tuple[Annotated[Duration, Field(gt=0)], ...], Field(min_length=2)]
    budget: Annotated[int, Field(ge=1, le=10_000)] = 30
    laws: Annotated[tuple[LawName, ...], Field(min_length=2)] = LAWS
    until: Annotated[float, Field(gt=0.5, le=1)] = 0.95
    least: Annotated[int, Field(ge=1)] = 4
    choice: Literal["information", "chance", "turns"] = "information"
    size: Annotated[Length, Field(gt=0)] = 250e-9
    pixels: PixelCount = 32
    line_rate: Annotated[Frequency, Field(gt=0)] = 4.0
    phase: str = "phase"
    amplitude: str = "amplitude"
    resolution: Annotated[Length, Field(ge=0)] = 0.0
    area: FrameSettings | None = None
    spacing: Annotated[Length, Field(gt=0)] | None = None

    @field_validator("biases", "durations", "laws")
    @classmethod
    def _differ(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"the same one is given twice: {', '.join(map(str, values))}")
        return values

    @field_validator("biases")
    @classmethod
    def _have_one_sign(cls, biases: tuple[float, ...]) -> tuple[float, ...]:
        if not (min(biases) > 0 or max(biases) < 0):
            raise ValueError("the pulses must all be positive or all be negative")
        return biases

    @model_validator(mode="after")
    def _images_fit(self) -> "HypothesisStep":
        if self.spacing is not None and self.spacing < self.size:
            raise ValueError(
                f"spacing: sites {format_quantity(self.spacing, 'm')} apart lie on one another's "
                f"images, which are {format_quantity(self.size, 'm')} wide"
            )
        self._span()
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return as many pulses and images as the budget allows, in the middle of the area."""
        middle = self._area(before.frame if before else None).center
        pulses = self._pulses()
        spread = np.linspace(len(pulses) - 1, 0, self.budget)  # the strongest one is among them
        known: list[Instruction] = []
        for bias, duration in (pulses[k] for k in np.rint(spread).astype(int).tolist()):
            known += [_pulse(middle, bias, duration), self._look(middle)]
        return known

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return how many bytes the findings take."""
        return self.budget * (_NOTE + 256 * len(self.laws) + 5 * 8 * self.budget)

    def run(self, context: StepContext) -> StepGenerator:
        """Tell the laws apart."""
        if not context.images:
            raise RecipeError("a hypothesis step needs an overview step before it")
        image = context.images[-1]
        memory: _Memory = context.knowledge.shared.setdefault(_SHARED, _Memory())
        rows = memory.rows.setdefault((context.index, *context.path[1::2]), [])
        sites = yield from self._sites(image, memory.used)
        if not sites:
            return image
        rng = context.rng()
        inference = _Inference(self._laws(), self._span(), int(rng.integers(2**32)))
        bias, duration = np.array(self._pulses()).T
        seconds = yield from self._seconds(sites[0])
        at_best = seen_at_best(self._look(sites[0]).frame, self.resolution)
        evidences: tuple[Evidence, ...] = yield Compute(partial(inference.weigh, tuple(rows)))
        for _ in range(self.budget):
            if len(rows) >= self.least and float(probabilities(evidences).max()) >= self.until:
                break
            if not sites:
                yield Note(Alarm(_NO_SITE, SITES))
                break
            fits = _fit_on_images(bias, duration, memory.too_large)
            if not fits.any():
                break
            allowed = np.flatnonzero(fits)
            index, why = int(allowed[len(rows) % len(allowed)]), "it was its turn"
            if self.choice == "chance":
                index, why = int(rng.choice(allowed)), "it was chosen by chance"
            elif self.choice == "information":
                bits: FloatArray = yield Compute(
                    partial(
                        information,
                        evidences,
                        bias,
                        duration,
                        at_best.smallest,
                        at_best.uncertainty,
                    )
                )
                index = int(np.argmax(np.where(fits, bits / seconds, -np.inf)))
                why = f"it was expected to tell {bits[index]:.2g} bit in {seconds[index]:.3g} s"
            site = sites.pop(0)
            memory.used.append(site)
            pulse = self._pulses()[index]
            try:
                domain = yield from self._grown(site, *pulse)
            except BudgetSpent:  # whatever was measured before has been concluded from
                break
            if domain is None:
                continue
            if not math.isfinite(domain.diameter):
                memory.too_large.append(pulse)
                far = _LEAVES * self.size  # it may reach the images of its neighbours
                sites = [each for each in sites if math.dist(each, site) >= far]
                yield Note(Alarm(_too_large(pulse), SITES))
                continue
            rows.append((*pulse, domain.diameter, domain.uncertainty, domain.smallest))
            evidences = yield Compute(partial(inference.weigh, tuple(rows)))
            yield Note(self._finding(evidences, rows, site, why))
        return image

    def _sites(
        self, image: ScanImage, used: Sequence[tuple[float, float]]
    ) -> Generator[Request, Any, list[tuple[float, float]]]:
        """Return fresh places on film that is poled one way, in order."""
        area, spacing = self._area(image.frame), self.spacing or self.size
        try:
            found = poled_sites(
                image, self.phase, self.amplitude, area, (self.size, self.size), spacing
            )
        except ValueError as error:
            raise RecipeError(
                f"the image before the hypothesis step will not do: {error}"
            ) from error
        fresh: list[tuple[float, float]] = [
            (x, y)
            for x, y in found.tolist()
            if all(math.dist((x, y), place) >= spacing * _SAME for place in used)
        ]
        said = (
            f"{len(fresh)} of {len(found)} places on film that is poled one way have had no pulse"
        )
        yield Note(Finding("law", said, {"sites": np.array(fresh).reshape(-1, 2)}))
        if not fresh:
            yield Note(Alarm(_NO_SITE if len(found) else _NOT_POLED, SITES))
        return fresh

    def _seconds(self, site: tuple[float, float]) -> Generator[Request, Any, FloatArray]:
        """Return what each pulse costs, its image counted [s]."""
        pulses, look = self._pulses(), self._look(site)
        asked = [_pulse(site, bias, duration) for bias, duration in pulses]
        answer: Estimates | None = yield Estimate((*asked, look))
        if answer is None:
            return np.array([t for _, t in pulses]) + self.pixels / self.line_rate
        *each, after = answer.seconds
        return np.maximum(np.array(each) + after, 1e-3)

    def _grown(
        self, site: tuple[float, float], bias: float, duration: float
    ) -> Generator[Request, Any, Domain | None]:
        """Give a pulse and look what grew; None where that cannot be said."""
        try:
            yield _pulse(site, bias, duration)
            image: ScanImage = yield self._look(site)
        except LimitExceeded as error:  # one forbidden place does not end the night
            yield Note(Alarm(f"the pulse or its image was refused: {error}"))
            return None
        try:
            domain: Domain = yield Compute(
                partial(measure_domain, image, self.phase, self.amplitude, self.resolution)
            )
        except ValueError as error:
            yield Note(Alarm(f"the domain cannot be measured: {error}", SITES))
            return None
        return domain

    def _finding(
        self,
        evidences: Sequence[Evidence],
        rows: Sequence[Row],
        site: tuple[float, float],
        why: str,
    ) -> Finding:
        shares = probabilities(evidences)
        second, best = np.argsort(shares)[-2:].tolist()
        odds = float(np.exp(evidences[best].log_evidence - evidences[second].log_evidence))
        bias, duration, diameter, uncertainty, smallest = rows[-1]
        left = (
            f"{1e9 * diameter:.0f} ± {1e9 * uncertainty:.0f} nm"
            if diameter
            else f"nothing above {1e9 * smallest:.0f} nm"
        )
        said = (
            f"{self.laws[best]} is favoured {odds:.3g}:1 over {self.laws[second]} after "
            f"{len(rows)} pulse{'s' * (len(rows) > 1)}; {format_quantity(bias, 'V')} for "
            f"{format_quantity(duration, 's')} left {left}; {why}"
        )
        grown = Grown.of(rows)
        found = evidences[best].parameters()
        values = {
            "law": self.laws[best],
            "probability": float(shares[best]),
            "odds": odds,
            "laws": self.laws,
            "probabilities": shares,
            "errors": np.array([each.error for each in evidences]),
            "parameters": {name: mean for name, (mean, _) in found.items()},
            "parameter_spreads": {name: spread for name, (_, spread) in found.items()},
            "site_spread": float(evidences[best].spread.mean()),
            "site": np.array(site),
            "bias": grown.bias,
            "duration": grown.duration,
            "diameter": grown.diameter,
            "uncertainty": grown.uncertainty,
            "smallest": grown.smallest,
        }
        return Finding("law", said, values)

    def _laws(self) -> tuple[Law, ...]:
        return tuple(plugins.load("laws", name) for name in self.laws)

    def _pulses(self) -> list[tuple[float, float]]:
        """Return bias [V] and duration [s] of all pulses, the weakest first."""
        return [(v, t) for v in sorted(self.biases, key=abs) for t in sorted(self.durations)]

    def _span(self) -> Span:
        bias = sorted(abs(v) for v in self.biases)
        duration = sorted(self.durations)
        largest = _LARGEST * self.size
        return Span((bias[0], bias[-1]), (duration[0], duration[-1]), largest)

    def _area(self, before: ScanFrame | None) -> ScanFrame:
        area = self.area.frame() if self.area else before
        if area is None:
            raise RecipeError("a hypothesis step needs an overview step before it")
        if self.size > min(area.size):
            raise RecipeError(
                f"size: an image of {format_quantity(self.size, 'm')} does not fit in an area of "
                f"{format_quantity(min(area.size), 'm')}"
            )
        return area

    def _look(self, site: tuple[float, float]) -> Scan:
        frame = ScanFrame(site, (self.size, self.size), (self.pixels, self.pixels))
        channels = (self.amplitude, self.phase) if self.amplitude else (self.phase,)
        return Scan(frame, channels, self.line_rate, "domain")


@dataclass(frozen=True, slots=True)
class _Inference:
    """Weighs laws; the same data give the same.

    Attributes:
        laws: The candidates.
        span: Of the experiment.
        seed: Of the integrals.
    """

    laws: tuple[Law, ...]
    span: Span
    seed: int

    def weigh(self, rows: Sequence[Row]) -> tuple[Evidence, ...]:
        """Work out the evidence of each law."""
        return weigh(self.laws, Grown.of(rows), self.span, self.seed)


def _pulse(site: tuple[float, float], bias: float, duration: float) -> AcquireSpectrum:
    """Return a pulse: a spectrum of a single point."""
    return AcquireSpectrum(*site, BiasWaveform((bias,), duration))


def _fit_on_images(
    bias: FloatArray, duration: FloatArray, too_large: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    """Say which pulses are weaker, in bias or duration, than all that left too large a domain."""
    fits = np.ones(len(bias), dtype=bool)
    for strong, long in too_large:
        fits &= (np.abs(bias) < abs(strong)) | (duration < long)
    return fits


def _too_large(pulse: tuple[float, float]) -> str:
    strong, long = format_quantity(pulse[0], "V"), format_quantity(pulse[1], "s")
    return (
        f"the domain of {strong} for {long} is not whole on its image: the size is too small; "
        "such pulses and stronger ones are given no more"
    )
