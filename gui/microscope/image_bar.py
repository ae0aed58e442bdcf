"""ImageBar: how an image is to be looked at: channel, direction, levelling, colours, levels."""

import math
from dataclasses import dataclass, replace

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from spm_auto.instrument import Channel, FloatArray

from ..common.drawing import MAP_NAMES, MAPS, apart, is_angle, percentiles, said
from ..common.fields import QuantityField
from ..common.refusals import RefusalLabel
from ..common.theme import ANGLES
from .levelling import Levelling

PERCENTILES = ((0.0, 100.0), (0.5, 99.5), (2.0, 98.0), (5.0, 95.0))  # [%]
_NO_STRUCTURE = 1e-6  # of what was measured: so little is what levelling leaves of a plane
TURN, BY_HAND = "one turn", "by hand"


@dataclass(frozen=True, slots=True)
class Style:
    """How a channel is looked at. What was measured does not change.

    Attributes:
        levelling: What is taken out of it.
        colours: Name of the colour map.
        percentiles: Between which the colours lie [%]; None where they do not follow the image.
        levels: Between which values they lie then [SI]; None for one turn of an angle.
    """

    levelling: Levelling = Levelling.NONE
    colours: str = "viridis"
    percentiles: tuple[float, float] | None = (0.5, 99.5)
    levels: tuple[float, float] | None = None


def first_style(channel: Channel) -> Style:
    """Return how a channel is looked at until somebody chooses otherwise."""
    if is_angle(channel):
        return Style(colours=ANGLES, percentiles=None)
    if channel.unit == "m" and channel.name.startswith(("height", "z", "topography")):
        return Style(levelling=Levelling.PLANE)
    return Style(colours="cividis")


