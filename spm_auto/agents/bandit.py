"""Bandit: several rules for the next point take turns, weighed by what each has found so far."""

import math
from collections.abc import Sequence

import numpy as np

from ..instrument import FloatArray

WINDOW = 15  # choices of a rule that count; the world of a search changes as it is searched


class Bandit:
    """Chooses among rules by Thompson sampling of their rewards.

    The reward of a choice is the rank of what it found among everything that was found so far, 0
    for the lowest and for a failure, 1 for the highest: it does not depend on the unit of the
    values, and no single outlier decides. A rule that was not tried yet is taken to be as good as
    the best find.

    Args:
        rules: Names of the rules; one alone is always chosen.
        seed: Of the draws; the n-th choice does not depend on how the others came about.

    Source:
        W. R. Thompson, Biometrika 25, 285 (1933); a portfolio of acquisition functions: M. Hoffman,
        E. Brochu, N. de Freitas, UAI 2011; the sliding window: A. Garivier, E. Moulines, ALT 2011.
    """

    def __init__(self, rules: Sequence[str], seed: int) -> None:
        self._rules = tuple(rules)
        self._seed = seed
        self._found: list[tuple[str, float]] = []

    def note(self, rule: str, value: float) -> None:
        """Take in what a rule's choice has found.

        Args:
            rule: Which; a name that is no rule's, such as the initial design's, counts as found by
                none of them.
            value: What was found, NaN for a failure.
        """
        self._found.append((rule, value))

    @property
    def found(self) -> FloatArray:
        """What the choices have found, in the order in which it was noted, shape (n,)."""
        return np.array([value for _, value in self._found])

    @found.setter
    def found(self, values: FloatArray) -> None:
        rules = [rule for rule, _ in self._found]
        self._found = list(zip(rules, values.tolist(), strict=True))

    def forget(self) -> None:
        """Forget all that was found."""
        self._found.clear()

    def choose(self, n: int) -> str:
        """Return the rule whose turn it is.

        Args:
            n: How many choices there were before; each has a draw of its own.
        """
        if len(self._rules) == 1:
            return self._rules[0]
        rewards = self._rewards()
        spread = float(np.std(rewards)) if len(rewards) else 0.0
        seed = np.random.SeedSequence(self._seed, spawn_key=(n,))
        normal = np.random.default_rng(seed).standard_normal(len(self._rules))
        hoped = []
        for rule, draw in zip(self._rules, normal, strict=True):
            own = [r for (who, _), r in zip(self._found, rewards, strict=True) if who == rule]
            recent = own[-WINDOW:]
            mean = float(np.mean(recent)) if recent else 1.0
            hoped.append(mean + spread * float(draw) / math.sqrt(len(recent) + 1))
        return self._rules[int(np.argmax(hoped))]

    @property
    def standing(self) -> dict[str, float]:
        """Mean reward of each rule's recent choices; NaN before the first one."""
        rewards = self._rewards()
        standing = {}
        for rule in self._rules:
            own = [r for (who, _), r in zip(self._found, rewards, strict=True) if who == rule]
            standing[rule] = float(np.mean(own[-WINDOW:])) if own else math.nan
        return standing

    def _rewards(self) -> list[float]:
        """Return the rank of each find among all, between 0 and 1; 0 for a failure."""
        values = self.found
        good = np.isfinite(values)
        rewards = np.zeros(len(values))
        n = int(np.count_nonzero(good))
        if n:
            found = values[good]
            below = np.searchsorted(np.sort(found), found, side="left")
            up_to = np.searchsorted(np.sort(found), found, side="right")
            rewards[good] = (below + up_to) / (2 * n)  # equals share their ranks
        rewards_list: list[float] = rewards.tolist()
        return rewards_list
