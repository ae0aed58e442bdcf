"""Patterns: places where spectra may be taken, drawn on an image as points, a line or a grid."""

import math
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from spm_auto.instrument import FloatArray, Limits

from ..common.drawing import NM
from ..common.marks import REACH, edge, in_pixels
from ..common.qt import pg
from ..common.refusals import refusal
from ..common.selection import Place, Selection
from ..common.theme import Theme
from .frames import colour_handles

MOST_PLACES = 10_000
_SHARE = 0.5  # of the view that a new line or grid takes


class Tool(StrEnum):
    """What a click on the image does."""

    LOOK = "look"
    POINTS = "points"
    LINE = "line"
    GRID = "grid"


_TIPS = {
    Tool.LOOK: "Click a spectrum to see it, a place to choose it; a double click sends the tip",
    Tool.POINTS: "Click adds a place for a spectrum, a click on it takes it away",
    Tool.LINE: "Draw a line of places for spectra: drag its ends",
    Tool.GRID: "Draw a grid of places for spectra: drag it, its corner, its round handle",
}


class PatternTools(QWidget):
    """Draws places for spectra on a plot, and tells the other views of them. Nothing is measured.

    Args:
        selection: What the views share.
        plot: A pyqtgraph PlotItem, in nanometres.
        theme: The colours.
    """

    def __init__(self, selection: Selection, plot: Any, theme: Theme) -> None:
        super().__init__()
        self._selection, self._plot, self._theme = selection, plot, theme
        self._limits: Limits | None = None
        self._shape: Any = None  # the line or grid that can be dragged
        self.tool = Tool.LOOK
        self.places: tuple[Place, ...] = ()
        self._dots = pg.ScatterPlotItem(symbol="s", size=7, pxMode=True)
        self._dots.setZValue(25)
        plot.addItem(self._dots, ignoreBounds=True)
        self.buttons: dict[Tool, QToolButton] = {}
        self.across, self.up = _count("places across", 8), _count("places up", 8)
        self.times = QLabel("x")
        self.words = QLabel()
        self.words.setProperty("role", "faint")
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Take all drawn places away")
        self._lay_out()
        for field in (self.across, self.up):
            field.valueChanged.connect(lambda _: self._take_shape())
        self.clear.clicked.connect(self._clear)
        selection.pattern_drawn.connect(self._show)
        self._choose(Tool.LOOK)
        self._say()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._dots.setBrush(pg.mkBrush(theme.proposal))
        self._dots.setPen(pg.mkPen(edge(theme)))
        if self._shape is not None:
            self._shape.setPen(pg.mkPen(theme.proposal))
            colour_handles(self._shape, theme)

    def set_limits(self, limits: Limits | None) -> None:
        """Say what is allowed; places outside are counted, and will be refused."""
        self._limits = limits
        self._say()

    def choose(self, tool: Tool) -> None:
        """Choose what a click does."""
        self.buttons[tool].setChecked(True)
        self._choose(tool)

    def click(self, place: Place) -> bool:
        """Take a click on the plot [m]; returns whether it was meant for drawing."""
        if self.tool is Tool.LOOK:
            return False
        if self.tool is Tool.POINTS:
            places = np.array(self.places, dtype=float).reshape(-1, 2)
            distance = in_pixels(self._plot, places - np.array(place))
            if distance.size and distance.min() <= REACH:
                at = int(np.argmin(distance))
                self._draw(self.places[:at] + self.places[at + 1 :])
            else:
                self._draw((*self.places, place))
        return True

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        group = QButtonGroup(self)
        for tool in Tool:
            button = QToolButton()
            button.setText(tool.value.capitalize())
            button.setToolTip(_TIPS[tool])
            button.setAccessibleName(f"tool: {tool.value}")
            button.setCheckable(True)
            button.clicked.connect(lambda _, tool=tool: self._choose(tool))
            group.addButton(button)
            self.buttons[tool] = button
            row.addWidget(button)
        self.buttons[Tool.LOOK].setChecked(True)
        for widget in (self.across, self.times, self.up):
            row.addWidget(widget)
        row.addWidget(self.words)
        row.addWidget(self.clear)

    def _choose(self, tool: Tool) -> None:
        self.tool = tool
        self.across.setVisible(tool in (Tool.LINE, Tool.GRID))
        self.times.setVisible(tool is Tool.GRID)
        self.up.setVisible(tool is Tool.GRID)
        self._remove_shape()
        if tool is Tool.LINE:
            self._make_line()
        elif tool is Tool.GRID:
            self._make_grid()

    def _make_line(self) -> None:
        left, bottom, width, height = self._middle()
        y = bottom + height / 2
        line_pen = pg.mkPen(self._theme.proposal)
        self._add(pg.LineSegmentROI([[left, y], [left + width, y]], pen=line_pen))

    def _make_grid(self) -> None:
        left, bottom, width, height = self._middle()
        grid = pg.ROI([left, bottom], [width, height], pen=pg.mkPen(self._theme.proposal))
        grid.addScaleHandle([1, 1], [0, 0])
        grid.addScaleHandle([0, 0], [1, 1])
        grid.addRotateHandle([1, 0], [0.5, 0.5])
        self._add(grid)

    def _add(self, shape: Any) -> None:
        shape.setZValue(40)
        self._shape = shape
        colour_handles(shape, self._theme)
        self._plot.addItem(shape, ignoreBounds=True)
        shape.sigRegionChanged.connect(lambda _: self._show_dots(self._shape_places()))
        shape.sigRegionChangeFinished.connect(lambda _: self._take_shape())
        self._take_shape()

    def _remove_shape(self) -> None:
        if self._shape is not None:
            self._plot.removeItem(self._shape)
            self._shape = None

    def _middle(self) -> tuple[float, float, float, float]:
        """Return left, bottom, width and height of the middle of what is seen [nm]."""
        (left, right), (bottom, top) = self._plot.getViewBox().viewRange()
        side = _SHARE * min(right - left, top - bottom)
        return (left + right - side) / 2, (bottom + top - side) / 2, side, side

    def _take_shape(self) -> None:
        """Turn the line or grid that is seen into places, when it is let go of."""
        if self._shape is not None:
            self._draw(tuple((float(x), float(y)) for x, y in self._shape_places()))

    def _shape_places(self) -> FloatArray:
        """Return the places on the line or grid that is seen [m], shape (n, 2)."""
        corner = self._shape.pos()
        if self.tool is Tool.LINE:
            ends = np.array([[p.x(), p.y()] for p in self._shape.listPoints()])
            share = np.linspace(0.0, 1.0, self.across.value())[:, None]
            local = ends[0] + share * (ends[1] - ends[0])
        else:
            width, height = self._shape.size()
            u, v = np.meshgrid(
                np.linspace(0.0, width, self.across.value()),
                np.linspace(0.0, height, self.up.value()),
            )
            local = np.column_stack([u.ravel(), v.ravel()])
        angle = math.radians(self._shape.angle())
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return np.asarray((local @ turn.T + np.array([corner.x(), corner.y()])) * NM)

    def _clear(self) -> None:
        self.choose(Tool.LOOK)
        self._draw(())

    def _draw(self, places: tuple[Place, ...]) -> None:
        self._selection.pattern_drawn.emit(places)

    def _show(self, places: tuple[Place, ...]) -> None:
        """Show what was drawn, here or elsewhere."""
        self.places = tuple(places)
        self._show_dots(np.array(self.places, dtype=float).reshape(-1, 2))
        self._say()

    def _show_dots(self, places: FloatArray) -> None:
        """Show places [m], shape (n, 2)."""
        self._dots.setData(places[:, 0] / NM, places[:, 1] / NM)

    def _say(self) -> None:
        """Say how many places there are, and how many of them will be refused."""
        n = len(self.places)
        self.clear.setVisible(n > 0)
        self.words.setVisible(n > 0)
        text = f"{n} place{'' if n == 1 else 's'} drawn" if n else ""
        outside = sum(
            bool(refusal(self._limits, partial(Limits.check_point, x=x, y=y)))
            for x, y in self.places
        )
        if outside:
            text += f", {outside} outside the limits"
        role = "alarm" if outside else "faint"
        self.words.setText(text)
        if self.words.property("role") != role:
            self.words.setProperty("role", role)
            style = self.words.style()
            if style is not None:
                style.unpolish(self.words)
                style.polish(self.words)


def _count(name: str, value: int) -> QSpinBox:
    field = QSpinBox()
    field.setRange(2, math.isqrt(MOST_PLACES))
    field.setValue(value)
    field.setAccessibleName(name)
    field.setToolTip(name)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return field
