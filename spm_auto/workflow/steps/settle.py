"""The settle block: after long moves and loads the probe rests before anything is measured."""

import math
from collections.abc import Generator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ...data import Finding
from ...instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    ConditionTip,
    ForceCurve,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanImage,
    Spectrum,
)
from ...units import Duration, Length, Speed
from ..requests import Estimate, Estimates, Note, Request, Wait
from .base import Outline, StepContext, StepGenerator, served
from .block import Block
from .moving import takes
from .settling import Creep, Move, moves_of
from .tracking import SCANNED, TRACKED

Point = tuple[float, float]
Working = Generator[Request, Any, Any]

_CAUTION = 1.1  # the law holds to some per cent
_SHORT = 0.05  # [s] not worth a wait
_RECORDS = 900  # [bytes] what is noted of a wait
_MEASURING = (AcquireSpectrum, AcquireForceCurve, Scan)
_MOVING = (*_MEASURING, PositionProbe, ConditionTip)


class SettleBlock(Block):
    """Let the scanner settle before its steps measure.

    After a long move the probe is sent there first, and rests until what is expected of its creep
    is small enough. What earlier moves and scans still add counts as well.

    Attributes:
        creep: Share of a move that is added in each decade of time: 0.01 to 0.05 without sensors,
            a twentieth of it where sensors hold the position.
        slowest: Creep that is allowed when a measurement begins.
        tolerance: Way that the probe may still creep during a spectrum or a force curve.
        after: Moves that are not longer do not count, and are not waited for.
        load: Time to rest once the tip was brought to the sample.
    """

    kind: Literal["settle"]
    creep: Annotated[float, Field(gt=0, le=0.2)] = 0.03
    slowest: Annotated[Speed, Field(gt=0)] | None = None
    tolerance: Annotated[Length, Field(gt=0)] | None = None
    after: Annotated[Length, Field(ge=0)] = 0.0
    load: Annotated[Duration, Field(ge=0)] = 60.0

    @model_validator(mode="after")
    def _says_how_calm(self) -> "SettleBlock":
        if self.slowest is None and self.tolerance is None:
            raise ValueError('say what is allowed: slowest = "0.05 nm/s", or tolerance = "0.1 nm"')
        return self

    def run(self, context: StepContext) -> StepGenerator:
        """Do the steps, and rest where it is needed."""
        known = context.knowledge
        is_fresh = not (known.images or known.spectra or known.curves)
        begun: Estimates | None = yield Estimate(())
        now: float = yield Wait()
        loaded = now if is_fresh else -math.inf
        settling = _Settling(self, loaded, bool(known.shared.get(TRACKED)))
        if known.images:  # the scanner may still creep from that
            settling.scanned(known.images[-1])
        if begun is not None:
            settling.arrived(begun.position, now)
        beside: list[Any] = known.shared.setdefault(SCANNED, [])
        beside.append(settling.scanned)
        try:
            return (yield from served(self.once(context), settling.serve))
        finally:
            beside.remove(settling.scanned)

    def outline(self, before: Scan | None) -> Outline:
        """Return the steps with the time that is waited."""
        inner = super().outline(before).inner
        position = None if before is None else before.frame.center
        rests, _ = self._rests(inner, position)
        if before is None:  # the run begins with a load
            rests += self.load
        return Outline(self.kind, waiting=rests, inner=inner)

    def notes_size(self, before: Scan | None) -> int:
        """Return how many bytes the notes take, at most."""
        places = sum(map(_count, super().outline(before).inner))
        return super().notes_size(before) + _RECORDS * (places + 2)

    def _rests(
        self, outlines: tuple[Outline, ...], position: Point | None
    ) -> tuple[float, Point | None]:
        """Return about how long it is waited during the steps [s], and where they end [m]."""
        total = 0.0
        for outline in outlines:
            own = 0.0
            for instruction in outline.instructions:
                if isinstance(instruction, Load | MoveStage):
                    own += self.load
                if not isinstance(instruction, _MEASURING):
                    continue
                there = _target(instruction)
                if position is not None and math.dist(position, there) > self.after:
                    way = (there[0] - position[0], there[1] - position[1])
                    creep = Creep(_CAUTION * self.creep, (Move(0.0, way),))
                    own += self.wait(creep, 0.0, takes(instruction))
                position = there
            first, position = self._rests(outline.inner, position)
            if outline.rounds > 1:  # each later one begins where the one before it ended
                again, position = self._rests(outline.inner, position)
                first += (outline.rounds - 1) * again
            total += min(own + first, outline.longest)
        return total, position

    def wait(self, creep: Creep, now: float, seconds: float) -> float:
        """Return how long to rest before something that takes some seconds [s]."""
        slowest = self.slowest if self.slowest is not None else math.inf
        tolerance = self.tolerance if self.tolerance is not None else math.inf
        return creep.settled(now, slowest, tolerance, seconds)


