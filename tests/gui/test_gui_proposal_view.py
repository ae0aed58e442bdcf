"""ProposalView: what is proposed, and every way to overrule it. Each act is a wish, once."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import made
import made_agents
import numpy as np
import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.agents import (
    AllowRegion,
    ForbidRegion,
    ForcePoint,
    Prefer,
    Rescalarize,
    SetExploration,
)
from spm_auto.data import Intervention, PointChosen, Verdict
from spm_auto.gui.agent.proposal_view import BY_HAND_HINT, ProposalView
from spm_auto.gui.agent.steer_panel import EACH, NEVER, NTH
from spm_auto.gui.common.drawing import NM
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, dress
from spm_auto.gui.run.run_model import RunModel
from spm_auto.gui.run.wishes import Annotate, Judge, SetApproval, Steer
from spm_auto.workflow import Ask, Question

REGION = {"center": (1e-7, -2e-7), "radius": 2e-7}


@pytest.fixture(scope="module")
def made_view(qapp: QApplication) -> ProposalView:
    """One view for all tests, as it shows one run after another anyway."""
    dress(qapp, DARK)
    view = ProposalView(Selection(), DARK)
    view.resize(420, 760)
    return view


@pytest.fixture
def view(made_view: ProposalView) -> Iterator[ProposalView]:
    """A view of a run that goes on and asks nothing, after five spectra."""
    made_view.tool.end()
    made_view.why.clear()
    feed(made_view)
    made_view.show_question(made_agents.view())
    made_view.tabs.setCurrentIndex(0)
    made_view.show()
    yield made_view
    made_view.hide()


@pytest.fixture
def wishes(view: ProposalView) -> Iterator[list[Any]]:
    """What the view has wished for."""
    wished: list[Any] = []
    view.wished.connect(wished.append)
    yield wished
    view.wished.disconnect(wished.append)


def feed(view: ProposalView, *events: Any) -> RunModel:
    """Show a run with these events after its five spectra."""
    model = RunModel()
    view.show_run(model, model.take(made.numbered([*made_agents.run_events(5), *events])))
    return model


def on_screen(view: ProposalView, x: float, y: float) -> Any:
    """Return where on the map's widget a place of the sample is."""
    return view.area.mapFromScene(view.map.plot.vb.mapViewToScene(QPointF(x / NM, y / NM)))


def test_a_proposal_is_accepted_with_its_number_and_the_reason(
    view: ProposalView, wishes: list[Any]
) -> None:
    """Row 26: accept."""
    view.show_question(made_agents.view(made_agents.ASKED))
    assert view.box.words.text() == made_agents.ASKED.ask.question
    view.why.setText("looks flat")
    view.box.accept.click()
    assert wishes == [Judge(Verdict.APPROVED, 3, {}, "looks flat")]
    assert view.why.text() == ""


def test_the_reason_of_what_is_asked_has_a_unit(view: ProposalView) -> None:
    """Row 26: why it wants to go there stands in the question."""
    chosen = made_agents.last(made_agents.run_events(1), PointChosen)
    x, y = made_agents.PLACE
    feed(view, replace(chosen, x=x, y=y))
    asked = "spectrum 6: measure at (150 nm, -100 nm)? (largest; expected 1 ± 0.3)"
    question = Question(9, Ask("point", asked, {"x": x, "y": y}))
    view.show_question(made_agents.view(question))
    assert view.box.words.text() == (
        "spectrum 6: measure at (150 nm, -100 nm)?\n"
        "largest expected improvement per second: 1.00 ± 0.30 V, 4.2 s away"
    )


def test_a_proposal_is_rejected(view: ProposalView, wishes: list[Any]) -> None:
    """Row 26: reject."""
    view.show_question(made_agents.view(made_agents.ASKED))
    view.box.reject.click()
    assert wishes == [Judge(Verdict.REJECTED, 3)]


