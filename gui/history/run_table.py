"""RunTable: the runs of a folder as rows, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtGui import QColor, QFont
from PyQt6.QtWidgets import QHeaderView, QTableView

from spm_auto.data import FinishReason
from spm_auto.units import format_duration

from ..common.table_rows import TableRows, table_view
from ..common.theme import Theme
from ..common.words import number_of
from .run_summaries import GOES_ON, RunSummary

COLUMNS = ("began", "title", "how it ended", "best")
Row = tuple[Path, RunSummary | None]


class RunTable(TableRows):
    """Rows for a table view."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, COLUMNS, frozenset(range(len(COLUMNS))))
        self._rows: list[Row] = []
        self._current: Path | None = None

    def show_runs(self, rows: Sequence[Row]) -> None:
        """Show these runs."""
        if [path for path, _ in rows] == [path for path, _ in self._rows]:
            self._rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def set_current(self, path: Path | None) -> None:
        """Say which run is looked at in the window; it is written bold."""
        self._current = None if path is None else path.absolute()
        self.show_runs(self._rows)

    def path(self, row: int) -> Path:
        """Return the folder of a run."""
        return self._rows[row][0]

    def row(self, path: Path) -> int:
        """Return where a run stands; -1 where it is not shown."""
        return next((at for at, (each, _) in enumerate(self._rows) if each == path), -1)

    @property
    def n_rows(self) -> int:
        """How many runs there are."""
        return len(self._rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a cell."""
        if not index.isValid():
            return None
        path, summary = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(path, summary, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return _told(path, summary)
        if role == Qt.ItemDataRole.FontRole and path.absolute() == self._current:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(summary, index.column())
        return None

    def _colour(self, summary: RunSummary | None, column: int) -> QColor | None:
        theme = self.theme
        if summary is None:
            return QColor(theme.faint)
        if column != 2:
            return None
        if summary.error:
            return QColor(theme.warning)
        match summary.ended:
            case FinishReason.COMPLETED:
                return QColor(theme.good)
            case FinishReason.FAILED | FinishReason.EMERGENCY:
                return QColor(theme.alarm)
            case "goes on":
                return QColor(theme.accent)
        return QColor(theme.warning)


def _text(path: Path, summary: RunSummary | None, column: int) -> str:
    if summary is None:
        return path.name if column == 1 else "being read" if column == 2 else ""
    match column:
        case 0:
            began = summary.began
            return f"{datetime.fromtimestamp(began):%d %b %H:%M}" if began else ""
        case 1:
            return summary.title or path.name
        case 2:
            return ", ".join(part for part in (summary.ended, summary.error) if part)
        case _:
            return summary.best


def _told(path: Path, summary: RunSummary | None) -> str:
    if summary is None:
        return f"{path}\nbeing read"
    lines = [summary.title, str(path)] if summary.title else [str(path)]
    if summary.began:
        lines.append(f"began {datetime.fromtimestamp(summary.began):%Y-%m-%d %H:%M:%S}")
    if summary.instrument:
        taken = f"{number_of(summary.n_scans, 'scan')}, {number_of(summary.n_spectra, 'spectrum')}"
        time = "so far" if summary.ended == GOES_ON else "in all"
        lines.append(f"{summary.instrument}: {taken}, {format_duration(summary.seconds)} {time}")
    lines += [part for part in (summary.message, summary.error) if part]
    return "\n".join(lines)


def run_table_view(runs: RunTable) -> QTableView:
    """Return a view of the table in which one can be chosen."""
    view, head = table_view(runs, "runs in the folder", 22, (88, 60, 86, 56), many=False)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    head.setHighlightSections(False)
    head.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return view