class ImageBar(QWidget):
    """Chooses channel, direction and style; each channel keeps its own style.

    Signals:
        channel_picked: Another channel is wanted: its name.
        changed: Direction or style are other ones.
    """

    channel_picked = pyqtSignal(str)
    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.channel: Channel | None = None
        self.is_backward = False
        self._styles: dict[str, Style] = {}
        self._is_telling = True
        self._spanned: tuple[float, float] | None = None
        self.channels = _combo("channel", "Which channel is shown (C)")
        self.directions = _combo("direction", "Forward or backward lines (B)")
        self.directions.addItems(["forward", "backward"])
        self.levellings = _combo(
            "levelling", "Taken out of the view only; what was measured stays (L)"
        )
        self.levellings.addItems([each.value for each in Levelling])
        self.view_only = QLabel("view only")
        self.view_only.setProperty("role", "warning")
        self.view_only.setToolTip("The data in the journal and in every file are not levelled")
        self.maps = _combo("colours", "Colour map; all can be read by the colour-blind")
        for name in MAPS:
            self.maps.addItem(MAP_NAMES.get(name, name), name)
        self.ranges = _combo("range", "Which values the colours span")
        self.low = QuantityField("lowest colour", "1", optional=True)
        self.high = QuantityField("highest colour", "1", optional=True)
        self.fault = RefusalLabel()
        self._lay_out()
        self.channels.textActivated.connect(self.channel_picked)
        self.directions.currentIndexChanged.connect(self._turn)
        self.levellings.currentTextChanged.connect(
            lambda text: self._restyle(levelling=Levelling(text)) if text else None
        )
        self.maps.currentIndexChanged.connect(
            lambda _: self._restyle(colours=str(self.maps.currentData()))
        )
        self.ranges.currentIndexChanged.connect(self._take_range)
        for field in (self.low, self.high):
            field.editingFinished.connect(self._take_levels)
            field.valued.connect(self._say_fault)

    @property
    def style_shown(self) -> Style:
        """How the channel is looked at."""
        assert self.channel is not None
        return self._styles.setdefault(self.channel.name, first_style(self.channel))

    def set_channels(self, channels: tuple[Channel, ...]) -> None:
        """Say which channels there are; the one that was shown stays where it is among them."""
        names = [channel.name for channel in channels]
        if names != [self.channels.itemText(i) for i in range(self.channels.count())]:
            self.channels.blockSignals(True)
            self.channels.clear()
            self.channels.addItems(names)
            self.channels.blockSignals(False)
        kept = self.channel.name if self.channel is not None else ""
        wanted = next((c for c in channels if c.name == kept), channels[0])
        if wanted != self.channel or self.channels.currentText() != wanted.name:
            self.set_channel(wanted)

    def set_channel(self, channel: Channel) -> None:
        """Show another channel, in the style that it had."""
        self.channel = channel
        self._is_telling = False
        self.channels.setCurrentText(channel.name)
        style = self.style_shown
        self.levellings.setCurrentText(style.levelling.value)
        self.maps.setCurrentIndex(self.maps.findData(style.colours))
        self.ranges.clear()
        for low, high in PERCENTILES:
            text = "all values" if (low, high) == (0.0, 100.0) else f"{low:g} to {high:g} %"
            self.ranges.addItem(text, (low, high))
        if is_angle(channel):
            self.ranges.addItem(TURN, TURN)
        self.ranges.addItem(BY_HAND, BY_HAND)
        wanted = TURN if style.levels is None else BY_HAND
        at = self.ranges.findText(wanted)
        if style.percentiles is not None:
            at = PERCENTILES.index(style.percentiles)
        self.ranges.setCurrentIndex(at)
        for field in (self.low, self.high):
            field.unit = channel.unit
        self._write_levels(style.levels)
        self._is_telling = True
        self._mirror()

    def show_levels(self, low: float, high: float) -> None:
        """Take which values the colours span now [SI]: by hand begins with them."""
        self._spanned = low, high

    def step(self, combo: QComboBox) -> None:
        """Choose the next of what can be chosen."""
        combo.setCurrentIndex((combo.currentIndex() + 1) % max(1, combo.count()))
        if combo is self.channels:
            self.channel_picked.emit(combo.currentText())

    @property
    def _is_by_hand(self) -> bool:
        return bool(self.ranges.currentData() == BY_HAND)

    def _lay_out(self) -> None:
        choices = QHBoxLayout()
        choices.setSpacing(4)
        for combo in (self.channels, self.directions, self.levellings):
            choices.addWidget(combo, 1)
        choices.addWidget(self.view_only)
        for combo in (self.maps, self.ranges):
            choices.addWidget(combo, 1)
        by_hand = QHBoxLayout()
        by_hand.addWidget(QLabel("colours from"))
        by_hand.addWidget(self.low, 1)
        by_hand.addWidget(QLabel("to"))
        by_hand.addWidget(self.high, 1)
        self.by_hand = QWidget()
        self.by_hand.setLayout(by_hand)
        by_hand.setContentsMargins(0, 0, 0, 0)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(3)
        rows.addLayout(choices)
        rows.addWidget(self.by_hand)
        rows.addWidget(self.fault)
        for widget in (self.view_only, self.by_hand):  # until there is something to look at
            widget.hide()

    def _write_levels(self, levels: tuple[float, float] | None, digits: int = 6) -> None:
        for field, level in zip((self.low, self.high), levels or (None, None), strict=True):
            field.setText("" if level is None else said(level, field.unit, digits))

    def _turn(self, index: int) -> None:
        self.is_backward = index == 1
        self.changed.emit()

    def _restyle(self, **changes: object) -> None:
        if self.channel is None or not self._is_telling:
            return
        self._styles[self.channel.name] = replace(self.style_shown, **changes)  # type: ignore[arg-type]
        self._mirror()
        self.changed.emit()

    def _take_range(self) -> None:
        wanted = self.ranges.currentData()
        if wanted is None or not self._is_telling:
            return
        if wanted == TURN:
            self._restyle(percentiles=None, levels=None)
        elif wanted == BY_HAND:
            self._write_levels(self._spanned, 3)
            self._mirror()
            self._take_levels()
        else:
            self._restyle(percentiles=wanted, levels=None)

    def _take_levels(self) -> None:
        low, high = self.low.value(), self.high.value()
        if self._is_by_hand and self._is_telling and not self._wrong():
            self._restyle(percentiles=None, levels=(low, high))

    def _wrong(self) -> str:
        """Return what is wrong with levels set by hand; empty where nothing is."""
        for field in (self.low, self.high):
            if field.fault():
                return field.fault()
        low, high = self.low.value(), self.high.value()
        if low is None or high is None:
            return "the colours need a lowest and a highest value"
        if not low < high:
            return f"lowest colour of {self.low.text()} must be below {self.high.text()}"
        return ""

    def _say_fault(self) -> None:
        self.fault.say(self._wrong() if self._is_by_hand else "")

    def _mirror(self) -> None:
        """Show what holds together: the fields only by hand, the warning only where levelled."""
        is_levelled = self.style_shown.levelling is not Levelling.NONE
        self.view_only.setText("view only" if is_levelled else "")
        self.view_only.setVisible(is_levelled)
        self.by_hand.setVisible(self._is_by_hand)
        self._say_fault()


def levels_of(
    image: FloatArray, measured: FloatArray, channel: Channel, style: Style
) -> tuple[float, float] | None:
    """Return which values the colours span [SI]; None where nothing is known of the image.

    Args:
        image: As it is seen, shape [line, pixel].
        measured: As it was measured, the same where it is not levelled.
        channel: What it shows.
        style: How it is looked at.
    """
    if style.percentiles is not None:
        levels = percentiles(image, *style.percentiles)
        if levels is None or image is measured:
            return levels
        known = percentiles(measured, 0.0, 100.0) or (0.0, 0.0)
        return apart(*levels, _NO_STRUCTURE * max(map(abs, known)))
    known_levels = percentiles(image, 0.0, 100.0)
    if known_levels is None or style.levels is not None:
        return None if known_levels is None else style.levels
    return turn(channel.unit, known_levels[0])


def turn(unit: str, lowest: float) -> tuple[float, float]:
    """Return one turn of an angle: around 0 where values are below 0, else from 0."""
    whole = 360.0 if unit == "deg" else 2 * math.pi
    return (-whole / 2, whole / 2) if lowest < 0 else (0.0, whole)


def _combo(name: str, tip: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(5)
    return combo
