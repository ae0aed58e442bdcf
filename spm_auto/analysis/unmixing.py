"""Unmixing: spectra as sums of a few components, and how much of each is where.

Components are principal ones (PCA) or non-negative ones (NMF), which look like spectra themselves.
How many there are is found by parallel analysis: a component counts while it explains more than the
same one of data whose points were shuffled among the spectra; nothing in those goes together.

Source:
    J. L. Horn, Psychometrika 30, 179 (1965); D. D. Lee, H. S. Seung, Nature 401, 788 (1999).
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..instrument import FloatArray

FEWEST = 6  # spectra that can be unmixed
MOST = 8  # components that are looked for
SHUFFLES = 60  # of the parallel analysis
PERCENTILE = 95.0  # of the shuffled data, that a component must explain more than
_ITERATIONS = 2000  # of NMF, at most
_TOLERANCE = 1e-4

Method = Literal["pca", "nmf"]


@dataclass(frozen=True, slots=True, eq=False)
class Unmixed:
    """Spectra as ``mean + abundances @ components``.

    Attributes:
        method: "pca" or "nmf".
        mean: Mean spectrum for PCA, the level that is subtracted for NMF, shape (p,).
        components: The strongest first, shape (k, p); those of NMF have a mean square of 1.
        abundances: How much of each component is in each spectrum, shape (n, k).
        explained: Share of the variance that each component explains, shape (k,); components of
            NMF overlap, and what they explain together is divided by how much each varies.
        share: Share of the variance that all of them explain together.
        n_found: How many components the data have by the rule.
        rule: How their number was chosen, in words.
        is_settled: Whether the search for non-negative components had come to its end.
    """

    method: Method
    mean: FloatArray
    components: FloatArray
    abundances: FloatArray
    explained: FloatArray
    share: float
    n_found: int
    rule: str
    is_settled: bool = True


def unmix(
    spectra: FloatArray,
    method: Method = "pca",
    components: int | None = None,
    rng: np.random.Generator | None = None,
) -> Unmixed:
    """Unmix spectra.

    Args:
        spectra: One in each row, shape (n, p); finite.
        method: "pca", or "nmf" for components that look like spectra.
        components: How many; without it by parallel analysis, at least one.
        rng: Randomness of the shuffling.

    Raises:
        ValueError: There are too few spectra, they are not finite, all the same, or fewer than the
            components.
    """
    data = np.asarray(spectra, dtype=float)
    if data.ndim != 2 or data.shape[0] < FEWEST or data.shape[1] < 2:
        raise ValueError(
            f"unmixing needs at least {FEWEST} spectra of 2 points, got shape {data.shape}"
        )
    if not np.isfinite(data).all():
        raise ValueError("spectra that are not finite cannot be unmixed; leave them out")
    if components is not None and not 1 <= components < min(data.shape):
        raise ValueError(
            f"{data.shape[0]} spectra of {data.shape[1]} points have 1 to {min(data.shape) - 1} "
            f"components, got {components}"
        )
    if not np.ptp(data, axis=0).any():
        raise ValueError("all spectra are the same; there is nothing to unmix")
    scale = float(np.std(data))
    found = count_components(data, rng or np.random.default_rng(0))
    rule = (
        f"parallel analysis: so many as explain more than {PERCENTILE:g} % of shuffled data do"
        if components is None
        else f"asked for; parallel analysis finds {found}"
    )
    if method == "pca":
        return _pca(data, components or max(found, 1), found, rule)
    if components is None:
        rule += ", and one more for the mean"
    wanted = components or min(found + 1, min(data.shape) - 1)
    return _nmf(data / scale, wanted, found, rule, scale)


def count_components(data: FloatArray, rng: np.random.Generator) -> int:
    """Return how many principal components stand out of shuffled data (Horn 1965).

    Args:
        data: One spectrum in each row, shape (n, p).
        rng: Randomness of the shuffling.
    """
    away = data - data.mean(axis=0)
    powers = np.linalg.svd(away, compute_uv=False) ** 2
    shuffled = np.array(
        [np.linalg.svd(rng.permuted(away, axis=0), compute_uv=False) ** 2 for _ in range(SHUFFLES)]
    )
    stands_out = powers > np.percentile(shuffled, PERCENTILE, axis=0)
    stands_out = stands_out[: min(MOST, len(stands_out) - 1)]
    return int(np.argmin(stands_out)) if not stands_out.all() else len(stands_out)


def _pca(data: FloatArray, count: int, found: int, rule: str) -> Unmixed:
    from sklearn.decomposition import PCA

    model = PCA(count, svd_solver="full").fit(data)
    components = np.asarray(model.components_)
    # a component has no sign of its own: its largest value shall be positive
    largest = components[np.arange(count), np.argmax(np.abs(components), axis=1)]
    components = components * np.sign(largest)[:, None]
    explained = np.asarray(model.explained_variance_ratio_)
    return Unmixed(
        "pca",
        np.asarray(model.mean_),
        components,
        (data - model.mean_) @ components.T,
        explained,
        float(explained.sum()),
        found,
        rule,
    )


def _nmf(data: FloatArray, count: int, found: int, rule: str, scale: float) -> Unmixed:
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    level = min(float(data.min()), 0.0)  # signed spectra are lifted
    lifted = data - level
    model = NMF(count, init="nndsvda", max_iter=_ITERATIONS, tol=_TOLERANCE)
    is_settled = True
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            abundances = model.fit_transform(lifted)
        except ConvergenceWarning:
            is_settled = False
    if not is_settled:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            abundances = model.fit_transform(lifted)
    components = np.asarray(model.components_)
    sizes = np.sqrt(np.mean(components**2, axis=1))
    sizes[sizes == 0] = 1.0
    components, abundances = components / sizes[:, None], abundances * sizes
    order = np.argsort(-abundances.sum(axis=0))
    components, abundances = components[order], abundances[:, order]
    total = float(np.sum((data - data.mean(axis=0)) ** 2))
    share = 1 - float(np.sum((lifted - abundances @ components) ** 2)) / total
    varying = np.var(abundances, axis=0)
    return Unmixed(
        "nmf",
        np.full(data.shape[1], level * scale),
        components,
        abundances * scale,
        share * varying / max(float(varying.sum()), 1e-300),
        share,
        found,
        rule,
        is_settled,
    )
