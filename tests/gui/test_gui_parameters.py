"""ParametersView: what can be asked for by hand, and what is refused at the field."""

from collections.abc import Iterator
from dataclasses import replace

import made
import panels
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import FeedbackSet, StepStarted
from spm_auto.ear import About
from spm_auto.errors import LimitExceeded
from spm_auto.gui.by_hand.checking import in_words
from spm_auto.gui.by_hand.parameters import ParametersView
from spm_auto.gui.by_hand.waveforms import Sweep, Triangle, recognized
from spm_auto.gui.by_hand.where import DRAWN, HERE, ONE
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, LIGHT
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.gui.run.wishes import Finish, Interrupt, Perform, Wish
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Exposure,
    Load,
    MoveStage,
    NoGoZone,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)

# each field: its panel, its name, the kind or place to choose first, what is too much for it, and
# what the refusal says of the limit
FIELDS = (
    ("scan", "centre x", (), "6 um", "-5 um to 5 um"),
    ("scan", "centre y", (), "-6 um", "-5 um to 5 um"),
    ("scan", "width", (), "11 um", "-5 um to 5 um"),
    ("scan", "height", (), "11 um", "-5 um to 5 um"),
    ("scan", "angle", (), "270 deg", "-180 deg to 180 deg"),
    ("scan", "pixels", (), "1", "2 to 8192"),
    ("scan", "lines", (), "1000000", "2 to 8192"),
    ("scan", "line rate", (), "1 kHz", "0 m/s to 50 um/s"),
    ("spectrum", "amplitude", (0, ONE), "11 V", "-10 V to 10 V"),
    ("spectrum", "offset", (0, ONE), "-11 V", "-10 V to 10 V"),
    ("spectrum", "start", (1, ONE), "11 V", "-10 V to 10 V"),
    ("spectrum", "stop", (1, ONE), "-11 V", "-10 V to 10 V"),
    ("spectrum", "force", (2, ONE), "21 nN", "0 N to 20 nN"),
    ("spectrum", "distance", (2, ONE), "0 nm", "more than 0"),
    ("spectrum", "points", (0, ONE), "4", "0 V to 4 V"),
    ("spectrum", "cycles", (0, ONE), "1001", "1 to 1000"),
    ("spectrum", "dwell", (0, ONE), "10 s", "0 s to 60 s"),
    ("spectrum", "rate", (2, ONE), "0 Hz", "more than 0"),
    ("spectrum", "x", (0, ONE), "6 um", "-5 um to 5 um"),
    ("spectrum", "y", (0, ONE), "6 um", "-5 um to 5 um"),
    ("feedback", "bias", (), "11 V", "-10 V to 10 V"),
    ("feedback", "setpoint", (), "3 nA", "1 pA to 2 nA"),
    ("feedback", "gain", (), "2001 1/s", "0 1/s to 2000 1/s"),
    ("tip", "bias", (0, ONE), "5 V", "-4 V to 4 V"),
    ("tip", "depth", (1, ONE), "6 nm", "0 m to 5 nm"),
    ("tip", "duration", (0, ONE), "0 ms", "more than 0"),
    ("tip", "x", (0, ONE), "6 um", "-5 um to 5 um"),
    ("tip", "y", (0, ONE), "6 um", "-5 um to 5 um"),
    ("probe", "x", (), "6 um", "-5 um to 5 um"),
    ("probe", "y", (), "6 um", "-5 um to 5 um"),
    ("stage", "stage x", (), "2 mm", "-1 mm to 1 mm"),
    ("stage", "stage y", (), "2 mm", "-1 mm to 1 mm"),
)
NONSENSE = ("much", "5 kg", "1e99 m", "nan", "inf", "1,5 V", "5")


@pytest.fixture(scope="module")
def one(qapp: QApplication) -> Iterator[tuple[ParametersView, list[Wish]]]:
    """Give one view with what it wished, for tests that only type into it."""
    view, wishes = ParametersView(Selection(), DARK), []
    view.wished.connect(wishes.append)
    panels.fill(view)
    yield view, wishes
    view.close()


@pytest.fixture
def view(selection: Selection, qtbot: QtBot) -> ParametersView:
    """Give a view that is ready, all fields filled."""
    view = ParametersView(selection, DARK)
    qtbot.addWidget(view)
    panels.fill(view)
    return view


