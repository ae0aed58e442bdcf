"""ProposalView: what is proposed, and every way to overrule it; what was done is in the journal."""

import math
from dataclasses import replace

import numpy as np
from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QTabWidget, QVBoxLayout, QWidget

from spm_auto.agents import ForbidRegion, ForcePoint
from spm_auto.ear import RunView

from ..common.drawing import NM
from ..common.fields import QuantityField
from ..common.parts import push_button, words
from ..common.qt import pg
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.run_model import Part, RunModel
from ..run.wishes import Annotate, Steer, Wish
from .beliefs import place_words, reason_words
from .map_mouse import watch_mouse
from .maps import Map, Place
from .measured import Marks
from .promises import forbidden_regions, on_grid, promise, scan_of
from .question_box import QuestionBox
from .region_tool import RegionTool, Shape
from .side_panels import ForbiddenPanel, PreferPanel, RecordPanel
from .steer_panel import SteerPanel

_HINT = "a click chooses a place, a double click has it measured"
BY_HAND_HINT = "for an agent; by hand: By hand > Spectrum > Measure"
_SHARE = 0.25  # of the map's width, that a region has at first


class ProposalView(View):
    """The question with its answers, a map on which one overrules by a click, and what else can be.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self.setAccessibleName("proposals")
        self._model: RunModel | None = None
        self._place: Place | None = None
        self._view: RunView | None = None
        self._can_act = self._is_looking = False
        self.box = QuestionBox(self._fault_of)
        self.why = QLineEdit()
        self.why.setPlaceholderText("why? (for the journal)")
        self.why.setAccessibleName("why")
        self.area = pg.GraphicsLayoutWidget()
        self.area.setMinimumSize(160, 110)
        self.area.setBackground(theme.panel)
        self.map = Map(self.area, (0, 0), theme, "cividis", is_numbered=True)
        self.tool = RegionTool(self.map, theme, self._look)
        watch_mouse(self.area, [self.map], self._move, self._click)
        self.hint = words("what a click does", "faint")
        self.measure = push_button(
            "Measure here", "measure at the place clicked next", "Ctrl+Shift+M"
        )
        self.bias = QuantityField("bias", "V", optional=True)
        self.bias.setPlaceholderText("bias: any")
        self.bias.setMaximumWidth(90)
        self.circle = push_button("Forbid a circle", "draw a circle to stay out of")
        self.rectangle = push_button("Forbid a rectangle", "draw a rectangle to stay out of")
        self.forbid = push_button("Forbid this", "stay out of what is drawn", "Ctrl+Shift+F")
        self.cancel = push_button("Cancel", "take it off the map", "Esc")
        self.steer, self.closed = SteerPanel(), ForbiddenPanel()
        self.prefer, self.record = PreferPanel(), RecordPanel()
        self.tabs = QTabWidget()
        self._arrange()
        for part in (self.box, self.steer, self.closed, self.prefer, self.record):
            part.acted.connect(self._act)
        self.measure.clicked.connect(self._measure)
        self.circle.clicked.connect(lambda: self._draw("circle"))
        self.rectangle.clicked.connect(lambda: self._draw("rectangle"))
        self.forbid.clicked.connect(self._forbid)
        self.cancel.clicked.connect(self.tool.end)
        self.bias.valued.connect(self._look)
        self.prefer.paired.connect(self._show_pair)
        selection.place_chosen.connect(self._choose)
        selection.cursor_moved.connect(self.map.show_cursor)
        selection.spectra_chosen.connect(self.prefer.choose)
        selection.forgotten.connect(self._forget)
        self._look()

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        is_new, self._model = self._model is not model, model
        if is_new:
            changed = Part.ALL
            self.box.set_limits(model.limits)
            self._place = None
            self.prefer.forget()
            self.record.forget()
        if changed & Part.RUN:
            self.box.set_limits(model.limits)
            if model.limits is not None:
                self.bias.set_allowed(model.limits.bias)
        if changed & (Part.FIT | Part.CHOICE | Part.SCANS):
            self._show_map(model)
        if changed & (Part.SPECTRA | Part.CURVES | Part.CHOICE):
            self.map.show_marks(Marks.of(model))
            self.prefer.show_run(model)
        if changed & (Part.RUN | Part.CHOICE):
            self.steer.show_run(model)
            self.closed.show_run(model)
            last = model.choices[-1] if model.choices else None
            self.box.set_reason(last, "" if last is None else reason_words(model, last))
            self._show_next()
        if changed & Part.SAYINGS:
            self.record.show_run(model)
        self._look()

    def show_question(self, view: RunView | None, is_looking: bool = False) -> None:
        """Show how the run stands and what it asks.

        Args:
            view: How it stands; None where it cannot be spoken to.
            is_looking: Whether this window may not answer.
        """
        if (view, is_looking) == (self._view, self._is_looking):
            return
        self._view, self._is_looking = view, is_looking
        self._can_act = view is not None and not view.finished and not is_looking
        self.box.setEnabled(not is_looking)
        before = self.box.question
        self.box.show_question(view)
        self.steer.show_question(view)
        if before != self.box.question:
            self._show_next()
        self._look()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.area.setBackground(theme.panel)
        self.map.set_theme(theme)
        self.tool.theme = theme

    def _forget(self) -> None:
        """Forget what a human has begun in the run before: it must not be sent to another one."""
        self._place = None
        self.tool.end()
        self.why.clear()
        self.map.hide_cursor()
        self._look()

    def _arrange(self) -> None:
        measuring, forbidding = QHBoxLayout(), QHBoxLayout()
        measuring.addWidget(self.measure, 1)
        measuring.addWidget(self.bias)
        for button in (self.circle, self.rectangle, self.forbid, self.cancel):
            forbidding.addWidget(button, 1)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.area, 1)
        column.addWidget(self.hint)
        column.addLayout(forbidding)
        for name, panel in (
            ("Map", page),
            ("Steer", self.steer),
            ("Forbidden", self.closed),
            ("A or B", self.prefer),
            ("Record", self.record),
        ):
            self.tabs.addTab(panel, name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.box)
        layout.addWidget(self.why)
        layout.addLayout(measuring)
        layout.addWidget(self.tabs, 1)

    def _act(self, wish: Wish) -> None:
        """Send a wish on, with the reason that stands in the line for it."""
        why = self.why.text().strip()
        if why and not isinstance(wish, Annotate):
            wish = replace(wish, why=why)
            self.why.clear()
        self.wished.emit(wish)

    def _show_map(self, model: RunModel) -> None:
        hopes = promise(model)
        if hopes is not None and model.fit is not None:
            image, frame = on_grid(hopes.values, model.fit.rows, model.fit.frame)
            self.map.show_values(image, frame, hopes.unit, hopes.name)
            return
        scan = scan_of(model)
        if scan is None or scan.forward is None:
            self.map.clear("no image yet")
        else:
            channel = scan.started.channels[0]
            title = channel.name.replace("_", " ")
            self.map.show_values(scan.forward[0], scan.frame, channel.unit, title)

    def _show_next(self) -> None:
        if self._model is None:
            return
        pending = self._model.pending
        places = [] if pending is None else [(pending.x, pending.y)]
        if self.box.place is not None:
            places = [self.box.place]
        self.map.show_next(places, self._place)
        size = self.box.frame_size
        self.map.show_frame(None if size is None else self.box.place, size or (0.0, 0.0))
        self.map.show_closed(self._model)

    def _show_pair(self) -> None:
        """Write A and B at the two places that are compared, where that is of use."""
        is_of_use = self.prefer.learns or self.prefer.is_chosen
        self.map.show_letters(self.prefer.pair if is_of_use else ())

    def _move(self, place: Place) -> None:
        self.selection.cursor_moved.emit(*place)

    def _click(self, place: Place, each: Map, is_double: bool) -> None:
        number = each.mark_at(place)
        if number is not None and not is_double and self._model and self._model.spectra:
            self.selection.spectra_chosen.emit((number,))
        self.selection.place_chosen.emit(*place)
        if is_double and self.measure.isEnabled():
            self._measure()

    def _choose(self, x: float, y: float) -> None:
        """Take a place that was clicked in any view; nothing is sent by that."""
        self._place = (x, y)
        self.box.suggest(self._place)
        self._show_next()
        self._look()

    def _measure(self) -> None:
        """Have the place that was clicked measured: instead of what is asked about, or next."""
        if self._place is None:
            return
        place, self._place = self._place, None
        if self.box.asks_for_point:
            self.box.answer_with(place)
        else:
            bias = self.bias.value()
            self._act(Steer(ForcePoint(*place, bias=math.nan if bias is None else bias)))
        self._show_next()
        self._look()

    def _draw(self, shape: Shape) -> None:
        (left, right), (low, high) = self.map.plot.vb.viewRange()
        middle = self._place or (NM * (left + right) / 2, NM * (low + high) / 2)
        self.tool.begin(shape, middle, NM * _SHARE * (right - left))

    def _forbid(self) -> None:
        region = self.tool.region()
        if region is not None and not self._fault_of_region():
            self._act(Steer(region))
            self.tool.end()

    def _fault_of_region(self) -> str:
        """Return why what is drawn cannot be forbidden; empty where it can."""
        region = self.tool.region()
        fit = None if self._model is None else self._model.fit
        if region is None or fit is None:
            return ""
        x, y = fit.frame.to_sample(fit.rows[:, 0], fit.rows[:, 1])
        return "" if region.contains(x, y).any() else "no place that could be chosen lies in it"

    def _fault_of(self, place: Place) -> str:
        """Return why a place cannot be measured; empty where it can."""
        if self._model is None:
            return ""
        said = place_words(*place)
        if any(region.contains(*np.array(place)[:, None]).any() for region in self._closed()):
            return f"{said} is forbidden: allow it again first"
        scan = scan_of(self._model)
        fit = self._model.fit
        frame = fit.frame if fit is not None else None if scan is None else scan.frame
        if frame is not None and not bool(frame.contains(*place)):
            return f"{said} lies outside of the image that the agent sees"
        return ""

    def _closed(self) -> list[ForbidRegion]:
        return [] if self._model is None else forbidden_regions(self._model)

    def _look(self) -> None:
        """Let be pressed what can be done, and say what that would be."""
        region, fault = self.tool.region(), self._fault_of_region()
        for button in (self.forbid, self.cancel):
            button.setVisible(self.tool.is_drawing)
        for button in (self.circle, self.rectangle):
            button.setVisible(not self.tool.is_drawing)
            button.setEnabled(self._can_act and self.map.frame is not None)
        self.forbid.setEnabled(self._can_act and region is not None and not fault)
        instead = " instead" if self.box.asks_for_point else ""
        where = "here" if self._place is None else f"at {place_words(*self._place)}"
        wrong = "" if self._place is None else self._fault_of(self._place)
        self.box.review()
        self.measure.setText(f"Measure {where}{instead}")
        is_by_hand = self.box.is_by_hand
        can_steer = self._can_act and not is_by_hand
        self.measure.setEnabled(
            can_steer and self._place is not None and not (wrong or self.bias.fault())
        )
        self.bias.setVisible(self._has_biases() and not self.box.asks_for_point)
        if self.tool.is_drawing:
            self.hint.setText(fault or ("" if region is None else f"drawn: {region.words}"))
        else:
            self.hint.setText(BY_HAND_HINT if is_by_hand else wrong or _HINT)
        for panel in (self.steer, self.prefer):
            panel.setEnabled(self._can_act)
        self.closed.set_can_act(self._can_act)
        self.record.set_can_act(self._can_act)

    def _has_biases(self) -> bool:
        """Whether the bias is the agent's to choose."""
        fit = None if self._model is None else self._model.fit
        return fit is not None and fit.bias is not None and bool(np.isfinite(fit.bias).any())
