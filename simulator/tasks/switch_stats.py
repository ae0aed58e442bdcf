"""P8 switch_stats: how many single switching events come together without a human?"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, FloatArray
from spm_auto.tasks import Choices, Episode, Measured, Task

from .stage import Stage, film_overview, grid_over, mount, site_labels, sites
from .wall_law import PIXELS, SWEEP, seen_distance, settings, switching_bias, true_bias

SITES = 48  # along each side of the film
FAR = 30e-9  # least distance from all walls of what counts as the middle of a domain [m]
MOST_SITES = 150  # that the true distribution is taken from
LEAST_EVENTS = 3  # that a distribution can be told from
SPARED = 100e-9  # distance of two sites at which neither spoils the other [m]


class SwitchStats(Task):
    """Gather single events of switching, and their statistics, in 75 s without a human.

    An event is a sweep that switches a virgin site which lies in a domain that stands down, at
    least 30 nm from all walls: other sites switch by moving a wall, or cannot switch. Whether a
    site is such a one is seen on the overview. A site within 100 nm of one that was swept before
    tells nothing.

    The reward is 1 for an event and 0 for none. The regret is the share of acts, of those that the
    time is enough for, which gave none. How well mean and deviation of the bias are known from the
    events is told besides.
    """

    id = "P8"
    name = "switch_stats"
    question = "How many single switching events of the middles of domains come together?"
    unit = "1"
    budget = 75.0
    acts = 80

    def __init__(self) -> None:
        self._true: dict[int, tuple[float, float]] = {}

    def _begin(self, seed: int, level: int) -> "SwitchStatsEpisode":
        stage = mount(settings(seed, level), seed)
        overview = film_overview(stage, PIXELS)
        points = sites(grid_over(stage, SITES))
        if seed not in self._true:
            self._true[seed] = distribution(stage, points)
        distance = seen_distance(overview)
        line, pixel = np.rint(overview.frame.to_pixel(points[:, 0], points[:, 1])).astype(int)
        seen = distance[line, pixel]
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=SWEEP.duration + stage.microscope.timing.spectrum_overhead,
            features=seen[:, np.newaxis],
            ranking=seen,
            overview=overview,
        )
        return SwitchStatsEpisode(self, choices, stage, self._true[seed])


class SwitchStatsEpisode(Episode):
    """One film and tip.

    Args:
        task: Which game.
        choices: Sites.
        stage: What is played on.
        true: Mean and deviation of the switching bias [V].
    """

    def __init__(
        self, task: Task, choices: Choices, stage: Stage, true: tuple[float, float]
    ) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._true = true
        self._is_middle = choices.features[:, 0] >= FAR
        self._events: list[float] = []
        self._swept: list[int] = []

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))
        bias = switching_bias(spectrum.bias, spectrum.channel())
        is_event = bool(self._is_middle[index]) and math.isfinite(bias) and self._is_spared(index)
        self._swept.append(index)
        if is_event:
            self._events.append(bias)
        return float(is_event), 0.0

    def regret(self) -> float:
        """Return the share of acts that gave no event."""
        return 1.0 - len(self._events) / self.task.acts

    def oracle(self) -> int | None:
        """Measure the middle of a domain, far from all that was swept."""
        usable = np.flatnonzero(self._free & self._is_middle)
        good = [i for i in usable.tolist() if self._is_spared(i)]
        return good[len(good) // 2] if good else None

    def metrics(self) -> Mapping[str, float]:
        """Return the number of events, and the error of what they say of the switching bias.

        It is the root mean square of the errors of mean and deviation, in true deviations.
        """
        error = math.nan
        if len(self._events) >= LEAST_EVENTS:
            mean, deviation = self._true
            off = np.mean(self._events) - mean, np.std(self._events, ddof=1) - deviation
            error = float(np.sqrt(np.mean(np.square(off)))) / deviation
        return {"events": float(len(self._events)), "error of the distribution": error}

    def _is_spared(self, index: int) -> bool:
        if not self._swept:
            return True
        away = self.choices.points[self._swept, :2] - self.choices.points[index, :2]
        return bool(np.hypot(*away.T).min() >= SPARED)


def distribution(stage: Stage, points: FloatArray) -> tuple[float, float]:
    """Return mean and deviation of the bias that switches the middle of a domain [V].

    Args:
        stage: With the film as it is at first.
        points: Sites [m], shape (n, 2).
    """
    film = stage.truth.film
    inside = np.flatnonzero(_in_the_middle(stage, points))
    inside = inside[:: max(1, len(inside) // MOST_SITES)][:MOST_SITES]
    found = np.array([true_bias(film, x, y) for x, y in points[inside].tolist()])
    return float(np.nanmean(found)), float(np.nanstd(found))


def _in_the_middle(stage: Stage, points: FloatArray) -> NDArray[np.bool_]:
    """Say which sites truly lie in a domain that stands down, far from all walls, shape (n,)."""
    film = stage.truth.film
    along = film.coordinates[0][0]
    column, row = np.rint((points - along[0]) / (along[1] - along[0])).astype(int).T
    stands_down = film.polarization[row, column] < 0
    return np.asarray(stands_down & (film.distance_to_wall[row, column] >= FAR))
