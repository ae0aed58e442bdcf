"""MapEpisode: an episode that asks for a whole map, from few of its sites."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spm_auto.clock import Clock
from spm_auto.instrument import FloatArray
from spm_auto.tasks import Choices, Episode, Task

from .kriging import Kriging

LOOKED_AT = 32  # sites that one who knows the truth thinks of at a time


class MapEpisode(Episode):
    """What does a quantity look like everywhere, when it is measured at some sites only?

    The judge fills in the map by kriging from the same covariance for every player. The regret is
    the error of that map, root mean square, in units of the spread of the truth: 1 for who knows
    nothing but the mean. A player's own prediction, where it has one, is judged besides.

    Args:
        task: Which game.
        choices: Sites.
        clock: Instrument time.
        values: What is true of each site, NaN where nothing is, shape (n,).
        length: Over which the map changes, for the kriging [m].
        noise: Variance of a value's error, in that of the truth.
        marks: Shares of the sites after which the error is noted.
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        clock: Clock,
        values: FloatArray,
        length: float,
        noise: float,
        marks: tuple[float, ...] = (),
    ) -> None:
        super().__init__(task, choices, clock)
        self._spread = float(np.nanstd(values))
        if not self._spread > 0:
            raise ValueError("the map is the same everywhere: there is nothing to find out")
        self._center = float(np.nanmean(values))
        self._truth = (values - self._center) / self._spread
        self._kriging = Kriging(choices.points, length, noise)
        self._marks = marks
        self._passed: dict[float, float] = {}
        self._error = 1.0
        self._way = 0.0

    @property
    def _here(self) -> tuple[float, float] | None:
        """Where the last choice was [m]."""
        if not self.chosen:
            return None
        x, y, _ = self.choices.points[self.chosen[-1]].tolist()
        return x, y

    def _note(self, index: int, value: float, weight: float = 1.0) -> None:
        """Take in what was measured at a site; NaN where that failed.

        Args:
            index: Choice.
            value: As measured.
            weight: As with so many averages.
        """
        here = self._here
        if here is not None:
            self._way += math.dist(here, self.choices.points[index, :2].tolist())
        if math.isfinite(value):
            self._kriging.add(index, (value - self._center) / self._spread, weight)
            self._error = self._error_of(self._kriging.mean)
        done = (len(self.chosen) + 1) / len(self.choices)
        for mark in self._marks:
            if done >= mark:
                self._passed.setdefault(mark, self._error)

    def regret(self) -> float:
        """Return the error of the judge's map in units of the spread of the truth."""
        return self._error

    def metrics(self) -> Mapping[str, float]:
        """Return the errors of the judge's map, at the marks too, and how long the way was."""
        return {
            "map error": self._error,
            **{f"error at {mark:.0%}": error for mark, error in self._passed.items()},
            "way [m]": self._way,
        }

    def judge(self, prediction: FloatArray) -> Mapping[str, float]:
        """Return the error of a player's own map, in the same units."""
        return {"map error": self._error_of((prediction - self._center) / self._spread)}

    def oracle(self) -> int | None:
        """Measure where the judge's map gains most in a second, of the sites where it is worst."""
        free = np.flatnonzero(self._free & np.isfinite(self._truth))
        if len(free) == 0:
            return None
        errors = np.abs(self._truth[free] - self._kriging.mean[free])
        worst = free[np.argsort(-errors, kind="stable")[:LOOKED_AT]]
        near = free if self._here is None else free[np.argsort(self._seconds(free))[:LOOKED_AT]]
        sites = np.unique(np.concatenate([worst, near[:LOOKED_AT]]))
        gains = self._kriging.gains(sites, self._truth) / self._seconds(sites)
        return int(sites[np.argmax(gains)])

    def _seconds(self, sites: NDArray[np.int64]) -> FloatArray:
        """Return about how long each of some sites takes, the way included [s]."""
        seconds = self.choices.seconds[sites]
        if self._here is None:
            return np.asarray(seconds)
        away = np.hypot(*(self.choices.points[sites, :2] - np.array(self._here)).T)
        return np.asarray(seconds + self.choices.per_metre * away)

    def _error_of(self, standardised: FloatArray) -> float:
        missed = standardised - self._truth
        return math.sqrt(float(np.nanmean(missed**2)))
