"""Rehearsal: a recipe that is being written is gone through on the simulator."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from spm_auto.errors import SpmError
from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration

from .catalogue import shipped_labs
from .children import Answer, Child
from .figures import RehearsalFigures, exposure, measurements, read_rehearsal
from .start_form import FileChoice

_DEADLINE = 1800.0  # [s]
_REHEARSE, _GIVE_UP = "Rehearse", "Give up"
_ROWS = ("Time", "Measures", "Exposure", "Extremes")


class RehearsalBox(QWidget):
    """Rehearses the text of a recipe, and shows time, exposure and how far everything goes.

    Args:
        command: The program that rehearses, and its first words.
    """

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__()
        self._child = Child(self, command)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._text, self._name = "", "recipe.toml"
        self.lab = FileChoice("Laboratory", shipped_labs())
        self.button = QPushButton(_REHEARSE)
        self.button.setToolTip(
            "Goes through the recipe as it stands here, on the simulator under the lab's limits"
        )
        self.faults = QLabel()
        self.faults.setAccessibleName("what the rehearsal refused")
        self.faults.setProperty("role", "alarm")
        self.faults.setWordWrap(True)
        self.values = {name: QLabel("–") for name in _ROWS}
        self._found = QWidget()
        self._found.hide()
        self._lay_out()
        self.button.clicked.connect(self._press)
        self.lab.chosen.connect(self._forget)
        self._child.answered.connect(self._answered)

    def set_text(self, text: str, name: str, is_recipe: bool) -> None:
        """Take another text; what was found for the one before it holds no more.

        Args:
            text: Of the recipe.
            name: Of its file, for messages.
            is_recipe: Whether nothing is wrong with it.
        """
        if text != self._text:
            self._forget()
        self._text, self._name = text, name
        self.button.setEnabled(is_recipe or self._child.is_busy)

    def close_children(self) -> None:
        """End what is under way."""
        self._child.close()
        self._clean()

    def _press(self) -> None:
        """Begin, or give up what is under way."""
        if self._child.is_busy:
            self._forget()
        else:
            self._ask()

    def _ask(self) -> None:
        self._forget()
        self._folder = tempfile.TemporaryDirectory(prefix="spm-auto-")
        path = Path(self._folder.name) / self._name
        path.write_text(self._text, "utf-8")
        self._found.show()
        self.values["Time"].setText("the simulator goes through it…")
        self.button.setText(_GIVE_UP)
        lab = str(self.lab.offer.path)
        self._child.ask(["rehearse", str(path), "--lab", lab, "--json"], _DEADLINE)

    def _forget(self) -> None:
        self._child.drop()
        self.button.setText(_REHEARSE)
        self._clean()
        for label in self.values.values():
            label.setText("–")
        self._found.hide()
        self.faults.clear()
        self.faults.hide()

    def _clean(self) -> None:
        """Remove what was written for the child."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _answered(self, answer: Answer) -> None:
        self._forget()
        try:
            found = read_rehearsal(answer.output)
        except SpmError as error:
            self._show_faults(answer.faults or (str(error),))
            return
        self._show(found)

    def _show(self, found: RehearsalFigures) -> None:
        self._found.show()
        self.values["Time"].setText(f"{format_duration(found.times[-1])}, {found.finish_reason}")
        self.values["Measures"].setText(measurements(found.n_spectra, found.n_force_curves))
        self.values["Exposure"].setText(exposure(found))
        far = (
            f"{name} {format_quantity(each.least, each.unit, 3)} to "
            f"{format_quantity(each.most, each.unit, 3)}"
            for name, each in found.extremes.items()
        )
        self.values["Extremes"].setText("; ".join(far) or "–")
        refused = [f"{each.step} ({each.kind}): {each.message}" for each in found.refused]
        self._show_faults((*([found.message] if found.message else []), *refused))

    def _show_faults(self, faults: Sequence[str]) -> None:
        self.faults.setText("\n".join(dict.fromkeys(faults)))
        self.faults.setVisible(bool(faults))

    def _lay_out(self) -> None:
        self.faults.hide()
        top = QHBoxLayout()
        top.addWidget(self.lab, 1)
        top.addWidget(self.button)
        grid = QGridLayout(self._found)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(14)
        for row, (name, value) in enumerate(self.values.items()):
            label = QLabel(name)
            label.setProperty("role", "faint")
            value.setAccessibleName(f"rehearsal: {name}")
            value.setWordWrap(True)
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self._found)
        layout.addWidget(self.faults)
