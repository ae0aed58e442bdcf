"""Dilation: what a tip of finite size makes of a height map, and what can be told back from it.

The apex at x touches where the surface first meets the tip's shape t(u) above the apex:
z(x) = max over u of [h(x + u) - t(u)]. Heights are [line, pixel] in m on a regular grid; beyond
its edges there is no surface.

Source:
    J. S. Villarrubia, J. Res. Natl. Inst. Stand. Technol. 102, 425 (1997).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from spm_auto.instrument import FloatArray

from ..compiled import compiled
from .state import Twin

Spacing = tuple[float, float]  # of pixels along x and of lines along y [m]


def dilated_by_paraboloid(height: FloatArray, spacing: Spacing, radius: float) -> FloatArray:
    """Return the image of a surface by a paraboloid t = u^2 / 2R.

    The paraboloid is a sum over x and y, so the maximum is taken along lines and then along
    columns, each in a time proportional to the number of pixels, and exactly.

    Args:
        height: Of the surface [m], shape (lines, pixels).
        spacing: Of the grid [m].
        radius: Of curvature of the apex [m].

    Returns:
        The height of the apex [m], shape (lines, pixels).

    Source:
        P. F. Felzenszwalb and D. P. Huttenlocher, Theory of Computing 8, 415 (2012), for the
        envelope of parabolas.
    """
    if not 0 < radius < math.inf:
        raise ValueError(f"a tip's radius must be positive, got {radius:g} m")
    if not np.isfinite(height).all():
        raise ValueError("a surface to be dilated must have a height everywhere")
    envelope = compiled(_upper_envelope)
    along_x = np.empty(height.shape)
    envelope(np.ascontiguousarray(height, dtype=float), 0.5 * spacing[0] ** 2 / radius, along_x)
    columns = np.ascontiguousarray(np.swapaxes(along_x, 0, 1))
    along_y = np.empty_like(columns)
    envelope(columns, 0.5 * spacing[1] ** 2 / radius, along_y)
    return np.ascontiguousarray(np.swapaxes(along_y, 0, 1))


def eroded_by_paraboloid(image: FloatArray, spacing: Spacing, radius: float) -> FloatArray:
    """Return the highest surface that could have given an image by a paraboloid; see `eroded`."""
    return -dilated_by_paraboloid(-image, spacing, radius)


def spherical_tip(radius: float, spacing: Spacing, reach: float) -> FloatArray:
    """Return the shape t(u) of a sphere on the grid [m], infinite where it has no surface.

    Args:
        radius: Of the sphere [m].
        spacing: Of the grid [m].
        reach: How far from the apex the shape is needed [m].

    Returns:
        Height above the apex [m], which lies in the middle; odd numbers of lines and pixels.
    """
    half = [int(min(reach, radius) / step) for step in spacing]
    x = np.arange(-half[0], half[0] + 1) * spacing[0]
    y = np.arange(-half[1], half[1] + 1)[:, np.newaxis] * spacing[1]
    inside = radius**2 - x**2 - y**2
    return np.where(inside >= 0, radius - np.sqrt(np.maximum(inside, 0.0)), np.inf)


def dilated(height: FloatArray, tip: FloatArray) -> FloatArray:
    """Return the image of a surface by a tip of any shape.

    Args:
        height: Of the surface [m], shape (lines, pixels).
        tip: Shape t(u) on the same grid, apex in the middle [m]; odd numbers of lines and pixels.

    Returns:
        The height of the apex [m], shape (lines, pixels).
    """
    return np.asarray(
        _morphology("grey_dilation")(
            height, structure=-_centred(tip)[::-1, ::-1], mode="constant", cval=-np.inf
        )
    )


def eroded(image: FloatArray, tip: FloatArray) -> FloatArray:
    """Return the highest surface that could have given an image: where the tip has been.

    Args:
        image: Height of the apex [m], shape (lines, pixels).
        tip: As in `dilated`.

    Returns:
        A bound for the surface from above [m], which is the surface where the tip touched it.
    """
    return np.asarray(
        _morphology("grey_erosion")(
            image, structure=-_centred(tip)[::-1, ::-1], mode="constant", cval=np.inf
        )
    )


def doubled(image: FloatArray, spacing: Spacing, twin: Twin | None) -> FloatArray:
    """Return the image by a tip with two equal ends, from that by one of them.

    Args:
        image: By one end alone [m], shape (lines, pixels).
        spacing: Of the grid [m].
        twin: Where the second end is; None: nowhere.

    Returns:
        The height of the first end [m]; each feature appears twice, -(dx, dy) apart.
    """
    if twin is None:
        return image
    from scipy.ndimage import shift

    beside = shift(image, (-twin.dy / spacing[1], -twin.dx / spacing[0]), order=1, mode="nearest")
    return np.asarray(np.maximum(image, beside - twin.dz))


def _morphology(name: str) -> Callable[..., Any]:
    from scipy import ndimage  # its stubs want structures of whole numbers

    function: Callable[..., Any] = getattr(ndimage, name)
    return function


def _centred(tip: FloatArray) -> FloatArray:
    if tip.ndim != 2 or not all(size % 2 for size in tip.shape):
        raise ValueError(
            f"a tip's shape needs odd numbers of lines and pixels, got shape {tip.shape}"
        )
    return tip


def _upper_envelope(height: FloatArray, curvature: float, image: FloatArray) -> None:
    """Take along each line the maximum over k of height[k] - curvature (i - k)^2; compiled."""
    lines, pixels = height.shape
    summits = np.empty(pixels, dtype=np.int64)
    borders = np.empty(pixels + 1)
    for line in range(lines):
        last = 0
        summits[0] = 0
        borders[0] = -math.inf
        borders[1] = math.inf
        for k in range(1, pixels):
            h = height[line, k]
            while True:
                other = summits[last]
                fall = height[line, other] - h
                crossing = 0.5 * (k + other) + 0.5 * fall / (curvature * (k - other))
                if crossing > borders[last]:
                    break
                last -= 1
            last += 1
            summits[last] = k
            borders[last] = crossing
            borders[last + 1] = math.inf
        part = 0
        for i in range(pixels):
            while borders[part + 1] < i:
                part += 1
            apart = i - summits[part]
            image[line, i] = height[line, summits[part]] - curvature * apart * apart
