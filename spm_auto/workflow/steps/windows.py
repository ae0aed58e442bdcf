"""Windows: where in a frame a smaller one lies best, of all places where it lies inside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...instrument import FloatArray, ScanFrame

_EDGE = 1e-9  # of the frame's size, by which rounding may leave it


@dataclass(frozen=True, slots=True)
class Window:
    """A choice of where to look closer.

    Attributes:
        frame: Where.
        score: What it promises; of a window that shows nothing, 0.
        typical: What a window promises in the middle of all that were open.
        overlaps: Whether it overlaps with one that was taken before, as no other was left.
    """

    frame: ScanFrame
    score: float
    typical: float
    overlaps: bool = False


def fits(outer: ScanFrame, inner: ScanFrame) -> bool:
    """Say whether a window can lie in a frame at all."""
    return bool(_inside(outer, inner, np.array([outer.center[0]]), np.array([outer.center[1]]))[0])


def best_window(
    promise: FloatArray,
    outer: ScanFrame,
    window: ScanFrame,
    inside: ScanFrame,
    taken: Sequence[ScanFrame] = (),
) -> Window | None:
    """Find the window that holds most of what is promised, and holds it in its middle.

    What a window promises is the sum of what its pixels do, weighed by a hump that is 1 in its
    middle and 0 at its edges: without it a small spot would count as much at the edge.

    Args:
        promise: What each pixel promises, 0 or more, shape [line, pixel].
        outer: Frame of these pixels.
        window: Size, pixels and angle of what is looked for; its place does not count.
        inside: Frame that it must lie in with all of its corners.
        taken: Windows that it shall not overlap with, where that is possible.

    Returns:
        The window; None where no pixel's middle can be that of one.
    """
    from scipy import signal

    x, y = outer.positions()
    is_open = _inside(inside, window, x, y)
    if not is_open.any():
        return None
    kernel = _hump(outer, window)
    score = signal.fftconvolve(np.nan_to_num(promise), kernel[::-1, ::-1], mode="same")
    score = np.where(score > 1e-9 * kernel.sum() * max(np.nanmax(promise), 1e-300), score, 0.0)
    is_free = is_open & ~_overlapping(window, taken, x, y)
    overlaps = not is_free.any()
    if overlaps:
        apart = np.min([np.hypot(x - f.center[0], y - f.center[1]) for f in taken], axis=0)
        choice = np.where(is_open, apart, -1.0)
    else:
        # of equals the one nearest to the middle
        away = np.hypot(x - outer.center[0], y - outer.center[1]) / max(outer.size)
        top = float(score[is_free].max())
        choice = np.where(is_free, score - 1e-9 * top * away if top else -away, -np.inf)
    best = np.unravel_index(int(np.argmax(choice)), choice.shape)
    middle = (float(x[best]), float(y[best]))
    return Window(
        replace(window, center=middle),
        float(score[best]),
        float(np.median(score[is_open])),
        overlaps,
    )


def pixels_of(values: FloatArray, rows: NDArray[np.int64], shape: tuple[int, int]) -> FloatArray:
    """Return values of some pixels as an image, NaN elsewhere.

    Args:
        values: Of each, shape (n,).
        rows: Line and pixel of each, shape (n, 2).
        shape: Of the image.
    """
    image = np.full(shape, np.nan)
    image[rows[:, 0], rows[:, 1]] = values
    return image


def _inside(outer: ScanFrame, window: ScanFrame, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """Say at which places [m] a window lies in a frame with all of its corners."""
    is_inside = np.ones(np.shape(x), dtype=bool)
    for corner_x, corner_y in zip(*replace(window, center=(0.0, 0.0)).corners(), strict=True):
        u, v = outer.to_frame(x + corner_x, y + corner_y)
        most = np.array(outer.size) * (0.5 + _EDGE)
        is_inside &= (np.abs(u) <= most[0]) & (np.abs(v) <= most[1])
    return is_inside


def _overlapping(
    window: ScanFrame, taken: Sequence[ScanFrame], x: FloatArray, y: FloatArray
) -> NDArray[np.bool_]:
    """Say at which places [m] a window overlaps with one of others.

    Two rectangles are apart where the sides of one of them say so (H. Minkowski's separating axis).
    """
    overlaps = np.zeros(np.shape(x), dtype=bool)
    own = np.array(replace(window, center=(0.0, 0.0)).corners())  # [axis, corner]
    for other in taken:
        apart = np.zeros(np.shape(x), dtype=bool)
        theirs = np.array(replace(other, center=(0.0, 0.0)).corners())
        for angle in (window.angle, other.angle):
            for axis in ((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))):
                reach = np.max(np.abs(axis @ own)) + np.max(np.abs(axis @ theirs))
                gap = np.abs(axis[0] * (x - other.center[0]) + axis[1] * (y - other.center[1]))
                apart |= gap >= reach * (1 - _EDGE)
        overlaps |= ~apart
    return overlaps


def _hump(outer: ScanFrame, window: ScanFrame) -> FloatArray:
    """Return the weights of a window's pixels around its middle, on the pixels of a frame."""
    reach = float(np.hypot(*window.size)) / 2
    half = [int(np.ceil(reach / p)) for p in outer.pitch]
    lines, pixels = np.mgrid[-half[1] : half[1] + 1, -half[0] : half[0] + 1]
    # as in the sample, then as in the window
    along, up = pixels * outer.pitch[0], lines * outer.pitch[1]
    turn = window.angle - outer.angle
    u = np.cos(turn) * along + np.sin(turn) * up
    v = np.cos(turn) * up - np.sin(turn) * along
    humps = [
        np.where(np.abs(at) < side / 2, np.cos(np.pi * at / side) ** 2, 0.0)
        for at, side in zip((u, v), window.size, strict=True)
    ]
    return np.asarray(humps[0] * humps[1])
