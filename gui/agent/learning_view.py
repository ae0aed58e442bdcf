"""LearningView: how well an agent does: what it found, and what it had expected."""

import math
from typing import Any

import numpy as np
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from spm_auto.units import format as format_quantity

from ..common.dots import Dots
from ..common.drawing import Shown, colour_axes, shown_unit
from ..common.qt import pg
from ..common.theme import Theme
from ..run.run_model import RunModel
from .beliefs import calibration_words
from .promises import shown_learning
from .titles import entitle, recolour

_SYMBOL = 7


class LearningView(QWidget):
    """The learning curve, and what was found against what had been expected.

    Args:
        theme: The colours.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.words = QLabel("")
        self.words.setWordWrap(True)
        self.words.setProperty("role", "faint")
        self.words.setAccessibleName("calibration")
        self.words.setToolTip(
            "sd: standard deviation that was predicted of a measured value, its noise included"
        )
        self._area = area = pg.GraphicsLayoutWidget()
        area.setMinimumSize(180, 160)
        self.curve, self.check = area.addPlot(row=0, col=0), area.addPlot(row=1, col=0)
        for plot in (self.curve, self.check):
            plot.setMenuEnabled(False)
            plot.hideButtons()
            for name in ("left", "bottom"):
                plot.getAxis(name).enableAutoSIPrefix(False)
        self.curve.setLabel("bottom", "measurement")
        self._spread, self._found = pg.ErrorBarItem(beam=0.0), Dots(_SYMBOL)
        self._best = pg.PlotCurveItem(stepMode="right", connect="finite")
        for item in (self._spread, self._best, self._found.item):
            self.curve.addItem(item)
        self._diagonal = pg.PlotCurveItem()
        self._off, self._pairs = pg.ErrorBarItem(beam=0.0), Dots(_SYMBOL)
        for item in (self._diagonal, self._off, self._pairs.item):
            self.check.addItem(item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addWidget(self.words)
        self._shown = Shown("", 1.0)
        self.set_theme(theme)

    @property
    def found(self) -> tuple[np.ndarray, np.ndarray]:
        """The values as drawn: number of the spectrum, and value in the unit of the axis."""
        return self._found.x, self._found.y

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._area.setBackground(theme.panel)
        for plot in (self.curve, self.check):
            colour_axes(plot, theme.ink, theme.faint)
            recolour(plot, theme.ink)
        faint = QColor(theme.faint)
        self._best.setPen(pg.mkPen(theme.accent, width=1))
        for item in (self._spread, self._off):
            item.setData(pen=pg.mkPen(faint, width=1))
        self._diagonal.setPen(pg.mkPen(faint, width=1))
        for points in (self._found, self._pairs):
            points.set_colours(theme.forward, None)

    def show_learning(self, model: RunModel) -> None:
        """Show how the agent of the step that goes on does."""
        learning = shown_learning(model)
        values = np.array(learning.values, dtype=float)
        means = np.array(learning.means, dtype=float)
        deviations = np.array(learning.deviations, dtype=float)
        finite = values[np.isfinite(values)]
        largest = float(np.abs(finite).max()) if finite.size else math.nan
        self._shown = shown_unit(learning.unit, largest, self._shown)
        values, means, deviations = (
            each * self._shown.per_unit for each in (values, means, deviations)
        )
        n = np.arange(1.0, len(values) + 1)
        name = self._label(learning.scalarizer or "value")
        best = format_quantity(float(finite.max()), learning.unit, 4) if finite.size else ""
        self._title(self.curve, *((name, f", best {best}") if best else ("learning curve",)))
        self._found.show(n[np.isfinite(values)], values[np.isfinite(values)])
        self._best.setData(n, np.fmax.accumulate(values) if len(values) else values)
        told = np.isfinite(means) & (deviations > 0)
        self._set_bars(self._spread, n[told], means[told], height=2 * deviations[told])
        self.check.setLabel("bottom", self._label("expected ± 1 sd"))
        self._title(self.check, self._label("found"))
        both = told & np.isfinite(values)
        self._pairs.show(means[both], values[both])
        self._set_bars(self._off, means[both], values[both], width=2 * deviations[both])
        ends = np.array([])
        if both.any():
            seen = np.concatenate([means[both], values[both]])
            ends = np.array([seen.min(), seen.max()])
        self._diagonal.setData(ends, ends)
        n_bad = len(values) - finite.size
        self.words.setText(f"{n_bad} no good · " * bool(n_bad) + calibration_words(model))

    def _label(self, name: str) -> str:
        name = name.replace("_", " ")
        return f"{name} [{self._shown.text}]" if self._shown.text else name

    def _title(self, plot: Any, words: str, kept: str = "") -> None:
        entitle(plot, words, self._theme.ink, kept)

    def _set_bars(self, item: Any, x: np.ndarray, y: np.ndarray, **extent: np.ndarray) -> None:
        item.setVisible(bool(len(x)))
        if len(x):
            item.setData(x=x, y=y, **extent)
