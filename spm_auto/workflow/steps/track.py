"""The track block: its steps are sent to where the sample has drifted by then."""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...analysis import Drift, DriftModel, StripPlace
from ...errors import BudgetSpent, RecipeError
from ...instrument import Instruction, MoveStage, Scan, ScanImage
from ...units import Duration, Frequency, Length, Speed
from ..requests import Note
from .base import Outline, Step, StepContext, StepGenerator, served
from .block import Block
from .moving import PLACEABLE, takes
from .settings import FrameSettings, PixelCount
from .tracking import TRACKED, SampleLost, Tracker, TrackerSettings

_RECORDS = 900  # [bytes] what is noted of a look, and of when an instruction is given
_NO_REFERENCE = "a track step needs a frame of its own, or an overview step before it"
_ACCURACY = 0.1  # of a pixel, where nothing else is said


class StripSettings(BaseModel):
    """The small scan by which the sample is found again; its pixels are those of the reference.

    Attributes:
        lines: How many.
        pixels: Of each line.
        margin: Pixels of the reference around it; the sample is found by a strip where it is not
            farther from where it is expected. Without it an eighth of the reference.
        line_rate: Lines per second [Hz]; without it the tip is as fast as on the reference.
        channels: Channels to compare; empty for all.
        accuracy: What creep and other faults of the scanner add to the error of a look, standard
            deviation along each axis [m]; without it a tenth of a pixel.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    lines: Annotated[int, Field(ge=8, le=4096)] = 16
    pixels: Annotated[int, Field(ge=8, le=4096)] = 64
    margin: Annotated[int, Field(ge=2)] | None = None
    line_rate: Annotated[Frequency, Field(gt=0)] | None = None
    channels: tuple[str, ...] = ()
    accuracy: Annotated[Length, Field(gt=0)] | None = None

    def room(self, pixels: tuple[PixelCount, PixelCount]) -> int:
        """Return the margin on a reference of so many pixels and lines."""
        return self.margin if self.margin is not None else max(min(pixels) // 8, 2)


class DriftSettings(BaseModel):
    """What is thought of the drift before it is seen; see `spm_auto.analysis.drift.DriftModel`.

    Attributes:
        speed: Its usual speed, along each axis.
        walk: How far it walks at random in a second, along each axis.
        change: By how much its speed changes in ten minutes, along each axis.
        gate: Standard deviations beyond which a look is not believed at once.
        adapt: Whether walk and change are scaled to what the looks show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    speed: Annotated[Speed, Field(gt=0)] = 0.1e-9
    walk: Annotated[Length, Field(gt=0)] = 30e-12
    change: Annotated[Speed, Field(gt=0)] = 15e-12
    gate: Annotated[float, Field(ge=2, le=10)] = 4.0
    adapt: bool = True

    def model(self) -> DriftModel:
        """Return the model."""
        return DriftModel(self.speed, self.walk, self.change, self.gate, self.adapt)


