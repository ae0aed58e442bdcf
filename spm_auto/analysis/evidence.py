"""Evidence: which of several laws the data speak for, and which pulse would tell them apart.

The evidence of a law is the mean of the likelihood over its prior (MacKay, Neural Comput. 4 (1992)
415): a law that could have explained anything has little left for what was found. How much sites
differ from one another is not known before; it is one more parameter, the same in every law.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray
from .integrating import sampled
from .laws import Law, Span

SPREAD = (1 / 200, 1 / 5)  # of sites, in units of the largest diameter: log-uniform in between
ODD = 0.02  # share of pulses that hit something else, such as a defect, whatever the law
ODD_NONE = 0.5  # share of these where there is no domain at all; else any diameter is as likely
SAMPLES = 256  # of the posterior that are kept
_ATTEMPTS = 3
_LARGEST_ERROR = 0.2  # of the logarithm of an evidence, above which it is tried again
BINS = 48  # of the diameter, for the information of a pulse


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """Domains that pulses left; arrays of shape (m,).

    Attributes:
        bias: Of each pulse [V]; its sign does not matter.
        duration: Of each pulse [s].
        diameter: Of the domain [m]; 0 where none is seen.
        uncertainty: Standard deviation of the measurement [m], sites not counted.
        smallest: Diameter below which a domain is not seen [m].
    """

    bias: FloatArray
    duration: FloatArray
    diameter: FloatArray
    uncertainty: FloatArray
    smallest: FloatArray

    def __post_init__(self) -> None:
        for name in ("bias", "duration", "diameter", "uncertainty", "smallest"):
            value = np.asarray(getattr(self, name), dtype=float)
            if value.shape != np.shape(self.bias) or value.ndim != 1:
                raise ValueError(f"{name} has shape {value.shape}, bias has {np.shape(self.bias)}")
            if not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite, got {value}")

    @classmethod
    def of(cls, rows: Sequence[tuple[float, float, float, float, float]]) -> "Grown":
        """Put pulses together: bias, duration, diameter, uncertainty and smallest of each."""
        return cls(*np.array(rows, dtype=float).reshape(-1, 5).T)

    def __len__(self) -> int:
        return len(self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the data say of a law.

    Attributes:
        law: The law.
        span: Of the experiment.
        log_evidence: Natural logarithm of the evidence.
        error: Standard deviation of that, from the finite number of points.
        values: Its parameters, drawn from the posterior, shape (SAMPLES, k).
        spread: Of sites [m], drawn with them, shape (SAMPLES,).
    """

    law: Law
    span: Span
    log_evidence: float
    error: float
    values: FloatArray
    spread: FloatArray

    def predict(self, bias: FloatArray, duration: FloatArray) -> FloatArray:
        """Return the diameters that the law expects of pulses [m], shape (SAMPLES, m)."""
        return self.law.diameter(self.values, bias, duration, self.span)

    def parameters(self) -> dict[str, tuple[float, float]]:
        """Return mean and standard deviation of each parameter by name, SI units."""
        names = [each.name for each in self.law.parameters(self.span)]
        means, spreads = self.values.mean(axis=0), self.values.std(axis=0)
        return dict(zip(names, zip(means.tolist(), spreads.tolist(), strict=True), strict=True))


def weigh(laws: Sequence[Law], grown: Grown, span: Span, seed: int) -> tuple[Evidence, ...]:
    """Work out the evidence of each law.

    Args:
        laws: The candidates.
        grown: The data; there may be none.
        span: Of the experiment.
        seed: Of the points that the integrals are summed over; the same gives the same.
    """
    return tuple(_weigh(law, grown, span, seed) for law in laws)


def probabilities(evidences: Sequence[Evidence]) -> FloatArray:
    """Return the probability of each law, all of them as likely before, shape (laws,)."""
    logs = np.array([each.log_evidence for each in evidences])
    return np.asarray(np.exp(logs - np.logaddexp.reduce(logs)))