def test_a_proposal_is_edited_in_fields_with_units(view: ProposalView, wishes: list[Any]) -> None:
    """Row 26: edit."""
    view.show_question(made_agents.view(made_agents.ASKED))
    assert view.box.fields["x"].text() == "150 nm"
    view.box.fields["x"].setText("0.2 um")
    view.box.edit.click()
    assert wishes == [Judge(Verdict.EDITED, 3, {"x": 2e-7, "y": -1e-7})]


@pytest.mark.parametrize("text", ["9 um", "200 V", "", "far"])
def test_a_wrong_edit_is_refused_at_the_field_and_nothing_is_sent(
    view: ProposalView, wishes: list[Any], text: str
) -> None:
    view.show_question(made_agents.view(made_agents.ASKED))
    field = view.box.fields["x"]
    field.setText(text)
    assert field.fault()
    assert not view.box.edit.isEnabled()
    view.box.edit.click()
    assert wishes == []
    field.setText("9 um")
    assert "-5 um to 5 um" in field.toolTip()
    assert "-5 um to 5 um" in view.box.fault.text()
    assert view.box.fault.isVisible()


def test_a_frame_is_edited_by_its_middle_and_size(view: ProposalView, wishes: list[Any]) -> None:
    view.show_question(made_agents.view(made_agents.FRAME_ASKED))
    assert view.box.fields["height"].text() == "300 nm"
    assert np.ptp(view.map.frame_corners, axis=0) == pytest.approx(  # turned by 0.2 as the map is
        [2e-7 * math.cos(0.2) + 3e-7 * math.sin(0.2), 2e-7 * math.sin(0.2) + 3e-7 * math.cos(0.2)]
    )
    view.box.fields["width"].setText("250 nm")
    view.box.edit.click()
    assert wishes == [
        Judge(Verdict.EDITED, 4, {"center": (1e-7, 0.0), "size": (2.5e-7, 3e-7)}),
    ]


def test_a_frame_is_drawn_only_while_it_is_asked_about(view: ProposalView) -> None:
    view.show_question(made_agents.view(made_agents.FRAME_ASKED))
    view.show_question(made_agents.view(made_agents.ASKED))
    assert not len(view.map.frame_corners)


def test_whoever_rejects_a_step_is_told_that_it_ends_the_run(view: ProposalView) -> None:
    view.show_question(made_agents.view(made_agents.STEP_ASKED))
    assert view.box.reject.text() == "End the run"
    assert not view.box.edit.isVisible()


def test_what_was_typed_stays_while_the_same_is_asked(view: ProposalView) -> None:
    view.show_question(made_agents.view(made_agents.ASKED))
    view.box.fields["x"].setText("170 nm")
    view.show_question(made_agents.view(made_agents.ASKED, approval=3))
    assert view.box.fields["x"].text() == "170 nm"


def test_a_click_on_the_map_and_a_button_measure_there_next(
    view: ProposalView, wishes: list[Any], qtbot: QtBot
) -> None:
    """Row 26: measure here."""
    at = on_screen(view, 3e-7, -4e-7)
    qtbot.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert wishes == []
    assert view.measure.text().startswith("Measure at (")
    view.measure.click()
    (wish,) = wishes
    assert isinstance(wish.steering, ForcePoint)
    assert (wish.steering.x, wish.steering.y) == pytest.approx((3e-7, -4e-7), abs=5e-9)
    assert math.isnan(wish.steering.bias)


def test_while_a_point_is_asked_about_the_clicked_place_is_the_answer(
    view: ProposalView, wishes: list[Any]
) -> None:
    """Row 26: overruled with one click."""
    view.show_question(made_agents.view(made_agents.ASKED))
    view.selection.place_chosen.emit(3e-7, -4e-7)
    assert view.measure.text() == "Measure at (300 nm, -400 nm) instead"
    view.measure.click()
    assert wishes == [Judge(Verdict.EDITED, 3, {"x": 3e-7, "y": -4e-7})]


