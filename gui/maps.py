"""Maps: values of the sample in their place, with what was measured, comes next and is forbidden.

They are drawn in nanometres: Qt takes a turn or a determinant below 1e-12 for zero, so that a small
frame in metres would lose its angle.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainterPath, QTransform
from PyQt6.QtWidgets import QGraphicsPathItem

from spm_auto.agents import ForbidRegion
from spm_auto.data import JudgedCurve, Measurement
from spm_auto.instrument import FloatArray, ScanFrame
from spm_auto.units import format as format_quantity

from .qt import pg
from .run_model import RunModel
from .scale import Scale
from .theme import Theme

NM = 1e9  # drawn lengths in a metre
NUMBERED = 30  # newest points that carry their number
_PERCENTILES = (1.0, 99.0)
_CLOSE = 9.0  # [pixels of the screen] from which a click is on a point
Place = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Where was measured, in order.

    Attributes:
        x: Where [m], shape (n,).
        y: Where [m], shape (n,).
        numbers: Each spectrum's place in `RunModel.spectra`, or each curve's among the curves.
        is_good: Whether it is of use, shape (n,).
        best: Which of them has the highest value; None where none has.
        are_curves: Whether these are force curves.
    """

    x: FloatArray
    y: FloatArray
    numbers: tuple[int, ...]
    is_good: np.ndarray
    best: int | None
    are_curves: bool

    @classmethod
    def of(cls, model: RunModel) -> "Marks":
        """Return those of a run: of its spectra, or of its force curves where it has no spectra."""
        are_curves = not model.spectra
        told: Sequence[Measurement | JudgedCurve] = model.curves if are_curves else model.spectra
        places = [each.spectrum if isinstance(each, Measurement) else each.curve for each in told]
        name = model.learning.scalarizer
        values = np.full(len(told), -np.inf)
        is_good = np.ones(len(told), dtype=bool)
        for n, each in enumerate(told):
            if each.scored is None:
                continue
            is_good[n] = not (each.scored.flag or each.doubt)
            if is_good[n] and each.scored.scalarizer == name and math.isfinite(each.scored.value):
                values[n] = each.scored.value
        has_best = bool(np.isfinite(values).any())
        return cls(
            np.array([place.x for place in places], dtype=float),
            np.array([place.y for place in places], dtype=float),
            tuple(each.number for each in told),
            is_good,
            int(np.argmax(values)) if has_best else None,
            are_curves,
        )


