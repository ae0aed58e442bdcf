"""The survey step: the same steps at many places, in order or where they promise most.

A place is a position of the coarse stage, as on a combinatorial library, or a tile of a frame that
is too large for one image. What the steps of one place look at is what was seen there.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from ...analysis import (
    MOST_VALUES,
    Surface,
    expected_improvement,
    mosaic,
    surface_through,
)
from ...data import Finding
from ...errors import AgentError, BudgetSpent
from ...instrument import FloatArray, Instruction, MoveStage, Scan, ScanImage
from ...settings import Plugin
from ...units import format as format_quantity
from ..knowledge import Knowledge
from ..requests import Compute, Estimate, Estimates, Note, Request, Wait
from .base import Outline, Step, StepContext, StepGenerator
from .block import Block
from .places import Positions, TileSettings, spread_out
from .tip_care import TipCare

_FINDING = 800  # [bytes] of what is noted of a place
_NUMBER = 8  # [bytes]
_SCATTER = 1.2533  # of a median, in units of that of a mean: sqrt(pi / 2)
_FAIR = 1.4826  # of the median deviation, in units of a normal distribution's own

Reward = Literal["median", "mean", "best"]


class Adaptive(BaseModel):
    """Go where most is expected per second: ``{kind = "adaptive", budget = 12}``.

    The first places are spread out. Then a Gaussian process over the places says what is expected
    where, and the next one is that of the highest expected improvement over the best place so far,
    divided by the time to go there and to measure.

    Attributes:
        budget: How many places, at most.
        initial: How many of them are spread out.
        enough: It ends when no place promises more than this share of the spread of all values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["adaptive"]
    budget: Annotated[int, Field(ge=2, le=1000)]
    initial: Annotated[int, Field(ge=2, le=1000)] = 5
    enough: Annotated[float, Field(ge=0, lt=1)] = 0.005


def _how(value: object) -> str:
    return "word" if isinstance(value, str) else "table"


@dataclass(slots=True)
class Visit:
    """What was found at a place.

    Attributes:
        place: Which one of all places.
        value: What it is worth, NaN where nothing good was found.
        error: Standard deviation of the value, NaN where nothing is known of it.
        n_good: How many good spectra say so.
        seconds: Time that the steps took there [s].
        unit: Of the value.
    """

    place: int
    value: float
    error: float
    n_good: int
    seconds: float
    unit: str


