"""Start: a run is chosen, planned and started here; without a plan that is valid nothing starts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from PyQt6.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PyQt6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from spm_auto.errors import SpmError
from spm_auto.lab import read_lab
from spm_auto.units import format_duration

from ..common.roles import set_role
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.orders import StartOrder
from ..run.run_model import Part, RunModel
from .catalogue import BY_HAND, FIRST_LOOK, SIMULATOR
from .children import SPM_AUTO, Answer, Child
from .figures import PlanFigures, measurements, read_plan, read_rehearsal
from .plan_card import Ground, PlanCard, ground
from .run_folder import new_folder, room
from .start_form import Choice, StartForm

_CALM = 0.3  # [s]
_PLAN_DEADLINE = 120.0  # [s]
_REHEARSAL_DEADLINE = 1800.0  # [s]
_NARROW = 700  # [px]
_SMALLEST = QSize(400, 320)


class StartView(View):
    """Chooses recipe and laboratory, shows what the run will do, and starts it.

    Planning and rehearsing is done by other processes; nothing here waits for them.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
        command: The program that plans, and its first words.
        now: Tells the time, for the names of folders.
        calm: How long nothing must change until it is planned [s].

    Signals:
        ordered: A run shall be started: a `StartOrder`.
        edit_wished: A recipe shall be edited: its path.
    """

    ordered = pyqtSignal(object)
    edit_wished = pyqtSignal(object)

    def __init__(
        self,
        selection: Selection,
        theme: Theme,
        command: Sequence[str] = SPM_AUTO,
        now: Callable[[], datetime] = datetime.now,
        calm: float = _CALM,
    ) -> None:
        super().__init__(selection, theme)
        self._now = now
        self._choice: Choice | None = None
        self._plan: PlanFigures | None = None
        self._ground: Ground | None = None
        self.form, self.card = StartForm(), PlanCard()
        self._planner, self._rehearser = Child(self, command), Child(self, command)
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(round(1000 * calm))
        self.start = QPushButton("Start")
        self.rehearse = QPushButton("Rehearse")
        self.again = QPushButton("Plan again")
        self.edit = QPushButton("Edit recipe…")
        self.agreed = QCheckBox("I have read this: the tip may move")
        self.summary, self.aside = QLabel(), QLabel()
        self.summary.setAccessibleName("what start would start")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.aside.setProperty("role", "faint")
        self.aside.setWordWrap(True)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._lay_out()
        self._connect()
        self._change()

    def set_runs_folder(self, folder: Path) -> None:
        """Let new runs get their folders in another one."""
        self.form.runs.setText(str(folder))

    def set_recipe(self, path: Path) -> None:
        """Choose a recipe."""
        self.form.recipe.choose(path)

    def set_lab(self, path: Path) -> None:
        """Choose a lab file."""
        self.form.lab.choose(path)

    def by_hand_order(self, lab: Path | None = None) -> StartOrder:
        """Return the order for a run by hand.

        Args:
            lab: The lab file; without one on the simulator, which first scans an image.
        """
        if lab is None:
            return StartOrder(FIRST_LOOK, SIMULATOR, self._folder("by hand"))
        return StartOrder(BY_HAND, lab, self._folder("by hand"))

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Say that a run goes on, so that a second one is started knowingly."""
        if Part.RUN not in changed:
            return
        goes_on = model.started is not None and model.finished is None
        title = model.started.title if model.started is not None else ""
        self.aside.setText(
            f"The run “{title}” goes on, and is only left by this window." if goes_on else ""
        )
        self.aside.setVisible(goes_on)

    def close_children(self) -> None:
        """End planning and rehearsing."""
        self._calm.stop()
        self._planner.close()
        self._rehearser.close()

    def showEvent(self, a0: QShowEvent | None) -> None:  # noqa: N802 - a name of Qt
        """Plan again what may have changed while nobody looked."""
        super().showEvent(a0)
        if self._plan is None or self._choice != self.form.choice():
            self._change()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - a name of Qt
        """Leave room for others on a small screen."""
        return _SMALLEST

    def resizeEvent(self, a0: QResizeEvent | None) -> None:  # noqa: N802 - a name of Qt
        """Stand beside one another, or where that is too narrow, below."""
        super().resizeEvent(a0)
        directions = QBoxLayout.Direction
        is_narrow = self.width() < _NARROW
        self._columns.setDirection(directions.TopToBottom if is_narrow else directions.LeftToRight)

    def _change(self) -> None:
        """Forget the plan of what was chosen before, and plan anew in a moment."""
        self._planner.drop()
        self._rehearser.drop()
        self._plan, self._choice = None, None
        chosen = self.form.recipe.offer
        self.card.show_recipe(chosen.title, chosen.description)
        self.card.show_nothing("planning…")
        self._look_at_lab()
        self._show_buttons()
        self._calm.stop()
        if self.isVisible():  # else it is planned when somebody looks
            self._calm.start()

    def _look_at_lab(self) -> None:
        try:
            lab, _ = read_lab(self.form.lab.offer.path)
        except SpmError:
            self._ground = None  # the planner says what is wrong with it
        else:
            self._ground = ground(lab, self.form.replaced())
        self.card.show_ground(self._ground)
        self.form.show_pulses(self._ground is not None and not self._ground.is_simulated)

    def _ask(self) -> None:
        """Let what is chosen be planned."""
        choice = self.form.choice()
        if choice is None:
            self.card.show_faults(self.form.faults())
            self._sum_up()
            return
        self._choice = choice
        self._planner.ask(["plan", *_words(choice)], _PLAN_DEADLINE)

    def _planned(self, answer: Answer) -> None:
        if answer.faults:
            self.card.show_faults(answer.faults)
        else:
            try:
                self._plan = read_plan(answer.output)
            except SpmError as error:
                self.card.show_faults((str(error),))
            else:
                self.card.show_plan(self._plan, room(Path(self.form.runs.text().strip())))
        self._show_buttons()

    def _rehearse(self) -> None:
        """Go through what is planned on the simulator, or give that up."""
        if self._rehearser.is_busy:
            self._rehearser.drop()
            self.card.show_rehearsing("given up")
        elif self._choice is not None and self._plan is not None:
            self.card.show_rehearsing("the simulator goes through it…")
            self._rehearser.ask(["rehearse", *_words(self._choice)], _REHEARSAL_DEADLINE)
        self._show_buttons()

    def _rehearsed(self, answer: Answer) -> None:
        try:
            self.card.show_rehearsal(read_rehearsal(answer.output))
        except SpmError as error:
            self.card.show_rehearsing("; ".join(answer.faults) or str(error))
        self._show_buttons()

    def _start(self) -> None:
        """Order the run, unless what was planned is not what is chosen."""
        if not self.can_start:
            return
        choice = self.form.choice()
        if choice is None or choice != self._choice:
            self._change()
            self.card.show_nothing("a file has changed since it was planned: planning again…")
            return
        order = StartOrder(
            recipe=choice.recipe.absolute(),
            lab=choice.lab.absolute(),
            out=self._folder(self.form.recipe.offer.title),
            seed=choice.seed,
            overrides=choice.overrides,
            approve=self.form.approve(),
            options=self.form.options(),
        )
        self._plan = None  # a second press starts no second run
        self.card.show_nothing(f"ordered: {order.out.name}")
        self._show_buttons()
        self.ordered.emit(order)

    @property
    def can_start(self) -> bool:
        """Whether there is a valid plan, and consent where something real moves."""
        if self._plan is None or self._ground is None or self.form.faults():
            return False
        return self._ground.is_simulated or self.agreed.isChecked()

    def _show_buttons(self) -> None:
        is_planned = self._plan is not None
        is_real = self._ground is not None and not self._ground.is_simulated
        if not is_planned:
            self.agreed.setChecked(False)
        self.agreed.setVisible(is_real)
        self.agreed.setEnabled(is_planned)
        self.start.setText("Start on HARDWARE" if is_real else "Start")
        self.start.setEnabled(self.can_start)
        self.start.setToolTip(
            "Begins the run (Ctrl+Shift+Return)" if self.can_start else "There is no valid plan yet"
        )
        self.rehearse.setEnabled(is_planned)
        self.rehearse.setText("Give up" if self._rehearser.is_busy else "Rehearse")
        self._sum_up()

    def _sum_up(self) -> None:
        """Say beside the button what it starts, however small the window is."""
        if self._plan is None or self._ground is None:
            self.summary.setText(self.card.values["Time"].text())
            set_role(self.summary, "faint" if self.card.faults.isHidden() else "alarm")
            return
        where = "simulator" if self._ground.is_simulated else "HARDWARE"
        count = measurements(self._plan.n_spectra, self._plan.n_curves)
        self.summary.setText(f"{where}, {format_duration(self._plan.elapsed)}, {count}")
        set_role(self.summary, "good" if self._ground.is_simulated else "warning")

    def _folder(self, title: str) -> Path:
        """Return a folder for a new run that is not there yet."""
        runs = Path(self.form.runs.text().strip() or "runs")
        return new_folder(runs, title, self._now())

    def _connect(self) -> None:
        self.form.changed.connect(self._change)
        self._calm.timeout.connect(self._ask)
        self._planner.answered.connect(self._planned)
        self._rehearser.answered.connect(self._rehearsed)
        self.start.clicked.connect(self._start)
        self.rehearse.clicked.connect(self._rehearse)
        self.again.clicked.connect(self._change)
        self.edit.clicked.connect(lambda: self.edit_wished.emit(self.form.recipe.offer.path))
        self.agreed.toggled.connect(self._show_buttons)
        for keys, slot in (("Ctrl+Shift+Return", self._start), ("Ctrl+R", self._rehearse)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

    def _lay_out(self) -> None:
        self.start.setAccessibleName("start the run")
        self.rehearse.setToolTip(
            "Goes through the recipe on the simulator under the limits of the lab (Ctrl+R)"
        )
        self.again.setToolTip("Reads recipe and lab file again")
        self.edit.setToolTip("Opens the recipe in the editor")
        self.aside.hide()
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self.form)
        tools = QHBoxLayout()
        for button in (self.edit, self.again):
            tools.addWidget(button)
        left.addLayout(tools)
        left.addWidget(self.aside)
        left.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.agreed)
        buttons.addWidget(self.summary, 1)
        buttons.addWidget(self.rehearse)
        buttons.addWidget(self.start)
        self._columns.setContentsMargins(0, 0, 8, 0)
        self._columns.setSpacing(24)
        self._columns.addLayout(left, 2)
        self._columns.addWidget(self.card, 3)
        inside = QWidget()
        inside.setLayout(self._columns)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.addWidget(area, 1)
        layout.addLayout(buttons)


def _words(choice: Choice) -> list[str]:
    """Return the words that ``spm-auto plan`` and ``rehearse`` need after their names."""
    replaced = [f"--set={text}" for text in choice.overrides]
    files = [str(choice.recipe), "--lab", str(choice.lab)]
    return [*files, "--seed", str(choice.seed), *replaced, "--json"]
