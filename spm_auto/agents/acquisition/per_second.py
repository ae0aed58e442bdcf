"""What a measurement is worth per second that it is expected to take, and how often to average.

Two kinds of value need two rules. Expected improvement, information, novelty and hypervolume have a
natural zero, nothing gained, and are divided by their cost. A confidence bound has none: it is a
height, and dividing a height by seconds would change the choice when a constant is added to all
values. What has a zero is its gain over what one would settle for now; that is divided.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...instrument import FloatArray
from .improvement import log_augmented_improvement, log_information, reachable_bound


def log_per_second(log_value: FloatArray, cost: FloatArray, weight: float = 1.0) -> FloatArray:
    """Return the logarithm of value / cost^weight, for values with a natural zero.

    Equal costs leave the order as it is.

    Args:
        log_value: Logarithms of what is gained, minus infinity for nothing, shape (n,).
        cost: Expected time of each measurement [s], shape (n,) or (1,).
        weight: 1 is gain per second. Where the best place is an expensive one, plain division keeps
            away from it; a weight that falls from 1 to 0 as the budget is spent cures that.

    Raises:
        ValueError: A cost is not a positive number, or the weight is negative.

    Source:
        J. Snoek, H. Larochelle, R. P. Adams, NeurIPS 2012 (EI per second); E. H. Lee et al.,
        arXiv:2003.10870 (2020) (the weight, "cost cooling").
    """
    seconds = _checked(cost, weight)
    return np.asarray(log_value - weight * np.log(seconds))


def bound_per_second(
    bound: FloatArray, cost: FloatArray, settled: float, weight: float = 1.0
) -> FloatArray:
    """Return how fast an optimist may gain over what one would settle for: (b - settled) / cost.

    A budgeted bandit pulls the arm with the highest optimistic reward per cost, as each pull pays
    its reward. In a search only the best find pays, so that the reward of a measurement is what it
    adds to the best place known: an optimist's gain over the highest predicted mean. The lowest
    bound would be a zero too, yet a wrong one: the worse the worst candidate, the more alike all
    gains become and the more the cheapest one wins. Where even the optimist gains nothing the
    shortfall is multiplied by the cost instead, which keeps the order by cost the right way round,
    and is continuous: at no gain the cost does not matter.

    The choice is the same for all values shifted or scaled, and for seconds or minutes. Equal
    costs leave the order as it is.

    Args:
        bound: Upper confidence bounds b, shape (n,).
        cost: Expected time of each measurement [s], shape (n,) or (1,).
        settled: The highest predicted mean of all candidates, measured or not: at least one bound
            is not below it.
        weight: As in `log_per_second`.

    Raises:
        ValueError: A cost is not a positive number, or the weight is negative.

    Source:
        L. Tran-Thanh et al., "Knapsack based optimal policies for budget-limited multi-armed
        bandits", AAAI 2012 (bound per cost); the zero is reasoned here.
    """
    seconds = _checked(cost, weight) ** weight
    gain = np.asarray(bound) - settled
    return np.asarray(np.where(gain > 0, gain / seconds, gain * seconds))


def choose_averages(
    score: Callable[[int], FloatArray], averages: Sequence[int]
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Choose for each candidate how many spectra to average.

    Args:
        score: The score of all candidates, per second, for a number of averages; shape (n,).
        averages: The numbers that are allowed; of equal scores the one that comes first wins.

    Returns:
        The highest score and its number of averages, each of shape (n,).
    """
    if not averages or min(averages) < 1:
        raise ValueError(f"averages must be one or more numbers from 1 on, got {averages}")
    highest = np.array(score(averages[0]), dtype=float)
    chosen = np.full(highest.shape, averages[0], dtype=np.int64)
    for number in averages[1:]:
        values = score(number)
        better = values > highest
        highest[better] = values[better]
        chosen[better] = number
    return highest, chosen


def improvement_per_second(
    mean: FloatArray,
    deviation: FloatArray,
    best: float,
    noise: FloatArray | float,
    averages: Sequence[int],
    cost: FloatArray,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Choose averages by the logarithm of the augmented expected improvement per second.

    Args:
        mean: Predicted values, shape (n,).
        deviation: Their standard deviations, noise excluded, shape (n,).
        best: Value to improve on.
        noise: Standard deviation of a single spectrum's value, shape (n,) or one for all; that of k
            averages is smaller by sqrt(k).
        averages: The numbers of averages that are allowed, k of them.
        cost: Expected time with each number of averages [s], shape (k, n) or (k, 1).

    Returns:
        Score and number of averages of each candidate, each of shape (n,).
    """
    by_number = _by_number(averages, cost)
    sigma = np.asarray(noise, dtype=float)
    return choose_averages(
        lambda number: log_per_second(
            log_augmented_improvement(mean, deviation, best, sigma / np.sqrt(number)),
            by_number[number],
        ),
        averages,
    )


def reach_per_second(
    mean: FloatArray,
    deviation: FloatArray,
    exploration: float,
    noise: FloatArray | float,
    averages: Sequence[int],
    cost: FloatArray,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Choose averages by the reachable bound's gain over the highest mean, per second.

    Arguments are those of `improvement_per_second`; exploration weighs what is not known.
    """
    by_number = _by_number(averages, cost)
    sigma, settled = np.asarray(noise, dtype=float), float(np.max(mean))
    return choose_averages(
        lambda number: bound_per_second(
            reachable_bound(mean, deviation, exploration, sigma / np.sqrt(number)),
            by_number[number],
            settled,
        ),
        averages,
    )


def information_per_second(
    deviation: FloatArray, noise: FloatArray | float, averages: Sequence[int], cost: FloatArray
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Choose averages by the logarithm of the information gained per second [log nat/s].

    Arguments are those of `improvement_per_second`.
    """
    by_number = _by_number(averages, cost)
    sigma = np.asarray(noise, dtype=float)
    return choose_averages(
        lambda number: log_per_second(
            log_information(deviation, sigma / np.sqrt(number)), by_number[number]
        ),
        averages,
    )


def _by_number(averages: Sequence[int], cost: FloatArray) -> dict[int, FloatArray]:
    rows = np.asarray(cost, dtype=float)
    if rows.ndim != 2 or len(rows) != len(averages):
        raise ValueError(
            f"cost has shape {rows.shape}, needs one row for each of {len(averages)} averages"
        )
    return dict(zip(averages, rows, strict=True))


def _checked(cost: FloatArray, weight: float) -> FloatArray:
    seconds = np.asarray(cost, dtype=float)
    if not bool(np.all((seconds > 0) & np.isfinite(seconds))):
        raise ValueError("each cost must be a positive number of seconds")
    if not weight >= 0:
        raise ValueError(f"weight must not be negative, got {weight}")
    return seconds
