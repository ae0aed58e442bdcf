"""HistoryView: the scans of this run, and the runs of the folder; settings can be used again."""

from pathlib import Path

from PyQt6.QtCore import QItemSelectionModel, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QHideEvent, QShowEvent
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from spm_auto.data import FILE_NAME

from ..common.roles import set_role
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.two_parts import TwoParts
from ..common.view import View
from ..common.words import number_of
from ..run.growing_scan import GrowingScan
from ..run.run_model import Part, RunModel
from .rereading import Rereading
from .run_lister import RunLister
from .run_table import RunTable, run_table_view
from .scan_list import ScanList, scan_list_view

LOOK_AGAIN = 30_000  # [ms] after which the folder is looked through again


class HistoryView(View):
    """What was done before: chosen scans are shown by all views, chosen runs are opened.

    Signals:
        run_opened: A run of the folder is to be looked at: its folder, a `Path`.
    """

    run_opened = pyqtSignal(object)

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._folder: Path | None = None
        self._is_choosing = False
        self.scans = ScanList(theme)
        self.scan_list = scan_list_view(self.scans)
        self.follow = QPushButton("Follow")
        self.follow.setToolTip("show the newest scan in all views, and go on with it")
        self.use = QPushButton("Use settings")
        self.use.setToolTip("put frame, line rate and channels of this scan into the panels")
        self.runs = RunTable(theme)
        self.run_table = run_table_view(self.runs)
        self.open = QPushButton("Open")
        self.open.setToolTip("look at the run that is chosen (double click)")
        self.again = QPushButton("Again")
        self.again.setToolTip("look through the folder again (F5)")
        self.again.setShortcut("F5")
        self.words = QLabel("no folder")
        self.words.setProperty("role", "faint")
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.fault = QLabel("")
        self.fault.setProperty("role", "warning")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.lister = RunLister()
        self._rereading = Rereading(selection)
        self._run_folder: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_AGAIN)
        self._lay_out()
        self._connect()
        self._enable()

    def set_runs_folder(self, path: Path) -> None:
        """Say in which folder the runs lie."""
        self._folder = path
        self._look()

    def set_run_folder(self, path: Path | None) -> None:
        """Say in which folder the run lies that is shown; None for no run.

        Images that the model has let go of are read again from the journal there.
        """
        self._run_folder = path
        self.runs.set_current(path)
        self._watch()

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        if model is not self._model:
            self._model = model
            changed |= Part.SCANS
            self._watch()
        if changed & Part.SCANS or (changed & Part.SCAN and self.isVisible()):
            self.scans.show_scans(model)
        if changed & Part.RUN and model.finished is not None:
            self._look()
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.scans.set_theme(theme)
        self.runs.set_theme(theme)

    def finish(self) -> None:
        """End the process that looks through the folder, and wait for what is being read."""
        self._timer.stop()
        self.lister.stop()
        self._rereading.finish()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Look through the folder, now and again."""
        super().showEvent(event)
        self._timer.start()
        self._look()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802
        """Nobody looks: leave the folder alone."""
        super().hideEvent(event)
        self._timer.stop()

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Leave nothing behind."""
        self.finish()
        super().closeEvent(event)

    def _lay_out(self) -> None:
        scans = _part("Scans", QLabel(""), self.scan_list, (self.use, self.follow))
        runs = _part("Runs", self.words, self.run_table, (self.again, self.open))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(TwoParts((scans, runs), ("Scans", "Runs"), (240, 360)), 1)
        layout.addWidget(self.fault)

    def _connect(self) -> None:
        for view, act in ((self.scan_list, self._choose_row), (self.run_table, self._enable)):
            model = view.selectionModel()
            assert model is not None
            model.selectionChanged.connect(act)
        self.run_table.activated.connect(self._open)
        self.open.clicked.connect(self._open)
        self.again.clicked.connect(self._look)
        self.use.clicked.connect(self._use)
        self.follow.clicked.connect(self._follow)
        self._timer.timeout.connect(self._look)
        self.lister.found.connect(self._show_runs)
        self.lister.ended.connect(self._show_runs)
        self._rereading.failed.connect(self._say_fault)
        self.selection.scan_chosen.connect(self._choose)
        self.destroyed.connect(self.lister.stop)

    def _watch(self) -> None:
        if self._model is not None:
            folder = self._run_folder
            self._rereading.watch(self._model, None if folder is None else folder / FILE_NAME)
        self._say_fault(-1, "")

    def _say_fault(self, index: int, words: str) -> None:
        """Say why an old scan cannot be shown."""
        self.fault.setText(f"scan {index + 1} cannot be shown: {words}" if words else "")
        self.fault.setVisible(bool(words))

    def _look(self) -> None:
        """Look through the folder, where somebody sees it."""
        if self._folder is not None and self.isVisible():
            self.lister.look(self._folder)
            self._show_runs()

    def _show_runs(self) -> None:
        row = self.run_table.currentIndex().row()
        chosen = self.runs.path(row) if 0 <= row < self.runs.rowCount() else None
        runs = self.lister.runs
        self.runs.show_runs(runs)
        if chosen is not None and self.runs.row(chosen) >= 0:
            self.run_table.setCurrentIndex(self.runs.index(self.runs.row(chosen), 0))
        set_role(self.words, "warning" if self.lister.error else "faint")
        self.words.setText(self.lister.error or self._said(len(runs)))
        self.words.setToolTip(self.words.text())
        self._enable()

    def _said(self, n_shown: int) -> str:
        if self._folder is None:
            return "no folder"
        n_all = self.lister.n_all
        if not n_all and self.lister.is_busy:
            return f"looking through {self._folder}"
        shown = number_of(n_all, "run")
        if n_shown < n_all:
            shown = f"the newest {n_shown} of {shown}"
        return f"{shown} in {self._folder}" + (", looking" if self.lister.is_busy else "")

    def _enable(self) -> None:
        self.use.setEnabled(self._chosen() is not None)
        self.open.setEnabled(self.run_table.currentIndex().isValid())
        self.follow.setEnabled(self._chosen() is not None)

    def _chosen(self) -> GrowingScan | None:
        """Return the scan that is chosen in the list; None for none."""
        model = self.scan_list.selectionModel()
        rows = model.selectedRows() if model is not None else []
        return self.scans.scan(rows[0].row()) if rows else None

    def _choose_row(self) -> None:
        """Have all views show the scan that a human chose."""
        scan = self._chosen()
        if not self._is_choosing and scan is not None:
            self.selection.scan_chosen.emit(scan.index)
        self._enable()

    def _choose(self, index: int) -> None:
        """Mark the scan that was chosen, here or elsewhere."""
        self._say_fault(-1, "")
        model = self.scan_list.selectionModel()
        assert model is not None
        self._is_choosing = True
        if 0 <= index < self.scans.rowCount():
            at = self.scans.index(self.scans.row(index), 0)
            model.setCurrentIndex(at, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.scan_list.scrollTo(at)
        else:
            model.clear()
        self._is_choosing = False
        if self._model is not None:
            self.scans.show_scans(self._model)
        self._enable()

    def _follow(self) -> None:
        self.selection.scan_chosen.emit(-1)

    def _use(self) -> None:
        """Put the settings of the chosen scan into the panels; nothing reaches the instrument."""
        scan = self._chosen()
        if scan is not None:
            self.selection.frame_proposed.emit(scan.frame)
            self.selection.settings_recalled.emit(scan.started.instruction)

    def _open(self) -> None:
        index = self.run_table.currentIndex()
        if index.isValid():
            self.run_opened.emit(self.runs.path(index.row()))


def _part(title: str, words: QLabel, view: QWidget, buttons: tuple[QPushButton, ...]) -> QWidget:
    """Return a part of the view: a title with words and buttons, and a list."""
    part = QWidget()
    heading = QLabel(title)
    heading.setProperty("role", "title")
    row = QHBoxLayout()
    row.addWidget(heading)
    row.addWidget(words, 1)
    for button in buttons:
        row.addWidget(button)
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addLayout(row)
    column.addWidget(view, 1)
    return part
