"""The window, which tells where its parts are: `spm-auto`, started by the tests of the screen.

    python driven.py gui [...]

It is the program as it is. Beside it, a name on standard input is answered on standard output, as
JSON: where on the screen what has that name is, and what it shows. Everything that is done to the
window is done by the mouse and the keyboard of the screen.
"""

import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent.parent)

from PyQt6.QtCore import QPoint, QRect, QSocketNotifier
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTabBar,
    QWidget,
)

from spm_auto import cli

ALL = "*"  # everything that is shown


def parts() -> list[dict[str, Any]]:
    """Return what is shown: names, place on the screen, words, and whether it can be used."""
    found: list[dict[str, Any]] = []
    for widget in QApplication.allWidgets():
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            continue
        found.append(_told(widget, widget.rect(), _words(widget), widget.isEnabled()))
        if isinstance(widget, QTabBar):
            for number in range(widget.count()):
                text, rect = widget.tabText(number), widget.tabRect(number)
                found.append(_told(widget, rect, text, widget.isTabEnabled(number), "tab"))
        if isinstance(widget, QMenu | QMenuBar):
            for action in widget.actions():
                rect = widget.actionGeometry(action)
                found.append(_told(widget, rect, action.text(), action.isEnabled(), "action"))
    return found


def _told(
    widget: QWidget, rect: QRect, text: str, is_enabled: bool, kind: str = ""
) -> dict[str, Any]:
    corner = widget.mapToGlobal(QPoint(rect.x(), rect.y()))
    return {
        "kind": kind or type(widget).__name__,
        "name": widget.accessibleName() or widget.objectName(),
        "text": text.replace("&", ""),
        "place": (corner.x(), corner.y(), rect.width(), rect.height()),
        "is_enabled": is_enabled,
        "role": str(widget.property("role") or ""),
    }


def _words(widget: QWidget) -> str:
    match widget:
        case QAbstractButton() | QLabel() | QLineEdit():
            return widget.text()
        case QComboBox():
            return widget.currentText()
        case QGroupBox():
            return widget.title()
        case QPlainTextEdit():
            return widget.toPlainText()
        case _:
            return widget.windowTitle()


def answer() -> None:
    """Answer one question."""
    name = sys.stdin.readline().strip()
    if not name:
        return
    shown = [p for p in parts() if name == ALL or name in (p["name"], p["text"], p["kind"])]
    sys.stdout.write(json.dumps(shown) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Open the window as the command line does, and listen beside it."""
    application = QApplication(["spm_auto"])
    listening = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, application)
    listening.activated.connect(answer)
    cli.main()


if __name__ == "__main__":
    main()
