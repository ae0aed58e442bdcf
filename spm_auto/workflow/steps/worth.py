"""Worth: what the value in the end is expected to gain by a spectrum, an image, a zoom or a check.

What is wanted is the place of the highest value, and the value there. Each option is worth the gain
that is expected of it, over the instrument time that it takes (R. A. Howard, IEEE Trans. Syst. Sci.
Cybern. 2, 22 (1966)). Each looks one step ahead and takes the options one by one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...agents import Fit
from ...instrument import FloatArray

FEWEST = 8  # spectra from which on it can be said how much of the values the image explains
_AROUND = 1  # candidates each way that the curvature is found from


@dataclass(frozen=True, slots=True)
class Option:
    """Something that could be done next.

    Attributes:
        name: What: "spectrum", "zoom", "image", "check".
        gain: By how much the value in the end is expected to grow, in its unit.
        seconds: Instrument time that it takes [s]; NaN where that is not known.
    """

    name: str
    gain: float
    seconds: float

    @property
    def rate(self) -> float:
        """Gain for each second; 0 where the time is not known."""
        return self.gain / self.seconds if self.seconds > 0 else 0.0


def knowledge_gradient(mean: FloatArray, deviation: FloatArray, noise: float) -> FloatArray:
    """Return by how much the highest mean is expected to grow by one more spectrum at each place.

    With w = s^2 / sqrt(s^2 + n^2), by which the mean there will move, and d = |m - highest other m|
    it is w (phi(z) + z Phi(z)), z = -d / w.

    Args:
        mean: What is believed of each place, shape (P,).
        deviation: Standard deviation of that, shape (P,).
        noise: Standard deviation of a spectrum's value around the truth.

    Source:
        P. I. Frazier, W. B. Powell, S. Dayanik, INFORMS J. Comput. 21, 599 (2009), with places
        taken as independent.
    """
    from scipy import special

    first, second = np.sort(mean)[::-1][:2] if len(mean) > 1 else (mean[0], mean[0])
    other = np.where(mean == first, second, first)
    moves = deviation**2 / np.sqrt(deviation**2 + noise**2 + 1e-300)
    safe = np.where(moves > 0, moves, 1.0)
    z = -np.abs(mean - other) / safe
    gain = safe * (np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) + z * special.ndtr(z))
    return np.where(moves > 0, np.maximum(gain, 0.0), 0.0)


def curvature(belief: Fit) -> tuple[FloatArray, FloatArray]:
    """Return how sharp the highest place is believed to be.

    A paraboloid is fitted to the means around it.

    Args:
        belief: What is believed.

    Returns:
        By how much the value falls along both axes, k in k x^2 / 2, 0 where it does not fall
        [unit / m^2], shape (2,); and the distance of the candidates along both [m], shape (2,).
    """
    lines, pixels = belief.rows.T
    strides = np.array([_stride(pixels), _stride(lines)])
    pitch = np.array(belief.frame.pitch) * strides
    top = int(np.argmax(belief.mean))
    u, v = (pixels - pixels[top]) / strides[0], (lines - lines[top]) / strides[1]
    near = (np.abs(u) <= _AROUND) & (np.abs(v) <= _AROUND)
    if np.count_nonzero(near) < 6:
        return np.zeros(2), pitch
    u, v = u[near], v[near]
    basis = np.column_stack([np.ones(len(u)), u, v, u * v, u**2, v**2])
    fitted, *_ = np.linalg.lstsq(basis, np.asarray(belief.mean, dtype=float)[near], rcond=None)
    return np.maximum(-2 * fitted[4:], 0.0) / pitch**2, pitch


def zoom_gain(sharpness: FloatArray, pitch: FloatArray, finer: FloatArray) -> float:
    """Return what is expected to be gained by candidates that lie closer together.

    The highest place lies anywhere between candidates, so that the best of these misses
    k h^2 / 24 along each axis: the mean of k x^2 / 2 for x from -h/2 to h/2.

    Args:
        sharpness: k along both axes [unit / m^2].
        pitch: Distance of the candidates now, h [m].
        finer: That of the candidates of the new image [m].
    """
    return float(np.sum(sharpness * np.maximum(pitch**2 - finer**2, 0.0)) / 24)


def check_gain(sharpness: FloatArray, uncertainty: float, afterwards: float, most: float) -> float:
    """Return what is expected to be lost by standing beside the best place, and is not if known.

    A place that is off by a normal error s along each axis is worth k s^2 / 2 less.

    Args:
        sharpness: k along both axes [unit / m^2].
        uncertainty: Of a position now, along each axis [m].
        afterwards: Of a position after the check [m].
        most: What a place is worth that is known over one anywhere: no more can be lost.
    """
    lost = [min(float(np.sum(sharpness)) * s**2 / 2, most) for s in (uncertainty, afterwards)]
    return max(lost[0] - lost[1], 0.0)


def image_gain(
    levels: FloatArray, values: FloatArray, noise: float, times: float, n_places: int
) -> float:
    """Return what is expected to be gained by an image with less noise.

    Who measures where the image says expects the best of N places at m + r s sqrt(2 ln N), where r
    is the correlation of values with what the image says of them. Noise that is a share e of the
    image's variance weakens r to r sqrt(1 - e), and takes e / n after n times as long.

    Args:
        levels: What the image says where spectra were taken, shape (n, channels).
        values: What they were worth, shape (n,).
        noise: Share of the noise in the image's variance, e.
        times: By how many times as long the new image averages.
        n_places: Number of candidates, N.

    Source:
        C. Spearman, Am. J. Psychol. 15, 72 (1904), for the attenuation; W. G. Cochran, Proc. 2nd
        Berkeley Symp., 449 (1951), for the gain by selection; R. J. Wherry, Ann. Math. Stat. 2, 440
        (1931), for a correlation with several channels.
    """
    n, k = levels.shape
    if n < max(FEWEST, k + 3) or not np.ptp(values) > 0:
        return 0.0
    basis = np.column_stack([np.ones(n), levels])
    fitted, *_ = np.linalg.lstsq(basis, values, rcond=None)
    unexplained = float(np.var(values - basis @ fitted) / np.var(values))
    explained = max(0.0, 1 - unexplained * (n - 1) / (n - k - 1))
    better = min(1.0, explained * (1 - noise / times) / max(1 - noise, 0.05))
    reach = float(np.std(values)) * math.sqrt(2 * math.log(max(n_places, 2)))
    best = float(values.max() - values.mean())
    gains = [max(0.0, math.sqrt(share) * reach - best) for share in (explained, better)]
    return gains[1] - gains[0]


def noise_share(image: FloatArray) -> float:
    """Return the share of white noise in the variance of an image.

    Args:
        image: Shape [line, pixel]; NaN lines do not count.

    Source:
        J. Immerkaer, Comput. Vis. Image Underst. 64, 300 (1996).
    """
    from scipy import signal

    whole = image[np.isfinite(image).all(axis=1)]
    if min(whole.shape) < 3 or not np.ptp(whole) > 0:
        return 1.0
    mask = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0])
    differences = signal.convolve2d(whole, mask, mode="valid")
    sigma = math.sqrt(math.pi / 2) * float(np.mean(np.abs(differences))) / 6
    return min(sigma**2 / float(np.var(whole)), 1.0)


def _stride(rows: NDArray[np.int64]) -> int:
    steps = np.diff(np.unique(rows))
    return int(np.median(steps)) if len(steps) else 1
