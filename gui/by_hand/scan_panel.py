"""ScanPanel: where and how finely to scan, how fast, and how long that takes."""

import math
from collections.abc import Sequence

from PyQt6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from spm_auto.instrument import Channel, Instruction, Scan, ScanFrame
from spm_auto.units import format_duration

from ..common.fields import QuantityField, Range, written
from ..common.selection import Selection
from ..common.theme import Theme
from ..run.growing_scan import GrowingScan
from ..run.run_model import Part, RunModel
from .panel import Panel

PURPOSE = "by hand"
# beyond these a quantity is a typing error rather than a wish; the limits are far below
_MOST_PIXELS = 8192
_FASTEST = 100e3  # line rate [Hz]


class ScanPanel(Panel):
    """A scan: frame, pixels, line rate and channels; it shares its frame with the other views.

    Args:
        selection: Where a frame that was drawn comes from, and one that was typed goes to.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(theme, "Scan", "last scan")
        self.selection = selection
        self._is_touched = False
        self._is_telling = self._is_drawn = False
        self._last: GrowingScan | None = None
        self._boxes: dict[str, QCheckBox] = {}
        self.x_row = self.quantity(
            "centre x", "m", 0.0, "Middle of the frame, along x of the sample"
        )
        self.y_row = self.quantity(
            "centre y", "m", 0.0, "Middle of the frame, along y of the sample"
        )
        self.wide = self.quantity(
            "width", "m", 1e-6, "Length of a line, from outer edge to outer edge", positive=True
        )
        self.high = self.quantity(
            "height", "m", 1e-6, "From the first line to the last, outer edges", positive=True
        )
        self.square = QCheckBox("as high as wide")
        self.square.setToolTip("Height and lines follow width and pixels")
        self.grid.addWidget(self.square, self.grid.rowCount(), 1, 1, 2)
        self.angle = self.quantity(
            "angle", "rad", 0.0, "Turn of the lines, counter-clockwise from x", (-math.pi, math.pi)
        )
        self.pixels = self.quantity(
            "pixels", "1", 128.0, "Pixels on a line", (2.0, _MOST_PIXELS), whole=True
        )
        self.lines = self.quantity(
            "lines", "1", 128.0, "Lines of the image", (2.0, _MOST_PIXELS), whole=True
        )
        self.rate = self.quantity(
            "line rate",
            "Hz",
            2.0,
            "Lines per second, each there and back",
            (0.0, _FASTEST),
            positive=True,
        )
        self._of_frame = (
            self.x_row,
            self.y_row,
            self.wide,
            self.high,
            self.angle,
            self.pixels,
            self.lines,
        )
        self.square.toggled.connect(self._square)
        for row in (self.wide, self.pixels):
            row.field.textEdited.connect(self._square)
        self._channels = QWidget()
        self._channel_grid = QGridLayout(self._channels)
        self._channel_grid.setContentsMargins(0, 0, 0, 0)
        at = self.grid.rowCount()
        self._channel_label = QLabel("channels")
        self.grid.addWidget(self._channel_label, at, 0)
        self.grid.addWidget(self._channels, at, 1, 1, 2)
        self._channel_label.hide()
        self.offer(self.use_last, "Write the settings of the last scan into the fields")
        self.heading.setEnabled(False)
        selection.frame_proposed.connect(self._take_frame)
        self.review()

    @property
    def frame(self) -> ScanFrame | None:
        """The frame in the fields; None where one of them is wrong by itself."""
        values = [row.field.value() for row in self._of_frame]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        x, y, width, height, angle, pixels, lines = known
        return ScanFrame((x, y), (width, height), (int(pixels), int(lines)), angle)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are ticked; none where it is not known what there is."""
        return tuple(name for name, box in self._boxes.items() if box.isChecked())

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the scan."""
        frame, rate = self.frame, self.rate.field.value()
        if frame is None or rate is None:
            raise ValueError("the frame is not complete")
        if self._boxes and not self.channels:
            raise ValueError("no channel is ticked: tick at least one")
        return (Scan(frame, self.channels, rate, PURPOSE),)

    def blamed(self, quantity: str) -> Sequence[QuantityField]:
        """Return the fields that stand for a quantity of the limits."""
        rows = {
            "x": (self.x_row, self.wide),
            "y": (self.y_row, self.high),
            "scan speed": (self.rate, self.wide),
            "distance to no-go zone": (self.x_row, self.y_row),
            "step": (self.x_row, self.y_row),
        }
        return [row.field for row in rows.get(quantity, ())]

    def explain(self, quantity: str) -> str:
        """Say how fast lines of this width may be."""
        limits, width = self.known.limits, self.wide.field.value()
        if quantity != "scan speed" or limits is None or width is None:
            return ""
        most = written(limits.scan_speed / 2 / width, "Hz", 4)
        return f"- at this width a line rate of at most {most}"

    def sum_up(self) -> str:
        """Say how long the scan takes, how fast the tip goes, and how fine it is."""
        (scan,) = self.wanted
        if not isinstance(scan, Scan):
            return ""
        frame = scan.frame
        speed = 2 * frame.size[0] * scan.line_rate  # as the limits have it: there and back
        time = format_duration(frame.pixels[1] / scan.line_rate)
        tip = f"tip at {written(speed, 'm/s', 3)}"
        limits = self.known.limits
        if limits is not None and math.isfinite(limits.scan_speed):
            tip += f" of at most {written(limits.scan_speed, 'm/s', 3)}"
        pitch = " x ".join(written(length, "m", 3) for length in frame.pitch)
        return f"{time} and the way there\n{tip}\n{pitch} per pixel"

    def set_limits(self) -> None:
        """Tell the fields what is allowed, and which channels there are."""
        capabilities, limits = self.known.capabilities, self.known.limits
        any_way: Range = (-math.inf, math.inf)
        x, y = (any_way, any_way) if limits is None else (limits.x, limits.y)
        self.x_row.field.set_allowed(x)
        self.y_row.field.set_allowed(y)
        if capabilities is not None:
            self._show_channels(capabilities.image_channels)
        if not self._is_touched and self._last is None and limits is not None:
            self._begin_within(x, y)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show the last scan beside the fields; until somebody types, the fields follow it."""
        if not changed & (Part.SCANS | Part.RUN) or model.scan is self._last:
            return
        self._last = model.scan
        rows = (*self._of_frame, self.rate)
        self.heading.setEnabled(model.scan is not None)
        if model.scan is None:  # another run
            for row in rows:
                row.show_read("")
            return
        scan = model.scan.started.instruction
        values = (*_numbers(scan.frame), scan.line_rate)
        for row, value in zip(rows, values, strict=True):
            row.show_read(written(value, row.field.unit, 4), "as the journal has it")
        if not self._is_touched:
            self._follow()

    def use_last(self) -> None:
        """Write the settings of the last scan into the fields."""
        self._is_touched = True
        self._follow()

    def use(self, instruction: Instruction) -> None:
        """Write the settings of a scan into the fields."""
        if isinstance(instruction, Scan):
            self._is_touched = True
            self._write(instruction)

    def reviewed(self) -> None:
        """Show the frame to the other views, where it is a new one that was made here."""
        frame = self.frame
        if not self._is_touched or self._is_drawn or frame in (None, self.selection.frame):
            return
        self._is_telling = True
        try:
            self.selection.frame_proposed.emit(frame)
        finally:
            self._is_telling = False

    def _square(self) -> None:
        """Let height and lines follow, where that is wanted."""
        is_square = self.square.isChecked()
        for row in (self.high, self.lines):
            row.field.setReadOnly(is_square)
        if is_square:
            self._is_touched = True
            self.fill(self._write_square)

    def _write_square(self) -> None:
        self.high.field.setText(self.wide.field.text())
        self.lines.field.setText(self.pixels.field.text())

    def touch(self) -> None:
        """Know that a human has typed: from now on the fields do not follow the run."""
        self._is_touched = True

    def _take_frame(self, frame: ScanFrame) -> None:
        """Write a frame that was drawn into the fields; rounded as it is, it tells nobody."""
        if self._is_telling:
            return
        self._is_drawn = True
        try:
            self.fill(lambda: self._write_frame(frame))
        finally:
            self._is_drawn = False
        self._is_touched = True

    def _follow(self) -> None:
        if self._last is not None:
            scan = self._last.started.instruction
            names = tuple(channel.name for channel in self._last.started.channels)
            self._write(Scan(scan.frame, names, scan.line_rate))

    def _write(self, scan: Scan) -> None:
        def write() -> None:
            self._write_frame(scan.frame)
            self.rate.field.set_value(scan.line_rate)
            for name, box in self._boxes.items():
                box.setChecked(not scan.channels or name in scan.channels)

        self.fill(write)

    def _write_frame(self, frame: ScanFrame) -> None:
        if frame.size[0] != frame.size[1] or frame.pixels[0] != frame.pixels[1]:
            self.square.setChecked(False)
        for row, value in zip(self._of_frame, _numbers(frame), strict=True):
            row.field.set_value(value)

    def _begin_within(self, x: Range, y: Range) -> None:
        """Begin with a frame that is allowed: 1 um, or half of what there is."""
        spans = [high - low for low, high in (x, y)]
        size = min([1e-6, *(span / 2 for span in spans if math.isfinite(span))])
        middle = [sum(ends) / 2 if all(map(math.isfinite, ends)) else 0.0 for ends in (x, y)]
        self._write_frame(ScanFrame((middle[0], middle[1]), (size, size), (128, 128)))

    def _show_channels(self, channels: Sequence[Channel]) -> None:
        if [channel.name for channel in channels] == list(self._boxes):
            return
        for box in self._boxes.values():
            self._channel_grid.removeWidget(box)
            box.deleteLater()
        self._boxes = {}
        for number, channel in enumerate(channels):
            box = QCheckBox(f"{channel.name} [{channel.unit}]")
            box.setChecked(True)
            box.setToolTip(f"Record {channel.name}, there and back")
            box.toggled.connect(self.review)
            self._channel_grid.addWidget(box, number // 2, number % 2)
            self._boxes[channel.name] = box
        self._channel_label.show()


def _numbers(frame: ScanFrame) -> tuple[float, ...]:
    """Return centre, size, angle, pixels and lines in the order of the fields."""
    angle = math.remainder(frame.angle, 2 * math.pi)
    return (*frame.center, *frame.size, angle, *map(float, frame.pixels))
