"""CurvePlot: many curves over one axis, drawn as few items, with a mean, its band and a fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainterPath, QPen
from PyQt6.QtWidgets import QGraphicsPathItem, QVBoxLayout, QWidget

from spm_auto.instrument import FloatArray
from spm_auto.units import format as format_quantity

from ..common.qt import pg
from ..common.scale import Scale
from ..common.theme import Theme
from .traces import Mean, Trace, branches, joined

_FAINT = 110  # opacity of curves that are only the company of others, of 255
_DOUBTFUL = 190  # the same of curves that something is wrong with
_BAND = 60  # the same of the band
_NEAR = 12.0  # [pixels] from the mouse to a point of the curve that is named
_EMPTY = np.empty(0)
_ITEMS = ("good", "wrong", "mean", "newest", "wrong newest", "fit")  # each above those before
_UNBOUND = ("wrong", "wrong newest")  # what these reach does not count for what is seen


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What is drawn; all in SI units.

    Attributes:
        good: Curves that nothing is wrong with.
        wrong: Curves that something is wrong with; drawn dashed.
        newest: The one that is drawn on top; None for none.
        mean: Mean and deviation of several; None for none.
        fit: A fitted curve, x and y; None for none.
    """

    good: Sequence[Trace] = ()
    wrong: Sequence[Trace] = ()
    newest: Trace | None = None
    mean: Mean | None = None
    fit: tuple[FloatArray, FloatArray] | None = field(default=None)


