"""Descriptors: what an overview image says about each of its pixels before any spectrum exists.

The filters are fixed and rotation-invariant. At the few dozen spectra of a microscope run they beat
features that are learned from the same data.
"""

import numpy as np

from ..instrument import FloatArray

SCALES = (0.0, 1.0, 2.0, 4.0)  # widths of the Gaussian filters [pixel]
KNEE = 3.0  # from here on outliers are compressed [standard deviations]
_NEGLIGIBLE = 1e-9  # variation below this share of a channel's level is rounding, not contrast


def jets(images: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Filter a stack of images into descriptors and a ranking of all pixels.

    Each channel is standardised and its outliers are compressed. Then at each scale of `SCALES`
    come its level and its distance from the median, and from one pixel up the magnitude of its
    gradient and of its Laplacian: 14 maps a channel, each standardised. None of them changes when
    the sample is turned under the probe.

    Args:
        images: Stack of channels, shape [channel, line, pixel]; NaN pixels are taken for the
            channel's median, so that an incomplete overview can be used.

    Returns:
        The descriptors, shape [descriptor, line, pixel], and the ranking, shape [line, pixel]: the
        distance of the standardised first channel from its median. Measuring where this is highest
        first is what one does without learning anything.

    Source:
        The "local jet" of J. J. Koenderink and A. J. van Doorn, Biol. Cybern. 55, 367 (1987).
    """
    from scipy import ndimage  # here, so that naming an agent stays quick

    maps = []
    ranking = np.zeros(images.shape[1:])
    for index, image in enumerate(images):
        level = _level(image)
        distance = np.abs(level - np.median(level))
        if index == 0:
            ranking = distance
        for scale in SCALES:
            if scale == 0:
                maps += [level, distance]
                continue
            maps += [
                ndimage.gaussian_filter(level, scale),
                ndimage.gaussian_filter(distance, scale),
                ndimage.gaussian_gradient_magnitude(level, scale),
                np.abs(ndimage.gaussian_laplace(level, scale)),
            ]
    return np.stack([_standardise(each) for each in maps]), ranking


def _level(image: FloatArray) -> FloatArray:
    """Standardise a channel robustly; a constant one becomes zero.

    A single failed pixel may be a thousand times larger than the rest. Beyond `KNEE` standard
    deviations the scale becomes logarithmic, which keeps the order of the pixels.
    """
    known = image[np.isfinite(image)]
    if known.size == 0:
        raise ValueError("a channel of the overview has no measured pixel")
    median = float(np.median(known))
    low, high = np.percentile(known, [2, 98])
    spread = float(np.std(np.clip(known, low, high))) or float(np.std(known))
    if spread <= _NEGLIGIBLE * float(np.max(np.abs(known))):
        return np.zeros(image.shape)
    standard = (np.where(np.isfinite(image), image, median) - median) / spread
    return np.asarray(KNEE * np.arcsinh(standard / KNEE))


def _standardise(image: FloatArray) -> FloatArray:
    """Bring a map to mean 0 and deviation 1; a constant one to 0."""
    spread = float(np.std(image))
    if spread <= _NEGLIGIBLE:
        return np.zeros(image.shape)
    return np.asarray((image - np.mean(image)) / spread)
