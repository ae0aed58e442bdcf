"""The zoom step: scan a smaller frame inside of the last one, where that promises most."""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...analysis import Shift, place
from ...data import Finding, Judged, Verdict
from ...errors import DataError, RecipeError
from ...instrument import Instruction, Scan, ScanFrame, ScanImage
from ...units import Angle, Frequency, Length, format
from ..knowledge import Knowledge
from ..requests import Ask, Compute, Note, Request
from .base import Step, StepContext, StepGenerator
from .moved import time_at, time_of, way_of
from .promise import COMMON, Promise, by_features, by_value
from .settings import PixelCount
from .windows import Window, best_window, fits

_MEMORY = "zoom"
_MOST_ASKED = 20  # frames that a human is shown
_NOTES = 3_000  # [bytes] why it lies there, and how it is registered


class _By(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ByValue(_By):
    """Where the last agent promises most: ``{kind = "value"}``.

    Attributes:
        common: Share of the places that are too common to count.
    """

    kind: Literal["value"] = "value"
    common: Annotated[float, Field(ge=0, lt=1)] = COMMON


class ByFeatures(_By):
    """Where the last image shows most: ``{kind = "features", channel = "height"}``.

    Attributes:
        channel: Which one to look at; empty for the first that is not flat.
    """

    kind: Literal["features"] = "features"
    channel: str = ""


class ByPlace(_By):
    """At a place that is known: ``{kind = "place", center = ["40 nm", "-12 nm"]}``."""

    kind: Literal["place"] = "place"
    center: tuple[Length, Length]


AnyBy = Annotated[ByValue | ByFeatures | ByPlace, Field(discriminator="kind")]


@dataclass(slots=True, eq=False)
class _Zooms:
    """What zoom steps remember.

    Attributes:
        parents: Of each image that a zoom took, by its start: the larger one, and which step it
            was.
        taken: Frames that each step took, by the start of the larger image.
    """

    parents: dict[float, tuple[ScanImage, tuple[int, ...]]] = field(default_factory=dict)
    taken: dict[tuple[tuple[int, ...], float], list[ScanFrame]] = field(default_factory=dict)


class ZoomStep(Step):
    """Scan a smaller frame inside of the last one.

    It lies where most is promised, of all places where it fits into the last frame. Repeated, it
    looks at other places of the image that it began with. The new image is registered to the larger
    one, and what was measured on that counts where it lies now.

    Attributes:
        size: Of the frame; or else
        factor: By how much smaller it is than the last one.
        pixels: Of the frame.
        by: What says where: value, features, or a place.
        channels: Channels to record; empty for all that the instrument has.
        line_rate: Lines per second, each forward and backward [Hz].
        angle: Turn of the frame; without it that of the last one.
        ask: Whether a human is shown the frame and may choose another one; "must" for one that
            has to answer.
        registered: Whether it is registered to the larger image.
        register_on: Channel that this is done by; empty for the one that does best.
    """

    kind: Literal["zoom"]
    size: tuple[Annotated[Length, Field(gt=0)], Annotated[Length, Field(gt=0)]] | None = None
    factor: Annotated[float, Field(gt=1, le=1000)] | None = None
    pixels: tuple[PixelCount, PixelCount] = (256, 256)
    by: AnyBy = ByValue()
    channels: tuple[str, ...] = ()
    line_rate: Annotated[Frequency, Field(gt=0)] = 1.0
    angle: Angle | None = None
    ask: Literal["no", "may", "must"] = "no"
    registered: bool = True
    register_on: str = ""

    @model_validator(mode="after")
    def _has_one_size(self) -> "ZoomStep":
        if (self.size is None) == (self.factor is None):
            raise ValueError("give either the size of the frame or the factor")
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return the scan, in the middle of the frame before it: where it will lie is not known.

        It will lie inside of that frame, wherever that is.

        Raises:
            RecipeError: There is no frame before it, or it does not fit into that.
        """
        if before is None:
            raise RecipeError("a zoom step needs an overview step before it")
        window = self.window(before.frame)
        self._check_fit(before.frame, window)
        return [self.scan(window)]

    def needs_answers(self, every: int | None) -> bool:
        """Say whether a human will be asked about the frame."""
        return self.ask == "must" or (self.ask == "may" and every != 0)

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return the size of its findings."""
        return _NOTES * (_MOST_ASKED if self.ask != "no" else 1)

    def run(self, context: StepContext) -> StepGenerator:
        """Choose the frame, scan it, and register it."""
        if not context.images:
            raise RecipeError("a zoom step needs an overview step before it")
        knowledge = context.knowledge
        key = (context.index, *context.path[1::2])
        outer = outer_of(knowledge, context.images[-1], key)
        window = self.window(outer.frame)
        self._check_fit(outer.frame, window)
        memory = _memory(knowledge)
        taken = memory.taken.setdefault((key, outer.start_time), [])
        frame = yield from self._chosen(context, outer, window, taken)
        if frame is None:
            return context.images[-1]
        taken.append(frame)
        image: ScanImage = yield self.scan(frame)
        memory.parents[image.start_time] = (outer, key)
        if self.registered:
            yield from register_to(knowledge, outer, image, self.register_on)
        return image

    def _chosen(
        self, context: StepContext, outer: ScanImage, window: ScanFrame, taken: list[ScanFrame]
    ) -> Generator[Request, Any, ScanFrame | None]:
        """Choose the frame, with a human where one is to be asked; None where none is wanted."""
        refused: list[ScanFrame] = []
        for number in range(1, _MOST_ASKED + 1):
            finding, frame = yield from self._suggested(context, outer, window, [*taken, *refused])
            if self.ask == "no":
                yield Note(finding)
                return frame
            judged: Judged | None = yield Ask(
                "frame",
                finding.message,
                {"center": frame.center, "size": frame.size},
                number=number,
                is_needed=self.ask == "must",
            )
            if judged is not None and judged.verdict is Verdict.REJECTED:
                refused.append(frame)
                continue
            if judged is None or judged.verdict is Verdict.APPROVED:
                yield Note(finding)
                return frame
            try:
                frame = _edited(frame, outer.frame, judged.values)
            except ValueError as error:
                yield Note(Finding("frame", f"the frame that was asked for cannot be: {error}"))
                continue
            said = f"zoom on {_text(frame)}, as {judged.who} wants it"
            yield Note(Finding("frame", said, _values(frame, outer.frame, "hand")))
            return frame
        yield Note(Finding("frame", "no frame was wanted: there is no zoom"))
        return None

    def _suggested(
        self, context: StepContext, outer: ScanImage, window: ScanFrame, taken: list[ScanFrame]
    ) -> Generator[Request, Any, tuple[Finding, ScanFrame]]:
        knowledge = context.knowledge
        if isinstance(self.by, ByPlace):
            frame = replace(window, center=self.by.center)
            if not np.all(outer.frame.contains(*frame.corners())):
                raise RecipeError(
                    f"a zoom on {_text(frame)} does not lie inside of {_text(outer.frame)}"
                )
            said = f"zoom on {_text(frame)}: the recipe says so"
            return Finding("frame", said, _values(frame, outer.frame, "place")), frame
        promise = yield Compute(lambda: self._promise(knowledge, outer))
        found = yield Compute(lambda: _best(knowledge, promise, outer, window, taken))
        if found is None:
            raise RecipeError(
                f"no place of {_text(outer.frame)} that something is known of can be the middle of "
                f"a frame of {_text(window)}"
            )
        times = found.score / found.typical if found.typical > 0 else math.inf
        said = f"zoom on {_text(found.frame)}: {promise.reason}"
        said += f", {times:.3g} times that of a usual frame" if math.isfinite(times) else ""
        said += "; it overlaps with one before, as no other is left" if found.overlaps else ""
        values = _values(found.frame, outer.frame, promise.by)
        values |= {"score": found.score, "typical": found.typical}
        return Finding("frame", said, values), found.frame

    def _promise(self, knowledge: Knowledge, outer: ScanImage) -> Promise:
        if isinstance(self.by, ByFeatures):
            return by_features(outer, self.by.channel)
        assert isinstance(self.by, ByValue)
        promise = by_value(knowledge, outer, self.by.common)
        if promise is None or not np.nansum(promise.values) > 0:
            seen = by_features(outer)
            return replace(seen, reason="density of features, as no spectrum says more")
        return promise

    def window(self, outer: ScanFrame) -> ScanFrame:
        """Return a frame of its size in the middle of a larger one."""
        if self.size is not None:
            size = self.size
        else:
            assert self.factor is not None
            size = (outer.size[0] / self.factor, outer.size[1] / self.factor)
        angle = outer.angle if self.angle is None else self.angle
        return ScanFrame(outer.center, size, self.pixels, angle)

    def _check_fit(self, outer: ScanFrame, window: ScanFrame) -> None:
        if not fits(outer, window):
            raise RecipeError(f"a zoom of {_text(window)} does not fit into {_text(outer)}")

    def scan(self, frame: ScanFrame) -> Scan:
        """Return the scan of a frame."""
        return Scan(frame, self.channels, self.line_rate, "zoom")


def outer_of(knowledge: Knowledge, image: ScanImage, key: tuple[int, ...]) -> ScanImage:
    """Return the image that a zoom looks at: the last one, or where it began when repeated."""
    parents = _memory(knowledge).parents
    above = image
    while above.start_time in parents:
        above, by = parents[above.start_time]
        if by == key:
            return above
    return image


def register_to(
    knowledge: Knowledge, outer: ScanImage, image: ScanImage, channel: str = ""
) -> Generator[Request, Any, Shift]:
    """Register an image to a larger one, write down the result and count with it."""
    times = time_at(outer, image.frame.center), time_of(image)
    try:
        shift: Shift = yield Compute(lambda: place(outer, image, channel))
    except DataError as error:
        shift = Shift(math.nan, math.nan, math.inf, 0.0, "", str(error))
    if shift.is_sure:
        way = way_of(knowledge)
        known = way.since(*times)
        way.add(*times, shift)
        said = (
            f"the sample has moved by ({_nm(shift.dx)}, {_nm(shift.dy)}) ± "
            f"{_nm(shift.uncertainty)} since the larger image, by the {shift.channel}"
        )
        if known.any():
            said += f"; ({_nm(known[0])}, {_nm(known[1])}) of it was known"
    else:
        said = f"the image cannot be registered to the larger one: {shift.doubt}"
    yield Note(
        Finding(
            "registration",
            said,
            {
                "dx": shift.dx,
                "dy": shift.dy,
                "uncertainty": shift.uncertainty,
                "quality": shift.quality,
                "channel": shift.channel,
                "is_sure": shift.is_sure,
                "before": times[0],
                "after": times[1],
            },
        )
    )
    return shift


def _memory(knowledge: Knowledge) -> _Zooms:
    memory: _Zooms = knowledge.shared.setdefault(_MEMORY, _Zooms())
    return memory


def _best(
    knowledge: Knowledge,
    promise: Promise,
    outer: ScanImage,
    window: ScanFrame,
    taken: list[ScanFrame],
) -> Window | None:
    """Find the window, in the coordinates of the larger image."""
    dx, dy = way_of(knowledge).since(promise.time, time_of(outer)).tolist()

    def back(frame: ScanFrame) -> ScanFrame:
        return replace(frame, center=(frame.center[0] - dx, frame.center[1] - dy))

    found = best_window(
        promise.values, promise.frame, window, back(outer.frame), [back(each) for each in taken]
    )
    if found is None:
        return None
    x, y = found.frame.center
    return replace(found, frame=replace(found.frame, center=(x + dx, y + dy)))


def _edited(frame: ScanFrame, outer: ScanFrame, values: Mapping[str, Any]) -> ScanFrame:
    """Return the frame that a human wants instead.

    Raises:
        ValueError: It is no frame, or does not lie inside of the larger one.
    """
    unknown = set(values) - {"center", "size"}
    if unknown:
        raise ValueError(f"of a frame center and size can be chosen, not {', '.join(unknown)}")
    pairs = {}
    for name in ("center", "size"):
        pair = values.get(name, getattr(frame, name))
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            raise ValueError(f"{name} must be two lengths in metres, got {pair!r}")
        pairs[name] = (float(pair[0]), float(pair[1]))
    wanted = replace(frame, center=pairs["center"], size=pairs["size"])
    if not np.all(outer.contains(*wanted.corners())):
        raise ValueError(f"{_text(wanted)} does not lie inside of {_text(outer)}")
    return wanted


def _values(frame: ScanFrame, outer: ScanFrame, by: str) -> dict[str, Any]:
    return {
        "by": by,
        "center": np.array(frame.center),
        "size": np.array(frame.size),
        "angle": frame.angle,
        "outer_center": np.array(outer.center),
        "outer_size": np.array(outer.size),
    }


def _text(frame: ScanFrame) -> str:
    sides = " x ".join(format(side, "m", 4) for side in frame.size)
    return f"{sides} around ({_nm(frame.center[0])}, {_nm(frame.center[1])})"


def _nm(length: float) -> str:
    return format(length, "m", 3)
