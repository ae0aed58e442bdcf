"""Plan card: what a run will do, in clear words, before it starts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from spm_auto.lab import Lab
from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration

from ..common.roles import set_role
from .figures import (
    PlanFigures,
    RehearsalFigures,
    StepFigures,
    bias_range,
    counted,
    exposure,
    measurements,
)

_ROWS = ("Time", "Measures", "Bias", "Exposure", "On disk", "Rehearsal")
_NOT_YET = "–"
_BY_HAND = "by_hand"  # kind of the step that waits for what a human wants
_BYTES = 3  # significant digits


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a run will be.

    Attributes:
        is_simulated: Whether nothing real moves.
        words: The same in words.
        bears: What the sample may bear around one place, in words; empty for no such limit.
        factor: Instrument seconds per second of the wall clock; 0 where time takes no time.
    """

    is_simulated: bool
    words: str
    bears: str = ""
    factor: float = 1.0


def ground(lab: Lab, overrides: Sequence[str] = ()) -> Ground:
    """Say where a run in a laboratory will be.

    Args:
        lab: As its file says.
        overrides: What is replaced in it, each "PATH=VALUE". Where the instrument is, nobody has
            looked at what comes of that: it counts as something real.
    """
    kind = lab.instrument.kind
    replaced = {re.split(r"[.\[=]", text.strip(), maxsplit=1)[0] for text in overrides}
    is_simulated = lab.instrument.is_simulated and "instrument" not in replaced
    if is_simulated:
        words = f"SIMULATOR: nothing real moves ({lab.laboratory})"
    elif kind == "remote":
        words = f"INSTRUMENT SERVER: what it serves moves ({lab.laboratory})"
    elif "instrument" in replaced:
        words = f"INSTRUMENT REPLACED BY HAND: treated as hardware ({lab.laboratory})"
    else:
        words = f"HARDWARE, {kind}: the tip moves ({lab.laboratory})"
    factor = {"instant": 0.0, "scaled": lab.clock.factor}.get(lab.clock.kind, 1.0)
    return Ground(is_simulated, words, _bears(lab), 1.0 if "clock" in replaced else factor)


