"""ImageView: the scan as it grows, with what was and may be measured on it."""

import math
from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from spm_auto.ear import Look
from spm_auto.errors import LimitExceeded
from spm_auto.instrument import Channel, FloatArray, PositionProbe, ScanImage

from .drawing import (
    NM,
    Shown,
    apart,
    colour_axes,
    label_axes,
    length_unit,
    look_up_table,
    outline,
    pen,
    percentiles,
    placed,
    said,
    shown_unit,
)
from .image_bar import ImageBar, turn
from .levelling import Levelling, levelled
from .marks import PlaceMark, SpectrumMarks, edge
from .patterns import PatternTools
from .qt import pg
from .run_model import GrowingScan, Part, RunModel
from .scales import ColourBar, ScaleBar
from .selection import Place, Selection
from .theme import Theme
from .view import View
from .wishes import Perform


class ImageView(View):
    """Shows a scan in the sample's coordinates; it follows the run until another is chosen."""

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._chosen = -1  # index of the scan; -1 follows
        self._drawn: tuple[object, ...] = ()
        self._levelled: tuple[tuple[object, ...], FloatArray | None] = ((), None)
        self._frame: object = None
        self._units: dict[str, Shown] = {}
        self._lengths: Shown | None = None
        self._levels = (math.nan, math.nan)
        self._colours = ""
        self._cursor: Place | None = None
        self._is_mine = False

        self.bar = ImageBar()
        self.words = QLabel("no scan yet")
        self.words.setProperty("role", "title")
        self.follow = QPushButton("Follow the newest")
        self.follow.setToolTip("Show the scan that is going on again (F)")
        self.follow.hide()
        self.readout = QLabel(" ")
        self.readout.setAccessibleName("value at the cursor")
        self.message = QLabel()
        self.message.setProperty("role", "alarm")
        self.message.setWordWrap(True)
        self.message.hide()
        self._make_plot()
        self.tools = PatternTools(selection, self.plot, theme)
        self._lay_out()
        self.set_theme(theme)
        self._connect()

    @property
    def scan(self) -> GrowingScan | None:
        """The scan that is shown; None before the first."""
        model = self._model
        if model is None:
            return None
        if 0 <= self._chosen < len(model.scans):
            return model.scans[self._chosen]
        return model.scan or (model.scans[-1] if model.scans else None)

    @property
    def channel(self) -> Channel | None:
        """The channel that is shown; None before the first scan."""
        return self.bar.channel

    @property
    def levels(self) -> tuple[float, float]:
        """Which values the colours span [SI]."""
        return self._levels

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        if model is not self._model:
            self._model, self._chosen, self._drawn = model, -1, ()
            changed = Part.ALL
        if changed & (Part.SCAN | Part.SCANS):
            self._show_scan()
        if changed & (Part.SPECTRA | Part.SCANS | Part.PROBE):
            self._show_spectra()
        if changed & Part.CHOICE:
            pending = model.pending
            self._next.show(None if pending is None else (pending.x, pending.y))
        if changed & Part.PROBE and model.probe is not None:
            self._tip.show(model.probe)
        if changed & Part.RUN:
            self.tools.set_limits(model.limits)

    def show_look(self, look: Look | None) -> None:
        """Show where the tip is, as read back."""
        if look is not None:
            self._tip.show(look.status.position)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.plots.setBackground(theme.panel)
        colour_axes(self.plot, theme.ink, theme.faint)
        self._scale_bar.set_theme(theme)
        self._colour_bar.set_theme(theme)
        self._marks.set_theme(theme)
        self.tools.set_theme(theme)
        self._tip.set_colours(theme.tip)
        self._place.set_colours(theme.accent)
        self._ghost.set_colours(theme.faint, width=1)
        self._next.set_colours(edge(theme), theme.proposal, width=1)
        self._edge.setPen(pen(theme.faint))
        self._line.setPen(pen(theme.accent))

    def _make_plot(self) -> None:
        self.plots = pg.GraphicsLayoutWidget()
        self.plot = self.plots.addPlot(row=0, col=0)
        self.plot.setAspectLocked(True)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.disableAutoRange()
        self.item = pg.ImageItem()
        self._edge, self._line = pg.PlotCurveItem(), pg.PlotCurveItem()
        for at, item in enumerate((self.item, self._edge, self._line)):
            item.setZValue(at)
            self.plot.addItem(item, ignoreBounds=True)
        self._colour_bar = ColourBar(self.plots, 0, 1, self.theme)
        self._scale_bar = ScaleBar(self.plot, self.theme)
        self._marks = SpectrumMarks(self.plot, self.theme)
        self._next = PlaceMark(self.plot, "d", 13, 30)
        self._place = PlaceMark(self.plot, "x", 11, 31)
        self._tip = PlaceMark(self.plot, "+", 17, 32)
        self._ghost = PlaceMark(self.plot, "+", 13, 33)
        self._set_lengths(Shown("nm", 1e9))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.follow)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 4)
        rows.setSpacing(4)
        rows.addLayout(top)
        rows.addWidget(self.bar)
        rows.addWidget(self.plots, 1)
        rows.addWidget(self.readout)
        rows.addWidget(self.tools)
        rows.addWidget(self.message)

    def _connect(self) -> None:
        selection = self.selection
        selection.scan_chosen.connect(self._choose_scan)
        selection.channel_chosen.connect(self._choose_channel)
        selection.spectra_chosen.connect(self._marks.choose)
        selection.place_chosen.connect(lambda x, y: self._place.show((x, y)))
        selection.cursor_moved.connect(self._follow_cursor)
        self.bar.channel_picked.connect(selection.channel_chosen)
        self.bar.changed.connect(self._show_scan)
        self.follow.clicked.connect(lambda: selection.scan_chosen.emit(-1))
        scene = self.plot.scene()
        scene.sigMouseMoved.connect(self._move)
        scene.sigMouseClicked.connect(self._click)
        for key, act in (
            ("C", lambda: self.bar.step(self.bar.channels)),
            ("B", lambda: self.bar.step(self.bar.directions)),
            ("L", lambda: self.bar.step(self.bar.levellings)),
            ("F", lambda: selection.scan_chosen.emit(-1)),
            ("Home", self.show_all),
        ):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def show_all(self) -> None:
        """Show the whole frame."""
        scan = self.scan
        if scan is None:
            return
        x, y = outline(scan.frame)
        self.plot.setRange(
            xRange=(x.min(), x.max()), yRange=(y.min(), y.max()), padding=0.03, update=True
        )

    def _choose_scan(self, index: int) -> None:
        self._chosen = index
        self._show_scan()
        self._show_spectra()

    def _choose_channel(self, name: str) -> None:
        scan = self.scan
        channels = () if scan is None else scan.started.channels
        found = next((channel for channel in channels if channel.name == name), None)
        if found is not None:
            self.bar.set_channel(found)
            self._show_scan()

    def _show_scan(self) -> None:
        """Draw the image, if anything of it is another one than was drawn."""
        scan = self.scan
        self._show_words(scan)
        if scan is None:
            self.item.clear()
            self._edge.setData([], [])
            self._drawn, self._frame = (), None
            return
        self.bar.set_channels(scan.started.channels)
        style, channel = self.bar.style_shown, self.bar.channel
        assert channel is not None
        has_image = scan.forward is not None
        of_data = (id(scan), scan.n_lines, channel.name, self.bar.is_backward, has_image)
        if (*of_data, style) == self._drawn:
            return
        self._drawn = (*of_data, style)
        if self._frame != scan.frame:
            self._frame = scan.frame
            self.item.setTransform(placed(scan.frame))
            self._edge.setData(*outline(scan.frame))
            self._set_lengths(length_unit(max(scan.frame.size), self._lengths))
            self.show_all()
        self._show_line(scan)
        measured = self._measured(scan.image(), channel)
        if measured is None:
            self.item.clear()
            return
        self._show_image(measured, channel, (*of_data, style.levelling))

    def _measured(self, image: ScanImage | None, channel: Channel) -> FloatArray | None:
        """Return a channel in the direction that is shown, as it was measured."""
        if image is None:
            return None
        at = [each.name for each in image.channels].index(channel.name)
        return np.asarray((image.backward if self.bar.is_backward else image.forward)[at])

    def _show_image(self, measured: FloatArray, channel: Channel, key: tuple[object, ...]) -> None:
        style = self.bar.style_shown
        if key != self._levelled[0]:  # once for each line that comes
            self._levelled = key, levelled(measured, style.levelling)
        image = self._levelled[1]
        assert image is not None
        if style.percentiles is not None:
            levels = percentiles(image, *style.percentiles)
        elif style.levels is not None:
            levels = style.levels
        else:
            known = percentiles(image, 0.0, 100.0)
            levels = None if known is None else turn(channel.unit, known[0])
        if levels is None:
            self.item.clear()
            return
        if image is not measured:  # what levelling leaves of a plane is no structure
            known = percentiles(measured, 0.0, 100.0) or (0.0, 0.0)
            levels = apart(*levels, 1e-6 * max(map(abs, known)))
        self._levels = levels
        largest = max(abs(level) for level in levels)
        unit = shown_unit(channel.unit, largest, self._units.get(channel.name))
        self._units[channel.name] = unit
        if style.colours != self._colours:
            self._colours = style.colours
            self.item.setLookupTable(look_up_table(style.colours))
            self._colour_bar.set_map(style.colours)
        self.item.setImage(image, autoLevels=False, levels=levels)
        self._colour_bar.show_levels(*levels, channel.name, unit)
        self.bar.show_levels(*levels)
        self._read_out()

    def _show_words(self, scan: GrowingScan | None) -> None:
        is_following = self._chosen < 0
        self.follow.setVisible(not is_following)
        if scan is None:
            self.words.setText("no scan yet")
            return
        lines = scan.frame.pixels[1]
        state = "whole" if scan.is_complete else ("broken off" if scan.is_over else "growing")
        text = f"scan {scan.index + 1}: {scan.started.instruction.purpose}, "
        text += f"{scan.n_lines} of {lines} lines ({state})"
        if scan.forward is None:
            text += " - not in memory any more; it is read again from the journal when opened there"
        self.words.setText(text if is_following else f"{text} - chosen, not the newest")

    def _show_line(self, scan: GrowingScan) -> None:
        """Show how far the scan has come."""
        if scan.is_over or scan.last_line < 0:
            self._line.setData([], [])
            return
        x, y = scan.frame.to_sample([scan.last_line] * 2, [-0.5, scan.frame.pixels[0] - 0.5])
        self._line.setData(x / NM, y / NM)

    def _show_spectra(self) -> None:
        model = self._model
        if model is None:
            return
        shown = [m for m in model.spectra if m.stage is None or model.stage in (None, m.stage)]
        self._marks.show([(m.spectrum.x, m.spectrum.y) for m in shown], [m.number for m in shown])

    def _set_lengths(self, unit: Shown) -> None:
        if unit != self._lengths:
            self._lengths = unit
            label_axes(self.plot, unit)

    def _place_at(self, scene: QPointF) -> Place | None:
        """Return which place of the sample the mouse is over [m]; None beside the plot."""
        box = self.plot.getViewBox()
        if not box.sceneBoundingRect().contains(scene):
            return None
        at = box.mapSceneToView(scene)
        return float(at.x()) * NM, float(at.y()) * NM

    def _move(self, scene: QPointF) -> None:
        self._cursor = self._place_at(scene)
        self._ghost.show(None)
        if self._cursor is not None:
            self._is_mine = True
            self.selection.cursor_moved.emit(*self._cursor)
            self._is_mine = False
        self._read_out()

    def _follow_cursor(self, x: float, y: float) -> None:
        if not self._is_mine:
            self._cursor = x, y
            self._ghost.show(self._cursor)
            self._read_out()

    def _read_out(self) -> None:
        """Say what was measured at the cursor, with units."""
        scan, channel, unit = self.scan, self.bar.channel, self._lengths
        if self._cursor is None or scan is None or channel is None or unit is None:
            self.readout.setText(" ")
            return
        x, y = self._cursor
        text = f"x {unit(x)}   y {unit(y)}"
        line, pixel = (int(np.rint(v)) for v in scan.frame.to_pixel(x, y))
        image = self._measured(scan.image(), channel)
        rows, columns = scan.frame.shape
        if image is not None and 0 <= line < rows and 0 <= pixel < columns:
            measured = image[line, pixel]
            text += f"   line {line + 1}, pixel {pixel + 1}   {channel.name} "
            text += (
                said(float(measured), channel.unit)
                if math.isfinite(measured)
                else "not measured yet"
            )
            seen = self._levelled[1]
            is_levelled = self.bar.style_shown.levelling is not Levelling.NONE
            if is_levelled and seen is not None and math.isfinite(seen[line, pixel]):
                text += f"   (in this view {said(float(seen[line, pixel]), channel.unit)})"
        self.readout.setText(text)

    def _click(self, event: Any) -> None:
        place = self._place_at(event.scenePos())
        if place is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self.tools.click(place):
            return
        if event.double():
            self._send(place)
            return
        mark = self._marks.at(*place)
        if mark is None:
            self.selection.place_chosen.emit(*place)
            return
        chosen: tuple[int, ...] = (mark,)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            others = tuple(i for i in self._marks.chosen if i != mark)
            chosen = others if mark in self._marks.chosen else (*others, mark)
        self.selection.spectra_chosen.emit(chosen)

    def _send(self, place: Place) -> None:
        """Wish the tip to be there; what lies outside the limits is refused here already."""
        limits = None if self._model is None else self._model.limits
        try:
            if limits is not None:
                limits.check_point(*place)
        except LimitExceeded as error:
            self.message.setText(str(error))
            self.message.show()
            return
        self.message.hide()
        self.wished.emit(Perform((PositionProbe(*place),), "sent by a double click"))
