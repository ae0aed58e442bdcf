"""Menus: everything frequent has a key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QMessageBox

from .common.theme import THEMES

if TYPE_CHECKING:
    from .main_window import MainWindow

KEYS = """\
F12, Ctrl+Shift+W\tWITHDRAW the tip, whatever else is open
Ctrl+P, Ctrl+G, Ctrl+I\tpause, go on, end what was begun by hand
Ctrl+Shift+A, Ctrl+Shift+R, Ctrl+Shift+E\taccept, reject, do what the fields say instead
Ctrl+Shift+M, Ctrl+Shift+F\tmeasure the place that was clicked, forbid what is drawn
Ctrl+1 to Ctrl+4\tmicroscope, agent, start, recipe
Ctrl+Return\tin a panel for work by hand: do it
Ctrl+R, Ctrl+Shift+Return\twhile something is chosen for a run: rehearse, start
Ctrl+N, Ctrl+O\tbegin by hand on the simulator, open a run
C, B, L, F, Home\tin the image: channel, direction, levelling, the newest, the whole frame
Ctrl+L, Ctrl+H, Ctrl+F\tlog, history, search in the log
Ctrl+Shift+N\twrite a note into the run's record
Ctrl+S, Ctrl+Shift+S\tin the recipe: save, save as
Ctrl+T, F1, Ctrl+Q\tdark or light, these keys, close this window (the run goes on)"""


class Menus:
    """The menus of a window.

    Args:
        window: The window.
    """

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        layout = window.layout_
        run = self._menu("&Run")
        self._add(run, "Begin by &hand on the simulator", "Ctrl+N", lambda: window.begin_by_hand())
        self._add(run, "&Start a recipe…", "Ctrl+3", layout.show_start)
        run.addSeparator()
        self._add(run, "&Open a run…", "Ctrl+O", window.open_folder)
        self._add(run, "Look at an instrument &server…", "", window.open_server)
        self._add(run, "&Let go of the run (it goes on)", "", window.detach)
        run.addSeparator()
        self._add(run, "&Interrupt what was begun by hand", "Ctrl+I", window.interrupt)
        self._add(run, "&Nothing more by hand: next step", "", window.finish_by_hand)
        self._add(run, "Write a no&te…", "Ctrl+Shift+N", window.annotate)
        run.addSeparator()
        self._add(run, "&Close this window (the run goes on)", "Ctrl+Q", window.close)

        view = self._menu("&View")
        self._add(view, "&Microscope", "Ctrl+1", layout.show_microscope)
        self._add(view, "&Agent", "Ctrl+2", layout.show_agent)
        self._add(view, "&Recipe", "Ctrl+4", layout.show_editor)
        view.addSeparator()
        for name, key in (("log", "Ctrl+L"), ("history", "Ctrl+H")):
            self._add(view, f"Show {name}", key, self._raiser(name))
        for dock in layout.docks.values():
            action = dock.toggleViewAction()
            if action is not None:
                view.addAction(action)
        self._add(view, "&Put everything back in its place", "", layout.reset)
        view.addSeparator()
        self._add(view, "&Dark or light", "Ctrl+T", self._change_theme)

        about = self._menu("&Help")
        self._add(about, "&Keys", "F1", self._show_keys)

    def _menu(self, title: str) -> QMenu:
        bar = self._window.menuBar()
        menu = None if bar is None else bar.addMenu(title)
        assert menu is not None  # Qt makes both
        return menu

    def _add(self, menu: QMenu, text: str, key: str, do: Callable[[], object]) -> None:
        action = QAction(text, self._window)
        if key:
            action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda: do())
        menu.addAction(action)

    def _raiser(self, name: str) -> Callable[[], None]:
        def show() -> None:
            dock = self._window.layout_.docks[name]
            dock.show()
            dock.raise_()

        return show

    def _change_theme(self) -> None:
        names = list(THEMES)
        self._window.set_theme(names[(names.index(self._window.theme.name) + 1) % len(names)])

    def _show_keys(self) -> None:
        rows = "".join(
            f"<tr><td style='padding-right: 16px'><b>{keys}</b></td><td>{what}</td></tr>"
            for keys, what in (line.split("\t") for line in KEYS.splitlines())
        )
        box = QMessageBox(self._window)
        box.setWindowTitle("Keys")
        box.setText(f"<table>{rows}</table>")
        box.setModal(False)
        box.show()
