"""SpectrumView: spectra one over another, chosen or followed, and what is made of them."""

import time
from dataclasses import replace
from pathlib import Path

import made
import made_curves
import numpy as np
import pytest
from PyQt6.QtCore import QItemSelectionModel, QPointF
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import Event
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, LIGHT
from spm_auto.gui.curves.spectrum_view import SpectrumView
from spm_auto.gui.curves.traces import MOST_CURVES
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.instrument import QualityFlag


@pytest.fixture
def view(qtbot: QtBot, selection: Selection) -> SpectrumView:
    """A view that is seen."""
    view = SpectrumView(selection, DARK)
    qtbot.addWidget(view)
    view.resize(800, 500)
    view.show()
    return view


def run_of(*events: Event) -> RunModel:
    """Return the model of a run that has told of these."""
    model = RunModel()
    model.take(made.numbered([made.started(), *events]))
    return model


def choose(view: SpectrumView, name: str, value: str) -> None:
    """Choose as a human does."""
    box = getattr(view.controls, name)
    at = box.findText(value)
    assert at >= 0
    box.setCurrentIndex(at)
    box.activated.emit(at)


def n_curves(view: SpectrumView, name: str) -> int:
    """Return how many curves an item holds; each ends with a gap."""
    return int(np.isnan(view.plot.drawn(name)[0]).sum())


def test_the_newest_spectrum_is_on_top_and_the_others_are_one_item(view: SpectrumView) -> None:
    """Row 10: many spectra are laid over one another, the newest on top."""
    model = run_of(*made_curves.loops(12))
    view.show_run(model, Part.ALL)
    newest = model.spectra[-1].spectrum
    x, y = view.plot.drawn("newest")
    assert x == pytest.approx(newest.bias)
    assert y == pytest.approx(newest.channel("response"))
    assert n_curves(view, "good") == 11
    assert "12 spectra, no. 12 on top" in view.words.text()
    model.take(made.numbered([made_curves.taken(made_curves.loop(12))], first=99))
    view.show_run(model, Part.SPECTRA)
    assert view.plot.drawn("newest")[1] == pytest.approx(model.spectra[12].spectrum.data[0])


def test_mean_and_slope_are_drawn(view: SpectrumView) -> None:
    """Row 10: mean, deviation and derivative are those of what is looked at."""
    model = run_of(*made_curves.loops(10))
    view.show_run(model, Part.ALL)
    data = np.stack([each.spectrum.channel("response") for each in model.spectra])
    assert view.plot.drawn("mean")[1] == pytest.approx(data.mean(axis=0), rel=1e-6, abs=0)
    assert "mean of 10" in view.words.text()
    view.controls.slope.setChecked(True)
    bias = model.spectra[-1].spectrum.bias
    inner = slice(17, 47)
    expected = np.gradient(data[-1][16:49], bias[16:49])[1:-2]
    assert view.plot.drawn("newest")[1][inner] == pytest.approx(expected, rel=1e-6, abs=0)
    assert view.plot.y_scale.unit == "m/V"
    view.controls.mean.setChecked(False)
    assert view.plot.drawn("mean")[1].size == 0


def test_what_is_smoothed_is_a_parabola_through_neighbours(view: SpectrumView) -> None:
    """Row 10: noise can be taken out of the view."""
    loop = made_curves.loop(0)
    view.show_run(run_of(made_curves.taken(loop)), Part.ALL)
    choose(view, "smoothing", "5 points")
    near = loop.channel("response")[20:25]
    right = np.polyval(np.polyfit(np.arange(-2, 3), near * 1e12, 2), 0)
    assert view.plot.drawn("newest")[1][22] * 1e12 == pytest.approx(right)


def test_another_channel_has_another_unit_and_a_fixed_prefix(view: SpectrumView) -> None:
    """Row 6: axes have a unit, and a prefix that does not jump from spectrum to spectrum."""
    model = run_of(*made_curves.loops(3))
    view.show_run(model, Part.ALL)
    assert view.plot.y_scale.label("response") == "response (pm)"
    choose(view, "channel", "current")
    assert view.plot.y_scale.label("current") == "current (pA)"
    before = view.plot.y_scale.factor
    loud = made_curves.loop(3)
    loud.data[1] *= 100.0
    model.take(made.numbered([made_curves.taken(loud)], first=99))
    view.show_run(model, Part.SPECTRA)
    assert view.plot.y_scale.factor == before
    assert view.plot.drawn("newest")[1] == pytest.approx(loud.data[1])


