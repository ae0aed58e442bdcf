"""WithdrawButton: the red button that is always there, and in words what came of it."""

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from spm_auto.ear import Look
from spm_auto.instrument import InstrumentState

from ..common.one_line import OneLine, set_role
from ..run.withdrawal import Said, Stage, Withdrawal

EVERY = 40  # [ms] between two looks at what came of it
_ROLES = {
    Stage.READY: "good",
    Stage.NOTHING: "faint",
    Stage.WITHDRAWING: "warning",
    Stage.LATE: "alarm",
    Stage.CONFIRMED: "good",
    Stage.FAILED: "alarm",
}
_UP = (  # or what it was before nobody could tell any more
    InstrumentState.LATCHED,
    InstrumentState.LOST,
    InstrumentState.CLOSED,
)
_WIDTH, _HEIGHT = 290, 60  # [pixels] of the words, and of all
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class WithdrawButton(QWidget):
    """Withdraws the tip when it is pressed, or when F12 or Ctrl+Shift+W is, wherever in the window.

    It is never disabled, waits for nothing, and needs neither the session's tick nor a run that
    answers. The keys work while a menu or another window of this program is open, too: they are
    taken before anything else sees them.

    Args:
        withdrawal: What has the tip withdrawn.
    """

    def __init__(self, withdrawal: Withdrawal) -> None:
        super().__init__()
        self._withdrawal = withdrawal
        self.button = QPushButton("WITHDRAW")
        self.button.setProperty("role", "withdraw")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setAccessibleName("WITHDRAW the tip")
        self.button.setToolTip(
            "Withdraw the tip and end the run (F12 or Ctrl+Shift+W).\n"
            "Pressed again while it is not confirmed: the hard path, by all ways at once."
        )
        # when the mouse goes down, not when it comes up again
        self.button.pressed.connect(self.press)
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setAlignment(_RIGHT)
        self.words.setAccessibleName("state of the withdrawal")
        self.detail = OneLine(role="faint")
        self.detail.setAlignment(_RIGHT)
        lines = QVBoxLayout()
        lines.setSpacing(0)
        lines.addStretch()
        lines.addWidget(self.words)
        lines.addWidget(self.detail)
        lines.addStretch()
        room = QWidget()
        room.setFixedWidth(_WIDTH)
        lines.setContentsMargins(0, 0, 0, 0)
        room.setLayout(lines)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(room)
        layout.addWidget(self.button)
        # whatever is said, the button stays where it is
        self.setFixedHeight(_HEIGHT)
        self._shown: Said | None = None
        self._look: Look | None = None
        self._n_looks = 0  # new ones since the tip was up
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show)
        self._timer.start(EVERY)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)
        self._show()

    def press(self) -> None:
        """Withdraw the tip."""
        self._withdrawal.press()
        self._show()

    def shut(self) -> None:
        """Take no keys any more: the window is closed; safe to call twice."""
        self._timer.stop()
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def show_look(self, look: Look | None) -> None:
        """Be ready again once the tip is at the sample again.

        What was looked at before the tip was up, or while it went up, says nothing of that: the
        first look that is new after the confirmation may have been under way already.
        """
        is_new, self._look = look is not self._look, look
        if self._withdrawal.said.stage is not Stage.CONFIRMED:
            self._n_looks = 0
            return
        self._n_looks += is_new
        if (
            self._n_looks > 1
            and look is not None
            and look.status.is_engaged
            and look.status.state not in _UP
        ):
            self._withdrawal.forget()

    def eventFilter(  # noqa: N802 - a name of Qt
        self,
        watched: QObject | None,  # noqa: ARG002
        event: QEvent | None,
    ) -> bool:
        """Take the keys that withdraw the tip, whoever they were meant for."""
        if (
            event is not None
            and event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and _withdraws(event)
        ):
            if not event.isAutoRepeat():
                self.press()
            return True
        return False

    def _show(self) -> None:
        said = self._withdrawal.said
        if said != self._shown:
            self._shown = said
            set_role(self.words, _ROLES[said.stage])
            self.words.setText(said.words)
            self.words.setToolTip("\n".join(filter(None, (said.words, said.detail))))
            self.detail.say(said.detail, "faint")
            self.detail.setVisible(bool(said.detail))


def _withdraws(event: QKeyEvent) -> bool:
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.key() == Qt.Key.Key_F12:
        return not modifiers
    return event.key() == Qt.Key.Key_W and modifiers == _CONTROL_SHIFT
