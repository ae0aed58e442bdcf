"""SpectrumView: spectra and force curves of a run, one over another, with mean, slope and fit."""

from collections.abc import Sequence
from html import escape

import numpy as np
from PyQt6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PyQt6.QtGui import QResizeEvent, QShowEvent
from PyQt6.QtWidgets import (
    QLabel,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from spm_auto.data import Measurement
from spm_auto.instrument import Channel
from spm_auto.units import format as format_quantity

from ..common.roles import set_role
from ..common.saving import SaveRow
from ..common.selection import Selection
from ..common.theme import Theme
from ..common.view import View
from ..common.words import many
from ..run.run_model import Part, RunModel
from .curve_csv import curves_as_csv
from .curve_fits import CurveFit, FitError, fit_curve, per
from .curve_plot import CurvePlot, Drawing
from .curve_words import legend_of, prepared, words_of
from .spectrum_controls import Shown, SpectrumControls, Which
from .spectrum_table import SpectrumTable, spectrum_table_view
from .traces import (
    Judged,
    Mean,
    Trace,
    best_of,
    channels_of,
    mean_of,
    runs_of,
    thinned,
    trace,
)

_NARROW = 740  # [pixels] below which plot and list do not stand side by side
LAST = 20  # spectra that "last 20" means


class SpectrumView(View):
    """Follows the newest spectrum of a run, unless some were chosen here or in another view."""

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(selection, theme)
        self._model: RunModel | None = None
        self._chosen: tuple[int, ...] = ()
        self._axes: tuple[str, str, str, str] | None = None
        self._is_stale = self._is_choosing = self._is_force = self._is_narrow = False
        self._legend = ""
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self.controls = SpectrumControls()
        self.rows = SpectrumTable(theme)
        self.table = spectrum_table_view(self.rows)
        self.plot = CurvePlot(theme)
        self.words = QLabel("no spectra yet")
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.legend = QLabel("")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.fit_words = QLabel("")
        self.fit_words.setWordWrap(True)
        self.fit_words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.fit_words.hide()
        self.save_row = SaveRow("the curves")
        self._lay_out()
        self.controls.changed.connect(self._change)
        self.controls.save.clicked.connect(self._save)
        self.controls.use.clicked.connect(self._use)
        self.plot.ranged.connect(self._draw)
        self.plot.pointed.connect(self._point)
        self.controls.listed.toggled.connect(self.table.setVisible)
        selection.spectra_chosen.connect(self._choose)
        model = self.table.selectionModel()
        assert model is not None
        model.selectionChanged.connect(self._choose_rows)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Show what has changed of the run."""
        if model is not self._model:
            self._model, self._chosen, self._axes = model, (), None
            self.rows.clear()
            self.controls.offer_chosen(0)
            changed |= Part.SPECTRA
        if changed & (Part.SPECTRA | Part.CURVES):
            self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self.plot.set_theme(theme)
        self.rows.set_theme(theme)
        self._refresh()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Draw what came while nobody looked."""
        super().showEvent(event)
        if self._is_stale:
            self._refresh()

    def _lay_out(self) -> None:
        drawn = QWidget()
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        for widget in (self.legend, self.plot, self.fit_words, self.words):
            column.addWidget(widget, int(widget is self.plot))
        self._splitter.addWidget(drawn)
        self._splitter.addWidget(self.table)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setSizes([520, 310])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.controls)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self.save_row)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Put the list where there is room: beside the plot, or below it when it is asked for."""
        super().resizeEvent(event)
        is_narrow = self.width() < _NARROW
        if is_narrow is not self._is_narrow:
            self._is_narrow = is_narrow
            self._splitter.setOrientation(
                Qt.Orientation.Vertical if is_narrow else Qt.Orientation.Horizontal
            )
            self.controls.listed.setChecked(not is_narrow)

    def _point(self, words: str) -> None:
        """Say what is under the mouse, in place of the legend."""
        self.legend.setText(escape(words) or self._legend)

    def _all(self) -> Sequence[Judged]:
        """Return everything that is looked at: the spectra, or the force curves."""
        if self._model is None:
            return ()
        return self._model.curves if self.controls.shown.is_force else self._model.spectra

    def _refresh(self) -> None:
        if self._model is None:
            return
        if not self.isVisible():
            self._is_stale = True
            return
        self._is_stale = False
        self.controls.offer_kinds(bool(self._model.spectra), bool(self._model.curves))
        everything = self._all()
        self.rows.show_judged(everything)
        self._chosen = tuple(index for index in self._chosen if index < len(everything))
        if not self._chosen and everything:
            self.table.scrollToBottom()
        self._draw()

    def _draw(self) -> None:
        judged = self._looked_at()
        self.controls.use.setEnabled(bool(judged) and isinstance(judged[-1], Measurement))
        self.controls.save.setEnabled(bool(judged))
        if not judged:
            self.plot.draw(Drawing())
            self._legend = ""
            self.legend.setText("")
            self._say_fit("")
            kind = "force curve" if self.controls.shown.is_force else "spectrum"
            is_unscored = self.controls.shown.which is Which.BEST and bool(self._all())
            self.words.setText(
                f"no {kind} has a value" if is_unscored else f"no {many(0, kind)} yet"
            )
            return
        channels = channels_of(judged[-1])
        self.controls.offer_channels([each.name for each in channels])
        shown = self.controls.shown
        channel = next((c for c in channels if c.name == shown.channel), channels[0])
        self._set_axes(channel, shown)
        taken = [trace(each, channel.name) for each in judged]
        traces = [prepared(each, shown) for each in taken if each is not None]
        mean = mean_of(traces) if shown.has_mean and len(traces) > 1 else None
        few = thinned(traces)
        newest = few.pop()
        fit = self._fit(newest, mean, shown)
        drawing = Drawing(
            good=[each for each in few if not each.remark],
            wrong=[each for each in few if each.remark],
            newest=newest,
            mean=mean,
            fit=None if fit is None else (fit.x, fit.y),
        )
        self.plot.draw(drawing)
        self._legend = legend_of(drawing, self.theme)
        self.legend.setText(self._legend)
        self.words.setText(words_of(traces, len(few) + 1, len(taken), mean, shown))

    def _fit(self, newest: Trace, mean: Mean | None, shown: Shown) -> CurveFit | None:
        """Fit the mean, or what is on top, and say what came of it."""
        if not shown.is_part or not shown.fit:
            self.plot.set_part(None)
        elif self.plot.part() is None:
            low, high = float(np.min(newest.x)), float(np.max(newest.x))
            quarter = (high - low) / 4
            self.plot.set_part((low + quarter, high - quarter))
        if not shown.fit or self._axes is None:
            self._say_fit("")
            return None
        x, y = (newest.x, newest.y) if mean is None else (mean.x, mean.y)
        what = f"no. {newest.number + 1}" if mean is None else "the mean"
        units = (self._axes[1], self._axes[3])
        try:
            fit = fit_curve(shown.fit, x, y, units, self.plot.part())
        except FitError as error:
            self._say_fit(f"no fit of {what}: {error}", "warning")
            return None
        left = format_quantity(fit.left, fit.unit, 3)
        share = f"it explains {100 * fit.explained:.4g} % and leaves {left} a point"
        self._say_fit(f"{shown.fit} through {what}: {fit.words()}; {share}")
        return fit

    def _say_fit(self, words: str, role: str = "") -> None:
        set_role(self.fit_words, role)
        self.fit_words.setText(words)
        self.fit_words.setVisible(bool(words))

    def _save(self) -> None:
        judged, model = self._looked_at(), self._model
        title = model.started.title if model is not None and model.started is not None else ""
        name = "force_curves.csv" if self.controls.shown.is_force else "spectra.csv"
        self.save_row.ask(name, lambda: curves_as_csv(judged, title))

    def _use(self) -> None:
        """Put the settings of the spectrum on top into the panels; nothing is measured."""
        judged = self._looked_at()
        if judged and isinstance(judged[-1], Measurement):
            self.selection.settings_recalled.emit(judged[-1].instruction)

    def _looked_at(self) -> list[Judged]:
        """Return what is drawn, the one drawn on top last."""
        everything = self._all()
        match self.controls.shown.which:
            case Which.CHOSEN:
                return [everything[index] for index in self._chosen]
            case Which.NEWEST:
                return list(everything[-1:])
            case Which.LAST:
                return list(everything[-LAST:])
            case Which.ALL:
                return list(everything)
            case Which.BEST:
                best = best_of(everything)
                return [] if best is None else [best]

    def _set_axes(self, channel: Channel, shown: Shown) -> None:
        x = ("extension", "m") if shown.is_force else ("bias", "V")
        name, unit = channel.name, channel.unit
        if shown.is_slope:
            name = f"d {name} / d {x[0]}"
            unit = per(unit, x[1])
        axes = (*x, name, unit)
        if axes != self._axes:
            self._axes = axes
            self.plot.set_axes(x, (name, unit))

    def _choose(self, indices: tuple[int, ...]) -> None:
        """Look at the spectra that were chosen, here or elsewhere; none of them: follow again."""
        everything = self._model.spectra if self._model is not None else ()
        self._chosen = tuple(sorted({i for i in indices if 0 <= i < len(everything)}))
        if self._chosen:
            self.controls.set_force(False)
        self.controls.offer_chosen(len(self._chosen))
        self._mark_rows()
        self._refresh()

    def _choose_rows(self) -> None:
        """Tell all views which rows were chosen by a human; a force curve is known only here."""
        if self._is_choosing:
            return
        model = self.table.selectionModel()
        assert model is not None
        indices = tuple(sorted(index.row() for index in model.selectedRows()))
        if self.controls.shown.is_force:
            self._chosen = indices
            self.controls.offer_chosen(len(indices))
            self._refresh()
        else:
            self.selection.spectra_chosen.emit(indices)

    def _mark_rows(self) -> None:
        model = self.table.selectionModel()
        assert model is not None
        self.rows.show_judged(self._all())
        marked = QItemSelection()
        for first, last in runs_of(self._chosen):
            marked.select(self.rows.index(first, 0), self.rows.index(last, 0))
        flags = QItemSelectionModel.SelectionFlag
        self._is_choosing = True
        model.select(marked, flags.ClearAndSelect | flags.Rows)
        self._is_choosing = False
        if self._chosen:
            self.table.scrollTo(self.rows.index(self._chosen[-1], 0))

    def _change(self) -> None:
        """Draw what the controls say; whoever no longer looks at chosen ones follows again."""
        if self.controls.shown.is_force is not self._is_force:
            self._is_force, self._axes = self.controls.shown.is_force, None
            self.rows.clear()
            if self._chosen:
                self.controls.offer_chosen(0)
        if self.controls.shown.which is not Which.CHOSEN and self._chosen:
            self.selection.spectra_chosen.emit(())
            return
        self._refresh()
