"""LogView: what has happened, in words, with a filter, a search, and a file to keep it in."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication, QKeySequence, QShortcut, QShowEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
)

from ..common.roles import set_role
from ..common.saving import SaveRow
from ..common.selection import Selection
from ..common.table_rows import table_view
from ..common.theme import Theme
from ..common.view import View
from ..common.words import number_of
from ..run.run_model import Part, RunModel
from ..run.sayings import Saying, Weight
from .log_table import WHAT, WORDS, Filter, LogTable

ANYONE, HUMANS = "anyone", "any human"
_EVERYBODY = (ANYONE, HUMANS)
_LEVELS = (
    ("everything", Weight.DETAIL),
    ("news and worse", Weight.NEWS),
    ("warnings and alarms", Weight.WARNING),
    ("alarms", Weight.ALARM),
)


class LogView(View):
    """Follows the log while its end is in sight; whoever has scrolled up is left alone."""

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._is_stale = self._is_moving = False
        self._is_following = True
        self.rows = LogTable(theme)
        self.table = _table(self.rows)
        self.level = QComboBox()
        self.level.setAccessibleName("how much a line must matter to be shown")
        self.level.addItems([name for name, _ in _LEVELS])
        self.who = QComboBox()
        self.who.setAccessibleName("whose doings are shown")
        self.who.addItems(_EVERYBODY)
        self.search = QLineEdit()
        self.search.setAccessibleName("words that a line must have to be shown")
        self.search.setPlaceholderText("search (Ctrl+F)")
        self.search.setClearButtonEnabled(True)
        self.count = QLabel("")
        self.count.setProperty("role", "faint")
        self.save_button = QPushButton("Save…")
        self.save_button.setToolTip("save the lines that are shown to a file")
        self.save_row = SaveRow("the log")
        self.detail = QLabel("")
        self.detail.setWordWrap(True)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.hide()
        self._lay_out()
        self.level.currentIndexChanged.connect(self._filter)
        self.who.currentIndexChanged.connect(self._filter)
        self.search.textChanged.connect(self._filter)
        self.save_button.clicked.connect(self._save)
        chosen = self.table.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(self._detail)
        self.rows.modelReset.connect(self._detail)
        bar = self.table.verticalScrollBar()
        assert bar is not None
        bar.valueChanged.connect(self._note_place)
        bar.rangeChanged.connect(self._keep_end)
        self._shortcut(QKeySequence.StandardKey.Find, self._seek)
        self._shortcut(QKeySequence.StandardKey.Copy, self.copy)
        self._count()

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        if model is not self._model:
            self._model = model
            self.rows.clear(model.start_time)
            while self.who.count() > len(_EVERYBODY):
                self.who.removeItem(len(_EVERYBODY))
            changed |= Part.SAYINGS
        if changed & Part.SAYINGS:
            self._refresh()

    def add(self, weight: Weight, text: str) -> None:
        """Add a line of the window's own, which no journal has: a refusal, or a fault of its own.

        Args:
            weight: How much it matters.
            text: What it says.
        """
        now = self._model.time if self._model is not None else 0.0
        self.rows.add(weight, text, time.time(), now)
        self._count()
        self.table.scrollToBottom()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.rows.set_theme(theme)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Show what came while nobody looked."""
        super().showEvent(event)
        if self._is_stale:
            self._refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.level)
        row.addWidget(self.who)
        row.addWidget(self.search, 1)
        row.addWidget(self.count)
        row.addWidget(self.save_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.detail)
        layout.addWidget(self.save_row)

    def _shortcut(self, key: QKeySequence.StandardKey, act: Callable[[], None]) -> None:
        shortcut = QShortcut(key, self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)

    def _refresh(self) -> None:
        if self._model is None:
            return
        if not self.isVisible():
            self._is_stale = True
            return
        self._is_stale = False
        self.rows.start_time = self._model.start_time
        self.rows.take(self._model.sayings)
        self._offer_names()
        self._count()

    def _note_place(self, value: int) -> None:
        """Note whether the end is in sight, where a human has scrolled."""
        bar = self.table.verticalScrollBar()
        if bar is not None and not self._is_moving:
            self._is_following = value >= bar.maximum() - 1

    def _keep_end(self, _: int, most: int) -> None:
        """Keep the end in sight where it was, when lines or room have come or gone."""
        bar = self.table.verticalScrollBar()
        if bar is not None and self._is_following:
            self._is_moving = True
            bar.setValue(most)
            self._is_moving = False

    def _offer_names(self) -> None:
        known = {self.who.itemText(at) for at in range(self.who.count())}
        self.who.addItems(sorted(self.rows.humans - known))

    def _filter(self) -> None:
        who = self.who.currentText()
        self.rows.set_filter(
            Filter(
                least=_LEVELS[self.level.currentIndex()][1],
                who="" if who in (ANYONE, HUMANS) else who,
                is_human=who == HUMANS,
                words=tuple(self.search.text().casefold().split()),
            )
        )
        self._count()
        self._is_following = True
        self.table.scrollToBottom()

    def _count(self) -> None:
        n_shown, n_all = self.rows.rowCount(), self.rows.n_all
        shown = number_of(n_all, "line")
        said = [shown if n_shown == n_all else f"{n_shown} of {shown}"]
        said += [number_of(n, word) for word, n in self.rows.n_grave.items() if n]
        self.count.setText(", ".join(said))
        set_role(self.count, "alarm" if self.rows.n_grave["alarm"] else "faint")

    def _detail(self) -> None:
        """Show the whole of a line that is chosen and does not fit."""
        model = self.table.selectionModel()
        rows = model.selectedRows() if model is not None else []
        text = self.rows.shown[rows[0].row()].text if len(rows) == 1 else ""
        room = self.table.columnWidth(WHAT) - 8
        does_fit = self.table.fontMetrics().horizontalAdvance(text) <= room and "\n" not in text
        self.detail.setText("" if does_fit else text)
        self.detail.setVisible(not does_fit)

    def _seek(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def copy(self) -> None:
        """Copy the lines that are chosen."""
        model, clipboard = self.table.selectionModel(), QGuiApplication.clipboard()
        if model is None or clipboard is None:
            return
        shown = self.rows.shown
        chosen = sorted(index.row() for index in model.selectedRows())
        clipboard.setText(as_text([shown[row] for row in chosen]))

    def _save(self) -> None:
        sayings = self.rows.shown
        self.save_row.ask("log.txt", lambda: as_text(sayings))


def as_text(sayings: Sequence[Saying]) -> str:
    """Return lines of the log as a file: time (UTC), instrument time [s], weight, who, what."""
    head = "# time (UTC)\tinstrument time (s)\tweight\twho\twhat\n"
    lines = (
        f"{datetime.fromtimestamp(s.utc, UTC):%Y-%m-%dT%H:%M:%S.%fZ}\t{s.time:.3f}\t"
        f"{WORDS[s.weight]}\t{s.who}\t{' '.join(s.text.split())}\n"
        for s in sayings
    )
    return head + "".join(lines)


def _table(rows: LogTable) -> QTableView:
    table, head = table_view(rows, "log of the run", 20, (100, 90, 66, 80))
    head.setStretchLastSection(True)
    head.setHighlightSections(False)
    return table
