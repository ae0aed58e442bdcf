"""The condition_tip step: look at the tip, and treat it until it is good."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...agents import ForbidRegion
from ...analysis import check_rows, judge_image, likeness, sharpness
from ...data import LOOK, TIP, Alarm, Finding
from ...errors import InstrumentError, LimitExceeded
from ...instrument import FloatArray, Instruction, Scan, ScanImage
from ...units import Bias, Duration, Frequency, Length, format_duration
from ...units import format as format_quantity
from ..requests import Note, Request, Wait
from .base import Step, StepContext, StepGenerator
from .settings import FrameSettings, RegionSettings
from .tip_memory import Place, TipAction, TipMemory, spots

_REFUSALS = 3  # in a row, after which no other place is tried
_NOTES = 2_000  # [bytes] what is noted of an action and the look after it


class TipActionSettings(BaseModel):
    """A pulse, ``{bias = "4 V", duration = "10 ms"}``, or a poke, ``{depth = "0.5 nm"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    bias: Bias = 0.0
    depth: Annotated[Length, Field(ge=0)] = 0.0
    duration: Annotated[Duration, Field(gt=0)] = 10e-3

    @model_validator(mode="after")
    def _is_an_action(self) -> "TipActionSettings":
        self.action().at((0.0, 0.0))
        return self

    def action(self) -> TipAction:
        """Return the action."""
        return TipAction(self.bias, self.depth, self.duration)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the tip showed.

    Attributes:
        image: Of the reference.
        quality: In units of the least that is good.
        evenness: Weakest for strongest direction; 1 where nobody asks.
        is_good: Whether that is enough.
        words: The same for people.
    """

    image: ScanImage
    quality: float
    evenness: float
    is_good: bool
    words: str


Looking = Generator[Request, Any, Look]


class ConditionTipStep(Step):
    """Look at the tip; where it is bad pulse it and poke it until it is good.

    What is done next is chosen by what has helped before in this run, and by what that took: see
    `TipMemory`. Each action takes a place of its own, far enough from all that were used before.
    A verdict that changes what is done is looked at twice, against chance.

    Attributes:
        reference: The place that is looked at, a few atoms wide, and how finely.
        parking: Where the tip is treated; what that leaves on the surface must do no harm.
        actions: What may be done, from the gentlest to the strongest; a stronger one is tried only
            when the gentler ones have not helped.
        least: What a good tip shows: the rms height of the surface, noise left out.
        share: Instead of that, how much of what the first look of the run showed; that tip has been
            made good by a human.
        rows: Distance of the rows of atoms. With it the height is that of the weakest direction of
            rows, so that a tip with two ends is found out.
        directions: Of the rows: 3 for a hexagonal lattice, 2 for a square one.
        even: Least amplitude of the weakest direction for the strongest; relative to the first look
            where that is the measure.
        channel: Channel of the image; empty for the first one.
        line_rate: Lines per second of a look [Hz].
        forbidden: Parts of the parking area that are left alone; the reference always is.
        spacing: Least distance from one treated place to another.
        patience: How many more failures than successes of each gentler action open a stronger one.
        most: Actions after which the tip is given up.
        longest: Time after which it is; None for no end but the number of actions.
        then: What to do when it is given up: the run goes on with it, or stops.
    """

    kind: Literal["condition_tip"]
    reference: FrameSettings
    parking: RegionSettings
    actions: Annotated[tuple[TipActionSettings, ...], Field(min_length=1, max_length=100)]
    least: Annotated[Length, Field(gt=0)] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    rows: Annotated[Length, Field(gt=0)] | None = None
    directions: Literal[2, 3] = 3
    even: Annotated[float, Field(gt=0, lt=1)] | None = None
    channel: str = ""
    line_rate: Annotated[Frequency, Field(gt=0)] = 5.0
    forbidden: tuple[RegionSettings, ...] = ()
    spacing: Annotated[Length, Field(gt=0)] = 10e-9
    patience: Annotated[int, Field(ge=1)] = 2
    most: Annotated[int, Field(ge=1, le=1000)] = 20
    longest: Annotated[Duration, Field(gt=0)] | None = None
    then: Literal["stop", "go on"] = "stop"

    @model_validator(mode="after")
    def _can_be_done(self) -> "ConditionTipStep":
        if (self.least is None) == (self.share is None):
            raise ValueError('say what is good: either least = "5 pm", or share = 0.8')
        if self.rows is not None:
            check_rows(self.reference.frame(), self.rows)
        if not len(self._free(())):
            raise ValueError(
                "parking has no place left: beside the reference and what is forbidden nothing of "
                f"it is free at a spacing of {format_quantity(self.spacing, 'm')}"
            )
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return a look, and each action once with the look after it."""
        place = self._free(())[0]
        known: list[Instruction] = [self._scan()]
        for action in self._actions():
            known += [action.at(place), self._scan()]
        return known

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return how many bytes the notes take, at most."""
        return (self.most + 2) * _NOTES

    def run(self, context: StepContext) -> StepGenerator:
        """Look, and treat the tip where it is bad."""
        memory: TipMemory = context.knowledge.shared.setdefault(self.kind, TipMemory())
        if context.tip is not None:
            memory.used.append(context.tip.settings.parking)
        start: float = yield Wait()
        look = yield from self._look(memory)
        if self.share is not None and memory.first is None:
            yield from self._begin(look, memory)
        else:
            if not look.is_good:  # once may be chance
                look = yield from self._look(memory)
            if look.is_good:
                yield Note(Finding("tip", f"the tip is good: {look.words}", _values(look)))
            else:
                yield Note(Finding("tip", f"the tip is bad: {look.words}", _values(look)))
                yield from self._treat(context, memory, look, start)
        return context.images[-1] if context.images else None

    def _begin(self, look: Look, memory: TipMemory) -> Generator[Request, Any, None]:
        """Take what the first look of the run shows as what is good."""
        quality = judge_image(look.image, self.channel)
        if not quality.corrugation > quality.noise:
            said = "the reference shows nothing that a tip could be judged by"
            yield from self._give_up(said)
            return
        memory.first = look.image
        said = f"what the tip shows now is the measure: {_height(quality.corrugation)}"
        values = {"corrugation": quality.corrugation, "noise": quality.noise}
        yield Note(Finding("tip", said, values))

    def _treat(
        self, context: StepContext, memory: TipMemory, look: Look, start: float
    ) -> Generator[Request, Any, None]:
        rng, refusals, number = context.rng(), 0, 0
        while number < self.most:
            places = self._free(memory.used)
            if not len(places):
                yield from self._give_up("the parking area is used up")
                return
            spent = look.image.end_time - start
            if self.longest is not None and spent > self.longest:
                yield from self._give_up(f"{format_duration(spent)} were not enough")
                return
            gap = max(1 - look.quality, 0.1)  # a tip with two ends may be sharp
            action, drawn = memory.choose(self._actions(), gap, self.patience, rng)
            place: Place = tuple(places[0].tolist())
            memory.used.append(place)
            try:
                yield action.at(place)
            except LimitExceeded as error:
                refusals += 1
                yield Note(Finding("tip", f"{action} was refused: {error}", _where(action, place)))
                if refusals == _REFUSALS:
                    yield from self._give_up(f"refused {refusals} times in a row: {error}")
                    return
                continue
            number, refusals = number + 1, 0
            after = yield from self._look(memory)
            if after.is_good:  # once may be chance
                after = yield from self._look(memory)
            seconds = after.image.end_time - look.image.end_time
            memory.of(action).learn(after.is_good, after.quality - look.quality, seconds)
            verdict = "made the tip good" if after.is_good else "did not make the tip good"
            values = {**_values(after), **_where(action, place), "seconds": seconds, **drawn}
            said = f"{number}: {action} {verdict}: {after.words}"
            yield Note(Finding("tip", said, {"number": number, **values}))
            look = after
            if look.is_good:
                return
        yield from self._give_up(f"{self.most} actions did not make it good")

    def _give_up(self, why: str) -> Generator[Request, Any, None]:
        yield Note(Alarm(f"the tip is given up: {why}", TIP))
        if self.then == "stop":
            raise InstrumentError(f"the tip could not be made good: {why}")

    def _look(self, memory: TipMemory) -> Looking:
        image: ScanImage = yield self._scan()
        quality, evenness, words = self._judged(image, memory)
        is_even = self.even is None or evenness >= self.even
        return Look(image, quality, evenness, quality >= 1 and is_even, words)

    def _judged(self, image: ScanImage, memory: TipMemory) -> tuple[float, float, str]:
        """Return the quality in units of what is good, the evenness, and both in words."""
        if self.share is not None:
            if memory.first is None:
                return math.nan, 1.0, "the first look"
            like = likeness(image, memory.first, self.channel)
            words = f"{like.weakest:.0%} of what it showed at first, {like.evenness:.0%} as even"
            return _number(like.weakest / self.share), _number(like.evenness), words
        assert self.least is not None
        if self.rows is None:
            shown = judge_image(image, self.channel).corrugation
            return shown / self.least, 1.0, f"{_height(shown)} are seen"
        sharp = sharpness(image, self.rows, self.directions, self.channel)
        words = f"rows of {_height(sharp.weakest)}, {sharp.evenness:.0%} even"
        return sharp.weakest / self.least, sharp.evenness, words

    def _scan(self) -> Scan:
        channels = (self.channel,) if self.channel else ()
        return Scan(self.reference.frame(), channels, self.line_rate, LOOK)

    def _actions(self) -> list[TipAction]:
        return [settings.action() for settings in self.actions]

    def _free(self, used: Sequence[Place]) -> FloatArray:
        """Return the places that are left, shape (n, 2)."""
        frame = self.reference.frame()
        across = math.hypot(*frame.size) + 2 * self.spacing
        own = ForbidRegion(frame.center, size=(across, across))
        forbidden = [own, *(region.region() for region in self.forbidden)]
        return spots(self.parking.region(), self.spacing, forbidden, used)


def _number(value: float) -> float:
    """Return a value, and 0 for what is no number: a hole in an image is no good tip."""
    return value if math.isfinite(value) else 0.0


def _height(value: float) -> str:
    return format_quantity(value, "m", 3)


def _values(look: Look) -> dict[str, Any]:
    return {"quality": look.quality, "evenness": look.evenness, "is_good": look.is_good}


def _where(action: TipAction, place: Place) -> dict[str, Any]:
    x, y = place
    return {"x": x, "y": y, "bias": action.bias, "depth": action.depth}
