"""StatusView: how the instrument is, as it is read back; what nobody can tell is said to be so."""

import math

from PyQt6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from spm_auto.ear import Look
from spm_auto.instrument import InstrumentState, Vitals
from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration

from ..common.gauge import Gauge
from ..common.one_line import OneLine
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..run.growing_scan import GrowingScan
from ..run.last_tip import NOT_CONFIRMED
from ..run.orders import Standing
from ..run.run_model import Part, RunModel

UNKNOWN = "not known"
OLD = 10.0  # [s] of instrument time from which on it is told how old something is
LOW_ON_DISK = 1e9  # [bytes]
_COLUMNS = 6
_DOING = {
    InstrumentState.EMPTY: ("not loaded", "warning"),
    InstrumentState.READY: ("ready", "good"),
    InstrumentState.SCANNING: ("scanning", "good"),
    InstrumentState.SPECTROSCOPY: ("taking a spectrum", "good"),
    InstrumentState.LATCHED: ("withdrawn, latched until load", "alarm"),
    InstrumentState.LOST: ("lost: it does not answer", "alarm"),
    InstrumentState.CLOSED: ("closed", "faint"),
}
_AWAY = (InstrumentState.LOST, InstrumentState.CLOSED)
Said = tuple[str, str]  # text and role


class Cell(QWidget):
    """A name, and what is to be said of it; under it a gauge where there is one."""

    def __init__(self, name: str, gauge: Gauge | None = None) -> None:
        super().__init__()
        self.name, self.gauge = name, gauge
        self.value = OneLine(UNKNOWN, "faint")
        self.value.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(OneLine(name, "faint"))
        layout.addWidget(self.value)
        if gauge is not None:
            layout.addWidget(gauge)
        layout.addStretch(1)

    def say(self, said: Said) -> None:
        """Show what is to be said."""
        self.value.say(*said)


class StatusView(View):
    """The state of the instrument in cells, each with its name; a line for what is alarming.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._z, self._signal = Gauge(theme), Gauge(theme, warns_below=False, is_filled=True)
        self.cells = {
            name: Cell(name, {"z": self._z, "signal": self._signal}.get(name))
            for name in (
                "instrument", "tip", "feedback", "protection", "bias", "signal",
                "position", "z", "control", "connection", "journal", "disk",
            )
        }  # fmt: skip
        self.alarm = OneLine(role="alarm")
        self.alarm.setAccessibleName("alarm")
        self.alarm.hide()
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        for index, cell in enumerate(self.cells.values()):
            grid.addWidget(cell, index // _COLUMNS, index % _COLUMNS)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.setSpacing(2)
        layout.addWidget(self.alarm)
        layout.addLayout(grid)
        self._name = ""
        self._scan: GrowingScan | None = None
        self._look: Look | None = None
        self._age = ""  # of what was felt, in words; empty where it is new
        self._last_tip = ""  # what is known of it where nobody can look
        self.show_look(None)

    def show_look(self, look: Look | None) -> None:
        """Show what is read back; where nobody can tell, that, and never what was so before."""
        self._say("instrument", (UNKNOWN, "faint") if look is None else self._doing(look))
        self._say("control", _control(look))
        trip = "" if look is None else look.trip
        self.alarm.say(f"WATCHDOG: {trip}" if trip else "", "alarm")
        self.alarm.setVisible(bool(trip))
        if look is not None and look.status.state in _AWAY:  # it tells what was so before
            look = None
        self._look = look
        self._show_tip()
        vitals = None if look is None else look.vitals
        age = 0.0 if look is None or vitals is None else look.status.time - vitals.time
        self._age = f", {format_duration(age)} ago" if age > OLD else ""
        self._say_felt("feedback", _feedback(vitals))
        self._say_felt("protection", _protection(vitals))
        bias = math.nan if look is None else look.status.bias
        self._say("bias", _quantity(bias, "V"))
        self._say("position", _position(look))
        self._show_gauges(vitals)

    def show_standing(self, standing: Standing) -> None:
        """Show journal, disk and connection; the window calls this at every tick."""
        journal = standing.journal
        if journal.damage:
            self._say("journal", (f"damaged: {journal.damage}", "alarm"))
        elif not journal.n_records:
            self._say("journal", ("none", "faint"))
        else:
            size = format_quantity(float(journal.size), "B", 3)
            self._say("journal", (f"{journal.n_records} records, {size}", ""))
        self._say("disk", _disk(journal.free))
        if standing.tip != self._last_tip:
            self._last_tip = standing.tip
            self._show_tip()
        self._say("connection", _connection(standing))

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what the instrument is called, and how far its scan is."""
        self._scan = model.scans[-1] if model.scans else None
        if changed & Part.RUN:
            self._name = model.started.instrument if model.started is not None else ""
            self.cells["instrument"].setToolTip(self._name)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        for gauge in (self._z, self._signal):
            gauge.set_theme(theme)

    def _show_tip(self) -> None:
        self._say("tip", _tip(self._look, self._last_tip))

    def _say(self, name: str, said: Said) -> None:
        self.cells[name].say(said)

    def _say_felt(self, name: str, said: Said) -> None:
        """Say what was felt, and how long ago where nobody has felt anything since."""
        words, role = said
        if self._age and words != UNKNOWN:
            words, role = words + self._age, "faint" if role in ("good", "") else role
        self._say(name, (words, role))

    def _doing(self, look: Look) -> Said:
        if look.status.is_held:
            return "held by the watchdog until acknowledged", "alarm"
        words, role = _DOING[look.status.state]
        scan = self._scan
        if look.status.state is InstrumentState.SCANNING and scan is not None and not scan.is_over:
            words += f", {scan.n_lines} of {scan.frame.pixels[1]} lines"
        return words, role

    def _show_gauges(self, vitals: Vitals | None) -> None:
        if vitals is None:
            self._z.show_value(math.nan, 0.0, 1.0)
            self._signal.show_value(math.nan, 0.0, 1.0)
            self._say_felt("z", (UNKNOWN, "faint"))
            self._say_felt("signal", (UNKNOWN, "faint"))
            return
        low, high = vitals.z_range
        self._z.show_value(vitals.z, low, high)
        words, role = _quantity(vitals.z, "m")
        if math.isfinite(low) and math.isfinite(high):
            words += f" of {format_quantity(low, 'm', 3)} to {format_quantity(high, 'm', 3)}"
        self._say_felt("z", (words, self._z.role if self._z.role != "good" else role))
        self._signal.show_value(vitals.signal, 0.0, vitals.threshold)
        words, role = _quantity(vitals.signal, vitals.unit)
        if math.isfinite(vitals.threshold):
            words += f", touches at {format_quantity(vitals.threshold, vitals.unit, 3)}"
        self._say_felt(
            "signal", (words, self._signal.role if self._signal.role != "good" else role)
        )


