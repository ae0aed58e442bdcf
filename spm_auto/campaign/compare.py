"""Comparisons: does one player do better than another on the same seeds, and how sure is that?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..instrument import FloatArray

RESAMPLES = 10_000
COVERED = 0.95  # of the interval
FEWEST = 6  # pairs: of five that all agree, one in sixteen sets does so by chance
_ROUNDING = 1e-12  # of the largest figure: what differs by less is the same
Says = Literal["better", "worse", "open", "few"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One player against another, paired by seed.

    Attributes:
        n: Pairs that both have a figure.
        mean: Mean difference, player less other, in the figure's unit; NaN where a figure is
            infinite or there is no pair.
        low: Lower end of the interval of the mean difference.
        high: Upper end of it.
        wins: How often the player was better.
        losses: How often the other was.
        says: "better" or "worse" where the interval excludes 0, else "open"; "few" where there
            are too few pairs to say.
    """

    n: int
    mean: float
    low: float
    high: float
    wins: int
    losses: int
    says: Says


def compare(
    player: Mapping[int, float],
    other: Mapping[int, float],
    is_lower_better: bool,
    rng: np.random.Generator,
) -> Comparison:
    """Compare two players on the seeds that both played.

    The interval of the mean difference is that of the percentile bootstrap (Efron, 1979), expanded
    as far as few pairs need it (Hesterberg, 2015). Where a figure is infinite, such as the time
    until something that never came, there is no mean: then the sign test decides (Arbuthnot, 1710),
    ties left out.

    Args:
        player: Figure of the player by seed; NaN where there is none.
        other: Figure of the other by seed.
        is_lower_better: Whether less is better.
        rng: Draws the resamples.
    """
    seeds = [
        seed
        for seed in sorted(player.keys() & other.keys())
        if not (math.isnan(player[seed]) or math.isnan(other[seed]))
    ]
    n = len(seeds)
    mine = np.array([player[seed] for seed in seeds])
    theirs = np.array([other[seed] for seed in seeds])
    largest = np.abs([value for value in (*mine, *theirs) if math.isfinite(value)]).max(initial=0.0)
    is_same = np.isclose(mine, theirs, rtol=0.0, atol=_ROUNDING * largest)
    theirs = np.where(is_same, mine, theirs)
    less, more = int(np.sum(mine < theirs)), int(np.sum(mine > theirs))
    wins, losses = (less, more) if is_lower_better else (more, less)
    mean = low = high = math.nan
    if n and np.isfinite(mine).all() and np.isfinite(theirs).all():
        differences = np.asarray(mine - theirs)
        mean = float(differences.mean())
        low, high = _interval(differences, rng)
        is_open = low <= 0 <= high
        is_ahead = (mean < 0) == is_lower_better
    else:
        is_open = _by_chance(wins, losses) > 1 - COVERED
        is_ahead = wins > losses
    says: Says = "open" if is_open else "better" if is_ahead else "worse"
    return Comparison(n, mean, low, high, wins, losses, "few" if n < FEWEST else says)


def verdict(
    to_random: Comparison | None, to_rule: Comparison | None, rule: str, random: str = "random"
) -> str:
    """Return in words what two comparisons say together, and nothing beyond them.

    Args:
        to_random: With who chooses at random; None where nobody did.
        to_rule: With the rule that does not learn; None where there is none.
        rule: What the rule is called.
        random: What who chooses at random is called.
    """
    known = [each for each in (to_random, to_rule) if each is not None]
    if not known:
        return "compared with nobody"
    if any(each.says == "few" for each in known):
        return f"too few seeds to say ({min(each.n for each in known)})"
    if to_random is None or to_rule is None:
        return _alone(known[0].says, random if to_rule is None else rule)
    first, second = to_random.says, to_rule.says
    if first == "better":
        return {
            "better": f"better than {random} and {rule}",
            "open": f"better than {random}, not than {rule}",
            "worse": f"better than {random}, worse than {rule}",
        }[second]
    joined = {"better": f", but better than {rule}", "open": "", "worse": f", worse than {rule}"}
    if first == second == "worse":
        return f"worse than {random} and {rule}"
    return _alone(first, random) + joined[second]


def _alone(says: Says, name: str) -> str:
    return f"no better than {name}" if says == "open" else f"{says} than {name}"


def _interval(differences: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the interval of a mean.

    Source:
        T. C. Hesterberg, Am. Stat. 69, 371 (2015): the resamples of n pairs scatter too little by
        the root of 1 - 1/n, and Student's t is wider than the normal distribution.
    """
    from scipy.special import ndtr, stdtrit

    n = len(differences)
    means = differences[rng.integers(n, size=(RESAMPLES, n))].mean(axis=1)
    outside = (1 - COVERED) / 2
    if n > 1:
        outside = float(ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, outside)))
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)


def _by_chance(wins: int, losses: int) -> float:
    """Return how probable a lead at least as clear is when neither is better."""
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(max(wins, losses), n + 1))
    return min(1.0, 2 * tail / 2**n) if n else 1.0
