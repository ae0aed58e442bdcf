"""RangeView: the whole range, what is scanned, proposed and closed, and where the tip is."""

import math
from collections.abc import Iterator
from dataclasses import replace

import made
import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import Intervention, StageMoved
from spm_auto.ear import Look
from spm_auto.gui.common.drawing import NM
from spm_auto.gui.common.qt import pg
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, LIGHT, Theme
from spm_auto.gui.microscope.range_view import RangeView
from spm_auto.gui.microscope.thumbnails import MOST_PIXELS
from spm_auto.gui.microscope.z_gauge import ZGauge
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.gui.run.wishes import Perform
from spm_auto.instrument import (
    InstrumentState,
    Limits,
    MoveStage,
    NoGoZone,
    PositionProbe,
    ScanFrame,
    Status,
    Vitals,
)

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(qtbot: QtBot, selection: Selection, theme: Theme) -> Iterator[RangeView]:
    view = RangeView(selection, theme)
    qtbot.addWidget(view)
    view.resize(560, 560)
    view.show()
    qtbot.waitExposed(view)
    yield view
    view.close()


@pytest.fixture
def model() -> RunModel:
    model = RunModel()
    model.take(made.numbered([made.started(), *made.scan_events(n_lines=10)]))
    return model


def look(position: tuple[float, float], z: float = 3e-7, is_engaged: bool = True) -> Look:
    status = Status(InstrumentState.READY, position, 1.0, is_engaged, 5.0)
    return Look(status, Vitals(5.0, 1e-12, "A", 1e-9, z, (-1e-6, 1e-6), True))


def on_screen(view: RangeView, place: tuple[float, float]) -> QPoint:
    QApplication.processEvents()  # lay out what was changed
    scene = view.plot.getViewBox().mapViewToScene(QPointF(place[0] / NM, place[1] / NM))
    return QPoint(view.plots.mapFromScene(scene))


def double_click(view: RangeView, place: tuple[float, float]) -> None:
    """Do what Qt tells of a double click: press, release, double click, release."""
    at = (LEFT, Qt.KeyboardModifier.NoModifier, on_screen(view, place))
    viewport = view.plots.viewport()
    QTest.mouseMove(viewport, at[2])
    QTest.mouseClick(viewport, *at)
    QTest.mouseDClick(viewport, *at)
    QTest.mouseRelease(viewport, *at)


def test_row_1_the_frame_lies_on_the_whole_range(view: RangeView, model: RunModel) -> None:
    """Row 1: centre, size and angle, on all that the probe may reach."""
    view.show_run(model, Part.ALL)
    x, y = view._frame.getData()
    corners = made.FRAME.corners()
    assert x[:4] * NM == pytest.approx(corners[0])
    assert y[:4] * NM == pytest.approx(corners[1])
    assert "1 um x 800 nm at (100 nm, -200 nm), turned 11.5 deg" in view.words.full
    left, right = view.plot.getViewBox().viewRange()[0]
    assert left * NM <= made.LIMITS.x[0]
    assert right * NM >= made.LIMITS.x[1]
    reach = view._reach.getData()
    assert (reach[0].min() * NM, reach[0].max() * NM) == pytest.approx(made.LIMITS.x)
    assert view.plot.getAxis("bottom").labelText == "x [um]"


def test_of_an_instrument_that_was_closed_nobody_says_where_the_tip_is(view: RangeView) -> None:
    closed = replace(look((0.0, 0.0)).status, state=InstrumentState.CLOSED, is_engaged=False)
    view.show_look(replace(look((0.0, 0.0)), status=closed))
    assert view.gauge._is_engaged is None
    assert view.tip is None


def test_a_frame_that_is_proposed_takes_no_room_from_the_range(
    view: RangeView, model: RunModel
) -> None:
    view.show_run(model, Part.ALL)
    QApplication.processEvents()
    before = view.plots.height()
    view.propose.click()
    QApplication.processEvents()
    assert view.proposal.full.startswith("proposed: 500 nm")
    assert view.plots.height() == before


