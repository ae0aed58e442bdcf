"""The choices of a task as the candidates that an agent knows."""

import math

import numpy as np

from ..agents import Candidates, Costs, Levels
from ..instrument import FloatArray, ScanFrame
from ..tasks import Choices


def candidates(choices: Choices) -> Candidates:
    """Show the choices of a task to an agent as the candidates that it knows.

    Where they are all places times all biases (and what else goes with a bias), so are the
    candidates. Else each choice is a place of its own, its bias is one feature more, and choices
    without a place all stand at the same one, so that it says nothing. Descriptors are the
    standardised features, and those of the overview where there is one.
    """
    product = _as_product(choices)
    places, levels = (choices.points, Levels.of()) if product is None else product
    n, m = len(places), len(levels)
    if m > 1:
        features = np.empty((n, 0))
    else:
        bias = choices.points[:, 2:]
        features = np.column_stack([choices.features, bias[:, np.isfinite(bias).all(axis=0)]])
    descriptors = _standardised(features)
    ranking, rows, overview = choices.ranking[::m], choices.rows[::m], choices.overview
    if overview is None:
        positions = np.where(np.isnan(places[:, :2]).any(axis=1, keepdims=True), 0.0, places[:, :2])
        frame = _around(positions)
        line, pixel = np.rint(frame.to_pixel(*positions.T)).astype(np.int64)
        rows, images = np.column_stack([line, pixel]), None
    else:
        positions, frame = places[:, :2], overview.frame
        seen = Candidates.of(overview)
        at = rows[:, 0] * frame.pixels[0] + rows[:, 1]
        where = np.full(frame.pixels[0] * frame.pixels[1], -1)
        where[seen.rows[:, 0] * frame.pixels[0] + seen.rows[:, 1]] = np.arange(len(seen))
        seen = seen.select(where[at])
        descriptors, images = np.column_stack([descriptors, seen.descriptors]), seen.images
        if not np.ptp(ranking):
            ranking = seen.ranking
    seconds = choices.seconds.reshape(n, m)
    overhead = seconds.min(axis=1) - choices.again
    costs = Costs((seconds - overhead[:, None]).mean(axis=0), overhead, choices.per_metre)
    return Candidates(frame, positions, rows, descriptors, ranking, levels, images, costs)


def _as_product(choices: Choices) -> tuple[FloatArray, Levels] | None:
    """Return the places and the levels that the choices are all products of, None if they are not.

    The choices are in the order of their places; what goes with a bias, and only with it, is a
    feature of the level.
    """
    points, n = choices.points, len(choices)
    if not np.isfinite(points).all():
        return None
    elsewhere = np.flatnonzero((points[:, 0] != points[0, 0]) | (points[:, 1] != points[0, 1]))
    m = int(elsewhere[0]) if len(elsewhere) else n
    if m < 2 or n % m:
        return None
    at_place = points.reshape(-1, m, 3)
    with_bias = choices.features.reshape(-1, m, choices.features.shape[1])
    same_place = bool((at_place[:, :, :2] == at_place[:, :1, :2]).all())
    same_bias = bool((at_place[:, :, 2] == at_place[:1, :, 2]).all())
    if not (same_place and same_bias and bool((with_bias == with_bias[:1]).all())):
        return None
    bias = at_place[0, :, 2]
    columns = np.unique(np.column_stack([bias, with_bias[0]]), axis=1)
    inputs = _standardised(columns)[:, np.ptp(columns, axis=0) > 0]
    return at_place[:, 0], Levels(bias, np.full(m, math.nan), inputs)


def _standardised(columns: FloatArray) -> FloatArray:
    spread = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _around(points: FloatArray) -> ScanFrame:
    """Return a frame that holds all points, with about one pixel for each.

    Points on a line along x or y are on the two lines, or in the two columns, of a narrow frame.
    """
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    x, y = ((low + high) / 2).tolist()
    width, height = (high - low).tolist()
    count = len(points)
    if count > 2 and (width > 0) != (height > 0):
        along = max(width, height) * count / (count - 1)
        across = 2 * along / count
        if width > 0:
            return ScanFrame(center=(x, y), size=(along, across), pixels=(count, 2))
        return ScanFrame(center=(x, y), size=(across, along), pixels=(2, count))
    extent = np.where(high > low, high - low, max(float((high - low).max()), 1e-9))
    n = max(2, math.ceil(math.sqrt(count)))
    # half a pixel more on either side, so that the outermost points lie in the middle of theirs
    wide, tall = (extent * n / (n - 1)).tolist()
    return ScanFrame(center=(x, y), size=(wide, tall), pixels=(n, n))
