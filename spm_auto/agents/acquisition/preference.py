"""Preference: a hidden usefulness of each item, learned from answers to "A or B?".

What a person prefers is a Gaussian process over the items, seen only through comparisons. Its
posterior is approximated by the normal distribution at its peak (Laplace). Everything is worked out
in the space of pairs, with D f the differences that were asked about: neither the prior's
covariance nor the likelihood's curvature is inverted, so that alike items do no harm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from ...instrument import FloatArray
from .normal import inverse_mills_ratio, truncated_variance

_STEPS = 100
_TOLERANCE = 1e-10  # of the objective
_ENTROPY_WIDTH = math.sqrt(math.pi * math.log(2) / 2)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said about two items.

    Attributes:
        better: Number of the item that was preferred.
        worse: Number of the other one.
        is_tie: Whether neither was: half an answer each way.
    """

    better: int
    worse: int
    is_tie: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Preferences:
    """What the answers say about the usefulness of the items.

    Attributes:
        mean: Usefulness of each item, shape (n,).
        covariance: Its covariance, shape (n, n).
        log_evidence: Logarithm of the answers' probability, for choosing between priors.
        pairs: The pairs asked about, shape (m, 2).
        forces: With D the differences of the pairs, the mean is K D^T forces, shape (m,).
        stiffness: The covariance is K - K D^T stiffness D K, shape (m, m).
    """

    mean: FloatArray
    covariance: FloatArray
    log_evidence: float
    pairs: NDArray[np.int64]
    forces: FloatArray
    stiffness: FloatArray

    def predict(self, cross: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predict the usefulness of other items.

        Args:
            cross: Prior covariance of the other items and these, shape (N, n).
            variance: Prior variance of the other items, shape (N,) or (1,).

        Returns:
            Mean and standard deviation, each of shape (N,).
        """
        difference = cross[:, self.pairs[:, 0]] - cross[:, self.pairs[:, 1]]
        known = np.einsum("ij,ij->i", difference @ self.stiffness, difference)
        return difference @ self.forces, np.sqrt(np.maximum(variance - known, 0.0))


def learn_preferences(
    covariance: FloatArray, answers: Sequence[Answer], noise: float = 0.1
) -> Preferences:
    """Find the most probable usefulness of all items, and how sure it is.

    P(i before j) = Phi((f_i - f_j) / (sqrt 2 noise)). Contradictions, repetitions and ties are
    welcome: the logarithm of the likelihood is concave, so that there is one peak always.

    Args:
        covariance: Prior covariance of the items' usefulness, shape (n, n).
        answers: What was said; may be empty.
        noise: Deviation of a person's judgement of one item, in the units of usefulness.

    Raises:
        ValueError: An answer compares an item with itself or names one that is not there, or the
            noise is not positive.

    Source:
        W. Chu, Z. Ghahramani, ICML 2005; Newton's method as in C. E. Rasmussen, C. K. I. Williams
        (2006), algorithm 3.1, here in the space of pairs.
    """
    covariance = np.asarray(covariance, dtype=float)
    n = len(covariance)
    if covariance.shape != (n, n):
        raise ValueError(f"covariance has shape {covariance.shape}, needs to be square")
    if not (noise > 0 and math.isfinite(noise)):
        raise ValueError(f"noise must be positive, got {noise}")
    pairs, wins, losses = _counted(answers, n)
    unit = math.sqrt(2.0) * noise
    across = covariance[:, pairs[:, 0]] - covariance[:, pairs[:, 1]]  # K D^T
    gram = (across[pairs[:, 0]] - across[pairs[:, 1]]) / unit**2  # of differences in units
    forces, stiffness, log_evidence = _peak(gram, wins, losses)
    forces, stiffness = forces / unit, stiffness / unit**2
    posterior = covariance - across @ stiffness @ across.T
    return Preferences(
        mean=np.asarray(across @ forces),
        covariance=np.asarray((posterior + posterior.T) / 2),
        log_evidence=log_evidence,
        pairs=pairs,
        forces=forces,
        stiffness=stiffness,
    )


def information_of_pairs(preferences: Preferences, noise: float = 0.1) -> FloatArray:
    """Return how much the answer about each pair of items would tell about their usefulness [bit].

    The entropy of the answer, less what remains of it once the usefulness is known; accurate to a
    few percent. Symmetric, zero on the diagonal.

    Args:
        preferences: What is known.
        noise: As in `learn_preferences`.

    Returns:
        Shape (n, n).

    Source:
        N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel, arXiv:1112.5745 (2011).
    """
    unit = math.sqrt(2.0) * noise
    mean = (preferences.mean[:, None] - preferences.mean) / unit
    variance = _difference_variance(preferences.covariance) / unit**2
    p = special.ndtr(mean / np.sqrt(variance + 1.0))
    entropy = (special.entr(p) + special.entr(1.0 - p)) / math.log(2)
    square = _ENTROPY_WIDTH**2
    remains = np.exp(-(mean**2) / (2 * (variance + square))) * np.sqrt(square / (variance + square))
    told = np.maximum(entropy - remains, 0.0)
    np.fill_diagonal(told, 0.0)
    return np.asarray(told)


def most_informative_pair(preferences: Preferences, noise: float = 0.1) -> tuple[int, int]:
    """Return the pair whose answer tells most, the item that is thought better first."""
    told = information_of_pairs(preferences, noise)
    if len(told) < 2:
        raise ValueError("there is no pair among fewer than two items")
    np.fill_diagonal(told, -np.inf)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(told)), told.shape))
    return (i, j) if preferences.mean[i] >= preferences.mean[j] else (j, i)


def best_and_challenger(preferences: Preferences, exploration: float = 2.0) -> tuple[int, int]:
    """Return the item thought best and the one most hopeful to be better.

    The challenger has the highest bound on its lead, mean plus so many deviations of the
    difference: what is known to be alike is not asked about.

    Args:
        preferences: What is known.
        exploration: Weight of what is not known.
    """
    mean = preferences.mean
    if len(mean) < 2:
        raise ValueError("there is no pair among fewer than two items")
    best = int(np.argmax(mean))
    deviation = np.sqrt(_difference_variance(preferences.covariance)[best])
    lead = mean - mean[best] + exploration * deviation
    lead[best] = -np.inf
    return best, int(np.argmax(lead))


def _difference_variance(covariance: FloatArray) -> FloatArray:
    own = np.diag(covariance)
    return np.maximum(own[:, None] + own - 2 * covariance, 0.0)


def _counted(answers: Sequence[Answer], n: int) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    """Return the different pairs and how often the first and the second of each won."""
    counts: dict[tuple[int, int], list[float]] = {}
    for answer in answers:
        a, b = answer.better, answer.worse
        if a == b or not (0 <= a < n and 0 <= b < n):
            raise ValueError(f"an answer compares {a} with {b}, of {n} items")
        count = counts.setdefault((min(a, b), max(a, b)), [0.0, 0.0])
        if answer.is_tie:
            count[0] += 0.5
            count[1] += 0.5
        else:
            count[int(a > b)] += 1.0
    pairs = np.array(list(counts), dtype=np.int64).reshape(-1, 2)
    table = np.array(list(counts.values())).reshape(-1, 2)
    return pairs, table[:, 0], table[:, 1]


def _peak(
    gram: FloatArray, wins: FloatArray, losses: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Find the peak of the posterior of the differences z with prior covariance G.

    With z = G a the objective is log p(answers | z) - a^T G a / 2.

    Returns:
        The forces a, W^1/2 (1 + W^1/2 G W^1/2)^-1 W^1/2 and the logarithm of the evidence.
    """
    forces = np.zeros(len(wins))
    height = _height(forces, gram, wins, losses)
    for _ in range(_STEPS):
        z = gram @ forces
        slope, curvature = _likelihood(z, wins, losses)
        root, factor = _factor(gram, curvature)
        target = curvature * z + slope
        solved = linalg.cho_solve((factor, True), root * (gram @ target))
        step = target - root * solved - forces
        length = 1.0
        while True:
            trial = _height(forces + length * step, gram, wins, losses)
            if trial >= height or length < 1e-8:
                break
            length /= 2
        if trial < height:
            break
        forces = forces + length * step
        gained, height = trial - height, trial
        if gained <= _TOLERANCE * max(1.0, abs(height)):
            break
    _, curvature = _likelihood(gram @ forces, wins, losses)
    root, factor = _factor(gram, curvature)
    stiffness = root[:, None] * linalg.cho_solve((factor, True), np.diag(root))
    return forces, np.asarray(stiffness), height - float(np.log(np.diag(factor)).sum())


def _factor(gram: FloatArray, curvature: FloatArray) -> tuple[FloatArray, FloatArray]:
    root: FloatArray = np.sqrt(curvature)
    factor = np.linalg.cholesky(np.eye(len(root)) + root[:, None] * gram * root)
    return root, np.asarray(factor, dtype=np.float64)


def _height(forces: FloatArray, gram: FloatArray, wins: FloatArray, losses: FloatArray) -> float:
    z = gram @ forces
    return float(wins @ special.log_ndtr(z) + losses @ special.log_ndtr(-z) - 0.5 * forces @ z)


def _likelihood(
    z: FloatArray, wins: FloatArray, losses: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return slope and negative curvature of the answers' log-probability."""
    slope = wins * inverse_mills_ratio(z) - losses * inverse_mills_ratio(-z)
    curvature = wins * (1 - truncated_variance(z)) + losses * (1 - truncated_variance(-z))
    return np.asarray(slope), np.maximum(curvature, 0.0)