def test_flagged_and_doubted_spectra_are_dashed_and_said_in_words(view: SpectrumView) -> None:
    """Row 10: what is not to be trusted looks so, and the reason stands in words."""
    model = run_of(*made_curves.loops(8, flagged=(2,)))
    view.show_run(model, Part.ALL)
    assert n_curves(view, "wrong") == 1
    assert view.plot.is_dashed("wrong")
    assert not view.plot.is_dashed("newest")
    assert "1 dashed, not to be trusted: saturated" in view.words.text()
    model.take(made.numbered([made_curves.doubted(6, 7)], first=99))
    view.show_run(model, Part.SPECTRA)
    assert view.plot.drawn("wrong newest")[0].size == 64
    assert view.plot.is_dashed("wrong newest")
    assert view.plot.drawn("newest")[0].size == 0
    assert "doubted: the tip had changed" in view.words.text()
    assert view.rows.data(view.rows.index(7, 4)) == "doubted: the tip had changed"


def test_what_is_wrong_does_not_set_the_range(view: SpectrumView) -> None:
    """Row 10: one spectrum that went wrong does not flatten all others."""
    spoilt = made_curves.loop(9, flags=(QualityFlag.SATURATED,))
    spoilt.data[0] *= 1000.0
    view.show_run(run_of(*made_curves.loops(9), made_curves.taken(spoilt)), Part.ALL)
    assert view.plot.y_scale.label("response") == "response (pm)"
    assert _height(view) < 20.0
    choose(view, "which", "newest")
    assert _height(view) > 1.0  # alone it is seen as it is
    assert view.plot.drawn("newest")[1] == pytest.approx(spoilt.data[0])


def _height(view: SpectrumView) -> float:
    """Return how much of y is seen, in the unit of the axis."""
    box = view.plot.widget.getPlotItem().vb
    box.updateAutoRange()
    low, high = box.viewRange()[1]
    return float(high - low)


def test_the_band_is_filled_where_both_ways_lie_over_each_other(view: SpectrumView) -> None:
    view.show_run(run_of(*made_curves.loops(20)), Part.ALL)
    assert view.plot.is_in_band(7.5, 3.4e-12)  # both ways are saturated there
    assert not view.plot.is_in_band(7.5, 0.0)


def test_the_best_spectrum_is_shown_alone(view: SpectrumView) -> None:
    model = RunModel()
    model.take(made.run_records(4))
    view.show_run(model, Part.ALL)
    choose(view, "which", "best")
    assert model.best is not None
    assert view.words.text() == f"no. {model.best.number + 1} on top"
    view.show_run(run_of(*made_curves.loops(2)), Part.ALL)
    assert view.words.text() == "no spectrum has a value"


def test_spectra_that_are_chosen_elsewhere_are_shown_until_the_run_is_followed_again(
    view: SpectrumView, selection: Selection, qtbot: QtBot
) -> None:
    """Row 9: spectra that are clicked on the image are shown; new ones do not replace them."""
    model = run_of(*made_curves.loops(9))
    view.show_run(model, Part.ALL)
    selection.spectra_chosen.emit((2, 5))
    assert view.plot.drawn("newest")[1] == pytest.approx(model.spectra[5].spectrum.data[0])
    assert n_curves(view, "good") == 1
    rows = view.table.selectionModel()
    assert rows is not None
    assert sorted(index.row() for index in rows.selectedRows()) == [2, 5]
    model.take(made.numbered([made_curves.taken(made_curves.loop(9))], first=99))
    view.show_run(model, Part.SPECTRA)
    assert view.plot.drawn("newest")[1] == pytest.approx(model.spectra[5].spectrum.data[0])
    with qtbot.waitSignal(selection.spectra_chosen) as chosen:
        view.controls.follow.click()
    assert chosen.args == [()]
    assert view.plot.drawn("newest")[1] == pytest.approx(model.spectra[9].spectrum.data[0])


def test_rows_that_a_human_chooses_are_told_to_all_views(
    view: SpectrumView, selection: Selection, qtbot: QtBot
) -> None:
    view.show_run(run_of(*made_curves.loops(5)), Part.ALL)
    rows = view.table.selectionModel()
    assert rows is not None
    flags = QItemSelectionModel.SelectionFlag
    with qtbot.waitSignal(selection.spectra_chosen) as chosen:
        rows.select(view.rows.index(3, 0), flags.ClearAndSelect | flags.Rows)
    assert chosen.args == [(3,)]
    assert "no. 4 on top" in view.words.text()


