"""AgentView: what the agent believes and where it goes, on maps of the same axes."""

from collections.abc import Iterator
from dataclasses import replace

import made
import made_agents
import numpy as np
import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import FinishReason, ModelFitted, PointChosen, RunFinished, RunPaused
from spm_auto.gui.agent.agent_view import AgentView
from spm_auto.gui.agent.maps import Map
from spm_auto.gui.agent.promises import promise
from spm_auto.gui.common.dots import Dots
from spm_auto.gui.common.drawing import NM
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, LIGHT, dress
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.instrument import ScanFrame


@pytest.fixture(scope="module")
def made_view(qapp: QApplication) -> AgentView:
    """One view for all tests, as it shows one run after another anyway."""
    dress(qapp, DARK)
    view = AgentView(Selection(), DARK)
    view.resize(1000, 640)
    return view


@pytest.fixture
def view(made_view: AgentView) -> Iterator[AgentView]:
    """An agent's view that shows nothing yet."""
    made_view.set_theme(DARK)
    made_view.show_question(None)
    made_view.selection.channel_chosen.emit("")
    made_view.show_run(RunModel(), Part.ALL)
    made_view.show()
    yield made_view
    made_view.hide()


def feed(view: AgentView, *events: object) -> RunModel:
    """Show a run with these events after its five spectra."""
    model = RunModel()
    changed = model.take(made.numbered([*made_agents.run_events(5), *events]))  # type: ignore[list-item]
    view.show_run(model, changed)
    return model


def on_screen(each: Map, x: float, y: float) -> QPointF:
    """Return where on a map's scene a place of the sample is."""
    return QPointF(each.plot.vb.mapViewToScene(QPointF(x / NM, y / NM)))


def test_three_maps_show_mean_deviation_and_acquisition_in_their_place(view: AgentView) -> None:
    """Row 24: predicted map, uncertainty map, acquisition map."""
    model = feed(view)
    assert model.fit is not None
    x, y = (float(v) for v in model.fit.frame.to_sample(*model.fit.rows[200]))
    assert view.mean.value_at(x, y) == model.fit.mean[200]
    assert view.deviation.value_at(x, y) == model.fit.deviation[200]
    assert view.acquisition.value_at(x, y) > 0
    for each, values in ((view.mean, model.fit.mean), (view.deviation, 1e3 * model.fit.deviation)):
        assert np.nanmax(each.image.image) == pytest.approx(np.max(values))  # as the title says
    hopes = promise(model)
    assert hopes is not None
    low, high = view.acquisition.levels
    assert high == pytest.approx(1e6 * np.percentile(hopes.values, 99), rel=0.01)
    assert 0 <= low < high
    titles = [each.title for each in view.maps]
    assert titles[0].startswith("height, levelled [")
    assert titles[1:] == [
        "predicted loop area [V]",
        "uncertainty (1 sd) [mV]",
        "expected improvement per second [uV/s]",
    ]


def test_a_turned_map_lies_where_its_pixels_are(view: AgentView) -> None:
    """Row 24: on the same axes as the overview, in sample coordinates."""
    model = feed(view)
    assert model.fit is not None
    for each in view.maps:
        corner = each.image.mapToParent(QPointF(0.0, 0.0))
        x, y = made.FRAME.corners()
        assert (corner.x() * NM, corner.y() * NM) == pytest.approx((x[0], y[0]), rel=1e-6)


def test_all_maps_show_the_same_part_and_the_same_cursor(
    view: AgentView,
) -> None:
    """Row 24: linked views and cursors."""
    feed(view)
    view.mean.plot.vb.setRange(xRange=(0, 200), yRange=(-300, -100), padding=0)
    for each in view.maps:
        x, y = each.plot.vb.viewRange()
        assert x == pytest.approx(view.mean.plot.vb.viewRange()[0], abs=5)  # a pixel or two
        assert y == pytest.approx(view.mean.plot.vb.viewRange()[1], abs=5)
        assert max(x) - min(x) < 600  # the frame is 1 um wide
    view.selection.cursor_moved.emit(1e-7, -2e-7)
    for each in view.maps:
        assert each.cursor == pytest.approx((1e-7, -2e-7))
    said = view.readout.text()
    assert said.startswith("x 100 nm, y -200 nm")
    assert "predicted 713 mV" in said
    assert "uncertainty 134.2 mV" in said
    assert said.endswith("V/s")


