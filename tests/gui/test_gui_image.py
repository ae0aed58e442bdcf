"""ImageView: the image as it grows, how it is looked at, and what is drawn on it."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import made
import made_curves
import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import Event, Intervention, StageMoved
from spm_auto.gui.common.drawing import NM, Shown, look_up_table, placed
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import ANGLES, LIGHT, Theme
from spm_auto.gui.microscope.image_bar import BY_HAND, TURN
from spm_auto.gui.microscope.image_view import ImageView
from spm_auto.gui.microscope.levelling import Levelling
from spm_auto.gui.microscope.patterns import Tool
from spm_auto.gui.run.run_model import KEPT_SCANS, Part, RunModel
from spm_auto.gui.run.wishes import Perform
from spm_auto.instrument import MoveStage, PositionProbe

CENTER = made.FRAME.center


@pytest.fixture
def view(qtbot: QtBot, selection: Selection, theme: Theme) -> Iterator[ImageView]:
    view = ImageView(selection, theme)
    qtbot.addWidget(view)
    view.resize(600, 620)
    view.show()
    qtbot.waitExposed(view)
    yield view
    view.close()


def feed(view: ImageView, *events: Event, model: RunModel | None = None) -> RunModel:
    """Let a view see events."""
    model = RunModel() if model is None else model
    changed = model.take(made.numbered(list(events), first=model.n_records))
    view.show_run(model, changed)
    return model


def begun(n_lines: int = 10) -> list[Event]:
    return [made.started(), *made.scan_events(n_lines=n_lines)]


def click(view: ImageView, place: tuple[float, float], is_double: bool = False) -> None:
    """Click a place of the sample [m] with the real mouse of Qt."""
    at = on_screen(view, place)
    viewport = view.picture.widget.viewport()
    button = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    QTest.mouseMove(viewport, at)
    QTest.mouseClick(viewport, *button)
    if is_double:  # what Qt tells of a double click: press, release, double click, release
        QTest.mouseDClick(viewport, *button)
        QTest.mouseRelease(viewport, *button)


def on_screen(view: ImageView, place: tuple[float, float]) -> QPoint:
    QApplication.processEvents()  # lay out what was changed
    box = view.plot.getViewBox()
    scene = box.mapViewToScene(QPointF(place[0] / NM, place[1] / NM))
    point = view.picture.widget.mapFromScene(scene)
    return QPoint(round(point.x()), round(point.y()))


def test_the_pace_of_a_few_lines_is_not_believed(view: ImageView) -> None:
    feed(view, *begun(2))
    assert view.words.text().endswith("2 of 32 lines, growing")


def test_row_2_the_image_grows_line_by_line(view: ImageView) -> None:
    """Row 2: each line is seen when it has come; what has not come cannot be seen."""
    model = feed(view, *begun(10))
    image = view.picture.item.image
    assert np.isfinite(image[:10]).all()
    assert np.isnan(image[10:]).all()
    assert "10 of 32 lines, growing, 22.0 s left" in view.words.text()
    newest = made.FRAME.to_sample([9, 9], [-0.5, made.FRAME.pixels[0] - 0.5])
    assert NM * np.array(view.picture._line.getData()) == pytest.approx(np.array(newest))
    rest = [*made.scan_events()][11:]
    feed(view, *rest, model=model)
    assert np.isfinite(view.picture.item.image).all()
    assert "32 of 32 lines, whole" in view.words.text()
    assert not len(view.picture._line.getData()[0])


def test_row_2_the_image_lies_in_its_frame(view: ImageView) -> None:
    """Row 2: in the sample's coordinates, turned as the frame is."""
    feed(view, *begun())
    assert view.picture.item.transform() == placed(made.FRAME)


def test_nothing_is_drawn_twice(view: ImageView, monkeypatch: pytest.MonkeyPatch) -> None:
    model = feed(view, *begun())
    drawn: list[object] = []
    item = view.picture.item
    monkeypatch.setattr(item, "setImage", lambda *_, **__: drawn.append(1))
    for changed in (Part.SCAN, Part.ALL, Part.SPECTRA):
        view.show_run(model, changed)
    assert not drawn
    feed(view, *[*made.scan_events()][11:12], model=model)
    assert len(drawn) == 1


