"""Pause, go on, stop: they mirror the run; progress and the time that is left."""

import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
from made import chosen_events, numbered, run_events, run_records, started
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from talking import run_view

from spm_auto.data import Alarm, FinishReason, Record, RunFinished, StepStarted
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import Theme
from spm_auto.gui.run.orders import Planned, Standing, StartOrder
from spm_auto.gui.run.progress import Pace, progress
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.gui.run.wishes import Pause, Resume, Stop
from spm_auto.gui.status.run_controls import RunControls
from spm_auto.workflow import Ask, Question

FOLDER = Path("runs/made")
GOES_ON = Standing(FOLDER, run_view())
PAUSED = Standing(FOLDER, run_view(state="paused", is_held=True))
PAUSING = Standing(FOLDER, run_view(is_held=True))


@pytest.fixture
def controls(qtbot: QtBot, selection: Selection, theme: Theme) -> RunControls:
    controls = RunControls(selection, theme, now=lambda: 1.8e9)
    qtbot.addWidget(controls)
    controls.show()
    return controls


def model_of(records: list[Record]) -> RunModel:
    model = RunModel()
    model.take(records)
    return model


def enabled(controls: RunControls) -> list[str]:
    return [
        button.accessibleName()
        for button in controls.findChildren(QPushButton)
        if button.isEnabled() and button.isVisible()
    ]


@pytest.mark.parametrize(
    ("standing", "buttons", "words"),
    [
        (Standing(), [], "nothing is open"),
        (GOES_ON, ["Pause", "Stop"], "running"),
        (PAUSING, ["Go on", "Stop"], "pausing: before the next instruction or line"),
        (PAUSED, ["Go on", "Stop"], "paused"),
        (Standing(FOLDER, run_view(state="stopping")), [], "stopping"),
        (
            Standing(FOLDER, run_view(), is_looking=True),
            [],
            "running (this window only looks)",
        ),
        (
            Standing(FOLDER, run_view(finished="cancelled")),
            [],
            "over: cancelled; its report is being written",
        ),
        (Standing(FOLDER, None, "it has died", can_resume=True), ["Resume this run"], ""),
    ],
)
def test_buttons_and_words_are_those_of_the_run(
    controls: RunControls, standing: Standing, buttons: list[str], words: str
) -> None:
    """Row 17: pause, resume and abort show the state of the run."""
    controls.show_standing(standing)
    assert enabled(controls) == buttons
    assert words in controls.state.full


def test_a_click_changes_nothing_until_the_run_says_so(controls: RunControls, qtbot: QtBot) -> None:
    """Row 17: what is shown is the run's state, both ways, as often as it changes."""
    controls.show_standing(GOES_ON)
    for _ in range(2):
        with qtbot.waitSignal(controls.wished) as asked:
            qtbot.mouseClick(controls.pause, Qt.MouseButton.LeftButton)
        assert asked.args == [Pause()]
        assert controls.state.full == "running"
        controls.show_standing(PAUSED)
        assert controls.state.full == "paused"
        with qtbot.waitSignal(controls.wished) as asked:
            qtbot.mouseClick(controls.go_on, Qt.MouseButton.LeftButton)
        assert asked.args == [Resume()]
        assert controls.state.full == "paused"
        controls.show_standing(GOES_ON)
        assert controls.state.full == "running"


def test_stop_ends_the_run_and_is_not_withdraw(controls: RunControls, qtbot: QtBot) -> None:
    controls.show_standing(GOES_ON)
    with qtbot.waitSignal(controls.wished) as asked:
        qtbot.mouseClick(controls.stop, Qt.MouseButton.LeftButton)
    assert asked.args == [Stop()]
    assert "the tip stays at the sample" in controls.stop.toolTip()


def test_a_run_that_was_killed_can_be_resumed_from_here(
    controls: RunControls, qtbot: QtBot
) -> None:
    controls.show_run(model_of(run_records(2, is_over=False)), Part.ALL)
    standing = Standing(FOLDER, None, "the run's process 12 has died", can_resume=True)
    controls.show_standing(standing)
    assert controls.state.full == "it ended without a word"
    assert controls.fault.full == "the run's process 12 has died"
    with qtbot.waitSignal(controls.resume_wished) as asked:
        qtbot.mouseClick(controls.again, Qt.MouseButton.LeftButton)
    assert asked.args == [StartOrder(Path(), Path(), FOLDER, resume=True)]


def test_after_an_emergency_whoever_resumes_it_is_told_so(
    controls: RunControls, qtbot: QtBot
) -> None:
    end = RunFinished(FinishReason.EMERGENCY, "the tip is withdrawn")
    controls.show_run(model_of(numbered([*run_events(1, is_over=False), end])), Part.ALL)
    controls.show_standing(Standing(FOLDER, None, "the run is over", can_resume=True))
    assert controls.again.text() == "Res&ume after the emergency"
    with qtbot.waitSignal(controls.resume_wished) as asked:
        qtbot.mouseClick(controls.again, Qt.MouseButton.LeftButton)
    assert asked.args is not None
    assert asked.args[0].words()[-1] == "--after-emergency"


def test_a_run_that_asks_says_what(controls: RunControls) -> None:
    ask = Ask("point", "measure there?", {"x": 0.0, "y": 0.0})
    asks = run_view(state="paused", question=Question(3, ask))
    controls.show_standing(Standing(FOLDER, asks))
    assert controls.state.full == "it asks you: measure there?"
    by_hand = run_view(state="paused", question=Question(4, replace(ask, kind="by_hand")))
    controls.show_standing(Standing(FOLDER, by_hand))
    assert controls.state.full == "by hand: it waits for you"


