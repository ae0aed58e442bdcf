"""SpectrumControls: which spectra are looked at, which channel, and what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .curve_fits import FORMS, FORMULAS

SMOOTHINGS = (0, 5, 9, 15)  # points of a parabola; 0 for none


class Which(Enum):
    """Which spectra are looked at."""

    NEWEST = "newest"
    LAST = "last 20"
    ALL = "all"
    BEST = "best"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the controls say.

    Attributes:
        is_force: Whether force curves are looked at, not spectra.
        channel: Name of the channel; empty for the first.
        which: Which of them.
        has_mean: Whether mean and standard deviation are drawn.
        is_slope: Whether the slope is drawn instead of the values.
        smoothing: Over so many points; 0 for none.
        fit: Name of the form that is fitted; empty for none.
        is_part: Whether the fit sees only a part.
    """

    is_force: bool = False
    channel: str = ""
    which: Which = Which.LAST
    has_mean: bool = True
    is_slope: bool = False
    smoothing: int = 0
    fit: str = ""
    is_part: bool = False


class SpectrumControls(QWidget):
    """A row of choices.

    Signals:
        changed: A human has chosen something else.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = _choice("kind of curve", ("spectra", "force curves"))
        self.kind.setVisible(False)
        self.channel = _choice("channel", ())
        self.which = _choice(
            "which spectra", tuple(each.value for each in Which if each is not Which.CHOSEN)
        )
        self.which.setCurrentText(Which.LAST.value)
        self.mean = QCheckBox("mean")
        self.mean.setChecked(True)
        self.mean.setToolTip("mean and standard deviation of what is looked at, flagged ones apart")
        self.slope = QCheckBox("slope")
        self.slope.setToolTip("the derivative, on each way of the sweep by itself")
        self.smoothing = _choice(
            "smoothing", tuple(f"{n} points" if n else "raw" for n in SMOOTHINGS)
        )
        self.smoothing.setToolTip("smoothing: a parabola over so many points")
        self.fit = _choice("fit", ("no fit", *FORMS))
        for at, form in enumerate(FORMS, start=1):
            self.fit.setItemData(at, FORMULAS[form], Qt.ItemDataRole.ToolTipRole)
        self.part = QCheckBox("part")
        self.part.setEnabled(False)
        self.part.setToolTip("fit only what lies between two edges that can be dragged")
        self.follow = QPushButton("Follow")
        self.follow.setToolTip("look at the newest ones again")
        self.follow.setVisible(False)
        self.use = QPushButton("Use settings")
        self.use.setToolTip("put the waveform of the spectrum on top into the panels")
        self.listed = QPushButton("List")
        self.listed.setCheckable(True)
        self.listed.setChecked(True)
        self.listed.setToolTip("the list of all of them, to choose some")
        self.save = QPushButton("Save…")
        self.save.setToolTip("save what is looked at as a table (CSV), every channel of it")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        chosen = (self.kind, self.channel, self.which, self.follow)
        column.addLayout(_row(chosen, (self.listed, self.use)))
        made = (self.mean, self.slope, self.smoothing, self.fit, self.part)
        column.addLayout(_row(made, (self.save,)))
        for choice in (self.kind, self.channel, self.which, self.smoothing, self.fit):
            choice.activated.connect(self._say)
        for box in (self.mean, self.slope, self.part):
            box.toggled.connect(self._say)
        self.follow.clicked.connect(self._follow)

    @property
    def shown(self) -> Shown:
        """What is chosen now."""
        return Shown(
            is_force=self.kind.currentIndex() == 1,
            channel=self.channel.currentText(),
            which=Which(self.which.currentText()),
            has_mean=self.mean.isChecked(),
            is_slope=self.slope.isChecked(),
            smoothing=SMOOTHINGS[self.smoothing.currentIndex()],
            fit=("", *FORMS)[self.fit.currentIndex()],
            is_part=self.part.isChecked(),
        )

    def offer_kinds(self, has_spectra: bool, has_curves: bool) -> None:
        """Offer a choice of kinds where there are both; show the kind that there is."""
        self.kind.setVisible(has_spectra and has_curves)
        if has_curves and not has_spectra:
            self.set_force(True)

    def set_force(self, is_force: bool) -> None:
        """Look at force curves, or at spectra."""
        if self.kind.currentIndex() != int(is_force):
            self.kind.setCurrentIndex(int(is_force))
            self.changed.emit()

    def offer_channels(self, names: Sequence[str]) -> None:
        """Offer these channels; the one that was chosen stays where it is still there."""
        if names == [self.channel.itemText(i) for i in range(self.channel.count())]:
            return
        chosen = self.channel.currentText()
        self.channel.clear()
        self.channel.addItems(names)
        self.channel.setCurrentIndex(max(0, self.channel.findText(chosen)))

    def offer_chosen(self, number: int) -> None:
        """Look at chosen ones, so many; for none of them at the last ones again."""
        at = self.which.findText(Which.CHOSEN.value)
        if number and at < 0:
            self.which.addItem(Which.CHOSEN.value)
        if number:
            self.which.setCurrentText(Which.CHOSEN.value)
        elif at >= 0:
            if self.which.currentIndex() == at:
                self.which.setCurrentText(Which.LAST.value)
            self.which.removeItem(at)
        self.follow.setVisible(bool(number))

    def _follow(self) -> None:
        self.which.setCurrentText(Which.LAST.value)
        self._say()

    def _say(self) -> None:
        self.part.setEnabled(bool(self.shown.fit))
        self.changed.emit()


def _row(left: Sequence[QWidget], right: Sequence[QWidget]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    for widget in left:
        row.addWidget(widget)
    row.addStretch(1)
    for widget in right:
        row.addWidget(widget)
    return row


def _choice(name: str, items: Sequence[str]) -> QComboBox:
    choice = QComboBox()
    choice.setAccessibleName(name)
    choice.setToolTip(name)
    choice.addItems(items)
    choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    choice.setMinimumWidth(60)
    return choice