class TrackBlock(Block):
    """Follow the sample, and send every step inside to where it is by then.

    The coordinates inside are those of the reference image. Before an instruction the offset is
    predicted for its middle; when a look is due a strip is scanned first, and corrects it.

    Attributes:
        frame: Of the reference image; without it the last image is the reference.
        channels: Channels of the reference; empty for all.
        line_rate: Of the reference [Hz].
        strip: By which the sample is found again.
        every: Time from one look to the next.
        tolerance: It is looked when the offset is not known to this any more, standard deviation.
        drift: What is thought of the drift before it is seen.
        lost: What is done when even the whole reference does not show where the sample is: "end"
            the block, "pause" for a human and look again, or "go on" by what was known.
    """

    kind: Literal["track"]
    frame: FrameSettings | None = None
    channels: tuple[str, ...] = ()
    line_rate: Annotated[Frequency, Field(gt=0)] = 1.0
    strip: StripSettings = StripSettings()
    every: Annotated[Duration, Field(gt=0)] | None = None
    tolerance: Annotated[Length, Field(gt=0)] | None = None
    drift: DriftSettings = DriftSettings()
    lost: Literal["end", "pause", "go on"] = "end"

    @model_validator(mode="after")
    def _says_when(self) -> "TrackBlock":
        if self.every is None and self.tolerance is None:
            raise ValueError('say when it is looked: every = "2 min", or tolerance = "2 nm"')
        return self

    @model_validator(mode="after")
    def _is_not_nested(self) -> "TrackBlock":
        if any(map(_tracks, self.steps)):
            raise ValueError(
                "a track step inside of a track step: the outer one follows the sample already"
            )
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return the reference, a strip in its middle, and the instructions of all steps once."""
        inner = super().preview(self._scan(before))
        if any(isinstance(each, MoveStage) for each in inner):
            raise RecipeError(
                "the stage moves inside of a track step, and leaves the reference behind; "
                "put the track step inside of what moves it"
            )
        return [*self._own(before, 1), *inner]

    def outline(self, before: Scan | None) -> Outline:
        """Return the reference and as many strips as will be needed, with the steps inside."""
        scan = self._scan(before)
        inner = super().outline(scan).inner
        free = [each for each in inner if not _is_limited(each)]  # else strips are part of its time
        strips = self._looks(sum(map(_lasts, free)), sum(map(_places, free)), scan)
        return Outline(self.kind, tuple(self._own(before, strips)), inner=inner)

    def notes_size(self, before: Scan | None) -> int:
        """Return how many bytes the notes take, at most."""
        scan = self._scan(before)
        places = sum(_places(step) for step in super().outline(scan).inner)
        return super().notes_size(scan) + 2 * _RECORDS * (places + 2)

    def run(self, context: StepContext) -> StepGenerator:
        """Take the reference, and follow the sample from there."""
        tracker = yield from self._begun(context)
        image, shared = None, context.knowledge.shared
        shared[TRACKED] = True
        try:
            image = yield from served(self.once(context), tracker.serve)
        except BudgetSpent:
            if not tracker.is_lost:
                raise  # of a block around this one
        except SampleLost:
            pass  # it was said already
        finally:
            context.knowledge.shift, shared[TRACKED] = (0.0, 0.0), False
        return image or tracker.reference

    def _begun(self, context: StepContext) -> Generator[Any, Any, Tracker]:
        """Take the reference; a later block with the same one goes on where an earlier one was."""
        trackers: list[Tracker] = context.knowledge.shared.setdefault("track", [])
        last = context.images[-1] if context.images else None
        if self.frame is not None:
            scan = self._reference_scan()
            known = [t for t in trackers if t.scan == scan]
            if not known:
                last = yield scan
        else:
            known = [t for t in trackers if t.reference is last]
        if known:
            known[0].follow(self._settings(known[0].reference))
            return known[0]
        if last is None:
            raise RecipeError(_NO_REFERENCE)
        tracker = Tracker(self._settings(last), last, context.knowledge)
        trackers.append(tracker)
        context.knowledge.keep(last)
        yield Note(tracker.chosen())
        return tracker

    def _settings(self, reference: ScanImage) -> TrackerSettings:
        if self.frame is not None:
            scan = self._reference_scan()
        else:
            rate = reference.frame.shape[0] / (reference.end_time - reference.start_time)
            names = tuple(channel.name for channel in reference.channels)
            scan = Scan(reference.frame, names, rate, "reference")
        accuracy = self.strip.accuracy or _ACCURACY * max(reference.frame.pitch)
        return TrackerSettings(
            model=self.drift.model(),
            lines=self.strip.lines,
            pixels=self.strip.pixels,
            margin=self.strip.room(reference.frame.pixels),
            line_rate=self._strip_rate(scan),
            scan=scan,
            channels=self.strip.channels,
            accuracy=accuracy,
            every=self.every if self.every is not None else math.inf,
            tolerance=self.tolerance if self.tolerance is not None else math.inf,
            lost=self.lost,
        )

    def _reference_scan(self) -> Scan:
        assert self.frame is not None
        return Scan(self.frame.frame(), self.channels, self.line_rate, "reference")

    def _scan(self, before: Scan | None) -> Scan:
        """Return the scan of the reference."""
        scan = self._reference_scan() if self.frame is not None else before
        if scan is None:
            raise RecipeError(
                "a track step needs a frame of its own, or an overview step before it"
            )
        margin, (pixels, lines) = self.strip.room(scan.frame.pixels), scan.frame.pixels
        if self.strip.lines + 2 * margin > lines or self.strip.pixels + 2 * margin > pixels:
            raise RecipeError(
                f"strip: {self.strip.pixels} x {self.strip.lines} pixels with {margin} around them "
                f"do not fit in a reference of {pixels} x {lines}"
            )
        return scan

    def _strip_rate(self, scan: Scan) -> float:
        return self.strip.line_rate or scan.line_rate * scan.frame.pixels[0] / self.strip.pixels

    def _own(self, before: Scan | None, strips: int) -> list[Instruction]:
        scan, strip = self._scan(before), self.strip
        pixels, lines = scan.frame.pixels
        place = StripPlace(
            (lines - strip.lines) // 2, (pixels - strip.pixels) // 2, strip.lines, strip.pixels
        )
        small = replace(scan, frame=place.frame(scan.frame), line_rate=self._strip_rate(scan))
        return [*([scan] if self.frame is not None else []), *[small] * strips]

    def _looks(self, seconds: float, places: int, scan: Scan) -> int:
        """Return how many strips will be needed in a time [s], by what is thought of the drift."""
        accuracy = self.strip.accuracy or _ACCURACY * max(scan.frame.pitch)
        every = self.every if self.every is not None else math.inf
        drift, looks, seen = Drift.begin(replace(self.drift.model(), is_adapted=False), 0.0), 0, 0.0
        each = max(seconds / max(places, 1), 1e-3)  # from one instruction to the next
        if self.frame is not None:
            drift = drift.at(takes(scan) / 2)
        start = drift.time
        for number in range(places):
            now = start + number * each
            is_vague = self.tolerance is not None and drift.at(now).sd > self.tolerance
            if is_vague or now - seen >= every:
                known = drift.at(now)
                drift = known.looked(now, known.mean[:2], accuracy**2 * np.eye(2)).drift
                looks, seen = looks + 1, now
        return looks


def _tracks(step: Step) -> bool:
    """Say whether a step follows the sample, or has one inside that does."""
    return isinstance(step, TrackBlock) or (
        isinstance(step, Block) and any(map(_tracks, step.steps))
    )


def _lasts(outline: Outline) -> float:
    """Return about how long what is outlined takes, motion left out [s]."""
    own = sum(map(takes, outline.instructions)) + outline.waiting
    inner = outline.rounds * sum(map(_lasts, outline.inner))
    return min(own + inner, outline.longest)


def _is_limited(outline: Outline) -> bool:
    """Say whether it is time that ends what is outlined."""
    return math.isfinite(outline.longest) and _lasts(outline) >= outline.longest


def _places(outline: Outline) -> int:
    """Return how many instructions that have a place are outlined."""
    own = sum(isinstance(each, PLACEABLE) for each in outline.instructions)
    full = own + outline.rounds * sum(map(_places, outline.inner))
    if not math.isfinite(outline.longest):
        return full
    lasts = sum(map(takes, outline.instructions)) + outline.waiting
    lasts += outline.rounds * sum(map(_lasts, outline.inner))
    return math.ceil(full * min(1.0, outline.longest / lasts)) if lasts else full
