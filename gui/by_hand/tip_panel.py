"""TipPanel: a pulse or a poke that may give the tip another shape; it is confirmed in place."""

from collections.abc import Sequence

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from spm_auto.instrument import ConditionTip, Instruction

from ..common.fields import QuantityField, written
from ..common.selection import Selection
from ..common.theme import Theme
from .panel import Panel
from .rows import words
from .where import HERE, Where

PULSE, POKE = "pulse", "poke"
_LONGEST = 60.0  # of a pulse or a poke [s]; beyond it is a typing error rather than a wish
_ARMED = 15_000  # for how long a confirmation is waited for [ms]


class TipPanel(Panel):
    """Conditions the tip: asked for by one button and confirmed by another, in the panel itself.

    Args:
        selection: Where a place comes from that was clicked.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(theme, "Prepare…")
        self._armed: tuple[Instruction, ...] = ()
        self.kind = self.add_choice("kind", (PULSE, POKE), "What is done to the tip")
        self.bias = self.add("bias", QuantityField("bias", "V"), "Of the pulse")
        self.depth_row = self.add(
            "depth", QuantityField("depth", "m", positive=True), "How far into the surface"
        )
        self.duration = self.add(
            "duration",
            QuantityField("duration", "s", 10e-3, (0.0, _LONGEST), positive=True),
            "Of either",
        )
        self.where = Where(self, selection, has_drawn=False)
        self._frame = QFrame()
        self._frame.setFrameShape(QFrame.Shape.StyledPanel)
        self.question = words(role="warning")
        self.yes, self.no = QPushButton("Do it"), QPushButton("No")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.no)
        buttons.addWidget(self.yes)
        inside = QVBoxLayout(self._frame)
        inside.addWidget(self.question)
        inside.addLayout(buttons)
        self._frame.hide()
        self.foot.addWidget(self._frame)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_ARMED)
        self._timer.timeout.connect(self.disarm)
        self.no.clicked.connect(self.disarm)
        self.yes.clicked.connect(self.confirm)
        for row in self.rows:
            row.field.valued.connect(self.disarm)
        self.kind.currentIndexChanged.connect(self._choose)
        self._choose()

    @property
    def is_armed(self) -> bool:
        """Whether a confirmation is waited for."""
        return bool(self._armed)

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the pulse or the poke."""
        ((x, y),) = self.where.places()
        duration = self.duration.field.value() or 0.0
        if self.kind.currentText() == PULSE:
            return (ConditionTip(x, y, bias=self.bias.field.value() or 0.0, duration=duration),)
        return (ConditionTip(x, y, depth=self.depth_row.field.value() or 0.0, duration=duration),)

    def set_limits(self) -> None:
        """Tell the fields what is allowed."""
        limits = self.known.limits
        if limits is None:
            return
        self.bias.field.set_allowed(limits.pulse or limits.bias)
        self.depth_row.field.set_allowed((0.0, limits.depth))
        self.where.x.field.set_allowed(limits.x)
        self.where.y.field.set_allowed(limits.y)

    def blamed(self, quantity: str) -> Sequence[QuantityField]:
        """Return the fields that stand for a quantity of the limits."""
        if quantity in ("distance to no-go zone", "step"):
            return self.where.fields
        return super().blamed(quantity)

    def hangs_on_look(self) -> bool:
        """Whether it is done where the probe is."""
        return self.where.choice == HERE or super().hangs_on_look()

    def sum_up(self) -> str:
        """Say what would be done."""
        (tip,) = self.wanted
        if not isinstance(tip, ConditionTip):
            return ""
        what = (
            f"pulse of {written(tip.bias, 'V', 4)}"
            if tip.bias
            else f"poke of {written(tip.depth, 'm', 4)}"
        )
        return f"{what} for {written(tip.duration, 's', 4)} {self.where.in_words()}"

    def set_ready(self, is_ready: bool, why: str) -> None:
        """Say whether something can be done now; a question that was open is taken back."""
        if not is_ready:
            self.disarm()
        super().set_ready(is_ready, why)

    def act(self) -> None:
        """Ask whether it is meant."""
        self.review()
        if self.can_act:
            self._armed = self.wanted
            self.question.setText(f"{self.sum_up()}: the tip may be another one for good.")
            self._frame.show()
            self._timer.start()
            self.no.setFocus()

    def confirm(self) -> None:
        """Do what was asked about."""
        armed = self._armed
        self.disarm()
        if armed and self.can_act and self.known.refusal(armed) is None:
            self.asked.emit(armed)

    def disarm(self) -> None:
        """Take the question back."""
        self._armed = ()
        self._timer.stop()
        self._frame.hide()

    def _choose(self) -> None:
        is_pulse = self.kind.currentText() == PULSE
        self.bias.use(is_pulse)
        self.depth_row.use(not is_pulse)
        self.disarm()
        self.review()
