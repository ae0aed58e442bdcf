"""The analyse step: what images and spectra say together, as findings with their uncertainty."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ... import plugins
from ...agents import Scalarizer
from ...data import Finding
from ...errors import RecipeError
from ...instrument import Instruction, Scan, ScanImage
from ...settings import PluginName
from ..requests import Compute, Note
from .analysed import (
    LAST,
    clusters_found,
    fit_found,
    statement_found,
    unmixing_found,
    walls_found,
)
from .base import Step, StepContext, StepGenerator
from .material import Material

ScalarizerName = Annotated[str, PluginName("scalarizers")]
Name = Annotated[str, Field(min_length=1)]

_PIXEL = 4  # [bytes] of the map of distances
_WALL = 16  # [bytes] of wall lines for each pixel, at most
_SPECTRUM = 400  # [bytes] what a finding holds of a spectrum, at most
_FINDING = 20_000  # [bytes] what it holds besides


class WallSettings(BaseModel):
    """Domain walls of the overview: ``walls = {phase = "phase", amplitude = "amplitude"}``.

    Attributes:
        phase: Channel with the phase.
        amplitude: Channel with the amplitude; empty to go by the phase alone.
        smoothing: Width of the filter that takes noise out [pixel].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    phase: Name = "phase"
    amplitude: str = "amplitude"
    smoothing: Annotated[float, Field(ge=0, le=20)] = 0.6


class StatementSettings(BaseModel):
    """Whether a value follows the structure: ``{scalarizer = "imprint", structure = "walls"}``.

    Attributes:
        scalarizer: What the value is; "last" for what the agent before went for.
        structure: "walls" for the distance from domain walls, "domains" for which of the two a
            place lies in, or a channel of the overview.
        shapes: How the value may follow a distance.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    scalarizer: Annotated[str, Field(min_length=1)] = LAST
    structure: Name = "walls"
    shapes: Annotated[tuple[Literal["step", "decay"], ...], Field(min_length=1)] = ("step", "decay")

    @model_validator(mode="after")
    def _is_known(self) -> "StatementSettings":
        known = (LAST, *plugins.names("scalarizers"))
        if self.scalarizer not in known:
            raise ValueError(
                f"there is no scalarizer {self.scalarizer!r}"
                f"{plugins.suggest(self.scalarizer, known)} (known: {', '.join(known)})"
            )
        return self


class UnmixSettings(BaseModel):
    """Components of the spectra: ``unmix = {method = "nmf"}``.

    Attributes:
        method: "pca", or "nmf" for components that look like spectra.
        components: How many; without it by parallel analysis.
        channel: Of the spectra or force curves; empty for their first one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    method: Literal["pca", "nmf"] = "nmf"
    components: Annotated[int, Field(ge=1, le=20)] | None = None
    channel: str = ""


class ClusterSettings(BaseModel):
    """Groups of places: ``clusters = {by = ["stiffness", "adhesion"]}``.

    Attributes:
        by: Scalarizers whose values are compared; empty for the components of the spectra.
        method: "gmm" for a mixture of normal distributions, or "kmeans".
        count: How many groups; without it the number that the data are for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    by: tuple[ScalarizerName, ...] = ()
    method: Literal["gmm", "kmeans"] = "gmm"
    count: Annotated[int, Field(ge=1, le=20)] | None = None


class AnalyseStep(Step):
    """Say what was found: walls, fits, components, groups, and what goes together with what.

    It moves nothing, and leaves out what a bad tip may have measured. Each result is a finding of
    the kind "analysis"; what cannot be said is a finding, too, that says why, and the run goes on.

    Attributes:
        walls: Domain walls of the overview; a statement on walls finds them without it, too.
        fits: What all spectra or force curves are worth by these scalarizers.
        unmix: Components of the spectra.
        clusters: Groups of places that are alike.
        statements: Whether values follow the structure.
    """

    kind: Literal["analyse"]
    walls: WallSettings | None = None
    fits: tuple[ScalarizerName, ...] = ()
    unmix: UnmixSettings | None = None
    clusters: ClusterSettings | None = None
    statements: tuple[StatementSettings, ...] = ()

    @model_validator(mode="after")
    def _has_something_to_do(self) -> "AnalyseStep":
        if not (self.walls or self.fits or self.unmix or self.clusters or self.statements):
            raise ValueError(
                "nothing to analyse; name one of walls, fits, unmix, clusters and statements"
            )
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return nothing: no instruction is given."""
        if before is None and (self.walls or self.statements):
            raise RecipeError("an analyse step with walls or statements needs a scan before it")
        return []

    def notes_size(self, before: Scan | None) -> int:
        """Return how many bytes the findings take, at most."""
        n = len(self.fits) + len(self.statements) + sum(map(bool, (self.unmix, self.clusters)))
        size = (n + 1) * _FINDING + n * 1000 * _SPECTRUM
        if before is not None and self.walls:
            size += before.frame.pixels[0] * before.frame.pixels[1] * (_PIXEL + _WALL)
        return size

    def run(self, context: StepContext) -> StepGenerator:
        """Analyse, one thing after another, beside the instrument thread."""
        knowledge = context.knowledge
        learned = knowledge.learned[-1].found if knowledge.learned else []
        images = tuple(knowledge.images) or context.images
        doubted = () if context.tip is None else tuple(context.tip.doubted)
        material = Material(
            images, tuple(knowledge.spectra), tuple(knowledge.curves), tuple(learned)
        ).trusted(doubted)
        for work in self._works(material, context.rng()):
            finding: Finding = yield Compute(work)
            yield Note(finding)
        last: ScanImage | None = images[-1] if images else None
        return last

    def _works(
        self, material: Material, rng: np.random.Generator
    ) -> Iterator[Callable[[], Finding]]:
        walls = self.walls or WallSettings()
        if self.walls is not None:
            yield lambda: walls_found(material, walls.phase, walls.amplitude, walls.smoothing)
        for name in self.fits:
            yield _bound(fit_found, material, name, _scalarizer(name))
        unmix, clusters = self.unmix, self.clusters
        if unmix is not None:
            (own,) = rng.spawn(1)
            yield lambda: unmixing_found(
                material, unmix.method, unmix.components, unmix.channel, own
            )
        if clusters is not None:
            (other,) = rng.spawn(1)
            by = {name: _scalarizer(name) for name in clusters.by}
            yield lambda: clusters_found(material, by, clusters.method, clusters.count, other)
        for each, its in zip(self.statements, rng.spawn(len(self.statements)), strict=True):
            yield _bound(
                statement_found,
                material,
                each.scalarizer,
                None if each.scalarizer == LAST else _scalarizer(each.scalarizer),
                each.structure,
                each.shapes,
                (walls.phase, walls.amplitude, walls.smoothing),
                its,
            )


def _bound(work: Callable[..., Finding], *values: object) -> Callable[[], Finding]:
    return lambda: work(*values)


def _scalarizer(name: str) -> Scalarizer:
    found: Scalarizer = plugins.load("scalarizers", name)
    return found
