"""Start form: which recipe in which laboratory, and how; nothing here starts anything."""

from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from ..common.fields import QuantityField
from .catalogue import Offer, offer, shipped_labs, shipped_recipes

_LARGEST_SEED = 2.0**53  # up to here a float is every whole number
_MOST_PULSES = 1000.0  # as `spm-auto run` has it
_AS_SAID, _EVERY, _NTH, _NEVER = range(4)
_TIP = int(Qt.ItemDataRole.ToolTipRole)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Attributes:
        recipe: The recipe, a file.
        lab: The lab file.
        seed: Root of all randomness.
        overrides: What is replaced in them, each "PATH=VALUE".
        files: When the two files were written last [ns] and how long they are [bytes]; what was
            planned for one content is no plan for another.
    """

    recipe: Path
    lab: Path
    seed: int
    overrides: tuple[str, ...]
    files: tuple[tuple[int, int], ...]


class FileChoice(QWidget):
    """A file, one of those that come with the window or any other.

    Args:
        name: What it is, for people ("Recipe").
        offers: Those that come with the window.

    Signals:
        chosen: Another one was chosen.
    """

    chosen = pyqtSignal()

    def __init__(self, name: str, offers: tuple[Offer, ...]) -> None:
        super().__init__()
        self._name = name
        self._offers = list(offers)
        self.box = QComboBox()
        self.box.setAccessibleName(name)
        self.box.setMinimumContentsLength(8)
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for each in offers:
            self._add(each)
        self.open = QPushButton("Open…")
        self.open.setAccessibleName(f"open another {name.lower()}")
        self.open.setToolTip(f"Choose another {name.lower()}, a TOML file")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        layout.addWidget(self.open)
        self.box.currentIndexChanged.connect(self.chosen)
        self.open.clicked.connect(self._ask)

    @property
    def offer(self) -> Offer:
        """What is chosen."""
        return self._offers[self.box.currentIndex()]

    def choose(self, path: Path) -> None:
        """Choose a file, which joins those that may be chosen."""
        for index, each in enumerate(self._offers):
            if each.path.resolve() == path.resolve():
                self._offers[index] = offer(path)
                self.box.setItemText(index, self._offers[index].title)
                if index == self.box.currentIndex():
                    self.chosen.emit()  # it may have been written anew
                self.box.setCurrentIndex(index)
                return
        self._offers.append(offer(path))
        self._add(self._offers[-1])
        self.box.setCurrentIndex(len(self._offers) - 1)

    def _add(self, each: Offer) -> None:
        self.box.addItem(each.title)
        self.box.setItemData(self.box.count() - 1, str(each.path), _TIP)

    def _ask(self) -> None:
        """Let a file be chosen, beside the window: nothing waits for it."""
        dialog = QFileDialog(self, self._name, str(self.offer.path.parent), "TOML (*.toml)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # which would stop the window
        dialog.fileSelected.connect(lambda path: self.choose(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.setModal(False)
        dialog.show()


class StartForm(QWidget):
    """What can be chosen of a run before it starts.

    Signals:
        changed: Something else was chosen or typed.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.recipe = FileChoice("Recipe", shipped_recipes())
        self.lab = FileChoice("Laboratory", shipped_labs())
        self.seed = QuantityField("seed", "1", 0, (0.0, _LARGEST_SEED), whole=True)
        self.overrides = QLineEdit()
        self.overrides.setAccessibleName("replaced values")
        self.overrides.setPlaceholderText("steps[1].budget=20; limits.bias=['-5 V', '5 V']")
        self.overrides.setToolTip(
            "What to replace in recipe or lab file for this run: PATH=VALUE, more of them after ;"
        )
        self.approval = QComboBox()
        self.approval.setAccessibleName("approval")
        self.approval.addItems(
            [
                "as the recipe says",
                "ask about every proposal",
                "ask about every N-th proposal",
                "never ask: say yes to all",
            ]
        )
        self.nth = QuantityField("N of every N-th proposal", "1", 5, (1.0, 1e6), whole=True)
        self.nth.setMaximumWidth(80)
        self.nth.hide()
        self.pulses = QuantityField("pulses", "1", 0, (0.0, _MOST_PULSES), whole=True)
        self.pulses.setToolTip("How many pulses and pokes of the tip you say yes to beforehand")
        self.runs = QLineEdit("runs")
        self.runs.setAccessibleName("folder for runs")
        self.runs.setToolTip("Each run gets a folder of its own in here, named by time and title")
        self._lay_out()
        self.recipe.chosen.connect(self._recipe_chosen)
        self.lab.chosen.connect(self.changed)
        self.seed.valued.connect(self.changed)
        self.overrides.textChanged.connect(self.changed)
        self.runs.textChanged.connect(self.changed)
        self.nth.valued.connect(self.changed)
        self.pulses.valued.connect(self.changed)
        self.approval.currentIndexChanged.connect(self._approval_chosen)

    def choice(self) -> Choice | None:
        """Return what was chosen; None where it cannot be tried: see `faults`."""
        if self.faults():
            return None
        recipe, lab = self.recipe.offer.path, self.lab.offer.path
        seed = self.seed.value()
        return Choice(recipe, lab, int(seed or 0), self.replaced(), _files(recipe, lab))

    def faults(self) -> tuple[str, ...]:
        """Return what is wrong with what stands in the fields."""
        found = [self.seed.fault(), self.pulses.fault()]
        if self.approval.currentIndex() == _NTH:
            found.append(self.nth.fault())
        if not self.runs.text().strip():
            found.append("folder for runs is missing: a name such as runs")
        for text in self.replaced():
            if not all(part.strip() for part in text.partition("=")[::2]):
                found.append(f"replaced values: {text!r} must be PATH=VALUE")
        return tuple(each for each in found if each)

    def show_pulses(self, is_real: bool) -> None:
        """Ask for a word for pulses and pokes where something real is pulsed."""
        self._form.setRowVisible(self.pulses, is_real)
        if not is_real:
            self.pulses.set_value(0)

    def options(self) -> tuple[str, ...]:
        """Return what else is said to ``spm-auto run``."""
        count = self.pulses.value()
        return (f"--pulses={count:.0f}",) if count else ()

    def approve(self) -> str:
        """Return how often a human is asked, as ``spm-auto run --approve`` wants it."""
        match self.approval.currentIndex():
            case index if index == _EVERY:
                return "every"
            case index if index == _NTH:
                return f"every {self.nth.value() or 1:.0f}"
            case index if index == _NEVER:
                return "never"
            case _:
                return ""

    def replaced(self) -> tuple[str, ...]:
        """Return what is replaced in recipe and lab file, each "PATH=VALUE"."""
        texts = (text.strip() for text in self.overrides.text().split(";"))
        return tuple(text for text in texts if text)

    def _recipe_chosen(self) -> None:
        """Go to the laboratory that a recipe was written for, where that is a simulated one."""
        suits = self.recipe.offer.lab
        ours = {each.path for each in shipped_labs()}
        if suits is not None and self.lab.offer.path in ours and suits != self.lab.offer.path:
            self.lab.choose(suits)
        self.changed.emit()

    def _approval_chosen(self, index: int) -> None:
        self.nth.setVisible(index == _NTH)
        self.changed.emit()

    def _lay_out(self) -> None:
        approval = QHBoxLayout()
        approval.addWidget(self.approval, 1)
        approval.addWidget(self.nth)
        form = self._form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Recipe", self.recipe)
        form.addRow("Laboratory", self.lab)
        form.addRow("Approval", approval)
        form.addRow("Pulses", self.pulses)
        form.addRow("Seed", self.seed)
        form.addRow("Replace", self.overrides)
        form.addRow("Runs in", self.runs)


def _files(*paths: Path) -> tuple[tuple[int, int], ...]:
    """Return when files were written last, and how long they are; zeros for one that is not."""
    found = []
    for path in paths:
        try:
            told = path.stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((told.st_mtime_ns, told.st_size))
    return tuple(found)
