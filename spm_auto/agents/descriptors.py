"""Descriptors: what an overview image says about each of its pixels before any spectrum exists.

The filters are fixed and rotation-invariant. At the few dozen spectra of a microscope run they beat
features that are learned from the same data.
"""

from dataclasses import dataclass

import numpy as np

from ..instrument import FloatArray, ScanImage

SCALES = (0.0, 1.0, 2.0, 4.0)  # widths of the Gaussian filters [pixel]
KNEE = 3.0  # from here on outliers are compressed [standard deviations]
NEAR = 0.1  # distances from the median below this one look alike [standard deviations]
_NEGLIGIBLE = 1e-9  # variation below this share of a channel's level is rounding, not contrast


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What an overview says.

    Attributes:
        descriptors: Standardised maps, shape [descriptor, line, pixel].
        ranking: What is measured first without learning anything, shape [line, pixel].
        images: The standardised channels that the maps were made from, shape [channel, line,
            pixel].
    """

    descriptors: FloatArray
    ranking: FloatArray
    images: FloatArray


def channels_of(
    overview: ScanImage, channels: tuple[str, ...] = (), backward: bool = False
) -> FloatArray:
    """Return the channels of an overview as a stack, a phase as its cosine and its sine.

    Args:
        overview: The image.
        channels: Which ones, empty for all.
        backward: Whether those of the backward lines follow.

    Raises:
        ValueError: The image has no such channel.
    """
    units = {channel.name: channel.unit for channel in overview.channels}
    stack: list[FloatArray] = []
    for is_backward in (False, True) if backward else (False,):
        for name in channels or tuple(units):
            image = overview.channel(name, backward=is_backward)
            stack += [np.cos(image), np.sin(image)] if units[name] == "rad" else [image]
    return np.stack(stack)


def sampled(overview: ScanImage, channels: tuple[str, ...], positions: FloatArray) -> FloatArray:
    """Return what another overview, of whatever zoom, says about some positions.

    Args:
        overview: The image; positions that it does not show are given the mean of each map.
        channels: Channels to look at, empty for all.
        positions: x and y of each position [m], shape (P, 2).

    Returns:
        The descriptors, and whether the image shows the position where it does not show all;
        shape (P, d).
    """
    from scipy import ndimage

    maps = jets(channels_of(overview, channels)).descriptors
    x, y = positions.T
    line, pixel = overview.frame.to_pixel(x, y)
    lines, pixels = overview.frame.shape
    is_shown = (line >= -0.5) & (line <= lines - 0.5) & (pixel >= -0.5) & (pixel <= pixels - 0.5)
    columns = [
        np.where(is_shown, ndimage.map_coordinates(each, [line, pixel], order=1, mode="nearest"), 0)
        for each in maps
    ]
    if not is_shown.all():
        columns.append(is_shown.astype(float))
    return np.column_stack(columns)


def jets(images: FloatArray) -> Seen:
    """Filter a stack of images into descriptors and a ranking of all pixels.

    Each channel is standardised and its outliers are compressed. Then at each scale of `SCALES`
    come its level and its distance from the median, that of the pixel itself also as a logarithm,
    and from one pixel up the magnitude of its gradient and of its Laplacian: 15 maps a channel,
    each standardised. None of them changes when the sample is turned under the probe.

    Args:
        images: Stack of channels, shape [channel, line, pixel]; NaN pixels are taken for the
            channel's median, so that an incomplete overview can be used.

    Returns:
        The maps, and as ranking the distance of the standardised first channel from its median.
        Measuring where this is highest first is what one does without learning anything.

    Source:
        The "local jet" of J. J. Koenderink and A. J. van Doorn, Biol. Cybern. 55, 367 (1987).
    """
    from scipy import ndimage  # here, so that naming an agent stays quick

    maps, seen = [], []
    ranking = np.zeros(images.shape[1:])
    for index, image in enumerate(images):
        level = _level(image)
        seen.append(level)
        distance = np.abs(level - np.median(level))
        if index == 0:
            ranking = distance
        for scale in SCALES:
            if scale == 0:
                maps += [level, distance, np.log(distance + NEAR)]
                continue
            maps += [
                ndimage.gaussian_filter(level, scale),
                ndimage.gaussian_filter(distance, scale),
                ndimage.gaussian_gradient_magnitude(level, scale),
                np.abs(ndimage.gaussian_laplace(level, scale)),
            ]
    return Seen(np.stack([_standardise(each) for each in maps]), ranking, np.stack(seen))


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