def placed(frame: ScanFrame) -> QTransform:
    """Return what puts an image [line, pixel] into its frame, in nanometres."""
    width, height = (
        NM * length / pixels for length, pixels in zip(frame.size, frame.pixels, strict=True)
    )
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    x, y = (NM * float(c) for c in frame.to_sample(-0.5, -0.5))
    return QTransform(cos * width, sin * width, -sin * height, cos * height, x, y)


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
        self.scale = Scale("1")
        self.plot = plot = layout.addPlot(row=at[0], col=at[1])
        plot.setAspectLocked(True)
        plot.setMenuEnabled(False)
        plot.hideAxis("left")
        plot.hideAxis("bottom")
        plot.layout.setContentsMargins(2, 2, 2, 2)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.hide()
        plot.addItem(self._image)
        map_ = (
            pg.ColorMap([0.0, 1.0], ["#000000", "#ffffff"])
            if colours == "grey"
            else pg.colormap.get(colours)
        )
        self._bar = pg.ColorBarItem(
            values=(0.0, 1.0), width=10, colorMap=map_, interactive=False, colorMapMenu=False
        )
        self._bar.setImageItem(self._image, insert_in=plot)
        self._bar.axis.enableAutoSIPrefix(False)
        self._bar.axis.setWidth(38)
        self._bar.hide()
        self._forbidden = QGraphicsPathItem()
        self._way = pg.PlotCurveItem()
        self._points = pg.ScatterPlotItem(size=8, pxMode=True)
        self._best = pg.ScatterPlotItem(size=15, pxMode=True, symbol="star")
        self._next = pg.ScatterPlotItem(size=20, pxMode=True)
        self._lines = tuple(pg.InfiniteLine(angle=angle) for angle in (0, 90))
        self._numbers: list[Any] = []
        for depth, item in enumerate(
            (self._forbidden, self._way, self._points, self._best, self._next, *self._lines)
        ):
            item.setZValue(10 + depth)
            plot.addItem(item, ignoreBounds=True)
        for line in self._lines:
            line.hide()
        self._ruler = pg.ScaleBar(1.0, width=4, suffix="", offset=(-12, -14))
        self._ruler.setParentItem(plot.vb)
        self._ruler.hide()
        plot.vb.sigRangeChanged.connect(self._fit_ruler)
        plot.vb.sigRangeChangedManually.connect(self._leave_home)
        plot.vb.sigResized.connect(self._fit_view)
        self._leader, self._home, self._is_home = self, QRectF(), True
        self._marks: Marks | None = None
        self._title = ""
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        dark = min(QColor(theme.panel), QColor(theme.ink), key=QColor.lightness)
        self._points.setPen(pg.mkPen(dark, width=1))
        self._best.setPen(pg.mkPen(dark, width=1))
        self._best.setBrush(pg.mkBrush(theme.proposal))
        self._way.setPen(pg.mkPen(_faded(theme.measured, 90), width=1))
        for line in self._lines:
            line.setPen(pg.mkPen(_faded(theme.accent, 200), width=1))
        self._forbidden.setPen(pg.mkPen(theme.forbidden, width=1, cosmetic=True))
        self._forbidden.setBrush(pg.mkBrush(_faded(theme.forbidden, 70)))
        self._ruler.bar.setBrush(pg.mkBrush(theme.ink))
        self._ruler.bar.setPen(pg.mkPen(dark, width=1))
        self._ruler.text.setColor(theme.ink)
        self._ruler.text.fill = pg.mkBrush(_faded(theme.panel, 170))
        for axis in (self._bar.axis,):
            axis.setPen(theme.faint)
            axis.setTextPen(theme.ink)
        self.set_title(self._title)
        if self._marks is not None:
            self.show_marks(self._marks)

    def set_title(self, title: str) -> None:
        """Say above it what it shows."""
        self._title = title
        self.plot.setTitle(self.scale.label(title), color=self._theme.ink, size="9pt")

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
        finite = image[np.isfinite(image)]
        self.values = image
        if self.scale.unit != unit:
            self.scale = Scale(unit)
        self._look_at(frame)
        if not finite.size:
            self._image.hide()
            self._bar.hide()
            return
        low, high = (float(level) for level in np.percentile(finite, _PERCENTILES))
        low = low if floor is None else floor
        if high <= low:
            high = low + (abs(low) * 1e-3 or 1.0)
        self.scale.fit(max(abs(low), abs(high)))
        factor = self.scale.factor
        self._image.setImage(image / factor, autoLevels=False)
        self._image.setTransform(placed(frame))
        self._bar.setLevels((low / factor, high / factor))
        self._image.show()
        self._bar.show()
        self.set_title(title)

    def show_marks(self, marks: Marks) -> None:
        """Show where was measured, in order, and which was best."""
        self._marks = marks
        x, y = NM * marks.x, NM * marks.y
        white, faint = pg.mkBrush(self._theme.measured), pg.mkBrush(_faded(self._theme.faint, 200))
        self._points.setData(
            x=x,
            y=y,
            brush=[white if good else faint for good in marks.is_good],
            symbol=["o" if good else "x" for good in marks.is_good],
        )
        at = [] if marks.best is None else [marks.best]
        self._best.setData(x=x[at], y=y[at])
        if self._is_numbered:
            self._way.setData(x, y)
            self._number(marks)

    def show_next(self, places: Sequence[Place]) -> None:
        """Show what is proposed and not measured yet; the first is what comes next."""
        x, y = ([NM * place[axis] for place in places] for axis in (0, 1))
        pen = pg.mkPen(self._theme.proposal, width=2)
        symbols = ["crosshair" if n == 0 else "o" for n in range(len(places))]
        self._next.setData(x=x, y=y, symbol=symbols, pen=pen, brush=pg.mkBrush(None))

    def show_forbidden(self, regions: Sequence[ForbidRegion]) -> None:
        """Show where nothing may be measured."""
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        for region in regions:
            x, y = (NM * c for c in region.center)
            if region.radius is not None:
                path.addEllipse(QPointF(x, y), NM * region.radius, NM * region.radius)
            elif region.size is not None:
                width, height = (NM * length for length in region.size)
                path.addRect(QRectF(x - width / 2, y - height / 2, width, height))
        self._forbidden.setPath(path)

    def show_cursor(self, x: float, y: float) -> None:
        """Show where the mouse is over any map [m]."""
        across, up = self._lines
        across.setPos(NM * y)
        up.setPos(NM * x)
        for line in self._lines:
            line.show()

    def value_at(self, x: float, y: float) -> float:
        """Return what the map shows at a place [m]; NaN beside it."""
        if self.values is None or self.frame is None:
            return math.nan
        line, pixel = (round(float(i)) for i in self.frame.to_pixel(x, y))
        lines, pixels = self.values.shape
        if not (0 <= line < lines and 0 <= pixel < pixels):
            return math.nan
        return float(self.values[line, pixel])

    def place_of(self, scene_point: QPointF) -> Place | None:
        """Return the place of the sample at a point of the scene [m]; None beside the map."""
        view = self.plot.vb
        if self.frame is None or not view.sceneBoundingRect().contains(scene_point):
            return None
        point = view.mapSceneToView(scene_point)
        return point.x() / NM, point.y() / NM

    def mark_at(self, place: Place) -> int | None:
        """Return the number of the spectrum that a click at a place meant; None for none."""
        if self._marks is None or not len(self._marks.x):
            return None
        away = np.hypot(self._marks.x - place[0], self._marks.y - place[1])
        nearest = int(np.argmin(away))
        pixel = self.plot.vb.viewPixelSize()[0] / NM
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
                text.setPos(NM * marks.x[n], NM * marks.y[n])

    def _look_at(self, frame: ScanFrame) -> None:
        if frame == self.frame:
            return
        self.frame = frame
        self._ruler.show()
        x, y = frame.corners()
        leader = self._leader
        home = QRectF(NM * x.min(), NM * y.min(), NM * np.ptp(x), NM * np.ptp(y))
        if self is leader or leader.frame is None:
            leader._home, leader._is_home = home, True
            leader._fit_view()

    def _leave_home(self, *_: object) -> None:
        self._leader._is_home = False  # somebody looks at something else: leave it alone

    def _fit_view(self, *_: object) -> None:
        """Show the whole frame, as long as nobody has looked elsewhere."""
        if self._leader is self and self._is_home and not self._home.isNull():
            self.plot.vb.setRange(self._home, padding=0.02)

    def _fit_ruler(self) -> None:
        """Give the scale bar a round length of about a quarter of what is seen."""
        (low, high), _ = self.plot.vb.viewRange()
        about = (high - low) / 4
        if not about > 0:
            return
        power = 10.0 ** math.floor(math.log10(about))
        length = max(step * power for step in (1, 2, 5) if step * power <= about)
        self._ruler.size = length
        self._ruler.text.setText(format_quantity(length / NM, "m", 2))
        self._ruler.updateBar()


def watch_mouse(
    layout: Any, maps: Sequence[Map], moved: Callable[[Place], None], clicked: Callable[..., None]
) -> None:
    """Tell of what the mouse does on maps.

    Args:
        layout: The graphics layout that holds them.
        maps: Which ones.
        moved: Takes the place that the mouse is over [m].
        clicked: Takes the place [m], the map, and whether it was a double click.
    """

    def on_move(point: QPointF) -> None:
        for each in maps:
            if (place := each.place_of(point)) is not None:
                moved(place)

    def on_click(event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        for each in maps:
            if (place := each.place_of(event.scenePos())) is not None:
                clicked(place, each, bool(event.double()))

    layout.scene().sigMouseMoved.connect(on_move)
    layout.scene().sigMouseClicked.connect(on_click)


def link(maps: Sequence[Map]) -> None:
    """Have maps show the same part of the sample."""
    first = maps[0].plot
    for each in maps[1:]:
        each._leader = maps[0]
        each.plot.setXLink(first)
        each.plot.setYLink(first)


def _faded(colour: str, opacity: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(opacity)
    return faded