class SurveyStep(Block):
    """Do steps at many places.

    Attributes:
        steps: What to do at each place; may be left out where tiles are only scanned.
        positions: Positions of the coarse stage.
        tiles: Tiles within reach of the scanner; each is scanned before the steps, and the image of
            all of them together is what later steps of the recipe look at.
        choose: "all" in order, or ``{kind = "adaptive", ...}`` for those that promise most.
        reward: What a place is worth: of the good spectra that an agent has judged there last, the
            median, the mean or the best one.
    """

    kind: Literal["survey"]
    steps: tuple[Annotated[Step, Plugin("steps")], ...] = ()
    positions: Positions | None = None
    tiles: TileSettings | None = None
    choose: Annotated[
        Annotated[Literal["all"], Tag("word")] | Annotated[Adaptive, Tag("table")],
        Discriminator(_how),
    ] = "all"
    reward: Reward = "median"

    @model_validator(mode="after")
    def _says_where(self) -> "SurveyStep":
        if (self.positions is None) == (self.tiles is None):
            raise ValueError("a survey needs either positions or tiles")
        if self.positions is not None and not self.steps:
            raise ValueError("a survey of positions needs steps to do there")
        if isinstance(self.choose, Adaptive) and not self.steps:
            raise ValueError("an adaptive survey needs steps that judge what they measure")
        return self

    def run(self, context: StepContext) -> StepGenerator:
        """Go from place to place."""
        tour = _Tour(self.ways(), self.centers(), self.choose, self.reward)
        images: list[ScanImage] = []
        last = None
        while (place := (yield from tour.next())) is not None:
            image, is_spent = yield from self._visit(context, tour, place)
            if self.tiles is not None and image is not None:
                images.append(image)
            last = image or last
            if is_spent:
                break
        if tour.visits:
            yield Note(tour.summary((yield Compute(tour.surface))))
        if self.tiles is not None and images:
            return mosaic(images, self.tiles.frame)
        return last

    def ways(self) -> Sequence[MoveStage | Scan]:
        """Return the instructions that lead to the places, in order."""
        if self.tiles is not None:
            return self.tiles.scans()
        return self.positions.moves() if self.positions is not None else []

    def centers(self) -> FloatArray:
        """Return where the places are [m], shape (n, 2)."""
        ways = self.ways()
        at = [way.frame.center if isinstance(way, Scan) else (way.x, way.y) for way in ways]
        return np.array(at).reshape(-1, 2)

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return the ways to all places, and the instructions of the steps at one of them."""
        ways = self.ways()
        return [*ways, *super().preview(_first_scan(ways))]

    def outline(self, before: Scan | None) -> Outline:  # noqa: ARG002
        """Return as many rounds as there will be places, the middle one's way standing for all."""
        ways, centers = self.ways(), self.centers()
        middle = int(np.argmin(np.hypot(*(centers - centers.mean(axis=0)).T)))
        inner = super().outline(_first_scan(ways)).inner
        return Outline(self.kind, (ways[middle],), inner=inner, rounds=self._most_places)

    @property
    def _most_places(self) -> int:
        """How many places it will go to, at most."""
        n_places = len(self.ways())
        return min(n_places, self.choose.budget) if isinstance(self.choose, Adaptive) else n_places

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return how many bytes the notes of all places take, at most."""
        ways, rounds = self.ways(), self._most_places
        asked = rounds * len(ways) * _NUMBER  # how long it takes to each of them
        summary = 4 * len(ways) * _NUMBER
        return rounds * (super().notes_size(_first_scan(ways)) + _FINDING) + asked + summary

    def _visit(
        self, context: StepContext, tour: "_Tour", place: int
    ) -> Generator[Request, Any, tuple[ScanImage | None, bool]]:
        """Go to a place, do the steps there, and note what it is worth.

        Returns:
            The image of a tile, or the last one of the steps; and whether the budget is spent.
        """
        turn, knowledge = len(tour.visits), context.knowledge
        try:
            image: ScanImage | None = yield tour.ways[place]
        except BudgetSpent:
            return None, True
        began: float = yield Wait()
        is_spent, last = False, image
        with knowledge.apart():
            knowledge.keep(image)
            inner = replace(context, images=(image,) if image is not None else ())
            if self.positions is not None and context.tip is not None:
                # a tip is known by what it shows of one place: at another it has to begin anew
                inner = replace(inner, tip=TipCare(context.tip.settings))
            try:
                last = (yield from self.once(inner, turn)) or image
            except BudgetSpent:
                is_spent = True
            worth = _worth(knowledge, self.reward)
        ended: float = yield Wait()
        tour.visits.append(Visit(place, *worth[:3], ended - began, worth[3]))
        yield Note(tour.finding())
        if isinstance(self.choose, Adaptive) and worth[3] == "" and not is_spent:
            raise AgentError(
                "an adaptive survey needs steps that judge what they measure, such as explore; "
                f"at {tour.said(place)} nothing was judged"
            )
        return (image if self.tiles is not None else last), is_spent


class _Tour:
    """Where a survey has been, and where it goes next."""

    def __init__(
        self,
        ways: Sequence[MoveStage | Scan],
        centers: FloatArray,
        choose: Literal["all"] | Adaptive,
        reward: Reward,
    ) -> None:
        self.ways, self.centers, self._choose, self._reward = ways, centers, choose, reward
        self.visits: list[Visit] = []
        self._why = "in order"
        self._first = spread_out(centers, choose.initial) if isinstance(choose, Adaptive) else []

    def next(self) -> Generator[Request, Any, int | None]:
        """Return the place to go to next; None where it is enough."""
        been = {visit.place for visit in self.visits}
        left = [place for place in range(len(self.ways)) if place not in been]
        if not isinstance(self._choose, Adaptive):
            return left[0] if left else None
        if not left or len(self.visits) >= self._choose.budget:
            return None
        spread = [place for place in self._first if place not in been]
        asked = spread or left
        seconds = yield from self._seconds(asked)
        if spread:
            self._why = "to begin with, the nearest of those that are spread out"
            return asked[int(np.argmin(seconds))]
        surface: Surface | None = yield Compute(self.surface)
        if surface is None:
            self._why = "nothing good was found yet"
            return asked[int(np.argmin(seconds))]
        return self._promising(surface, np.array(asked), seconds)

    def surface(self) -> Surface | None:
        """Return what is believed of all places; None where nothing good was found.

        A place without a good spectrum counts as the worst one: bad loops have their reasons, and
        what is unknown there must not draw the survey back.
        """
        known = [visit for visit in self.visits if math.isfinite(visit.value)]
        if not known or len(self.visits) > MOST_VALUES:
            return None
        worst = min(visit.value for visit in known)
        values = [v.value if math.isfinite(v.value) else worst for v in self.visits]
        errors = np.array([v.error for v in self.visits])
        usual = float(np.median(errors[np.isfinite(errors)])) if np.isfinite(errors).any() else 0.0
        errors = np.where(np.isfinite(errors), errors, usual)
        at = self.centers[[visit.place for visit in self.visits]]
        return surface_through(at, np.array(values), errors, self.centers)

    def finding(self) -> Finding:
        """Say what was found at the last place, and why it was chosen."""
        visit = self.visits[-1]
        x, y = self.centers[visit.place].tolist()
        worth = "nothing good was found"
        if math.isfinite(visit.value):
            worth = f"{self._reward} {_said(visit.value, visit.unit)}"
            if math.isfinite(visit.error):
                worth += f" ± {_said(visit.error, visit.unit)}"
            worth += f" of {visit.n_good} spectra"
        elif visit.unit == "":
            worth = "nothing was judged"
        return Finding(
            "tile",
            f"place {len(self.visits)}, {self.said(visit.place)}: {worth} ({self._why})",
            {
                "x": x,
                "y": y,
                "place": visit.place,
                "value": visit.value,
                "error": visit.error,
                "unit": visit.unit,
                "n_good": visit.n_good,
                "seconds": visit.seconds,
            },
        )

    def summary(self, surface: Surface | None) -> Finding:
        """Say which place is believed to be the best one."""
        visited = self.centers[[visit.place for visit in self.visits]]
        values: dict[str, Any] = {
            "n_places": len(self.visits),
            "x": visited[:, 0].copy(),
            "y": visited[:, 1].copy(),
            "value": np.array([visit.value for visit in self.visits]),
            "error": np.array([visit.error for visit in self.visits]),
        }
        if surface is None:
            return Finding("tile", f"{len(self.visits)} of {len(self.ways)} places seen", values)
        best = int(np.argmax(surface.mean))
        x, y = self.centers[best].tolist()
        unit = next(visit.unit for visit in self.visits if math.isfinite(visit.value))
        values |= {
            "best_x": x,
            "best_y": y,
            "best_value": float(surface.mean[best]),
            "best_error": float(surface.deviation[best]),
            "unit": unit,
            "all_x": self.centers[:, 0].copy(),
            "all_y": self.centers[:, 1].copy(),
            "mean": surface.mean,
            "deviation": surface.deviation,
        }
        worth = f"{_said(values['best_value'], unit)} ± {_said(values['best_error'], unit)}"
        return Finding(
            "tile",
            f"best is {self.said(best)} with {worth} expected, "
            f"after {len(self.visits)} of {len(self.ways)} places",
            values,
        )

    def said(self, place: int) -> str:
        """Say where a place is."""
        x, y = (format_quantity(v, "m", 4) for v in self.centers[place].tolist())
        what = "tile" if isinstance(self.ways[place], Scan) else "stage"
        return f"{what} at ({x}, {y})"

    def _seconds(self, places: list[int]) -> Generator[Request, Any, FloatArray]:
        """Return the time to go to each of some places and to measure there [s]."""
        answer: Estimates | None = yield Estimate(tuple(self.ways[place] for place in places))
        measuring = float(np.mean([v.seconds for v in self.visits])) if self.visits else 0.0
        if answer is None:
            return np.ones(len(places))
        return np.array(answer.seconds) + measuring

    def _promising(
        self, surface: Surface, places: "np.ndarray[Any, Any]", seconds: FloatArray
    ) -> int | None:
        """Return the place of the highest expected improvement per second; None for enough."""
        assert isinstance(self._choose, Adaptive)
        been = [visit.place for visit in self.visits]
        best = float(surface.mean[been].max())
        promise = expected_improvement(surface, best)[places]
        spread = float(np.ptp([v.value for v in self.visits if math.isfinite(v.value)]))
        if promise.max() <= self._choose.enough * spread:
            return None
        chosen = int(np.argmax(promise / seconds))
        place = int(places[chosen])
        unit = next(visit.unit for visit in self.visits if math.isfinite(visit.value))
        expected = _said(float(surface.mean[place]), unit)
        self._why = (
            f"{expected} ± {_said(float(surface.deviation[place]), unit)} expected, "
            f"{_said(float(promise[chosen]), unit)} better for {seconds[chosen]:.0f} s"
        )
        return place


def _worth(knowledge: Knowledge, reward: Reward) -> tuple[float, float, int, str]:
    """Return value, error, number of good spectra, and unit; "" where nothing was judged."""
    if not knowledge.learned:
        return math.nan, math.nan, 0, ""
    found = knowledge.learned[-1].found
    good = [each.scalar for each in found if each.scalar.is_good]
    values = np.array([scalar.value for scalar in good])
    unit = good[-1].unit if good else "1"
    if not len(values):
        return math.nan, math.nan, 0, unit
    root = math.sqrt(len(values))
    if reward == "best":
        return float(values.max()), math.nan, len(values), unit
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    if reward == "mean":
        return float(values.mean()), spread / root, len(values), unit
    middle = float(np.median(values))
    if len(values) > 2:
        spread = _FAIR * float(np.median(np.abs(values - middle)))
    return middle, _SCATTER * spread / root, len(values), unit


def _said(value: float, unit: str) -> str:
    return f"{value:.3g}" if unit == "1" else format_quantity(value, unit, 3)


def _first_scan(ways: Sequence[MoveStage | Scan]) -> Scan | None:
    return next((way for way in ways if isinstance(way, Scan)), None)
