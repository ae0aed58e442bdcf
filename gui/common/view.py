"""View: what every part of the window has in common."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QWidget

from spm_auto.ear import Look

from ..run.run_model import Part, RunModel
from .selection import Selection
from .theme import Theme


class View(QWidget):
    """Shows part of a run, and says what a human wishes; it knows neither instrument nor process.

    The window calls `show_run` at most once per tick, and only where something has changed.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.

    Signals:
        wished: What a human wants done, a `spm_auto.gui.run.wishes.Wish`.
    """

    wished = pyqtSignal(object)

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__()
        self.selection, self.theme = selection, theme

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""

    def show_look(self, look: Look | None) -> None:
        """Show what the instrument reads back; None where nobody can tell."""

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.theme = theme