@pytest.fixture
def wishes(view: ParametersView) -> list[Wish]:
    """Give what the view wished."""
    wishes: list[Wish] = []
    view.wished.connect(wishes.append)
    return wishes


@pytest.mark.parametrize("name", ["scan", "spectrum", "feedback", "tip", "probe", "stage"])
def test_bad_input_is_refused_at_the_field_with_the_limit_and_nothing_is_sent(
    one: tuple[ParametersView, list[Wish]], name: str
) -> None:
    """Row 12: each field of each panel refuses what is no quantity, and what is too much."""
    view, wishes = one
    panel = getattr(view, name)
    for field_name, choice, too_much, limit in (each[1:] for each in FIELDS if each[0] == name):
        if choice:
            panel.kind.setCurrentIndex(choice[0])
            panel.where.choose(choice[1])
        (row,) = [row for row in panel.rows if row.field.name == field_name]
        field, good = row.field, row.field.text()
        assert panel.can_act, (field_name, panel.faults())
        is_number = field.unit == "1"
        wrong = [text for text in NONSENSE if not (is_number and text == "5")]
        for text in (*wrong, "2.5" if is_number else "", too_much):
            field.setText(text)
            if not text and field.is_optional:
                continue
            assert field.fault(), (field_name, text)
            assert field_name in panel.why.text()
            assert not panel.button.isEnabled()
            assert field.property("fault") is bool(text)
            panel.button.click()
            panel.act()
            assert wishes == [], (field_name, text)
        assert limit in field.fault()
        assert row.said == field.fault()
        assert field.fault() in field.toolTip()
        field.setText(good)
        assert panel.can_act
        assert row.said == ""


def test_no_field_of_no_panel_is_left_out_of_the_walk(
    one: tuple[ParametersView, list[Wish]],
) -> None:
    names = ("scan", "spectrum", "feedback", "tip", "probe", "load", "stage")
    view, _ = one
    assert [getattr(view, name) for name in names] == list(view.panels())
    there = {(name, row.field.name) for name in names for row in getattr(view, name).rows}
    assert there == {(name, field) for name, field, *_ in FIELDS}


def test_every_field_says_its_unit_and_what_it_is(one: tuple[ParametersView, list[Wish]]) -> None:
    """Row 6: what is typed, shown and read back has a unit; each field has a tool tip."""
    view, _ = one
    model = RunModel()
    view.show_run(model, model.take(made.run_records(2, is_over=False)))
    for panel in view.panels():
        for row in panel.rows:
            unit = {"rad": "deg", "1": ""}.get(row.field.unit, row.field.unit)
            assert row.field.text().endswith(unit)
            assert row.field.text() == "" or row.field.toolTip()
            assert row.field.accessibleName() == row.field.name
            if row.read and row.read != "—":
                assert row.read.removesuffix(" *").endswith(unit)


def test_a_scan_is_asked_for_as_it_stands_in_the_fields(
    view: ParametersView, wishes: list[Wish], qtbot: QtBot
) -> None:
    """Row 12: frame, pixels, line rate and channels of a scan."""
    view.scan.wide.field.setText("2 um")
    view.scan.angle.field.setText("30 deg")
    view.scan.lines.field.setText("64")
    view.scan._boxes["phase"].setChecked(False)
    assert "32.0 s" in view.scan.summary.text()
    assert "tip at 8 um/s of at most 50 um/s" in view.scan.summary.text()
    qtbot.mouseClick(view.scan.button, Qt.MouseButton.LeftButton)
    (wish,) = wishes
    assert isinstance(wish, Perform)
    frame = ScanFrame.of(("0 nm", "0 nm"), ("2 um", "1 um"), (128, 64), "30 deg")
    assert wish.instructions == (Scan(frame, ("height", "amplitude"), 2.0, "by hand"),)


def test_a_scan_that_is_too_fast_is_told_how_fast_it_may_be(view: ParametersView) -> None:
    view.scan.rate.field.setText("50 Hz")
    assert view.scan.rate.said == (
        "scan speed of 100 um/s is outside 0 m/s to 50 um/s "
        "- at this width a line rate of at most 25 Hz"
    )


