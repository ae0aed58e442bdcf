"""D1 drift_track: how are five places kept under the tip for an hour, while everything moves?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from spm_auto.errors import LimitExceeded
from spm_auto.instrument import FloatArray, Scan, ScanFrame, ScanImage
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..feedback import FeedbackSettings
from ..randomness import RandomStreams
from ..scanner import ScannerSettings
from ..settings import SimulatorSettings
from ..techniques.pfm import PfmSettings
from ..truth import FilmTruth
from .matching import fitted
from .stage import Stage, mount

Correction = Literal["this", "all", "speed"]

PLACES = 5
ROOM = 0.45e-6  # the places lie within this of the film's middle, along x and y [m]
APART = 0.3e-6  # least distance of two of them [m]
PIXELS = (10, 20, 40)  # of a look, along each side
PITCH = 8e-9  # of all looks, and of what is known of the places [m]
SPEED = 1e-6  # of the tip in a look [m/s]
CORRECTIONS: tuple[Correction, ...] = ("this", "all", "speed")
VISITS = 6  # how often each place can be looked at in each way
LOST = 50e-9  # from this error on a place is lost, how far off it is does not matter [m]
WORK = 60.0  # time that is spent at a place once it was looked at [s]
SEARCH = 14  # from where a place is expected it is sought so far, along x and y [pixel]
LIKENESS = 0.7  # correlation from which a look is believed
TRUST = 30.0  # a speed is believed more than half if it was measured for longer [s]
FASTEST = 0.3e-9  # drift that is believed [m/s]
ARRIVED = 10.0  # time after a motion for which its error counts [s]
PLANNED = 200.0  # time that one who knows the truth looks ahead [s]
FORESIGHT = 60.0  # time between two moments for which the error is worked out [s]

DRIFT = {"drift": "0.05 nm/s", "warm_up": "100 nm", "temperature": "20 nm"}
OPEN_LOOP = {
    "preset": "room_temperature_afm",
    "closed_loop": False,
    "creep": 0.01,
    "hysteresis": 0.03,
    "random_walk": "0.1 nm",
    "samples_per_pixel": 2,
}


class DriftTrack(Task):
    """Keep five places of a film within reach of the tip for an hour.

    The scanner has no sensors: after each motion it creeps, what it does depends on where it was,
    and everything drifts. A choice is a place, the size of the image by which it is looked for, and
    what is made of its error: this place is corrected, or all of them by the same, or all of them
    and the speed at which they are thought to drift. A small image is quick, but shows one wall or
    none, and may fit somewhere else; a large one takes half a minute. Then a minute is spent on
    work at the place.

    The reward is by how much the places were moved, on average; an image that fits nowhere gives
    none. The regret is the root mean square error of all places over the hour, in units of that
    without any correction; beyond 50 nm a place is lost and how far off it is does not matter. What
    is left of the hour counts as if nothing more were done. At levels 0 and 1 the sample drifts,
    warms up and sways with the room, and nothing else goes wrong with the scanner.
    """

    id = "D1"
    name = "drift_track"
    question = "How are five places kept under the tip for an hour, while everything moves?"
    unit = "m"
    budget = 3600.0
    acts = 90
    level = 2  # without creep and hysteresis the truth knows too little that others do not

    def _begin(self, seed: int, level: int) -> "DriftTrackEpisode":
        # at level 2, so that there is a scanner at all; the height, and so its loop, do not matter
        technique = PfmSettings(feedback=FeedbackSettings.perfect()).at_level(level)
        scanner = ScannerSettings.model_validate(
            DRIFT | (OPEN_LOOP if level > 1 else {"preset": "perfect"})
        )
        settings = SimulatorSettings(technique=technique, scanner=scanner, level=max(level, 2))
        stage = mount(settings, seed)
        places = scattered(RandomStreams(seed).stream("places"))
        ways = list(product(range(VISITS), range(PLACES), PIXELS, CORRECTIONS))
        visit, place, pixels = (np.array([way[i] for way in ways]) for i in range(3))
        scope = np.array([CORRECTIONS.index(way[3]) for way in ways])
        choices = Choices.of(
            places[place],
            labels=[
                f"place {p + 1}, {1e9 * n * PITCH:g} nm, correct {c}, visit {v + 1}"
                for v, p, n, c in ways
            ],
            seconds=np.array([look_time(n) for n in pixels.tolist()]) + WORK,
            features=np.column_stack([np.eye(PLACES)[place], np.log(pixels), np.eye(3)[scope]]),
            ranking=-visit + 0.2 * (pixels == PIXELS[1]) + 0.1 * (scope > 0),
        )
        return DriftTrackEpisode(self, choices, stage, places, ways)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Where each place is thought to be; a value that is replaced at each correction.

    Attributes:
        places: Where they were to begin with [m], shape (n, 2).
        own: What was found wrong with each alone [m], shape (n, 2).
        shift: What was found wrong with all [m], shape (2,).
        speed: At which that is thought to go on [m/s], shape (2,).
        time: Of the last correction of all [s].
    """

    places: FloatArray
    own: FloatArray
    shift: FloatArray
    speed: FloatArray
    time: float

    def at(self, time: float) -> FloatArray:
        """Return where the tip is to be sent for each place at a time [s]; [m], shape (n, 2)."""
        return self.places + self.own + self.shift + self.speed * (time - self.time)

    def corrected(
        self, correction: Correction, place: int, error: FloatArray, time: float
    ) -> "Course":
        """Return the course after the tip was found beside a place.

        Args:
            correction: What is made of it.
            place: Which.
            error: Where the tip came to be, seen from the place [m], shape (2,).
            time: When [s].
        """
        if correction == "this":
            own = self.own.copy()
            own[place] -= error
            return replace(self, own=own)
        since = time - self.time
        shift, speed = self.shift + self.speed * since - error, self.speed
        if correction == "speed":
            # what was missed over a short time says little about the speed
            speed = speed - error * since / (since**2 + TRUST**2)
            fast = math.hypot(*speed.tolist())
            speed = speed * min(1.0, FASTEST / fast) if fast else speed
        return replace(self, shift=shift, speed=speed, time=time)


