"""What the window asks for: folders, files and words; nothing stops while it asks."""

from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QWidget
from pytestqt.qtbot import QtBot

from spm_auto.gui.questions import ask_file, ask_folder, ask_text


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def test_no_question_of_the_window_stands_before_the_red_button(
    window: QWidget, tmp_path: Path
) -> None:
    """Row 14: never behind a dialog: none of them takes the mouse from the window."""
    asked: list[QDialog] = [
        ask_folder(window, "folder", tmp_path, print),
        ask_file(window, "file", tmp_path, "all (*)", print),
        ask_text(window, "words", "words:", print),
    ]
    for dialog in asked:
        assert dialog.isVisible()
        assert not dialog.isModal()
    assert QApplication.activeModalWidget() is None
    for dialog in asked:
        dialog.reject()


def test_what_is_chosen_is_given_and_what_is_not_is_not(window: QWidget, tmp_path: Path) -> None:
    given: list[Path] = []
    dialog = ask_folder(window, "folder", tmp_path, given.append)
    assert isinstance(dialog, QFileDialog)
    dialog.selectFile(str(tmp_path))
    dialog.accept()
    assert given == [tmp_path]
    ask_folder(window, "folder", tmp_path, given.append).reject()
    assert given == [tmp_path]


def test_words_that_say_nothing_are_not_given(window: QWidget) -> None:
    given: list[str] = []
    for text in ("  ", " the film is clean "):
        dialog = ask_text(window, "note", "note:", given.append)
        assert isinstance(dialog, QInputDialog)
        dialog.setTextValue(text)
        dialog.accept()
    assert given == ["the film is clean"]
