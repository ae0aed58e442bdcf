"""Questions: folders, files and words that a human is asked for, beside the window.

None of them stops the window: with a modal dialog open nobody could press WITHDRAW.
"""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QDialog, QFileDialog, QInputDialog, QWidget


def ask_folder(parent: QWidget, title: str, start: Path, then: Callable[[Path], object]) -> QDialog:
    """Let a folder be chosen; `then` is called with it, and never where none is."""
    return _ask_path(parent, title, start, QFileDialog.FileMode.Directory, "", then)


def ask_file(
    parent: QWidget, title: str, start: Path, kinds: str, then: Callable[[Path], object]
) -> QDialog:
    """Let a file be chosen that exists; `then` is called with it, and never where none is.

    Args:
        parent: The window.
        title: What it is for.
        start: Folder that is shown first.
        kinds: Which files are shown, such as "TOML (*.toml)".
        then: What is done with it.
    """
    return _ask_path(parent, title, start, QFileDialog.FileMode.ExistingFile, kinds, then)


def ask_text(parent: QWidget, title: str, label: str, then: Callable[[str], object]) -> QDialog:
    """Let words be written; `then` is called with them, and never where there are none."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setInputMode(QInputDialog.InputMode.TextInput)
    dialog.textValueSelected.connect(lambda text: then(text.strip()) if text.strip() else None)
    return _beside(dialog)


def _ask_path(
    parent: QWidget,
    title: str,
    start: Path,
    mode: QFileDialog.FileMode,
    kinds: str,
    then: Callable[[Path], object],
) -> QDialog:
    dialog = QFileDialog(parent, title, str(start), kinds)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # which would stop the window
    dialog.setFileMode(mode)
    if mode is QFileDialog.FileMode.Directory:
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    return _beside(dialog)


def _beside(dialog: QDialog) -> QDialog:
    dialog.finished.connect(dialog.deleteLater)
    dialog.setModal(False)
    dialog.show()
    return dialog