class DriftTrackEpisode(Episode):
    """One hour.

    Args:
        task: Which game.
        choices: Looks.
        stage: What is played on.
        places: Where the places truly are [m], shape (n, 2).
        ways: Visit, place, pixels and correction of each choice.
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        stage: Stage,
        places: FloatArray,
        ways: list[tuple[int, int, int, Correction]],
    ) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._places = places
        self._ways = ways
        self._known = [known(stage.truth.film, x, y) for x, y in places.tolist()]
        self._end = stage.clock.now() + task.budget
        still = np.zeros_like(places), np.zeros(2), np.zeros(2)
        self._course = Course(places, *still, stage.clock.now())
        self._lost = 0
        self._passed = 0.0  # integral over time of the mean square error [m^2 s]
        self._ahead = self._foreseen(self._course, self._end)
        self._untouched = self._total()

    def _act(self, index: int) -> Measured:
        _, place, pixels, correction = self._ways[index]
        clock, before = self._stage.clock, self._squared(self._course)
        start = clock.now()
        error = self._looked(place, pixels)
        if error is not None:
            time = clock.now() - look_time(pixels) / 2
            self._course = self._course.corrected(correction, place, error, time)
        clock.wait(WORK)
        passed = min(clock.now(), self._end) - start  # what comes after the hour does not count
        self._passed += (before + self._squared(self._course)) / 2 * passed
        self._ahead = self._foreseen(self._course, self._end)
        if error is None:
            self._lost += 1
            return math.nan, math.nan
        share = 1 / PLACES if correction == "this" else 1.0
        return share * math.hypot(*error.tolist()), math.nan

    def regret(self) -> float:
        """Return the error over the hour in units of that without any correction."""
        return math.sqrt(self._total() / self._untouched)

    def metrics(self) -> Mapping[str, float]:
        """Return the root mean square error, and how often nothing was found."""
        error = math.sqrt(self._total() / self.task.budget)
        return {"rms error [m]": error, "lost": float(self._lost)}

    def oracle(self) -> int | None:
        """Look where, and correct what, leaves the least error for some time."""
        now = self._stage.clock.now()
        errors = self._errors(self._course)
        enough = [self._enough(place, error) for place, error in enumerate(errors)]
        best, least = None, math.inf
        for place, correction in product(range(PLACES), CORRECTIONS):
            free = self._find(place, enough[place], correction)
            if free is None:
                continue
            after = self._course.corrected(correction, place, errors[place], now)
            left = self._foreseen(after, min(now + PLANNED, self._end))
            if left < least:
                best, least = free, left
        return best

    def _looked(self, place: int, pixels: int) -> FloatArray | None:
        """Image a place and return where the tip was, seen from it [m]; None where that fails."""
        x, y = self._course.at(self._stage.clock.now())[place].tolist()
        frame = ScanFrame((x, y), (pixels * PITCH,) * 2, (pixels, pixels))
        scan = Scan(frame, ("amplitude", "phase"), SPEED / (2 * pixels * PITCH))
        try:
            image = self._stage.image(scan)
        except LimitExceeded:  # it is thought to be where the scanner does not reach
            return None
        return found(response(image), self._known[place])

    def _find(self, place: int, pixels: int, correction: Correction) -> int | None:
        for index in np.flatnonzero(self._free).tolist():
            if self._ways[index][1:] == (place, pixels, correction):
                return int(index)
        return None

    def _enough(self, place: int, error: FloatArray) -> int:
        """Return the pixels of the smallest look that finds a place in spite of an error [m]."""
        reference = self._known[place]
        offset = np.rint(error / PITCH).astype(int)
        if np.abs(offset).max() <= SEARCH:
            for pixels in PIXELS[:-1]:
                first, last = ((len(reference) + sign * pixels) // 2 for sign in (-1, 1))
                column, line = (slice(first + o, last + o) for o in offset.tolist())
                seen = found(reference[line, column], reference)
                if seen is not None and math.dist(seen.tolist(), error.tolist()) < PITCH:
                    return pixels
        return PIXELS[-1]

    def _errors(self, course: Course) -> FloatArray:
        """Return where the tip would be, seen from each place, if it were sent there now [m]."""
        told = course.at(self._stage.clock.now())
        return self._stage.truth.sent(told, ARRIVED) - self._places

    def _squared(self, course: Course) -> float:
        return float(np.mean(squared(self._errors(course))))

    def _foreseen(self, course: Course, end: float) -> float:
        """Return the integral of the mean square error from now to a time [m^2 s].

        Creep and hysteresis stay as they are now.
        """
        now = self._stage.clock.now()
        if now >= end:
            return 0.0
        times = np.linspace(now, end, 2 + int((end - now) / FORESIGHT))
        drift = self._stage.truth.drift(times)
        moved = drift - drift[0] + course.speed * (times - now)[:, np.newaxis]
        errors = self._errors(course)[:, np.newaxis] + moved
        return float(np.trapezoid(squared(errors).mean(axis=0), times))

    def _total(self) -> float:
        return self._passed + self._ahead


def scattered(rng: np.random.Generator) -> FloatArray:
    """Draw the places: anywhere in the middle of the film, but apart [m], shape (n, 2)."""
    while True:
        places: FloatArray = rng.uniform(-ROOM, ROOM, (PLACES, 2))
        apart = np.hypot(*(places[:, np.newaxis] - places[np.newaxis]).transpose(2, 0, 1))
        if np.min(apart[np.triu_indices(PLACES, 1)]) > APART:
            return places


def squared(errors: FloatArray) -> FloatArray:
    """Return how much errors [m], shape (..., 2), count [m^2], shape (...)."""
    return np.asarray(np.minimum(np.sum(errors**2, axis=-1), LOST**2))


def look_time(pixels: int) -> float:
    """Return about how long a look takes, with the motion to its start [s]."""
    return 1.1 + 1.1 * pixels * 2 * pixels * PITCH / SPEED


def known(film: FilmTruth, x: float, y: float) -> FloatArray:
    """Return what is known of the surroundings of a place [m] from an earlier, careful image."""
    pixels = PIXELS[-1] + 2 * SEARCH
    frame = ScanFrame((x, y), (pixels * PITCH, pixels * PITCH), (pixels, pixels))
    return np.asarray(film.piezoresponse(*frame.positions()))


def response(image: ScanImage) -> FloatArray:
    """Return the response with its sign, as the mean of both ways, shape [line, pixel]."""
    ways = [
        image.channel("amplitude", back) * np.cos(image.channel("phase", back))
        for back in (False, True)
    ]
    return np.asarray(sum(ways) / 2)


def found(seen: FloatArray, reference: FloatArray) -> FloatArray | None:
    """Return where an image's middle lies, seen from the place [m], shape (2,); None: nowhere.

    Args:
        seen: The image, shape (n, n).
        reference: What is known of the place, centred on it, shape (m, m).
    """
    at = fitted(seen, reference, SEARCH, LIKENESS)
    return None if at is None else PITCH * at
