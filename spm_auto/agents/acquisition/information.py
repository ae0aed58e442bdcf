"""Max-value entropy search: how much a measurement tells about how high the highest value is."""

import math

import numpy as np
from scipy import special

from ...instrument import FloatArray
from .normal import (
    HALF_LOG_TWO_PI,
    excess,
    inverse_mills_ratio,
    log_density,
    truncated_variance,
)

QUANTILES = (0.25, 0.5, 0.75)  # of the maximum, which the Gumbel distribution is made to share
_SUBSET = 4096  # candidates that the first bracket is found with
_NEGLIGIBLE = 7.0  # deviations: 1e6 candidates that far below change a log-probability by 1e-6
_TOLERANCE = 1e-6  # of log(-log p), 1e-6 of the distribution's width
_BLOCK = 4096  # candidates worked on at once
_LN_2 = math.log(2.0)


def maximum_samples(
    mean: FloatArray, deviation: FloatArray, n: int, rng: np.random.Generator
) -> FloatArray:
    """Draw values that the highest of all candidates may have.

    Candidates are taken for independent, P(max < y) = prod Phi((y - m) / s), and a Gumbel
    distribution is given the quartiles of that. Neighbours are alike in truth, so that the maximum
    is overestimated, the more so the more candidates there are per correlation length, and the
    search explores more than it should. Where that matters, pass the maxima of Thompson draws to
    `log_max_value_entropy` instead; `joint_draws` of a few hundred hopeful candidates will do.

    The quartiles are exact to 1e-5 of the distance between them: a bracket is found with the most
    promising candidates, then those that cannot matter are left out. What is drawn is not below the
    highest value that is known for sure.

    Args:
        mean: Predicted values m, shape (N,).
        deviation: Their standard deviations s, shape (N,); zero is allowed.
        n: How many to draw.
        rng: Where the randomness comes from.

    Source:
        Z. Wang, S. Jegelka, ICML 2017, section 3.1.
    """
    mean, deviation = np.asarray(mean, dtype=float), np.asarray(deviation, dtype=float)
    uncertain = deviation > 0
    known = float(mean[~uncertain].max()) if not uncertain.all() else -math.inf
    if not uncertain.any():
        return np.full(n, known)
    m, s = mean[uncertain], deviation[uncertain]
    center, scale = float(m.max()), float(s.max())
    low, middle, high = (center + scale * y for y in _quartiles((m - center) / scale, s / scale))
    width = (high - low) / (math.log(_LN_2 * 2) - math.log(math.log(4 / 3)))
    location = middle + width * math.log(_LN_2)
    return np.maximum(location - width * np.log(-np.log(rng.uniform(size=n))), known)


def log_max_value_entropy(
    mean: FloatArray,
    deviation: FloatArray,
    maxima: FloatArray,
    noise: FloatArray | float = 0.0,
) -> FloatArray:
    """Return the logarithm of what a measurement tells about the maximum [log nat].

    Without noise, with g = (y* - m) / s, the average over the maxima y* of
    g phi(g) / (2 Phi(g)) - log Phi(g). With noise sigma, the average of
    -1/2 log(1 - rho^2 h (g + h)) with h = phi(g) / Phi(g) and rho^2 = s^2 / (s^2 + sigma^2), which
    is a lower bound of it; as the noise vanishes it does not become the former, so that the two are
    not compared. Both are logarithms, as the information itself underflows from g = 38 on.

    Args:
        mean: Predicted values m, shape (N,).
        deviation: Their standard deviations s, noise excluded, shape (N,); where zero, nothing is
            told.
        maxima: Values that the maximum may have, shape (k,).
        noise: Standard deviation sigma of the measurement, shape (N,) or one for all.

    Source:
        Z. Wang, S. Jegelka, ICML 2017, eq. 6; with noise: H. B. Moss et al., J. Mach. Learn. Res.
        22 (235), 1 (2021).
    """
    mean, deviation = np.asarray(mean, dtype=float), np.asarray(deviation, dtype=float)
    maxima = np.atleast_1d(np.asarray(maxima, dtype=float))
    sigma = np.broadcast_to(np.asarray(noise, dtype=float), mean.shape)
    if maxima.size == 0 or not np.isfinite(maxima).all():
        raise ValueError("maxima must be one or more finite values")
    if not bool(np.all(sigma >= 0)):
        raise ValueError("the noise of a measurement must be a number that is not negative")
    is_noisy = bool(sigma.any())
    result = np.full(mean.shape, -np.inf)
    for start in range(0, len(mean), _BLOCK):
        block = slice(start, start + _BLOCK)
        told = deviation[block] > 0
        s = np.where(told, deviation[block], 1.0)
        g = (maxima[:, None] - mean[block]) / s
        value = _log_bound(g, s / np.hypot(s, sigma[block])) if is_noisy else _log_entropy(g)
        top = value.max(axis=0)
        finite = np.isfinite(top) & told
        shifted = np.exp(value[:, finite] - top[finite])
        part = result[block]
        part[finite] = top[finite] + np.log(shifted.mean(axis=0))
    return result


