"""Novelty: how unlike what is known a place looks, and a spectrum is."""

import numpy as np
from numpy.typing import NDArray

from ...instrument import FloatArray

NEIGHBOURS = 3  # that a distance is averaged over; one alone would call every twin known
_MAD_TO_DEVIATION = 1.4826  # of a normal distribution
_LEAST_SHARED = 0.5  # of the points that two spectra must both have


class StructuralNovelty:
    """How far each candidate's descriptors are from those measured so far.

    The mean distance to the k nearest measured ones. Each measured candidate costs one pass over
    all of them.

    Args:
        descriptors: Descriptors of all candidates, of comparable size, shape (N, d).
        neighbours: How many nearest ones count, k.

    Source:
        J. Lehman, K. O. Stanley, Evol. Comput. 19, 189 (2011).
    """

    def __init__(self, descriptors: FloatArray, neighbours: int = NEIGHBOURS) -> None:
        descriptors = np.asarray(descriptors, dtype=float)
        if descriptors.ndim != 2 or not np.isfinite(descriptors).all():
            raise ValueError("descriptors must be finite, shape (n, d)")
        if neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, got {neighbours}")
        self._descriptors = descriptors
        self._squares = (descriptors * descriptors).sum(axis=1)
        self._nearest = np.full((neighbours, len(descriptors)), np.inf)

    def add(self, candidate: int) -> None:
        """Count a candidate as measured."""
        own = self._descriptors[candidate]
        square = self._squares - 2.0 * (self._descriptors @ own) + self._squares[candidate]
        distance = np.sqrt(np.maximum(square, 0.0))
        distance[candidate] = 0.0
        for nearest in self._nearest:  # each row keeps the smaller and hands the larger on
            larger = np.maximum(nearest, distance)
            np.minimum(nearest, distance, out=nearest)
            distance = larger

    @property
    def values(self) -> FloatArray:
        """The novelty of each candidate, shape (N,); infinite before the first was measured.

        Until as many were measured as neighbours count, the mean is over those there are.
        """
        known = np.isfinite(self._nearest[:, 0])
        if not known.any():
            return np.full(self._nearest.shape[1], np.inf)
        return np.asarray(self._nearest[known].mean(axis=0))


def spectral_novelty(spectra: FloatArray, neighbours: int = NEIGHBOURS) -> FloatArray:
    """Return how unlike its nearest others each spectrum is.

    Each point of the spectra is brought to median 0 and robust deviation 1 (points that are equal
    in more than half of all spectra take their standard deviation, points equal in all are left
    out). The distance of two spectra is the root mean square over points, of values bent by asinh,
    so that a spike counts for little more than a large difference. A spectrum's novelty is the mean
    distance to its nearest others, told earlier or later: the first spectrum of a region stops
    being new as soon as there are more like it. It is the target that a surrogate predicts; compute
    it anew with all spectra whenever the surrogate is fitted.

    Args:
        spectra: One per row, shape (n, p); NaN where a point is missing.
        neighbours: How many nearest ones count.

    Returns:
        The novelties, in deviations, shape (n,); NaN for a spectrum that cannot be compared, since
        it shares less than half of the points with each other one, or is the only one.

    Source:
        J. Lehman, K. O. Stanley, Evol. Comput. 19, 189 (2011), of behaviours that are
        spectra; leaving out only the spectrum itself, not what came later, is reasoned here.
    """
    spectra = np.asarray(spectra, dtype=float)
    if spectra.ndim != 2 or np.isinf(spectra).any():
        raise ValueError("spectra must be finite or NaN, shape (n, p)")
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, got {neighbours}")
    n = len(spectra)
    result = np.full(n, np.nan)
    if n < 2:
        return result
    values, has = _robust(spectra)
    weights = has.astype(float)
    squares = values * values
    shared = weights @ weights.T
    total = squares @ weights.T + weights @ squares.T - 2.0 * (values @ values.T)
    comparable = shared >= max(_LEAST_SHARED * values.shape[1], 1.0)
    mean_square = np.maximum(total, 0.0) / np.maximum(shared, 1.0)
    distance = np.where(comparable, np.sqrt(mean_square), np.inf)
    if values.shape[1] == 0:  # all spectra are equal
        distance = np.zeros((n, n))
    np.fill_diagonal(distance, np.inf)
    nearest = np.sort(distance, axis=1)[:, : min(neighbours, n - 1)]
    found = np.isfinite(nearest)
    any_found = found.any(axis=1)
    sums = np.where(found, nearest, 0.0).sum(axis=1)
    result[any_found] = sums[any_found] / found.sum(axis=1)[any_found]
    return result


def combined_novelty(
    structural: FloatArray, spectral: FloatArray, measured_spectral: FloatArray
) -> FloatArray:
    """Return novelty in structure and in spectrum, each in units of its own median.

    Args:
        structural: `StructuralNovelty.values` of all candidates, shape (N,).
        spectral: Spectral novelty of all candidates, as a surrogate predicts it (mean, or mean plus
            so many deviations), shape (N,).
        measured_spectral: Spectral novelty of the spectra told, whose median is its unit; a
            surrogate that knows little predicts hardly any differences. Shape (n,).

    Returns:
        Their sum, shape (N,).
    """
    structural, spectral = np.asarray(structural, dtype=float), np.asarray(spectral, dtype=float)
    measured_spectral = np.asarray(measured_spectral, dtype=float)
    if structural.shape != spectral.shape:
        raise ValueError(f"shapes {structural.shape} and {spectral.shape} differ")
    return np.asarray(structural / _size(structural) + spectral / _size(measured_spectral))


def _size(values: FloatArray) -> float:
    """Return the median magnitude of what is finite and not zero; 1 when nothing is."""
    magnitudes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(magnitudes)) if magnitudes.size else 1.0


def _robust(spectra: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return normalised spectra, zero where a point is missing, and where none is."""
    has = np.isfinite(spectra)
    points = has.any(axis=0)
    spectra, has = spectra[:, points], has[:, points]
    largest = np.nanmax(np.abs(spectra), axis=0)
    relative = spectra / np.where(largest > 0, largest, 1.0)  # huge values do not overflow
    middle = np.nanmedian(relative, axis=0)
    spread = _MAD_TO_DEVIATION * np.nanmedian(np.abs(relative - middle), axis=0)
    spread = np.where(spread > 1e-12, spread, np.nanstd(relative, axis=0))
    differs = spread > 1e-12
    bent = np.arcsinh((relative[:, differs] - middle[differs]) / spread[differs])
    return np.where(has[:, differs], bent, 0.0), has[:, differs]
