"""Expected hypervolume improvement: what a measurement is worth to two or three objectives at once.

All objectives are maximised. The region that no front point dominates is cut into boxes, bounded
below and open or closed above. What a vector y adds to the hypervolume inside a box [l, u] is
prod_k ((y_k - l_k)+ - (y_k - u_k)+), so that with independent normal predictions its expectation is
a product of differences of one-dimensional expected improvements: exact, for two and for three.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...instrument import FloatArray
from .improvement import expected_improvement, log_expected_improvement

_BLOCK = 4096  # candidates worked on at once
_UNDERFLOW = 1e-250  # below this the logarithm is computed from logarithms
_OFFSET = 0.1  # of the front's extent, that the reference point lies below its worst corner


def non_dominated(values: FloatArray) -> NDArray[np.bool_]:
    """Tell which vectors are not worse than another one in all objectives.

    Of equal vectors the first stays.

    Args:
        values: Objectives of each item, shape (n, d).

    Returns:
        A mask, shape (n,).
    """
    values = _checked(values)
    mask = np.ones(len(values), dtype=bool)
    for i, value in enumerate(values):
        at_least = (values >= value).all(axis=1) & mask
        better = at_least & (values > value).any(axis=1)
        mask[i] = not (better.any() or at_least[:i].any())
    return mask


def reference_point(values: FloatArray) -> FloatArray:
    """Return a point from which the hypervolume is worth measuring.

    It lies below the worst value on the front, in each objective, by a tenth of the front's extent;
    where the front is a point in that objective, by a tenth of the extent of all values; where
    these are equal too, by a tenth of their size, or by 0.1 if they are zero.

    Args:
        values: Objectives of each item measured, shape (n, d).

    Source:
        H. Ishibuchi et al., Evol. Comput. 26, 411 (2018), on why a little below the nadir.
    """
    values = _checked(values)
    front = values[non_dominated(values)]
    worst = front.min(axis=0)
    size = np.abs(worst)
    extent = np.where(size > 0, size, 1.0)
    for items in (values, front):  # halves, as a difference of huge numbers may overflow
        half = items.max(axis=0) / 2 - items.min(axis=0) / 2
        extent = np.where(half > 1e-12 * size, 2 * half, extent)
    return np.asarray(worst - _OFFSET * extent)


def hypervolume(values: FloatArray, reference: FloatArray) -> float:
    """Return the volume that some items dominate above a reference point.

    Args:
        values: Objectives of each item, shape (n, d), d = 2 or 3; n may be zero. An item that is
            not above the reference point in each objective adds nothing.
        reference: The reference point, shape (d,).
    """
    front = _above(values, reference)
    if len(front) == 0:
        return 0.0
    if front.shape[1] == 2:
        return _area(front, reference)
    front = front[np.argsort(-front[:, 2], kind="stable")]
    floors = np.append(front[1:, 2], reference[2])
    return float(
        sum(
            (front[i, 2] - floor) * _area(front[: i + 1, :2], reference[:2])
            for i, floor in enumerate(floors)
            if front[i, 2] > floor
        )
    )


def boxes(values: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cut what no item dominates, above the reference point, into boxes.

    For two objectives they are the strips between neighbours on the front. For three, the third
    objective is swept from infinity downwards; each front point met closes the strips of the first
    two that it cuts, and opens others: at most 2 n + 1 boxes for n points in general position.

    Args:
        values: Objectives of each item, shape (n, d), d = 2 or 3; n may be zero.
        reference: The reference point, shape (d,).

    Returns:
        Lower and upper corners, each of shape (b, d); an upper one may be infinite.

    Source:
        K. Yang, M. Emmerich, A. Deutz, T. Bäck, J. Glob. Optim. 75, 3 (2019), strips; R. Lacour,
        K. Klamroth, C. M. Fonseca, Comput. Oper. Res. 79, 347 (2017), the number of boxes.
    """
    front = _above(values, reference)
    heights = front[:, 2] if front.shape[1] == 3 else np.zeros(len(front))
    # strips of the first two objectives: from a to b, above c, since the height z
    strips = [(float(reference[0]), np.inf, float(reference[1]), np.inf)]
    closed: list[tuple[float, float, float, float, float]] = []
    for index in np.argsort(-heights, kind="stable"):
        x, y, z = float(front[index, 0]), float(front[index, 1]), float(heights[index])
        kept: list[tuple[float, float, float, float]] = []
        cut: list[tuple[float, float, float, float]] = []
        for strip in strips:
            (cut if strip[0] < x and strip[2] < y else kept).append(strip)
        if not cut:
            continue
        # the strips that are cut are neighbours, and end at x or beyond
        closed += [(a, b, c, z, top) for a, b, c, top in cut if top > z]
        last = max(cut)
        if last[1] > x:
            kept.append((x, last[1], last[2], z))
        kept.append((min(cut)[0], x, y, z))
        strips = kept
    floor = float(reference[2]) if front.shape[1] == 3 else 0.0
    if front.shape[1] == 2:
        corners = sorted((a, b, c) for a, b, c, _ in strips)
        lower = np.array([(a, c) for a, _, c in corners])
        return lower, np.array([(b, np.inf) for _, b, _ in corners])
    closed += [(a, b, c, floor, top) for a, b, c, top in strips]
    lower = np.array([(a, c, bottom) for a, _, c, bottom, _ in closed])
    return lower, np.array([(b, np.inf, top) for _, b, _, _, top in closed])


