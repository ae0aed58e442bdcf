"""Levelling: an image as it is easier to look at. It is a view only: what was measured stays."""

from enum import StrEnum

import numpy as np

from spm_auto.analysis import level_lines
from spm_auto.instrument import FloatArray

DEGREE = 2  # of the polynomial that is taken out of each line


class Levelling(StrEnum):
    """What is taken out of an image before it is shown."""

    NONE = "not levelled"
    PLANE = "level: plane"
    LINES = "level: line medians"
    POLYNOMIAL = "level: line parabolas"


def levelled(image: FloatArray, how: Levelling) -> FloatArray:
    """Return an image as it is to be looked at; the image itself without levelling, else a copy.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.
        how: What to take out.
    """
    match how:
        case Levelling.PLANE:
            return without_plane(image)
        case Levelling.LINES:
            return level_lines(image)
        case Levelling.POLYNOMIAL:
            return without_polynomials(image)
        case _:
            return image


def without_plane(image: FloatArray) -> FloatArray:
    """Subtract the plane that fits an image best, as `spm_auto.analysis.level_plane` does.

    This one sums line by line instead of solving for every pixel, so that it can be done for each
    line that comes in: 3 ms instead of 25 ms for 512 x 512 pixels.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.

    Returns:
        A levelled copy with mean 0; directions that cannot be told are left as they are.
    """
    known = np.isfinite(image)
    if not known.any():
        return image.copy()
    height, width = image.shape
    up, across = np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width)
    values = np.where(known, image, 0.0)
    weights = known.astype(float)
    # sums along each line of 1, x and x^2, and of the values with 1 and x
    moments = weights @ np.stack([np.ones(width), across, across**2], axis=1)
    of_values = values @ np.stack([np.ones(width), across], axis=1)
    n, x, xx = moments.sum(axis=0)
    y, xy, yy = up @ moments[:, 0], up @ moments[:, 1], up**2 @ moments[:, 0]
    normal = np.array([[n, y, x], [y, yy, xy], [x, xy, xx]])
    right = np.array([of_values[:, 0].sum(), up @ of_values[:, 0], of_values[:, 1].sum()])
    # the minimum-norm solution leaves out what the known pixels cannot tell
    constant, slow, fast = np.linalg.lstsq(normal, right, rcond=1e-10)[0]
    return np.asarray(image - ((constant + slow * up)[:, None] + fast * across[None, :]))


def without_polynomials(image: FloatArray, degree: int = DEGREE) -> FloatArray:
    """Subtract from each line the polynomial that fits it best.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.
        degree: Of the polynomials, at most 1 less than there are pixels on a line.

    Returns:
        A levelled copy; a line of which pixels are missing loses its mean only.
    """
    result = np.where(np.isfinite(image), image, np.nan)
    whole = np.isfinite(image).all(axis=1)
    some = np.isfinite(image).any(axis=1) & ~whole
    across = np.linspace(-1.0, 1.0, image.shape[1])
    # orthonormal columns: what is taken out is a projection, with one product for all lines
    basis, _ = np.linalg.qr(np.vander(across, degree + 1))
    result[whole] -= (result[whole] @ basis) @ basis.T
    if some.any():
        result[some] -= np.nanmean(result[some], axis=1, keepdims=True)
    return result
