"""Mosaic: one image of several that lie beside one another, as a scanner's tiles do."""

from collections.abc import Sequence

import numpy as np

from ..instrument import ScanFrame, ScanImage


def mosaic(images: Sequence[ScanImage], frame: ScanFrame) -> ScanImage:
    """Put images together by where they lie; where they overlap the mean is taken.

    Each pixel of the frame takes what the images have at the pixel nearest to it, if it lies within
    half a pixel of theirs; where nobody has measured it is NaN.

    Args:
        images: At least one, all with the channels of the first.
        frame: Of the whole.

    Raises:
        ValueError: There is none, or their channels differ.
    """
    if not images:
        raise ValueError("a mosaic is made of at least one image")
    channels = images[0].channels
    if any(image.channels != channels for image in images):
        raise ValueError("the images of a mosaic need the same channels")
    shape = (2, len(channels), *frame.shape)
    total, count = np.zeros(shape), np.zeros(shape)
    x, y = frame.positions()
    for image in images:
        row, column = (np.rint(index).astype(int) for index in image.frame.to_pixel(x, y))
        lines, pixels = image.frame.shape
        inside = (row >= 0) & (row < lines) & (column >= 0) & (column < pixels)
        where = row[inside], column[inside]
        values = np.stack([image.forward[:, *where], image.backward[:, *where]])
        known = np.isfinite(values)
        total[:, :, inside] += np.where(known, values, 0.0)
        count[:, :, inside] += known
    with np.errstate(invalid="ignore"):  # 0 / 0 where nobody has measured
        forward, backward = total / count
    start = min(image.start_time for image in images)
    return ScanImage(
        frame, channels, forward, backward, start, max(image.end_time for image in images)
    )