def test_a_choice_that_does_not_exist_is_passed_over(
    view: SpectrumView, selection: Selection
) -> None:
    selection.spectra_chosen.emit((0,))
    view.show_run(run_of(*made_curves.loops(2)), Part.ALL)
    selection.spectra_chosen.emit((7, -1))
    assert "no. 2 on top" in view.words.text()


def test_a_fit_of_the_mean_is_drawn_with_its_numbers(view: SpectrumView) -> None:
    """Row 10: a fit is drawn, and its numbers stand beside with deviation and unit."""
    view.show_run(run_of(*made_curves.loops(20)), Part.ALL)
    choose(view, "fit", "loop")
    assert view.plot.drawn("fit")[1].size == 64
    said = view.fit_words.text()
    assert said.startswith("loop through the mean: up at 2.4")
    assert "± " in said
    assert " pm" in said
    choose(view, "fit", "peak")
    assert view.plot.drawn("fit")[1].size == 0
    assert view.fit_words.text().startswith("no fit of the mean: there is no peak")
    choose(view, "fit", "no fit")
    assert not view.fit_words.text()


def test_a_part_is_fitted_that_can_be_dragged(view: SpectrumView) -> None:
    view.show_run(run_of(*made_curves.loops(3)), Part.ALL)
    choose(view, "fit", "line")
    view.controls.part.setChecked(True)
    x, _ = view.plot.drawn("fit")
    assert -4.0 <= x.min() < x.max() <= 4.0
    view.plot.set_part((5.0, 8.0))
    view.plot.ranged.emit()
    x, _ = view.plot.drawn("fit")
    assert x.min() >= 5.0 - 1e-9


def test_force_curves_are_shown_down_and_up(view: SpectrumView) -> None:
    """Row 10: force curves too, both ways over the extension."""
    curves = [made_curves.force_curve(number) for number in range(3)]
    view.show_run(run_of(*curves), Part.ALL)
    x, y = view.plot.drawn("newest")
    assert x.size == 256
    assert y[:128] == pytest.approx(curves[2].curve.approach[0])
    assert y[128:] == pytest.approx(curves[2].curve.retract[0][::-1])
    assert view.plot.x_scale.label("extension") == "extension (nm)"
    assert "3 force curves, " in view.words.text()


def test_where_there_are_both_kinds_one_is_chosen(view: SpectrumView) -> None:
    view.show_run(run_of(*made_curves.loops(4), made_curves.force_curve(0)), Part.ALL)
    assert "4 spectra, " in view.words.text()
    choose(view, "kind", "force curves")
    assert view.words.text() == "no. 1 on top"
    assert view.rows.rowCount() == 1
    choose(view, "kind", "spectra")
    assert view.rows.rowCount() == 4


def test_a_thousand_spectra_are_fast(view: SpectrumView) -> None:
    """Row 10: with 1000 spectra a new one is drawn well within a tick, 200 of them at most."""
    model = run_of(*made_curves.loops(1000))
    view.show_run(model, Part.ALL)
    choose(view, "which", "all")
    assert n_curves(view, "good") == MOST_CURVES - 1
    assert "200 of 1000 spectra, " in view.words.text()
    assert "mean of 1000" in view.words.text()
    best = min(_seconds(view, model) for _ in range(5))
    assert best < 0.1


def _seconds(view: SpectrumView, model: RunModel) -> float:
    begin = time.perf_counter()
    view.show_run(model, Part.SPECTRA)
    return time.perf_counter() - begin


def test_what_nobody_sees_is_not_drawn_until_it_is_seen(view: SpectrumView) -> None:
    view.hide()
    view.show_run(run_of(*made_curves.loops(2)), Part.ALL)
    assert view.plot.drawn("newest")[0].size == 0
    view.show()
    assert view.plot.drawn("newest")[0].size == 64


def test_curves_are_saved_with_every_channel(
    view: SpectrumView, tmp_path: Path, qtbot: QtBot
) -> None:
    """Row 10: what is looked at is saved as a table, by a row that hides no button."""
    view.show_run(run_of(*made_curves.loops(30)), Part.ALL)
    view.controls.save.click()
    assert view.save_row.isVisible()
    view.save_row.path.setText(str(tmp_path / "new" / "loops.csv"))
    with qtbot.waitSignal(view.save_row.said) as said:
        view.save_row.save_button.click()
    view.save_row.finish()
    assert said.args is not None
    assert said.args[1] is True
    lines = (tmp_path / "new" / "loops.csv").read_text().splitlines()
    assert len(lines) == 2 + 20 * 64
    view.save_row.save_button.click()
    assert "save once more to replace it" in view.save_row.words.text()


