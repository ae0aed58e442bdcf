"""Acquisition functions: how much a measurement is worth, from what a model predicts of it.

Pure functions of arrays; the agent measures where the value is highest.
"""

import math

import numpy as np
from scipy import special

from ..instrument import FloatArray

_FAR = 200.0  # from here on the asymptote is the more accurate form (1e-11)
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


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
    density = np.exp(-0.5 * u**2 - _HALF_LOG_TWO_PI)
    uncertain_gain = s * (density + u * special.ndtr(u))
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
    known_gain = np.full(gain.shape, -np.inf)
    np.log(gain, out=known_gain, where=gain > 0)
    return np.asarray(np.where(certain, known_gain, _log_h(gain / s) + np.log(s)))


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


def predictive_variance(deviation: FloatArray) -> FloatArray:
    """Return s^2: measure where least is known, whatever is found there.

    Source:
        D. J. C. MacKay, Neural Comput. 4, 590 (1992).
    """
    return np.asarray(deviation**2)


def _log_h(u: FloatArray) -> FloatArray:
    """Return log(phi(u) + u Phi(u)) in three pieces, each accurate where it is used.

    With r = |u|, phi(u) + u Phi(u) = phi(u) (1 - r sqrt(pi/2) erfcx(r / sqrt 2)) for u < 0, and the
    bracket tends to 1/r^2 (1 - 3/r^2 + 15/r^4) far out, where its two terms cancel.
    """
    near = np.maximum(u, -1.0)
    direct = np.log(np.exp(-0.5 * near**2 - _HALF_LOG_TWO_PI) + near * special.ndtr(near))
    r = np.clip(-u, 1.0, _FAR)
    bracket = np.log1p(-r * math.sqrt(math.pi / 2) * special.erfcx(r / math.sqrt(2)))
    r = np.maximum(-u, _FAR)
    asymptote = -2 * np.log(r) + np.log1p(-3 / r**2 + 15 / r**4)
    tail = np.where(u > -_FAR, bracket, asymptote) - 0.5 * np.minimum(u, 0.0) ** 2
    return np.asarray(np.where(u > -1.0, direct, tail - _HALF_LOG_TWO_PI))