def test_row_2_a_scan_that_was_chosen_stays_until_the_newest_is_followed_again(
    view: ImageView, selection: Selection
) -> None:
    """Row 2: the view follows the run, but not away from what somebody looks at."""
    model = feed(view, made.started(), *made.scan_events())
    selection.scan_chosen.emit(0)
    feed(view, *made.scan_events(n_lines=5), model=model)
    assert view.scan is model.scans[0]
    assert "chosen" in view.words.text()
    assert view.follow.isVisible()
    view.follow.click()
    assert view.scan is model.scans[1]
    assert not view.follow.isVisible()


def test_a_scan_that_is_not_in_memory_is_not_shown_as_another(
    view: ImageView, selection: Selection
) -> None:
    scans = [e for _ in range(KEPT_SCANS + 1) for e in made.scan_events(n_lines=1)]
    feed(view, made.started(), *scans)
    selection.scan_chosen.emit(0)
    assert "not in memory" in view.words.text()
    assert view.picture.item.image is None


def test_row_4_forward_and_backward_are_looked_at_apart(view: ImageView) -> None:
    """Row 4: both directions of every channel."""
    model = feed(view, *begun())
    assert model.scan is not None
    assert model.scan.forward is not None
    assert model.scan.backward is not None
    view.bar.levellings.setCurrentText(Levelling.NONE)
    view.bar.channels.setCurrentText("amplitude")
    view.selection.channel_chosen.emit("amplitude")
    assert np.array_equal(view.picture.item.image, model.scan.forward[1], equal_nan=True)
    QTest.keyClick(view, Qt.Key.Key_B)
    assert view.bar.directions.currentText() == "backward"
    assert np.array_equal(view.picture.item.image, model.scan.backward[1], equal_nan=True)
    assert np.array_equal(view.picture.item.image[3], made.line(3).backward[1])


def test_row_5_colours_span_percentiles_of_what_was_measured(view: ImageView) -> None:
    """Row 5: percentiles, with a colour bar that says so in a unit."""
    feed(view, *begun())
    view.selection.channel_chosen.emit("amplitude")
    image = view.picture.item.image
    view.bar.ranges.setCurrentIndex(view.bar.ranges.findText("5 to 95 %"))
    right = np.nanpercentile(image, [5, 95])
    assert not np.allclose(right, [np.nanmin(image), np.nanmax(image)], atol=0)
    assert view.levels == pytest.approx(tuple(right), rel=1e-9, abs=0)
    assert tuple(view.picture.item.getLevels()) == view.levels
    assert view.picture.colour_bar.levels == view.levels
    bottom, top = view.picture.colour_bar.plot.getViewBox().viewRange()[1]
    assert (bottom, top) == pytest.approx(tuple(1e12 * right))
    assert view.picture.colour_bar.label == "amplitude [pm]"


def test_row_5_colours_span_what_is_set_by_hand(view: ImageView) -> None:
    """Row 5: a range by hand stays while lines come; a wrong one is refused at the field."""
    model = feed(view, *begun())
    view.selection.channel_chosen.emit("amplitude")
    bar = view.bar
    bar.ranges.setCurrentIndex(bar.ranges.findText(BY_HAND))
    bar.low.setText("1 pm")
    bar.high.setText("2.5 pm")
    bar.high.editingFinished.emit()
    assert view.levels == pytest.approx((1e-12, 2.5e-12), abs=0)
    feed(view, *[*made.scan_events()][11:15], model=model)
    assert view.levels == pytest.approx((1e-12, 2.5e-12), abs=0)
    for low, words in (("3 pm", "must be below"), ("3 V", "lowest colour"), ("", "need a lowest")):
        bar.low.setText(low)
        bar.low.editingFinished.emit()
        assert words in bar.fault.text()
        assert view.levels == pytest.approx((1e-12, 2.5e-12), abs=0)


def test_row_5_colours_hold_still_while_the_image_hardly_changes(view: ImageView) -> None:
    """Row 5: percentiles of a growing image do not flicker, and are exact when it is whole."""
    model = feed(view, *begun(16))
    view.selection.channel_chosen.emit("amplitude")
    before, rest = view.levels, [*made.scan_events()][17:]
    feed(view, *rest[:1], model=model)
    assert view.levels == before
    feed(view, *rest[1:], model=model)
    right = np.nanpercentile(view.picture.item.image, [0.5, 99.5])
    assert view.levels == pytest.approx(tuple(right), rel=1e-12, abs=0)