def test_row_1_the_tip_is_where_it_is_read_back(view: RangeView, model: RunModel) -> None:
    """Row 1: tip and z as read back; while nobody looks, the journal's last word."""
    view.show_run(model, Part.ALL)
    assert view.tip == model.probe
    assert not view._tip.is_read_back
    assert view._tip._item.opts["pen"].color().name() == view.theme.faint
    view.show_look(look((1e-6, 2e-6)))
    assert view._tip._item.opts["pen"].color().name() == view.theme.tip
    assert view.tip == (1e-6, 2e-6)
    assert view.gauge.words == "z 300 nm"
    assert view.gauge.share == pytest.approx(0.65)
    view.show_run(model, Part.PROBE)
    assert view.tip == (1e-6, 2e-6)
    view.show_look(None)
    assert view.tip == model.probe
    assert view.gauge.words == "z is not told"


def test_row_1_a_frame_is_proposed_by_dragging(
    view: RangeView, model: RunModel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 1: dragged with the mouse; it is shared with the panels, and nothing is sent."""
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)  # no human is as fast as a test
    wishes: list[object] = []
    view.wished.connect(wishes.append)
    view.show_run(model, Part.ALL)
    view.propose.click()
    first = view.selection.frame
    assert first is not None
    assert first.center == pytest.approx(made.FRAME.center)
    assert first.size == pytest.approx((5e-7, 4e-7))
    assert first.angle == pytest.approx(made.FRAME.angle)
    view.show_near()
    # Qt tells of a drag: press, some moves, release
    start, end = (on_screen(view, at) for at in (first.center, (3e-7, 1e-7)))
    viewport = view.plots.viewport()
    QTest.mouseMove(viewport, start)
    QTest.mousePress(viewport, LEFT, Qt.KeyboardModifier.NoModifier, start)
    with qtbot.waitSignal(view.selection.frame_proposed):
        for share in np.linspace(0.1, 1.0, 6):
            _move_pressed(view, start + (end - start) * float(share))
        QTest.mouseRelease(viewport, LEFT, Qt.KeyboardModifier.NoModifier, end)
    moved = view.selection.frame
    assert moved is not None
    assert moved.center == pytest.approx((3e-7, 1e-7), abs=2e-8)
    assert moved.size == pytest.approx(first.size)
    assert moved.pixels == made.FRAME.pixels
    assert "proposed: 500 nm x 400 nm" in view.proposal.full
    assert not wishes


def _move_pressed(view: RangeView, at: QPoint) -> None:
    viewport = view.plots.viewport()
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(at),
        QPointF(viewport.mapToGlobal(at)),
        LEFT,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(viewport, event)


def test_row_1_a_proposed_frame_is_turned_and_scaled_about_where_it_is(
    view: RangeView, model: RunModel
) -> None:
    """Row 1: what is drawn, and what is told of it, are the same, at every angle."""
    view.show_run(model, Part.ALL)
    for angle in (0.0, 0.7, -2.0):
        frame = ScanFrame((4e-7, -3e-7), (8e-7, 2e-7), (64, 16), angle)
        view.selection.frame_proposed.emit(frame)
        shown = view._dragged.frame
        assert shown is not None
        assert shown.center == pytest.approx(frame.center)
        assert shown.size == pytest.approx(frame.size)
        assert shown.pixels == frame.pixels
        assert math.remainder(shown.angle - angle, 2 * math.pi) == pytest.approx(0, abs=1e-9)
    view._dragged.roi.rotate(90, center=(0.5, 0.5))
    turned = view.selection.frame
    assert turned is not None
    assert turned.center == pytest.approx((4e-7, -3e-7))
    assert math.remainder(turned.angle + 2.0 - math.pi / 2, 2 * math.pi) == pytest.approx(0)


def test_row_1_a_frame_outside_the_limits_says_so_while_it_is_drawn(
    view: RangeView, model: RunModel
) -> None:
    """Row 1: refused where it is drawn, with the limit."""
    view.show_run(model, Part.ALL)
    view.selection.frame_proposed.emit(ScanFrame((4.9e-6, 0.0), (1e-6, 1e-6)))
    assert "5 um" in view.message.text()
    assert not view._dragged.is_allowed
    view.selection.frame_proposed.emit(ScanFrame((0.0, 0.0), (1e-6, 1e-6)))
    assert view.message.text() == ""
    assert view._dragged.is_allowed
    view.propose.click()
    assert view._dragged.frame is None


def test_row_8_a_double_click_wishes_the_tip_there(
    view: RangeView, model: RunModel, qtbot: QtBot
) -> None:
    """Row 8: a command that can be refused; the tip is not shown there before it is."""
    view.show_run(model, Part.ALL)
    view.show_look(look((0.0, 0.0)))
    with qtbot.waitSignal(view.wished) as wished:
        double_click(view, (2e-6, -1e-6))
    wish = wished.args[0]
    assert isinstance(wish, Perform)
    (probe,) = wish.instructions
    assert isinstance(probe, PositionProbe)
    assert (probe.x, probe.y) == pytest.approx((2e-6, -1e-6), abs=3e-8)
    assert view.tip == (0.0, 0.0)


def test_row_8_the_button_sends_the_tip_to_the_place_that_was_clicked(
    view: RangeView, model: RunModel, qtbot: QtBot
) -> None:
    """Row 8: the same without a double click."""
    view.show_run(model, Part.ALL)
    assert not view.send.isEnabled()
    view.selection.place_chosen.emit(1e-6, 1e-6)
    with qtbot.waitSignal(view.wished) as wished:
        view.send.click()
    assert wished.args[0].instructions == (PositionProbe(1e-6, 1e-6),)


def test_row_8_a_place_that_is_not_allowed_is_refused_and_nothing_is_sent(
    view: RangeView, model: RunModel
) -> None:
    """Row 8: outside the range, or in a closed zone."""
    model.limits = replace(made.LIMITS, no_go=(NoGoZone(2e-6, 2e-6, 5e-7, "a step edge"),))
    wishes: list[object] = []
    view.wished.connect(wishes.append)
    view.show_run(model, Part.ALL)
    for place, words in (((2.1e-6, 2e-6), "a step edge"), ((6e-6, 0.0), "5 um")):
        view.selection.place_chosen.emit(*place)
        view.send.click()
        assert words in view.message.text()
    assert not wishes
    view.selection.place_chosen.emit(0.0, 0.0)
    view.send.click()
    assert view.message.text() == ""
    assert len(wishes) == 1


def test_row_1_closed_zones_are_shown_and_opened_again(view: RangeView, model: RunModel) -> None:
    """Row 1: where neither tip nor agent may go, seen from where the stage stands."""
    stage = (1e-3, 0.0)
    zones = (NoGoZone(2e-6, 2e-6, 5e-7, "dirt"), NoGoZone(0.0, 0.0, 1e-6, "pit", (1e-3, 1e-6)))
    model.limits, model.stage = replace(made.LIMITS, no_go=zones), stage
    values = {"center": [-1e-6, 0.0], "size": [1e-6, 2e-6]}
    model.forbidden = [Intervention("me", "stay out", "a scratch", "forbid_region", values)]
    view.show_run(model, Part.ALL)
    dirt, pit, scratch = view._zones.zones
    assert dirt.contains(2.4e-6, 2e-6)
    assert not dirt.contains(2.6e-6, 2e-6)
    assert pit.center == pytest.approx((0.0, 1e-6))
    assert scratch.contains(-1.4e-6, 0.9e-6)
    assert not scratch.contains(-1.6e-6, 0.0)
    assert (dirt.is_hard, scratch.is_hard, scratch.why) == (True, False, "a scratch")
    model.forbidden = []
    view.show_run(model, Part.CHOICE)
    assert len(view._zones.zones) == 2


def test_row_1_earlier_images_lie_in_their_places(view: RangeView, model: RunModel) -> None:
    """Row 1: what was seen so far, small, where it was; the live one grows."""
    elsewhere = ScanFrame((2e-6, 2e-6), (1e-6, 1e-6), (32, 32))
    view.show_run(model, Part.ALL)
    assert view._thumbnails.indices == (0,)
    changed = model.take(made.numbered([*made.scan_events(elsewhere, 4)], first=model.n_records))
    view.show_run(model, changed)
    assert view._thumbnails.indices == (0, 1)
    item = view._thumbnails._items[1]
    left, bottom = item.transform().map(0.0, 0.0)
    assert (left * NM, bottom * NM) == pytest.approx((1.5e-6, 1.5e-6))
    assert np.isfinite(item.image[:4]).all()
    assert np.isnan(item.image[4:]).all()


def test_where_no_range_is_known_the_frame_is_shown_with_what_lies_around_it(
    view: RangeView, model: RunModel
) -> None:
    model.limits = Limits()
    view.show_run(model, Part.ALL)
    (left, right), _ = view.plot.getViewBox().viewRange()
    assert left * NM < -4e-7
    assert right * NM > 6e-7
    assert view._reach.getData()[0] is None or not len(view._reach.getData()[0])


def test_nothing_can_be_proposed_before_a_range_is_known(view: RangeView) -> None:
    view.propose.click()
    assert "before the range is known" in view.message.text()
    assert not view.propose.isChecked()


def test_the_z_gauge_warns_near_the_ends_and_says_what_it_cannot_tell(
    view: RangeView, theme: Theme
) -> None:
    gauge = view.gauge
    view.show_look(look((0.0, 0.0), z=9.5e-7))
    assert gauge.is_near_end
    assert "near an end" in gauge.words
    view.show_look(look((0.0, 0.0), z=math.nan))
    assert gauge.words == "z cannot be read"
    assert gauge.share is None
    vitals = Vitals(5.0, 0.0, "A", 1e-9, 1e-7, (-math.inf, math.inf), True)
    gauge.show_vitals(vitals, True)
    assert (gauge.words, gauge.share) == ("z 100 nm", None)


def test_the_mark_of_the_z_gauge_is_painted_where_z_is(qtbot: QtBot, theme: Theme) -> None:
    gauge = ZGauge(theme)
    qtbot.addWidget(gauge)
    gauge.resize(92, 240)
    rows = []
    for z in (-5e-7, 5e-7):
        gauge.show_vitals(look((0.0, 0.0), z=z).vitals, True)
        image = gauge.grab().toImage()
        rows.append([y for y in range(image.height()) if image.pixelColor(8, y).name() == DARK.tip])
    assert min(rows[0]) > max(rows[1])


def test_the_theme_can_be_changed(view: RangeView, model: RunModel) -> None:
    view.show_run(model, Part.ALL)
    view.set_theme(LIGHT)
    assert view.plots.backgroundBrush().color().name() == LIGHT.panel


def test_row_1_large_images_are_thinned_and_stay_in_their_place(
    view: RangeView, model: RunModel
) -> None:
    large = ScanFrame((2e-6, 2e-6), (1e-6, 1e-6), (400, 400), 0.3)
    model.take(made.numbered([*made.scan_events(large, 2)], first=model.n_records))
    view.show_run(model, Part.ALL)
    item = view._thumbnails._items[1]
    assert max(item.image.shape) <= MOST_PIXELS
    height, width = item.image.shape
    for u, v in ((0, 0), (1, 0), (1, 1)):
        x, y = item.transform().map(float(u * width), float(v * height))
        right = large.to_sample(400 * v - 0.5, 400 * u - 0.5)
        assert (x * NM, y * NM) == pytest.approx(tuple(map(float, right)))


def test_row_1_images_that_were_taken_where_the_stage_stood_before_are_not_shown_here(
    view: RangeView, model: RunModel
) -> None:
    move = [StageMoved(MoveStage(1e-3, 0.0), 1e-3, 0.0), *made.scan_events(n_lines=2)]
    model.take(made.numbered(move, first=model.n_records))
    model.scans[0].stage = (0.0, 0.0)
    view.show_run(model, Part.ALL)
    assert view._thumbnails.indices == (1,)


def test_the_range_of_a_run_is_not_that_of_the_one_before(view: RangeView, model: RunModel) -> None:
    view.show_run(model, Part.ALL)
    assert len(view._reach.getData()[0])
    view.show_run(RunModel(), Part.ALL)
    assert view._reach.getData()[0] is None or not len(view._reach.getData()[0])
    view.propose.click()
    assert "before the range is known" in view.message.text()
