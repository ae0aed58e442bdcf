"""Score: how one player did on one seed, and how players did over seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from ..agents import Order

GOOD = 0.05  # regret below which a question counts as answered


@dataclass(frozen=True, slots=True)
class Score:
    """How one player did on one seed.

    Attributes:
        task: Name of the task.
        player: Name of the agent, or `ORACLE`.
        seed: Of the episode.
        level: Of the episode.
        budget: Instrument time that there was [s].
        times: Instrument time at the end of each act [s].
        regrets: Regret after each act.
        rewards: Reward of each act, NaN where the measurement failed.
        chosen: What was done.
        metrics: The task's own figures at the end.
        orders: What a human had the agent do, in order.
    """

    task: str
    player: str
    seed: int
    level: int
    budget: float
    times: tuple[float, ...]
    regrets: tuple[float, ...]
    rewards: tuple[float, ...]
    chosen: tuple[int, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()

    @property
    def regret(self) -> float:
        """Regret at the end; 1 without any act."""
        return self.regrets[-1] if self.regrets else 1.0

    @property
    def mean_regret(self) -> float:
        """Area under the curve of regret against instrument time, per second of the budget.

        It begins at 1, falls at the end of an act and stays where it is after the last one.
        """
        ends = np.minimum([0.0, *self.times, self.budget], self.budget)
        steps = np.array([1.0, *self.regrets])
        return float(np.sum(np.diff(ends) * steps) / self.budget)

    @property
    def time_to_good(self) -> float:
        """Instrument time until the regret came below `GOOD` [s]; infinite if it never did."""
        times = (t for t, regret in zip(self.times, self.regrets, strict=True) if regret < GOOD)
        return next(times, math.inf)


@dataclass(frozen=True, slots=True)
class Summary:
    """Median and 90 % interval over seeds.

    Attributes:
        median: Of the values.
        low: 5th percentile.
        high: 95th percentile.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sum up one value for each seed; infinity stands for never."""
        ranked = np.sort(np.asarray(values, dtype=float))
        n = len(ranked)
        # by rank and not between ranks: an infinite time cannot be interpolated
        picks = (ranked[round(share * (n - 1))] for share in (0.5, 0.05, 0.95))
        return cls(*map(float, picks))