def test_row_5_the_colour_map_is_chosen_and_each_channel_keeps_its_own(view: ImageView) -> None:
    """Row 5: colour maps by channel."""
    feed(view, *begun())
    view.bar.maps.setCurrentIndex(view.bar.maps.findData("magma"))
    assert np.array_equal(view.picture.item.lut, look_up_table("magma"))
    assert np.array_equal(view.picture.colour_bar._image.lut, look_up_table("magma"))
    view.selection.channel_chosen.emit("phase")
    assert view.bar.style_shown.colours == ANGLES
    assert view.bar.ranges.currentText() == TURN
    assert view.bar.style_shown.levelling is Levelling.NONE
    assert view.levels == pytest.approx((-math.pi, math.pi))
    assert view.picture.colour_bar.label == "phase [deg]"
    view.bar.ranges.setCurrentIndex(view.bar.ranges.findText(BY_HAND))
    assert (view.bar.low.text(), view.bar.high.text()) == ("-180 deg", "180 deg")
    view.selection.channel_chosen.emit("height")
    assert view.bar.style_shown.colours == "magma"


def test_row_6_axes_scale_bar_colour_bar_and_readout_have_units(view: ImageView) -> None:
    """Row 6: units on axes, bars and what is read out."""
    feed(view, *begun(32))
    assert view.plot.getAxis("bottom").labelText == "x [nm]"
    assert view.plot.getAxis("left").labelText == "y [nm]"
    assert view.plot.getAxis("bottom").scale == pytest.approx(1.0)  # plots are in nanometres
    assert view.picture.scale_bar.text == "200 nm"
    assert view.picture.scale_bar.length == pytest.approx(2e-7)
    view.selection.channel_chosen.emit("phase")
    view.selection.cursor_moved.emit(*(float(v) for v in made.FRAME.to_sample(4, 3)))
    assert view.readout.toolTip() == "line 5, pixel 4"
    assert view.readout.text().endswith("deg")


def test_the_unit_of_the_axes_holds_while_the_view_is_zoomed(view: ImageView) -> None:
    feed(view, *begun())
    view.plot.setRange(xRange=(0, 0.5), yRange=(0, 0.5))
    assert view.plot.getAxis("bottom").labelText == "x [nm]"
    assert view.picture.scale_bar.length < 0.5e-9


def test_row_7_levelling_says_that_it_is_a_view_only(view: ImageView) -> None:
    """Row 7: levelled to be looked at; what is measured stays, and the readout tells both."""
    model = feed(view, *begun(20))
    assert model.scan is not None
    assert model.scan.forward is not None
    before = model.scan.forward.copy()
    view.bar.levellings.setCurrentText(Levelling.LINES)
    assert view.bar.view_only.text() == "view only"
    assert view.bar.view_only.isVisible()
    assert np.allclose(np.nanmedian(view.picture.item.image[:20], axis=1), 0)
    assert np.array_equal(model.scan.forward, before, equal_nan=True)
    view.selection.cursor_moved.emit(*(float(v) for v in made.FRAME.to_sample(4, 3)))
    assert "in this view" in view.readout.text()
    view.bar.levellings.setCurrentText(Levelling.NONE)
    assert view.bar.view_only.text() == ""
    assert "in this view" not in view.readout.text()


def test_the_cursor_is_shared_with_the_other_views(view: ImageView, qtbot: QtBot) -> None:
    feed(view, *begun())
    with qtbot.waitSignal(view.selection.cursor_moved) as moved:
        QTest.mouseMove(view.picture.widget.viewport(), on_screen(view, CENTER))
    assert moved.args == pytest.approx(CENTER, abs=5e-9)
    assert view.picture.following.place is None
    view.selection.cursor_moved.emit(1e-7, 1e-7)
    assert view.picture.following.place == (1e-7, 1e-7)


def test_row_8_a_double_click_wishes_the_tip_there(view: ImageView, qtbot: QtBot) -> None:
    """Row 8: only a wish; the tip is shown where the journal says, not where it was sent."""
    model = feed(view, *begun())
    before = view.picture.tip.place
    with qtbot.waitSignal(view.wished) as wished:
        click(view, CENTER, is_double=True)
    wish = wished.args[0]
    assert isinstance(wish, Perform)
    (probe,) = wish.instructions
    assert isinstance(probe, PositionProbe)
    assert (probe.x, probe.y) == pytest.approx(CENTER, abs=5e-9)
    assert view.picture.tip.place == before == model.probe