def test_what_cannot_be_saved_is_said(view: SpectrumView, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").write_text("no folder")
    view.show_run(run_of(*made_curves.loops(2)), Part.ALL)
    view.controls.save.click()
    view.save_row.path.setText(str(tmp_path / "file" / "loops.csv"))
    with qtbot.waitSignal(view.save_row.said) as said:
        view.save_row.save_button.click()
    view.save_row.finish()
    assert said.args is not None
    assert said.args[0].startswith("NOT saved: ")
    view.save_row.path.setText("")
    view.save_row.save_button.click()
    assert view.save_row.words.text() == "NOT saved: the name of a file is missing"


def test_the_waveform_of_a_spectrum_is_used_again(
    view: SpectrumView, selection: Selection, qtbot: QtBot
) -> None:
    model = run_of(*made_curves.loops(2))
    view.show_run(model, Part.ALL)
    with qtbot.waitSignal(selection.settings_recalled) as recalled:
        view.controls.use.click()
    assert recalled.args == [model.spectra[1].instruction]


def test_whatever_was_measured_the_view_goes_on(view: SpectrumView) -> None:
    loop = made_curves.loop(0)
    choose(view, "smoothing", "5 points")
    for value in (np.nan, np.inf, 0.0, 1e300, 1e-300):
        odd = replace(loop, data=np.full_like(loop.data, value))
        view.show_run(run_of(made_curves.taken(odd), made_curves.taken(odd)), Part.ALL)
        for form in ("line", "peak", "loop"):
            choose(view, "fit", form)
            assert view.fit_words.text()
        view.controls.slope.toggle()
        assert not view.grab().isNull()


def test_a_pulse_is_a_dot_since_a_point_is_no_line(view: SpectrumView) -> None:
    pulses = [
        made_curves.taken(replace(loop, bias=loop.bias[:1] + number, data=loop.data[:, :1]))
        for number, loop in enumerate(map(made_curves.loop, range(3)))
    ]
    view.show_run(run_of(*pulses), Part.ALL)
    assert view.plot.n_dots() == 3
    assert "mean of 1, without 2 over another range" in view.words.text()
    choose(view, "fit", "line")
    assert "a line needs at least 5 points, here are 1" in view.fit_words.text()


def test_another_run_replaces_what_was_shown(view: SpectrumView) -> None:
    view.show_run(run_of(*made_curves.loops(7)), Part.ALL)
    view.show_run(run_of(*made_curves.loops(2)), Part.NOTHING)
    assert view.rows.rowCount() == 2
    assert "2 spectra, " in view.words.text()
    view.show_run(run_of(), Part.NOTHING)
    assert view.rows.rowCount() == 0
    assert view.words.text() == "no spectra yet"


def test_the_colours_follow_the_theme(view: SpectrumView) -> None:
    view.show_run(run_of(*made_curves.loops(3)), Part.ALL)
    view.set_theme(LIGHT)
    assert LIGHT.accent in view.legend.text()


def test_what_is_under_the_mouse_is_told_with_units_and_the_curve_is_named(
    view: SpectrumView,
) -> None:
    """Row 6: what is under the mouse is said with units; an outlier can be told by its number."""
    odd = made_curves.loop(1)
    odd.data[0] += 5e-12
    view.show_run(run_of(made_curves.taken(made_curves.loop(0)), made_curves.taken(odd)), Part.ALL)
    said: list[str] = []
    view.plot.pointed.connect(said.append)
    box = view.plot.widget.getPlotItem().vb
    box.updateAutoRange()
    at = QPointF(float(odd.bias[20]), float(odd.data[0][20]) * 1e12)
    scene = view.plot.widget.scene()
    scene.sigMouseMoved.emit(box.mapViewToScene(at))
    assert said[-1].startswith("bias ")
    assert " V, response " in said[-1]
    assert said[-1].endswith("pm, no. 2")
    assert view.legend.text() == said[-1]
    scene.sigMouseMoved.emit(QPointF(-50.0, -50.0))
    assert said[-1] == ""
    assert "mean" in view.legend.text()


def test_in_a_low_window_the_upright_axis_still_says_its_unit(view: SpectrumView) -> None:
    view.show_run(run_of(*made_curves.loops(2)), Part.ALL)
    axis = view.plot._plot.getAxis("left")
    QApplication.processEvents()
    assert axis.labelText == "response (pm)"
    view.resize(800, 190)
    QApplication.processEvents()
    assert axis.labelText == "pm"
