"""The weigh block: spectra, a better image, a zoom or a drift check, whichever is worth most."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ...analysis import level_plane
from ...data import Finding, StepStarted
from ...errors import RecipeError
from ...instrument import Instruction, Scan, ScanFrame, ScanImage
from ...units import Duration, Frequency, Speed
from ..knowledge import Knowledge, Learned
from ..requests import Compute, Estimate, Estimates, Note, Request, Wait
from .base import Outline, Step, StepContext, StepGenerator
from .explore import ExploreStep
from .moved import time_of, way_of
from .windows import fits
from .worth import (
    Option,
    check_gain,
    curvature,
    image_gain,
    knowledge_gradient,
    noise_share,
    zoom_gain,
)
from .zoom import ZoomStep, register_to

_NOTE = 2_000  # [bytes] what is noted of a decision
_KNOWN = 0.1  # [pixel] how well a check is expected to know a place


class _Choice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BetterImage(_Choice):
    """Scan the frame again, slower: ``{slower = 4.0}``.

    Attributes:
        slower: By how many times.
    """

    slower: Annotated[float, Field(gt=1, le=1000)] = 4.0


class DriftCheck(_Choice):
    """Scan a strip of the frame and register it: ``{lines = 16, drift = "0.1 nm/s"}``.

    Attributes:
        lines: Of the strip.
        drift: How fast the sample is expected to drift, in whatever direction; what checks find
            counts besides.
        line_rate: Lines per second [Hz].
    """

    lines: Annotated[int, Field(ge=8, le=1024)] = 16
    drift: Annotated[Speed, Field(ge=0)]
    line_rate: Annotated[Frequency, Field(gt=0)] = 4.0


@dataclass(slots=True, eq=False)
class _State:
    """Where a block stands.

    Attributes:
        image: That it works on, where it lies now.
        seen: The same as the last agent saw it, where it lay then.
        checked: When its place was known last [s].
        drifts: Speeds that checks have found [m/s].
        zooms: How many zooms it has made.
        tried: Whether a better image of this frame was taken.
    """

    image: ScanImage
    seen: ScanImage
    checked: float
    drifts: list[float]
    zooms: int = 0
    tried: bool = False


class WeighBlock(Step):
    """Do at each turn what is worth most for each second: spectra, an image, a zoom, a check.

    Worth is what the value in the end is expected to gain; see `worth` for the formulas. Times are
    those that the instrument says. Each decision is written down with the figures of all options.

    Attributes:
        time: Instrument time for all of it; what has begun comes to its end.
        turns: How many decisions, at most.
        explore: How spectra are taken; its budget is what is taken before it is weighed again.
        zoom: How a zoom is made; without it none is.
        image: How a better image is taken; without it none is.
        check: How it is checked where the sample is; without it it is not.
        follow: How many spectra a zoom is expected to need before it pays.
        least: Gain for each second, as a share of the spread of the values, below which nothing is
            worth while any more [1/s].
        line_rate: At which the image before the block was taken, for a better one [Hz].
    """

    kind: Literal["weigh"]
    time: Annotated[Duration, Field(gt=0)]
    turns: Annotated[int, Field(ge=1, le=10_000)] = 50
    explore: ExploreStep
    zoom: ZoomStep | None = None
    image: BetterImage | None = None
    check: DriftCheck | None = None
    follow: Annotated[int, Field(ge=0, le=1000)] = 5
    least: Annotated[float, Field(ge=0)] = 0.0
    line_rate: Annotated[Frequency, Field(gt=0)] = 1.0

    def warm_up(self) -> None:
        """Do what takes long for the agent."""
        self.explore.warm_up()

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return the spectra of a turn, and each other option once.

        Raises:
            RecipeError: There is no image before it.
        """
        if before is None:
            raise RecipeError("a weigh block needs an overview step before it")
        known = [*self.explore.preview(before)]
        if self.check is not None:
            known.append(self._strip(before.frame, self.check))
        if self.image is not None:
            known.append(Scan(before.frame, before.channels, self._slower(self.image), "image"))
        if self.zoom is not None:
            known += self.zoom.preview(before)
        return known

    def outline(self, before: Scan | None) -> Outline:
        """Return turns of spectra, which end with the time: what else will be done is not known."""
        inner = (self.explore.outline(before),)
        return Outline(self.kind, inner=inner, rounds=self.turns, longest=self.time)

    def notes_size(self, before: Scan | None) -> int:
        """Return the size of the notes of all turns, at most."""
        return self.turns * (_NOTE + self.explore.notes_size(before))

    def run(self, context: StepContext) -> StepGenerator:
        """Weigh, and do what is worth most, until the time is over."""
        if not context.images:
            raise RecipeError("a weigh block needs an overview step before it")
        began: float = yield Wait()
        image = context.images[-1]
        state = _State(image, image, time_of(image), [])
        for turn in range(self.turns):
            now: float = yield Wait()
            if now - began >= self.time:
                break
            name = yield from self._decided(context.knowledge, state, now)
            if not name:
                break
            if name == "spectrum":
                yield from self._explored(context, turn)
                state.seen = state.image
            elif name == "check":
                yield from self._checked(context.knowledge, state)
            else:
                yield from self._imaged(context, turn, name, state)
        return state.image

    def _decided(
        self, knowledge: Knowledge, state: _State, now: float
    ) -> Generator[Request, Any, str]:
        """Weigh all options and write down what comes of it; empty where nothing is worth it."""
        learned = _on(knowledge, state.seen)
        belief = None if learned is None else learned.belief
        if learned is None or belief is None:
            said = "spectra first: nothing is known of this image yet"
            yield Note(Finding("worth", said, {"choice": "spectrum"}))
            return "spectrum"
        gain = knowledge_gradient(
            np.asarray(belief.mean, dtype=float),
            np.asarray(belief.deviation, dtype=float),
            float(np.median(belief.noise)) if belief.noise is not None else 0.0,
        )
        best = int(np.argmax(gain))
        x, y = (float(v) for v in belief.frame.to_sample(*belief.rows[best]))
        one = self.explore.measurement(x, y, (math.nan, math.nan))
        costs: dict[str, Instruction] = {"spectrum": one, **self._scans(state)}
        answer: Estimates | None = yield Estimate(tuple(costs.values()))
        seconds = dict(zip(costs, answer.seconds if answer else (), strict=False))
        gains = {"spectrum": float(gain[best])}
        gains |= yield Compute(lambda: self._gains(knowledge, learned, state, now))
        taken = seconds.get("spectrum", math.nan)
        if "zoom" in seconds:
            seconds["zoom"] += self.follow * taken
        options = [Option(name, gains[name], seconds.get(name, math.nan)) for name in costs]
        choice = max(options, key=lambda option: option.rate)
        _, values = learned.good
        spread = float(np.std(values)) if len(values) else 0.0
        enough = not choice.rate > self.least * spread
        told = "; ".join(
            f"{o.name} {o.gain:.3g} in {o.seconds:.3g} s" for o in sorted(options, key=_by_rate)
        )
        said = "nothing is worth its time any more" if enough else f"{choice.name} is worth most"
        numbers: dict[str, Any] = {"choice": "" if enough else choice.name}
        for option in options:
            numbers[f"{option.name}_gain"] = option.gain
            numbers[f"{option.name}_seconds"] = option.seconds
        yield Note(Finding("worth", f"{said}: {told}", numbers))
        return "" if enough else choice.name

    def _scans(self, state: _State) -> dict[str, Instruction]:
        """Return the scan of each option that there is now."""
        scans: dict[str, Instruction] = {}
        frame = state.image.frame
        if self.zoom is not None:
            window = self._window(frame)
            if fits(frame, window) and max(window.size) < 0.9 * max(frame.size):
                scans["zoom"] = self.zoom.scan(window)
        names = tuple(channel.name for channel in state.image.channels)
        if self.image is not None and not state.tried:
            scans["image"] = Scan(frame, names, self._slower(self.image), "image")
        if self.check is not None:
            scans["check"] = self._strip(frame, self.check)
        return scans

    def _gains(
        self, knowledge: Knowledge, learned: Learned, state: _State, now: float
    ) -> dict[str, float]:
        belief = learned.belief
        assert belief is not None
        sharpness, pitch = curvature(belief)
        gains: dict[str, float] = {}
        if self.zoom is not None:
            finer = np.array(self._window(state.image.frame).pitch) * self.explore.stride
            gains["zoom"] = zoom_gain(sharpness, pitch, finer)
        if self.image is not None:
            gains["image"] = _image_gain(learned, self.image.slower)
        if self.check is not None:
            mean = np.asarray(belief.mean, dtype=float)
            gains["check"] = check_gain(
                sharpness,
                self._off(state, now, way_of(knowledge).uncertainty),
                _KNOWN * max(state.image.frame.pitch),
                float(mean.max() - mean.mean()),
            )
        return gains

    def _off(self, state: _State, now: float, known: float) -> float:
        """Return how uncertain a position is along each axis [m].

        The drift since it was known last, whose speed is the rms of what is expected and what was
        found, in a direction that is not known.
        """
        assert self.check is not None
        speeds = [self.check.drift, *state.drifts]
        speed = math.sqrt(sum(s**2 for s in speeds) / len(speeds))
        return math.hypot(known, speed * (now - state.checked) / math.sqrt(2))

    def _explored(self, context: StepContext, turn: int) -> Generator[Request, Any, None]:
        """Take spectra; the agent begins with all that is known of the image."""
        inner = context.inside(turn, 0)
        yield Note(StepStarted(context.index, "explore", inner.path))
        yield from self.explore.model_copy(update={"carry": True}).run(inner)

    def _imaged(
        self, context: StepContext, turn: int, name: str, state: _State
    ) -> Generator[Request, Any, None]:
        """Zoom, or take a better image."""
        if name == "zoom":
            assert self.zoom is not None
            state.zooms += 1
            inner = context.inside(turn, state.zooms)
            yield Note(StepStarted(context.index, "zoom", inner.path))
            image: ScanImage | None = yield from self.zoom.run(inner)
        else:
            image = yield self._scans(state)["image"]
        assert image is not None
        state.tried = name == "image"
        context.knowledge.keep(image)
        state.image = state.seen = image
        state.checked = time_of(image)

    def _checked(self, knowledge: Knowledge, state: _State) -> Generator[Request, Any, None]:
        """Scan a strip, and let the image lie where the sample is now."""
        assert self.check is not None
        strip: ScanImage = yield self._strip(state.image.frame, self.check)
        shift = yield from register_to(knowledge, state.image, strip)
        now, since = time_of(strip), state.checked
        state.checked = now  # one that cannot be found is not looked for at once again
        if not shift.is_sure:
            return
        state.drifts.append(math.hypot(shift.dx, shift.dy) / max(now - since, 1.0))
        frame = state.image.frame
        center = (frame.center[0] + shift.dx, frame.center[1] + shift.dy)
        state.image = replace(
            state.image, frame=replace(frame, center=center), start_time=now, end_time=now
        )
        knowledge.keep(state.image)

    def _window(self, outer: ScanFrame) -> ScanFrame:
        assert self.zoom is not None
        return self.zoom.window(outer)

    def _slower(self, image: BetterImage) -> float:
        return self.line_rate / image.slower

    def _strip(self, frame: ScanFrame, check: DriftCheck) -> Scan:
        """Return the scan of a strip through the frame's middle."""
        lines = min(check.lines, frame.pixels[1])
        size = (frame.size[0], lines * frame.pitch[1])
        strip = replace(frame, size=size, pixels=(frame.pixels[0], lines))
        return Scan(strip, (), check.line_rate, "check")


def _by_rate(option: Option) -> float:
    return -option.rate


def _on(knowledge: Knowledge, image: ScanImage) -> Learned | None:
    """Return the last agent, if it looked at an image."""
    last = knowledge.learned[-1] if knowledge.learned else None
    return last if last is not None and last.image is image else None


def _image_gain(learned: Learned, times: float) -> float:
    image = learned.image
    names = [channel.name for channel in image.channels if channel.unit != "rad"]
    planes = [level_plane(image.channel(name)) for name in names]
    places, values = learned.good
    if not planes or not len(values):
        return 0.0
    line, pixel = (np.round(axis).astype(int) for axis in image.frame.to_pixel(*places.T))
    shape = image.frame.shape
    inside = (line >= 0) & (line < shape[0]) & (pixel >= 0) & (pixel < shape[1])
    levels = np.column_stack([plane[line[inside], pixel[inside]] for plane in planes])
    known = np.isfinite(levels).all(axis=1)
    noise = float(np.mean([noise_share(plane) for plane in planes]))
    n_places = len(learned.explorer.agent.candidates.positions)
    return image_gain(levels[known], values[inside][known], noise, times, n_places)
