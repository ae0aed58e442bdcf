"""Patches: what the overview shows around a pixel, cut out of all its channels at once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..instrument import FloatArray

BLOCK = 4096  # patches cut at once, so that memory does not grow with the overview


def cut(images: FloatArray, rows: NDArray[np.int64], size: int) -> FloatArray:
    """Cut the square patches around some pixels; beyond the border the image is reflected.

    Args:
        images: Stack of channels, shape [channel, line, pixel].
        rows: Line and pixel of the middle of each patch, shape (n, 2).
        size: Side of a patch, odd [pixel].

    Returns:
        Shape [patch, channel, line, pixel].

    Raises:
        ValueError: The size is even or not positive, or reaches beyond a whole image, or a
            middle lies outside.
    """
    padded = _padded(images, size)
    shape = np.array(images.shape[1:])
    if len(rows) and (rows.min() < 0 or (rows >= shape).any()):
        raise ValueError(f"a patch's middle lies outside the {shape[0]} x {shape[1]} image")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    return np.ascontiguousarray(np.moveaxis(windows[:, rows[:, 0], rows[:, 1]], 0, 1))


def blocks(images: FloatArray, size: int) -> Iterator[FloatArray]:
    """Cut the patches around all pixels, line by line, in blocks of whole lines.

    Args:
        images: Stack of channels, shape [channel, line, pixel].
        size: Side of a patch, odd [pixel].

    Yields:
        Flattened patches, shape [patch, channel x line x pixel].

    Raises:
        ValueError: As `cut`.
    """
    _, lines, pixels = images.shape
    padded = _padded(images, size)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    step = max(1, BLOCK // pixels)
    for first in range(0, lines, step):
        some = np.moveaxis(windows[:, first : first + step], 0, 2)
        yield some.reshape(some.shape[0] * pixels, -1)


def _padded(images: FloatArray, size: int) -> FloatArray:
    """Reflect the images at their borders by half a patch."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"the side of a patch must be odd and positive, got {size}")
    reach = size // 2
    if reach >= min(images.shape[1:]):
        raise ValueError(
            f"patches of {size} pixels are too large for an image of {images.shape[1:]}"
        )
    return np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
