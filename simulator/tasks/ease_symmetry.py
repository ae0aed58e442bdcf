"""P5 ease_symmetry: which sites of a film switch both easily and symmetrically?"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray
from spm_auto.tasks import Choices, Detail, Episode, Measured, Task

from .stage import Stage
from .switching import SITES, film_choices, taken, true_switching

BEST = 0.1  # share of all sites that counts as the best by one of the two


class EaseSymmetry(Task):
    """Find the compromises between sites that switch at little bias and sites that do not imprint.

    40 loops on 28 x 28 sites of 1 um. A player is told two values of each: its ease, minus half the
    width of the loop, and its symmetry, minus the magnitude of its shift. The reward is the ease.

    What is handed in are the sites that, as measured, no other one beats in both. The regret is
    what is missing of the area that the true front dominates, from the median of both values on: a
    player that finds nothing better than the median in both has a regret of 1.

    Args:
        sites: Along each side.
    """

    id = "P5"
    name = "ease_symmetry"
    question = "Which sites of a film switch both easily and symmetrically?"
    unit = "V"
    budget = 52.0
    acts = 40

    def __init__(self, sites: int = SITES) -> None:
        self._sites = sites
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "EaseSymmetryEpisode":
        stage, choices = film_choices(seed, level, self._sites)
        if seed not in self._values:
            width, shift = true_switching(stage.truth.film, choices.points[:, :2]).T
            self._values[seed] = np.column_stack([-width, -np.abs(shift)])
        return EaseSymmetryEpisode(self, choices, stage, self._values[seed])


class EaseSymmetryEpisode(Episode):
    """One film.

    Args:
        task: Which game.
        choices: Sites.
        stage: What is played on.
        values: True ease and symmetry of each site [V], NaN where it does not switch, shape (n, 2).
    """

    scalarizers = ("ease", "symmetry")

    def __init__(self, task: Task, choices: Choices, stage: Stage, values: FloatArray) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._median = np.nanmedian(values, axis=0)
        # a site that does not switch dominates nothing
        self._values = np.where(np.isfinite(values), values, self._median)
        self._whole = area(self._values, self._median)

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        _, found = taken(self._stage, x, y)
        if found is None:
            return math.nan, math.nan
        self._detail = Detail(others=((-abs(found.shift), math.nan),))
        return -found.width, math.nan

    @property
    def front(self) -> list[int]:
        """What is handed in: choices that, as measured, no other one beats in both values."""
        good = [i for i, reward in enumerate(self.rewards) if math.isfinite(reward)]
        if not good:
            return []
        found = np.array([(self.rewards[i], self.details[i].others[0][0]) for i in good])
        return [self.chosen[good[i]] for i in np.flatnonzero(is_front(found)).tolist()]

    def regret(self) -> float:
        """Return what is missing of the area that the true front dominates."""
        return 1.0 - area(self._values[self.front], self._median) / self._whole

    def oracle(self) -> int | None:
        """Measure the site that adds most to the area, until hardly any adds."""
        mine = self._values[self.chosen]
        here = area(mine, self._median)
        front = np.flatnonzero(is_front(self._values) & self._free)
        gains = [area(np.vstack([mine, self._values[i]]), self._median) - here for i in front]
        if not gains or max(gains) < 1e-3 * self._whole:
            return None
        return int(front[int(np.argmax(gains))])

    def metrics(self) -> Mapping[str, float]:
        """Return the share of visits to the best tenth by either value, and by both."""
        bounds = np.quantile(self._values, 1 - BEST, axis=0)
        is_best = self._values[self.chosen] >= bounds
        shares = is_best.mean(axis=0) if self.chosen else np.zeros(2)
        return {
            "hypervolume": 1.0 - self.regret(),
            "visits to the easiest tenth": float(shares[0]),
            "visits to the most symmetric tenth": float(shares[1]),
        }


def is_front(values: FloatArray) -> NDArray[np.bool_]:
    """Say which of some pairs of values no other one beats in both, shape (n, 2)."""
    by_first = np.lexsort((-values[:, 1], -values[:, 0]))
    second = values[by_first, 1]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(second)[:-1]])
    found = np.zeros(len(values), dtype=bool)
    found[by_first] = second > before
    return found


def area(values: FloatArray, reference: FloatArray) -> float:
    """Return the area that pairs of values dominate beyond a reference point.

    Args:
        values: Shape (n, 2).
        reference: Shape (2,).
    """
    above = np.maximum(values - reference, 0.0)
    front = above[is_front(above)] if len(above) else above
    front = front[np.argsort(-front[:, 0])]
    steps = np.diff(np.concatenate([[0.0], front[:, 1]]))
    return float(np.sum(front[:, 0] * steps))