def test_a_square_frame_stays_square_until_another_one_is_drawn(
    view: ParametersView, selection: Selection
) -> None:
    view.scan.square.setChecked(True)
    for row, text in ((view.scan.wide, "3 um"), (view.scan.pixels, "64")):
        row.field.selectAll()
        row.field.insert(text)
    assert view.scan.frame is not None
    assert view.scan.frame.size == (3e-6, 3e-6)
    assert view.scan.frame.pixels == (64, 64)
    assert selection.frame == view.scan.frame
    selection.frame_proposed.emit(made.FRAME)
    assert not view.scan.square.isChecked()
    assert view.scan.high.field.text() == "800 nm"


def test_a_scan_without_channels_is_refused(view: ParametersView, wishes: list[Wish]) -> None:
    for box in view.scan._boxes.values():
        box.setChecked(False)
    view.scan.act()
    assert "no channel is ticked" in view.scan.note.text()
    assert wishes == []


def test_a_frame_that_was_drawn_fills_the_fields_and_a_typed_one_is_shown(
    view: ParametersView, selection: Selection
) -> None:
    """Row 1: the frame of the scan panel and that of the range view are one, without a loop."""
    told: list[ScanFrame] = []
    selection.frame_proposed.connect(told.append)
    drawn = ScanFrame((1.23456789e-7, -2e-7), (5e-7, 4e-7), (100, 80), 0.1)
    selection.frame_proposed.emit(drawn)
    assert told == [drawn]
    assert view.scan.x_row.field.text() == "123.457 nm"
    assert view.scan.pixels.field.text() == "100"
    view.scan.wide.field.selectAll()
    view.scan.wide.field.insert("600 nm")
    assert len(told) == 2
    assert told[-1].size == (6e-7, 4e-7)
    assert told[-1].pixels == (100, 80)


def test_the_settings_of_the_last_scan_are_read_back_and_follow_the_run_until_somebody_types(
    selection: Selection, qtbot: QtBot
) -> None:
    """Row 23: on connecting, the fields hold what the run has really set."""
    view = ParametersView(selection, DARK)
    qtbot.addWidget(view)
    model = RunModel()
    view.show_run(model, model.take(made.run_records(3, is_over=False)))
    assert view.scan.frame is not None
    assert view.scan.frame.pixels == made.FRAME.pixels
    assert view.scan.wide.field.text() == "1 um"
    assert view.scan.wide.read == "1 um"
    assert view.spectrum.amplitude.field.text() == "8 V"
    assert view.spectrum.points.read == "64"
    view.scan.wide.field.selectAll()
    view.scan.wide.field.insert("3 um")
    wider = replace(made.FRAME, size=(2e-6, 2e-6))
    view.show_run(model, model.take(made.numbered(list(made.scan_events(wider)), 500)))
    assert view.scan.wide.field.text() == "3 um"
    assert view.scan.wide.read == "2 um"
    view.scan.heading.click()
    assert view.scan.wide.field.text() == "2 um"
    assert selection.frame is not None
    assert selection.frame.size == (2e-6, 2e-6)


def test_nothing_of_another_run_is_shown_beside_the_fields(
    view: ParametersView, selection: Selection
) -> None:
    model = RunModel()
    view.show_run(model, model.take(made.run_records(1, is_over=False)))
    assert view.scan.rate.read
    assert view.spectrum.dwell.read
    view.show_run(RunModel(), Part.ALL)
    assert [row.read for row in (*view.scan.rows, *view.spectrum.rows) if row.read] == []
    assert not view.scan.heading.isEnabled()
    assert not view.spectrum.heading.isEnabled()


def test_what_is_read_back_is_shown_and_never_what_was_typed(view: ParametersView) -> None:
    """Row 23: the bias, the place of the probe and of the stage come from the instrument."""
    view.feedback.bias.field.setText("9 V")
    assert view.feedback.bias.read == "500 mV"
    assert view.probe.x_row.read == "123.4 nm"
    assert view.stage.y_row.read == "100 um"
    assert "z loop on; error 1.2 % of the setpoint" in view.feedback.loop.text()
    view.show_look(None)
    for row in (view.feedback.bias, view.probe.x_row, view.stage.y_row):
        assert row.read == "—"


