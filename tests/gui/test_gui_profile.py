"""ProfileView: the newest line forward and backward, or the one that was picked."""

from collections.abc import Iterator

import made
import numpy as np
import pytest
from PyQt6.QtCore import QPointF
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import LineAcquired
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import LIGHT, Theme
from spm_auto.gui.microscope.profile_view import ProfileView
from spm_auto.gui.run.run_model import Part, RunModel


@pytest.fixture
def view(qtbot: QtBot, selection: Selection, theme: Theme) -> Iterator[ProfileView]:
    view = ProfileView(selection, theme)
    qtbot.addWidget(view)
    view.resize(560, 240)
    view.show()
    yield view
    view.close()


@pytest.fixture
def model() -> RunModel:
    model = RunModel()
    model.take(made.numbered([made.started(), *made.scan_events(n_lines=10)]))
    return model


def test_row_3_the_newest_line_is_shown_forward_and_backward(
    view: ProfileView, model: RunModel
) -> None:
    """Row 3: the profile of the line that has just come, both ways."""
    view.show_run(model, Part.ALL)
    line = made.line(9)
    assert np.array_equal(view.curves["forward"], line.forward[0])
    assert np.array_equal(view.curves["backward"], line.backward[0])
    for drawn, values in ((view._forward, line.forward[0]), (view._backward, line.backward[0])):
        x, y = drawn.getData()
        assert y == pytest.approx(1e9 * values, rel=1e-6)  # the axis says [nm]
        assert x == pytest.approx(1e9 * made.FRAME.size[0] / 40 * (np.arange(40) + 0.5))
    assert view.plot.getAxis("left").labelText == "[nm]"  # its name stands above
    assert view.plot.getAxis("bottom").labelText == "along the line [nm]"
    assert view.words.text() == "height, scan 1"
    assert view.line.value() == 10
    view.show_run(model, model.take(made.numbered([LineAcquired(made.line(10))], first=12)))
    assert view.curves["forward"] == pytest.approx(made.line(10).forward[0])


def test_row_3_a_click_picks_the_line_that_stays_while_others_come(
    view: ProfileView, model: RunModel, selection: Selection
) -> None:
    """Row 3: the profile of a line that is picked."""
    view.show_run(model, Part.ALL)
    selection.place_chosen.emit(*(float(v) for v in made.FRAME.to_sample(3.2, 7)))
    assert view.curves["forward"] == pytest.approx(made.line(3).forward[0])
    assert not view.newest.isChecked()
    view.show_run(model, model.take(made.numbered([LineAcquired(made.line(10))], first=12)))
    assert view.curves["forward"] == pytest.approx(made.line(3).forward[0])
    view.newest.setChecked(True)
    assert view.curves["forward"] == pytest.approx(made.line(10).forward[0])


def test_a_click_outside_the_frame_picks_no_line(
    view: ProfileView, model: RunModel, selection: Selection
) -> None:
    view.show_run(model, Part.ALL)
    selection.place_chosen.emit(4e-6, 4e-6)
    assert view.newest.isChecked()


def test_a_line_that_was_not_measured_yet_is_not_made_up(
    view: ProfileView, model: RunModel, selection: Selection
) -> None:
    view.show_run(model, Part.ALL)
    selection.place_chosen.emit(*(float(v) for v in made.FRAME.to_sample(20, 7)))
    assert view.curves == {}
    assert "not measured yet" in view.words.text()


def test_axes_have_units_and_the_channel_is_the_one_chosen(
    view: ProfileView, model: RunModel, selection: Selection
) -> None:
    view.show_run(model, Part.ALL)
    selection.channel_chosen.emit("phase")
    assert view.plot.getAxis("left").labelText == "[deg]"
    assert view.plot.getAxis("bottom").labelText == "along the line [nm]"
    assert view.curves["forward"] == pytest.approx(made.line(9).forward[2])


def test_row_7_the_slope_is_taken_out_of_the_view_only(view: ProfileView, model: RunModel) -> None:
    """Row 7: what is drawn has no slope; what was measured is what the readout tells."""
    view.show_run(model, Part.ALL)
    view.flat.setChecked(True)
    assert view.view_only.isVisible()
    drawn = view._forward.getData()[1]
    assert np.allclose(drawn, 0, atol=1e-6)  # [nm] or less: the made line is a slope
    assert view.curves["forward"] == pytest.approx(made.line(9).forward[0])
    view.flat.setChecked(False)
    assert view._forward.getData()[1] == pytest.approx(made.line(9).forward[0] * 1e9)


def test_the_axis_does_not_jump_with_every_line(view: ProfileView, model: RunModel) -> None:
    view.show_run(model, Part.ALL)
    before = view.plot.getViewBox().viewRange()
    view.show_run(model, model.take(made.numbered([LineAcquired(made.line(10))], first=12)))
    smaller = made.line(11)
    smaller = type(smaller)(11, smaller.forward * 0.8, smaller.backward * 0.8, 11.0)
    view.show_run(model, model.take(made.numbered([LineAcquired(smaller)], first=13)))
    assert view.plot.getViewBox().viewRange() == before


def test_the_mouse_reads_both_curves_and_shows_the_place_elsewhere(
    view: ProfileView, model: RunModel, qtbot: QtBot
) -> None:
    view.show_run(model, Part.ALL)
    QApplication.processEvents()  # lay out what was changed
    box = view.plot.getViewBox()
    scene = box.mapViewToScene(QPointF(500.0, float(np.mean(box.viewRange()[1]))))
    with qtbot.waitSignal(view.selection.cursor_moved) as moved:
        QTest.mouseMove(view.plots.viewport(), view.plots.mapFromScene(scene))
    assert "forward" in view.readout.text()
    assert "nm" in view.readout.text()
    right = [float(v) for v in made.FRAME.to_sample(9, 19.5)]
    assert moved.args == pytest.approx(right, abs=3e-8)


def test_another_theme_and_another_run(view: ProfileView, model: RunModel) -> None:
    view.show_run(model, Part.ALL)
    view.set_theme(LIGHT)
    view.show_run(RunModel(), Part.ALL)
    assert view.words.text() == "no line yet"
    assert view.curves == {}


def test_a_line_that_came_without_values_is_said_to_have_none(view: ProfileView) -> None:
    model = RunModel()
    model.take(made.numbered([made.started(), *made.scan_events()]))
    model.scans[0].forward[0] = np.nan  # type: ignore[index]
    view.show_run(model, Part.ALL)
    assert view.words.text() == "scan 1: this line has no values"
