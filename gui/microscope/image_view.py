"""ImageView: the scan as it grows, with what was and may be measured on it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from spm_auto.ear import Look
from spm_auto.instrument import Channel, FloatArray, PositionProbe

from ..common.chosen import FOLLOW, chosen_scan
from ..common.drawing import Shown, shown_unit
from ..common.refusals import RefusalLabel, refusal
from ..common.selection import Place, Selection
from ..common.theme import Theme
from ..common.view import View
from ..common.zones import zones_of
from ..run.growing_scan import GrowingScan
from ..run.run_model import Part, RunModel
from ..run.wishes import Perform
from .image_bar import ImageBar, Style, levels_of
from .image_plot import ImagePlot
from .image_words import pixel_at, place_in_words, scan_in_words
from .levelling import Levelling, levelled
from .patterns import PatternTools, Tool

_READOUT = 280  # [pixels] that the words at the cursor need at least
_CALM = 0.01  # of the span of the colours: levels that move less while an image grows stay


class ImageView(View):
    """Shows a scan in the sample's coordinates; it follows the run until another is chosen.

    A click on a spectrum chooses it (with Ctrl more of them), a click elsewhere chooses a place, a
    double click sends the tip there. Keys: C channel, B direction, L levelling, F follow, Home all.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._chosen = FOLLOW
        self._drawn: tuple[object, ...] = ()
        self._levelled: tuple[tuple[object, ...], FloatArray | None] = ((), None)
        self._units: dict[str, Shown] = {}
        self._levels = (math.nan, math.nan)
        self._levels_of: tuple[object, ...] = ()
        self._cursor: Place | None = None
        self._is_mine = False
        self._refused = ""

        self.bar = ImageBar()
        self.picture = ImagePlot(theme)
        self.plot = self.picture.plot
        self.tools = PatternTools(selection, self.plot, theme)
        self.words = QLabel("no scan yet")
        self.words.setProperty("role", "title")
        self.follow = QPushButton("Follow the newest")
        self.follow.setToolTip("Show the scan that is going on again (F)")
        self.follow.hide()
        self.whole = QPushButton("Whole frame")
        self.whole.setToolTip("Look at the whole frame again, after zooming with the wheel (Home)")
        self.readout = QLabel(" ")
        self.readout.setAccessibleName("value at the cursor")
        for label in (self.words, self.readout):  # long words do not widen the window
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.message = RefusalLabel()
        self._lay_out()
        self.set_theme(theme)
        self._connect()

    @property
    def scan(self) -> GrowingScan | None:
        """The scan that is shown; None before the first."""
        return chosen_scan(self._model, self._chosen)

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
            self._model, self._chosen, self._drawn = model, FOLLOW, ()
            self._levelled = (), None
            changed = Part.ALL
        if changed & (Part.SCAN | Part.SCANS):
            self._show_scan()
        if changed & (Part.SPECTRA | Part.SCANS):
            self._show_spectra()
        if changed & Part.CURVES:
            curves = [each.curve for each in model.curves]
            self.picture.curves.show([(c.x, c.y) for c in curves], range(len(curves)))
        if changed & (Part.RUN | Part.CHOICE | Part.PROBE):
            self.picture.zones.show(zones_of(model.limits, model.forbidden, model.stage))
        if changed & Part.CHOICE:
            pending = model.pending
            self.picture.next.show(None if pending is None else (pending.x, pending.y))
        if changed & Part.PROBE:
            self.picture.tip.take_run(model.probe)
            self._say_message()
        if changed & Part.RUN:
            self.tools.set_limits(model.limits)

    def show_look(self, look: Look | None) -> None:
        """Show where the tip is, as read back."""
        self.picture.tip.take_look(look)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.picture.set_theme(theme)
        self.tools.set_theme(theme)

    def show_all(self) -> None:
        """Look at the whole frame."""
        self.picture.show_all()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.follow)
        top.addWidget(self.whole)
        self._bottom = bottom = QHBoxLayout()
        bottom.setSpacing(10)
        bottom.addWidget(self.tools)
        bottom.addWidget(self.readout, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 4)
        rows.setSpacing(4)
        rows.addLayout(top)
        rows.addWidget(self.bar)
        rows.addWidget(self.picture.widget, 1)
        rows.addLayout(bottom)
        rows.addWidget(self.message)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Give what is read out a line of its own where there is no room beside the tools."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        is_narrow = self.width() - self.tools.sizeHint().width() < _READOUT
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._bottom.setDirection(down if is_narrow else across)

    def _connect(self) -> None:
        selection = self.selection
        selection.pattern_drawn.connect(lambda _: self._make_room())
        selection.scan_chosen.connect(self._choose_scan)
        selection.channel_chosen.connect(self._choose_channel)
        selection.spectra_chosen.connect(self.picture.spectra.choose)
        selection.place_chosen.connect(lambda x, y: self.picture.place.show((x, y)))
        selection.cursor_moved.connect(self._follow_cursor)
        selection.forgotten.connect(self._forget)
        self.bar.channel_picked.connect(selection.channel_chosen)
        self.bar.changed.connect(self._show_scan)
        self.follow.clicked.connect(lambda: selection.scan_chosen.emit(FOLLOW))
        self.whole.clicked.connect(self.show_all)
        scene = self.plot.scene()
        scene.sigMouseMoved.connect(self._move)
        scene.sigMouseClicked.connect(self._click)
        acts: tuple[tuple[str, Callable[[], None]], ...] = (
            ("C", lambda: self.bar.step(self.bar.channels)),
            ("B", lambda: self.bar.step(self.bar.directions)),
            ("L", lambda: self.bar.step(self.bar.levellings)),
            ("F", lambda: selection.scan_chosen.emit(FOLLOW)),
            ("Home", self.show_all),
        )
        for key, act in acts:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def _forget(self) -> None:
        """Forget what a human did in the run before."""
        self._cursor, self._refused = None, ""
        self.picture.place.show(None)
        self.picture.following.show(None)
        self.tools.choose(Tool.LOOK)
        self._say_message()
        self._read_out()

    # the image

    def _choose_scan(self, index: int) -> None:
        self._chosen = index
        self._show_scan()
        self._show_spectra()
        self._say_message()

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
            self.picture.set_frame(None)
            self._drawn = ()
            return
        self.bar.set_channels(scan.started.channels)
        style, channel = self.bar.style_shown, self.bar.channel
        assert channel is not None
        measured = self._measured(scan, channel)
        of_data = (id(scan), scan.n_lines, channel.name, self.bar.is_backward, measured is None)
        if (*of_data, scan.is_over, style) == self._drawn:
            return
        self._drawn = (*of_data, scan.is_over, style)
        self.picture.set_frame(scan.frame)
        is_growing = not scan.is_over and scan.last_line >= 0
        self.picture.set_line(scan.last_line if is_growing else None)
        if measured is None:
            self.picture.clear()
            return
        key = (*of_data, style.levelling)
        if key != self._levelled[0]:  # once for each line that comes
            self._levelled = key, levelled(measured, style.levelling)
        self._show_image(measured, channel, style)
        self._read_out()

    def _measured(self, scan: GrowingScan, channel: Channel) -> FloatArray | None:
        """Return a channel in the direction that is shown, as measured; None where let go of."""
        images = scan.backward if self.bar.is_backward else scan.forward
        if images is None:
            return None
        return np.asarray(images[scan.started.channels.index(channel)])

    def _show_image(self, measured: FloatArray, channel: Channel, style: Style) -> None:
        image = self._levelled[1]
        assert image is not None
        levels = levels_of(image, measured, channel, style)
        if levels is None:
            self.picture.clear()
            return
        self._levels = levels = self._calmed(levels, style)
        largest = max(map(abs, levels))
        unit = shown_unit(channel.unit, largest, self._units.get(channel.name))
        self._units[channel.name] = unit
        self.picture.show_image(image, levels, style.colours, channel.name, unit)
        self.bar.show_levels(*levels)

    def _calmed(self, levels: tuple[float, float], style: Style) -> tuple[float, float]:
        """Return the levels of before where those of a growing image are nearly the same."""
        scan, channel = self.scan, self.bar.channel
        key = (id(scan), scan is not None and scan.is_over, channel, self.bar.is_backward, style)
        is_same, self._levels_of = key == self._levels_of, key
        moved = max(abs(new - old) for new, old in zip(levels, self._levels, strict=True))
        is_near = is_same and moved < _CALM * (levels[1] - levels[0])
        return self._levels if is_near else levels

    def _show_words(self, scan: GrowingScan | None) -> None:
        is_following = self._chosen == FOLLOW
        self.follow.setVisible(not is_following)
        self.words.setText(scan_in_words(scan, is_following))

    def _show_spectra(self) -> None:
        model = self._model
        if model is None:
            return
        scan = self.scan
        stage = model.stage if scan is None else scan.stage
        shown = [m for m in model.spectra if stage is None or m.stage in (None, stage)]
        self.picture.spectra.show(
            [(m.spectrum.x, m.spectrum.y) for m in shown], [m.number for m in shown]
        )

    @property
    def _elsewhere(self) -> str:
        """Why places of this image are not where the probe would go; empty where they are."""
        scan, model = self.scan, self._model
        if scan is None or model is None or scan.stage in (None, model.stage):
            return ""
        return "the stage has moved since this image: its places are not where the tip would go"

    def _say_message(self) -> None:
        self.message.say(self._elsewhere or self._refused)
        self.picture.tip.set_visible(not self._elsewhere)

    # the mouse

    def _move(self, scene: QPointF) -> None:
        self._cursor = self.picture.place_at(scene)
        self.picture.following.show(None)
        if self._cursor is not None:
            self._is_mine = True
            self.selection.cursor_moved.emit(*self._cursor)
            self._is_mine = False
        self._read_out()

    def _follow_cursor(self, x: float, y: float) -> None:
        if not self._is_mine:
            self._cursor = x, y
            self.picture.following.show(self._cursor)
            self._read_out()

    def _read_out(self) -> None:
        """Say what was measured at the cursor, with units."""
        scan, channel = self.scan, self.bar.channel
        if self._cursor is None or scan is None or channel is None:
            self.readout.setText(" ")
            return
        at = pixel_at(scan, self._cursor)
        is_levelled = self.bar.style_shown.levelling is not Levelling.NONE
        self.readout.setText(
            place_in_words(
                self._cursor,
                at,
                channel,
                self.picture.lengths,
                self._measured(scan, channel),
                self._levelled[1] if is_levelled else None,
            )
        )
        self.readout.setToolTip("" if at is None else f"line {at[0] + 1}, pixel {at[1] + 1}")

    def _click(self, event: Any) -> None:
        place = self.picture.place_at(event.scenePos())
        if place is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self.tools.click(place):
            return
        if event.double():
            self._send(place)
            return
        marks = self.picture.spectra
        mark = marks.at(*place)
        if mark is None:
            self.selection.place_chosen.emit(*place)
            return
        chosen: tuple[int, ...] = (mark,)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            others = tuple(number for number in marks.chosen if number != mark)
            chosen = others if mark in marks.chosen else (*others, mark)
        self.selection.spectra_chosen.emit(chosen)

    def _send(self, place: Place) -> None:
        """Wish the tip to be there; what lies outside the limits is refused here already."""
        limits = None if self._model is None else self._model.limits
        fault = self._elsewhere or refusal(limits, lambda limits: limits.check_point(*place))
        self._refused = fault
        self._say_message()
        if not fault:
            self.wished.emit(Perform((PositionProbe(*place),), "sent by a double click"))
