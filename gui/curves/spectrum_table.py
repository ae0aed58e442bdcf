"""SpectrumTable: the spectra of a run as rows, the newest last; it holds any number of them."""

import math
from collections.abc import Sequence
from typing import Any

from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QHeaderView, QTableView

from spm_auto.units import format as format_quantity

from ..common.table_rows import RIGHT, TableRows, table_view
from ..common.theme import Theme
from .traces import Judged, place_of, remark

COLUMNS = ("no.", "x", "y", "value", "remark")
_VALUE, _REMARK = 3, 4


class SpectrumTable(TableRows):
    """Rows for a table view: number, place, value and what is wrong with it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, COLUMNS, frozenset({_REMARK}))
        self._rows: list[Judged] = []

    def show_judged(self, rows: Sequence[Judged]) -> None:
        """Show these spectra or force curves; the first ones are those shown before."""
        n_before, n_now = len(self._rows), len(rows)
        if n_now < n_before:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return
        if n_now > n_before:
            self.beginInsertRows(QModelIndex(), n_before, n_now - 1)
            self._rows = list(rows)
            self.endInsertRows()
        else:
            self._rows = list(rows)
        if n_before:
            self.dataChanged.emit(self.index(0, _VALUE), self.index(n_before - 1, _REMARK))

    def clear(self) -> None:
        """Forget all rows."""
        self.show_judged(())

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a cell."""
        if not index.isValid():
            return None
        judged, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(judged, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _told(judged)
        if role == Qt.ItemDataRole.ForegroundRole and remark(judged):
            return QColor(self.theme.warning)
        if role == Qt.ItemDataRole.TextAlignmentRole and column < _REMARK:
            return RIGHT
        return None


def _text(judged: Judged, column: int) -> str:
    x, y = place_of(judged)
    match column:
        case 0:
            return str(judged.number + 1)
        case 1:
            return format_quantity(x, "m", 3)
        case 2:
            return format_quantity(y, "m", 3)
        case 3:
            return value_of(judged)
        case _:
            return remark(judged)


def _told(judged: Judged) -> str:
    x, y = place_of(judged)
    place = f"({format_quantity(x, 'm', 5)}, {format_quantity(y, 'm', 5)})"
    lines = [f"no. {judged.number + 1} at {place}"]
    if judged.chosen is not None:
        lines.append(f"chosen for: {judged.chosen.reason}")
    if value_of(judged) and judged.scored is not None:
        lines.append(f"{judged.scored.scalarizer.replace('_', ' ')}: {value_of(judged)}")
    if remark(judged):
        lines.append(remark(judged))
    return "\n".join(lines)


def value_of(judged: Judged) -> str:
    """Return what it is worth, as text with its unit; empty where it was not scored."""
    scored = judged.scored
    if scored is None or not math.isfinite(scored.value):
        return ""
    return format_quantity(scored.value, scored.unit, 3)


def spectrum_table_view(rows: SpectrumTable) -> QTableView:
    """Return a view of the table in which rows can be chosen."""
    table, head = table_view(rows, "spectra of this run", 22, (36, 68, 68, 62))
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    head.setStretchLastSection(True)
    return table
