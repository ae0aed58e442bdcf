"""Frames: a frame of a scan that can be dragged, scaled and turned on a plot."""

import math
from collections.abc import Callable
from typing import Any

from spm_auto.instrument import ScanFrame
from spm_auto.units import format as format_quantity

from ..common.drawing import NM
from ..common.qt import pg
from ..common.theme import Theme


def in_words(frame: ScanFrame) -> str:
    """Return centre, size and angle of a frame, with units."""
    width, height = (format_quantity(length, "m", 4) for length in frame.size)
    x, y = (format_quantity(length, "m", 4) for length in frame.center)
    degrees = math.remainder(math.degrees(frame.angle), 360.0)
    turned = f", turned {degrees:.1f} deg" if round(degrees, 1) else ""
    return f"{width} x {height} at ({x}, {y}){turned}"


def colour_handles(shape: Any, theme: Theme) -> None:
    """Give the handles of something that can be dragged a colour that is seen on images."""
    for handle in shape.getHandles():
        handle.pen = handle.currentPen = pg.mkPen(theme.ink, width=1)
        handle.update()


class DraggedFrame:
    """A frame that a human can drag (middle), scale (corners) and turn (round handle).

    Args:
        plot: A pyqtgraph PlotItem, in nanometres.
        theme: The colours.
        dragged: Called with the frame while it is dragged, and whether it was let go of.
    """

    def __init__(self, plot: Any, theme: Theme, dragged: Callable[[ScanFrame, bool], None]) -> None:
        self._plot, self._dragged = plot, dragged
        self._is_quiet = False
        self.pixels = (256, 256)
        self.roi = pg.ROI([0, 0], [1, 1], rotatable=False, resizable=False)
        for corner in ((1, 1), (0, 0), (1, 0), (0, 1)):
            self.roi.addScaleHandle(corner, (1 - corner[0], 1 - corner[1]))
        self.roi.addRotateHandle((1, 0.5), (0.5, 0.5))
        self.roi.setZValue(50)
        self.roi.hide()
        self.is_allowed = True
        plot.addItem(self.roi, ignoreBounds=True)
        self.set_theme(theme)
        self.roi.sigRegionChanged.connect(lambda _: self._tell(False))
        self.roi.sigRegionChangeFinished.connect(lambda _: self._tell(True))

    @property
    def frame(self) -> ScanFrame | None:
        """Where it is; None while there is none."""
        if not self.roi.isVisible():
            return None
        (left, bottom), (width, height) = self.roi.pos(), self.roi.size()
        if not width or not height:
            return None
        angle = math.radians(self.roi.angle())
        cos, sin = math.cos(angle), math.sin(angle)
        x = left + (cos * width - sin * height) / 2
        y = bottom + (sin * width + cos * height) / 2
        return ScanFrame(
            center=(x * NM, y * NM),
            size=(abs(width) * NM, abs(height) * NM),
            pixels=self.pixels,
            angle=angle,
        )

    def show(self, frame: ScanFrame | None) -> None:
        """Put it there, or take it away; nobody is told."""
        self._is_quiet = True
        self.roi.setVisible(frame is not None)
        if frame is not None:
            self.pixels = frame.pixels
            (x, y), (width, height) = frame.center, frame.size
            cos, sin = math.cos(frame.angle), math.sin(frame.angle)
            left = (x - (cos * width - sin * height) / 2) / NM
            bottom = (y - (sin * width + cos * height) / 2) / NM
            self.roi.setSize((width / NM, height / NM), update=False, finish=False)
            self.roi.setAngle(math.degrees(frame.angle), update=False, finish=False)
            self.roi.setPos((left, bottom), update=True, finish=False)
        self._is_quiet = False

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._colours = theme.proposal, theme.alarm
        colour_handles(self.roi, theme)
        self.allow(self.is_allowed)

    def allow(self, is_allowed: bool) -> None:
        """Say whether it may be scanned."""
        self.is_allowed = is_allowed
        self.roi.setPen(pg.mkPen(self._colours[0 if is_allowed else 1], width=2))

    def _tell(self, is_over: bool) -> None:
        frame = None if self._is_quiet else self.frame
        if frame is not None:
            self._dragged(frame, is_over)