def test_a_place_that_the_agent_cannot_measure_is_refused_in_words(
    view: ProposalView, wishes: list[Any]
) -> None:
    view.selection.place_chosen.emit(3e-6, 0.0)
    assert view.hint.text() == "(3 um, 0 m) lies outside of the image that the agent sees"
    assert not view.measure.isEnabled()
    feed(view, made_agents.intervention("forbid_region", REGION))
    view.selection.place_chosen.emit(1e-7, -1e-7)
    assert view.hint.text() == "(100 nm, -100 nm) is forbidden: allow it again first"
    view.measure.click()
    assert wishes == []


def test_what_is_forbidden_is_no_answer_either(view: ProposalView, wishes: list[Any]) -> None:
    feed(view, made_agents.intervention("forbid_region", REGION))
    view.show_question(made_agents.view(made_agents.ASKED))
    view.box.fields["x"].setText("100 nm")
    assert view.box.fault.text() == "(100 nm, -100 nm) is forbidden: allow it again first"
    view.box.edit.click()
    assert wishes == []
    feed(view)
    assert view.box.edit.isEnabled()


def test_who_only_looks_sees_the_question_and_cannot_answer_it(
    view: ProposalView, wishes: list[Any]
) -> None:
    view.show_question(made_agents.view(made_agents.ASKED), is_looking=True)
    assert view.box.words.text() == made_agents.ASKED.ask.question
    for button in (view.box.accept, view.box.reject, view.box.edit, view.circle):
        assert not button.isEnabled()
        button.click()
    assert wishes == []
    view.show_question(made_agents.view(made_agents.ASKED))
    assert view.box.accept.isEnabled()


def test_by_hand_there_is_no_agent_that_could_measure_what_was_clicked(
    view: ProposalView, wishes: list[Any]
) -> None:
    by_hand = Question(1, Ask("by_hand", "What shall be done by hand?", {"instructions": ""}))
    view.show_question(made_agents.view(by_hand))
    view.selection.place_chosen.emit(1e-7, -1e-7)
    assert not view.measure.isEnabled()
    assert view.hint.text() == BY_HAND_HINT
    view.measure.click()
    assert wishes == []


def test_a_double_click_measures_at_once(
    view: ProposalView, wishes: list[Any], qtbot: QtBot
) -> None:
    """Row 26: a click on the map."""
    at = on_screen(view, 0.0, 0.0)
    qtbot.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseRelease(view.area.viewport(), Qt.MouseButton.LeftButton, pos=at)
    (wish,) = wishes
    assert isinstance(wish.steering, ForcePoint)


@pytest.mark.parametrize(("button", "round_"), [("circle", True), ("rectangle", False)])
def test_a_region_that_is_drawn_is_forbidden_after_it_was_confirmed(
    view: ProposalView, wishes: list[Any], button: str, round_: bool
) -> None:
    """Row 26: forbid region."""
    view.selection.place_chosen.emit(1e-7, -2e-7)
    getattr(view, button).click()
    assert wishes == []
    drawn = view.tool.region()
    assert drawn is not None
    assert view.hint.text() == f"drawn: {drawn.words}"
    view.why.setText("a scratch")
    view.forbid.click()
    (wish,) = wishes
    assert wish.why == "a scratch"
    region = wish.steering
    assert isinstance(region, ForbidRegion)
    assert region.center == pytest.approx((1e-7, -2e-7))
    assert (region.radius is not None) is round_
    left, right = view.map.plot.vb.viewRange()[0]
    across = NM * 0.25 * (right - left)  # as it is drawn at first
    extent = (2 * region.radius,) if region.radius is not None else region.size
    assert extent == pytest.approx((across,) * len(extent or ()), rel=1e-6, abs=0)
    assert not view.tool.is_drawing
    assert view.closed.list.count() == 0  # nothing is closed before the journal says so


def test_a_region_without_any_place_to_measure_is_refused(
    view: ProposalView, wishes: list[Any]
) -> None:
    view.tool.begin("circle", (4e-6, 4e-6), 1e-7)
    assert not view.forbid.isEnabled()
    assert view.hint.text() == "no place that could be chosen lies in it"


