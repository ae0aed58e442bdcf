"""P4 write_pattern: which pulses write a given picture into a ferroelectric film?"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, Scan, ScanFrame
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..randomness import RandomStreams
from ..samples.fields import gaussian_field
from ..settings import SimulatorSettings
from ..truth import FilmTruth
from .stage import Stage, film_overview, mount, site_labels, sites

SIDE = 1e-6  # of the picture [m]
PIXELS = 16  # of the picture, along each side
FINE = 8  # points that are looked at along a pixel
OVERVIEW_PIXELS = 256  # along each side of the film
SMOOTHNESS = 180e-9  # correlation length of the picture [m]
BIASES = (-10.0, -7.0, 7.0, 10.0)  # [V]
PULSE = 8e-3  # [s], half of it with the bias on
LOOK = 2  # pixels along each side that are looked at after a pulse
LOOK_RATE = 20.0  # lines per second [Hz]

Picture = NDArray[np.bool_]


class WritePattern(Task):
    """Write a picture of 1 um and 16 x 16 pixels into a film full of domains.

    A choice is a pixel and a bias. After the pulse its surroundings are imaged; the reward is the
    area that has come to agree with the picture since they were last seen, less what no longer
    does, in pixels. Domains written at 10 V are wider than a pixel, they merge with their
    neighbours, and what stands down is harder to write than what stands up.

    The score is the overlap of what stands up with what should: area of both over area of either.
    """

    id = "P4"
    name = "write_pattern"
    question = "Which pulses write a given picture of 1 um into a ferroelectric film?"
    unit = "1"
    budget = 220.0
    acts = 100

    def __init__(self) -> None:
        self._plans: dict[int, Plan] = {}

    def _begin(self, seed: int, level: int) -> "WritePatternEpisode":
        stage = mount(SimulatorSettings(level=level), seed)
        frame = ScanFrame((0.0, 0.0), (SIDE, SIDE), (PIXELS, PIXELS))
        overview = film_overview(stage, OVERVIEW_PIXELS)
        wanted = picture(seed)
        place = sites(frame)
        points = np.column_stack(
            [np.repeat(place, len(BIASES), axis=0), np.tile(BIASES, len(place))]
        )
        if seed not in self._plans:
            self._plans[seed] = plan(stage.truth.film, wanted, points, self.acts)
        seen = _seen(overview.frame, overview.channel("phase"))
        is_up = np.repeat(_by_pixel(seen).ravel(), len(BIASES))
        is_wanted = np.repeat(_by_pixel(wanted).ravel(), len(BIASES))
        labels = [
            f"{where}, {bias:+g} V"
            for where, bias in zip(site_labels(points), points[:, 2].tolist(), strict=True)
        ]
        choices = Choices.of(
            points,
            labels=labels,
            seconds=1.2 + PULSE + LOOK * FINE / LOOK_RATE,
            # what is, what should be, and whether the pulse goes the right way
            features=np.column_stack(
                [is_up, is_wanted, (is_wanted - is_up) * np.sign(points[:, 2])]
            ),
            ranking=(is_wanted - is_up) * np.sign(points[:, 2]),
            overview=overview,
        )
        return WritePatternEpisode(self, choices, stage, wanted, seen, self._plans[seed])


@dataclass(frozen=True, slots=True)
class Plan:
    """How one who knows the truth would write.

    Attributes:
        pulses: Choices in order.
        overlap: That they reach on a perfect instrument.
        before: Overlap of the untouched film.
    """

    pulses: tuple[int, ...]
    overlap: float
    before: float


class WritePatternEpisode(Episode):
    """One film and picture.

    Args:
        task: Which game.
        choices: Pulses.
        stage: What is played on.
        wanted: Where the film should stand up, shape (PIXELS FINE, PIXELS FINE).
        seen: Where it was seen to, of the same shape.
        plan: The reference.
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        stage: Stage,
        wanted: Picture,
        seen: Picture,
        plan: Plan,
    ) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._wanted = wanted
        self._seen = seen
        self._plan = plan

    def _act(self, index: int) -> Measured:
        x, y, bias = self.choices.points[index].tolist()
        waveform = BiasWaveform((bias,), dwell=PULSE)
        self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, waveform))
        side = LOOK * SIDE / PIXELS
        n = LOOK * FINE
        frame = ScanFrame((x, y), (side, side), (n, n))
        look = self._stage.image(Scan(frame, ("phase",), LOOK_RATE))
        stands_up = np.cos(look.channel("phase")) > 0
        line, pixel = (
            int(i) * FINE - n // 2 + FINE // 2 for i in divmod(index // len(BIASES), PIXELS)
        )
        # what lies outside the picture does not count
        lines, pixels = (slice(max(start, 0), start + n) for start in (line, pixel))
        inside = stands_up[max(-line, 0) :, max(-pixel, 0) :]
        wanted = self._wanted[lines, pixels]
        inside = inside[: wanted.shape[0], : wanted.shape[1]]
        before = np.count_nonzero(self._seen[lines, pixels] == wanted)
        self._seen[lines, pixels] = inside
        gained = int(np.count_nonzero(inside == wanted)) - int(before)
        return gained / FINE**2, float("nan")

    def regret(self) -> float:
        """Return how much of the overlap that can be reached was not."""
        return (self._plan.overlap - self._overlap()) / (self._plan.overlap - self._plan.before)

    def metrics(self) -> Mapping[str, float]:
        """Return the overlap, and the one that an oracle reaches."""
        return {"overlap": self._overlap(), "overlap of the plan": self._plan.overlap}

    def oracle(self) -> int | None:
        """Follow the plan."""
        n = len(self.chosen)
        return self._plan.pulses[n] if n < len(self._plan.pulses) else None

    def _overlap(self) -> float:
        return overlap(up_within(self._stage.truth.film), self._wanted)


