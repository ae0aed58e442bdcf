"""Acquisition functions: how much a measurement is worth, from what a model predicts of it.

Pure functions of arrays; the agent measures where the value is highest.
"""

import numpy as np
from scipy import special

from ...instrument import FloatArray
from .normal import log_density, log_or_minus_infinity, log_partial_mean


def expected_improvement(mean: FloatArray, deviation: FloatArray, best: float) -> FloatArray:
    """Return E[max(f - best, 0)] for a normally distributed f.

    EI = s (phi(u) + u Phi(u)) with u = (m - best) / s.

    Args:
        mean: Predicted values m, shape (n,).
        deviation: Their standard deviations s, shape (n,); zero is allowed.
        best: The value to improve on.

    Source:
        D. R. Jones, M. Schonlau, W. J. Welch, J. Glob. Optim. 13, 455 (1998).
    """
    gain = np.asarray(mean) - best
    certain = np.asarray(deviation) <= 0
    s = np.where(certain, 1.0, deviation)
    u = gain / s
    uncertain_gain = s * (np.exp(log_density(u)) + u * special.ndtr(u))
    return np.asarray(np.where(certain, np.maximum(gain, 0.0), np.maximum(uncertain_gain, 0.0)))


def log_expected_improvement(mean: FloatArray, deviation: FloatArray, best: float) -> FloatArray:
    """Return the logarithm of the expected improvement, exact where it would underflow.

    Far below the best value EI is zero in floating point for all candidates alike, and its maximum
    is arbitrary. Its logarithm still tells them apart.

    Args:
        mean: Predicted values, shape (n,).
        deviation: Their standard deviations, shape (n,); where zero, the result is the logarithm of
            the certain gain, minus infinity without one.
        best: The value to improve on.

    Source:
        S. Ament et al., "Unexpected improvements to expected improvement", NeurIPS 2023, eq. 9.
    """
    gain = np.asarray(mean, dtype=float) - best
    certain = np.asarray(deviation) <= 0
    s = np.where(certain, 1.0, deviation)
    known_gain = log_or_minus_infinity(gain)
    return np.asarray(np.where(certain, known_gain, log_partial_mean(gain / s) + np.log(s)))


def log_augmented_improvement(
    mean: FloatArray, deviation: FloatArray, best: float, noise: FloatArray | float
) -> FloatArray:
    """Return the logarithm of the augmented expected improvement, for noisy measurements.

    AEI = EI (1 - sigma / sqrt(s^2 + sigma^2)): the second factor is what a measurement with noise
    sigma still teaches, and falls to zero where the value is known better than it can be measured.
    Without it EI asks for the best place again and again. It is computed as s^2 / (h (h + sigma))
    with h = sqrt(s^2 + sigma^2), which does not cancel.

    Args:
        mean: Predicted values, noise excluded, shape (n,).
        deviation: Their standard deviations s, noise excluded, shape (n,).
        best: Value to improve on: with noise, the predicted value of the place that one would
            settle for ("effective best solution") rather than the highest number measured.
        noise: Standard deviation sigma of the measurement to come, all of its averages taken,
            shape (n,) or one for all; zero gives EI.

    Source:
        D. Huang, T. T. Allen, W. I. Notz, N. Zeng, J. Glob. Optim. 34, 441 (2006).
    """
    sigma = np.asarray(noise, dtype=float)
    if not bool(np.all(sigma >= 0)):
        raise ValueError("the noise of a measurement must be a number that is not negative")
    s = np.maximum(deviation, 0.0)
    both = np.hypot(s, sigma)
    learns = both > 0
    h = np.where(learns, both, 1.0)
    learnt = 2 * log_or_minus_infinity(s) - np.log(h) - np.log(h + np.where(learns, sigma, 0.0))
    noiseless = sigma == 0  # then nothing is left unlearnt, not even of what is known
    return np.asarray(
        log_expected_improvement(mean, deviation, best) + np.where(noiseless, 0.0, learnt)
    )


def upper_confidence_bound(
    mean: FloatArray, deviation: FloatArray, exploration: float
) -> FloatArray:
    """Return m + exploration s, the optimist's value.

    Args:
        mean: Predicted values m, shape (n,).
        deviation: Their standard deviations s, shape (n,).
        exploration: Weight of what is not known; 0 is greedy.

    Source:
        N. Srinivas et al., IEEE Trans. Inf. Theory 58, 3250 (2012); exploration is sqrt(beta).
    """
    return np.asarray(mean + exploration * deviation)


def reachable_bound(
    mean: FloatArray, deviation: FloatArray, exploration: float, noise: FloatArray | float
) -> FloatArray:
    """Return the optimist's value of what the prediction can become by one noisy measurement.

    Before a measurement with noise sigma, the mean that will be predicted after it is normally
    distributed about today's with deviation s^2 / sqrt(s^2 + sigma^2). The bound is taken on that:
    m + exploration s^2 / sqrt(s^2 + sigma^2). Without noise it is the upper confidence bound; with
    much noise hardly anything can be reached, and more averages are worth their time.

    Args:
        mean: Predicted values m, shape (n,).
        deviation: Their standard deviations s, noise excluded, shape (n,).
        exploration: Weight of what is not known.
        noise: Standard deviation sigma of the measurement to come, shape (n,) or one for all.

    Source:
        The deviation: P. I. Frazier, W. B. Powell, S. Dayanik, INFORMS J. Comput. 21, 599 (2009).
        To put it into the bound is reasoned here, not taken from there.
    """
    sigma = np.asarray(noise, dtype=float)
    if not bool(np.all(sigma >= 0)):
        raise ValueError("the noise of a measurement must be a number that is not negative")
    both = np.hypot(deviation, sigma)
    share = np.divide(deviation, both, out=np.zeros_like(both), where=both > 0)
    return np.asarray(mean + exploration * deviation * share)


def log_information(deviation: FloatArray, noise: FloatArray | float) -> FloatArray:
    """Return the logarithm of what a measurement tells about the value at its own place [log nat].

    I = 1/2 log(1 + s^2 / sigma^2), in a form that neither overflows nor vanishes.

    Args:
        deviation: Standard deviations s, noise excluded, shape (n,); zero tells nothing.
        noise: Standard deviation sigma of the measurement to come, shape (n,) or one for all.

    Source:
        D. J. C. MacKay, Neural Comput. 4, 590 (1992).
    """
    sigma = np.asarray(noise, dtype=float)
    if not bool(np.all(sigma > 0)):
        raise ValueError("a measurement without noise tells infinitely much: noise must be > 0")
    log_ratio = 2 * (log_or_minus_infinity(deviation) - np.log(sigma))
    little = log_ratio < -30  # log(1 + x) is x to 1e-13
    gained = np.log(np.logaddexp(0.0, np.where(little, 0.0, log_ratio)))
    return np.asarray(np.where(little, log_ratio, gained) - np.log(2.0))


def predictive_variance(deviation: FloatArray) -> FloatArray:
    """Return s^2: measure where least is known, whatever is found there.

    Source:
        D. J. C. MacKay, Neural Comput. 4, 590 (1992).
    """
    return np.asarray(deviation**2)