def _log_entropy(g: FloatArray) -> FloatArray:
    """Return log(g phi(g) / (2 Phi(g)) - log Phi(g)).

    For g < 0 both terms are near g^2/2 with opposite signs; with e = g + phi(g) / Phi(g) their sum
    is g e / 2 - log(erfcx(-g / sqrt 2) / 2). For g > 0 phi(g) is taken out of both.
    """
    below = np.minimum(g, 0.0)
    value = np.log(0.5 * below * excess(below) - np.log(0.5 * special.erfcx(-below / math.sqrt(2))))
    above = g > 0
    if above.any():
        z = g[above]
        upper = special.ndtr(-z)
        mills = math.sqrt(math.pi / 2) * special.erfcx(z / math.sqrt(2))  # (1 - Phi) / phi
        # -log(1 - u) = u (1 + u/2 + ...), and u = mills phi
        series = np.where(
            upper < 1e-6, 1 + upper / 2, -np.log1p(-upper) / np.maximum(upper, 1e-300)
        )
        value[above] = log_density(z) + np.log(0.5 * z / (1 - upper) + mills * series)
    return np.asarray(value)


def _log_bound(g: FloatArray, correlation: FloatArray) -> FloatArray:
    """Return log(-1/2 log(1 - rho^2 h (g + h))), h = phi(g) / Phi(g)."""
    explained = correlation**2 * (1 - truncated_variance(g))
    direct = g < 5
    with np.errstate(divide="ignore"):
        near = np.log(-0.5 * np.log1p(-np.where(direct, explained, 0.5)))
    # far above, h (g + h) is small and found to all digits from the logarithm of phi; then
    # -log(1 - x) is x (1 + x/2) to 1e-11
    z = np.maximum(g, 5.0)
    log_x = (
        2 * np.log(correlation)
        + log_density(z)
        - special.log_ndtr(z)
        + np.log(z + inverse_mills_ratio(z))
    )
    far = log_x + np.log1p(0.5 * np.exp(log_x)) - _LN_2
    return np.asarray(np.where(direct, near, far))


def _quartiles(mean: FloatArray, deviation: FloatArray) -> list[float]:
    """Return the quartiles of the maximum of independent normal numbers.

    Args:
        mean: Their means, of which the highest is 0.
        deviation: Their deviations, of which the largest is 1.
    """
    m, s = mean, deviation
    if len(m) > _SUBSET:
        # a subset's maximum is lower, so that its lower quartile bounds that of all from below
        hopeful = np.argpartition(-(m + 4 * s), _SUBSET)[:_SUBSET]
        low = _quantile(m[hopeful], s[hopeful], QUANTILES[0], float((m + 2 * s).max()))
        matters = (low - m) < _NEGLIGIBLE * s
        m, s = m[matters], s[matters]
    else:
        low = float((m + 2 * s).max())
    found: list[float] = []
    for level in QUANTILES:
        found.append(_quantile(m, s, level, found[-1] if found else low))
    return found


def _quantile(mean: FloatArray, deviation: FloatArray, level: float, start: float) -> float:
    """Return y with prod Phi((y - m) / s) = level.

    log(-log prod Phi) is nearly straight in y, as the Gumbel distribution says: Newton's method
    converges in three or four steps. Each step stays inside the bracket known so far.
    """
    goal = math.log(-math.log(level))
    below, above = -math.inf, math.inf
    y = start
    for _ in range(200):
        total, slope = 0.0, 0.0
        for first in range(0, len(mean), _BLOCK):
            s = deviation[first : first + _BLOCK]
            z = (y - mean[first : first + _BLOCK]) / s
            log_below = special.log_ndtr(z)
            total -= float(log_below.sum())
            ratio = np.exp(-0.5 * np.minimum(np.abs(z), 1e150) ** 2 - HALF_LOG_TWO_PI - log_below)
            slope += float((ratio / s).sum())
        height = math.log(total) if total > 0 else -math.inf
        if abs(height - goal) < _TOLERANCE:
            return y
        below, above = (y, above) if height > goal else (below, y)
        step = (height - goal) * total / slope if slope > 0 and math.isfinite(height) else math.inf
        following = y + step
        if not below < following < above:
            if math.isinf(below):
                following = above - 2 * max(1.0, abs(step) if math.isfinite(step) else 1.0)
            elif math.isinf(above):
                following = below + 2.0
            else:
                following = 0.5 * (below + above)
        if following in (below, above):
            return y
        y = following
    return y