def _quantity(value: float, unit: str) -> Said:
    return (format_quantity(value, unit, 4), "") if math.isfinite(value) else (UNKNOWN, "faint")


def _tip(look: Look | None, last: str) -> Said:
    if look is None:
        return (
            (last, "alarm" if NOT_CONFIRMED in last else "warning") if last else (UNKNOWN, "faint")
        )
    return ("at the sample", "good") if look.status.is_engaged else ("withdrawn", "warning")


def _feedback(vitals: Vitals | None) -> Said:
    if vitals is None:
        return UNKNOWN, "faint"
    if not vitals.is_feedback_on:
        return "OFF", "warning"
    if vitals.error is None or not math.isfinite(vitals.error):
        return "on", "good"
    return f"on, error {100 * vitals.error:.3g} %", "good"


def _protection(vitals: Vitals | None) -> Said:
    if vitals is None:
        return UNKNOWN, "faint"
    if vitals.has_tripped:
        return f"HAS WITHDRAWN the tip: {vitals.protection}".rstrip(": "), "alarm"
    what = f": {vitals.protection}" if vitals.protection else ""
    if vitals.is_protected:
        return f"armed{what}", "good"
    return f"NOT armed{what}", "warning"


def _position(look: Look | None) -> Said:
    if look is None or not all(map(math.isfinite, look.status.position)):
        return UNKNOWN, "faint"
    words = _place(look.status.position)
    if look.status.stage is not None:
        words += f", stage {_place(look.status.stage)}"
    return words, ""


def _place(place: tuple[float, float]) -> str:
    return ", ".join(format_quantity(each, "m", 4) for each in place)


def _control(look: Look | None) -> Said:
    if look is None:
        return UNKNOWN, "faint"
    return (look.owner, "") if look.owner else ("no server: the run itself", "faint")


def _disk(free: float) -> Said:
    if not math.isfinite(free):
        return UNKNOWN, "faint"
    role = "alarm" if free < LOW_ON_DISK else ""
    return f"{format_quantity(free, 'B', 3)} free", role


def _connection(standing: Standing) -> Said:
    if standing.view is not None:
        return f"hears process {standing.view.process}", "good"
    if standing.fault:
        return standing.fault, "warning"
    if standing.server is not None:
        return "hears the server", "good"
    return ("none", "faint") if standing.folder is None else ("connecting", "faint")
