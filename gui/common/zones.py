"""Zones: the ranges of a scanner on a plot, and what nobody may touch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPainterPath
from PyQt6.QtWidgets import QGraphicsPathItem

from spm_auto.data import Intervention
from spm_auto.instrument import Limits, ScanFrame

from .drawing import NM, pen, with_alpha
from .fields import Range
from .qt import pg
from .selection import Place
from .theme import Theme


@dataclass(frozen=True, slots=True)
class Zone:
    """A circle or a rectangle on the sample that is closed.

    Attributes:
        center: Its middle [m].
        width: Its extent along x [m].
        height: Its extent along y [m].
        is_round: Whether it is a circle.
        why: Why, in words.
        is_hard: Whether the instrument refuses it to everybody; else it is closed to the agent.
    """

    center: Place
    width: float
    height: float
    is_round: bool
    why: str
    is_hard: bool

    def contains(self, x: float, y: float) -> bool:
        """Say whether a place [m] lies in it."""
        dx, dy = x - self.center[0], y - self.center[1]
        if self.is_round:
            return math.hypot(dx, dy) <= self.width / 2
        return abs(dx) <= self.width / 2 and abs(dy) <= self.height / 2


def zones_of(
    limits: Limits | None, forbidden: Sequence[Intervention], stage: Place | None
) -> tuple[Zone, ...]:
    """Return what is closed: by the lab's limits, and by humans to the agent.

    Args:
        limits: What is allowed; None where nobody said.
        forbidden: Interventions that closed regions.
        stage: Where the coarse stage stands [m]; None where there is none.
    """
    zones = []
    for circle in () if limits is None else limits.no_go:
        seen = circle.seen_from(stage)
        across = 2 * seen.radius
        zones.append(Zone((seen.x, seen.y), across, across, True, seen.reason, True))
    for intervention in forbidden:
        values = intervention.values
        center = (float(values["center"][0]), float(values["center"][1]))
        why = intervention.why or f"forbidden by {intervention.who}"
        if values.get("radius") is not None:
            across = 2 * float(values["radius"])
            zones.append(Zone(center, across, across, True, why, False))
        else:
            width, height = (float(length) for length in values["size"])
            zones.append(Zone(center, width, height, False, why, False))
    return tuple(zones)


def reach_of(limits: Limits | None, frame: ScanFrame | None) -> tuple[Range, Range] | None:
    """Return what to show at most: what may be reached, or what lies around the frame [m]."""
    if limits is not None and is_finite(limits):
        return limits.x, limits.y
    if frame is None:
        return None
    x, y = frame.corners()
    side = max(float(np.ptp(x)), float(np.ptp(y)))
    x0, y0 = frame.center
    return (x0 - 1.5 * side, x0 + 1.5 * side), (y0 - 1.5 * side, y0 + 1.5 * side)


def is_finite(limits: Limits) -> bool:
    """Whether it is known how far the probe may go."""
    return all(map(math.isfinite, (*limits.x, *limits.y)))


class ZoneMarks:
    """Zones on a plot: hatched where the instrument refuses, dashed where the agent stays out.

    Args:
        plot: A pyqtgraph PlotItem, in nanometres.
        theme: The colours.
    """

    def __init__(self, plot: Any, theme: Theme) -> None:
        self._plot, self._theme = plot, theme
        self._items: list[QGraphicsPathItem] = []
        self.zones: tuple[Zone, ...] = ()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        zones, self.zones = self.zones, ()
        self.show(zones)

    def show(self, zones: tuple[Zone, ...]) -> None:
        """Show zones instead of those before."""
        if zones == self.zones:
            return
        self.zones = zones
        for item in self._items:
            self._plot.removeItem(item)
        self._items = [self._item(zone) for zone in zones]

    def _item(self, zone: Zone) -> QGraphicsPathItem:
        path = QPainterPath()
        left, bottom = zone.center[0] - zone.width / 2, zone.center[1] - zone.height / 2
        rectangle = (left / NM, bottom / NM, zone.width / NM, zone.height / NM)
        if zone.is_round:
            path.addEllipse(*rectangle)
        else:
            path.addRect(*rectangle)
        item = QGraphicsPathItem(path)
        item.setPen(pen(self._theme.forbidden, is_dashed=not zone.is_hard))
        alpha = 70 if zone.is_hard else 30
        item.setBrush(pg.mkBrush(with_alpha(self._theme.forbidden, alpha)))
        item.setToolTip(zone.why)
        item.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        item.setZValue(10)
        self._plot.addItem(item, ignoreBounds=True)
        return item
