"""QuestionBox: what the run asks, and the answers: yes, no, or something else instead."""

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout

from spm_auto.data import PointChosen, Verdict
from spm_auto.ear import RunView
from spm_auto.instrument import Limits
from spm_auto.workflow import Question

from ..common.fields import QuantityField
from ..common.parts import push_button, words
from ..common.roles import set_role
from ..run.wishes import Judge
from .maps import Place

BY_HAND = "by_hand"  # kind of a question that is answered with instructions, not with yes or no
_UNITS = {"x": "m", "y": "m", "width": "m", "height": "m", "bias": "V"}


class QuestionBox(QFrame):
    """The question with its answers; each answer says which question it belongs to.

    Args:
        check: Says why a place cannot be measured; empty where it can.

    Signals:
        acted: A human answers, a `spm_auto.gui.run.wishes.Judge` without its reason.
    """

    acted = pyqtSignal(object)

    def __init__(self, check: Callable[[Place], str] = lambda _: "") -> None:
        super().__init__()
        self._check = check
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._view: RunView | None = None
        self.question: Question | None = None
        self._choice: PointChosen | None = None
        self._reason = ""
        self.words = words("what the run asks")
        self.waiting = words("what is wanted and not done yet", "faint")
        self.accept = push_button("Accept", "yes, go on so", "Ctrl+Shift+A")
        self.reject = push_button("Reject", "no", "Ctrl+Shift+R")
        self.edit = push_button("Instead", "do what the fields say instead", "Ctrl+Shift+E")
        self.accept.clicked.connect(lambda: self._answer(Verdict.APPROVED))
        self.reject.clicked.connect(lambda: self._answer(Verdict.REJECTED))
        self.edit.clicked.connect(lambda: self._answer(Verdict.EDITED))
        self.fields = {name: QuantityField(name, unit) for name, unit in _UNITS.items()}
        self._labels = {name: QLabel(name) for name in _UNITS}
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        for n, (name, field) in enumerate(self.fields.items()):
            self._labels[name].setBuddy(field)
            grid.addWidget(self._labels[name], n // 2, 2 * (n % 2))
            grid.addWidget(field, n // 2, 2 * (n % 2) + 1)
            field.valued.connect(self._look)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.fault = words("why it cannot be done instead", "alarm")
        buttons = QHBoxLayout()
        for button in (self.accept, self.reject, self.edit):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.addWidget(self.words)
        layout.addLayout(grid)
        layout.addWidget(self.fault)
        layout.addLayout(buttons)
        layout.addWidget(self.waiting)
        self._show()

    @property
    def place(self) -> Place | None:
        """The place, or the frame's middle, that is asked about [m]; None for nothing."""
        asked = self._asked()
        return (asked["x"], asked["y"]) if {"x", "y"} <= set(asked) else None

    @property
    def frame_size(self) -> tuple[float, float] | None:
        """Size of the frame that is asked about [m]; None for none."""
        asked = self._asked()
        return (asked["width"], asked["height"]) if {"width", "height"} <= set(asked) else None

    @property
    def asks_for_point(self) -> bool:
        """Whether the run asks where to measure."""
        return self.question is not None and self.question.ask.kind == "point"

    @property
    def is_by_hand(self) -> bool:
        """Whether the run waits for instructions by hand: there is no agent to be steered."""
        return self.question is not None and self.question.ask.kind == BY_HAND

    def set_limits(self, limits: Limits | None) -> None:
        """Say where the probe may go, and which bias may be applied."""
        if limits is not None:
            self.fields["x"].set_allowed(limits.x)
            self.fields["y"].set_allowed(limits.y)
            self.fields["bias"].set_allowed(limits.bias)

    def show_question(self, view: RunView | None) -> None:
        """Show how the run stands; None where it cannot be spoken to."""
        if view == self._view:
            return
        before, self._view = self.question, view
        self.question = None if view is None else view.question
        is_new = (before and before.number) != (self.question and self.question.number)
        if is_new or before != self.question:
            for name, value in self._asked().items():
                self.fields[name].set_value(value)
        self._show()

    def set_reason(self, choice: PointChosen | None, reason: str) -> None:
        """Say why the agent wants to measure where it does, with units.

        Args:
            choice: What it chose last; None for nothing.
            reason: Why, in words.
        """
        if (choice, reason) != (self._choice, self._reason):
            self._choice, self._reason = choice, reason
            self._show()

    def suggest(self, place: Place) -> None:
        """Write a place into the fields; nothing is sent by that."""
        if {"x", "y"} <= set(self._asked()):
            self.fields["x"].set_value(place[0])
            self.fields["y"].set_value(place[1])

    def answer_with(self, place: Place) -> None:
        """Answer that a place is to be measured instead."""
        self.suggest(place)
        self._answer(Verdict.EDITED)

    def review(self) -> None:
        """Look at the fields again: what can be measured may have changed."""
        self._look()

    def _because(self) -> str:
        """Return the question with the agent's reason, where it is about its last choice."""
        choice = self._choice
        if self.question is None or choice is None or self.place != (choice.x, choice.y):
            return ""
        asked, mark, _ = self.question.ask.question.partition("? (")
        return f"{asked}?\n{self._reason}" if mark else ""

    def _asked(self) -> dict[str, float]:
        """Return what is asked about by the names of the fields [SI]."""
        if self.question is None:
            return {}
        values = self.question.ask.values
        asked = {name: float(values[name]) for name in ("x", "y", "bias") if name in values}
        for pair, names in (("center", ("x", "y")), ("size", ("width", "height"))):
            if pair in values:
                asked |= dict(zip(names, map(float, values[pair]), strict=True))
        return asked

    def _edited(self) -> dict[str, Any] | None:
        """Return what the fields say, by the names of the question; None where one is wrong."""
        given = {name: self.fields[name].value() for name in self._asked()}
        if not given or any(value is None for value in given.values()):
            return None
        if self.asks_for_point:
            return dict(given)
        return {"center": (given["x"], given["y"]), "size": (given["width"], given["height"])}

    def _answer(self, verdict: Verdict) -> None:
        if self.question is None:
            return
        values = (self._edited() or {}) if verdict is Verdict.EDITED else {}
        if verdict is Verdict.EDITED and not (values and self.edit.isEnabled()):
            return
        self.acted.emit(Judge(verdict, self.question.number, values))

    def _show(self) -> None:
        view, question = self._view, self.question
        can_answer = question is not None and question.ask.kind != BY_HAND
        self.words.setText(self._because() or _said(view, question))
        set_role(self.words, "warning" if can_answer else "faint")
        waiting = () if view is None else view.waiting
        self.waiting.setText(f"wanted, not done yet: {'; '.join(waiting)}")
        self.waiting.setVisible(bool(waiting))
        asked = self._asked()
        for name, field in self.fields.items():
            field.setVisible(name in asked)
            self._labels[name].setVisible(name in asked)
        kind = question.ask.kind if question is not None else ""
        self.reject.setText("End the run" if kind == "step" else "Reject")
        for button in (self.accept, self.reject):
            button.setVisible(can_answer)
        self.edit.setVisible(can_answer and bool(asked))
        self._look()

    def _look(self) -> None:
        """Let "instead" be pressed while the fields are right, and say what is wrong with them."""
        said = "\n".join(filter(None, (self.fields[name].fault() for name in self._asked())))
        x, y = (self.fields[name].value() for name in ("x", "y"))
        if self.asks_for_point and not said and x is not None and y is not None:
            said = self._check((x, y))
        self.edit.setEnabled(self._edited() is not None and not said)
        self.fault.setText(said)
        self.fault.setVisible(bool(said))


def _said(view: RunView | None, question: Question | None) -> str:
    """Say what the run asks, or why it asks nothing."""
    if view is None:
        return "The run cannot be spoken to: nothing can be asked of it."
    if view.finished:
        return f"The run is over: {view.finished}."
    if question is None:
        return "The run asks nothing just now."
    if question.ask.kind == BY_HAND:
        return "The run waits for what is done by hand."
    return question.ask.question
