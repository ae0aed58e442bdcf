"""Schema form: a tree of fields, made of the schema of a recipe, beside its values."""

from collections.abc import Iterator, Mapping
from typing import Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QBrush, QColor
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..common.theme import Theme
from .schema import ABSENT, Place, Schema, about_kind, written
from .toml_text import Path

_PATH, _PLACE = int(Qt.ItemDataRole.UserRole), int(Qt.ItemDataRole.UserRole) + 1
_NAME, _VALUE, _HINT = range(3)
_EDITABLE = Qt.ItemFlag.ItemIsEditable


class SchemaForm(QWidget):
    """Shows the values of a recipe with all that might be given, and says what is typed.

    Args:
        schema: What is allowed.
        theme: The colours.

    Signals:
        typed: Something was typed or chosen: path, `Place` and text.
        chosen: Another row is the current one: its path.
    """

    typed = pyqtSignal(object, object, str)
    chosen = pyqtSignal(object)

    def __init__(self, schema: Schema, theme: Theme) -> None:
        super().__init__()
        self._schema, self._theme = schema, theme
        self._faults: dict[str, str] = {}
        self._open: set[Path] = set()
        self._table: Mapping[str, Any] = {}
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("form of the recipe")
        self.tree.setColumnCount(3)
        self.tree.setHeaderLabels(["", "value", "what is right"])
        self.tree.setAlternatingRowColors(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setEditTriggers(
            QAbstractItemView.EditTrigger.SelectedClicked
            | QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self._cells = _Cells(self.tree)
        self.tree.setItemDelegateForColumn(_VALUE, self._cells)
        header = self.tree.header()
        if header is not None:
            header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(_VALUE, QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tree)
        self._cells.written.connect(self._take)
        self.tree.itemExpanded.connect(lambda item: self._open.add(path_of(item)))
        self.tree.itemCollapsed.connect(lambda item: self._open.discard(path_of(item)))
        self.tree.currentItemChanged.connect(self._choose)

    def show_table(self, table: Mapping[str, Any], faults: Mapping[str, str]) -> None:
        """Show values.

        Args:
            table: The values.
            faults: What is wrong with them, by path as in ``steps[0].frame``.
        """
        self._table, self._faults = table, dict(faults)
        current = self.path
        scroll = self.tree.verticalScrollBar()
        position = scroll.value() if scroll is not None else 0
        self.tree.blockSignals(True)
        self.tree.clear()
        root = self.tree.invisibleRootItem()
        if root is not None:
            self._add_fields(root, self._schema.root.schemas[0], table, ())
        for item in self.items():
            item.setExpanded(path_of(item) in self._open or len(path_of(item)) == 1)
        found = self.item(current) if current else None
        if found is not None:
            self.tree.setCurrentItem(found)
        self.tree.blockSignals(False)
        if scroll is not None:
            scroll.setValue(position)
        self.chosen.emit(self.path)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.show_table(self._table, self._faults)

    @property
    def path(self) -> Path:
        """Path of the current row; empty where there is none."""
        item = self.tree.currentItem()
        return path_of(item) if item is not None else ()

    def open(self, path: Path) -> None:
        """Show what is inside of a row, and make it the current one."""
        self._open.add(path)
        item = self.item(path)
        if item is not None:
            item.setExpanded(True)
            self.tree.setCurrentItem(item)
            self.tree.scrollToItem(item)

    def item(self, path: Path) -> QTreeWidgetItem | None:
        """Return the row of a path; None without one."""
        return next((item for item in self.items() if path_of(item) == path), None)

    def items(self) -> Iterator[QTreeWidgetItem]:
        """Yield all rows."""
        root = self.tree.invisibleRootItem()
        if root is not None:
            yield from _below(root)

    def place(self, path: Path) -> Place | None:
        """Return what may stand at a path; None where nothing may."""
        item = self.item(path)
        return place_of(item) if item is not None else None

    def _take(self, item: QTreeWidgetItem, text: str) -> None:
        if text.strip() != item.text(_VALUE):
            self.typed.emit(path_of(item), place_of(item), text)

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        self.chosen.emit(path_of(item) if item is not None else ())

    def _add_fields(
        self,
        parent: QTreeWidgetItem,
        schema: Mapping[str, Any],
        table: Mapping[str, Any],
        path: Path,
    ) -> None:
        """Add a row for all that may stand in a table, and for what stands there and may not."""
        places = self._schema.fields(schema)
        for name, place in places.items():
            if place.is_fixed:  # a kind, which the row of the table shows
                continue
            self._add(parent, name, place, table.get(name, ABSENT), (*path, name))
        for name in table:
            if name not in places:
                self._add(parent, name, Place(()), table[name], (*path, name))

    def _add(
        self, parent: QTreeWidgetItem, name: str, place: Place, value: Any, path: Path
    ) -> None:
        item = QTreeWidgetItem(parent, [name, "", place.hint])
        item.setData(_NAME, _PATH, path)
        item.setData(_NAME, _PLACE, place)
        item.setForeground(_HINT, QBrush(QColor(self._theme.faint)))
        fitting = place.fitting(value)
        about = about_kind(fitting) if fitting is not None and isinstance(value, dict) else ""
        help_text = "\n".join(filter(None, (place.help, about)))
        item.setToolTip(_NAME, help_text)
        item.setToolTip(_VALUE, help_text)
        text, is_editable = written(value), True
        if isinstance(value, dict):
            text, is_editable = str(value.get("kind", "")), len(place.schemas) > 1
            if fitting is not None:
                self._add_fields(item, fitting, value, path)
        elif isinstance(value, list) and fitting is not None and self._schema.is_of_tables(fitting):
            text, is_editable = f"{len(value)}", False
            for index, element in enumerate(value):
                inner = self._schema.element(fitting, index)
                self._add(item, f"[{index}]", inner, element, (*path, index))
        elif value is ABSENT and self._is_list_of_tables(place):
            is_editable = False
        item.setText(_VALUE, text)
        if is_editable:
            item.setFlags(item.flags() | _EDITABLE)
        self._dress(item, value, path)

    def _is_list_of_tables(self, place: Place) -> bool:
        return any(
            schema.get("type") == "array" and self._schema.is_of_tables(schema)
            for schema in place.schemas
        )

    def _dress(self, item: QTreeWidgetItem, value: Any, path: Path) -> None:
        """Show whether a value is given, and whether it is right."""
        if value is ABSENT:
            item.setForeground(_NAME, QBrush(QColor(self._theme.faint)))
        fault = self._faults.get(said(path), "")
        inner = any(_is_within(place, path) for place in self._faults)
        if fault or inner:
            item.setForeground(_NAME, QBrush(QColor(self._theme.alarm)))
        if fault:
            item.setForeground(_VALUE, QBrush(QColor(self._theme.alarm)))
            item.setForeground(_HINT, QBrush(QColor(self._theme.alarm)))
            item.setText(_HINT, fault)
            for column in (_NAME, _VALUE, _HINT):
                item.setToolTip(column, fault)


class _Cells(QStyledItemDelegate):
    """Makes the field in which a value is typed or chosen.

    Signals:
        written: A row, and what was typed into it.
    """

    written = pyqtSignal(QTreeWidgetItem, str)

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def createEditor(  # noqa: N802 - a name of Qt
        self, parent: QWidget | None, _option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget | None:
        """Make a list of choices, or a line."""
        item = self._tree.itemFromIndex(index)
        place = place_of(item) if item is not None else Place(())
        if not place.choices:
            line = QLineEdit(parent)
            line.setPlaceholderText(place.hint)
            line.setFrame(False)
            return line
        box = QComboBox(parent)
        box.addItems(([] if place.is_required else [""]) + list(place.choices))
        box.setEditable(not place.is_only_chosen)
        box.activated.connect(lambda: self._has_chosen(box))
        return box

    def setEditorData(  # noqa: N802 - a name of Qt
        self, editor: QWidget | None, index: QModelIndex
    ) -> None:
        """Show what stands there."""
        text = str(index.data() or "")
        if isinstance(editor, QComboBox):
            editor.setCurrentText(text)
            editor.showPopup()
        elif isinstance(editor, QLineEdit):
            editor.setText(text)

    def setModelData(  # noqa: N802 - a name of Qt
        self, editor: QWidget | None, _model: QAbstractItemModel | None, index: QModelIndex
    ) -> None:
        """Say what was typed; the row changes when the recipe has."""
        item = self._tree.itemFromIndex(index)
        if item is None:
            return
        if isinstance(editor, QComboBox):
            self.written.emit(item, editor.currentText())
        elif isinstance(editor, QLineEdit):
            self.written.emit(item, editor.text())

    def _has_chosen(self, box: QComboBox) -> None:
        self.commitData.emit(box)
        self.closeEditor.emit(box)


def path_of(item: QTreeWidgetItem) -> Path:
    """Return the path of a row."""
    path: Path = item.data(_NAME, _PATH)
    return path


def place_of(item: QTreeWidgetItem) -> Place:
    """Return what may stand in a row."""
    place: Place = item.data(_NAME, _PLACE)
    return place


def said(path: Path) -> str:
    """Write a path as messages do: ``steps[0].frame``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _is_within(place: str, path: Path) -> bool:
    outer = said(path)
    return place.startswith(outer) and place[len(outer) : len(outer) + 1] in (".", "[")


def _below(parent: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    for index in range(parent.childCount()):
        child = parent.child(index)
        if child is not None:
            yield child
            yield from _below(child)
