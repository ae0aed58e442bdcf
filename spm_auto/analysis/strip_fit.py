"""Where a small image fits in a larger one, to a fraction of a pixel, and how sure that is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray
from .levelling import level_plane

LEAST_LIKENESS = 0.5  # correlation from which a strip may be believed
DISTINCT = 3.0  # by how many times what noise does to it the best place must lead
_SMOOTH = 1.0  # [pixel]
_RIM = 1  # pixels
_EDGE = 3  # pixels around a strip that its refinement may need
_ROUNDS = 15
_STEPS = 1e-4  # [pixel] when it has converged
_BLOCKS = 4  # along each axis, for the uncertainty
_FLOOR = 0.02  # [pixel] below it no shift is known
_FLAT = 1e-9

Cells = NDArray[np.int64]  # along lines and pixels


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How the lines of one direction fit.

    Attributes:
        shift: By how much what is seen has moved, along lines and pixels [pixel], shape (2,).
        covariance: Of that [pixel squared], shape (2, 2).
        likeness: Correlation there.
        doubt: Why it may not be believed; empty when it may.
    """

    shift: FloatArray
    covariance: FloatArray
    likeness: float
    doubt: str = ""


def _lost(doubt: str, likeness: float = 0.0) -> Way:
    return Way(np.full(2, np.nan), np.full((2, 2), np.inf), likeness, doubt)


def fitted(
    known: list[FloatArray],
    seen: list[FloatArray],
    first: tuple[int, int],
    reach: Cells,
    by_line: bool,
) -> Way:
    """Find what is seen on what is known.

    Args:
        known: Layers of the larger image, each of shape [line, pixel].
        seen: The same layers of the smaller one.
        first: Line and pixel of the larger one where the smaller one should begin.
        reach: Lines and pixels by which it is sought around there, shape (2,).
        by_line: Whether the mean of each line does not count.
    """
    if not all(np.isfinite(layer).all() for layer in (*known, *seen)):
        return _lost("lines are missing")
    if by_line:
        seen = [layer - layer.mean(axis=1, keepdims=True) for layer in seen]
    start = np.array(first)
    size, of = np.array(seen[0].shape), np.array(known[0].shape)
    low = np.maximum(start - reach, 0)
    high = np.minimum(start + reach, of - size)
    score = _likeness(known, seen, low, high, by_line)
    best = np.array(np.unravel_index(int(np.argmax(score)), score.shape))
    likeness = float(score.max())
    if likeness < LEAST_LIKENESS:
        return _lost(f"it fits nowhere: likeness {likeness:.2f}", likeness)
    is_edge = ((best == 0) & (low > 0)) | ((best == high - low) & (high < of - size))
    if (is_edge & (high > low)).any():
        return _lost("it fits best at the edge of what was searched", likeness)
    lead, noise = _standing(score, best)
    if lead < DISTINCT * noise:
        return _lost(f"other places fit as well: the best leads by {lead:.2f}", likeness)
    return _refined(known, seen, low + best, start, likeness, by_line)


def _likeness(
    known: list[FloatArray],
    seen: list[FloatArray],
    low: Cells,
    high: Cells,
    by_line: bool,
) -> FloatArray:
    """Return the correlation of what is seen with each part of what is known."""
    size = np.array(seen[0].shape)
    shape = tuple(high - low + 1)
    shared, own, others = np.zeros(shape), np.zeros(shape), 0.0
    for layer, part in zip(known, seen, strict=True):
        area = layer[low[0] : high[0] + size[0], low[1] : high[1] + size[1]]
        windows = np.lib.stride_tricks.sliding_window_view(area, tuple(size))
        bare = part - part.mean()
        shared += np.einsum("abij,ij->ab", windows, bare)
        if by_line:
            means = windows.mean(axis=3)
            own += np.einsum("abij,abij->ab", windows, windows) - size[1] * (means**2).sum(axis=2)
        else:
            means = windows.mean(axis=(2, 3))
            own += np.einsum("abij,abij->ab", windows, windows) - part.size * means**2
        others += float(np.sum(bare**2))
    least = _FLAT * max(float(own.max(initial=0.0)), _FLAT**2)
    is_flat = own <= least
    score = shared / np.sqrt(np.where(is_flat, 1.0, own) * max(others, _FLAT**4))
    return np.asarray(np.where(is_flat, 0.0, score))


def _standing(score: FloatArray, best: Cells) -> tuple[float, float]:
    """Return by how much the best place leads all others that are peaks, and what noise does."""
    from scipy import ndimage

    top = float(score[tuple(best)])
    labels, _ = ndimage.label(score > top / 2)
    beside = labels != labels[tuple(best)]
    is_peak = score == ndimage.maximum_filter(score, 3)
    is_peak[tuple(best)] = False
    rival = float(score[is_peak & (score < top)].max(initial=0.0))
    spread = float(np.std(score[beside])) if beside.sum() > 3 else 0.1
    return top - rival, max(spread, 0.02) * math.sqrt(max(1 - top**2, 0.0))


