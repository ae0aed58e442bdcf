"""ScanList: the scans of a run with a small picture of each, the newest first."""

import math
from typing import Any

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import QAbstractItemView, QListView

from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration

from ..common.theme import Theme
from ..common.words import number_of
from ..run.growing_scan import GrowingScan
from ..run.run_model import RunModel
from .log_table import local_time
from .scan_icons import SIZE, thumbnail

_STEPS = 16  # in which the picture of a scan grows
_NOWHERE = QModelIndex()


class ScanList(QAbstractListModel):
    """Rows for a list view; each picture is drawn when it is seen."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._scans: list[GrowingScan] = []
        self._pictures: dict[int, QIcon] = {}
        self._lines: dict[int, int] = {}

    def show_scans(self, model: RunModel) -> None:
        """Show the scans of a run; those that are known are not drawn anew."""
        n_before, n_now = len(self._scans), len(model.scans)
        if n_now < n_before or (n_before and model.scans[0] is not self._scans[0]):
            self.beginResetModel()
            self._scans, self._pictures, self._lines = list(model.scans), {}, {}
            self.endResetModel()
        elif n_now > n_before:
            self.beginInsertRows(QModelIndex(), 0, n_now - n_before - 1)
            self._scans = list(model.scans)
            self.endInsertRows()
        if n_now:  # the one that was the newest has grown, or has ended
            row = self.row(max(n_before - 1, 0))
            self.dataChanged.emit(self.index(row, 0), self.index(row, 0))

    def row(self, index: int) -> int:
        """Return the row of a scan."""
        return len(self._scans) - 1 - index

    def scan(self, row: int) -> GrowingScan:
        """Return the scan of a row."""
        return self._scans[len(self._scans) - 1 - row]

    def picture(self, index: int) -> QIcon | None:
        """Return the small picture of a scan, drawn when it is first seen; None before a line."""
        scan = self._scans[index]
        image = scan.preview if scan.forward is None else scan.forward[0]
        new = scan.n_lines - self._lines.get(index, 0)
        enough = 1 if scan.is_over else max(1, scan.frame.pixels[1] // _STEPS)
        if image is not None and new >= enough:
            picture = QPixmap.fromImage(thumbnail(image, scan.frame.size))
            icon = QIcon(picture)
            icon.addPixmap(picture, QIcon.Mode.Selected)  # its colours stay when it is chosen
            self._pictures[index], self._lines[index] = icon, scan.n_lines
        return self._pictures.get(index)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return how many scans there are."""
        return 0 if parent.isValid() else len(self._scans)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a row."""
        if not index.isValid():
            return None
        scan = self.scan(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return words_of(scan)
        if role == Qt.ItemDataRole.DecorationRole:
            return self.picture(scan.index)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _told(scan)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(200, SIZE + 10)
        if role == Qt.ItemDataRole.ForegroundRole and scan.is_over and not scan.is_complete:
            return QColor(self._theme.warning)
        return None


def words_of(scan: GrowingScan) -> str:
    """Return what a scan is, in four short lines."""
    frame = scan.frame
    size = " x ".join(format_quantity(length, "m", 4) for length in frame.size)
    pixels = " x ".join(map(str, frame.pixels))
    rate = format_quantity(scan.started.instruction.line_rate, "Hz", 3)
    channels = ", ".join(each.name for each in scan.started.channels)
    purpose = scan.started.instruction.purpose or "scan"
    return (
        f"{scan.index + 1}  {purpose}, {local_time(scan.utc)}\n"
        f"{size}\n{pixels} pixels, {rate}\n{state_of(scan)}; {channels}"
    )


def state_of(scan: GrowingScan) -> str:
    """Return how far a scan has come, in words."""
    n_lines = scan.frame.pixels[1]
    if scan.is_complete:
        return f"complete, {format_duration(scan.end_time - scan.start_time)}"
    if scan.is_over:
        return f"broken off after {scan.n_lines} of {number_of(n_lines, 'line')}"
    return f"line {scan.n_lines} of {n_lines}"


def _told(scan: GrowingScan) -> str:
    frame = scan.frame
    place = ", ".join(format_quantity(at, "m", 5) for at in frame.center)
    channels = ", ".join(
        each.name if each.unit == "1" else f"{each.name} ({each.unit})"
        for each in scan.started.channels
    )
    angle = f"{math.degrees(frame.angle):.4g}°"
    return f"center ({place}), angle {angle}\nchannels: {channels}"


def scan_list_view(scans: ScanList) -> QListView:
    """Return a view of the list in which one can be chosen."""
    view = QListView()
    view.setModel(scans)
    view.setAccessibleName("scans of this run")
    view.setIconSize(QSize(SIZE, SIZE))
    view.setUniformItemSizes(True)
    view.setSpacing(1)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    return view
