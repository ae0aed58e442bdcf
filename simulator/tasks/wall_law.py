"""P2 wall_law: how does the bias that switches a film depend on the distance from a wall?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, ScanImage
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..randomness import RandomStreams
from ..samples import FerroelectricFilmSettings
from ..samples.ferroelectric.aging import distance_to_wall
from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from ..tip import TipSettings
from ..truth import FilmTruth
from .stage import CALM, WIDE_DOMAINS, Stage, film_overview, grid_over, mount, site_labels, sites

PIXELS = 256  # of the overview, along each side
SITES = 64  # along each side of the film, those in domains that stand down are choices
SWEEP = BiasWaveform.sweep(0.0, 8.0, points=33, dwell=20e-3)
EDGES = 1e-9 * np.arange(0, 81, 10)  # of the bins of distance [m]
LEAST_SITES = 5  # that a bin needs to have a true value
MOST_SITES = 50  # that a bin's true value is taken from
ENOUGH = 3  # measurements that one who knows the truth takes in a bin
SCATTER = 1.0  # from site to site, that the worth of a measurement is told with [V]
PRIOR = 0.25  # measurements that knowing nothing counts as
PINNING = (0.11, 0.17)  # lowest and highest of a film
RADIUS = (21e-9, 29e-9)  # lowest and highest of a tip [m]


class WallLaw(Task):
    """Measure the bias that switches a virgin site against its distance from the nearest wall.

    Pinning and tip radius differ from seed to seed, and the law with them. A site can be measured
    once: it is switched then, and so is all within some 50 nm. Far from all walls there are few
    sites, and each spoils its neighbours.

    The reward is what is gained: the standard error that the measurement takes from its bin of
    distance, with the same scatter in all bins. A site that does not switch gives none.
    """

    id = "P2"
    name = "wall_law"
    question = "How does the bias that switches a virgin site depend on its distance from a wall?"
    unit = "V"
    budget = 90.0
    acts = 100

    def __init__(self) -> None:
        self._laws: dict[int, Law] = {}

    def _begin(self, seed: int, level: int) -> "WallLawEpisode":
        stage = mount(settings(seed, level), seed)
        overview = film_overview(stage, PIXELS)
        points = sites(grid_over(stage, SITES))
        if seed not in self._laws:
            self._laws[seed] = true_law(stage.truth.film, points)
        distance = seen_distance(overview)
        line, pixel = np.rint(overview.frame.to_pixel(points[:, 0], points[:, 1])).astype(int)
        seen = distance[line, pixel]
        kept = np.flatnonzero((seen > 0) & (seen < EDGES[-1]))
        choices = Choices.of(
            points[kept],
            labels=site_labels(points[kept]),
            seconds=SWEEP.duration + stage.microscope.timing.spectrum_overhead,
            features=seen[kept, np.newaxis],
            overview=overview,
        )
        return WallLawEpisode(self, choices, stage, self._laws[seed], kept)


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """What is true of a film.

    Attributes:
        bias: That switches the median site of each bin [V], NaN with too few sites, shape (b,).
        at: That switches each site [V], NaN where it is not known, shape (n,).
    """

    bias: FloatArray
    at: FloatArray


class WallLawEpisode(Episode):
    """One film and tip.

    Args:
        task: Which game.
        choices: Sites.
        stage: What is played on.
        law: The truth.
        kept: Which of the law's sites the choices are.
    """

    def __init__(
        self, task: Task, choices: Choices, stage: Stage, law: Law, kept: NDArray[np.int64]
    ) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._law = law
        self._true = law.at[kept]
        self._bin = np.digitize(choices.features[:, 0], EDGES) - 1
        self._found: list[list[float]] = [[] for _ in law.bias]

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))
        bias = switching_bias(spectrum.bias, spectrum.channel())
        if math.isnan(bias):
            return math.nan, math.nan
        found = self._found[self._bin[index]]
        gain = SCATTER / math.sqrt(len(found) + PRIOR) - SCATTER / math.sqrt(len(found) + 1 + PRIOR)
        found.append(bias)
        return gain, 0.0

    @property
    def estimate(self) -> FloatArray:
        """The law as measured [V], shape (b,): medians, and between them straight lines."""
        known = [i for i, found in enumerate(self._found) if found]
        if not known:
            return np.full(len(self._found), np.nan)
        medians = [float(np.median(self._found[i])) for i in known]
        return np.interp(np.arange(len(self._found)), known, medians)

    def regret(self) -> float:
        """Return the error of the law, in units of that of the best constant."""
        error = self._error()
        return 1.0 if math.isnan(error) else error / float(np.nanstd(self._law.bias))

    def metrics(self) -> Mapping[str, float]:
        """Return the root mean square error of the law, and how much of it was measured."""
        return {
            "error [V]": self._error(),
            "bins": float(sum(1 for found in self._found if found)),
            "switched": float(sum(len(found) for found in self._found)),
        }

    def oracle(self) -> int | None:
        """Measure typical sites of the bins of which least is known, where nothing was switched."""
        counts = [
            len(found) if math.isfinite(bias) else ENOUGH
            for found, bias in zip(self._found, self._law.bias, strict=True)
        ]
        for b in np.argsort(counts, kind="stable").tolist():
            if counts[b] >= ENOUGH:
                return None
            off = np.abs(self._true - self._law.bias[b])
            usable = np.flatnonzero(self._free & (self._bin == b) & np.isfinite(off))
            # of typical sites those first that respond strongly
            best = np.lexsort((-self._responses()[usable], off[usable]))
            for index in usable[best].tolist():
                if self._is_virgin(index):
                    return int(index)
            counts[b] = ENOUGH
        return None

    def _responses(self) -> FloatArray:
        x, y = self.choices.points[:, 0], self.choices.points[:, 1]
        return np.abs(self._stage.truth.film.piezoresponse(x, y))

    def _is_virgin(self, index: int) -> bool:
        x, y, _ = self.choices.points[index].tolist()
        return true_bias(self._stage.truth.film, x, y) == float(self._true[index])

    def _error(self) -> float:
        if not any(self._found):
            return math.nan
        return float(np.sqrt(np.nanmean((self.estimate - self._law.bias) ** 2)))


def settings(seed: int, level: int) -> SimulatorSettings:
    """Return a film with wide domains, with the pinning and the tip of a seed."""
    rng = RandomStreams(seed).stream("wall law")
    pinning, radius = rng.uniform(*PINNING), rng.uniform(*RADIUS)
    return SimulatorSettings(
        sample=FerroelectricFilmSettings.model_validate(WIDE_DOMAINS | {"pinning": pinning}),
        technique=PfmSettings(
            tip=TipSettings.model_validate({"radius": f"{radius} m"}),
            noise=PfmNoise.model_validate(CALM),
        ),
        level=level,
    )


def seen_distance(overview: ScanImage) -> FloatArray:
    """Return how far from a wall each pixel of a domain that stands down is seen to be [m].

    Returns:
        Shape [line, pixel]; 0 in domains that stand up.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    stands_up = gaussian_filter(np.cos(overview.channel("phase")), 1.0) > 0
    pitch = overview.frame.pitch[0]
    # a pixel next to a wall is half a pixel away from it
    distance = distance_transform_edt(~stands_up, sampling=pitch) - pitch / 2
    return np.asarray(np.where(stands_up, 0.0, distance))