class CurvePlot(QWidget):
    """Draws curves. Its items are made once; later only their data change.

    Signals:
        pointed: The mouse is over the plot: in words with units; empty when it has left.
        ranged: The part that a fit shall see was dragged.
    """

    pointed = pyqtSignal(str)
    ranged = pyqtSignal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.x_scale, self.y_scale = Scale("V"), Scale("1")
        self._names = ("", "")
        self._drawing = Drawing()
        self.widget = pg.PlotWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.widget)
        self._plot = self.widget.getPlotItem()
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        for side in ("left", "bottom"):
            self._plot.getAxis(side).enableAutoSIPrefix(False)
        self._band = QGraphicsPathItem()
        self._band.setZValue(1.5)
        self._plot.addItem(self._band, ignoreBounds=True)
        self._items = {name: self._curve(name, z) for z, name in enumerate(_ITEMS)}
        self._dots = pg.ScatterPlotItem(size=7, pen=None)
        self._dots.setZValue(10)
        self._plot.addItem(self._dots)
        self._region = pg.LinearRegionItem(values=(0.0, 1.0))
        self._region.setZValue(-5)
        self._region.setVisible(False)
        self._region.sigRegionChangeFinished.connect(self._range)
        self._plot.addItem(self._region, ignoreBounds=True)
        self._plot.vb.sigResized.connect(lambda *_: self._fit_label())
        self._plot.scene().sigMouseMoved.connect(self._point)
        self._plot.scene().sigMouseClicked.connect(self._click)
        self.widget.setToolTip("wheel: nearer or farther; drag: move; double click: all of it")
        self.set_theme(theme)

    def set_axes(self, x: tuple[str, str], y: tuple[str, str]) -> None:
        """Say what is drawn over what, each a name and an SI unit; prefixes are chosen anew."""
        self._names = (x[0], y[0])
        self.x_scale, self.y_scale = Scale(x[1]), Scale(y[1])
        self.widget.setAccessibleName(f"{y[0]} against {x[0]}")
        self._label()
        self._plot.enableAutoRange()

    def draw(self, drawing: Drawing) -> None:
        """Draw; what was drawn before is gone."""
        self._drawing = drawing
        self._choose_prefixes(drawing)
        self._set("good", *joined(drawing.good))
        self._set("wrong", *joined(drawing.wrong))
        newest = drawing.newest
        x, y = (_EMPTY, _EMPTY) if newest is None else (newest.x, newest.y)
        is_wrong = newest is not None and bool(newest.remark)
        is_alone = not drawing.good  # then it is what shall be seen, right or wrong
        self._items["newest"].setPen(self._pens()["wrong newest" if is_wrong else "newest"])
        for name, is_it in (("newest", not is_wrong or is_alone), ("wrong newest", is_wrong)):
            self._set(name, *((x, y) if is_it else (_EMPTY, _EMPTY)))
        self._draw_dots(drawing)
        mean = drawing.mean
        self._set("mean", *((_EMPTY, _EMPTY) if mean is None else (mean.x, mean.y)))
        self._draw_band(mean)
        self._set("fit", *((_EMPTY, _EMPTY) if drawing.fit is None else drawing.fit))

    def drawn(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Return what is drawn as "good", "wrong", "newest", "wrong newest", "mean" or "fit"."""
        x, y = self._items[name].getData()
        if x is None or y is None:
            return _EMPTY, _EMPTY
        return x * self.x_scale.factor, y * self.y_scale.factor

    def is_dashed(self, name: str) -> bool:
        """Whether an item is drawn with gaps, as what is not to be trusted."""
        pen: QPen = self._items[name].opts["pen"]
        return pen.style() == Qt.PenStyle.DashLine

    def is_in_band(self, x: float, y: float) -> bool:
        """Whether a place [SI] lies within a standard deviation of the mean."""
        return self._band.path().contains(QPointF(x / self.x_scale.factor, y / self.y_scale.factor))

    def set_part(self, part: tuple[float, float] | None) -> None:
        """Show the part of x that a fit sees [SI]; None for all of it, and no part is shown."""
        self._region.setVisible(part is not None)
        if part is not None:
            low, high = sorted(end / self.x_scale.factor for end in part)
            self._region.blockSignals(True)
            self._region.setRegion((low, high))
            self._region.blockSignals(False)

    def part(self) -> tuple[float, float] | None:
        """Return the part of x that a fit shall see [SI]; None for all of it."""
        if not self._region.isVisible():
            return None
        low, high = self._region.getRegion()
        return low * self.x_scale.factor, high * self.x_scale.factor

    def show_all(self) -> None:
        """Go back to where everything is seen."""
        self._plot.enableAutoRange()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.widget.setBackground(theme.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.faint))
            axis.setTextPen(pg.mkPen(theme.ink))
        self._plot.showGrid(x=True, y=True, alpha=0.15)
        for name, pen in self._pens().items():
            self._items[name].setPen(pen)
        band = QColor(theme.good)
        band.setAlpha(_BAND)
        self._band.setPen(QPen(Qt.PenStyle.NoPen))
        self._band.setBrush(band)
        shade = QColor(theme.accent)
        shade.setAlpha(35)
        self._region.setBrush(shade)
        for line in self._region.lines:
            line.setPen(pg.mkPen(theme.accent))
        self._label()

    def _pens(self) -> dict[str, QPen]:
        theme = self._theme
        faint = QColor(theme.faint)
        faint.setAlpha(_FAINT)
        doubtful = QColor(theme.warning)
        doubtful.setAlpha(_DOUBTFUL)
        dash = Qt.PenStyle.DashLine
        return {
            "good": pg.mkPen(faint, width=1),
            "wrong": pg.mkPen(doubtful, width=1, style=dash),
            "newest": pg.mkPen(theme.accent, width=1),
            "wrong newest": pg.mkPen(theme.accent, width=1, style=dash),
            "mean": pg.mkPen(theme.good, width=1),
            "fit": pg.mkPen(theme.ink, width=1),
        }

    def _curve(self, name: str, z: int) -> Any:
        item = pg.PlotCurveItem(connect="finite", antialias=False)
        item.setZValue(z)
        self._plot.addItem(item, ignoreBounds=name in _UNBOUND)
        return item

    def _set(self, name: str, x: FloatArray, y: FloatArray) -> None:
        self._items[name].setData(x / self.x_scale.factor, y / self.y_scale.factor)

    def _draw_dots(self, drawing: Drawing) -> None:
        """Draw what is a single point, such as a pulse, and so no line."""
        theme, newest = self._theme, drawing.newest
        groups = [(drawing.good, theme.faint), (drawing.wrong, theme.warning)]
        groups.append(([] if newest is None else [newest], theme.accent))
        single = [(each, ink) for group, ink in groups for each in group if len(each.x) == 1]
        self._dots.setData(
            x=[float(each.x[0]) / self.x_scale.factor for each, _ in single],
            y=[float(each.y[0]) / self.y_scale.factor for each, _ in single],
            brush=[pg.mkBrush(ink) for _, ink in single],
        )

    def n_dots(self) -> int:
        """Return how many curves are drawn as dots, since they are a single point."""
        return len(self._dots.points())

    def _draw_band(self, mean: Mean | None) -> None:
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        if mean is not None:
            for part in branches(mean.x):
                x = mean.x[part] / self.x_scale.factor
                middle = mean.y[part] / self.y_scale.factor
                spread = mean.deviation[part] / self.y_scale.factor
                known = np.isfinite(middle) & np.isfinite(spread)
                if known.sum() > 1:
                    _add_band(path, x[known], (middle - spread)[known], (middle + spread)[known])
        self._band.setPath(path)

    def _choose_prefixes(self, drawing: Drawing) -> None:
        newest = [] if drawing.newest is None else [drawing.newest]
        traces = [each for each in (*drawing.good, *newest) if not each.remark] or newest
        xs = [_largest(each.x) for each in traces]
        ys = [_largest(each.y) for each in traces]
        if drawing.mean is not None:
            xs.append(_largest(drawing.mean.x))
            ys.append(_largest(drawing.mean.y))
        has_changed = self.x_scale.fit(max(xs, default=0.0))
        if self.y_scale.fit(max(ys, default=0.0)) or has_changed:
            self._label()
            self._plot.enableAutoRange()

    def _label(self) -> None:
        self._plot.setLabel("bottom", self.x_scale.label(self._names[0]), color=self._theme.ink)
        self._plot.setLabel("left", self._upright(), color=self._theme.ink)

    def _fit_label(self) -> None:
        """Write at the upright axis what fits there now."""
        if self._plot.getAxis("left").labelText != self._upright():
            self._plot.setLabel("left", self._upright(), color=self._theme.ink)

    def _upright(self) -> str:
        """Return name and unit; where that is too long, the unit: the name stands above."""
        text = self.y_scale.label(self._names[1])
        is_long = self.fontMetrics().horizontalAdvance(text) > self._plot.vb.height()
        return self.y_scale.shown_unit if is_long else text

    def _range(self) -> None:
        self.ranged.emit()

    def _click(self, event: Any) -> None:
        if event.double():
            self.show_all()

    def _point(self, at: QPointF) -> None:
        if not self._plot.vb.sceneBoundingRect().contains(at):
            self.pointed.emit("")
            return
        place = self._plot.vb.mapSceneToView(at)
        near = self._near(place.x(), place.y())
        values = (place.x() * self.x_scale.factor, place.y() * self.y_scale.factor)
        units = (self.x_scale.unit, self.y_scale.unit)
        said = [
            f"{name.replace('_', ' ')} {format_quantity(value, unit, 4)}"
            for name, value, unit in zip(self._names, values, units, strict=True)
        ]
        if near is not None:
            said.append(f"no. {near.number + 1}" + (f": {near.remark}" if near.remark else ""))
        self.pointed.emit(", ".join(said))

    def _near(self, x: float, y: float) -> Trace | None:
        """Return the curve that has a point close to a place of the plot; None for none."""
        drawing = self._drawing
        traces = [*drawing.good, *drawing.wrong]
        traces += [] if drawing.newest is None else [drawing.newest]
        if not traces:
            return None
        wide, high = self._plot.vb.viewPixelSize()
        across, up = joined(traces)
        far = np.hypot(
            (across / self.x_scale.factor - x) / wide, (up / self.y_scale.factor - y) / high
        )
        known = np.where(np.isfinite(far), far, math.inf)
        at = int(np.argmin(known))
        if not known[at] <= _NEAR:
            return None
        ends = np.cumsum([len(each.x) + 1 for each in traces])
        return traces[int(np.searchsorted(ends, at, side="right"))]


def _largest(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.abs(known).max()) if known.size else 0.0


def _add_band(path: QPainterPath, x: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Add the area between two curves over x, always the same way round.

    Areas that are gone round in opposite ways would take each other out where they overlap.
    """
    if x[0] > x[-1]:
        x, low, high = x[::-1], low[::-1], high[::-1]
    around = [*zip(x, low, strict=True), *zip(x[::-1], high[::-1], strict=True)]
    first, *others = ((float(a), float(b)) for a, b in around)
    if not all(math.isfinite(v) for v in first):
        return
    path.moveTo(*first)
    for place in others:
        path.lineTo(*place)
    path.closeSubpath()
