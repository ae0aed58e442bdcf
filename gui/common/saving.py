"""Saving: where to is typed in a row of the view, so that no dialog ever stands before a button."""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from spm_auto.data import write_whole

from .beside import Beside
from .roles import set_role

Text = Callable[[], str]


class SaveRow(QWidget):
    """A path, a button that saves there, and what came of it; hidden until it is asked for.

    Signals:
        said: What came of it, in words; and whether it was saved.
    """

    said = pyqtSignal(str, bool)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._text: Text = str
        self._confirmed: Path | None = None
        self._beside = Beside()
        self._beside.done.connect(self._done)
        self._beside.failed.connect(self._failed)
        self.path = QLineEdit()
        self.path.setAccessibleName(f"file to save {name} to")
        self.save_button = QPushButton("Save")
        self.close_button = QPushButton("Close")
        self.words = QLabel("")
        self.words.setWordWrap(True)
        row = QHBoxLayout()
        for widget in (QLabel("to"), self.path, self.save_button, self.close_button):
            row.addWidget(widget, int(widget is self.path))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.words)
        self.save_button.clicked.connect(self._save)
        self.path.returnPressed.connect(self._save)
        self.path.textChanged.connect(self._forget)
        self.close_button.clicked.connect(self.hide)
        self.hide()

    def ask(self, suggested: str, text: Text) -> None:
        """Show the row.

        Args:
            suggested: Name of the file; the folder stays the one that was used last.
            text: Gives what is to be written; called in another thread.
        """
        self._text = text
        written = self.path.text().strip()
        folder = Path(written).parent if written else Path.cwd()
        self.path.setText(str(folder / suggested))
        self.words.setText("")
        self.words.hide()
        self.show()
        self.path.setFocus()
        self.path.selectAll()

    def finish(self) -> None:
        """Wait for what is being written."""
        self._beside.close()

    def _forget(self) -> None:
        self._confirmed = None

    def _save(self) -> None:
        written = self.path.text().strip()
        path = Path(written).expanduser()
        if not written or path.is_dir():
            self._say("NOT saved: the name of a file is missing", False)
        elif path.exists() and path != self._confirmed:
            self._confirmed = path
            self._say(f"{path} is there already: save once more to replace it", False)
        else:
            text = self._text
            self._beside.do(path, lambda: write_whole(path, text().encode()))

    def _done(self, path: Path, _: object) -> None:
        self._confirmed = None
        self._say(f"saved to {path}", True)

    def _failed(self, _: Path, error: str) -> None:
        self._say(f"NOT saved: {error}", False)

    def _say(self, words: str, is_saved: bool) -> None:
        set_role(self.words, "good" if is_saved else "warning")
        self.words.setText(words)
        self.words.show()
        self.said.emit(words, is_saved)
