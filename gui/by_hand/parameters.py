"""ParametersView: what can be asked of the instrument by hand, a tab for each kind."""

from collections.abc import Iterator

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
)

from spm_auto.ear import About, Look
from spm_auto.instrument import (
    ConditionTip,
    Instruction,
    Limits,
    MoveStage,
    SetFeedback,
)

from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.run_model import Part, RunModel
from ..run.wishes import Finish, Interrupt, Perform
from .feedback_panel import FeedbackPanel
from .panel import Panel
from .place_panels import LoadPanel, ProbePanel, StagePanel
from .rows import say, words
from .scan_panel import ScanPanel
from .spectrum_panel import SpectrumPanel
from .tip_panel import TipPanel

BY_HAND = "by_hand"  # the step that waits for what a human wants
_ANSWER = 1_500  # how long the run may take to say that it has begun [ms]
_SENT = "sent; waits for the run"


class ParametersView(View):
    """The panels for work by hand. What they ask for is a wish; what came of it is read back."""

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._about: About | None = None
        self._limits: Limits | None = None
        self._is_ready, self._why = False, "no run is open"
        self._is_sent = False
        self.scan = ScanPanel(selection, theme)
        self.spectrum = SpectrumPanel(selection, theme)
        self.feedback = FeedbackPanel(theme)
        self.tip = TipPanel(selection, theme)
        self.probe = ProbePanel(selection, theme)
        self.load = LoadPanel(theme)
        self.stage = StagePanel(theme)
        self.tabs = _Tabs()
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setDocumentMode(True)
        self._pages: dict[str, Panel] = {}
        for name, panel in (
            ("Scan", self.scan),
            ("Spectrum", self.spectrum),
            ("Feedback", self.feedback),
            ("Tip", self.tip),
            ("Probe", self.probe),
            ("Load", self.load),
            ("Stage", self.stage),
        ):
            self._pages[name] = panel
            self.tabs.addTab(panel, name)
            panel.asked.connect(self._ask)
        self.tabs.setTabVisible(self.tabs.indexOf(self._pages["Stage"]), False)
        selection.settings_recalled.connect(self.use)
        selection.forgotten.connect(lambda: say(self.answer, ""))
        self.answer = words(role="alarm")
        self.answer.hide()
        self.interrupt = QPushButton("End what goes on")
        self.interrupt.setToolTip("Ends what was begun by hand; the tip stays where it is")
        self.interrupt.clicked.connect(lambda: self.wished.emit(Interrupt()))
        self.finish = QPushButton("Nothing more by hand")
        self.finish.setToolTip("The run goes on with its next step, or ends")
        self.finish.clicked.connect(lambda: self.wished.emit(Finish()))
        foot = QHBoxLayout()
        foot.addWidget(self.interrupt)
        foot.addStretch(1)
        foot.addWidget(self.finish)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.tabs, 1)
        whole.addWidget(self.answer)
        whole.addLayout(foot)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_ANSWER)
        self._timer.timeout.connect(self._forget_sent)
        self._is_by_hand = False
        self._show_ready()

    def panels(self) -> Iterator[Panel]:
        """Go through all panels."""
        yield from self._pages.values()

    def set_about(self, about: About | None) -> None:
        """Take in what the instrument has and what is allowed; None where nobody can tell."""
        if about != self._about:
            self._about = about
            self._allow()

    def set_ready(self, is_ready: bool, why: str = "") -> None:
        """Say whether something can be done by hand now, and if not, why in words."""
        if is_ready == self._is_ready and why == self._why:
            return
        self._is_ready, self._why = is_ready, why
        if not is_ready:
            self._is_sent = False
            self._timer.stop()
        self._show_ready()

    def show_answer(self, error: str) -> None:
        """Show what came of the last wish: why it was refused, or empty where it was taken."""
        say(self.answer, error)
        self._forget_sent()

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        if changed & Part.RUN:
            if model.limits != self._limits:
                self._limits = model.limits
                self._allow()
            step = model.step
            is_by_hand = model.finished is None and step is not None and step.kind == BY_HAND
            if is_by_hand != self._is_by_hand:
                self._is_by_hand = is_by_hand
                self._show_ready()
        for panel in self.panels():
            panel.show_run(model, changed)

    def show_look(self, look: Look | None) -> None:
        """Show what the instrument reads back."""
        for panel in self.panels():
            panel.show_look(look)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        for panel in self.panels():
            panel.set_theme(theme)

    def use(self, instruction: Instruction) -> None:
        """Write the settings of an instruction into its panel, and show that; nothing is sent."""
        for panel in self.panels():
            panel.use(instruction)

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front, by the name on its tab."""
        self.tabs.setCurrentWidget(self._pages[name])

    def _allow(self) -> None:
        about = self._about
        capabilities = None if about is None else about.capabilities
        limits = self._limits if about is None else about.limits
        for panel in self.panels():
            panel.allow(capabilities, limits)
        for name, kind in (("Feedback", SetFeedback), ("Tip", ConditionTip), ("Stage", MoveStage)):
            has_it = capabilities is not None and kind in capabilities.instructions
            index = self.tabs.indexOf(self._pages[name])
            self.tabs.setTabVisible(index, has_it or (name != "Stage" and capabilities is None))
        self._show_ready()

    def _ask(self, instructions: tuple[Instruction, ...]) -> None:
        if not self._is_ready or self._is_sent:
            return
        self._is_sent = True
        self._timer.start()
        say(self.answer, "")
        self._show_ready()
        self.wished.emit(Perform(instructions))

    def _forget_sent(self) -> None:
        self._is_sent = False
        self._timer.stop()
        self._show_ready()

    def _show_ready(self) -> None:
        is_ready = self._is_ready and not self._is_sent
        why = _SENT if self._is_sent else self._why
        for panel in self.panels():
            panel.set_ready(is_ready, why)
        self.interrupt.setEnabled(self._is_by_hand and not is_ready)
        self.finish.setEnabled(is_ready)


class _Tabs(QTabWidget):
    """Tabs that take the height there is: what is in them scrolls, and what is below stays."""

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Say no, else the tabs would insist on the height of all that is in them."""
        return False
