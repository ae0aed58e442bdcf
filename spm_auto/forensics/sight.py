"""Sight: what the agent saw before its first spectrum, in the two directions that differ most."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..agents import Candidates
from ..instrument import FloatArray, ScanImage


@dataclass(frozen=True, slots=True)
class Sight:
    """The overview as descriptors, pixel by pixel.

    Attributes:
        rows: Line and pixel of each place, shape (n, 2).
        components: First two principal components of the descriptors, shape (n, 2).
        shares: Share of the descriptors' variance that each of them has.
        ranking: Distance from the median of the overview's first channel, shape (n,).
    """

    rows: NDArray[np.int64]
    components: FloatArray
    shares: tuple[float, float]
    ranking: FloatArray

    @classmethod
    def of(cls, image: ScanImage) -> Self | None:
        """Look at an overview; None when there is nothing to see on it."""
        try:
            candidates = Candidates.of(image)
        except ValueError:
            return None
        components, shares = principal_components(candidates.descriptors)
        return cls(candidates.rows, components, shares, candidates.ranking)

    def rank(self, rows: NDArray[np.int64]) -> FloatArray:
        """Return the ranking of some pixels, minus infinity where nothing was seen, shape (m,)."""
        return self._look_up(rows, self.ranking, -np.inf)

    def at(self, rows: NDArray[np.int64]) -> FloatArray:
        """Return the components of some pixels, NaN where nothing was seen, shape (m, 2)."""
        return np.column_stack([self._look_up(rows, self.components[:, k], np.nan) for k in (0, 1)])

    def _look_up(self, rows: NDArray[np.int64], values: FloatArray, missing: float) -> FloatArray:
        known = {(int(a), int(b)): float(v) for (a, b), v in zip(self.rows, values, strict=True)}
        return np.array([known.get((int(a), int(b)), missing) for a, b in rows])


def principal_components(descriptors: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """Return the two uncorrelated combinations of descriptors that vary most.

    Each points where its largest weight is positive, so that it does not flip at random.

    Args:
        descriptors: One row for each place, shape (n, d).

    Returns:
        The components, shape (n, 2), and their shares of the variance.

    Source:
        K. Pearson, Philos. Mag. 2, 559 (1901).
    """
    centered = descriptors - descriptors.mean(axis=0)
    n, d = centered.shape
    covariance = centered.T @ centered / n
    variances, directions = np.linalg.eigh(covariance)
    components, shares = np.zeros((n, 2)), [0.0, 0.0]
    total = float(variances.sum())
    for k in range(min(2, d)):
        direction = directions[:, -1 - k]
        direction = direction * np.sign(direction[np.argmax(np.abs(direction))])
        components[:, k] = centered @ direction
        shares[k] = float(variances[-1 - k]) / total if total > 0 else 0.0
    return components, (shares[0], shares[1])
