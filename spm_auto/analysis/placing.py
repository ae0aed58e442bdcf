"""Placing: where an image lies on another one that shows more of the sample with fewer pixels."""

import math
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..instrument import FloatArray, ScanFrame, ScanImage
from .levelling import level_plane
from .registration import Shift, register

POINTS = 0.05  # of a pixel of the larger image: what it did not see between its pixels can do that
REACH = 0.5  # of the smaller image's side: how far off it is looked for, when it is not in place


def place(outer: ScanImage, inner: ScanImage, channel: str = "", reach: float = REACH) -> Shift:
    """Find how far an image lies from where it should on a larger one.

    What the larger image shows of the smaller one's frame is registered with it as `register` does,
    on pixels as large as those of the larger image: so the shift is known to a fraction of these.
    Where that is in doubt the place is looked for farther away first, by the normalised
    correlation, and registered there. It is done for the forward and for the backward lines, and
    the mean is taken: feedback and lock-in lag by a time, which is not the same length on both
    images, but one way and the other.

    Args:
        outer: The larger image, which was taken first.
        inner: The smaller one; its frame may be turned.
        channel: Which channel to compare; empty for each that both have.
        reach: How far away it is looked for, in sides of the smaller image.

    Returns:
        The shift: what was at (x, y) on the larger image is at (x + dx, y + dy) on the smaller one.
        Its pixels are those of the larger image.

    Raises:
        DataError: The smaller frame does not lie in the larger one, or they have no such channel in
            common.

    Source:
        J. P. Lewis, Vision Interface 1995, 120 (normalised correlation with a template); for the
        registration see `register`.
    """
    if not np.all(outer.frame.contains(*inner.frame.corners())):
        raise DataError(
            f"a frame of {inner.frame.size} m around {inner.frame.center} m does not lie in the "
            f"image of {outer.frame.size} m around {outer.frame.center} m that it shall be "
            "found on"
        )
    found = [
        _placed(replace(outer, forward=before), replace(inner, forward=after), channel, reach)
        for before, after in (
            (outer.forward, inner.forward),
            (outer.backward, inner.backward),
        )
    ]
    least = POINTS * max(outer.frame.pitch)
    sure = [
        replace(shift, uncertainty=math.hypot(shift.uncertainty, least))
        for shift in found
        if shift.is_sure
    ]
    if len(sure) < 2:
        return sure[0] if sure else max(found, key=lambda shift: shift.quality)
    there, back = sure
    return replace(
        there if there.quality > back.quality else back,
        dx=(there.dx + back.dx) / 2,
        dy=(there.dy + back.dy) / 2,
        uncertainty=math.hypot(there.uncertainty, back.uncertainty) / math.sqrt(2),
    )


def _placed(outer: ScanImage, inner: ScanImage, channel: str, reach: float) -> Shift:
    """Place the forward lines of one image on those of another one."""
    grid = _grid(outer.frame, inner.frame)
    here = register(_seen(outer, grid, (0.0, 0.0)), inner, channel)
    if here.is_sure:
        return here
    best = here
    for away in _guesses(outer, inner, grid, channel, reach):
        there = register(_seen(outer, grid, away), inner, channel)
        if there.is_sure and (not best.is_sure or there.quality > best.quality):
            best = replace(there, dx=there.dx + away[0], dy=there.dy + away[1])
    return best


def _grid(outer: ScanFrame, inner: ScanFrame) -> ScanFrame:
    """Return the smaller frame with pixels as large as those of the larger one."""
    pitch = max(outer.pitch)
    pixels = [
        max(2, min(round(side / pitch), most))
        for side, most in zip(inner.size, inner.pixels, strict=True)
    ]
    return replace(inner, pixels=(pixels[0], pixels[1]))


def _seen(outer: ScanImage, grid: ScanFrame, away: tuple[float, float]) -> ScanImage:
    """Return what an image shows of a frame, if the sample has moved by so much since [m]."""
    x, y = grid.positions()
    values = sampled(outer, x - away[0], y - away[1])
    return ScanImage(grid, outer.channels, values, values, outer.start_time, outer.end_time)


def sampled(image: ScanImage, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return what the forward lines of an image show at points, between its pixels in proportion.

    Args:
        image: The image.
        x: Of the points [m], any shape.
        y: Of the points [m], of the same shape.

    Returns:
        The values, NaN outside of the image, shape [channel, ...]; an angle is that of the complex
        numbers between which it lies.
    """
    from scipy import ndimage

    at = image.frame.to_pixel(x, y)
    edge = np.array(image.frame.shape).reshape(2, *[1] * np.ndim(x)) - 0.5
    is_shown = np.all((np.array(at) >= -0.5) & (np.array(at) <= edge), axis=0)
    found = []
    for name, values in zip(image.channels, image.forward, strict=True):
        waves = np.exp(1j * values) if name.unit == "rad" else values.astype(complex)
        parts = [
            ndimage.map_coordinates(part, at, order=1, mode="nearest")
            for part in (waves.real, waves.imag)
        ]
        value = np.arctan2(parts[1], parts[0]) if name.unit == "rad" else parts[0]
        found.append(np.where(is_shown, value, np.nan))
    return np.stack(found)


def _guesses(
    outer: ScanImage, inner: ScanImage, grid: ScanFrame, channel: str, reach: float
) -> list[tuple[float, float]]:
    """Return by how much the sample may have moved [m], as each channel has it."""
    from skimage.feature import match_template

    far = [math.ceil(reach * n) for n in grid.pixels]
    pixels = (grid.pixels[0] + 2 * far[0], grid.pixels[1] + 2 * far[1])
    size = (pixels[0] * grid.pitch[0], pixels[1] * grid.pitch[1])
    around = ScanFrame(grid.center, size, pixels, grid.angle)
    scene, template = sampled(outer, *around.positions()), sampled(inner, *grid.positions())
    guesses = []
    for number, one in enumerate(outer.channels):
        if one not in inner.channels or one.unit == "rad" or channel not in ("", one.name):
            continue
        levelled = level_plane(template[inner.channels.index(one)])
        if not (np.isfinite(levelled).all() and np.ptp(levelled)):
            continue
        shown = np.nan_to_num(level_plane(scene[number]))
        score = match_template(shown, levelled)  # type: ignore[no-untyped-call]
        line, pixel = np.unravel_index(int(np.argmax(score)), score.shape)
        # it lies as far to the right on the image as the sample has moved to the left
        u, v = (far[0] - int(pixel)) * grid.pitch[0], (far[1] - int(line)) * grid.pitch[1]
        x, y = grid.from_frame(u, v)
        guesses.append((float(x) - grid.center[0], float(y) - grid.center[1]))
    return guesses