def test_row_8_the_tip_is_not_sent_to_a_place_of_an_image_from_which_the_stage_has_moved(
    view: ImageView,
) -> None:
    """Row 8: the same coordinates are another place of the sample then."""
    wishes: list[object] = []
    view.wished.connect(wishes.append)
    origin = replace(made.started(), settings={**made.started().settings, "stage": (0.0, 0.0)})
    model = feed(view, origin, *made.scan_events())
    feed(view, StageMoved(MoveStage(1e-4, 0.0), 1e-4, 0.0), model=model)
    assert "the stage has moved" in view.message.text()
    click(view, CENTER, is_double=True)
    assert not wishes
    feed(view, *made.scan_events(n_lines=2), model=model)
    click(view, CENTER, is_double=True)
    assert view.message.text() == ""
    assert len(wishes) == 1


def test_row_8_a_place_outside_the_limits_is_refused_until_another_is_asked_for(
    view: ImageView,
) -> None:
    """Row 8: refused with the limit, and nothing is sent; lines that come do not wipe it away."""
    wishes: list[object] = []
    view.wished.connect(wishes.append)
    model = feed(view, *begun())
    model.limits = replace(made.LIMITS, x=(0.0, 9e-8))
    click(view, CENTER, is_double=True)
    feed(view, *[*made.scan_events()][11:12], model=model)
    assert "outside 0 m to 90 nm" in view.message.text()
    assert not wishes
    click(view, (5e-8, CENTER[1]), is_double=True)
    assert view.message.text() == ""
    assert len(wishes) == 1


def test_row_9_spectra_are_marks_that_can_be_clicked(view: ImageView, qtbot: QtBot) -> None:
    """Row 9: what was measured can be looked at."""
    model = feed(view, *made.run_events(4, is_over=False))
    places = [(m.spectrum.x, m.spectrum.y) for m in model.spectra]
    assert view.picture.spectra.places == pytest.approx(np.array(places))
    with qtbot.waitSignal(view.selection.spectra_chosen) as chosen:
        click(view, places[2])
    assert chosen.args == [(2,)]
    assert view.picture.spectra.chosen == (2,)
    at = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(view.selection.spectra_chosen) as chosen:
        QTest.mouseClick(view.picture.widget.viewport(), *at, on_screen(view, places[0]))
    assert chosen.args == [(2, 0)]


def test_row_9_force_curves_are_marks_where_they_were_taken(view: ImageView) -> None:
    model = feed(view, made.started(), *made.scan_events(), made_curves.force_curve(0))
    (curve,) = model.curves
    assert view.picture.curves.places == pytest.approx(np.array([(curve.curve.x, curve.curve.y)]))


def test_a_click_beside_the_spectra_chooses_a_place(view: ImageView, qtbot: QtBot) -> None:
    feed(view, *made.run_events(2, is_over=False))
    with qtbot.waitSignal(view.selection.place_chosen) as chosen:
        click(view, (2e-7, 0.0))
    assert chosen.args == pytest.approx([2e-7, 0.0], abs=5e-9)


def test_row_9_points_are_drawn_and_taken_away(view: ImageView) -> None:
    """Row 9: places for spectra, one by one."""
    feed(view, *begun())
    view.tools.choose(Tool.POINTS)
    click(view, CENTER)
    click(view, (CENTER[0] + 2e-7, CENTER[1]))
    assert len(view.selection.pattern) == 2
    assert view.selection.pattern[0] == pytest.approx(CENTER, abs=5e-9)
    click(view, CENTER)
    assert len(view.selection.pattern) == 1
    assert "1 place drawn" in view.tools.words.text()


def test_row_9_a_line_has_as_many_places_as_are_wanted(view: ImageView) -> None:
    """Row 9: places on a line, evenly, from end to end; it follows when it is dragged."""
    feed(view, *begun())
    view.tools.choose(Tool.LINE)
    view.tools.across.setValue(5)
    places = np.array(view.selection.pattern)
    assert places.shape == (5, 2)
    assert np.allclose(np.diff(places, 2, axis=0), 0, atol=1e-15)
    shape: Any = view.tools._shape
    shape.setPos(shape.pos() + shape.pos().__class__(50.0, 0.0))
    moved = np.array(view.selection.pattern)
    assert moved - places == pytest.approx(np.array([[5e-8, 0.0]] * 5), abs=1e-12)