def information(
    evidences: Sequence[Evidence],
    bias: FloatArray,
    duration: FloatArray,
    smallest: float,
    uncertainty: float,
) -> FloatArray:
    """Return how much a further pulse is expected to tell about which law holds.

    The mutual information of law and outcome (Lindley, Ann. Math. Stat. 27 (1956) 986), of which
    the criterion of Box and Hill (Technometrics 9 (1967) 57) is an upper bound. Outcomes are
    counted in bins, one of them for no domain at all.

    Args:
        evidences: What is known of each law.
        bias: Of each possible pulse [V], shape (m,).
        duration: Of each possible pulse [s], shape (m,).
        smallest: Diameter below which a domain is not seen [m].
        uncertainty: Of a measurement [m], sites not counted.

    Returns:
        In bits, shape (m,).
    """
    share = probabilities(evidences)
    largest = max(1.5 * evidences[0].span.diameter, 2 * smallest)
    edges = np.linspace(smallest, largest, BINS)
    of_laws = np.stack(
        [_outcomes(each, bias, duration, edges, uncertainty) for each in evidences]
    )  # [law, pulse, bin]
    of_all = np.tensordot(share, of_laws, axes=1)
    ratio = np.log2(of_laws / of_all)
    return np.asarray(np.einsum("l,lpb->p", share, of_laws * ratio))


def _outcomes(
    evidence: Evidence,
    bias: FloatArray,
    duration: FloatArray,
    edges: FloatArray,
    uncertainty: float,
) -> FloatArray:
    """Return how likely a law finds each outcome, shape (m, bins + 1): no domain comes first."""
    from scipy.special import ndtr

    expected = evidence.predict(bias, duration)[::2, :, np.newaxis]  # half of them will do
    spread = np.hypot(evidence.spread[::2], uncertainty)[:, np.newaxis, np.newaxis]
    below = ndtr((edges - expected) / spread).mean(axis=0)
    shares = np.diff(below, axis=1, prepend=0.0, append=1.0)
    odd = np.full(shares.shape[1], (1 - ODD_NONE) / (shares.shape[1] - 1))
    odd[0] = ODD_NONE
    return np.asarray((1 - ODD) * np.maximum(shares, 0.0) + ODD * odd)


def _weigh(law: Law, grown: Grown, span: Span, seed: int) -> Evidence:
    from scipy.special import ndtr

    parameters = law.parameters(span)
    n_dimensions = len(parameters) + 1

    def unfolded(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return parameters and spread of points in the space where the prior is normal."""
        share = ndtr(z)
        values = [each.at(share[:, k]) for k, each in enumerate(parameters)]
        low, high = SPREAD
        spread = span.diameter * low * (high / low) ** share[:, -1]
        return np.stack(values, axis=1), spread

    def log_likelihood(z: FloatArray) -> FloatArray:
        values, spread = unfolded(z)
        expected = law.diameter(values, grown.bias, grown.duration, span)
        return _log_likelihood(expected, spread, grown, span.diameter)

    for attempt in range(_ATTEMPTS):  # a sharp peak may be missed; other points may find it
        points, log_weights = sampled(log_likelihood, n_dimensions, seed + attempt)
        n = len(log_weights)
        log_evidence = float(np.logaddexp.reduce(log_weights) - math.log(n))
        weights = np.exp(log_weights - np.logaddexp.reduce(log_weights))
        error = math.sqrt(max(float(n * (weights**2).sum()) - 1, 0.0) / n)
        if error <= _LARGEST_ERROR:
            break
    rungs = (np.arange(SAMPLES) + 0.5) / SAMPLES
    # by chance, as every so-manieth of Sobol's points lies in one corner
    order = np.random.default_rng(seed).permutation(n)
    drawn = order[np.minimum(np.searchsorted(np.cumsum(weights[order]), rungs), n - 1)]
    return Evidence(law, span, log_evidence, error, *unfolded(points[drawn]))


def _log_likelihood(
    expected: FloatArray, spread: FloatArray, grown: Grown, largest: float
) -> FloatArray:
    """Return the logarithm of the likelihood, shape (n,), for expectations of shape (n, m)."""
    from scipy.special import ndtr

    variance = spread[:, np.newaxis] ** 2 + grown.uncertainty**2
    none = np.flatnonzero(grown.diameter <= 0)
    some = np.flatnonzero(grown.diameter > 0)
    off = (grown.smallest[none] - expected[:, none]) / np.sqrt(variance[:, none])
    likely = np.empty_like(expected)
    likely[:, none] = (1 - ODD) * ndtr(off) + ODD * ODD_NONE
    squared = (grown.diameter[some] - expected[:, some]) ** 2 / variance[:, some]
    density = np.exp(-squared / 2) / np.sqrt(2 * math.pi * variance[:, some])
    likely[:, some] = (1 - ODD) * density + ODD * (1 - ODD_NONE) / largest
    return np.asarray(np.log(likely).sum(axis=1))
