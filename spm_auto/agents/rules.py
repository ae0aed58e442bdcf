"""Rules: what makes a measurement worth taking, from what a model says of all candidates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..instrument import FloatArray
from .acquisition import (
    bound_per_second,
    log_augmented_improvement,
    log_expected_improvement,
    log_information,
    log_max_value_entropy,
    log_per_second,
    predictive_variance,
    reachable_bound,
    upper_confidence_bound,
)

Rule = Literal[
    "ranking",
    "upper_confidence_bound",
    "expected_improvement",
    "variance",
    "thompson",
    "max_value_entropy",
    "novelty",
]

REASONS: dict[Rule, str] = {
    "ranking": "highest ranking on the overview",
    "upper_confidence_bound": "highest upper confidence bound",
    "expected_improvement": "largest expected improvement",
    "variance": "least known",
    "thompson": "highest in a draw of what may be true",
    "max_value_entropy": "tells most about the highest value",
    "novelty": "least like what was measured",
}
INITIAL_RANKING = "initial_ranking"  # no rule of acquisition: one of the first, ranked points
_TIE = 1e-6  # weight of the bound where the ranking alone does not decide, as between levels


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What is known of all candidates before a choice, in standardised values.

    Attributes:
        mean: Predicted values, shape (N,).
        deviation: Their standard deviations, noise excluded, shape (N,).
        good: Probability that a spectrum there is good, shape (N,).
        best: Highest value found.
        worst: Lowest value found.
        exploration: Weight of what is not known.
        ranking: What the overview alone says, 0 to 1, shape (N,).
        draw: Draws a function that may be the truth, shape (N,).
        maxima: Draws values that the highest of all may have, shape (k,).
        unlike: How unlike all measured ones each candidate looks, shape (N,).
    """

    mean: FloatArray
    deviation: FloatArray
    good: FloatArray
    best: float
    worst: float
    exploration: float
    ranking: FloatArray
    draw: Callable[[], FloatArray]
    maxima: Callable[[], FloatArray]
    unlike: Callable[[], FloatArray]

    def score(
        self, rule: Rule, cost: FloatArray | None = None, noise: float | None = None
    ) -> FloatArray:
        """Return how much each candidate is worth, or is worth per second.

        It is what it is worth if its spectrum is good, times the probability that it is: a failed
        one is worth nothing, and as much as the worst so far on the scale of a value. The ranking
        and the novelty are orders rather than gains; no seconds are counted against the ranking.

        Args:
            rule: By which rule.
            cost: Expected time of each [s], shape (N,); None counts no seconds.
            noise: Standard deviation of what will be measured; None takes it for exact, as where
                the number of averages is not chosen.
        """
        match rule:
            case "ranking":
                bound = self._bound(None)
                span = float(np.ptp(bound)) or 1.0
                return np.asarray(self.ranking * self.good + _TIE * (bound - bound.min()) / span)
            case "upper_confidence_bound":
                return self._height(self._bound(noise), cost)
            case "thompson":
                return self._height(self.draw(), cost)
            case "expected_improvement":
                if noise is None:
                    gain = log_expected_improvement(self.mean, self.deviation, self.best)
                else:
                    gain = log_augmented_improvement(self.mean, self.deviation, self.best, noise)
            case "variance":
                if noise is None:
                    gain = np.log(predictive_variance(self.deviation))
                else:
                    gain = log_information(self.deviation, noise)
            case "max_value_entropy":
                gain = log_max_value_entropy(
                    self.mean, self.deviation, self.maxima(), 0.0 if noise is None else noise
                )
            case "novelty":
                unlike = self.unlike()
                with np.errstate(divide="ignore"):
                    gain = np.log(unlike)
        gain = gain + np.log(self.good)
        return gain if cost is None else log_per_second(gain, cost)

    def _bound(self, noise: float | None) -> FloatArray:
        if noise is None:
            return upper_confidence_bound(self.mean, self.deviation, self.exploration)
        return reachable_bound(self.mean, self.deviation, self.exploration, noise)

    def _height(self, height: FloatArray, cost: FloatArray | None) -> FloatArray:
        """Weigh a height by the probability of a good spectrum, and by cost where there is one."""
        weighed = self.worst + self.good * (height - self.worst)
        if cost is None:
            return np.asarray(weighed)
        settled = self.worst + self.good * (self.mean - self.worst)
        return bound_per_second(weighed, cost, float(settled.max()))
