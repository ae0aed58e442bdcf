"""Kriging: a map from what was measured at some of its sites, the same for every player."""

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

LEVEL = (
    1e3  # variance of what all sites have in common, in that of how they differ: it is not known
)


class Kriging:
    """Fills in a map, site by site, from a covariance that does not change.

    The sites have a covariance of Matérn's kind with nu = 3/2 and an unknown common level. A value
    that is added costs one pass over what was added before, times the sites.

    Args:
        points: Sites x and y [m], shape (n, 2).
        length: Over which the map changes [m].
        noise: Variance of a value's error, in that by which the sites differ.

    Source:
        G. Matheron, Econ. Geol. 58, 1246 (1963); M. L. Stein, Interpolation of Spatial Data,
        Springer (1999), for the covariance.
    """

    def __init__(self, points: FloatArray, length: float, noise: float) -> None:
        self._points = points[:, :2]
        self._length = length
        self._noise = noise
        self._rows = np.empty((64, len(points)))  # grows as it fills
        self._n = 0
        self._variance = np.full(len(points), 1.0 + LEVEL)
        self.mean: FloatArray = np.zeros(len(points))

    def add(self, site: int, value: float, weight: float = 1.0) -> None:
        """Take in a value.

        Args:
            site: Where it was measured.
            value: What was found, in units of which the map's spread is not above some hundreds.
            weight: By how much less noisy it is than usual, as with so many averages.
        """
        noise = self._noise / weight
        row = self._covariances(np.array([site]))[0] / np.sqrt(self._variance[site] + noise)
        surprise = (value - self.mean[site]) / np.sqrt(self._variance[site] + noise)
        if self._n == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._n] = row
        self._n += 1
        self.mean = self.mean + surprise * row
        self._variance = np.maximum(self._variance - row**2, 0.0)

    def gains(self, sites: NDArray[np.int64], truth: FloatArray) -> FloatArray:
        """Return by how much the sum of the map's squared errors would fall, for some sites.

        Args:
            sites: That might be added, each with its true value, shape (k,).
            truth: Of all sites; where it is NaN nothing is counted, shape (n,).

        Returns:
            Shape (k,).
        """
        known = np.isfinite(truth)
        errors = np.where(known, truth - self.mean, 0.0)
        steps = self._covariances(sites) / (self._variance[sites] + self._noise)[:, None]
        steps = np.where(known, steps, 0.0) * errors[sites][:, None]
        return np.asarray(np.sum(errors**2 - (errors - steps) ** 2, axis=1))

    def _covariances(self, sites: NDArray[np.int64]) -> FloatArray:
        """Return what is left of the covariances of some sites with all, shape (k, n)."""
        away = self._points[sites][:, None] - self._points[None]
        r = np.sqrt(3) * np.hypot(away[..., 0], away[..., 1]) / self._length
        prior = LEVEL + (1 + r) * np.exp(-r)
        rows = self._rows[: self._n]
        return np.asarray(prior - rows[:, sites].T @ rows)