def test_forbidden_regions_come_from_the_journal_and_are_allowed_again(
    view: ProposalView, wishes: list[Any]
) -> None:
    """Row 26: allow."""
    feed(view, made_agents.intervention("forbid_region", REGION, "a scratch"))
    view.tabs.setCurrentWidget(view.closed)
    assert view.closed.list.item(0).text() == "200 nm around (100 nm, -200 nm) (Ada: a scratch)"
    assert len(view.map.zones) == 1
    view.closed.allow.click()
    assert wishes == [Steer(AllowRegion((1e-7, -2e-7), radius=2e-7))]
    assert view.closed.list.count() == 1
    feed(
        view,
        made_agents.intervention("forbid_region", REGION),
        made_agents.intervention("allow_region", REGION),
    )
    assert view.closed.list.count() == 0
    assert not view.map.zones


def test_one_of_two_places_is_preferred(view: ProposalView, wishes: list[Any]) -> None:
    """Row 26: prefer A or B."""
    view.tabs.setCurrentWidget(view.prefer)
    said = [box.currentText() for box in view.prefer.choices]
    assert said[0].startswith("5: 1.48 V at (")  # the best
    assert said[1].startswith("4: 1.36 V at (")  # the newest of the others
    view.selection.spectra_chosen.emit((4,))
    view.selection.spectra_chosen.emit((1,))
    assert view.prefer.choices[0].currentText().startswith("5: 1.48 V")
    assert view.prefer.choices[1].currentText().startswith("2: 1.12 V")
    assert [text for _, _, text in view.map.letters] == ["A", "B"]
    view.prefer.buttons[0].click()
    view.prefer.buttons[1].click()
    assert wishes == [Steer(Prefer(28, 7)), Steer(Prefer(7, 28))]
    assert "(gp)" in view.prefer.hint.text()


def test_exploration_is_set_within_its_range(view: ProposalView, wishes: list[Any]) -> None:
    """Row 26: exploration weight."""
    panel = view.steer
    assert panel.now["explore"].text() == "now 1.5"
    for wrong in ("-1", "1000", "2 V"):
        panel.weight.setText(wrong)
        assert not panel.buttons["explore"].isEnabled()
    panel.weight.setText("0.5")
    panel.buttons["explore"].click()
    assert wishes == [Steer(SetExploration(0.5))]
    assert panel.now["explore"].text() == "now 1.5"
    feed(view, made_agents.intervention("set_exploration", {"weight": 0.5}))
    assert panel.now["explore"].text() == "now 0.5"


def test_another_scalarizer_is_chosen(view: ProposalView, wishes: list[Any]) -> None:
    """Row 26: scalarizer."""
    assert view.steer.scalarizer.currentText() == "loop_area"
    view.steer.scalarizer.setCurrentText("imprint")
    view.steer.buttons["judge by"].click()
    assert wishes == [Steer(Rescalarize("imprint"))]
    assert view.steer.now["judge by"].text() == "now loop_area"


def test_how_often_the_run_asks_is_set_and_read_back(view: ProposalView, wishes: list[Any]) -> None:
    """Row 26: approval mode."""
    panel = view.steer
    assert panel.now["ask"].text() == "as the recipe has it: about every 3rd proposal"
    for mode in (NEVER, EACH, NTH):
        panel.approval.setCurrentText(mode)
        panel.buttons["ask"].click()
    assert wishes == [SetApproval(0), SetApproval(1), SetApproval(5)]
    panel.nth.setText("1.5")
    assert not panel.buttons["ask"].isEnabled()
    assert panel.now["ask"].text() == "as the recipe has it: about every 3rd proposal"
    view.show_question(made_agents.view(approval=5))
    assert panel.now["ask"].text() == "now about every 5th proposal"


