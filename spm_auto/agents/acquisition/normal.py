"""Functions of the normal distribution that neither cancel nor underflow in its tails."""

import math

import numpy as np
from scipy import special

from ...instrument import FloatArray

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_FAR = 200.0  # from here on the asymptotes are the more accurate forms (1e-11)


def log_density(u: FloatArray) -> FloatArray:
    """Return log phi(u), minus infinity where u^2 overflows."""
    with np.errstate(over="ignore"):
        return np.asarray(-0.5 * np.square(u) - HALF_LOG_TWO_PI)


def log_partial_mean(u: FloatArray) -> FloatArray:
    """Return log(phi(u) + u Phi(u)) in three pieces, each accurate where it is used.

    With r = |u|, phi(u) + u Phi(u) = phi(u) (1 - r sqrt(pi/2) erfcx(r / sqrt 2)) for u < 0, and the
    bracket tends to 1/r^2 (1 - 3/r^2 + 15/r^4) far out, where its two terms cancel.
    """
    u = np.asarray(u, dtype=float)
    near = np.maximum(u, -1.0)
    direct = np.log(np.exp(log_density(near)) + near * special.ndtr(near))
    below = u <= -1.0
    if below.any():
        under = u[below]
        r = np.clip(-under, 1.0, _FAR)
        bracket = np.log1p(-r * math.sqrt(math.pi / 2) * special.erfcx(r / math.sqrt(2)))
        inverse = 1.0 / np.maximum(-under, _FAR)
        asymptote = 2 * np.log(inverse) + np.log1p(-3 * inverse**2 + 15 * inverse**4)
        direct[below] = np.where(under > -_FAR, bracket, asymptote) + log_density(under)
    return np.asarray(direct)


def inverse_mills_ratio(z: FloatArray) -> FloatArray:
    """Return phi(z) / Phi(z): the mean of a standard normal number known to lie above -z."""
    with np.errstate(over="ignore"):
        return np.asarray(math.sqrt(2 / math.pi) / special.erfcx(-np.asarray(z) / math.sqrt(2)))


def excess(z: FloatArray) -> FloatArray:
    """Return z + phi(z) / Phi(z): how far a standard normal number above -z lies above it.

    It tends to 1/r - 2/r^3 + 10/r^5 for r = -z far out, where the two terms cancel.
    """
    z = np.asarray(z, dtype=float)
    inverse = 1.0 / np.maximum(-z, _FAR)
    asymptote = inverse * (1 - 2 * inverse**2 + 10 * inverse**4)
    near = np.maximum(z, -_FAR)
    return np.asarray(np.where(z > -_FAR, near + inverse_mills_ratio(near), asymptote))


def truncated_variance(z: FloatArray) -> FloatArray:
    """Return 1 - (phi/Phi)(z + phi/Phi): the variance of a standard normal number above -z.

    It tends to 1/r^2 - 6/r^4 + 50/r^6 for r = -z far out.

    Source:
        N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions 1 (1994),
        section 13.10.1.
    """
    z = np.asarray(z, dtype=float)
    square = 1.0 / np.maximum(-z, _FAR) ** 2
    asymptote = square * (1 - 6 * square + 50 * square**2)
    near = np.maximum(z, -_FAR)
    direct = 1 - inverse_mills_ratio(near) * excess(near)
    return np.asarray(np.where(z > -_FAR, direct, asymptote))


def log_or_minus_infinity(values: FloatArray) -> FloatArray:
    """Return the logarithms, minus infinity for 0 and below."""
    result = np.full(np.shape(values), -np.inf)
    np.log(values, out=result, where=np.asarray(values) > 0)
    return result