def test_what_is_not_read_back_is_marked_as_set_before(view: ParametersView) -> None:
    assert view.feedback.setpoint.read == "—"
    model = RunModel()
    done = FeedbackSet(SetFeedback(setpoint=7e-11, gain=500.0), bias=0.2)
    view.show_run(model, model.take(made.numbered([made.started(), done])))
    assert view.feedback.setpoint.read == "70 pA *"
    assert view.feedback.gain.read == "500 1/s *"
    assert "last set in this run" in view.feedback.star.text()


def test_feedback_changes_only_what_was_typed(view: ParametersView, wishes: list[Wish]) -> None:
    for row in view.feedback.rows:
        row.field.set_value(None)
    assert not view.feedback.can_act
    assert view.feedback.why.text() == "type what is to change"
    view.feedback.setpoint.field.setText("80 pA")
    view.feedback.act()
    assert wishes == [Perform((SetFeedback(setpoint=8e-11),))]


def test_a_setpoint_of_unknown_unit_cannot_be_set(view: ParametersView) -> None:
    view.set_about(About(panels.CAPABILITIES, replace(panels.LIMITS, setpoint_unit="")))
    assert not view.feedback.setpoint.field.isEnabled()
    assert "do not say in what" in view.feedback.hint.text()
    assert view.feedback.wanted == (SetFeedback(bias=0.1, gain=300.0),)


def test_a_drawn_pattern_says_where_spectra_are_taken(
    view: ParametersView, wishes: list[Wish], selection: Selection
) -> None:
    """Row 9: points, lines and grids that were drawn go to the instrument as they are."""
    pattern = tuple((n * 1e-7, 2e-7) for n in range(5))
    selection.pattern_drawn.emit(pattern)
    assert view.spectrum.where.choice == DRAWN
    assert "at 5 places: 256 ms each, 1.3 s in all" in view.spectrum.summary.text()
    view.spectrum.act()
    (wish,) = wishes
    assert isinstance(wish, Perform)
    waveform = BiasWaveform.triangle(5.0, 64, dwell=4e-3)
    assert wish.instructions == tuple(AcquireSpectrum(x, y, waveform) for x, y in pattern)
    exposure = sum(abs(v) for v in waveform.values) * waveform.dwell * 5
    assert f"exposure {exposure:.3g} V s" in view.spectrum.summary.text()


def test_one_place_of_a_pattern_that_is_not_allowed_keeps_all_from_being_sent(
    view: ParametersView, wishes: list[Wish], selection: Selection
) -> None:
    selection.pattern_drawn.emit(((0.0, 0.0), (6e-6, 0.0), (0.0, 1e-7)))
    view.spectrum.act()
    assert wishes == []
    assert view.spectrum.note.text().startswith("place 2 of 3: x of 6 um is outside -5 um to 5 um")
    selection.pattern_drawn.emit(())
    assert view.spectrum.where.choice == HERE


def test_more_spectra_than_there_may_be_are_refused(
    view: ParametersView, wishes: list[Wish], selection: Selection
) -> None:
    view.set_about(About(panels.CAPABILITIES, replace(panels.LIMITS, spectra=3)))
    selection.pattern_drawn.emit(tuple((n * 1e-8, 0.0) for n in range(4)))
    view.spectrum.act()
    assert "place 4 of 4: spectra of 4 is outside 0 to 3" in view.spectrum.note.text()
    assert wishes == []


def test_the_exposure_that_the_sample_may_bear_is_told(view: ParametersView) -> None:
    exposure = Exposure(50e-9, bias_time=2.0)
    view.set_about(About(panels.CAPABILITIES, replace(panels.LIMITS, exposure=exposure)))
    assert "at most 2 V s within 50 nm of a place" in view.spectrum.summary.text()


def test_a_clicked_place_is_taken_over_and_nothing_moves(
    view: ParametersView, wishes: list[Wish], selection: Selection
) -> None:
    """Row 8: a click fills the fields; only the button sends the probe."""
    selection.place_chosen.emit(3e-7, 1e-7)
    assert view.spectrum.where.choice == ONE
    assert view.tip.where.x.field.text() == "300 nm"
    assert "from here" in view.probe.summary.text()
    assert wishes == []
    view.probe.act()
    assert wishes == [Perform((PositionProbe(3e-7, 1e-7),))]