def picture(seed: int) -> Picture:
    """Return the picture of a seed: islands and bays of some pixels.

    Returns:
        Where the film should stand up, shape (PIXELS FINE, PIXELS FINE).
    """
    rng = RandomStreams(seed).stream("picture")
    field = gaussian_field(PIXELS, SIDE / PIXELS, SMOOTHNESS, rng)
    return np.kron(field > np.median(field), np.ones((FINE, FINE))).astype(bool)


def overlap(stands_up: Picture, wanted: Picture) -> float:
    """Return the area of both over the area of either."""
    either = int(np.count_nonzero(stands_up | wanted))
    return int(np.count_nonzero(stands_up & wanted)) / either if either else 1.0


def up_within(film: FilmTruth) -> Picture:
    """Return where the film stands up within the picture now, with the picture's resolution."""
    return np.asarray(film.polarization[_cells(film)] > 0)


def plan(film: FilmTruth, wanted: Picture, points: FloatArray, most: int) -> Plan:
    """Find good pulses one by one: each time the one after which the overlap is largest.

    Gains are looked up again only when they come to the top of the list, as a pulse changes little
    of what others gain.

    Args:
        film: As it is at first; it is left so.
        wanted: Where it should stand up.
        points: x [m], y [m] and bias [V] of all pulses, shape (n, 3).
        most: How many may be given.
    """
    untouched = film.polarization
    cells = _cells(film)

    def tried(index: int) -> tuple[float, FloatArray]:
        x, y, bias = points[index].tolist()
        after = film.after(x, y, BiasWaveform((bias,), dwell=PULSE))
        return overlap(after[cells] > 0, wanted), after

    before = reached = overlap(up_within(film), wanted)
    pulses: list[int] = []
    ahead = [(before - tried(index)[0], index) for index in range(len(points))]
    heapq.heapify(ahead)
    while ahead and len(pulses) < most:
        _, index = heapq.heappop(ahead)
        now, after = tried(index)
        gain = now - reached
        if ahead and gain < -ahead[0][0]:
            if gain > 0:
                heapq.heappush(ahead, (-gain, index))
            continue
        if gain <= 0:
            break
        film.polarization = after
        pulses.append(index)
        reached = now
    film.polarization = untouched
    return Plan(tuple(pulses), reached, before)


def _cells(film: FilmTruth) -> tuple[slice, slice]:
    """Return which cells the picture covers."""
    along = film.coordinates[0][0]
    inside = np.flatnonzero(np.abs(along) < SIDE / 2)
    if len(inside) != PIXELS * FINE:
        raise ValueError(f"the picture needs {PIXELS * FINE} cells each way, got {len(inside)}")
    both = slice(int(inside[0]), int(inside[-1]) + 1)
    return both, both


def _seen(frame: ScanFrame, phase: FloatArray) -> Picture:
    """Return where the film was seen to stand up, within the picture."""
    fine = ScanFrame((0.0, 0.0), (SIDE, SIDE), (PIXELS * FINE, PIXELS * FINE))
    line, pixel = np.rint(frame.to_pixel(*fine.positions())).astype(int)
    return np.asarray(np.cos(phase[line, pixel]) > 0)


def _by_pixel(fine: Picture) -> FloatArray:
    """Return the mean over each pixel of the picture, shape (PIXELS, PIXELS)."""
    return np.asarray(fine.reshape(PIXELS, FINE, PIXELS, FINE).mean(axis=(1, 3)))
