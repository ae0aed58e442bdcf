"""Recipe bench: the form of a recipe, and what adds, removes and moves its steps."""

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from spm_auto.errors import RecipeError

from ..common.theme import Theme
from . import toml_text
from .draft import Draft
from .schema import ABSENT, Place, Schema
from .schema_form import SchemaForm
from .toml_text import Path

_TABLE = "table"  # what is added to a list of tables of one kind


class RecipeBench(QWidget):
    """Turns what is typed and pressed in the form into another text.

    Args:
        schema: Of recipes.
        theme: The colours.
        text: Gives the text as it stands now.

    Signals:
        changed: The text shall be another one.
        refused: That cannot be done here, and why.
    """

    changed = pyqtSignal(str)
    refused = pyqtSignal(str)

    def __init__(self, schema: Schema, theme: Theme, text: Callable[[], str]) -> None:
        super().__init__()
        self._schema, self._text = schema, text
        self._draft: Draft | None = None
        self.form = SchemaForm(schema, theme)
        self.help = QLabel()
        self.menu = QMenu(self)
        self.add = QPushButton("Add")
        self.add.setMenu(self.menu)
        self.remove, self.up, self.down = (QPushButton(name) for name in ("Remove", "Up", "Down"))
        self._lay_out()
        self.form.typed.connect(self._typed)
        self.form.chosen.connect(self._show_tools)
        self.menu.aboutToShow.connect(self._fill)
        self.remove.clicked.connect(self._remove)
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))

    def show_draft(self, draft: Draft) -> None:
        """Show a draft; one that is no TOML closes the form."""
        self._draft = draft
        self.setEnabled(draft.table is not None)
        if draft.table is not None:
            self.form.show_table(draft.table, draft.places)

    def insert(self, kind: str = _TABLE) -> None:
        """Add an element to the list of the current row: after it, or at its end.

        Args:
            kind: Of the element, where there are several.
        """
        found = self._list()
        if found is None:
            return
        path, array = found
        elements = self._value(path)
        here = self.form.path
        count = len(elements) if isinstance(elements, list) else 0
        index = int(here[len(path)]) + 1 if len(here) > len(path) else count
        place = self._schema.element(array, index)

        def change(text: str) -> str:
            element = self._schema.value(place, kind)
            if kind not in place.choices:
                element = self._schema.example(place.schemas[0])
            return toml_text.inserted(text, (*path, index), element)

        if self._change(change):
            self.form.open((*path, index))

    def _typed(self, path: Path, place: Place, typed: str) -> None:
        def change(text: str) -> str:
            value = self._schema.value(place, typed)
            if value is not ABSENT:
                return toml_text.replaced(text, path, value)
            return text if self._value(path) is ABSENT else toml_text.removed(text, path)

        self._change(change)

    def _remove(self) -> None:
        path = self._element()
        if path:
            self._change(lambda text: toml_text.removed(text, path))

    def _move(self, by: int) -> None:
        path = self._element()
        if not path:
            return
        index = int(path[-1]) + by
        if 0 <= index < len(self._value(path[:-1])) and self._change(
            lambda text: toml_text.moved(text, path, index)
        ):
            self.form.open((*path[:-1], index))

    def _change(self, change: Callable[[str], str]) -> bool:
        """Change the text; returns whether that was possible."""
        try:
            text = change(self._text())
        except RecipeError as error:
            self.refused.emit(str(error))
            return False
        except (KeyError, IndexError):
            self.refused.emit("the text has changed meanwhile: try again")
            return False
        self.changed.emit(text)
        return True

    def _element(self) -> Path:
        """Return the element of a list in which the current row is; empty where it is in none."""
        path = self.form.path
        while path and not isinstance(path[-1], int):
            path = path[:-1]
        return path

    def _list(self) -> tuple[Path, Any] | None:
        """Return the list of tables which the current row is, or is in, and its schema."""
        for path in (self.form.path, self._element()[:-1]):
            place = self.form.place(path) if path else None
            for schema in place.schemas if place is not None else ():
                if schema.get("type") == "array" and self._schema.is_of_tables(schema):
                    return path, schema
        return None

    def _value(self, path: Path) -> Any:
        try:
            return toml_text.at(self._draft.table if self._draft else None, path)
        except (KeyError, IndexError, TypeError):
            return ABSENT

    def _fill(self) -> None:
        """Offer what may be added where the current row is."""
        self.menu.clear()
        found = self._list()
        if found is None:
            return
        path, array = found
        name = str(path[-1]).removesuffix("s")
        for kind in self._schema.element(array, 0).choices or (_TABLE,):
            action = self.menu.addAction(name if kind == _TABLE else f"{name}: {kind}")
            if action is not None:
                action.triggered.connect(lambda _, kind=kind: self.insert(kind))

    def _show_tools(self) -> None:
        """Say what the current row is about, and offer what can be done with it."""
        item = self.form.item(self.form.path) if self.form.path else None
        self.help.setText(item.toolTip(0) if item is not None else "")
        is_element = bool(self._element())
        self.add.setEnabled(self._list() is not None)
        for button in (self.remove, self.up, self.down):
            button.setEnabled(is_element)

    def _lay_out(self) -> None:
        self.add.setToolTip("Adds a step, or an element of another list, after the current row")
        tools = QHBoxLayout()
        for button, keys in (
            (self.add, ""),
            (self.remove, "Ctrl+Del"),
            (self.up, "Ctrl+Up"),
            (self.down, "Ctrl+Down"),
        ):
            button.setAccessibleName(f"{button.text().lower()} a step")
            tools.addWidget(button)
            if keys:
                button.setToolTip(f"{button.text()} ({keys})")
                shortcut = QShortcut(QKeySequence(keys), self)
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.activated.connect(button.click)
        tools.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(tools)
        layout.addWidget(self.form, 1)
        self.help.setAccessibleName("what the current field is about")
        self.help.setProperty("role", "faint")
        self.help.setWordWrap(True)
        self.help.setMinimumHeight(2 * self.help.fontMetrics().lineSpacing())
        self.help.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.help)
