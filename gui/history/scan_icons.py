"""Scan icons: small pictures of scans for a list, made once."""

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage, QPainter

from spm_auto.analysis import level_lines
from spm_auto.instrument import FloatArray

from ..common.qt import pg

SIZE = 56  # pixels at most, each way
_PERCENTILES = (2.0, 98.0)


def thumbnail(image: FloatArray, size: tuple[float, float], colours: str = "cividis") -> QImage:
    """Return a small picture of one channel, line 0 below, transparent where nothing is known.

    Its lines are levelled, and each has the colours of its middle 96 %: it is for knowing a scan
    again, and no value can be read from it.

    Args:
        image: Values, shape [line, pixel]; missing is NaN.
        size: Width and height of its frame [m].
        colours: Name of the colour map.
    """
    step = max(1, -(-max(image.shape) // SIZE))
    small = level_lines(image[::step, ::step])[::-1]
    known = np.isfinite(small)
    rgba = np.zeros((*small.shape, 4), dtype=np.uint8)
    if known.any():
        low, high = np.percentile(small[known], _PERCENTILES)
        span = high - low if high > low else 1.0
        level = np.clip((np.where(known, small, low) - low) / span * 255, 0, 255).astype(np.uint8)
        table = pg.colormap.get(colours).getLookupTable(0.0, 1.0, 256)
        rgba[..., :3] = table[level][..., :3]
        rgba[..., 3] = np.where(known, 255, 0)
    height, width = small.shape
    # a picture of another owner's memory must be copied before that goes; scaling copies too
    drawn = QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
    zoom = SIZE / max(size)
    drawn = drawn.scaled(max(1, round(zoom * size[0])), max(1, round(zoom * size[1])))
    framed = QImage(SIZE, SIZE, QImage.Format.Format_ARGB32_Premultiplied)
    framed.fill(Qt.GlobalColor.transparent)
    painter = QPainter(framed)
    painter.drawImage((SIZE - drawn.width()) // 2, (SIZE - drawn.height()) // 2, drawn)
    painter.end()
    return framed
