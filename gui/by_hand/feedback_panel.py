"""FeedbackPanel: what the z loop holds, and how fast; what is read back stands beside it."""

import math
from collections.abc import Sequence

from spm_auto.ear import Look
from spm_auto.instrument import Instruction, SetFeedback, Vitals

from ..common.fields import QuantityField, written
from ..common.theme import Theme
from ..run.run_model import Part, RunModel
from .panel import Panel
from .rows import UNKNOWN, say, words

_NO_UNIT = "no setpoint by hand: the limits of the lab file do not say in what it is (`setpoint`)"
_TELLS_NOT = "the instrument does not read it back"


class FeedbackPanel(Panel):
    """Bias, set-point and gain of the z loop; an empty field leaves its value as it is."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Set", "now")
        self.bias = self.add(
            "bias",
            QuantityField("bias", "V", optional=True),
            "Tip-sample bias while scanning; empty leaves it as it is",
        )
        self.setpoint = self.add(
            "setpoint",
            QuantityField("setpoint", "A", optional=True),
            "What the loop holds; empty leaves it as it is",
        )
        self.gain = self.add(
            "gain",
            QuantityField("gain", "1/s", allowed=(0.0, math.inf), optional=True),
            "Integral gain, the bandwidth of the loop; empty leaves it as it is",
        )
        for row in self.rows:
            row.field.setPlaceholderText("as it is")
        self._set: SetFeedback | None = None
        self.nothing = "type what is to change"
        self.loop, self.star, self.hint = words(), words(role="faint"), words(role="faint")
        for label in (self.star, self.loop, self.hint):
            self.middle.addWidget(label)
        self.review()

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the change; none where all fields are empty."""
        values = [row.field.value() for row in self.rows]
        if values == [None] * 3:
            return ()
        return (SetFeedback(*values),)

    def set_limits(self) -> None:
        """Tell the fields what is allowed."""
        limits = self.known.limits
        if limits is None:
            return
        self.bias.field.set_allowed(limits.bias)
        self.gain.field.set_allowed((0.0, limits.gain))
        unit = limits.setpoint_unit
        self.setpoint.field.setEnabled(bool(unit))
        if unit:
            self.setpoint.field.set_unit(unit)
            self.setpoint.field.set_allowed(limits.setpoint)
            self.setpoint.field.setPlaceholderText("as it is")
        else:
            self.setpoint.field.set_value(None)
            self.setpoint.field.setPlaceholderText("cannot be set")
        say(self.hint, "" if unit else _NO_UNIT)
        self._show_set()

    def blamed(self, quantity: str) -> Sequence[QuantityField]:
        """Return the fields that stand for a quantity of the limits."""
        return [self.bias.field] if quantity == "bias read back" else super().blamed(quantity)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what was last set of what is not read back."""
        if changed & (Part.PROBE | Part.RUN):
            self._set = model.feedback
            self._show_set()

    def show_look(self, look: Look | None) -> None:
        """Show what is read back."""
        super().show_look(look)
        if look is None:
            self.bias.show_read(UNKNOWN, "nobody can look at the instrument now")
            self.loop.setText("")
            return
        self.bias.show_read(written(look.status.bias, "V", 4), "read back")
        self.loop.setText("" if look.vitals is None else _loop(look.vitals))

    def _show_set(self) -> None:
        done, unit = self._set or SetFeedback(), self.setpoint.field.unit
        for row, value, said in (
            (self.setpoint, done.setpoint, unit),
            (self.gain, done.gain, "1/s"),
        ):
            if value is None or not row.field.isEnabled():
                row.show_read(UNKNOWN, _TELLS_NOT)
            else:
                row.show_read(f"{written(value, said, 4)} *", f"last set in this run; {_TELLS_NOT}")
        say(self.star, "* as last set in this run" if done.setpoint or done.gain else "")

    def sum_up(self) -> str:
        """Say what would change."""
        names = [row.field.name for row in self.rows if row.field.value() is not None]
        return f"changes {' and '.join(names)}" if names else ""

    def use(self, instruction: Instruction) -> None:
        """Write a change into the fields."""
        if isinstance(instruction, SetFeedback):
            values = (instruction.bias, instruction.setpoint, instruction.gain)

            def write() -> None:
                for row, value in zip(self.rows, values, strict=True):
                    row.field.set_value(value)

            self.fill(write)


def _loop(vitals: Vitals) -> str:
    """Say how the z loop is, in words."""
    parts = [f"z loop {'on' if vitals.is_feedback_on else 'OFF'}"]
    if vitals.error is not None and math.isfinite(vitals.error):
        parts.append(f"error {100 * vitals.error:.3g} % of the setpoint")
    if math.isfinite(vitals.z):
        parts.append(f"z {written(vitals.z, 'm', 4)}")
    if math.isfinite(vitals.signal):
        parts.append(f"signal {written(vitals.signal, vitals.unit, 3)}")
    return "; ".join(parts)