def switching_bias(bias: FloatArray, response: FloatArray) -> float:
    """Return where a rising sweep switches a site that stood down [V]; NaN where it does not.

    The sweep is taken for one step from one level to another, in the sense of least squares, after
    single failed points were taken out by a running median of three.
    """
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(response, 3), axis=1)
    n = len(smooth)
    below = np.cumsum(smooth)[:-1]
    above = below[-1] + smooth[-1] - below
    before = np.arange(1, n)
    explained = below**2 / before + above**2 / (n - before)
    step = int(np.argmax(explained))
    low, high = below[step] / before[step], above[step] / (n - before[step])
    unexplained = float(np.sum(smooth**2) - explained[step])
    noise = math.sqrt(max(unexplained, 0.0) / n)
    if not low < -noise < noise < high:
        return math.nan
    return float(bias[1:-1][step + 1])


def true_bias(film: FilmTruth, x: float, y: float) -> float:
    """Return the bias that switches a site now, seen by a perfect instrument [V]."""
    return switching_bias(SWEEP.bias, film.loop(x, y, SWEEP)[0])


def true_law(film: FilmTruth, points: FloatArray) -> Law:
    """Return the law of an untouched film from some sites in each bin.

    Args:
        film: As it is at first.
        points: Sites [m], shape (n, 2).
    """
    polarization = film.polarization
    cell = float(film.coordinates[0][0, 1] - film.coordinates[0][0, 0])
    low = float(film.coordinates[0][0, 0])
    column, row = np.rint((points - low) / cell).astype(int).T
    distance = np.where(polarization < 0, distance_to_wall(polarization, cell), np.nan)[row, column]
    at = np.full(len(points), np.nan)
    law = np.full(len(EDGES) - 1, np.nan)
    for b, (start, end) in enumerate(pairwise(EDGES.tolist())):
        inside = np.flatnonzero((distance >= start) & (distance < end))
        inside = inside[:: max(1, len(inside) // MOST_SITES)][:MOST_SITES]
        at[inside] = [true_bias(film, *point) for point in points[inside].tolist()]
        if np.count_nonzero(np.isfinite(at[inside])) >= LEAST_SITES:
            law[b] = np.nanmedian(at[inside])
    return Law(law, at)
