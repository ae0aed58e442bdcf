"""ProfileView: the newest line of a scan, forward and backward, or one that was picked."""

import math

import numpy as np
from PyQt6.QtCore import QPointF
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QVBoxLayout

from spm_auto.instrument import Channel, FloatArray

from ..common.chosen import FOLLOW, chosen_scan
from ..common.drawing import Shown, apart, colour_axes, length_unit, pen, said, shown_unit
from ..common.qt import pg
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.growing_scan import GrowingScan
from ..run.run_model import Part, RunModel

_MARGIN = 0.08  # above and below the curves
_TOO_WIDE = 0.35  # share of the axis that the curves take at least, or it is made narrower


class ProfileView(View):
    """Shows a line forward and backward. A click on the image picks the line at that place."""

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._chosen = FOLLOW
        self._channel = ""
        self._drawn: tuple[object, ...] = ()
        self._units: dict[str, Shown] = {}
        self._lengths: Shown | None = None
        self._range = (math.nan, math.nan)
        self.curves: dict[str, FloatArray] = {}  # [SI]
        self.distance = np.empty(0)  # [m]

        self.words = QLabel("no line yet")
        self.words.setProperty("role", "title")
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.newest = QCheckBox("newest")
        self.newest.setChecked(True)
        self.newest.setToolTip("Show each line as it comes; without it, the line that was picked")
        self.line = QSpinBox()
        self.line.setPrefix("line ")
        self.line.setRange(1, 1)
        self.line.setAccessibleName("line that is shown")
        self.line.setKeyboardTracking(False)
        self.flat = QCheckBox("without slope")
        self.flat.setToolTip("Take the slope of the forward line out of both, in this view only")
        self.view_only = QLabel("view only")
        self.view_only.setProperty("role", "warning")
        self.view_only.hide()
        self.readout = QLabel(" ")
        self.plots = pg.PlotWidget()
        self.plots.setAccessibleName("profile of a line")
        self.plot = self.plots.getPlotItem()
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=True, y=False)
        self.plot.disableAutoRange()
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.getAxis("left").setWidth(70)
        self._forward, self._backward = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._legend = QLabel()
        for item in (self._backward, self._forward):
            self.plot.addItem(item)
        self._lay_out()
        self.set_theme(theme)
        selection.scan_chosen.connect(self._choose_scan)
        selection.channel_chosen.connect(self._choose_channel)
        selection.place_chosen.connect(self._pick)
        selection.forgotten.connect(lambda: self.newest.setChecked(True))
        self.newest.toggled.connect(lambda _: self._show())
        self.flat.toggled.connect(self._flatten)
        self.line.valueChanged.connect(self._pick_line)
        self.plot.scene().sigMouseMoved.connect(self._move)

    @property
    def scan(self) -> GrowingScan | None:
        """The scan of which a line is shown; None before the first."""
        return chosen_scan(self._model, self._chosen)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show the newest line, where it is wanted."""
        if model is not self._model:
            self._model, self._chosen, self._drawn = model, FOLLOW, ()
            changed = Part.ALL
        if changed & (Part.SCAN | Part.SCANS):
            self._show()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.plots.setBackground(theme.panel)
        colour_axes(self.plot, theme.ink, theme.faint)
        self._forward.setPen(pen(theme.forward))
        self._backward.setPen(pen(theme.backward))
        self._legend.setText(
            f'<span style="color:{theme.forward}">━ forward</span>&nbsp;&nbsp;'
            f'<span style="color:{theme.backward}">━ backward</span>'
        )

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self._legend)
        top.setSpacing(10)
        top.addWidget(self.readout)
        top.addWidget(self.view_only)
        top.addWidget(self.flat)
        top.addWidget(self.newest)
        top.addWidget(self.line)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 4)
        rows.setSpacing(4)
        rows.addLayout(top)
        rows.addWidget(self.plots, 1)

    def _choose_scan(self, index: int) -> None:
        self._chosen = index
        self._show()

    def _choose_channel(self, name: str) -> None:
        self._channel = name
        self._show()

    def _pick(self, x: float, y: float) -> None:
        """Show the line nearest to a place [m] of the frame; elsewhere nothing changes."""
        scan = self.scan
        if scan is None:
            return
        line, pixel = (int(np.rint(v)) for v in scan.frame.to_pixel(x, y))
        rows, columns = scan.frame.shape
        if 0 <= line < rows and 0 <= pixel < columns:
            self.line.setRange(1, rows)
            self.line.setValue(line + 1)
            self._pick_line()

    def _pick_line(self) -> None:
        self.newest.setChecked(False)
        self._show()

    def _flatten(self, is_flat: bool) -> None:
        self.view_only.setVisible(is_flat)
        self._range = (math.nan, math.nan)
        self._show()

    def _show(self) -> None:
        scan = self.scan
        if scan is None or scan.forward is None or scan.backward is None:
            self._show_nothing(scan)
            return
        channels = scan.started.channels
        names = [channel.name for channel in channels]
        at = names.index(self._channel) if self._channel in names else 0
        is_newest = self.newest.isChecked()
        line = scan.last_line if is_newest else min(self.line.value(), scan.frame.pixels[1]) - 1
        is_known = line >= 0 and bool(np.isfinite(scan.forward[at, line]).any())
        key: tuple[object, ...] = (
            id(scan),
            at,
            line,
            is_known,
            is_newest,
            scan.n_lines if is_newest else 0,
        )
        key = (*key, self.flat.isChecked())
        if key == self._drawn:
            return
        self._drawn = key
        self.line.blockSignals(True)
        self.line.setRange(1, scan.frame.pixels[1])
        self.line.setValue(max(line, 0) + 1)
        self.line.blockSignals(False)
        if not is_known:
            self._show_nothing(scan)
            return
        self._draw(scan, channels[at], at, line)

    def _draw(self, scan: GrowingScan, channel: Channel, at: int, line: int) -> None:
        assert scan.forward is not None
        assert scan.backward is not None
        forward, backward = scan.forward[at, line], scan.backward[at, line]
        self.curves = {"forward": forward.copy(), "backward": backward.copy()}
        width = scan.frame.size[0]
        self.distance = (np.arange(forward.size) + 0.5) * width / forward.size
        lengths = length_unit(width, self._lengths)
        if self.flat.isChecked():
            slope = _slope(self.distance / width, forward)
            forward, backward = forward - slope, backward - slope
        both = np.concatenate([forward, backward])
        low, high = float(np.nanmin(both)), float(np.nanmax(both))
        unit = shown_unit(channel.unit, max(abs(low), abs(high)), self._units.get(channel.name))
        if (channel.name, unit, lengths) != self.property("labels"):
            self.setProperty("labels", (channel.name, unit, lengths))
            self.plot.getAxis("left").setLabel(f"[{unit.text}]")  # its name stands above
            self.plot.getAxis("bottom").setLabel(f"along the line [{lengths.text}]")
            self._range = (math.nan, math.nan)
        self._units[channel.name], self._lengths = unit, lengths
        x = self.distance * lengths.per_unit
        self._forward.setData(x, forward * unit.per_unit, connect="finite")
        self._backward.setData(x, backward * unit.per_unit, connect="finite")
        self._set_range(width * lengths.per_unit, low * unit.per_unit, high * unit.per_unit)
        which = "" if self.newest.isChecked() else ", picked"
        self.words.setText(f"{channel.name}, scan {scan.index + 1}{which}")

    def _set_range(self, width: float, low: float, high: float) -> None:
        """Widen the axis at once, narrow it only where the curves have become small in it."""
        low, high = apart(low, high)
        bottom, top = self._range
        is_inside = bottom <= low and high <= top
        if is_inside and high - low > _TOO_WIDE * (top - bottom):
            wanted = self._range
        else:
            margin = _MARGIN * (high - low)
            wanted = (low - margin, high + margin)
        if (width, *wanted) != self.property("range"):
            self.setProperty("range", (width, *wanted))
            self._range = wanted
            self.plot.setRange(xRange=(0.0, width), yRange=wanted, padding=0)

    def _show_nothing(self, scan: GrowingScan | None) -> None:
        self.curves = {}
        self._forward.setData([], [])
        self._backward.setData([], [])
        self.readout.setText(" ")
        if scan is None:
            self.words.setText("no line yet")
        elif scan.forward is None:
            self.words.setText(f"scan {scan.index + 1} is not in memory any more")
        else:
            why = "has no values" if scan.is_over else "was not measured yet"
            self.words.setText(f"scan {scan.index + 1}: this line {why}")

    def _move(self, scene: QPointF) -> None:
        """Say what both curves are at the mouse, and show the place in the other views."""
        box = self.plot.getViewBox()
        scan, lengths = self.scan, self._lengths
        if scan is None or lengths is None or not self.curves:
            return
        if not box.sceneBoundingRect().contains(scene):
            self.readout.setText(" ")
            return
        along = float(box.mapSceneToView(scene).x()) / lengths.per_unit
        pixel = int(along / scan.frame.size[0] * self.distance.size)
        if not 0 <= pixel < self.distance.size:
            return
        channels = {channel.name: channel for channel in scan.started.channels}
        channel = channels.get(self._channel, scan.started.channels[0])
        words = "   ".join(
            f"{side} {said(float(curve[pixel]), channel.unit)}"
            for side, curve in self.curves.items()
        )
        self.readout.setText(f"{lengths(along)}   {words}")
        x, y = scan.frame.to_sample(self.line.value() - 1, pixel)
        self.selection.cursor_moved.emit(float(x), float(y))


def _slope(x: FloatArray, values: FloatArray) -> FloatArray:
    """Return the straight line that fits values best, shape (n,); their mean where few are known.

    Args:
        x: Where they are, shape (n,).
        values: Shape (n,); missing is NaN.
    """
    known = np.isfinite(values)
    if known.sum() < 2:
        return np.full(values.size, np.nanmean(values) if known.any() else 0.0)
    slope, start = np.polyfit(x[known], values[known], 1)
    return np.asarray(start + slope * x)
