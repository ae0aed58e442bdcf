"""Gain: how good the best found so far is, and how sure of itself the agent was rightly."""

import math

import numpy as np

from ..instrument import FloatArray

Z_90 = 1.6448536269514722  # half of a 90 % interval [standard deviations]


def best_so_far(values: FloatArray) -> FloatArray:
    """Return the best of all values up to each one, NaN before the first good one, shape (n,)."""
    return np.fmax.accumulate(values) if len(values) else values


def regret(values: FloatArray, best: float) -> FloatArray:
    """Return how much the best so far falls short of the best there is, never below 0, shape (n,).

    Args:
        values: What was found in order, NaN where nothing was, shape (n,).
        best: The best there is.
    """
    return np.maximum(best - best_so_far(values), 0.0)


def share_above(values: FloatArray, level: float) -> float:
    """Return which share of the good values lies above a level."""
    good = values[np.isfinite(values)]
    return float(np.mean(good > level)) if good.size else math.nan


def coverage(z: FloatArray, window: int) -> FloatArray:
    """Return which share of the last predictions held within their 90 % interval, shape (n,).

    Args:
        z: Errors [standard deviations], NaN without a prediction, shape (n,).
        window: How many predictions are counted; NaN until there are so many.
    """
    known = np.flatnonzero(np.isfinite(z))
    inside = (np.abs(z[known]) <= Z_90).astype(float)
    shares = np.full(len(z), np.nan)
    if len(known) >= window:
        sums = np.convolve(inside, np.ones(window), mode="valid")
        shares[known[window - 1 :]] = sums / window
    return shares


def surprise(z: FloatArray, spread: FloatArray) -> FloatArray:
    """Return the negative logarithm of the probability density of each value, shape (n,).

    NLPD = z^2 / 2 + log(s sqrt(2 pi)).

    Args:
        z: Errors [standard deviations], shape (n,).
        spread: Those standard deviations s, shape (n,).
    """
    safe = np.where(spread > 0, spread, np.nan)
    return 0.5 * z**2 + np.log(safe) + 0.5 * math.log(2 * math.pi)


def naive_surprise(values: FloatArray) -> FloatArray:
    """Return the surprise of one who only knows mean and spread of what was found before.

    Args:
        values: What was found in order, shape (n,).

    Returns:
        One number each, NaN until two values differ, shape (n,).
    """
    surprises = np.full(len(values), np.nan)
    for index in range(2, len(values)):
        before = values[:index][np.isfinite(values[:index])]
        spread = float(np.std(before)) if before.size > 1 else 0.0
        if spread > 0:
            z = (values[index] - float(np.mean(before))) / spread
            surprises[index] = float(surprise(np.array([z]), np.array([spread]))[0])
    return surprises


def running_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of the last good values at each good one, shape (n,); NaN elsewhere."""
    known = np.flatnonzero(np.isfinite(values))
    means = np.full(len(values), np.nan)
    for place, index in enumerate(known):
        means[index] = float(np.mean(values[known[max(0, place + 1 - window) : place + 1]]))
    return means
