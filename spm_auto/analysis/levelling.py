"""Levelling: take the tilt and the steps between lines out of an image, for looking at it.

The image that was measured is never changed; what comes back is a copy. Missing pixels stay NaN and
do not count.
"""

import numpy as np

from ..instrument import FloatArray


def level_plane(image: FloatArray) -> FloatArray:
    """Subtract the plane that fits an image best in the least-squares sense.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.

    Returns:
        A levelled copy with mean 0. Where fewer pixels are known than a plane needs, or all of them
        lie on one line, the directions that cannot be told are left as they are.
    """
    known = np.isfinite(image)
    lines, pixels = np.nonzero(known)
    if lines.size == 0:
        return image.copy()
    # from -1 to 1, so that the fit does not depend on how many pixels there are
    height, width = image.shape
    design = np.column_stack(
        [np.ones(lines.size), 2 * lines / (height - 1) - 1, 2 * pixels / (width - 1) - 1]
    )
    # the minimum-norm solution leaves out what the known pixels cannot tell
    constant, slow, fast = np.linalg.lstsq(design, image[known], rcond=None)[0]
    up = np.linspace(-1.0, 1.0, height)[:, None]
    across = np.linspace(-1.0, 1.0, width)[None, :]
    return np.asarray(image - (constant + slow * up + fast * across))


def level_lines(image: FloatArray) -> FloatArray:
    """Subtract from each line its median, which takes steps between lines out.

    The median does not see a particle that covers less than half of a line, where a mean would draw
    a dark shadow beside it.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.

    Returns:
        A levelled copy; a line without any known pixel stays NaN.
    """
    levelled = np.where(np.isfinite(image), image, np.nan)
    known = ~np.isnan(levelled).all(axis=1)
    levelled[known] -= np.nanmedian(levelled[known], axis=1, keepdims=True)
    return levelled
