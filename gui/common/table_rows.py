"""TableRows: what all tables of the window have in common: named columns, rows, a theme."""

from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from .theme import Theme

_NOWHERE = QModelIndex()
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class TableRows(QAbstractTableModel):
    """Rows for a table view; whoever derives says how many there are, and what stands in them.

    Args:
        theme: The colours.
        columns: Names of the columns.
        left: Which of their names stand at the left, as text does; the others in the middle.
    """

    def __init__(self, theme: Theme, columns: tuple[str, ...], left: frozenset[int]) -> None:
        super().__init__()
        self.theme, self._columns, self._left = theme, columns, left

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.theme = theme

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many rows there are."""
        return 0 if parent.isValid() else self.n_rows

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the name of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in self._left:
            return LEFT
        return None


def table_view(
    rows: TableRows, name: str, height: int, widths: tuple[int, ...], many: bool = True
) -> tuple[QTableView, QHeaderView]:
    """Return a view of a table in which rows can be chosen, and its head.

    Args:
        rows: The table.
        name: What it is, for who does not see it.
        height: Of a row [pixels].
        widths: Of the first columns [pixels].
        many: Whether more than one row can be chosen.
    """
    modes = QAbstractItemView.SelectionMode
    view = QTableView()
    view.setModel(rows)
    view.setAccessibleName(name)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(modes.ExtendedSelection if many else modes.SingleSelection)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    below, above = view.verticalHeader(), view.horizontalHeader()
    assert below is not None
    assert above is not None
    below.setVisible(False)
    below.setDefaultSectionSize(height)
    for column, width in enumerate(widths):
        view.setColumnWidth(column, width)
    return view, above