def _refined(
    known: list[FloatArray],
    seen: list[FloatArray],
    at: Cells,
    first: Cells,
    likeness: float,
    by_line: bool,
) -> Way:
    """Fit the shift to a fraction of a pixel: seen(r) = a known(r + s) + b + tilt.

    Both are smoothed by a pixel before: noise that is looked up between pixels is less than on
    them, and would draw the shift there.
    """
    from scipy import ndimage

    known, seen = (
        [ndimage.gaussian_filter(n, _SMOOTH) for n in layers] for layers in (known, seen)
    )
    at, first = at + _RIM, first + _RIM  # what lies beyond the edge was not known to the smoothing
    seen = [layer[_RIM:-_RIM, _RIM:-_RIM] for layer in seen]
    size = np.array(seen[0].shape)
    margin = np.minimum(np.minimum(at, np.array(known[0].shape) - at - size), _EDGE)
    box = tuple(
        slice(a - m, a + n + m) for a, n, m in zip(at.tolist(), size.tolist(), margin, strict=True)
    )
    rows, columns = (grid.astype(float) for grid in np.indices(tuple(size)))
    splines = [ndimage.spline_filter(layer[box]) for layer in known]
    step = np.zeros(2)
    for _ in range(_ROUNDS):
        jacobian, left = _linearised(splines, seen, margin + step, rows, columns, by_line)
        change = np.linalg.lstsq(jacobian.reshape(-1, 2), left.ravel(), rcond=None)[0]
        step = step + change
        if (np.abs(step) > 1.5).any():
            return _lost("the fit runs away from where it looked best", likeness)
        if (np.abs(change) < _STEPS).all():
            break
    jacobian, left = _linearised(splines, seen, margin + step, rows, columns, by_line)
    # known(r + s) is what is seen at r, so the sample moved by -s from where it was expected
    shift = -(at - first + step)
    return Way(shift, _covariance(jacobian, left), likeness)


def _linearised(
    splines: list[FloatArray],
    seen: list[FloatArray],
    at: FloatArray,
    rows: FloatArray,
    columns: FloatArray,
    by_line: bool,
) -> tuple[FloatArray, FloatArray]:
    """Return slopes by the shift, shape (layer, line, pixel, 2), and what is left."""
    from scipy import ndimage

    slopes, lefts = [], []
    for spline, part in zip(splines, seen, strict=True):

        def value(dr: float, dc: float, spline: FloatArray = spline) -> FloatArray:
            where = [rows + at[0] + dr, columns + at[1] + dc]
            return np.asarray(
                ndimage.map_coordinates(spline, where, order=3, prefilter=False, mode="nearest")
            )

        model = _free(value(0, 0), by_line)
        part = _free(part, by_line)
        gain = float(np.vdot(model, part)) / max(float(np.vdot(model, model)), _FLAT**4)
        ways = [(value(0.5, 0) - value(-0.5, 0)), (value(0, 0.5) - value(0, -0.5))]
        unit = max(float(np.std(part)), _FLAT**2)  # so that layers count alike
        slopes.append(np.stack([gain * _free(way, by_line) for way in ways], axis=-1) / unit)
        lefts.append((part - gain * model) / unit)
    return np.array(slopes), np.array(lefts)


def _free(image: FloatArray, by_line: bool) -> FloatArray:
    """Return an image without its tilt, or without the mean of each line."""
    if by_line:
        return np.asarray(image - image.mean(axis=1, keepdims=True))
    return level_plane(image)


def _covariance(jacobian: FloatArray, left: FloatArray) -> FloatArray:
    """Return the covariance of the shift, from how much blocks of the strip pull differently."""
    known = np.einsum("lrci,lrcj->ij", jacobian, jacobian)
    if np.linalg.eigvalsh(known)[0] <= _FLAT * np.linalg.eigvalsh(known)[1]:
        return np.full((2, 2), np.inf)
    pulls = jacobian * left[..., np.newaxis]
    blocks = [
        block.sum(axis=(0, 1, 2))
        for band in np.array_split(pulls, _BLOCKS, axis=1)
        for block in np.array_split(band, _BLOCKS, axis=2)
    ]
    inverse = np.linalg.inv(known)
    covariance = inverse @ np.einsum("ki,kj->ij", blocks, blocks) @ inverse
    return np.asarray((covariance + covariance.T) / 2 + _FLOOR**2 * np.eye(2))