def test_points_are_numbered_in_order_and_the_next_one_is_marked(view: AgentView) -> None:
    """Row 25: measured points and the next one on the overview."""
    events = made_agents.run_events(1)
    chosen = replace(made_agents.last(events, PointChosen), x=1e-7, y=-1e-7)
    model = feed(view, chosen)
    assert view.overview.numbers == ["1", "2", "3", "4", "5"]
    x, y = (np.array([getattr(m.spectrum, axis) for m in model.spectra]) for axis in "xy")
    assert view.overview.marked[:, 0] == pytest.approx(x)
    assert view.overview.marked[:, 1] == pytest.approx(y)
    for each in view.maps:
        assert each.next_places == [pytest.approx((1e-7, -1e-7))]
        best = [NM * np.asarray(v, dtype=float) for v in each._best.getData()]
        assert best == [pytest.approx(x[4:]), pytest.approx(y[4:])]
    assert view.words["next"].text() == "(100 nm, -100 nm), being measured"
    assert "1.00 ± 0.30 V, 4.2 s away" in view.words["why"].text()


def test_a_point_is_not_said_to_be_measured_while_the_run_waits(view: AgentView) -> None:
    events = made_agents.run_events(1)
    feed(view, replace(made_agents.last(events, PointChosen), x=1e-7, y=-1e-7), RunPaused())
    assert view.words["next"].text() == "(100 nm, -100 nm), once the run goes on"


def test_words_say_what_comes_next_and_when_nothing_does(view: AgentView) -> None:
    """Row 25: where it goes next."""
    feed(view)
    assert view.words["next"].text() == "not chosen yet"
    assert "was chosen last" in view.words["why"].text()
    assert "speaks" in view.words["belief"].text()
    assert "5 of 12 judged" in view.words["cost"].text()
    feed(view, RunFinished(FinishReason.COMPLETED))
    assert view.words["next"].text() == "nothing: the run is over: completed"


def test_the_learning_curve_shows_values_the_best_so_far_and_calibration(view: AgentView) -> None:
    """Row 25: learning curve and calibration."""
    feed(view)
    x, y = view.learning.found
    assert list(x) == [1, 2, 3, 4, 5]
    assert y == pytest.approx([1.0, 1.12, 1.24, 1.36, 1.48])
    assert view.learning.curve.getAxis("top").labelText == "loop area [V], best 1.48 V"
    assert view.learning._best.getData()[1] == pytest.approx(y)  # each is better than the last
    expected = [1.0, 1.1, 1.2, 1.3, 1.4]
    bars = view.learning._spread.opts
    assert bars["y"] == pytest.approx(expected)
    assert bars["height"] == pytest.approx(0.6)  # one standard deviation up and down
    assert view.learning._pairs.x == pytest.approx(expected)
    assert view.learning._pairs.y == pytest.approx(y)
    assert "within 1 sd: 5 of 5" in view.learning.words.text()


def test_a_place_that_the_run_asks_about_is_marked(view: AgentView) -> None:
    feed(view)
    view.show_question(made_agents.view(made_agents.ASKED))
    assert view.mean.next_places == [pytest.approx(made_agents.PLACE)]
    assert view.words["next"].text() == "(150 nm, -100 nm): the run asks you first"
    view.show_question(made_agents.view(None))
    assert view.mean.next_places == []


def test_a_click_on_a_map_tells_the_other_views_the_place(view: AgentView, qtbot: QtBot) -> None:
    feed(view)
    at = view.area.mapFromScene(on_screen(view.mean, 2e-7, -4e-7))
    with qtbot.waitSignal(view.selection.place_chosen, timeout=1000) as chosen:
        qtbot.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert chosen.args == pytest.approx([2e-7, -4e-7], abs=5e-9)


def test_a_click_on_a_point_shows_its_spectrum(view: AgentView, qtbot: QtBot) -> None:
    model = feed(view)
    point = model.spectra[2].spectrum
    at = view.area.mapFromScene(on_screen(view.deviation, point.x, point.y))
    with qtbot.waitSignal(view.selection.spectra_chosen, timeout=1000) as chosen:
        qtbot.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert chosen.args == [(2,)]


def test_the_mouse_on_a_point_tells_what_was_found_and_expected_there(view: AgentView) -> None:
    model = feed(view)
    point = model.spectra[4].spectrum
    view.selection.cursor_moved.emit(point.x, point.y)
    assert view.readout.text() == "no. 5: 1.48 V, expected 1.40 ± 0.30 V"