def test_row_9_a_grid_can_be_turned_and_is_measured_from_edge_to_edge(view: ImageView) -> None:
    """Row 9: places on a grid."""
    feed(view, *begun())
    view.tools.choose(Tool.GRID)
    view.tools.across.setValue(4)
    view.tools.up.setValue(3)
    assert len(view.selection.pattern) == 12
    shape: Any = view.tools._shape
    shape.setSize((300.0, 100.0))
    shape.setAngle(30.0)
    places = np.array(view.selection.pattern).reshape(3, 4, 2)
    along = places[0, -1] - places[0, 0]
    assert np.hypot(*along) == pytest.approx(3e-7)
    assert math.degrees(math.atan2(along[1], along[0])) == pytest.approx(30)
    assert np.hypot(*(places[-1, 0] - places[0, 0])) == pytest.approx(1e-7)
    view.tools.clear.click()
    assert view.selection.pattern == ()
    assert view.tools.tool is Tool.LOOK


def test_places_outside_the_limits_are_counted(view: ImageView) -> None:
    feed(view, *begun())
    view.selection.pattern_drawn.emit(((0.0, 0.0), (9e-6, 0.0)))
    assert view.tools.words.text() == "2 places drawn, 1 outside the limits"


def test_what_is_closed_is_seen_on_the_image(view: ImageView) -> None:
    values = {"center": list(CENTER), "radius": 1e-7}
    forbidden = Intervention("me", "stay out", "a scratch", "forbid_region", values)
    model = feed(view, *begun(), forbidden)
    (zone,) = view.picture.zones.zones
    assert zone.contains(CENTER[0] + 9e-8, CENTER[1])
    feed(view, replace(forbidden, kind="allow_region"), model=model)
    assert view.picture.zones.zones == ()


def test_where_the_agent_wants_to_measure_is_shown_until_it_has(view: ImageView) -> None:
    events = list(made.chosen_events(0, 1000.0))
    model = feed(view, *begun(), events[0])
    assert model.pending is not None
    assert view.picture.next.place == (model.pending.x, model.pending.y)
    feed(view, *events[1:], model=model)
    assert view.picture.next.place is None


def test_another_run_is_shown_from_its_beginning(view: ImageView) -> None:
    feed(view, *begun(32))
    view.show_run(RunModel(), Part.ALL)
    assert view.words.text() == "no scan yet"
    assert view.picture.item.image is None


def test_the_theme_can_be_changed_while_it_is_seen(view: ImageView) -> None:
    feed(view, *made.run_events(2))
    view.set_theme(LIGHT)
    assert view.theme is LIGHT
    assert view.picture.widget.backgroundBrush().color().name() == LIGHT.panel


def test_colours_stand_for_nothing_where_nothing_is_drawn(view: ImageView) -> None:
    """A channel without values must not be seen beside the numbers of another one."""
    bar = view.picture.colour_bar
    assert not view.bar.view_only.isVisible()
    assert not view.bar.by_hand.isVisible()
    model = feed(view, *begun())
    assert bar.label.startswith("height [")
    model.scans[0].forward[1] = np.nan  # type: ignore[index]
    view.selection.channel_chosen.emit("amplitude")
    assert bar.label == ""
    assert np.isnan(bar.levels).all()
    view.selection.channel_chosen.emit("phase")
    assert bar.label == "phase [deg]"
    view.show_run(RunModel(), Part.ALL)
    assert bar.label == ""


def test_the_colour_bar_has_the_numbers_of_its_unit(view: ImageView) -> None:
    bar = view.picture.colour_bar
    bar.show_levels(0.0, 1e-7, "height", Shown("um", 1e6))
    bar.show_levels(0.0, 1e-7, "amplitude", Shown("nm", 1e9))
    assert bar.plot.getViewBox().viewRange()[1] == pytest.approx([0.0, 100.0])
    drawn = bar._image.mapRectToParent(bar._image.boundingRect())
    assert (drawn.top(), drawn.bottom()) == pytest.approx((0.0, 100.0))


def test_what_is_read_out_has_room_also_in_a_narrow_view_while_a_grid_is_drawn(
    view: ImageView,
) -> None:
    feed(view, *begun())
    view.selection.cursor_moved.emit(*CENTER)
    assert view.readout.width() > 250
    view.tools.choose(Tool.GRID)
    QApplication.processEvents()
    assert view.tools.sizeHint().width() > view.width() - 280
    assert view.readout.width() > 500
