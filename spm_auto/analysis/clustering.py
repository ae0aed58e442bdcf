"""Clusters: groups of places whose spectra are alike, how many there are, and where they lie."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray

FEWEST = 10  # values that can be grouped
MOST = 6  # clusters that are looked for
LEAST_SILHOUETTE = 0.5  # from which on groups are told apart well
_STARTS = 5  # of each search
_SMOOTHEST = 1e-3  # least variance of a cluster, in that of all values
NEIGHBOURS = 4  # that a place is compared with
_SHUFFLES = 999

Method = Literal["gmm", "kmeans"]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Groups of rows.

    Attributes:
        method: "gmm" for a mixture of normal distributions, or "kmeans".
        labels: Group of each row, the largest group first, shape (n,).
        certainty: How sure it is that a row belongs to its group, 0 to 1: its probability for a
            mixture, its silhouette for k-means; shape (n,).
        centers: Middle of each group, shape (k, d).
        deviations: Spread of each group, shape (k, d).
        counts: Rows in each group, shape (k,).
        scores: What each number of groups was worth: BIC (less is better) or silhouette (more is).
        rule: How their number was chosen, in words.
    """

    method: Method
    labels: NDArray[np.int64]
    certainty: FloatArray
    centers: FloatArray
    deviations: FloatArray
    counts: NDArray[np.int64]
    scores: Mapping[int, float]
    rule: str


@dataclass(frozen=True, slots=True)
class Togetherness:
    """Whether places of one group lie together.

    Attributes:
        share: Share of the nearest neighbours that belong to the same group.
        expected: The same when groups have nothing to do with places.
        chance: How often chance does as well.
    """

    share: float
    expected: float
    chance: float


def find_clusters(
    features: FloatArray, method: Method = "gmm", count: int | None = None, seed: int = 0
) -> Clusters:
    """Group rows that are alike.

    Args:
        features: One row for each place, shape (n, d); every column is brought to the same spread.
        method: "gmm": a mixture of normal distributions, their number by the least BIC (Schwarz
            1978); "kmeans": the number with the largest silhouette (Rousseeuw 1987), one group
            where that is below 0.5.
        count: How many groups; without it by that rule, 1 to 6.
        seed: Of the search.

    Raises:
        ValueError: There are too few rows, they are not finite, or fewer than the groups need.
    """
    rows = np.asarray(features, dtype=float)
    if rows.ndim != 2 or rows.shape[0] < FEWEST or rows.shape[1] < 1:
        raise ValueError(f"clusters need at least {FEWEST} rows, got shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("rows that are not finite cannot be grouped; leave them out")
    if count is not None and not 1 <= count <= len(rows) // 3:
        raise ValueError(f"{len(rows)} rows make 1 to {len(rows) // 3} groups, got {count}")
    spread = rows.std(axis=0)
    scaled = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    most = min(MOST, len(rows) // 5, len(np.unique(scaled, axis=0)))
    tried = range(1, max(most, 1) + 1) if count is None else (count,)
    search = _mixture if method == "gmm" else _kmeans
    found = {k: search(scaled, k, seed) for k in tried}
    scores = {k: score for k, (_, _, score) in found.items()}
    if count is not None:
        chosen, rule = count, "asked for"
    elif method == "gmm":
        chosen, rule = min(scores, key=lambda k: scores[k]), "the least BIC"
    else:
        chosen, rule = max(scores, key=lambda k: scores[k]), "the largest silhouette"
        if scores[chosen] < LEAST_SILHOUETTE:
            chosen, rule = 1, f"no number of groups has a silhouette of {LEAST_SILHOUETTE:g}"
    labels, certainty, _ = found[chosen]
    return _described(rows, method, labels, certainty, scores, rule)


def togetherness(
    labels: NDArray[np.int64], places: FloatArray, rng: np.random.Generator
) -> Togetherness:
    """Say whether places of one group lie together more than chance would have them.

    Args:
        labels: Group of each place, shape (n,).
        places: Where [m], shape (n, 2).
        rng: Randomness of chance: labels are shuffled among the places.
    """
    from scipy.spatial import cKDTree

    n = min(NEIGHBOURS, len(labels) - 1)
    _, near = cKDTree(places).query(places, k=n + 1)
    near = np.asarray(near)[:, 1:]

    def share(of: NDArray[np.int64]) -> FloatArray:
        return np.asarray(np.mean(of[..., near] == of[..., :, None], axis=(-2, -1)))

    found = float(share(labels))
    shuffled = share(rng.permuted(np.tile(labels, (_SHUFFLES, 1)), axis=1))
    chance = (int(np.sum(shuffled >= found - 1e-12)) + 1) / (_SHUFFLES + 1)
    return Togetherness(found, float(np.mean(shuffled)), chance)


def _described(
    rows: FloatArray,
    method: Method,
    labels: NDArray[np.int64],
    certainty: FloatArray,
    scores: Mapping[int, float],
    rule: str,
) -> Clusters:
    """Put the largest group first."""
    names, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    renamed = np.empty(len(labels), dtype=np.int64)
    for new, old in enumerate(order):
        renamed[labels == names[old]] = new
    groups = [rows[renamed == k] for k in range(len(names))]
    return Clusters(
        method,
        renamed,
        certainty,
        np.array([group.mean(axis=0) for group in groups]),
        np.array([group.std(axis=0) for group in groups]),
        counts[order].astype(np.int64),
        scores,
        rule,
    )


_Found = tuple[NDArray[np.int64], FloatArray, float]


def _mixture(rows: FloatArray, count: int, seed: int) -> _Found:
    """Fit a mixture of upright ellipses or of turned ones, whichever has the less BIC."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    best: _Found | None = None
    for shape in ("diag", "full"):
        model = GaussianMixture(
            count,
            covariance_type=shape,
            n_init=_STARTS,
            reg_covar=_SMOOTHEST,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the BIC tells what it is worth
            labels = np.asarray(model.fit_predict(rows), dtype=np.int64)
        score = float(model.bic(rows))
        if best is None or score < best[2]:
            certainty = np.max(np.asarray(model.predict_proba(rows)), axis=1)
            best = labels, certainty, score
    assert best is not None
    return best


def _kmeans(rows: FloatArray, count: int, seed: int) -> _Found:
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_samples

    if count == 1:
        return np.zeros(len(rows), dtype=np.int64), np.ones(len(rows)), 0.0
    labels = np.asarray(KMeans(count, n_init=_STARTS, random_state=seed).fit_predict(rows))
    own = np.asarray(silhouette_samples(rows, labels))
    return labels.astype(np.int64), np.clip(own, 0.0, 1.0), float(own.mean())
