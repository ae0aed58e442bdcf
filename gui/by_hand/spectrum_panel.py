"""SpectrumPanel: bias waveform or force curve, where, and what it costs in time and exposure."""

import contextlib
import math
from collections.abc import Sequence

import numpy as np
from PyQt6.QtWidgets import QCheckBox

from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Instruction,
    Limits,
    Spectrum,
)
from spm_auto.units import format_duration

from ..common.fields import QuantityField, written
from ..common.qt import pg
from ..common.selection import Selection
from ..common.theme import Theme
from ..run.run_model import Part, RunModel
from .checking import AtField
from .panel import Panel
from .rows import Row
from .waveforms import Sweep, Triangle, recognized
from .where import HERE, Where

TRIANGLE, SWEEP, FORCE = "triangle (loop)", "sweep", "force curve"
_KINDS = (TRIANGLE, SWEEP, FORCE)
# beyond these a quantity is a typing error rather than a wish; the limits are far below
_MOST_POINTS = 65536.0
_LONGEST = 1e-3  # ramp of a force curve [m]
_MOST_CYCLES = 20  # that are drawn
_FASTEST = 10e3  # rate of force curves [Hz]


class SpectrumPanel(Panel):
    """A spectrum at one place or many.

    Args:
        selection: Where places come from that were clicked or drawn.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(theme, "Measure", "last taken")
        self._is_touched = False
        self._exposure = 0.0
        self._last_spectrum: Spectrum | None = None
        self._last: AcquireSpectrum | None = None
        self.kind = self.add_choice("kind", _KINDS[:2], "What the bias, or the tip, does")
        self.amplitude = self.quantity("amplitude", "V", 1.0, "Largest bias above the offset")
        self.offset = self.quantity("offset", "V", 0.0, "Bias around which it swings")
        self.start = self.quantity("start", "V", -1.0, "Bias at which it begins")
        self.stop = self.quantity("stop", "V", 1.0, "Bias to which it goes")
        self.trigger = self.quantity(
            "force", "N", 10e-9, "Force at which the probe turns back", positive=True
        )
        self.distance = self.quantity(
            "distance",
            "m",
            100e-9,
            "Travel of the ramp, from far above",
            (0.0, _LONGEST),
            positive=True,
        )
        self.points = self.quantity(
            "points", "1", 64.0, "Of a cycle, or of each way", (2.0, _MOST_POINTS), whole=True
        )
        self.cycles = self.quantity(
            "cycles", "1", 1.0, "How often; they are averaged", (1.0, 1000.0), whole=True
        )
        self.dwell = self.quantity("dwell", "s", 4e-3, "Time at each point", positive=True)
        self.rate = self.quantity(
            "rate", "Hz", 1.0, "Curves per second", (0.0, _FASTEST), positive=True
        )
        self.back = QCheckBox("and back again")
        self.back.setChecked(True)
        self.back.setToolTip("Whether the sweep goes back to where it began")
        self.grid.addWidget(self.back, self.grid.rowCount(), 1, 1, 2)
        self.where = Where(self, selection, has_drawn=True)
        self._plot = pg.PlotWidget()
        self._plot.setFixedHeight(110)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(False, False)
        self._plot.hideButtons()
        for side, text in (("left", "bias [V]"), ("bottom", "time [s]")):
            axis = self._plot.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setLabel(text)
        self._line = self._plot.plot(pen=pg.mkPen(theme.forward, width=1))
        self._shown: BiasWaveform | None = None
        self.middle.addWidget(self._plot)
        self.kind.currentIndexChanged.connect(self._choose)
        self.back.toggled.connect(self.review)
        self.offer(self.use_last, "Write the waveform of the last spectrum into the fields")
        self.heading.setEnabled(False)
        self._choose()

    def allow(self, capabilities: Capabilities | None, limits: Limits | None) -> None:
        """Take in what the instrument has; force curves are offered where it has them."""
        has_force = capabilities is not None and AcquireForceCurve in capabilities.instructions
        if has_force != (self.kind.count() == len(_KINDS)):
            if has_force:
                self.kind.addItem(FORCE)
            else:
                self.kind.removeItem(2)
        super().allow(capabilities, limits)

    def set_limits(self) -> None:
        """Tell the fields what is allowed."""
        limits = self.known.limits
        if limits is None:
            return
        for row in (self.offset, self.start, self.stop):
            row.field.set_allowed(limits.bias)
        self.trigger.field.set_allowed((0.0, limits.force))
        self.where.x.field.set_allowed(limits.x)
        self.where.y.field.set_allowed(limits.y)

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the spectra, one for each place."""
        places = self.where.places()
        if self.kind.currentText() == FORCE:
            trigger, distance, points, rate = self._values(
                self.trigger, self.distance, self.points, self.rate
            )
            return tuple(
                AcquireForceCurve(x, y, trigger, distance, int(points), rate) for x, y in places
            )
        waveform = self.waveform()
        return tuple(AcquireSpectrum(x, y, waveform) for x, y in places)

    def waveform(self) -> BiasWaveform:
        """Return what the bias does.

        Raises:
            ValueError: That is no waveform.
        """
        if self.kind.currentText() == TRIANGLE:
            amplitude, offset, points, cycles, dwell = self._values(
                self.amplitude, self.offset, self.points, self.cycles, self.dwell
            )
            if points % 4:
                raise AtField(f"points of {points:g} is no multiple of 4", "points")
            return Triangle(amplitude, offset, int(points), int(cycles), dwell).waveform()
        start, stop, points, dwell = self._values(self.start, self.stop, self.points, self.dwell)
        return Sweep(start, stop, int(points), self.back.isChecked(), dwell).waveform()

    def blamed(self, quantity: str) -> Sequence[QuantityField]:
        """Return the fields that stand for a quantity of the limits."""
        rows = {
            "bias": (self.amplitude, self.offset, self.start, self.stop),
            "bias step": (self.points, self.amplitude, self.start, self.stop),
            "bias slew": (self.dwell, self.points),
            "spectrum duration": (self.dwell, self.points, self.cycles),
            "distance to no-go zone": (self.where.x, self.where.y),
            "step": (self.where.x, self.where.y),
        }
        if quantity in rows:
            return [row.field for row in rows[quantity]]
        return super().blamed(quantity)

    def hangs_on_look(self) -> bool:
        """Whether it is measured where the probe is."""
        return self.where.choice == HERE or super().hangs_on_look()

    def sum_up(self) -> str:
        """Say what it costs."""
        first, n = self.wanted[0], len(self.wanted)
        where = self.where.in_words()
        if isinstance(first, AcquireForceCurve):
            return f"{where}: {format_duration(n / first.rate)} and the ways"
        if not isinstance(first, AcquireSpectrum):
            return ""
        waveform = first.waveform
        one = written(waveform.duration, "s", 4)
        time = one if n == 1 else f"{one} each, {format_duration(n * waveform.duration)} in all,"
        each = float(np.abs(waveform.bias).sum()) * waveform.dwell * waveform.cycles
        text = (
            f"{where}: {time} and the ways\nexposure {written(n * each, 'V s', 3)}, "
            f"in this run so far {written(self._exposure, 'V s', 3)}"
        )
        may = None if self.known.limits is None else self.known.limits.exposure
        if may is not None and math.isfinite(may.bias_time):
            most, radius = written(may.bias_time, "V s", 3), written(may.radius, "m", 3)
            text += f"\nat most {most} within {radius} of a place"
        return text

    def reviewed(self) -> None:
        """Draw the waveform, wherever it is to be run."""
        waveform = None
        if self.kind.currentText() != FORCE:
            with contextlib.suppress(ValueError):
                waveform = self.waveform()
        if waveform == self._shown:
            return
        self._shown = waveform
        if waveform is None:
            self._line.setData([], [])
            return
        bias = np.tile(waveform.bias, min(waveform.cycles, _MOST_CYCLES))
        self._line.setData(np.arange(len(bias)) * waveform.dwell, bias)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show the last spectrum beside the fields; until somebody types, they follow it."""
        if not changed & (Part.SPECTRA | Part.RUN):
            return
        self._exposure = model.exposure
        last = model.spectra[-1] if model.spectra else None
        spectrum = None if last is None else last.spectrum
        if spectrum is self._last_spectrum:
            return
        self._last_spectrum = spectrum
        self._last = None if last is None else last.instruction
        self._show_last()
        if self._last is not None and not self._is_touched:
            self._write(self._last)

    def use_last(self) -> None:
        """Write the waveform of the last spectrum into the fields."""
        if self._last is not None:
            self.use(self._last)

    def use(self, instruction: Instruction) -> None:
        """Write the waveform of an instruction into the fields, where it can be typed."""
        if isinstance(instruction, AcquireSpectrum):
            self._is_touched = True
            self._write(instruction)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self._plot.setBackground(theme.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(theme.ink)
            axis.setTextPen(theme.ink)
        self._line.setPen(pg.mkPen(theme.forward, width=1))

    def _write(self, instruction: AcquireSpectrum) -> None:
        shape = recognized(instruction.waveform)
        if shape is None:
            return

        def write() -> None:
            for row, value in self._told(shape):
                row.field.set_value(value)
            self.kind.setCurrentIndex(0 if isinstance(shape, Triangle) else 1)
            if isinstance(shape, Sweep):
                self.back.setChecked(shape.has_back)

        self.fill(write)

    def _told(self, shape: Triangle | Sweep) -> list[tuple[Row, float]]:
        common = [(self.points, float(shape.points)), (self.dwell, shape.dwell)]
        if isinstance(shape, Triangle):
            own = [(self.amplitude, shape.amplitude), (self.offset, shape.offset)]
            return [*own, (self.cycles, float(shape.cycles)), *common]
        return [(self.start, shape.start), (self.stop, shape.stop), *common]

    def _show_last(self) -> None:
        """Show the last spectrum beside the fields."""
        for row in self.rows:
            row.show_read("")
        shape = None if self._last is None else recognized(self._last.waveform)
        self.heading.setEnabled(shape is not None)
        told = [] if shape is None else self._told(shape)
        if self._last_spectrum is not None:
            place = self._last_spectrum.x, self._last_spectrum.y
            told += zip(self.where.rows, place, strict=True)
        for row, value in told:
            row.show_read(written(value, row.field.unit, 4), "as the journal has it")

    def _values(self, *rows: Row) -> list[float]:
        values = [row.field.value() for row in rows]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            raise ValueError("something is missing")
        return known

    def touch(self) -> None:
        """Know that a human has typed: from now on the fields do not follow the run."""
        self._is_touched = True

    def _choose(self) -> None:
        kind = self.kind.currentText()
        used = {
            TRIANGLE: (self.amplitude, self.offset, self.points, self.cycles, self.dwell),
            SWEEP: (self.start, self.stop, self.points, self.dwell),
            FORCE: (self.trigger, self.distance, self.points, self.rate),
        }[kind]
        for row in self.rows:
            if row not in self.where.rows:
                row.use(row in used)
        self.back.setVisible(kind == SWEEP)
        self._plot.setVisible(kind != FORCE)
        self.review()