class PlanCard(QWidget):
    """Shows where a run will be, what it will do, and what is wrong with that."""

    def __init__(self) -> None:
        super().__init__()
        self.badge = _label("where", "warning")
        self.title = _label("title of the recipe", "title")
        self.description = _label("description of the recipe", "faint")
        self.values = {name: _label(name) for name in _ROWS}
        self.faults = _label("what is wrong", "alarm")
        self.faults.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.steps = _table()
        self._ground = Ground(False, "")
        self._lay_out()
        self.show_nothing()

    def show_recipe(self, title: str, description: str) -> None:
        """Show what a recipe is about."""
        self.title.setText(title)
        self.description.setText(description)
        self.description.setVisible(bool(description))

    def show_ground(self, where: Ground | None) -> None:
        """Show where the run will be; None where nobody knows."""
        self._ground = where or Ground(False, "")
        self.badge.setText(where.words if where else "laboratory unknown: nothing can be started")
        set_role(self.badge, "good" if where and where.is_simulated else "warning")

    def show_nothing(self, words: str = "") -> None:
        """Show that there is no plan, and why in words ("planning…")."""
        for label in self.values.values():
            label.setText(_NOT_YET)
        self.values["Time"].setText(words or _NOT_YET)
        self.steps.setRowCount(0)
        self.faults.clear()
        self.faults.hide()

    def show_faults(self, faults: tuple[str, ...]) -> None:
        """Show what is wrong, so that nothing can be started."""
        self.show_nothing("there is no plan")
        self.faults.setText("\n".join(faults))
        self.faults.show()

    def show_plan(self, plan: PlanFigures, room: float) -> None:
        """Show a plan.

        Args:
            plan: The plan.
            room: Room on the disk [bytes].
        """
        self.show_nothing()
        values = self.values
        values["Time"].setText(self._time(plan))
        spectra = measurements(plan.n_spectra, plan.n_curves)
        lines = counted(plan.n_lines, "scan line", "scan lines")
        values["Measures"].setText(f"{spectra}, {lines}")
        values["Bias"].setText(bias_range(plan.bias))
        bears = f"; allowed {self._ground.bears}" if self._ground.bears else ""
        values["Exposure"].setText(f"told by a rehearsal{bears}")
        size, free = (format_quantity(each, "B", _BYTES) for each in (plan.size, room))
        values["On disk"].setText(f"at most {size} of {free} that are free")
        self._show_steps(plan)

    def show_rehearsal(self, found: RehearsalFigures) -> None:
        """Show what a rehearsal found, beside the plan."""
        time = format_duration(found.times[-1])
        count = measurements(found.n_spectra, found.n_force_curves)
        said = f"{found.finish_reason} after {time}: {count}"
        if found.message:
            said += f"; {found.message}"
        self.values["Rehearsal"].setText(said)
        bears = f"; allowed {self._ground.bears}" if self._ground.bears else ""
        self.values["Exposure"].setText(exposure(found) + bears)
        lines = [
            f"refused at {each.step} ({each.kind}) after {format_duration(each.time)}: "
            f"{each.message}"
            for each in found.refused
        ]
        self.faults.setText("\n".join(dict.fromkeys(lines)))
        self.faults.setVisible(bool(lines))
        far = [
            f"{name}: {format_quantity(each.least, each.unit, 4)} to "
            f"{format_quantity(each.most, each.unit, 4)}"
            for name, each in found.extremes.items()
        ]
        self.values["Rehearsal"].setToolTip("How far everything went\n" + "\n".join(far))

    def show_rehearsing(self, words: str) -> None:
        """Say how it stands with the rehearsal."""
        self.values["Rehearsal"].setText(words)

    def _time(self, plan: PlanFigures) -> str:
        said = format_duration(plan.elapsed)
        if not self._ground.is_simulated:
            said += " by the simulator that stands in"
        if plan.load_seconds > 0:
            said += f", of which {format_duration(plan.load_seconds)} to load the sample"
        if any(step.kind == _BY_HAND for step in plan.flat()):
            said += ", and as long as you work by hand"
        factor = self._ground.factor
        if factor == 0:
            said += "; on this clock at once"
        elif factor != 1:
            said += f"; on this clock {format_duration(plan.elapsed / factor)}"
        return said

    def _show_steps(self, plan: PlanFigures) -> None:
        steps = tuple(plan.flat())
        self.steps.setRowCount(len(steps))
        for row, step in enumerate(steps):
            for column, text in enumerate(_cells(step)):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.steps.setItem(row, column, item)

    def _lay_out(self) -> None:
        font = self.badge.font()
        font.setPointSizeF(1.2 * font.pointSizeF())
        self.badge.setFont(font)
        self.title.setFont(font)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(14)
        for row, (name, value) in enumerate(self.values.items()):
            grid.addWidget(_label(f"name of {name}", "faint", name), row, 0, _TOP)
            grid.addWidget(value, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.badge, self.title, self.description):
            layout.addWidget(widget)
        layout.addLayout(grid)
        layout.addWidget(self.faults)
        layout.addWidget(self.steps, 1)


_TOP = Qt.AlignmentFlag.AlignTop


def _cells(step: StepFigures) -> tuple[str, ...]:
    """Return what the table says of a step."""
    depth = "        " * (len(step.path) - 1)
    rounds = f", {step.rounds:g} rounds" if step.inner and step.rounds != 1 else ""
    counts = (step.n_lines, step.n_spectra, step.n_curves)
    shown = (f"{count:g}" if count else _NOT_YET for count in counts)
    return (
        f"{depth}[{step.path[-1]}]  {step.kind}{rounds}",
        *shown,
        format_duration(step.seconds),
    )


def _bears(lab: Lab) -> str:
    """Say what the sample may bear around one place."""
    most = lab.limits.exposure
    if most is None:
        return ""
    parts = [] if most.bias_time is None else [format_quantity(most.bias_time, "V s", 3)]
    for count, name in ((most.spectra, "spectra"), (most.pulses, "pulses"), (most.taps, "touches")):
        if count is not None:
            parts.append(f"{count} {name}")
    return f"{', '.join(parts)} within {format_quantity(most.radius, 'm', 3)}" if parts else ""


def _label(name: str, role: str = "", text: str = "") -> QLabel:
    label = QLabel(text)
    label.setAccessibleName(name)
    label.setWordWrap(True)
    if role:
        label.setProperty("role", role)
    return label


def _table() -> QTableWidget:
    table = QTableWidget(0, 5)
    table.setAccessibleName("steps of the plan")
    table.setHorizontalHeaderLabels(["step", "lines", "spectra", "force curves", "time"])
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setShowGrid(False)
    heading = table.horizontalHeaderItem(0)
    if heading is not None:
        heading.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    if rows is not None and columns is not None:
        rows.hide()
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        columns.setMinimumSectionSize(72)
        rows.setDefaultSectionSize(24)
    return table
