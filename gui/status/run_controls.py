"""RunControls: pause, go on, stop; they show what the run says of itself, not what was clicked."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from spm_auto.data import FinishReason

from ..common.one_line import OneLine
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.orders import Standing, StartOrder
from ..run.progress import BY_HAND, Pace, progress
from ..run.run_model import Part, RunModel
from ..run.sayings import Weight
from ..run.wishes import Pause, Resume, Stop

_THIS_RUN, AFTER_EMERGENCY = "Resume this run", "Resume after the emergency"
_STEPS = 1000  # of the bar
_RUNNING = ("loading", "running")


class RunControls(View):
    """Pause, Go on and Stop, the state of the run in words, and how far it is.

    Stop ends the run in order, the tip stays where it is; withdrawing is another button.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
        now: Tells the time of day [s since 1970].

    Signals:
        resume_wished: The run, which has ended before it was done, shall go on in a process of its
            own: a `StartOrder`.
    """

    resume_wished = pyqtSignal(object)

    def __init__(
        self, selection: Selection, theme: Theme, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(selection, theme)
        self._now = now
        self._standing = Standing()
        self._model = RunModel()
        self._pace = Pace()
        self._make_buttons()
        self.title, self.state = OneLine(role="title"), OneLine(role="faint")
        self.step, self.words = OneLine(role="faint"), OneLine(role="faint")
        self.state.setAccessibleName("state of the run")
        self.fault = OneLine(role="alarm")
        self.fault.setAccessibleName("why the run cannot be spoken to")
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.bar.setAccessibleName("progress of the run")
        words = QVBoxLayout()
        words.setSpacing(3)
        for left, right in (
            (self.title, (self.state,)),
            (self.step, (self.words, self.fault)),  # one in place of the other: nothing moves
        ):
            row = QHBoxLayout()
            row.setSpacing(16)
            row.addWidget(left, 1)
            for each in right:
                row.addWidget(each, 3)
            words.addLayout(row)
        words.addWidget(self.bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 12, 4)
        layout.setSpacing(6)
        layout.addLayout(words, 1)
        for button in (self.again, self.pause, self.go_on, self.stop):
            layout.addWidget(button)
        self._show()

    def show_standing(self, standing: Standing) -> None:
        """Show how the run stands; the window calls this at every tick."""
        if standing != self._standing:
            self._standing = standing
            self._show()

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show how far it is."""
        if model is not self._model:
            self._model, self._pace = model, Pace()
        self._pace.see(model)
        if changed:
            self._show()

    def _make_buttons(self) -> None:
        self.pause = QPushButton("&Pause")
        self.pause.setToolTip("Wait before the next instruction or line (Ctrl+P)")
        self.pause.setShortcut("Ctrl+P")
        self.pause.clicked.connect(lambda: self.wished.emit(Pause()))
        self.go_on = QPushButton("&Go on")
        self.go_on.setToolTip("Go on (Ctrl+G)")
        self.go_on.setShortcut("Ctrl+G")
        self.go_on.clicked.connect(lambda: self.wished.emit(Resume()))
        self.stop = QPushButton("&Stop")
        self.stop.setToolTip(
            "End the run in order; the tip stays at the sample, and the run can be gone on with.\n"
            "To withdraw the tip press WITHDRAW."
        )
        self.stop.clicked.connect(lambda: self.wished.emit(Stop()))
        self.again = QPushButton(_THIS_RUN.replace("Resume", "Res&ume"))
        self.again.setToolTip("Go on with it where it ended, in a process of its own")
        self.again.clicked.connect(self._resume)
        for button in (self.pause, self.go_on, self.stop, self.again):
            button.setAccessibleName(button.text().replace("&", ""))

    def _resume(self) -> None:
        folder = self._standing.folder
        if folder is not None:
            options = ("--after-emergency",) if self._is_after_emergency() else ()
            order = StartOrder(Path(), Path(), folder, resume=True, options=options)
            self.resume_wished.emit(order)

    def _is_after_emergency(self) -> bool:
        finished = self._model.finished
        return finished is not None and finished.reason is FinishReason.EMERGENCY

    def _show(self) -> None:
        standing, view = self._standing, self._standing.view
        can_act = view is not None and not view.finished and not standing.is_looking
        is_held = view is not None and (view.is_held or self._is_waiting_for_nobody())
        goes_on = view is not None and view.state in _RUNNING and not view.is_held
        self.pause.setEnabled(can_act and goes_on)
        self.go_on.setEnabled(can_act and is_held)
        self.stop.setEnabled(can_act and view is not None and view.state != "stopping")
        self.again.setVisible(standing.can_resume)
        again = AFTER_EMERGENCY if self._is_after_emergency() else _THIS_RUN
        self.again.setText(again.replace("Resume", "Res&ume"))
        started = self._model.started
        self.title.say(started.title if started is not None else "no run", "title")
        self.state.say(*state_in_words(standing, self._model))
        finished = self._model.finished
        over = "" if finished is None else f"the run is over: {finished.reason}"
        has_fault = standing.fault not in ("", over) and not standing.is_starting
        self.fault.say(standing.fault, "alarm" if finished is None else "warning")
        self.fault.setVisible(has_fault)
        self.words.setVisible(not has_fault)
        self.step.say(step_in_words(self._model), "faint")
        far = progress(
            self._model,
            standing.planned,
            self._pace.seconds,
            is_waiting=view is not None and view.state == "paused",
            now=self._now,
        )
        self.words.say(far.words, "faint")
        self.bar.setVisible(math.isfinite(far.share))
        if math.isfinite(far.share):
            self.bar.setValue(round(_STEPS * far.share))

    def _is_waiting_for_nobody(self) -> bool:
        """Whether the run waits without a question: held by its watchdog, or for the disk."""
        view = self._standing.view
        return view is not None and view.state == "paused" and view.question is None