def test_the_overview_follows_the_channel_that_is_chosen(
    view: AgentView,
) -> None:
    feed(view)
    view.selection.channel_chosen.emit("phase")
    assert view.overview.title == "phase [deg]"
    view.selection.channel_chosen.emit("no such channel")
    assert view.overview.title.startswith("height, levelled")


def test_a_map_without_angle_or_pixels_of_a_hundredth_nanometre_keeps_its_turn(
    view: AgentView,
) -> None:
    frame = ScanFrame((1e-9, 0.0), (4e-9, 4e-9), (256, 256), 0.01)
    view.mean.show_values(np.ones((256, 256)), frame, "V", "flat")
    corner = view.mean.image.mapToParent(QPointF(0.0, 0.0))
    x, y = frame.corners()
    assert (corner.x() * NM, corner.y() * NM) == pytest.approx((x[0], y[0]), rel=1e-6)


def test_tiny_pure_numbers_are_shown_with_a_power_of_ten(view: AgentView) -> None:
    image = np.linspace(0, 4e-7, 12).reshape(3, 4)
    view.mean.show_values(image, ScanFrame((0.0, 0.0), (1e-6, 1e-6), (4, 3)), "1", "novelty")
    assert view.mean.title == "novelty [1e-9]"
    assert view.mean.levels == pytest.approx((4.0, 396.0), rel=0.05)


def test_before_the_first_fit_the_view_says_so(view: AgentView) -> None:
    model = RunModel()
    events = [e for e in made_agents.run_events(2) if not isinstance(e, ModelFitted)]
    view.show_run(model, model.take(made.numbered(events)))
    assert view.mean.title == "predicted: no model yet"
    assert view.words["belief"].text() == "no model has been fitted yet"


def test_another_run_takes_the_place_of_the_first(view: AgentView) -> None:
    feed(view)
    view.show_run(RunModel(), Part.NOTHING)
    assert view.overview.numbers == []
    assert np.isnan(view.mean.value_at(*made.FRAME.center))
    assert view.words["next"].text() == "the agent has chosen nothing yet"
    assert view.learning.curve.getAxis("top").labelText == "learning curve"


def test_the_theme_changes_while_a_run_is_shown(view: AgentView) -> None:
    feed(view)
    view.set_theme(LIGHT)
    assert view.grab().toImage().pixelColor(500, 300).lightness() > 0
    assert view.overview.plot.getAxis("top").labelStyle["color"] == LIGHT.ink


def test_dots_follow_what_is_added_and_what_is_judged_anew(qapp: QApplication) -> None:
    dots = Dots(8)
    for x, y in (
        (np.array([1.0, 2.0]), np.array([3.0, 4.0])),
        (np.array([1.0, 2.0, 5.0]), np.array([3.0, 4.0, 6.0])),
        (np.array([1.0, 5.0]), np.array([3.0, 7.0])),
        (np.array([]), np.array([])),
    ):
        dots.show(x, y)
        drawn = dots.item.getData()
        assert np.array_equal(drawn[0], x)
        assert np.array_equal(drawn[1], y)


def test_what_is_closed_is_seen_on_every_map(view: AgentView) -> None:
    """Row 26: where the agent stays out."""
    feed(view, made_agents.intervention("forbid_region", {"center": (1e-7, 0.0), "radius": 1e-7}))
    assert [len(each.zones) for each in view.maps] == [1, 1, 1, 1]
    feed(view)
    assert [len(each.zones) for each in view.maps] == [0, 0, 0, 0]


def test_a_title_that_does_not_fit_keeps_its_unit(view: AgentView) -> None:
    view.resize(560, 480)
    QApplication.processEvents()
    feed(view)
    axis = view.acquisition.plot.getAxis("top")
    assert axis.labelText.endswith("… [uV/s]")
    assert axis.label.toolTip() == "expected improvement per second [uV/s]"
    assert axis.label.boundingRect().width() <= view.acquisition.plot.vb.width() + 12
    view.resize(1400, 800)
    QApplication.processEvents()
    assert axis.labelText == "expected improvement per second [uV/s]"
    view.resize(1000, 640)


def test_words_stand_below_the_maps_also_on_a_small_screen(view: AgentView) -> None:
    view.resize(572, 350)
    feed(view)
    QApplication.processEvents()
    assert len(view.readout.text()) > 60
    assert view.readout.geometry().top() >= view.area.geometry().bottom()
    assert view.readout.geometry().bottom() <= view.readout.parentWidget().height()  # type: ignore[union-attr]
    view.resize(1000, 640)