def expected_hypervolume_improvement(
    mean: FloatArray, deviation: FloatArray, front: FloatArray, reference: FloatArray
) -> FloatArray:
    """Return by how much a measurement is expected to raise the hypervolume.

    Exact for objectives that are predicted independently of each other.

    Args:
        mean: Predicted values, shape (n, d), d = 2 or 3.
        deviation: Their standard deviations, shape (n, d); zero is allowed.
        front: Objectives of what was found so far, shape (m, d), m may be zero; what is dominated
            does no harm. With noise, take predicted means rather than measured values.
        reference: The reference point, shape (d,).

    Source:
        K. Yang, M. Emmerich, A. Deutz, T. Bäck, J. Glob. Optim. 75, 3 (2019).
    """
    mean, deviation = _same_shape(mean, deviation)
    lower, upper = boxes(front, reference)
    result = np.empty(len(mean))
    for block in _blocks(len(mean)):
        result[block] = _expected(mean[block], deviation[block], lower, upper)
    return result


def log_expected_hypervolume_improvement(
    mean: FloatArray, deviation: FloatArray, front: FloatArray, reference: FloatArray
) -> FloatArray:
    """Return the logarithm of the expected hypervolume improvement, also where that underflows.

    Arguments are those of `expected_hypervolume_improvement`. Minus infinity stands for what is
    certain to improve nothing.
    """
    mean, deviation = _same_shape(mean, deviation)
    lower, upper = boxes(front, reference)
    result = np.empty(len(mean))
    for block in _blocks(len(mean)):
        with np.errstate(over="ignore", invalid="ignore"):
            value = _expected(mean[block], deviation[block], lower, upper)
        small = np.flatnonzero(~(np.isfinite(value) & (value > _UNDERFLOW)))
        value[small] = 1.0
        logarithm = np.log(value)
        if small.size:
            rows = small + block.start
            logarithm[small] = _log_expected(mean[rows], deviation[rows], lower, upper)
        result[block] = logarithm
    return result


def _expected(
    mean: FloatArray, deviation: FloatArray, lower: FloatArray, upper: FloatArray
) -> FloatArray:
    total = np.ones((len(lower), len(mean)))
    for k in range(mean.shape[1]):
        levels, low, high = _levels(lower[:, k], upper[:, k])
        gains = np.zeros((len(levels) + 1, len(mean)))
        for i, level in enumerate(levels):
            gains[i] = expected_improvement(mean[:, k], deviation[:, k], float(level))
        total *= np.maximum(gains[low] - gains[high], 0.0)  # a difference rounded below zero is 0
    return np.asarray(total.sum(axis=0))


def _log_expected(
    mean: FloatArray, deviation: FloatArray, lower: FloatArray, upper: FloatArray
) -> FloatArray:
    total = np.zeros((len(lower), len(mean)))
    for k in range(mean.shape[1]):
        levels, low, high = _levels(lower[:, k], upper[:, k])
        gains = np.full((len(levels) + 1, len(mean)), -np.inf)
        for i, level in enumerate(levels):
            gains[i] = log_expected_improvement(mean[:, k], deviation[:, k], float(level))
        first, second = gains[low], gains[high]
        gone = np.subtract(second, first, out=np.zeros_like(first), where=np.isfinite(second))
        share = np.where(np.isfinite(second), -np.expm1(np.minimum(gone, 0.0)), 1.0)
        with np.errstate(divide="ignore"):
            total += first + np.log(share)
    top = total.max(axis=0)
    result = np.full(len(mean), -np.inf)
    finite = np.isfinite(top)
    result[finite] = top[finite] + np.log(np.exp(total[:, finite] - top[finite]).sum(axis=0))
    return result


def _levels(
    lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.int64]]:
    """Return the different finite bounds, and which of them each box begins and ends at.

    An end at infinity is numbered one beyond the last.
    """
    levels = np.unique(np.concatenate([lower, upper[np.isfinite(upper)]]))
    return levels, np.searchsorted(levels, lower), np.searchsorted(levels, upper)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK))


def _area(front: FloatArray, reference: FloatArray) -> float:
    """Return the area dominated above the reference point by points that are above it."""
    total, height = 0.0, float(reference[1])
    for x, y in front[np.argsort(-front[:, 0], kind="stable")]:
        if y > height:
            total += (x - reference[0]) * (y - height)
            height = y
    return float(total)


def _above(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the front of those above the reference point."""
    reference = np.asarray(reference, dtype=float)
    if reference.shape not in ((2,), (3,)) or not np.isfinite(reference).all():
        raise ValueError(f"the reference point must be 2 or 3 finite numbers, got {reference}")
    values = np.asarray(values, dtype=float).reshape(-1, len(reference))
    if not np.isfinite(values).all():
        raise ValueError("objectives must be finite")
    values = values[(values > reference).all(axis=1)]
    return values[non_dominated(values)] if len(values) else values


def _checked(values: FloatArray) -> FloatArray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"objectives must be finite, shape (n, d), got shape {values.shape}")
    return values


def _same_shape(mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean, deviation = np.asarray(mean, dtype=float), np.asarray(deviation, dtype=float)
    if mean.ndim != 2 or mean.shape != deviation.shape:
        raise ValueError(f"mean has shape {mean.shape}, deviation {deviation.shape}")
    return mean, deviation