class _Settling:
    """Knows where the probe is, and what still creeps.

    Args:
        settings: What is allowed.
        loaded: When the tip was brought to the sample [s].
        is_tracked: Whether a block around follows the sample.
    """

    def __init__(self, settings: SettleBlock, loaded: float, is_tracked: bool) -> None:
        self._settings, self._loaded = settings, loaded
        self._position: Point | None = None  # where nobody knows
        self._is_tracked = is_tracked
        self._creep = Creep(_CAUTION * settings.creep)

    def serve(self, request: Request) -> Working:
        """Answer a request of a step inside, after the probe has come to rest where it is due."""
        if isinstance(request, Load | MoveStage):  # the tip was brought to the sample again
            answer = yield request
            self._loaded = yield Wait()
            return answer
        if not isinstance(request, _MOVING):
            return (yield request)
        if isinstance(request, _MEASURING):
            yield from self._rest(request)
        answer = yield request
        match answer:
            case ScanImage():
                self.scanned(answer)
            case Spectrum() | ForceCurve():
                self.arrived(_target(request), answer.start_time)
            case _:  # the time is asked for only where it counts
                if self._is_far(_target(request)):
                    self.arrived(_target(request), (yield Wait()))
        return answer

    def scanned(self, image: ScanImage) -> None:
        """Hear of a scan, also of one that a block around takes between two instructions."""
        moves, self._position = moves_of(image, self._position or image.frame.center)
        long = [move for move in moves if math.hypot(*move.way) > self._settings.after]
        self._creep = self._creep.after(long)

    def _rest(self, request: AcquireSpectrum | AcquireForceCurve | Scan) -> Working:
        """Let the probe come to rest where something will be measured, if that is due.

        Inside of a track block it goes there in any case: a look may come before, and is a move.
        """
        target = _target(request)
        if self._is_tracked:
            yield PositionProbe(*target)
            self.arrived(target, (yield Wait()))
        is_far = self._is_far(target)
        if not (is_far or self._creep.moves or self._position is None or self._is_new):
            return
        now: float = yield Wait()
        ahead = self._creep.after([Move(now, self._way(target))]) if is_far else self._creep
        if self._due(ahead, now, request, takes(request)) <= _SHORT:
            self._is_resting(now)
            return
        yield PositionProbe(*target)
        arrived: float = yield Wait()
        self.arrived(target, arrived)
        answer: Estimates | None = yield Estimate((request,))  # from here, as it is there
        seconds = answer.seconds[0] if answer is not None else takes(request)
        wait = self._due(self._creep, arrived, request, seconds)
        if wait > _SHORT:
            then: float = yield Wait(wait)
            yield Note(self._said(seconds, wait, then))
        self._is_resting(arrived + wait)

    @property
    def _is_new(self) -> bool:
        return math.isfinite(self._loaded)

    def _due(self, creep: Creep, now: float, request: object, seconds: float) -> float:
        settings = self._settings
        wait = settings.wait(creep, now, 0.0 if isinstance(request, Scan) else seconds)
        return max(wait, self._loaded + settings.load - now) if self._is_new else wait

    def _is_resting(self, now: float) -> None:
        """Forget what does not count any more."""
        if now >= self._loaded + self._settings.load:
            self._loaded = -math.inf
        slowest = self._settings.slowest
        if slowest is not None and self._settings.tolerance is None:
            self._creep = self._creep.remembered(now, slowest)

    def _said(self, seconds: float, wait: float, now: float) -> Finding:
        speed, way = self._creep.speed(now), self._creep.way(now, seconds)
        said = (
            f"the scanner was let settle for {wait:.1f} s: it is expected to creep by at most "
            f"{1e9 * speed:.2g} nm/s, and {1e9 * way:.2g} nm during what comes next"
        )
        return Finding("settling", said, {"seconds": wait, "speed": speed, "way": way})

    def _is_far(self, target: Point) -> bool:
        return math.hypot(*self._way(target)) > self._settings.after

    def _way(self, target: Point) -> Point:
        x, y = self._position or target
        return target[0] - x, target[1] - y

    def arrived(self, target: Point, time: float) -> None:
        """Hear that the probe is at a place [m] since a time [s]."""
        if self._is_far(target):
            self._creep = self._creep.after([Move(time, self._way(target))])
        self._position = target


def _target(request: object) -> Point:
    """Return where an instruction sends the probe first [m]."""
    if isinstance(request, Scan):
        x, y = request.frame.to_sample(0.0, 0.0)
        return float(x), float(y)
    assert isinstance(request, AcquireSpectrum | AcquireForceCurve | PositionProbe | ConditionTip)
    return request.x, request.y


def _count(outline: Outline) -> int:
    """Return how many measurements are outlined."""
    own = sum(isinstance(each, _MEASURING) for each in outline.instructions)
    return own + outline.rounds * sum(map(_count, outline.inner))