def test_a_sweep_and_a_force_curve_can_be_measured_too(
    view: ParametersView, wishes: list[Wish]
) -> None:
    view.spectrum.kind.setCurrentIndex(1)
    view.spectrum.where.choose(HERE)
    view.spectrum.act()
    view.set_ready(False, "busy")
    view.set_ready(True)
    view.spectrum.kind.setCurrentIndex(2)
    view.spectrum.act()
    here = panels.LOOK.status.position
    assert [wish.instructions for wish in wishes if isinstance(wish, Perform)] == [
        (AcquireSpectrum(*here, BiasWaveform.sweep(-1.0, 1.0, 64, 4e-3, backward=True)),),
        (AcquireForceCurve(*here, 10e-9, 100e-9, 64, 1.0),),
    ]


def test_a_tip_is_conditioned_only_after_a_second_button(
    view: ParametersView, wishes: list[Wish]
) -> None:
    view.tip.where.choose(ONE)
    view.tip.act()
    assert view.tip.is_armed
    assert "pulse of 3 V for 10 ms at (10 nm, 20 nm)" in view.tip.question.text()
    assert wishes == []
    view.tip.bias.field.setText("2 V")
    assert not view.tip.is_armed
    view.tip.confirm()
    assert wishes == []
    view.tip.act()
    view.tip.yes.click()
    assert wishes == [Perform((ConditionTip(1e-8, 2e-8, bias=2.0, duration=10e-3),))]
    view.tip.yes.click()
    assert len(wishes) == 1


def test_a_question_about_the_tip_is_taken_back_when_nothing_may_be_done(
    view: ParametersView, wishes: list[Wish]
) -> None:
    view.tip.act()
    view.set_ready(False, "the tip was withdrawn")
    assert not view.tip.is_armed
    view.tip.yes.click()
    assert wishes == []


def test_the_stage_and_loading(view: ParametersView, wishes: list[Wish]) -> None:
    view.stage.act()
    view.show_answer("")
    view.set_ready(False, "busy")
    view.set_ready(True)
    view.load.sample.setText("film 3")
    view.load.act()
    assert wishes == [Perform((MoveStage(1e-4, 0.0),)), Perform((Load("film 3"),))]


def test_what_the_instrument_has_not_is_not_offered(view: ParametersView) -> None:
    """Row 12: panels follow the capabilities."""
    assert view.tabs.isTabVisible(6)
    bare = replace(panels.CAPABILITIES, instructions=frozenset(), stage_range=None)
    view.set_about(About(bare, panels.LIMITS))
    shown = [view.tabs.tabText(i) for i in range(7) if view.tabs.isTabVisible(i)]
    assert shown == ["Scan", "Spectrum", "Probe", "Load"]
    assert view.spectrum.kind.count() == 2
    assert not view.tip.can_act


def test_limits_of_the_run_hold_until_the_instrument_is_asked(
    selection: Selection, qtbot: QtBot
) -> None:
    view = ParametersView(selection, DARK)
    qtbot.addWidget(view)
    model = RunModel()
    view.show_run(model, model.take(made.run_records(1, is_over=False)))
    assert view.probe.x_row.field.allowed == made.LIMITS.x
    view.set_about(About(panels.CAPABILITIES, replace(panels.LIMITS, x=(-1e-6, 1e-6))))
    assert view.probe.x_row.field.allowed == (-1e-6, 1e-6)
    view.show_run(model, Part.RUN)
    assert view.probe.x_row.field.allowed == (-1e-6, 1e-6)


def test_zones_and_steps_are_told_in_the_words_of_the_guard(
    view: ParametersView, wishes: list[Wish]
) -> None:
    zone = NoGoZone(0.0, 0.0, 1e-7, reason="a scratch")
    view.set_about(About(panels.CAPABILITIES, replace(panels.LIMITS, no_go=(zone,), step=1e-6)))
    (said,) = view.probe.faults()
    assert said.startswith("distance to no-go zone of 22.3607 nm is outside at least 100 nm")
    assert "a scratch" in said
    view.probe.set_place(3e-6, 0.0)
    (said,) = view.probe.faults()
    assert said.startswith("step of 2.8")
    assert "to the point" in said
    view.probe.act()
    assert wishes == []


def test_the_words_of_the_guard_are_kept_and_only_its_numbers_are_written_as_in_the_window() -> (
    None
):
    error = LimitExceeded("x", 1.2e-5, (-5e-6, 5e-6), "m", "a corner of the frame")
    assert str(error) == "x of 1.2e-05 m is outside -5e-06 to 5e-06 m (a corner of the frame)"
    assert in_words(error) == "x of 12 um is outside -5 um to 5 um (a corner of the frame)"
    assert in_words(LimitExceeded("spectra", 4, (0, 3), "")) == "spectra of 4 is outside 0 to 3"