def test_a_note_is_written_down_and_the_reason_is_kept_for_the_next_act(
    view: ProposalView, wishes: list[Any]
) -> None:
    """Row 26: annotate."""
    view.why.setText("later")
    view.tabs.setCurrentWidget(view.record)
    assert not view.record.write.isEnabled()
    view.record.note.setText("  the film was cleaned ")
    view.record.write.click()
    assert wishes == [Annotate("the film was cleaned")]
    assert view.why.text() == "later"
    assert view.record.note.text() == ""


def test_what_humans_did_is_listed_from_the_journal_the_newest_first(view: ProposalView) -> None:
    """Row 26: every act is a recorded intervention."""
    feed(view, made_agents.judged(), Intervention("Bob", "written down: clean", kind="annotate"))
    texts = [view.record.list.item(row).text() for row in range(view.record.list.count())]
    assert [text.split("  ", 1)[1] for text in texts] == [
        "Bob: written down: clean",
        "Ada: rejected: measure there? (a scratch)",
    ]
    feed(view)
    assert view.record.list.count() == 0


def test_nothing_can_be_done_to_a_run_that_cannot_be_spoken_to(
    view: ProposalView, wishes: list[Any]
) -> None:
    view.selection.place_chosen.emit(0.0, 0.0)
    for said in (None, made_agents.view(finished="completed")):
        view.show_question(said)
        assert not view.box.accept.isVisible()
        for part in (view.measure, view.circle, view.rectangle, view.steer, view.prefer):
            assert not part.isEnabled()
    assert view.box.words.text() == "The run is over: completed."
    view.record.note.setText("x")
    view.record.write.click()
    assert wishes == []
    assert view.map.frame is not None


def test_it_fits_a_small_screen(view: ProposalView) -> None:
    view.show_question(made_agents.view(made_agents.ASKED))
    assert view.minimumSizeHint().height() <= 420
    assert view.minimumSizeHint().width() <= 300


def test_accept_reject_and_measure_have_keys_of_their_own(
    view: ProposalView, wishes: list[Any], qtbot: QtBot
) -> None:
    """Row 26: from the keyboard, and with keys that no panel uses to perform by hand."""
    with qtbot.waitActive(view):
        view.activateWindow()
    view.why.setFocus()
    view.show_question(made_agents.view(made_agents.ASKED))
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(view.why, Qt.Key.Key_A, both)
    qtbot.keyClick(view.why, Qt.Key.Key_R, both)
    qtbot.keyClick(view.why, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert [wish.verdict for wish in wishes] == [Verdict.APPROVED, Verdict.REJECTED]
    view.selection.place_chosen.emit(3e-7, -4e-7)
    qtbot.keyClick(view.why, Qt.Key.Key_M, both)
    assert wishes[2].values == {"x": 3e-7, "y": -4e-7}
    view.show_question(made_agents.view())
    qtbot.keyClick(view.why, Qt.Key.Key_A, both)
    assert len(wishes) == 3  # nothing is asked


def test_what_humans_did_in_the_run_before_is_not_shown_as_done_in_this_one(
    view: ProposalView,
) -> None:
    first = [made_agents.intervention("note", {}, why=f"first {n}") for n in range(3)]
    feed(view, *first)
    second = [made_agents.intervention("note", {}, why=f"second {n}") for n in range(9)]
    feed(view, *second)
    told = [view.record.list.item(n).text() for n in range(view.record.list.count())]  # type: ignore[union-attr]
    assert len(told) == len(second)
    assert all("second" in text for text in told)


def test_what_was_begun_in_the_run_before_is_not_sent_to_this_one(view: ProposalView) -> None:
    view.why.setText("a scratch")
    view.circle.click()
    assert view.tool.is_drawing
    view.selection.forget()
    assert not view.tool.is_drawing
    assert view.why.text() == ""


def test_spectra_that_are_judged_anew_are_compared_by_their_new_values(
    view: ProposalView,
) -> None:
    feed(view)
    assert " V at " in view.prefer.choices[0].itemText(0)
    feed(view, *made_agents.rejudged(made_agents.run_events(5), "remanence"))
    assert " pm at " in view.prefer.choices[0].itemText(0)
