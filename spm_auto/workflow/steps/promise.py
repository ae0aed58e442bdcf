"""Promise: what each pixel of an image is worth looking at more closely."""

from dataclasses import dataclass

import numpy as np

from ...analysis import feature_density
from ...instrument import FloatArray, ScanFrame, ScanImage
from ..knowledge import Knowledge, Learned
from .moved import time_of, way_of
from .windows import pixels_of

COMMON = 0.9  # share of the places that are too common to be worth a closer look


@dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """What the pixels of a frame promise.

    Attributes:
        values: 0 or more, shape [line, pixel]; NaN where nothing is known.
        frame: Of these pixels.
        time: What time its coordinates are of [s].
        reason: What it goes by, in words.
        by: The same for programs: "value", "measured" or "features".
    """

    values: FloatArray
    frame: ScanFrame
    time: float
    reason: str
    by: str


def by_value(knowledge: Knowledge, image: ScanImage, common: float = COMMON) -> Promise | None:
    """Say what an image promises by what the last agent on it, or around it, has found out.

    That is by how much the value is expected to exceed what is common, at each place on its own:
    s (phi(z) + z Phi(z)) with z = (m - t) / s, where m and s are what the agent believes and t is a
    quantile of m. It grows with what is believed and with what is not known. Where the agent has no
    model it goes by the good values that were measured, over their median.

    Args:
        knowledge: What the run knows.
        image: The image.
        common: The quantile.

    Returns:
        What it promises; None where no agent was there or nothing good was found.

    Source:
        J. Mockus, V. Tiesis, A. Zilinskas, Towards Global Optimization 2, 117 (1978).
    """
    for learned in reversed(knowledge.learned):
        if not _shares_place(knowledge, learned, image):
            continue
        belief = learned.belief
        if belief is not None:
            mean, deviation = (np.asarray(v, dtype=float) for v in (belief.mean, belief.deviation))
            gain = improvement(mean, deviation, float(np.quantile(mean, common)))
            return Promise(
                pixels_of(gain, belief.rows, belief.frame.shape),
                belief.frame,
                time_of(learned.image),
                f"what {belief.n_observations} spectra promise",
                "value",
            )
        measured = _measured(learned)
        if measured is not None:
            return measured
    return None


def by_features(image: ScanImage, channel: str = "") -> Promise:
    """Say what an image promises by how much there is to be seen; see `feature_density`."""
    density = feature_density(image, channel)
    return Promise(density, image.frame, time_of(image), "density of features", "features")


def improvement(mean: FloatArray, deviation: FloatArray, over: float) -> FloatArray:
    """Return by how much values are expected to exceed a threshold, where they do.

    Args:
        mean: Of each, shape (n,).
        deviation: Standard deviation of each, shape (n,); 0 for what is known.
        over: The threshold.

    Source:
        D. R. Jones, M. Schonlau, W. J. Welch, J. Global Optim. 13, 455 (1998).
    """
    from scipy import special

    above = mean - over
    safe = np.where(deviation > 0, deviation, 1.0)
    z = above / safe
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    expected = safe * density + above * special.ndtr(z)
    return np.where(deviation > 0, np.maximum(expected, 0.0), np.maximum(above, 0.0))


def _shares_place(knowledge: Knowledge, learned: Learned, image: ScanImage) -> bool:
    """Say whether the middle of an image lies on the one that an agent looked at."""
    way = way_of(knowledge)
    moved = way.since(time_of(learned.image), time_of(image))
    x, y = np.array(image.frame.center) - moved
    is_larger = max(learned.image.frame.size) >= max(image.frame.size) * (1 - 1e-9)
    return is_larger and bool(learned.image.frame.contains(x, y))


def _measured(learned: Learned) -> Promise | None:
    places, values = learned.good
    if len(values) < 2:
        return None
    frame = learned.image.frame
    line, pixel = (np.round(axis).astype(int) for axis in frame.to_pixel(*places.T))
    is_inside = (line >= 0) & (line < frame.shape[0]) & (pixel >= 0) & (pixel < frame.shape[1])
    promise = np.zeros(frame.shape)
    excess = np.maximum(values - np.median(values), 0.0)
    np.maximum.at(promise, (line[is_inside], pixel[is_inside]), excess[is_inside])
    said = f"the best of {len(values)} spectra"
    return Promise(promise, frame, time_of(learned.image), said, "measured")
