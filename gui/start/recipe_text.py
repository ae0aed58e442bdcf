"""Recipe text: TOML in colours, with the line that is none marked."""

from PyQt6.QtCore import QRegularExpression
from PyQt6.QtGui import (
    QColor,
    QFontDatabase,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PyQt6.QtWidgets import QPlainTextEdit, QTextEdit

from ..common.theme import Theme

_TAB = 4  # characters
_STRING = r'"[^"\n]*"' + "|" + r"'[^'\n]*'"
_FOUND = (
    (r"^\s*\[.*\]", "accent"),
    (r"^\s*[\w.\"]+(?=\s*=)|(?<=[{,])\s*\w+(?=\s*=)", "forward"),
    (_STRING, "good"),
    (r"#(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$).*", "faint"),
)  # later ones colour over earlier ones


class RecipeText(QPlainTextEdit):
    """Where a recipe is written.

    Args:
        theme: The colours.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("text of the recipe")
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabStopDistance(_TAB * self.fontMetrics().horizontalAdvance(" "))
        self._theme = theme
        document = self.document()
        self._colours = _Colours(document, theme) if document is not None else None

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        if self._colours is not None:
            self._colours.set_theme(theme)

    def begin(self, text: str) -> None:
        """Take the text of another file, which cannot be undone."""
        self.become(text)
        document = self.document()
        if document is not None:
            document.clearUndoRedoStacks()

    def become(self, text: str) -> None:
        """Take another text where it differs, so that it can be undone and the view stays."""
        now = self.toPlainText()
        if text == now:
            return
        start, shortest = 0, min(len(text), len(now))
        while start < shortest and text[start] == now[start]:
            start += 1
        end = 0
        while end < shortest - start and text[-1 - end] == now[-1 - end]:
            end += 1
        cursor = QTextCursor(self.document())
        cursor.setPosition(_units(now[:start]))
        cursor.setPosition(_units(now[: len(now) - end]), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text[start : len(text) - end])

    def mark(self, line: int) -> None:
        """Mark a line, counted from 1; 0 for none."""
        marked = []
        document = self.document()
        block = document.findBlockByNumber(line - 1) if document is not None and line else None
        if block is not None and block.isValid():
            selection = QTextEdit.ExtraSelection()
            form = QTextCharFormat()
            form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            form.setUnderlineColor(QColor(self._theme.alarm))
            cursor = QTextCursor(block)
            cursor.select(QTextCursor.SelectionType.LineUnderCursor)
            selection.format, selection.cursor = form, cursor
            marked.append(selection)
        self.setExtraSelections(marked)


class _Colours(QSyntaxHighlighter):
    """Colours tables, keys, texts and comments."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self._rules: list[tuple[QRegularExpression, QTextCharFormat]] = []
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._rules = []
        for pattern, role in _FOUND:
            form = QTextCharFormat()
            form.setForeground(QColor(getattr(theme, role)))
            self._rules.append((QRegularExpression(pattern), form))
        self.rehighlight()

    def highlightBlock(self, text: str | None) -> None:  # noqa: N802 - a name of Qt
        """Colour a line."""
        for pattern, form in self._rules:
            found = pattern.globalMatch(text or "")
            while found.hasNext():
                match = found.next()
                self.setFormat(match.capturedStart(), match.capturedLength(), form)


def _units(text: str) -> int:
    """Return the length of a text as Qt counts it, in UTF-16."""
    return len(text.encode("utf-16-le")) // 2