def test_a_run_that_waits_by_itself_says_why(controls: RunControls) -> None:
    model = model_of(numbered([started(), Alarm("only 1 MB are free", "room")]))
    controls.show_run(model, Part.ALL)
    controls.show_standing(Standing(FOLDER, run_view(state="paused")))
    assert controls.state.full == "waiting: only 1 MB are free"
    assert controls.state.role == "alarm"
    assert controls.go_on.isEnabled()


def test_progress_step_and_end_are_told(controls: RunControls) -> None:
    """Row 16: how far it is, which step, and until when."""
    controls.show_run(model_of(run_records(5, is_over=False)), Part.ALL)
    controls.show_standing(replace(GOES_ON, planned=Planned(200.0, 20)))
    assert controls.step.full == "step 2: explore"
    until = time.strftime("%H:%M", time.localtime(1.8e9 + 15.0))
    assert controls.words.full.startswith("5 of 20 spectra · ")
    assert controls.words.full.endswith(f"about 15.0 s left, until {until}")
    assert controls.bar.isVisible()
    assert 0 < controls.bar.value() < 1000


def test_without_a_plan_there_is_no_bar(controls: RunControls) -> None:
    controls.show_run(model_of(run_records(5, is_over=False)), Part.ALL)
    controls.show_standing(GOES_ON)
    assert not controls.bar.isVisible()
    assert controls.words.full.startswith("5 spectra · ")


def test_before_spectra_the_plan_says_how_long_it_takes() -> None:
    model = model_of(run_records(0, is_over=False))
    far = progress(model, Planned(100.0, 20), pace=0.5, now=lambda: 0.0)
    assert far.left == 100.0 - model.spent
    assert far.wall == far.left / 2
    assert far.share == pytest.approx(model.spent / 100.0)


def test_the_rest_is_reckoned_from_the_pace_of_the_last_spectra_without_waiting() -> None:
    """Row 16: five spectra 7 s apart, and one after a pause of an hour that tells nothing."""
    model = model_of(run_records(6, is_over=False))
    starts = [1000.0, 1007.0, 1014.0, 1021.0, 1028.0, 4628.0]
    model.spectra = [
        replace(each, spectrum=replace(each.spectrum, start_time=at, end_time=at + 0.5))
        for each, at in zip(model.spectra, starts, strict=True)
    ]
    far = progress(model, Planned(200.0, 20), now=lambda: 0.0)
    assert far.left == pytest.approx(14 * 7.0)
    model.spectra = model.spectra[:5]
    assert progress(model, Planned(200.0, 20)).left == pytest.approx(15 * 7.0)


def test_another_run_has_another_pace(controls: RunControls) -> None:
    records = run_records(5, is_over=False)
    controls.show_run(model_of(records), Part.ALL)
    later = [replace(r, time=r.time + 1e4, utc=r.utc + 10.0) for r in records]
    controls.show_run(model_of(later), Part.ALL)
    assert math.isnan(controls._pace.seconds)


def test_work_by_hand_takes_as_long_as_it_takes() -> None:
    model = model_of(numbered([started(), StepStarted(0, "by_hand")]))
    far = progress(model, Planned(35.0, 0))
    assert math.isnan(far.share)
    assert far.words == "1.0 s of instrument time"


def test_an_end_that_is_far_is_told_with_its_day() -> None:
    model = model_of(run_records(0, is_over=False))
    far = progress(model, Planned(2e5, 20), now=lambda: 1.8e9)
    assert far.words.endswith(time.strftime("until %a %H:%M", time.localtime(1.8e9 + far.wall)))


def test_a_run_that_waits_promises_no_end() -> None:
    model = model_of(run_records(5, is_over=False))
    far = progress(model, Planned(200.0, 20), is_waiting=True)
    assert far.words.endswith("left once it goes on")


def test_one_long_wait_for_a_human_does_not_lengthen_what_is_left() -> None:
    def left(wait: float) -> float:
        events = run_events(0, is_over=False)
        for number in range(6):
            events += chosen_events(number, start=1000.0 + number + wait * (number > 3))
        return progress(model_of(numbered(events)), Planned(200.0, 20)).left

    assert left(900.0) == pytest.approx(left(0.0))


def test_a_run_that_takes_longer_than_planned_says_so() -> None:
    far = progress(model_of(run_records(2, is_over=False)), Planned(5.0, 20))
    assert far.words.endswith("longer than planned")
    assert far.share == 1.0


def test_a_run_that_is_over_took_what_it_took() -> None:
    model = model_of(run_records(3))
    far = progress(model, Planned(100.0, 3))
    assert (far.share, far.left) == (1.0, 0.0)
    assert far.words.startswith("3 of 3 spectra · took ")
    events = [*run_events(3, is_over=False), RunFinished(FinishReason.CANCELLED)]
    cut = progress(model_of(numbered(events)), Planned(100.0, 30))
    assert cut.share < 1.0


def test_the_pace_of_a_fast_clock_is_measured() -> None:
    pace = Pace()
    model = RunModel()
    assert math.isnan(pace.seconds)
    for second in range(5):
        model.time, model.utc = 10.0 * second, 1e9 + second
        pace.see(model)
    assert pace.seconds == pytest.approx(0.1)
    model.time, model.utc = 0.0, 1e9 + 1
    pace.see(model)  # another run
    assert math.isnan(pace.seconds)


def test_a_clock_that_stands_still_tells_no_pace() -> None:
    """Row 16: a run that waits for an answer does not take fifteen years."""
    pace, model = Pace(), RunModel()
    for model.time, model.utc in ((100.0, 1e9), (100.000001, 1e9 + 20.0)):
        pace.see(model)
    assert math.isnan(pace.seconds)
