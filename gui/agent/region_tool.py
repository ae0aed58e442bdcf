"""RegionTool: a circle or a rectangle that is moved and stretched on a map, to be forbidden."""

from collections.abc import Callable
from typing import Any, Literal

from spm_auto.agents import ForbidRegion

from ..common.drawing import NM, pen
from ..common.qt import pg
from ..common.theme import Theme
from .maps import Map, Place

Shape = Literal["circle", "rectangle"]


class RegionTool:
    """Draws a region on a map; nothing is forbidden by that.

    Args:
        map_: Where it is drawn.
        theme: The colours.
        changed: Called whenever the region was changed.
    """

    def __init__(self, map_: Map, theme: Theme, changed: Callable[[], None]) -> None:
        self.theme = theme
        self._map, self._changed = map_, changed
        self._shape: Any = None
        self._is_circle = True

    @property
    def is_drawing(self) -> bool:
        """Whether a region is on the map."""
        return self._shape is not None

    def begin(self, shape: Shape, center: Place, length: float) -> None:
        """Put a region on the map.

        Args:
            shape: Which kind.
            center: Its middle [m].
            length: Its diameter or side [m].
        """
        self.end()
        self._is_circle = shape == "circle"
        corner = [(c - length / 2) / NM for c in center]
        size = [length / NM] * 2
        kind = pg.CircleROI if self._is_circle else pg.RectROI
        pens = {
            "pen": pen(self.theme.forbidden, 2),
            "hoverPen": pen(self.theme.proposal, 2),
            "handlePen": pen(self.theme.forbidden, 2),
            "handleHoverPen": pen(self.theme.proposal, 3),
        }
        self._shape = kind(corner, size, rotatable=False, **pens)
        self._shape.setZValue(40)
        self._map.plot.addItem(self._shape, ignoreBounds=True)
        self._shape.sigRegionChanged.connect(lambda *_: self._changed())
        self._changed()

    def region(self) -> ForbidRegion | None:
        """Return what is drawn; None while nothing is, or it has no size."""
        if self._shape is None:
            return None
        (x, y), (width, height) = self._shape.pos(), self._shape.size()
        width, height = abs(width), abs(height)
        if not (width > 0 and height > 0):
            return None
        center = ((x + width / 2) * NM, (y + height / 2) * NM)
        if self._is_circle:
            return ForbidRegion(center, radius=width / 2 * NM)
        return ForbidRegion(center, size=(width * NM, height * NM))

    def end(self) -> None:
        """Take the region off the map."""
        if self._shape is not None:
            self._map.plot.removeItem(self._shape)
            self._shape = None
            self._changed()
