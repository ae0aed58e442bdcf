"""Tracker: follows the sample with strips, and sends instructions to where it is by then."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...analysis import (
    Drift,
    DriftModel,
    Placed,
    StripPlace,
    choose_strip,
    place_strip,
    register,
)
from ...data import STRIP, Alarm, Finding
from ...errors import BudgetSpent, DataError, LimitExceeded, SpmError
from ...instrument import FloatArray, Instruction, Load, PositionProbe, Scan, ScanImage
from ...units import format as format_quantity
from ..knowledge import Knowledge
from ..requests import Estimate, Estimates, Note, Request, Wait
from .moving import PLACEABLE, Placeable, Point, moved, place_of, takes, told_as_asked, told_back

DRIFT = "drift"  # kind of the findings, and cause of the alarms
TRACKED = "tracked"  # whether a run's sample is followed now, in its knowledge
SCANNED = "scanned beside"  # what in a run's knowledge hears of such scans
REST = 600.0  # [s] a sample that is lost is not looked for again, where the run goes on
FRESH = 1.0  # [pixel] by which a strip is sought farther than what is known of the drift

_LOST = {
    "end": "the block ends, nothing more is measured by it",
    "pause": "the run waits; put it right, and it is looked for again",
    "go on": "the run goes on by what was known of the drift",
}

Working = Generator[Request, Any, Any]


class SampleLost(SpmError):
    """Nobody knows where the sample is, and a step still asks to measure there."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How the sample is followed.

    Attributes:
        model: How it may drift.
        lines: Of a strip.
        pixels: Of a strip.
        margin: Pixels and lines of the reference around it.
        line_rate: Of a strip [Hz].
        scan: The reference's scan.
        channels: That are compared; empty for all.
        accuracy: What the scanner adds to the error of a look [m].
        every: Time from one look to the next [s].
        tolerance: Standard deviation of the offset from which it is looked [m].
        lost: What is done when the sample is lost: "end", "pause" or "go on".
    """

    model: DriftModel
    lines: int
    pixels: int
    margin: int
    line_rate: float
    scan: Scan
    channels: tuple[str, ...]
    accuracy: float
    every: float
    tolerance: float
    lost: str


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a look showed: the offset [m], its covariance [m^2], when [s], and how it was taken."""

    offset: FloatArray
    covariance: FloatArray
    time: float
    how: str
    doubt: str = ""


