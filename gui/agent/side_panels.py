"""Side panels of the proposals: regions that are closed, "A or B?", and what humans did."""

from datetime import datetime

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from spm_auto.agents import AllowRegion, ForbidRegion, Prefer
from spm_auto.units import format as format_quantity

from ..common.parts import narrow_box, push_button, words
from ..run.run_model import RunModel
from ..run.sayings import Saying
from ..run.wishes import Annotate, Steer
from .beliefs import place_words
from .maps import Place
from .measured import curve_of
from .promises import agent_table, region_of

_MOST = 300  # lines that the list of what humans did shows
_PREFERRING = "preference"  # kind of the agent that learns from "A or B?"
_OFFERED = 300  # so many of the newest spectra can be compared, and the best


class ForbiddenPanel(QWidget):
    """Where nothing may be measured, as the journal tells; each can be allowed again.

    Signals:
        acted: What a human wants, a wish without its reason.
    """

    acted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setAccessibleName("forbidden regions")
        self.list.setWordWrap(True)
        self.allow = push_button("Allow again", "the region may be measured again")
        self.hint = words("hint", "faint")
        self._regions: list[ForbidRegion] = []
        self._can_act = False
        layout = QVBoxLayout(self)
        layout.addWidget(self.hint)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.allow)
        self.allow.clicked.connect(self._allow)
        self.list.currentRowChanged.connect(lambda _: self._look())
        self.show_run(RunModel())

    def show_run(self, model: RunModel) -> None:
        """Show what is forbidden."""
        told = [(region_of(each), each) for each in model.forbidden]
        known = [(region, each) for region, each in told if region is not None]
        regions = [region for region, _ in known]
        self.hint.setText(
            "Nothing is measured in these any more:" if regions else "No region is forbidden."
        )
        self.list.setVisible(bool(regions))
        self.allow.setVisible(bool(regions))
        if regions == self._regions:
            return
        self._regions = regions
        self.list.clear()
        for region, each in known:
            why = f": {each.why}" if each.why else ""
            self.list.addItem(f"{region.words} ({each.who}{why})")
        self.list.setCurrentRow(len(regions) - 1)
        self._look()

    def set_can_act(self, can_act: bool) -> None:
        """Say whether the run listens."""
        self._can_act = can_act
        self._look()

    def _allow(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._regions):
            region = self._regions[row]
            self.acted.emit(Steer(AllowRegion(region.center, region.size, region.radius)))

    def _look(self) -> None:
        self.allow.setEnabled(self._can_act and self.list.currentRow() >= 0)