def state_in_words(standing: Standing, model: RunModel) -> tuple[str, str]:
    """Return how a run stands, in words, and what that is to a human."""
    if standing.server is not None:
        return "an instrument server, only to look at and to withdraw", "faint"
    if standing.folder is None:
        return "nothing is open", "faint"
    view = standing.view
    if view is None:
        return _without_a_word(standing, model)
    looking = " (this window only looks)" if standing.is_looking else ""
    if view.finished:
        return f"over: {view.finished}; its report is being written", "warning"
    if view.question is not None:
        if view.question.ask.kind == BY_HAND:
            return f"by hand: it waits for you{looking}", "good"
        return f"it asks you: {view.question.ask.question}{looking}", "warning"
    if view.is_held:
        is_there = view.state == "paused"
        what = "paused" if is_there else "pausing: before the next instruction or line"
        return what + looking, "warning"
    if view.state == "paused":
        return f"waiting: {_last_alarm(model)}{looking}", "alarm"
    return view.state + looking, "good" if view.state in _RUNNING else "warning"


def step_in_words(model: RunModel) -> str:
    """Return which step a run is at; empty before the first."""
    step = model.step
    if step is None:
        return ""
    inside = f", part {'.'.join(str(each + 1) for each in step.path)}" if step.path else ""
    return f"step {step.index + 1}: {step.kind}{inside}"


def _without_a_word(standing: Standing, model: RunModel) -> tuple[str, str]:
    if standing.is_starting:
        return "being started", "warning"
    finished = model.finished
    if finished is not None:
        role = "good" if finished.reason is FinishReason.COMPLETED else "warning"
        if finished.reason in (FinishReason.FAILED, FinishReason.EMERGENCY):
            role = "alarm"
        return f"over: {finished.reason}", role
    if not standing.fault:
        return "connecting", "faint"
    if model.started is None:
        return "nothing was started", "alarm"
    return "it ended without a word" if standing.can_resume else "nobody answers", "alarm"


def _last_alarm(model: RunModel) -> str:
    """Return the last alarm, which says why a run waits that nobody has paused."""
    alarms = (each.text for each in reversed(model.sayings) if each.weight == Weight.ALARM)
    return next(alarms, "it does not say why")
