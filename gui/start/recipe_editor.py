"""Recipe editor: a form beside the text of a recipe, always saying the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QTabBar,
    QVBoxLayout,
)

from spm_auto.data import write_whole
from spm_auto.errors import SpmError
from spm_auto.settings import LARGEST, json_schema
from spm_auto.workflow import Recipe

from ..common.roles import set_role
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from .catalogue import RECIPES, offer
from .children import SPM_AUTO
from .draft import judged
from .recipe_bench import RecipeBench
from .recipe_text import RecipeText
from .rehearsal_box import RehearsalBox
from .schema import Schema

_CALM = 0.3  # [s]
_NARROW = 820  # [px]
_SMALLEST = QSize(440, 320)
_SHOWN = 6  # faults that are written out
_NEW = """\
# What is looked for, and why.
schema_version = 1
title = "A new recipe"

[[steps]]
kind = "overview"
frame = { center = ["0 nm", "0 nm"], size = ["1 um", "1 um"], pixels = [64, 64] }
line_rate = "2 Hz"
"""


class RecipeEditor(View):
    """Writes recipes. Nothing is started here, and nothing is saved unless that is wished.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
        command: The program that rehearses, and its first words.
        calm: How long nothing must be typed until the text is read [s].
        schema: Of recipes; without one it is made of the plugins that are installed.

    Signals:
        recipe_ready: A valid recipe is saved, and shall be used: its path.
    """

    recipe_ready = pyqtSignal(object)

    def __init__(
        self,
        selection: Selection,
        theme: Theme,
        command: Sequence[str] = SPM_AUTO,
        calm: float = _CALM,
        schema: Schema | None = None,
    ) -> None:
        super().__init__(selection, theme)
        self._path: Path | None = None
        self._saved = _NEW
        self._waiting: tuple[Path | None, str] | None = None
        self.draft = judged(_NEW, "recipe.toml")
        self.text = RecipeText(theme)
        schema = schema or Schema(json_schema(Recipe))
        self.bench = RecipeBench(schema, theme, self.text.toPlainText)
        self.rehearsal = RehearsalBox(command)
        self.name, self.state, self.faults = QLabel(), QLabel(), QLabel()
        self.use = QPushButton("Use in Start")
        self.discard = QPushButton()
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(round(1000 * calm))
        self._halves, self._sides = QSplitter(Qt.Orientation.Horizontal), QTabBar()
        self._lay_out()
        self.text.textChanged.connect(self._calm.start)
        self._calm.timeout.connect(self._read)
        self.bench.changed.connect(self._become)
        self.bench.refused.connect(self._refuse)
        self.use.clicked.connect(self._use)
        self.discard.clicked.connect(self._discard)
        self._take(None, _NEW)

    @property
    def path(self) -> Path | None:
        """The file; None where the recipe is in none yet."""
        return self._path

    @property
    def is_saved(self) -> bool:
        """Whether what stands here is what stands in the file."""
        return self.text.toPlainText() == self._saved

    def open_file(self, path: Path) -> None:
        """Open a recipe; where that would lose what was written, it is asked first."""
        try:
            with path.open("rb") as file:
                text = file.read(LARGEST + 1).decode("utf-8").replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(f"{path} cannot be read: {error}")
            return
        if len(text) > LARGEST:
            self._refuse(f"{path} is larger than the {LARGEST} bytes allowed")
            return
        self._offer(path, text)

    def save(self) -> None:
        """Write the recipe to its file; what comes with the window is never overwritten."""
        if self._path is None or not self._is_ours(self._path):
            self._choose_place()
        else:
            self.save_as(self._path)

    def save_as(self, path: Path) -> bool:
        """Write the recipe to a file; returns whether that was done."""
        text = self.text.toPlainText()
        if not self._is_ours(path):
            self._refuse(f"{path.name} comes with the window: save it elsewhere")
            return False
        try:
            write_whole(path, text.encode())
        except (OSError, SpmError) as error:
            self._refuse(f"{path} cannot be written: {error}")
            return False
        self._path, self._saved = path, text
        if self._waiting is None:
            self._read()
        else:  # nothing is lost any more
            self._take(*self._waiting)
        return True

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.text.set_theme(theme)
        self.bench.form.set_theme(theme)

    def close_children(self) -> None:
        """End rehearsing."""
        self._calm.stop()
        self.rehearsal.close_children()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - a name of Qt
        """Leave room for others on a small screen."""
        return _SMALLEST

    def resizeEvent(self, a0: QResizeEvent | None) -> None:  # noqa: N802 - a name of Qt
        """Stand beside one another, or where that is too narrow, behind."""
        super().resizeEvent(a0)
        self._show_sides()

    def _show_sides(self) -> None:
        is_narrow, chosen = self.width() < _NARROW, self._sides.currentIndex()
        self._sides.setVisible(is_narrow)
        self.bench.setVisible(not is_narrow or chosen == 0)
        self.text.setVisible(not is_narrow or chosen == 1)

    def _offer(self, path: Path | None, text: str) -> None:
        """Take another recipe, unless what stands here would be lost."""
        if self.is_saved:
            self._take(path, text)
        else:
            self._waiting = (path, text)
            self._show_state()

    def _take(self, path: Path | None, text: str) -> None:
        self._path, self._waiting = path, None
        lab = offer(path).lab if path is not None else None
        if lab is not None:
            self.rehearsal.lab.choose(lab)
        self.text.begin(text)
        self._saved = self.text.toPlainText()
        self._read()

    def _discard(self) -> None:
        if self._waiting is not None:
            self._take(*self._waiting)

    def _become(self, text: str) -> None:
        self.text.become(text)
        self._read()

    def _read(self) -> None:
        """Read the text, and show what comes of it."""
        self._calm.stop()
        self.draft = judged(self.text.toPlainText(), self._file)
        self.bench.show_draft(self.draft)
        self.text.mark(self.draft.line)
        self.rehearsal.set_text(self.draft.text, self._file, not self.draft.faults)
        self._show_state()

    def _use(self) -> None:
        """Hand the recipe over, valid and saved."""
        self._read()
        if self.draft.faults:
            return
        path = self._path
        if path is not None and (self.is_saved or (self._is_ours(path) and self.save_as(path))):
            self.recipe_ready.emit(path)
        elif path is None or not self._is_ours(path):
            self._dialog(QFileDialog.AcceptMode.AcceptSave, self._use_as)

    def _use_as(self, path: Path) -> None:
        if self.save_as(path):
            self.recipe_ready.emit(path)

    @staticmethod
    def _is_ours(path: Path) -> bool:
        """Whether a file may be written: not one that comes with the window."""
        return path.parent.resolve() != RECIPES.resolve()

    def _refuse(self, words: str) -> None:
        self.faults.setText(words)
        self.faults.setVisible(bool(words))

    def _show_state(self) -> None:
        faults = self.draft.faults
        self.name.setText(self._file if self.is_saved else f"{self._file}, not saved")
        self.state.setText(f"{len(faults)} to be put right" if faults else "a valid recipe")
        set_role(self.state, "alarm" if faults else "good")
        more = len(faults) - _SHOWN
        self.faults.setText("\n".join(faults[:_SHOWN]) + (f"\nand {more} more" if more > 0 else ""))
        self.use.setEnabled(not faults)
        self.discard.setVisible(self._waiting is not None)
        if self._waiting is not None:
            path, _ = self._waiting
            other = path.name if path is not None else "a new recipe"
            self.discard.setText(f"Discard what is not saved, and open {other}")

    @property
    def _file(self) -> str:
        return self._path.name if self._path is not None else "recipe.toml"

    def _choose_file(self) -> None:
        self._dialog(QFileDialog.AcceptMode.AcceptOpen, self.open_file)

    def _choose_place(self) -> None:
        self._dialog(QFileDialog.AcceptMode.AcceptSave, self.save_as)

    def _dialog(self, mode: QFileDialog.AcceptMode, then: Callable[[Path], object]) -> None:
        """Let a file be chosen, beside the window: nothing waits for it."""
        folder = self._path.parent if self._path is not None else Path.cwd()
        if mode is QFileDialog.AcceptMode.AcceptSave and folder.resolve() == RECIPES.resolve():
            folder = Path.cwd()
        dialog = QFileDialog(self, "Recipe", str(folder), "TOML (*.toml)")
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # which would stop the window
        dialog.setAcceptMode(mode)
        dialog.setDefaultSuffix("toml")
        dialog.fileSelected.connect(lambda path: then(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.setModal(False)
        dialog.show()

    def _lay_out(self) -> None:
        self.name.setProperty("role", "title")
        self.name.setAccessibleName("file of the recipe")
        self.state.setAccessibleName("whether the recipe is valid")
        self.faults.setAccessibleName("what is wrong with the recipe")
        self.faults.setProperty("role", "alarm")
        self.faults.setWordWrap(True)
        self.faults.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use.setToolTip("Saves the recipe, and chooses it in Start")
        heading, top = QHBoxLayout(), QHBoxLayout()
        heading.addWidget(self.name)
        heading.addWidget(self.state)
        heading.addStretch(1)
        for words, keys, slot in (
            ("New", "", lambda: self._offer(None, _NEW)),
            ("Open…", "", self._choose_file),
            ("Save", "Ctrl+S", self.save),
            ("Save as…", "Ctrl+Shift+S", self._choose_place),
        ):
            button = QPushButton(words)
            button.clicked.connect(slot)
            top.addWidget(button)
            if keys:
                button.setToolTip(keys)
                shortcut = QShortcut(QKeySequence(keys), self)
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.activated.connect(slot)
        top.addStretch(1)
        top.addWidget(self.use)
        self._sides.addTab("Form")
        self._sides.addTab("Text")
        self._sides.currentChanged.connect(self._show_sides)
        self._halves.addWidget(self.bench)
        self._halves.addWidget(self.text)
        self._halves.setSizes([500, 500])
        self._halves.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.addLayout(heading)
        layout.addLayout(top)
        layout.addWidget(self.discard)
        layout.addWidget(self._sides)
        layout.addWidget(self._halves, 1)
        layout.addWidget(self.faults)
        layout.addWidget(self.rehearsal)
