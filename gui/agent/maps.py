"""Maps: values of the sample in their place, with what was measured, comes next and is forbidden.

They are drawn in nanometres; see `spm_auto.gui.common.drawing`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor

from spm_auto.instrument import FloatArray, ScanFrame

from ..common.dots import Dots
from ..common.drawing import (
    NM,
    Shown,
    apart,
    look_up_table,
    outline,
    percentiles,
    placed,
    said,
    shown_unit,
    with_alpha,
)
from ..common.marks import edge
from ..common.qt import pg
from ..common.scales import ScaleBar
from ..common.theme import Theme
from ..common.zones import Zone, ZoneMarks, zones_of
from ..run.run_model import RunModel
from .measured import Marks
from .titles import entitle

NUMBERED = 30  # newest points that carry their number, and a line from one to the next
_PERCENTILES = (1.0, 99.0)
_TINY = 0.01  # pure numbers below it are not written out beside a bar
_CLOSE = 9.0  # [pixels of the screen] from which a click is on a point
Place = tuple[float, float]


class Map:
    """A map with its colour bar and scale bar, its points, and a cursor that is shared.

    Args:
        layout: A pyqtgraph graphics layout that holds it.
        at: Row and column in it.
        theme: The colours.
        colours: Name of the colour map.
        is_numbered: Whether points carry numbers and the way between them is drawn.
    """

    def __init__(
        self,
        layout: Any,
        at: tuple[int, int],
        theme: Theme,
        colours: str = "viridis",
        is_numbered: bool = False,
    ) -> None:
        self._is_numbered = is_numbered
        self.frame: ScanFrame | None = None
        self.values: FloatArray | None = None
        self.unit, self._shown = "1", Shown("", 1.0)
        self.plot = plot = layout.addPlot(row=at[0], col=at[1])
        plot.setAspectLocked(True)
        plot.setMenuEnabled(False)
        plot.hideAxis("left")
        plot.hideAxis("bottom")
        plot.layout.setContentsMargins(2, 2, 2, 2)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.hide()
        plot.addItem(self.image)
        map_ = pg.ColorMap(None, look_up_table(colours))
        self._bar = pg.ColorBarItem(
            values=(0.0, 1.0), width=10, colorMap=map_, interactive=False, colorMapMenu=False
        )
        self._bar.setImageItem(self.image, insert_in=plot)
        self._bar.axis.enableAutoSIPrefix(False)
        self._bar.axis.setWidth(38)
        self._bar.hide()
        self._zone_marks = ZoneMarks(plot, theme)
        self._way, self._frame = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._points, self._useless = Dots(8), Dots(8, "x")
        self._best = pg.ScatterPlotItem(size=15, pxMode=True, symbol="star")
        self._behind = pg.ScatterPlotItem(size=20, pxMode=True)
        self._next = pg.ScatterPlotItem(size=20, pxMode=True)
        self._lines = tuple(pg.InfiniteLine(angle=angle) for angle in (0, 90))
        self._numbers: list[Any] = []
        self._letters = [pg.TextItem(letter, anchor=(0.5, 1.3)) for letter in "AB"]
        for text in self._letters:
            text.setZValue(25)
            text.hide()
            plot.addItem(text, ignoreBounds=True)
        for depth, item in enumerate(
            (
                self._way,
                self._frame,
                self._useless.item,
                self._points.item,
                self._best,
                self._behind,
                self._next,
                *self._lines,
            )
        ):
            item.setZValue(10 + depth)
            plot.addItem(item, ignoreBounds=True)
        for line in self._lines:
            line.hide()
        self._ruler = ScaleBar(plot, theme)
        plot.vb.sigRangeChangedManually.connect(self._leave_home)
        plot.vb.sigResized.connect(self._fit_view)
        self._leader, self._home, self._is_home = self, QRectF(), True
        self._marks: Marks | None = None
        self._title = self.title = ""
        self.set_theme(theme)

    @property
    def numbers(self) -> list[str]:
        """What stands beside the points, in order."""
        return [str(text.toPlainText()) for text in self._numbers if text.isVisible()]

    @property
    def marked(self) -> FloatArray:
        """Where points of use are drawn [m], shape (n, 2)."""
        return NM * np.stack([self._points.x, self._points.y], axis=1)

    @property
    def next_places(self) -> list[Place]:
        """What is marked as proposed [m]."""
        return [(float(x) * NM, float(y) * NM) for x, y in zip(*self._next.getData(), strict=True)]

    @property
    def frame_corners(self) -> FloatArray:
        """Where the frame is drawn that is proposed [m], shape (5, 2); (0, 2) for none."""
        return NM * np.stack([np.asarray(c, dtype=float) for c in self._frame.getData()], axis=1)

    @property
    def letters(self) -> list[tuple[float, float, str]]:
        """Which letters stand where: x and y [m]."""
        return [
            (t.pos().x() * NM, t.pos().y() * NM, t.toPlainText())
            for t in self._letters
            if t.isVisible()
        ]

    @property
    def levels(self) -> tuple[float, float]:
        """Which numbers the first and the last colour stand for, in the unit of the title."""
        low, high = self._bar.levels()
        return float(low), float(high)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """What is drawn as closed."""
        return self._zone_marks.zones

    @property
    def cursor(self) -> Place:
        """Where the cursor is drawn [m]."""
        across, up = self._lines
        return float(up.value()) * NM, float(across.value()) * NM

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        dark = edge(theme)
        self._points.set_colours(theme.measured, dark)
        self._useless.set_colours(theme.faint, dark)
        self._best.setPen(pg.mkPen(_halo(theme), width=1))
        self._best.setBrush(pg.mkBrush(theme.proposal))
        self._way.setPen(pg.mkPen(with_alpha(theme.measured, 90), width=1))
        self._frame.setPen(pg.mkPen(theme.proposal, width=2))
        for line in self._lines:
            line.setPen(pg.mkPen(with_alpha(theme.accent, 200), width=1))
        self._zone_marks.set_theme(theme)
        for text in self._letters:
            text.setColor(theme.panel)
            text.fill = pg.mkBrush(theme.proposal)
        self._ruler.set_theme(theme)
        self._bar.axis.setPen(theme.faint)
        self._bar.axis.setTextPen(theme.ink)
        self.set_title(self._title)
        if self._marks is not None:
            self.show_marks(self._marks)

    def set_title(self, title: str) -> None:
        """Say above it what it shows."""
        self._title = title
        unit = f" [{self._shown.text}]" if self._shown.text else ""
        self.title = f"{title}{unit}"
        entitle(self.plot, title, self._theme.ink, unit)

    def show_values(
        self,
        image: FloatArray,
        frame: ScanFrame,
        unit: str,
        title: str,
        floor: float | None = None,
    ) -> None:
        """Show values in their place; levels are percentiles.

        Args:
            image: The values [line, pixel]; NaN where there are none.
            frame: Where they lie.
            unit: Of the values.
            title: What they are.
            floor: The lowest level, instead of a percentile.
        """
        levels = percentiles(image, *_PERCENTILES)
        self.values, self.unit = image, unit
        self._look_at(frame)
        self._bar.setVisible(levels is not None)
        self.plot.vb.childGroup.setVisible(True)
        self.image.setVisible(levels is not None)
        if levels is None:
            self.set_title(title)
            return
        low, high = apart(levels[0] if floor is None else floor, levels[1])
        self._shown = _shown(unit, max(abs(low), abs(high)), self._shown)
        factor = self._shown.per_unit
        self.image.setImage(image * factor, autoLevels=False)
        self.image.setTransform(placed(frame))
        self._bar.setLevels((low * factor, high * factor))
        self.set_title(title)

    def clear(self, title: str) -> None:
        """Show nothing, and say why."""
        self.values = self.frame = None
        self._shown = Shown("", 1.0)
        self.plot.vb.childGroup.setVisible(False)
        self._bar.hide()
        self.set_title(title)

    def show_marks(self, marks: Marks) -> None:
        """Show where was measured, in order, and which was best."""
        self._marks = marks
        x, y = marks.x / NM, marks.y / NM
        self._points.show(x[marks.is_good], y[marks.is_good])
        self._useless.show(x[~marks.is_good], y[~marks.is_good])
        at = [] if marks.best is None else [marks.best]
        self._best.setData(x=x[at], y=y[at])
        if self._is_numbered:
            self._way.setData(x[-NUMBERED:], y[-NUMBERED:])
            self._number(marks)

    def show_next(self, proposed: Sequence[Place], chosen: Place | None = None) -> None:
        """Show what is proposed and not measured yet, and which place a human has chosen."""
        places = [*proposed, *(() if chosen is None else (chosen,))]
        x, y = ([place[axis] / NM for place in places] for axis in (0, 1))
        symbols = ["crosshair" if n < len(proposed) else "o" for n in range(len(places))]
        both = ((self._behind, _halo(self._theme), 5), (self._next, self._theme.proposal, 2))
        for item, colour, width in both:  # to be seen on any colour of a map
            item.setData(
                x=x, y=y, symbol=symbols, pen=pg.mkPen(colour, width=width), brush=pg.mkBrush(None)
            )

    def show_frame(self, center: Place | None, size: tuple[float, float] = (0.0, 0.0)) -> None:
        """Show the frame that is proposed, turned as the map is [m]; None takes it away."""
        if center is None or self.frame is None:
            self._frame.setData([], [])
            return
        frame = ScanFrame(center=center, size=size, angle=self.frame.angle)
        self._frame.setData(*outline(frame))

    def show_letters(self, places: Sequence[Place]) -> None:
        """Show which places are A and B; none takes them away."""
        for slot, text in enumerate(self._letters):
            text.setVisible(slot < len(places))
            if slot < len(places):
                text.setPos(places[slot][0] / NM, places[slot][1] / NM)

    def show_closed(self, model: RunModel) -> None:
        """Show where nothing may be measured, by the lab's limits and by humans."""
        self._zone_marks.show(zones_of(model.limits, model.forbidden, model.stage))

    def show_cursor(self, x: float, y: float) -> None:
        """Show where the mouse is over any map [m]."""
        across, up = self._lines
        across.setPos(y / NM)
        up.setPos(x / NM)
        for line in self._lines:
            line.show()

    def hide_cursor(self) -> None:
        """Take the cursor away."""
        for line in self._lines:
            line.hide()

    def value_at(self, x: float, y: float) -> float:
        """Return what the map shows at a place [m]; NaN beside it."""
        if self.values is None or self.frame is None:
            return math.nan
        line, pixel = (round(float(i)) for i in self.frame.to_pixel(x, y))
        lines, pixels = self.values.shape
        if not (0 <= line < lines and 0 <= pixel < pixels):
            return math.nan
        return float(self.values[line, pixel])

    def words_at(self, x: float, y: float) -> str:
        """Return what the map shows at a place [m], with its unit; empty beside it."""
        value = self.value_at(x, y)
        return said(value, self.unit) if math.isfinite(value) else ""

    def place_of(self, scene_point: QPointF) -> Place | None:
        """Return the place of the sample at a point of the scene [m]; None beside the map."""
        view = self.plot.vb
        if self.frame is None or not view.sceneBoundingRect().contains(scene_point):
            return None
        point = view.mapSceneToView(scene_point)
        return point.x() * NM, point.y() * NM

    def mark_at(self, place: Place) -> int | None:
        """Return the number of the spectrum that a click at a place meant; None for none."""
        if self._marks is None or not len(self._marks.x):
            return None
        away = np.hypot(self._marks.x - place[0], self._marks.y - place[1])
        nearest = int(np.argmin(away))
        pixel = self.plot.vb.viewPixelSize()[0] * NM
        return self._marks.numbers[nearest] if away[nearest] <= _CLOSE * pixel else None

    def _number(self, marks: Marks) -> None:
        shown = list(range(len(marks.x)))[-NUMBERED:]
        while len(self._numbers) < len(shown):
            text = pg.TextItem(anchor=(-0.15, 0.85))
            text.setZValue(20)
            self._numbers.append(text)
            self.plot.addItem(text, ignoreBounds=True)
        for slot, text in enumerate(self._numbers):
            text.setVisible(slot < len(shown))
            if slot < len(shown):
                n = shown[slot]
                text.setText(str(marks.numbers[n] + 1), color=self._theme.measured)
                text.setPos(marks.x[n] / NM, marks.y[n] / NM)

    def _look_at(self, frame: ScanFrame) -> None:
        if frame == self.frame:
            return
        self.frame = frame
        x, y = frame.corners()
        leader = self._leader
        home = QRectF(x.min() / NM, y.min() / NM, np.ptp(x) / NM, np.ptp(y) / NM)
        if self is leader or leader.frame is None:
            leader._home, leader._is_home = home, True
            leader._fit_view()

    def _leave_home(self, *_: object) -> None:
        self._leader._is_home = False  # somebody looks at something else: leave it alone

    def _fit_view(self, *_: object) -> None:
        """Show the whole frame, as long as nobody has looked elsewhere."""
        if self._leader is self and self._is_home and not self._home.isNull():
            self.plot.vb.setRange(self._home, padding=0.02)


def link(maps: Sequence[Map]) -> None:
    """Have maps show the same part of the sample."""
    first = maps[0].plot
    for each in maps[1:]:
        each._leader = maps[0]
        each.plot.setXLink(first)
        each.plot.setYLink(first)


def _shown(unit: str, largest: float, before: Shown) -> Shown:
    """Return in which unit to show numbers; a pure number that is tiny gets a power of ten."""
    if unit.startswith("1") and 0 < largest < _TINY:
        power = 3 * math.floor(math.log10(largest) / 3)
        return Shown(f"1e{power}{unit[1:]}", 10.0**-power)
    return shown_unit(unit, largest, before)


def _halo(theme: Theme) -> str:
    """Return the colour around what is proposed: the one of panel and ink that it differs from."""
    own = QColor(theme.proposal).lightness()
    return max((theme.panel, theme.ink), key=lambda name: abs(QColor(name).lightness() - own))