@pytest.mark.parametrize(
    "shape",
    [
        Triangle(8.0, 0.0, 64, 2, 4e-3),
        Triangle(-0.5, 0.25, 4, 1, 1e-3),
        Sweep(-1.0, 1.5, 101, False, 4e-3),
        Sweep(0.1, -0.1, 2, True, 4e-3),
    ],
)
def test_a_waveform_that_can_be_typed_is_found_again_in_what_was_run(
    shape: Triangle | Sweep,
) -> None:
    assert recognized(shape.waveform()) == shape


def test_a_waveform_that_cannot_be_typed_changes_no_field(view: ParametersView) -> None:
    odd = BiasWaveform((0.0, 1.0, 0.5, 2.0, -1.0))
    assert recognized(odd) is None
    view.use(AcquireSpectrum(0.0, 0.0, odd))
    assert view.spectrum.amplitude.field.text() == "5 V"


def test_while_nothing_can_be_done_the_buttons_stay_and_say_why(
    view: ParametersView, wishes: list[Wish]
) -> None:
    view.set_ready(False, "the agent measures: pause it to work by hand")
    for panel in view.panels():
        assert not panel.button.isEnabled()
        assert not panel.button.isHidden()
        assert panel.why.text() == "the agent measures: pause it to work by hand"
        panel.act()
    assert wishes == []


def test_a_second_press_before_the_run_has_begun_sends_nothing(
    view: ParametersView, wishes: list[Wish]
) -> None:
    view.probe.act()
    view.probe.act()
    view.scan.act()
    assert len(wishes) == 1
    assert view.scan.why.text() == "sent; waits for the run"
    view.show_answer("")  # taken; a short way may be over before the next look
    assert view.scan.can_act
    view.scan.act()
    assert len(wishes) == 2
    view.show_answer("x of 1 m is outside")
    assert view.answer.text() == "x of 1 m is outside"
    assert view.scan.can_act
    view.scan.act()
    assert len(wishes) == 3
    assert view.answer.isHidden()


def test_what_goes_on_by_hand_can_be_ended_and_work_by_hand_finished(
    view: ParametersView, wishes: list[Wish]
) -> None:
    model = RunModel()
    changed = model.take(made.numbered([made.started(), StepStarted(0, "by_hand")]))
    view.show_run(model, changed)
    assert not view.interrupt.isEnabled()
    view.finish.click()
    view.set_ready(False, "a scan goes on")
    assert not view.finish.isEnabled()
    view.interrupt.click()
    assert wishes == [Finish(), Interrupt()]


def test_the_settings_of_an_earlier_scan_can_be_used_again(
    view: ParametersView, selection: Selection, wishes: list[Wish]
) -> None:
    """Row 11: settings of the history go back into the panels, and nothing is sent."""
    selection.settings_recalled.emit(Scan(made.FRAME, ("phase",), 4.0))
    assert view.scan.channels == ("phase",)
    assert view.scan.rate.field.value() == 4.0
    assert selection.frame == view.scan.frame
    view.use(AcquireSpectrum(0.0, 0.0, BiasWaveform.sweep("-2 V", "3 V", 51)))
    assert view.spectrum.kind.currentIndex() == 1
    assert view.spectrum.stop.field.text() == "3 V"
    assert not view.spectrum.back.isChecked()
    assert wishes == []


def test_on_a_small_screen_the_fields_scroll_and_the_button_stays(
    view: ParametersView, qtbot: QtBot
) -> None:
    view.resize(360, 320)
    view.show_panel("Scan")
    view.show()
    qtbot.waitExposed(view)
    assert (view.width(), view.height()) == (360, 320)
    button = view.scan.button
    assert view.rect().contains(button.mapTo(view, button.rect().bottomRight()))
    assert button.visibleRegion().boundingRect() == button.rect()


def test_the_panels_change_their_colours(view: ParametersView) -> None:
    view.set_theme(LIGHT)
    assert view.spectrum.theme is LIGHT
    assert view.spectrum._line.opts["pen"].color().name() == LIGHT.forward
