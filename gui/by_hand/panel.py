"""Panel: some quantities, what is read back of each beside it, and a button that asks for it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut, QShowEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from spm_auto.ear import Look
from spm_auto.instrument import Capabilities, Instruction, Limits

from ..common.fields import QuantityField, Range
from ..common.snug import SnugArea
from ..common.theme import Theme
from ..run.run_model import Part, RunModel
from .checking import AtField, Known, Refusal
from .rows import Row, say, words


class Panel(QWidget):
    """What can be asked of the instrument by hand, of one kind.

    It sends nothing: it says what is `asked`, and only what the guard would let pass as far as
    can be known here. The guard has the last word.

    Args:
        theme: The colours.
        verb: On the button.
        heading: What stands in the column of what is read back; empty for no such column.

    Signals:
        asked: What is wanted of the instrument, a tuple of instructions.
    """

    asked = pyqtSignal(object)

    def __init__(self, theme: Theme, verb: str, heading: str = "") -> None:
        super().__init__()
        self.theme, self.known = theme, Known()
        self.rows: list[Row] = []
        self.wanted: tuple[Instruction, ...] = ()  # what the fields say; empty where they cannot
        self.nothing = ""  # what to do where the fields ask for nothing
        self._is_ready, self._why_not = False, "no run is open"
        self._is_filling = False
        self._edited: QuantityField | None = None  # where the last thing was typed
        self.grid = QGridLayout()
        self.grid.setColumnStretch(1, 1)
        self.grid.setHorizontalSpacing(10)
        self.grid.setVerticalSpacing(5)
        self.heading = QToolButton(self)
        self.heading.setText(heading)
        self.heading.setAutoRaise(True)
        self.heading.setVisible(bool(heading))
        if heading:
            self.grid.addWidget(self.heading, 0, 2)
        self.offer(None, "")
        self.middle = QVBoxLayout()
        self.summary = words()
        self.note = words(role="alarm")
        self.note.hide()
        self.button = QPushButton(verb)
        self.button.setToolTip("Ctrl+Return, from any field of this panel")
        self.button.clicked.connect(self.act)
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.button.setMinimumWidth(self.button.fontMetrics().averageCharWidth() * 18)
        self.why = words(role="faint")
        line = QHBoxLayout()
        line.addWidget(self.button)
        line.addWidget(self.why, 1)
        self.foot = QVBoxLayout()
        self.foot.setContentsMargins(9, 0, 9, 9)
        self.foot.addWidget(self.summary)
        self.foot.addWidget(self.note)
        self.foot.addLayout(line)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(8)
        column.addLayout(self.grid)
        column.addLayout(self.middle)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(SnugArea(inside))  # on a small screen it scrolls, and the button stays
        whole.addLayout(self.foot)
        whole.addStretch(1)
        for key in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.button.click)

    def add(self, name: str, field: QuantityField, tip: str) -> Row:
        """Add a quantity."""
        row = Row(self.grid, name, field, tip)
        field.valued.connect(partial(self._edit, field))
        self.rows.append(row)
        return row

    def quantity(
        self,
        name: str,
        unit: str,
        value: float,
        tip: str,
        allowed: Range = (-math.inf, math.inf),
        whole: bool = False,
        positive: bool = False,
    ) -> Row:
        """Add a quantity with a value to begin with; typing into it is a `touch`."""
        field = QuantityField(name, unit, value, allowed, whole=whole, positive=positive)
        field.textEdited.connect(lambda _: self.touch())
        return self.add(name, field, tip)

    def touch(self) -> None:
        """Know that a human has typed: from now on the fields do not follow the run."""

    def offer(self, write: Callable[[], None] | None, tip: str) -> None:
        """Let a click on the head of what is read back write it into the fields."""
        self.heading.setEnabled(write is not None)
        self.heading.setToolTip(tip)
        self.heading.setAccessibleName(tip)
        if write is not None:
            self.heading.clicked.connect(write)

    def add_choice(self, name: str, choices: Sequence[str], tip: str) -> QComboBox:
        """Add a choice between some words."""
        box, label = QComboBox(), QLabel(name)
        box.addItems(choices)
        box.setToolTip(tip)
        box.setAccessibleName(name)
        label.setBuddy(box)
        label.setToolTip(tip)
        at = self.grid.rowCount()
        self.grid.addWidget(label, at, 0)
        self.grid.addWidget(box, at, 1, 1, 2)
        return box

    def fill(self, write: Callable[[], None]) -> None:
        """Let something write many fields, and look at them once when it is done."""
        self._is_filling = True
        try:
            write()
        finally:
            self._is_filling = False
        self.review()

    def allow(self, capabilities: Capabilities | None, limits: Limits | None) -> None:
        """Take in what the instrument has, and what is allowed."""
        self.known = replace(self.known, capabilities=capabilities, limits=limits)
        self.fill(self.set_limits)

    def set_ready(self, is_ready: bool, why: str) -> None:
        """Say whether something can be done by hand now, and why not."""
        self._is_ready, self._why_not = is_ready, why
        self.review()

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""

    def show_look(self, look: Look | None) -> None:
        """Show what the instrument reads back."""
        before, self.known = (
            self.known,
            replace(self.known, status=None if look is None else look.status),
        )
        if self.isVisible() and before.status != self.known.status and self.hangs_on_look():
            self.review()

    def hangs_on_look(self) -> bool:
        """Whether what is asked for, or allowed, changes with what is read back."""
        limits = self.known.limits
        return limits is not None and bool(self.wanted) and limits.needs_status(self.wanted[0])

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Look at the fields again: much may have happened since it was seen last."""
        super().showEvent(event)
        self.review()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.theme = theme

    def use(self, instruction: Instruction) -> None:
        """Write into the fields what an instruction says, where it is one of this panel."""

    def set_limits(self) -> None:
        """Tell the fields what is allowed: `self.known` has changed."""

    def instructions(self) -> tuple[Instruction, ...]:
        """Return what the fields ask for; each of them is right by itself.

        Raises:
            ValueError: They do not go together, or something else is missing.
        """
        raise NotImplementedError

    def blamed(self, quantity: str) -> Sequence[QuantityField]:
        """Return the fields that stand for a quantity of the limits."""
        return [row.field for row in self.rows if row.field.name == quantity]

    def explain(self, quantity: str) -> str:  # noqa: ARG002 - panels that know more use it
        """Say what would be right of a quantity that is out of its limits, where that helps."""
        return ""

    def sum_up(self) -> str:
        """Say in words what `self.wanted` would do; not called where nothing is wanted."""
        return ""

    def reviewed(self) -> None:
        """Do what follows from new values in the fields."""

    def act(self) -> None:
        """Ask for what the fields say, if that is possible now."""
        self.review()
        if self.can_act:
            self.asked.emit(self.wanted)

    @property
    def can_act(self) -> bool:
        """Whether something can be asked for now."""
        return self._is_ready and bool(self.wanted) and not self.faults()

    def faults(self) -> list[str]:
        """Return all that is wrong, in words."""
        said = [row.field.fault() for row in self.rows if row.is_used]
        return [text for text in (*dict.fromkeys(said), self.note.text()) if text]

    def review(self) -> None:
        """Look at all fields again, and show what is wrong and what would be done."""
        if self._is_filling:
            return
        self.wanted, note = (), ""
        for row in self.rows:
            row.field.refuse("")
        wrong = [row for row in self.rows if row.is_used and row.field.fault()]
        if not wrong:
            try:
                self.wanted = self.instructions()
                refusal = self.known.refusal(self.wanted)
            except AtField as error:
                refusal = Refusal(str(error), error.quantity)
            except ValueError as error:
                refusal = Refusal(str(error))
            if refusal is not None:
                note = self._refuse(refusal)
        self._show(note)
        self.reviewed()

    def _edit(self, field: QuantityField) -> None:
        self._edited = field
        self.review()

    def _refuse(self, refusal: Refusal) -> str:
        """Show at its fields why something is refused, or return it where no field is to blame."""
        text = " ".join(filter(None, (refusal.text, self.explain(refusal.quantity))))
        if len(self.wanted) > 1:
            text = f"place {refusal.number + 1} of {len(self.wanted)}: {text}"
        used = [row.field for row in self.rows if row.is_used]
        blamed = [field for field in self.blamed(refusal.quantity) if field in used]
        for field in blamed:
            field.refuse(text)
        return "" if blamed else text

    def _show(self, note: str) -> None:
        names = [row.field.name for row in self.rows if row.is_used and row.field.fault()]
        told: set[str] = set()
        for row in sorted(self.rows, key=lambda row: row.field is not self._edited):
            fault = row.field.fault() if row.is_used else ""
            row.show_fault("" if fault in told or row.field.is_missing else fault)
            told.add(fault)
        say(self.note, note)
        is_wrong = bool(names or note)
        say(self.summary, self.sum_up() if self.wanted and not is_wrong else "")
        self.button.setEnabled(self.can_act)
        if not self._is_ready:
            self.why.setText(self._why_not)
        elif is_wrong:
            self.why.setText(f"first: {', '.join(names) or 'see above'}")
        else:
            self.why.setText("" if self.wanted else self.nothing)
