"""RangeView: the whole range of the scanner, with frame, tip, images so far and closed zones."""

from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from spm_auto.ear import Look
from spm_auto.instrument import InstrumentState, Limits, PositionProbe, ScanFrame
from spm_auto.units import format as format_quantity

from ..common.chosen import FOLLOW, chosen_scan
from ..common.drawing import NM, Shown, colour_axes, label_axes, length_unit, outline, pen
from ..common.fields import Range
from ..common.marks import PlaceMark, TipMark
from ..common.one_line import OneLine
from ..common.qt import pg
from ..common.refusals import RefusalLabel, refusal
from ..common.scales import ScaleBar
from ..common.selection import Place, Selection
from ..common.theme import Theme
from ..common.view import View
from ..common.zones import ZoneMarks, is_finite, reach_of, zones_of
from ..run.run_model import Part, RunModel
from ..run.wishes import Perform
from .frames import DraggedFrame, in_words
from .thumbnails import Thumbnails
from .z_gauge import ZGauge

_SEND = "To the place that was clicked (or double click)"
_AWAY = (InstrumentState.LOST, InstrumentState.CLOSED)
_FIRST_SHARE = 0.5  # of the frame that is scanned: what is proposed at first


class RangeView(View):
    """Shows where everything is, proposes frames by dragging, and sends the tip on a double click.

    What is shown of the tip is what the instrument reads back; while nobody looks, the journal.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._channel = ""
        self._scanned: ScanFrame | None = None
        self._bounds: tuple[Range, Range] | None = None
        self._kept: tuple[Range, Range] | None = None  # what is looked at until somebody zooms
        self._is_mine = False

        self.words, self.proposal = OneLine("no frame yet", "title"), OneLine(role="faint")
        self.message = RefusalLabel()
        self.propose = _button("&Propose", "Draw a frame that may be scanned next; drag it")
        self.propose.setCheckable(True)
        self.send = _button("Send t&ip", _SEND)
        self.send.setEnabled(False)
        self.whole = _button("Ra&nge", "Show all that the probe may reach")
        self.near = _button("Frame", "Show the frame that is scanned")
        self.gauge = ZGauge(theme)
        self._make_plot()
        self._lay_out()
        self.set_theme(theme)
        self._connect()

    @property
    def tip(self) -> Place | None:
        """Where the tip is shown [m]; None while nobody knows."""
        return self._tip.place

    @property
    def _limits(self) -> Limits | None:
        return None if self._model is None else self._model.limits

    @property
    def place(self) -> Place | None:
        """The place that was clicked [m]; None before."""
        return self._place.place

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        if model is not self._model:
            self._model, self._scanned, self._bounds = model, None, None
            self._reach.setData([], [])
            changed = Part.ALL
        if changed & (Part.RUN | Part.CHOICE | Part.PROBE):
            self._show_limits(model)
        if changed & (Part.SCAN | Part.SCANS):
            self._show_frame(model)
        if changed & (Part.SCAN | Part.SCANS | Part.PROBE):
            self._show_thumbnails()
        if changed & Part.PROBE:
            self._tip.take_run(model.probe)

    def show_look(self, look: Look | None) -> None:
        """Show where the tip is, as read back; the journal's last word where nobody can tell."""
        if look is not None and look.status.state in _AWAY:  # it tells what was so before
            look = None
        self._tip.take_look(look)
        if look is None:
            self.gauge.show_vitals(None, None)
        else:
            self.gauge.show_vitals(look.vitals, look.status.is_engaged)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.plots.setBackground(theme.panel)
        colour_axes(self.plot, theme.ink, theme.faint)
        self._scale_bar.set_theme(theme)
        self._zones.set_theme(theme)
        self._dragged.set_theme(theme)
        self.gauge.set_theme(theme)
        self._reach.setPen(pen(theme.ink))
        self._frame.setPen(pg.mkPen(theme.frame, width=2))
        self._tip.set_theme(theme)
        self._place.set_colours(theme.accent)
        self._ghost.set_colours(theme.faint, width=1)

    def show_whole(self) -> None:
        """Show all that the probe may reach."""
        if self._bounds is not None:
            (left, right), (bottom, top) = self._bounds
            self._look_at((left, right), (bottom, top))

    def show_near(self) -> None:
        """Show the frame that is scanned, and what lies around it."""
        if self._scanned is not None:
            x, y = outline(self._scanned)
            (left, right), (bottom, top) = (
                (float(v.min()) * NM, float(v.max()) * NM) for v in (x, y)
            )
            across, up = (right - left) * 0.25, (top - bottom) * 0.25
            self._look_at((left - across, right + across), (bottom - up, top + up))

    def _make_plot(self) -> None:
        self.plots = pg.PlotWidget()
        self.plots.setAccessibleName("range of the scanner")
        self.plot = self.plots.getPlotItem()
        self.plot.setAspectLocked(True)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.disableAutoRange()
        self._lengths: Shown | None = None
        self._thumbnails = Thumbnails(self.plot)
        self._reach, self._frame = pg.PlotCurveItem(), pg.PlotCurveItem()
        for at, item in enumerate((self._reach, self._frame)):
            item.setZValue(20 + at)
            self.plot.addItem(item, ignoreBounds=True)
        self._zones = ZoneMarks(self.plot, self.theme)
        self._place = PlaceMark(self.plot, "x", 11, 60)
        self._tip = TipMark(self.plot)
        self._ghost = PlaceMark(self.plot, "+", 13, 62)
        self._scale_bar = ScaleBar(self.plot, self.theme)
        self._dragged = DraggedFrame(self.plot, self.theme, self._drag)

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(4)
        middle.addWidget(self.plots, 1)
        middle.addWidget(self.gauge)
        buttons = QHBoxLayout()
        for button in (self.propose, self.send, self.whole, self.near):
            buttons.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 4)
        rows.setSpacing(4)
        rows.addWidget(self.words)
        rows.addLayout(middle, 1)
        rows.addWidget(self.proposal)
        rows.addWidget(self.message)
        rows.addLayout(buttons)

    def _connect(self) -> None:
        selection = self.selection
        selection.frame_proposed.connect(self._take_proposal)
        selection.place_chosen.connect(self._choose_place)
        selection.channel_chosen.connect(self._choose_channel)
        selection.cursor_moved.connect(self._follow_cursor)
        selection.forgotten.connect(self._forget)
        self.propose.toggled.connect(self._begin_proposal)
        self.send.clicked.connect(lambda: self._send(self.place, "sent to the place chosen"))
        self.whole.clicked.connect(self.show_whole)
        self.near.clicked.connect(self.show_near)
        box = self.plot.getViewBox()
        box.sigRangeChangedManually.connect(lambda *_: self._let_zoom())
        box.sigResized.connect(lambda *_: self._keep_looking())
        scene = self.plot.scene()
        scene.sigMouseMoved.connect(self._move)
        scene.sigMouseClicked.connect(self._click)

    def _forget(self) -> None:
        """Forget which place was clicked in the run before: the tip must not be sent there."""
        for mark in (self._place, self._ghost):
            mark.show(None)
        self.send.setEnabled(False)
        self.send.setToolTip(_SEND)
        if self.propose.isChecked() and (frame := self._dragged.frame) is not None:
            self._say_proposal(frame)
        else:
            self.message.say("")

    # what the run says

    def _show_limits(self, model: RunModel) -> None:
        self._zones.show(zones_of(model.limits, model.forbidden, model.stage))
        bounds = reach_of(model.limits, self._scanned)
        if bounds is None or bounds == self._bounds:
            return
        self._bounds = bounds
        (left, right), (bottom, top) = bounds
        edges = ((left, right, right, left, left), (bottom, bottom, top, top, bottom))
        is_known = model.limits is not None and is_finite(model.limits)
        self._reach.setData(*(np.array(edge) / NM for edge in edges) if is_known else ([], []))
        self._lengths = length_unit(max(right - left, top - bottom), self._lengths)
        label_axes(self.plot, self._lengths)
        self.show_whole()

    def _show_frame(self, model: RunModel) -> None:
        scan = chosen_scan(model, FOLLOW)
        if scan is None:
            self._scanned = None
            self.words.say("no frame yet", "title")
            self._frame.setData([], [])
            return
        if scan.frame == self._scanned:
            return
        self._scanned = scan.frame
        self._frame.setData(*outline(scan.frame))
        self.words.say(f"scan {scan.index + 1}: {in_words(scan.frame)}", "title")
        self._show_limits(model)

    # what a human proposes

    def _begin_proposal(self, is_wanted: bool) -> None:
        if not is_wanted:
            self._dragged.show(None)
            self.proposal.say("", "faint")
            self.message.say("")
            return
        frame = self.selection.frame
        if frame is None and self._scanned is not None:
            width, height = (_FIRST_SHARE * length for length in self._scanned.size)
            now = self._scanned
            frame = ScanFrame(now.center, (width, height), now.pixels, now.angle)
        if frame is None and self._bounds is not None:
            (left, right), (bottom, top) = self._bounds
            side = _FIRST_SHARE * min(right - left, top - bottom)
            frame = ScanFrame(((left + right) / 2, (bottom + top) / 2), (side, side))
        if frame is None:
            self.propose.setChecked(False)
            self.message.say("nothing can be proposed before the range is known")
            return
        self._drag(frame, True)

    def _drag(self, frame: ScanFrame, is_over: bool) -> None:
        """Say what is drawn, and tell the other views when it is let go of."""
        self._say_proposal(frame)
        if is_over:
            self.selection.frame_proposed.emit(frame)

    def _take_proposal(self, frame: ScanFrame) -> None:
        """Show a frame that was proposed, here or in a panel."""
        if self._dragged.frame != frame:
            self._dragged.show(frame)
        self.propose.blockSignals(True)
        self.propose.setChecked(True)
        self.propose.blockSignals(False)
        self._say_proposal(frame)

    def _say_proposal(self, frame: ScanFrame) -> None:
        fault = refusal(self._limits, lambda limits: limits.check_frame(frame))
        self._dragged.allow(not fault)
        self.proposal.say(f"proposed: {in_words(frame)}", "faint")
        self.message.say(fault)

    def _choose_place(self, x: float, y: float) -> None:
        self._place.show((x, y))
        self.send.setEnabled(True)
        where = f"({format_quantity(x, 'm', 4)}, {format_quantity(y, 'm', 4)})"
        self.send.setToolTip(f"To {where}, the place that was clicked; a double click does it too")

    def _choose_channel(self, name: str) -> None:
        self._channel = name
        self._show_thumbnails()

    def _show_thumbnails(self) -> None:
        """Show the images that were taken where the stage stands now; others lie elsewhere."""
        model = self._model
        if model is not None:
            here = [scan for scan in model.images if scan.stage in (None, model.stage)]
            self._thumbnails.show(here, self._channel)

    def _send(self, place: Place | None, why: str) -> None:
        """Wish the tip to be there; what lies outside the limits is refused here already."""
        if place is None:
            return
        fault = refusal(self._limits, lambda limits: limits.check_point(*place))
        self.message.say(fault)
        if not fault:
            self.wished.emit(Perform((PositionProbe(*place),), why))

    # the mouse

    def _place_at(self, scene: QPointF) -> Place | None:
        box = self.plot.getViewBox()
        if not box.sceneBoundingRect().contains(scene):
            return None
        at = box.mapSceneToView(scene)
        return float(at.x()) * NM, float(at.y()) * NM

    def _move(self, scene: QPointF) -> None:
        place = self._place_at(scene)
        self._ghost.show(None)
        if place is not None:
            self._is_mine = True
            self.selection.cursor_moved.emit(*place)
            self._is_mine = False

    def _follow_cursor(self, x: float, y: float) -> None:
        if not self._is_mine:
            self._ghost.show((x, y))

    def _click(self, event: Any) -> None:
        place = self._place_at(event.scenePos())
        if place is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self._send(place, "sent by a double click")
        else:
            self.selection.place_chosen.emit(*place)

    def _let_zoom(self) -> None:
        self._kept = None

    def _keep_looking(self) -> None:
        """Look at the same in a view of another size."""
        if self._kept is not None:
            self._look_at(*self._kept)

    def _look_at(self, x: Range, y: Range) -> None:
        self._kept = x, y
        self.plot.setRange(
            xRange=tuple(v / NM for v in x), yRange=tuple(v / NM for v in y), padding=0.04
        )


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
