"""AgentView: what the agent believes, where it goes next and why, and what it cost."""

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from spm_auto.analysis import level_plane
from spm_auto.data import ModelFitted
from spm_auto.ear import RunView
from spm_auto.units import format as format_quantity

from ..common.qt import pg
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.run_model import Part, RunModel
from .beliefs import (
    belief_words,
    believes,
    choice_words,
    cost_words,
    map_words,
    mark_words,
    place_words,
    reason_words,
)
from .learning_view import LearningView
from .map_mouse import watch_mouse
from .maps import Map, Place, link
from .measured import Marks
from .promises import on_grid, promise, scan_of, unit_of

_LEVELLED = (
    "height",
    "topography",
    "z",
)  # shown less a plane; the data stay as they are
_ROWS = ("next", "why", "belief", "cost")


class AgentView(View):
    """The agent at one glance: words above, four maps that move together, and how well it does.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self.setAccessibleName("agent")
        self._channel = ""
        self._asked: Place | None = None
        self._model: RunModel | None = None
        self._drawn_scan: tuple[object, ...] = ()
        self._drawn_fit: ModelFitted | None = None
        self.words: dict[str, QLabel] = {}
        self.area = pg.GraphicsLayoutWidget()
        self.area.setMinimumSize(300, 180)  # the words below it have room on a small screen
        self.area.setBackground(theme.panel)
        self.area.ci.layout.setSpacing(4)
        for axis in (0, 1):  # maps of one size, however long their titles are
            self.area.ci.layout.setColumnStretchFactor(axis, 1)
            self.area.ci.layout.setColumnPreferredWidth(axis, 100)
            self.area.ci.layout.setRowStretchFactor(axis, 1)
        self.area.ci.layout.setContentsMargins(4, 4, 4, 4)
        self.overview = Map(self.area, (0, 0), theme, "grey", is_numbered=True)
        self.mean = Map(self.area, (0, 1), theme, "viridis")
        self.deviation = Map(self.area, (1, 0), theme, "magma")
        self.acquisition = Map(self.area, (1, 1), theme, "cividis")
        self.maps = (self.overview, self.mean, self.deviation, self.acquisition)
        link(self.maps)
        watch_mouse(self.area, self.maps, self._move, self._click)
        self.learning = LearningView(theme)
        self.readout = QLabel("")
        self.readout.setProperty("role", "faint")
        self.readout.setWordWrap(True)
        self.readout.setAccessibleName("values under the mouse")
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.area, 1)
        column.addWidget(self.readout)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(self.learning)
        split.setStretchFactor(0, 5)
        split.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(self._headline())
        layout.addWidget(split, 1)
        selection.cursor_moved.connect(self._show_cursor)
        selection.forgotten.connect(self._forget)
        selection.channel_chosen.connect(self._choose_channel)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        is_new, self._model = self._model is not model, model
        if is_new:
            changed, self._drawn_scan, self._drawn_fit = Part.ALL, (), None
        if changed & (Part.SCAN | Part.SCANS | Part.FIT):
            self._show_overview(model)
        if changed & (Part.FIT | Part.CHOICE):
            self._show_belief(model)
        if changed & (Part.SPECTRA | Part.CURVES | Part.CHOICE):
            marks = Marks.of(model)
            for each in self.maps:
                each.show_marks(marks)
            self.learning.show_learning(model)
        if changed & (Part.CHOICE | Part.FIT | Part.RUN | Part.SPECTRA | Part.CURVES):
            self._show_next(model)
            self._show_words(model)

    def show_question(self, view: RunView | None) -> None:
        """Show the place that the run asks about, too; None where nobody can tell."""
        asked = None if view is None or view.question is None else view.question.ask.values
        place = None if asked is None or not {"x", "y"} <= set(asked) else (asked["x"], asked["y"])
        if place != self._asked:
            self._asked = place
            if self._model is not None:
                self._show_next(self._model)
                self._show_words(self._model)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.area.setBackground(theme.panel)
        for each in self.maps:
            each.set_theme(theme)
        self.learning.set_theme(theme)

    def _headline(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(_ROWS):
            caption, words = QLabel(name), QLabel("")
            caption.setProperty("role", "faint")
            if name == "next":
                words.setProperty("role", "title")
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.setWordWrap(True)
            words.setAccessibleName(name)
            grid.addWidget(caption, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(words, row, 1)
            self.words[name] = words
        return grid

    def _show_words(self, model: RunModel) -> None:
        last = model.choices[-1] if model.choices else None
        if self._asked is not None:
            self.words["next"].setText(f"{place_words(*self._asked)}: the run asks you first")
        elif model.pending is not None:
            what = "once the run goes on" if model.is_paused else "being measured"
            self.words["next"].setText(f"{choice_words(model.pending)}, {what}")
        elif model.finished is not None:
            self.words["next"].setText(f"nothing: the run is over: {model.finished.reason}")
        elif last is not None:
            self.words["next"].setText("not chosen yet")
        else:
            self.words["next"].setText("the agent has chosen nothing yet")
        why = "" if last is None else reason_words(model, last)
        if last is not None and model.pending is None:
            why = f"{choice_words(last)} was chosen last: {why}"
        self.words["why"].setText(why)
        belief = belief_words(model)
        if model.fit is not None:
            belief += f"; {believes(model.fit, unit_of(model))}"
        self.words["belief"].setText(belief)
        self.words["cost"].setText(cost_words(model))

    def _show_next(self, model: RunModel) -> None:
        places: list[Place] = []
        if self._asked is not None:
            places.append(self._asked)
        elif model.pending is not None:
            places.append((model.pending.x, model.pending.y))
        for each in self.maps:
            each.show_next(places)
            each.show_closed(model)

    def _show_overview(self, model: RunModel) -> None:
        scan = scan_of(model)
        if scan is None or scan.forward is None:
            self.overview.clear("overview: no image yet")
            self._drawn_scan = ()
            return
        names = [channel.name for channel in scan.started.channels]
        at = names.index(self._channel) if self._channel in names else 0
        drawn = (scan.index, scan.n_lines, scan.is_over, at)
        if drawn == self._drawn_scan:
            return
        self._drawn_scan = drawn
        image, channel = scan.forward[at], scan.started.channels[at]
        title = channel.name.replace("_", " ")
        if channel.name in _LEVELLED and scan.is_over and scan.is_complete:
            image, title = level_plane(image), f"{title}, levelled"
        self.overview.show_values(image, scan.frame, channel.unit, title)

    def _show_belief(self, model: RunModel) -> None:
        fit, drawn = model.fit, self._drawn_fit
        self._drawn_fit = fit
        if fit is None:
            for each, title in zip(
                self.maps[1:], ("predicted", "uncertainty", "acquisition"), strict=True
            ):
                each.clear(f"{title}: no model yet")
            return
        unit = unit_of(model)
        name = fit.quantity or model.fit_learning.scalarizer.replace("_", " ") or "value"
        if fit is not drawn:
            self._show_map(self.mean, fit, fit.mean, unit, f"predicted {name}")
            self._show_map(self.deviation, fit, fit.deviation, unit, "uncertainty (1 sd)", 0.0)
        hopes = promise(model)
        if hopes is not None:
            self._show_map(self.acquisition, fit, hopes.values, hopes.unit, hopes.name)
            self.readout.setText(map_words(model, hopes))
            self.area.setToolTip(map_words(model, hopes))

    def _show_map(
        self,
        each: Map,
        fit: ModelFitted,
        values: np.ndarray,
        unit: str,
        title: str,
        floor: float | None = None,
    ) -> None:
        image, frame = on_grid(values, fit.rows, fit.frame)
        each.show_values(image, frame, unit, title, floor)

    def _choose_channel(self, name: str) -> None:
        self._channel = name
        if self._model is not None:
            self._show_overview(self._model)

    def _move(self, place: Place) -> None:
        self.selection.cursor_moved.emit(*place)

    def _click(self, place: Place, each: Map, is_double: bool) -> None:
        number = each.mark_at(place)
        if number is not None and not is_double and self._model and self._model.spectra:
            self.selection.spectra_chosen.emit((number,))
        else:
            self.selection.place_chosen.emit(*place)

    def _forget(self) -> None:
        """Forget where the mouse was in the run before, and what was read there."""
        for each in self.maps:
            each.hide_cursor()
        self.readout.setText("")
        self.area.setToolTip("")

    def _show_cursor(self, x: float, y: float) -> None:
        for each in self.maps:
            each.show_cursor(x, y)
        number = self.overview.mark_at((x, y))
        if number is not None and self._model is not None:
            self.readout.setText(mark_words(self._model, number))
            return
        said = [f"x {format_quantity(x, 'm', 4)}, y {format_quantity(y, 'm', 4)}"]
        names = ("overview", "predicted", "uncertainty", "acquisition")
        for name, each in zip(names, self.maps, strict=True):
            if shown := each.words_at(x, y):
                said.append(f"{name} {shown}")
        self.readout.setText(" · ".join(said))