class PreferPanel(QWidget):
    """Which of two measured places is better.

    Signals:
        acted: What a human wants, a wish without its reason.
        paired: Others are compared now, or whether they were chosen by hand has changed.

    Attributes:
        learns: Whether the agent learns from such answers.
        is_chosen: Whether a human has chosen the two.
        pair: Places of A and B [m]; empty where there are no two.
    """

    acted = pyqtSignal(object)
    paired = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.hint = words("hint", "faint")
        self.choices = (narrow_box("place A"), narrow_box("place B"))
        self.buttons = (
            push_button("A is better", "the agent learns that A is better than B"),
            push_button("B is better", "the agent learns that B is better than A"),
        )
        self.is_chosen = self.learns = False
        self.pair: tuple[Place, ...] = ()
        self._candidates: list[int] = []
        self._places: list[Place] = []
        self._numbers: list[int] = []
        self._lines: list[str] = []
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for n, (name, box, button) in enumerate(zip("AB", self.choices, self.buttons, strict=True)):
            grid.addWidget(QLabel(name), n, 0)
            grid.addWidget(box, n, 1)
            grid.addWidget(button, n, 2)
            box.currentIndexChanged.connect(lambda _: self._look())
            box.activated.connect(lambda _: self._keep())
        self.buttons[0].clicked.connect(lambda: self._prefer(0, 1))
        self.buttons[1].clicked.connect(lambda: self._prefer(1, 0))
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(self.hint)
        layout.addStretch(1)
        self._look()

    def show_run(self, model: RunModel) -> None:
        """Show what was measured and judged; the two that were chosen stay chosen."""
        kind = agent_table(model).get("kind")
        self.learns = kind == _PREFERRING
        self.hint.setText(
            ""
            if self.learns or kind is None
            else f'This agent ({kind}) learns from numbers, not from "A or B?".'
        )
        told = model.spectra or model.curves
        judged = [m for m in told if m.scored is not None and not m.scored.flag]
        best = max(judged, key=lambda m: m.scored.value if m.scored else 0.0, default=None)
        kept = {self._numbers[box.currentIndex()] for box in self.choices if self.is_chosen}
        kept |= set() if best is None else {best.number}
        newest = judged[-_OFFERED:]  # a list of thousands helps nobody, and takes its time
        first = newest[0].number if newest else 0
        judged = [m for m in judged if m.number < first and m.number in kept] + newest
        numbers = [m.number for m in judged]
        lines = [
            f"{m.number + 1}: {format_quantity(m.scored.value, m.scored.unit, 4)} "
            f"at {place_words(curve_of(m).x, curve_of(m).y)}"
            for m in judged
            if m.scored
        ]
        if (numbers, lines) == (self._numbers, self._lines):
            return
        chosen = [
            self._numbers[box.currentIndex()] if box.currentIndex() >= 0 else -1
            for box in self.choices
        ]
        self._numbers, self._lines = numbers, lines
        self._candidates = [m.scored.candidate for m in judged if m.scored]
        self._places = [(curve_of(m).x, curve_of(m).y) for m in judged]
        others = [number for number in numbers if best is None or number != best.number]
        if not self.is_chosen:  # the best so far, and the newest of the others
            chosen = [-1 if best is None else best.number, others[-1] if others else -1]
        for box, number in zip(self.choices, chosen, strict=True):
            box.blockSignals(True)
            box.clear()
            box.addItems(lines)
            box.setCurrentIndex(numbers.index(number) if number in numbers else -1)
            box.blockSignals(False)
        self._look()

    def forget(self) -> None:
        """Forget which two were compared: they are of another run."""
        self.is_chosen = False

    def choose(self, numbers: tuple[int, ...]) -> None:
        """Compare spectra that were chosen in another view: B becomes A, the new one B."""
        for number in numbers[-2:]:
            if number in self._numbers:
                self.is_chosen = True
                self.choices[0].setCurrentIndex(self.choices[1].currentIndex())
                self.choices[1].setCurrentIndex(self._numbers.index(number))

    def _keep(self) -> None:
        self.is_chosen = True
        self.paired.emit()

    def _prefer(self, better: int, worse: int) -> None:
        at = [box.currentIndex() for box in self.choices]
        self.acted.emit(Steer(Prefer(self._candidates[at[better]], self._candidates[at[worse]])))

    def _look(self) -> None:
        at = [box.currentIndex() for box in self.choices]
        is_pair = min(at) >= 0 and self._candidates[at[0]] != self._candidates[at[1]]
        for button in self.buttons:
            button.setEnabled(is_pair)
        self.pair = tuple(self._places[i] for i in at) if is_pair else ()
        self.paired.emit()


class RecordPanel(QWidget):
    """What humans did, as the journal tells, and a line to write something down.

    Signals:
        acted: What a human wants, a wish.
    """

    acted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.note = QLineEdit()
        self.note.setPlaceholderText("a note for the journal")
        self.note.setAccessibleName("note")
        self.write = push_button("Write down", "write the note into the journal")
        self.list = QListWidget()
        self.list.setAccessibleName("what humans did")
        self.list.setWordWrap(True)
        self._newest = -1
        self._can_act = False
        line = QHBoxLayout()
        line.addWidget(self.note, 1)
        line.addWidget(self.write)
        layout = QVBoxLayout(self)
        layout.addLayout(line)
        layout.addWidget(self.list, 1)
        self.write.clicked.connect(self._write)
        self.note.returnPressed.connect(self._write)
        self.note.textChanged.connect(lambda _: self._look())
        self._look()

    def show_run(self, model: RunModel) -> None:
        """Show what humans did since the last call, the newest above."""
        new: list[Saying] = []
        for said in reversed(model.sayings):
            if said.number <= self._newest or len(new) >= _MOST:
                break
            if said.who:
                new.append(said)
        if model.sayings:
            self._newest = model.sayings[-1].number
        for said in reversed(new):
            clock = datetime.fromtimestamp(said.utc).strftime("%H:%M:%S")
            self.list.insertItem(0, f"{clock}  {said.who}: {said.text}")
        while self.list.count() > _MOST:
            self.list.takeItem(self.list.count() - 1)

    def forget(self) -> None:
        """Forget what was done in another run."""
        self.list.clear()
        self.note.clear()
        self._newest = -1

    def set_can_act(self, can_act: bool) -> None:
        """Say whether the run listens."""
        self._can_act = can_act
        self.note.setEnabled(can_act)
        self._look()

    def _write(self) -> None:
        text = self.note.text().strip()
        if text and self._can_act:
            self.acted.emit(Annotate(text))
            self.note.clear()

    def _look(self) -> None:
        self.write.setEnabled(self._can_act and bool(self.note.text().strip()))