class Tracker:
    """Follows a sample from a reference image; a block yields from its methods.

    It decides by what is on record alone, so that a run that goes on decides as it did then.

    Args:
        settings: How closely.
        reference: The image whose coordinates are the sample's.
        knowledge: Of the run; its shift is kept in force for what it notes.

    Attributes:
        drift: What is known now.
    """

    def __init__(
        self, settings: TrackerSettings, reference: ScanImage, knowledge: Knowledge
    ) -> None:
        self._settings, self.reference, self._knowledge = settings, reference, knowledge
        self._place = choose_strip(
            reference, settings.lines, settings.pixels, settings.margin, settings.channels
        )
        self.drift = Drift.begin(settings.model, self._place.time(reference))
        self._looked = self._began = self.drift.time
        self._first_velocity: Point = (0.0, 0.0)  # while the reference was scanned [m/s]
        self._is_shaken = False
        self._at: Point | None = None  # where the probe was sent to rest
        self._is_lost = self._was_told = False
        self._rests_until = -math.inf

    @property
    def scan(self) -> Scan:
        """The scan of the reference."""
        return self._settings.scan

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows where the sample is."""
        return self._is_lost

    @property
    def strip(self) -> StripPlace:
        """The part of the reference that is looked at."""
        return self._place

    def follow(self, settings: TrackerSettings) -> None:
        """Go on with other settings, the reference being the same."""
        self._settings = settings
        self.drift = replace(self.drift, model=settings.model)
        self._is_lost = self._was_told = False
        self._rests_until = -math.inf
        self._is_shaken = True  # nobody looked meanwhile

    def chosen(self) -> Finding:
        """Say which strip was chosen, and why."""
        place, frame = self._place, self._place.frame(self.reference.frame)
        said = (
            f"the sample is followed by a strip of {place.pixels} x {place.lines} pixels around "
            f"({1e9 * frame.center[0]:.4g}, {1e9 * frame.center[1]:.4g}) nm: it tells best where "
            f"it is, to {format_quantity(place.expected, 'm')} if nothing but noise were wrong"
        )
        values = {
            "x": frame.center[0],
            "y": frame.center[1],
            "width": frame.size[0],
            "height": frame.size[1],
            "expected": place.expected,
        }
        return Finding("registration", said, values)

    def serve(self, request: Request) -> Working:
        """Answer a request of a step inside: sent to where the sample is, told where it was."""
        if isinstance(request, Estimate):
            return (yield from self._estimated(request))
        if isinstance(request, Load):
            answer = yield request
            self._is_shaken = True  # it was taken away, and the tip with it
            return answer
        if not isinstance(request, PLACEABLE):
            return (yield request)
        return (yield from self._sent(request))

    def _sent(self, asked: Placeable) -> Working:
        self._refuse_when_lost()
        now: float = yield Wait()
        is_there, self._at = place_of(asked) == self._at, None
        if self._is_due(now, asked) and not is_there:
            yield from self.look(now)
            self._refuse_when_lost()
            now = yield Wait()
        shift = self._shift(self._ahead(now, asked), asked)
        sent = moved(asked, shift)
        self._knowledge.shift = shift
        try:
            result = yield sent
        except LimitExceeded as error:
            raise told_as_asked(error, shift) from error
        if isinstance(asked, PositionProbe):
            self._at = place_of(asked)  # it was sent there to rest, a look would take it away
        return told_back(result, asked, sent)

    def look(self, now: float) -> Working:
        """Look where the sample is: by a strip, a larger one, and at last the whole reference.

        Args:
            now: Instrument time [s].
        """
        before = now - self._looked
        small = yield from self._strip(self._place, now, self._reach())
        if not small.doubt and (yield from self._believed(small, before)):
            return
        wide = self._place.grown(self.reference.frame.shape)
        large = yield from self._strip(wide, small.time, None)
        if not large.doubt:
            if self._agree(small, large):
                yield from self._found_anew(large, before)
                return
            if (yield from self._believed(large, before)):
                return
        whole = yield from self._whole(large.time)
        if not whole.doubt:
            if not (yield from self._believed(whole, before)):
                yield from self._found_anew(whole, before)
            return
        yield from self._lose(whole)

    def _is_due(self, now: float, asked: Instruction) -> bool:
        settings = self._settings
        if now < self._rests_until:
            return False
        is_late = now - self._looked >= settings.every
        return self._is_shaken or is_late or self._ahead(now, asked).sd > settings.tolerance

    def _ahead(self, now: float, asked: Instruction | None = None) -> Drift:
        """Return what the drift will be in the middle of an instruction that is given now."""
        return self.drift.at(max(now + takes(asked) / 2, self.drift.time))

    def _shift(self, drift: Drift, asked: Placeable) -> Point:
        """Return where to send an instruction [m].

        The reference was not scanned at once. What lies on another line than the strip was seen
        when the sample had moved on, or not yet so far.
        """
        early = self._early(place_of(asked))
        (x, y), (vx, vy) = drift.offset, self._first_velocity
        return x - early * vx, y - early * vy

    def _early(self, at: Point) -> float:
        """Return by how much later than the strip a place was seen on the reference [s]."""
        reference = self.reference
        if not reference.frame.contains(*at):
            return 0.0
        share = (float(reference.frame.to_pixel(*at)[0]) + 0.5) / reference.frame.shape[0]
        when = reference.start_time + share * (reference.end_time - reference.start_time)
        return when - self._place.time(reference)

    def _reach(self) -> float:
        """Return how far a strip is sought; a sample that was taken away may be anywhere [m]."""
        pitch = max(self.reference.frame.pitch)
        if self._is_shaken:
            return self._settings.margin * pitch
        return FRESH * pitch  # what is known of the drift comes on top of it

    def _strip(self, place: StripPlace, now: float, reach: float | None) -> Working:
        """Scan a strip, and seek it on the reference."""
        settings = self._settings
        rate = settings.line_rate * settings.pixels / place.pixels  # the tip is as fast
        scan = replace(settings.scan, line_rate=rate, purpose=STRIP)
        how = f"a strip of {place.pixels} x {place.lines} pixels"
        ahead = self._ahead(now, replace(scan, frame=place.frame(self.reference.frame)))
        scan = replace(scan, frame=place.frame(self.reference.frame, ahead.offset))
        self._knowledge.shift = ahead.offset
        try:
            image: ScanImage = yield scan
        except LimitExceeded as error:
            return _nothing(now, how, str(error))
        self._tell_others(image)
        middle = (image.start_time + image.end_time) / 2
        most = max(self.reference.frame.size)
        search = most if reach is None else min(reach + settings.model.gate * ahead.sd, most)
        try:
            placed: Placed = place_strip(self.reference, image, place, search, settings.channels)
        except DataError as error:
            return _nothing(middle, how, str(error))
        if not placed.is_sure:
            return _nothing(middle, how, placed.doubt)
        covariance = placed.covariance + settings.accuracy**2 * np.eye(2)
        return _Seen(np.array(ahead.offset) + placed.shift, covariance, middle, how)

    def _whole(self, now: float) -> Working:
        """Scan the whole reference again."""
        scan = replace(self._settings.scan, purpose="registration")
        how = "the whole reference"
        offset = self._ahead(now, scan).offset
        self._knowledge.shift = offset
        try:
            image: ScanImage = yield moved(scan, offset)
        except LimitExceeded as error:
            return _nothing(now, how, str(error))
        self._tell_others(image)
        middle = (image.start_time + image.end_time) / 2
        shift = register(self.reference, replace(image, frame=self.reference.frame))
        if not shift.is_sure:
            return _nothing(middle, how, shift.doubt)
        covariance = (shift.uncertainty**2 + self._settings.accuracy**2) * np.eye(2)
        return _Seen(np.array(offset) + np.array([shift.dx, shift.dy]), covariance, middle, how)

    def _tell_others(self, image: ScanImage) -> None:
        """Tell a block inside, which lets the scanner settle, of a scan that it did not ask for."""
        for hear in self._knowledge.shared.get(SCANNED, ()):
            hear(image)

    def _agree(self, one: _Seen, other: _Seen) -> bool:
        """Say whether two looks that came as a surprise tell of the same."""
        if one.doubt:
            return False
        apart = other.offset - one.offset
        spread = (
            one.covariance
            + other.covariance
            + self.drift.model.noise(max(other.time - one.time, 0.0))[:2, :2]
        )
        return float(apart @ np.linalg.solve(spread, apart)) <= self.drift.model.gate**2

    def _believed(self, seen: _Seen, before: float) -> Working:
        """Correct by a look that is no outlier; returns whether it was one of these."""
        far = self._settings.margin * max(self.reference.frame.pitch)
        drift = self.drift.loosened(far) if self._is_shaken else self.drift
        look = drift.looked(max(seen.time, drift.time), seen.offset, seen.covariance)
        if look.is_outlier:
            return False
        if self._looked == self._began and not self._is_shaken:
            self._first_velocity = self._velocity_of(seen)
        self.drift = look.drift
        yield from self._said(seen, before, surprise=look.surprise)
        return True

    def _velocity_of(self, seen: _Seen) -> Point:
        """Return how fast the sample most probably moved before the first look [m/s]."""
        seconds, model = seen.time - self._began, self._settings.model
        share = model.speed**2 * seconds * np.eye(2)
        spread = seconds * share + model.noise(seconds)[:2, :2] + seen.covariance
        vx, vy = (share @ np.linalg.solve(spread, seen.offset)).tolist()
        return vx, vy

    def _found_anew(self, seen: _Seen, before: float) -> Working:
        time = max(seen.time, self.drift.time)
        self.drift = self.drift.reacquired(time, seen.offset, seen.covariance)
        yield from self._said(seen, before, surprise=math.inf)

    def _said(self, seen: _Seen, before: float, surprise: float) -> Working:
        self._looked, self._is_shaken = self.drift.time, False
        (x, y), (vx, vy) = self.drift.offset, self.drift.velocity
        anew = "" if math.isfinite(surprise) else ", which was not expected there"
        said = (
            f"drift: the sample is ({1e9 * x:.2f}, {1e9 * y:.2f}) nm off, known to "
            f"{1e9 * self.drift.sd:.2f} nm, and moves by ({1e9 * vx:.3f}, {1e9 * vy:.3f}) nm/s; "
            f"seen by {seen.how}{anew}"
        )
        values = {
            "offset": np.array([x, y]),
            "velocity": np.array([vx, vy]),
            "sd": self.drift.sd,
            "seconds": before,
            "time": self.drift.time,
            "surprise": surprise,
            "is_sure": True,
        }
        yield Note(Finding(DRIFT, said, values))

    def _lose(self, seen: _Seen) -> Working:
        """Say that the sample is lost, and do what was asked for then."""
        lost = self._settings.lost
        while seen.doubt:
            said = f"the sample is lost: {seen.doubt}; {_LOST[lost]}"
            sd = self._ahead(seen.time).sd
            yield Note(Finding(DRIFT, said, {"time": seen.time, "sd": sd, "is_sure": False}))
            yield Note(Alarm(said, DRIFT), pause=lost == "pause")
            if lost != "pause":
                self._is_lost = lost == "end"
                self._rests_until = seen.time + min(self._settings.every, REST)
                return
            now: float = yield Wait()
            seen = yield from self._whole(now)
        yield from self._found_anew(seen, seen.time - self._looked)

    def _refuse_when_lost(self) -> None:
        """Let the step conclude, once; then leave."""
        if self._is_lost and self._was_told:
            raise SampleLost("the sample is lost, and nothing more is measured")
        if self._is_lost:
            self._was_told = True
            raise BudgetSpent("the sample is lost")

    def _estimated(self, request: Estimate) -> Working:
        shift = self._knowledge.shift
        there = tuple(
            moved(each, shift) if isinstance(each, PLACEABLE) else each
            for each in request.instructions
        )
        answer: Estimates | None = yield Estimate(there)
        if answer is None:
            return None
        x, y = answer.position
        return replace(answer, position=(x - shift[0], y - shift[1]))


def _nothing(time: float, how: str, doubt: str) -> _Seen:
    return _Seen(np.full(2, np.nan), np.full((2, 2), np.inf), time, how, f"{how}: {doubt}")
