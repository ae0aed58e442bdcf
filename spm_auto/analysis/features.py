"""Features: where an image shows most, before anything is known of what it means."""

import numpy as np

from ..errors import DataError
from ..instrument import FloatArray, ScanImage
from .levelling import level_lines, level_plane

WIDTHS = (1.0, 2.0)  # of the Gaussian derivatives [pixel]
MOST = 4.0  # typical slopes, from which on a steeper one counts no more: a step is not everything


def feature_density(image: ScanImage, channel: str = "") -> FloatArray:
    """Say for each pixel how much of a feature it belongs to.

    It is the energy of the gradient at scales of one and two pixels, in units of its median over
    the image, which is what noise and texture have everywhere; beyond a few typical slopes it grows
    no more. An angle is taken as a complex number, as it wraps.

    Args:
        image: The image; missing pixels have no features.
        channel: Which one to look at; empty for the first that is not flat.

    Returns:
        From 0 for what is as smooth as most of the image, shape [line, pixel].

    Raises:
        DataError: There is no such channel.

    Source:
        J. J. Koenderink, A. J. van Doorn, Biol. Cybern. 55, 367 (1987).
    """
    names = [one.name for one in image.channels]
    if channel and channel not in names:
        raise DataError(f"there is no channel {channel!r} in the image; {', '.join(names)} are")
    density = np.zeros(image.frame.shape)
    for one in image.channels:
        if channel in ("", one.name):
            density = _density(image.channel(one.name), is_angle=one.unit == "rad")
            if density.any():
                break
    return density


def _density(values: FloatArray, *, is_angle: bool) -> FloatArray:
    from scipy import ndimage

    known = np.isfinite(values)
    parts = [np.cos(values), np.sin(values)] if is_angle else [level_lines(level_plane(values))]
    energy = np.zeros(values.shape)
    for width in WIDTHS:
        slopes = [ndimage.gaussian_gradient_magnitude(np.nan_to_num(p), width) for p in parts]
        slope = np.sqrt(np.sum(np.square(slopes), axis=0))
        usual = float(np.median(slope[known])) if known.any() else 0.0
        if usual > 0:
            energy += np.clip((slope / usual - 1) / MOST, 0.0, 1.0) ** 2
        elif slope.any():
            energy += slope > 0
    return np.where(known, energy, 0.0)
