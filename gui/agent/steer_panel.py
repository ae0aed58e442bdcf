"""SteerPanel: how often the run asks, how much is explored, and by what spectra are judged."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from spm_auto import plugins
from spm_auto.agents import Rescalarize, SetExploration
from spm_auto.ear import RunView
from spm_auto.workflow import often

from ..common.fields import QuantityField
from ..common.parts import narrow_box, push_button, words
from ..run.run_model import RunModel
from ..run.wishes import SetApproval, Steer
from .promises import agent_table, step_table

NEVER, EACH, NTH = "about no proposal", "about each proposal", "about every n-th"
_ROWS = ("ask", "explore", "judge by")


class SteerPanel(QWidget):
    """What is in force beside each field is what the run says, never what was typed.

    Signals:
        acted: What a human wants, a wish without its reason.
    """

    acted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.approval = narrow_box("how often the run asks a human")
        self.approval.addItems([NEVER, EACH, NTH])
        self.nth = QuantityField("ask about every so many-th", "1", 5, (2, 1_000_000), whole=True)
        self.nth.setMaximumWidth(60)
        self.weight = QuantityField("exploration weight", "1", allowed=(0.0, 100.0), optional=True)
        self.weight.setPlaceholderText("standard deviations, 0 is greedy")
        self.scalarizer = narrow_box("scalarizer")
        self.scalarizer.addItems(plugins.names("scalarizers"))
        self.buttons = {
            "ask": push_button("Set", "change how often the run asks a human about proposals"),
            "explore": push_button("Set", "weigh what is not known by so many deviations"),
            "judge by": push_button("Set", "judge all spectra by it, also those taken so far"),
        }
        self.now = {name: words(f"{name} now", "faint") for name in _ROWS}
        self._by_recipe = "as the recipe has it"
        self._judged_by = ""
        self._view: RunView | None = None
        ask = QWidget()
        line = QHBoxLayout(ask)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.approval, 1)
        line.addWidget(self.nth)
        grid = QGridLayout(self)
        grid.setColumnStretch(1, 1)
        for n, (name, field) in enumerate(
            zip(_ROWS, (ask, self.weight, self.scalarizer), strict=True)
        ):
            self.buttons[name].setAccessibleName(f"set {name}")
            grid.addWidget(QLabel(name), 2 * n, 0)
            grid.addWidget(field, 2 * n, 1)
            grid.addWidget(self.buttons[name], 2 * n, 2)
            grid.addWidget(self.now[name], 2 * n + 1, 1, 1, 2)
        grid.setRowStretch(2 * len(_ROWS), 1)
        self.buttons["ask"].clicked.connect(self._set_approval)
        self.buttons["explore"].clicked.connect(self._set_weight)
        self.buttons["judge by"].clicked.connect(self._set_scalarizer)
        self.approval.currentTextChanged.connect(lambda _: self._look())
        self.nth.valued.connect(self._look)
        self.weight.valued.connect(self._look)
        self._look()

    def show_run(self, model: RunModel) -> None:
        """Show what is in force, as the journal tells."""
        name = model.learning.scalarizer
        self.now["judge by"].setText(f"now {name}" if name else "nothing was judged yet")
        if name != self._judged_by:
            self._judged_by = name
            self.scalarizer.setCurrentText(name)
        given = [i.values["weight"] for i in model.interventions if i.kind == SetExploration.kind]
        weight = given[-1] if given else agent_table(model).get("exploration")
        said = "as the agent has it" if weight is None else f"now {float(weight):g}"
        self.now["explore"].setText(said)
        asked = step_table(model).get("approval", "never")
        every = asked.get("every", 0) if isinstance(asked, dict) else int(asked == "every")
        self._by_recipe = f"as the recipe has it: about {often(every)}"
        self._show_approval()

    def show_question(self, view: RunView | None) -> None:
        """Show how often the run asks; None where it cannot be spoken to."""
        self._view = view
        self._show_approval()

    def _show_approval(self) -> None:
        if self._view is None:
            self.now["ask"].setText("not known")
        elif self._view.approval is None:
            self.now["ask"].setText(self._by_recipe)
        else:
            self.now["ask"].setText(f"now about {often(self._view.approval)}")

    def _set_approval(self) -> None:
        chosen = self.approval.currentText()
        every = {NEVER: 0.0, EACH: 1.0}.get(chosen, self.nth.value())
        if every is not None:
            self.acted.emit(SetApproval(int(every)))

    def _set_weight(self) -> None:
        weight = self.weight.value()
        if weight is not None:
            self.acted.emit(Steer(SetExploration(weight)))

    def _set_scalarizer(self) -> None:
        self.acted.emit(Steer(Rescalarize(self.scalarizer.currentText())))

    def _look(self) -> None:
        is_nth = self.approval.currentText() == NTH
        self.nth.setVisible(is_nth)
        self.buttons["ask"].setEnabled(not is_nth or not self.nth.fault())
        self.buttons["explore"].setEnabled(self.weight.value() is not None)
