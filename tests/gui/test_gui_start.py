"""What can be started from the window, and what cannot."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from spm_auto.clock import InstantClock
from spm_auto.data import RunFinished, RunStarted
from spm_auto.experiment import read_experiment
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import Theme
from spm_auto.gui.run.orders import StartOrder
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.gui.start.catalogue import (
    BY_HAND,
    FIRST_LOOK,
    LABS,
    SIMULATOR,
    shipped_labs,
    shipped_recipes,
)
from spm_auto.gui.start.children import Answer, Child
from spm_auto.gui.start.figures import read_plan, read_rehearsal
from spm_auto.gui.start.start_view import StartView
from spm_auto.lab import read_lab
from spm_auto.planning import checked_plan, opened, plan
from spm_auto.rehearsal import rehearse

STEP = {"n_lines": 96, "n_spectra": 0, "seconds": 60.0, "operations": [], "inner": [], "rounds": 1}
PLAN = {
    "elapsed": 3661.0,
    "load_seconds": 61.0,
    "n_spectra": 30,
    "bias": [-8.5, 8.5],
    "size": 2.5e6,
    "steps": [
        {"kind": "overview", "path": [0], **STEP},
        {"kind": "explore", "path": [1], **STEP, "n_lines": 0, "n_spectra": 30},
    ],
}
REHEARSAL = {
    "finish_reason": "completed",
    "message": "",
    "times": [3700.0],
    "bias_time": 120.0,
    "n_spectra": 30,
    "n_force_curves": 0,
    "n_pulses": 0,
    "most_at_one_place": {"bias_time": 8.0, "spectra": 2, "pulses": 0, "taps": 0},
    "extremes": {"bias": {"least": -8.5, "most": 8.5, "unit": "V"}},
    "refused": [
        {"step": "steps[1]", "kind": "explore", "message": "too near", "time": 90.0},
    ],
}
SMALL = """
schema_version = 1
title = "small"
[[steps]]
kind = "overview"
frame = { center = ["0 nm", "0 nm"], size = ["1 um", "1 um"], pixels = [16, 16] }
line_rate = "4 Hz"
[[steps]]
kind = "repeat"
times = 3
[[steps.steps]]
kind = "points"
points = [["0 nm", "0 nm"]]
waveform = { kind = "triangle", amplitude = "4 V", points = 32 }
"""
LAB = """
schema_version = 1
laboratory = "the cold one"
[instrument]
kind = "nanonis"
host = "127.0.0.1"
ports = [6501, 6502, 6503]
[limits]
setpoint = ["5 pA", "2 nA"]
"""


def planner(planned: object = PLAN, rehearsal: object = REHEARSAL) -> tuple[str, ...]:
    """Return a program that answers as spm-auto does, at once."""
    answers = {"plan": json.dumps(planned), "rehearse": json.dumps(rehearsal)}
    return (sys.executable, "-S", "-E", "-c", f"import sys; print({answers!r}[sys.argv[1]])")


def refuser(words: str) -> tuple[str, ...]:
    """Return a program that refuses as spm-auto does."""
    code = f"import sys; sys.stderr.write({words!r}); sys.exit(1)"
    return (sys.executable, "-S", "-E", "-c", code)


class Desk:
    """Makes start panels, and keeps what they order."""

    def __init__(self, qtbot: QtBot, selection: Selection, theme: Theme, runs: Path) -> None:
        self.qtbot, self.selection, self.theme, self.runs = qtbot, selection, theme, runs
        self.ordered: list[StartOrder] = []
        self.views: list[StartView] = []

    def make(self, command: tuple[str, ...]) -> StartView:
        view = StartView(
            self.selection,
            self.theme,
            command,
            now=lambda: datetime(2026, 11, 27, 2, 3, 4),
            calm=0.0,
        )
        self.qtbot.addWidget(view)
        self.views.append(view)
        view.set_runs_folder(self.runs)
        view.ordered.connect(self.ordered.append)
        view.show()
        return view

    def planned(self, view: StartView) -> StartView:
        self.qtbot.waitUntil(lambda: view.card.steps.rowCount() > 0, timeout=5000)
        return view

    def refused(self, view: StartView) -> StartView:
        self.qtbot.waitUntil(lambda: not view.card.faults.isHidden(), timeout=5000)
        return view


@pytest.fixture
def desk(qtbot: QtBot, selection: Selection, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(qtbot, selection, theme, tmp_path / "runs")
    yield made
    for view in made.views:
        view.close_children()
        view.close()


def recipe_of(view: StartView, name: str) -> None:
    view.set_recipe(next(each.path for each in shipped_recipes() if each.path.name == name))


def test_nothing_starts_before_its_plan_is_shown_with_time_spectra_and_size(desk: Desk) -> None:
    """Row 15: total time, points and what the sample bears are seen before anything moves."""
    view = desk.make(planner())
    assert not view.start.isEnabled()
    view.start.click()
    assert desk.ordered == []
    desk.planned(view)
    values = {name: label.text() for name, label in view.card.values.items()}
    assert values["Time"].startswith("1 h 1 min, of which 1 min 1 s to load the sample")
    assert "on this clock 4 min 4 s" in values["Time"]
    assert values["Measures"] == "30 spectra, 96 scan lines"
    assert values["Bias"] == "-8.5 V to 8.5 V"
    assert "200 V s" in values["Exposure"]
    assert values["On disk"].startswith("at most 2.5 MB of ")
    assert view.summary.text() == "simulator, 1 h 1 min, 30 spectra"
    assert view.start.isEnabled()
    view.start.click()
    assert len(desk.ordered) == 1


def test_time_and_place_stand_beside_the_button_on_a_small_screen(desk: Desk) -> None:
    """Row 15: what starts is said where it is started, also where the plan needs scrolling."""
    view = desk.make(planner())
    assert view.minimumSizeHint().width() <= 400
    view.resize(560, 360)
    desk.planned(view)
    for widget in (view.summary, view.start, view.rehearse):
        assert widget.visibleRegion().boundingRect() == widget.rect()


def test_what_cannot_be_planned_cannot_be_started_and_says_which_limit(desk: Desk) -> None:
    """Row 15: a recipe beyond the limits is refused with the limit, and nothing is sent."""
    view = desk.refused(desk.make(refuser("error: steps[0]: x of 9 um is outside -5 to 5 um\n")))
    assert view.summary.text() == "there is no plan"
    assert view.card.faults.text() == "steps[0]: x of 9 um is outside -5 to 5 um"
    view.start.click()
    view._start()  # as the key does
    assert not view.can_start
    assert desk.ordered == []


def test_an_answer_that_is_no_plan_is_refused(desk: Desk) -> None:
    view = desk.refused(desk.make(planner({"elapsed": 3.0})))
    assert view.card.faults.text().startswith("the plan cannot be read: ")
    assert not view.can_start


def test_a_simulator_is_chosen_in_the_window_and_said_to_be_one(desk: Desk) -> None:
    """Row 22: the simulators that are shipped can be chosen; nobody takes them for hardware."""
    view = desk.planned(desk.make(planner()))
    titles = [view.form.lab.box.itemText(i) for i in range(view.form.lab.box.count())]
    assert [title.split(":")[0] for title in titles] == [
        "Simulated PFM",
        "Simulated AFM",
        "Simulated STM",
    ]
    view.set_lab(LABS / "stm.toml")
    desk.planned(view)
    assert view.card.badge.text().startswith("SIMULATOR: nothing real moves")
    assert not view.agreed.isVisibleTo(view)
    assert not view.form.pulses.isVisibleTo(view)
    view.start.click()
    assert desk.ordered[0].lab == LABS / "stm.toml"
    assert desk.ordered[0].options == ()


def test_hardware_is_said_to_be_hardware_and_needs_a_word_for_each_plan(
    desk: Desk, tmp_path: Path
) -> None:
    """Row 22: what moves something real says so, and does not start without consent."""
    lab = tmp_path / "lab.toml"
    lab.write_text(LAB, "utf-8")
    view = desk.make(planner())
    view.set_lab(lab)
    desk.planned(view)
    assert view.card.badge.text() == "HARDWARE, nanonis: the tip moves (the cold one)"
    assert view.start.text() == "Start on HARDWARE"
    assert not view.start.isEnabled()
    view.agreed.click()
    assert view.start.isEnabled()
    view.again.click()  # another plan, which nobody has read yet
    desk.planned(view)
    assert not view.start.isEnabled()
    view.form.pulses.setText("-3")
    assert "pulses of -3 is outside 0 to 1000" in desk.refused(view).card.faults.text()
    view.form.pulses.setText("20")
    desk.planned(view)
    view.agreed.click()
    view.start.click()
    assert [order.options for order in desk.ordered] == [("--pulses=20",)]


def test_an_instrument_that_is_replaced_counts_as_hardware(desk: Desk) -> None:
    view = desk.make(planner())
    view.form.overrides.setText("instrument={kind='nanonis', host='10.0.0.1'}")
    desk.planned(view)
    assert view.card.badge.text().startswith("INSTRUMENT REPLACED BY HAND")
    assert not view.can_start


def test_a_plan_is_void_once_anything_is_chosen_anew(desk: Desk) -> None:
    view = desk.planned(desk.make(planner()))
    view.form.seed.setText("7")
    assert not view.can_start
    desk.planned(view)
    view.start.click()
    assert desk.ordered[0].seed == 7


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("seed", "-1", "seed of -1 is outside 0 to"),
        ("seed", "1.5", "seed of 1.5 is no whole number"),
        ("seed", "", "seed is missing"),
        ("nth", "0", "N of every N-th proposal of 0 is outside 1 to"),
        ("overrides", "budget", "'budget' must be PATH=VALUE"),
        ("runs", "  ", "folder for runs is missing"),
    ],
)
def test_bad_input_is_refused_with_what_is_right_and_not_even_planned(
    desk: Desk, field: str, text: str, said: str
) -> None:
    view = desk.make(planner())
    view.form.approval.setCurrentIndex(2)
    desk.planned(view)
    getattr(view.form, field).setText(text)
    desk.refused(view)
    assert said in view.card.faults.text()
    view.start.click()
    assert desk.ordered == []


def test_a_file_that_was_written_since_it_was_planned_is_planned_again(
    desk: Desk, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('schema_version = 1\ntitle = "mine"\n', "utf-8")
    view = desk.make(planner())
    view.set_recipe(recipe)
    desk.planned(view)
    recipe.write_text('schema_version = 1\ntitle = "another one"\n', "utf-8")
    view.start.click()
    assert desk.ordered == []
    assert "planning again" in view.card.values["Time"].text()
    desk.planned(view)
    view.start.click()
    assert desk.ordered[0].recipe == recipe


def test_an_order_names_a_folder_of_its_own_and_a_second_press_starts_nothing(
    desk: Desk,
) -> None:
    view = desk.make(planner())
    recipe_of(view, "explore_film.toml")
    view.form.approval.setCurrentIndex(2)
    view.form.nth.setText("3")
    view.form.overrides.setText("steps[1].budget=8 ; limits.bias=['-5 V', '5 V']")
    desk.planned(view)
    folder = desk.runs / "2026-11-27T020304-an-agent-looks-for-the-widest-loops-and"
    folder.mkdir(parents=True)  # somebody was faster
    view.start.click()
    view.start.click()
    view._start()
    (order,) = desk.ordered
    assert order.out == folder.with_name(folder.name + "-2")
    assert ":" not in order.out.name
    assert order.approve == "every 3"
    assert order.overrides == ("steps[1].budget=8", "limits.bias=['-5 V', '5 V']")


def test_a_rehearsal_tells_exposure_and_what_was_refused(desk: Desk) -> None:
    view = desk.planned(desk.make(planner()))
    view.rehearse.click()
    desk.qtbot.waitUntil(lambda: "120 V s" in view.card.values["Exposure"].text(), timeout=5000)
    assert "most around one place: 8 V s, 2 spectra" in view.card.values["Exposure"].text()
    assert view.card.values["Rehearsal"].text() == "completed after 1 h 1 min: 30 spectra"
    assert "refused at steps[1] (explore) after 1 min 30 s: too near" in view.card.faults.text()
    assert view.card.faults.isVisible()
    assert view.can_start


def test_a_rehearsal_that_takes_too_long_can_be_given_up(desk: Desk) -> None:
    waits = "import threading; sys.argv[1] == 'plan' or threading.Event().wait(60)"
    *words, code = planner()
    view = desk.planned(desk.make((*words, f"{code}; {waits}")))
    view.rehearse.click()
    assert view.rehearse.text() == "Give up"
    view.rehearse.click()
    assert view.rehearse.text() == "Rehearse"
    assert view.card.values["Rehearsal"].text() == "given up"
    assert view.can_start


def test_by_hand_begins_on_the_simulator_with_an_image_and_on_a_lab_with_none(desk: Desk) -> None:
    view = desk.make(planner())
    order = view.by_hand_order()
    assert (order.recipe, order.lab) == (FIRST_LOOK, SIMULATOR)
    assert order.out == desk.runs / "2026-11-27T020304-by-hand"
    lab = Path("somewhere/lab.toml")
    assert (view.by_hand_order(lab).recipe, view.by_hand_order(lab).lab) == (BY_HAND, lab)


def test_a_recipe_brings_the_simulator_that_it_was_written_for(desk: Desk, tmp_path: Path) -> None:
    view = desk.make(planner())
    recipe_of(view, "explore_gap.toml")
    assert view.form.lab.offer.path == LABS / "stm.toml"
    lab = tmp_path / "lab.toml"
    lab.write_text(LAB, "utf-8")
    view.set_lab(lab)
    recipe_of(view, "grid_film.toml")
    assert view.form.lab.offer.path == lab  # what somebody has chosen is not taken from him


def test_nothing_is_planned_while_nobody_looks(desk: Desk) -> None:
    view = desk.make(planner())
    view.hide()
    view.form.seed.setText("7")
    assert not view._calm.isActive()
    assert not view._planner.is_busy
    view.show()
    assert desk.planned(view).can_start


def test_a_file_is_chosen_beside_the_window_and_nothing_waits_for_that(
    desk: Desk, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('schema_version = 1\ntitle = "my own"\n', "utf-8")
    view = desk.make(planner())
    view.form.recipe.open.click()
    (dialog,) = view.findChildren(QFileDialog)
    assert not dialog.isModal()
    assert view.edit.isEnabled()
    dialog.fileSelected.emit(str(recipe))
    dialog.close()
    assert view.form.recipe.offer.title == "my own"
    assert desk.planned(view).card.title.text() == "my own"


def test_a_run_that_goes_on_is_named_beside_the_button_that_starts_another(desk: Desk) -> None:
    view, model = desk.make(planner()), RunModel()
    model.started = RunStarted(
        uid="", title="the first", recipe="", lab="", instrument="", seed=0, versions={}
    )
    view.show_run(model, Part.ALL)
    assert "the first" in view.aside.text()
    model.finished = RunFinished("completed", "")
    view.show_run(model, Part.RUN)
    assert view.aside.text() == ""


def test_every_recipe_that_is_shipped_can_be_carried_out_in_its_laboratory() -> None:
    for each in shipped_recipes():
        experiment = read_experiment(each.path, each.lab or SIMULATOR, ())
        assert experiment.recipe.title == each.title
        with closing(opened(experiment.lab, 0, None, InstantClock())) as instrument:
            assert checked_plan(experiment, instrument, each.path.name).seconds > 0
    labs = [read_lab(each.path)[0] for each in shipped_labs()]
    assert len(labs) == 3
    assert all(lab.instrument.is_simulated and lab.clock.kind == "scaled" for lab in labs)


def test_what_the_program_writes_of_a_plan_and_a_rehearsal_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(SMALL, "utf-8")
    assert plan(recipe, SIMULATOR, as_json=True) == 0
    planned = read_plan(capsys.readouterr().out)
    assert (planned.n_spectra, planned.n_lines, planned.bias) == (3, 16, (-4.0, 4.0))
    assert [step.kind for step in planned.flat()] == ["overview", "repeat", "points"]
    assert planned.elapsed > planned.load_seconds > 0
    assert rehearse(recipe, SIMULATOR, 0, as_json=True) == 0
    found = read_rehearsal(capsys.readouterr().out)
    assert (found.finish_reason, found.n_spectra) == ("completed", 3)
    assert found.times == pytest.approx((planned.elapsed,), rel=0.01)
    assert found.extremes["bias"].most == 4.0
    most = found.most_at_one_place
    assert most is not None
    assert most.spectra == 3
    assert most.bias_time == pytest.approx(found.bias_time)


def test_force_curves_of_steps_within_steps_are_counted_once() -> None:
    curves = {"what": "force curve", "count": 6, "seconds": 3.0}
    inner = {**STEP, "kind": "points", "path": [0, 0], "operations": [curves]}
    block = {**STEP, "kind": "repeat", "path": [0], "rounds": 3, "inner": [inner]}
    planned = read_plan(json.dumps({**PLAN, "steps": [block]}))
    assert planned.n_curves == 6  # of all three rounds, as a plan counts


def ask(qtbot: QtBot, code: str, deadline: float = 5.0) -> Answer:
    """Ask a program once."""
    owner = QObject()
    child = Child(owner, (sys.executable, "-S", "-E", "-c", code))
    with qtbot.waitSignal(child.answered, timeout=6000) as heard:
        child.ask([], deadline)
    assert not child.is_busy
    child.close()
    answer = heard.args[0]
    assert isinstance(answer, Answer)
    return answer


def test_a_child_that_does_not_answer_in_time_is_ended(qtbot: QtBot) -> None:
    answer = ask(qtbot, "import threading; threading.Event().wait(60)", deadline=0.05)
    assert answer.faults == ("there was no answer within 0.05 s",)


def test_a_child_that_dies_or_fails_says_so(qtbot: QtBot) -> None:
    killed = ask(qtbot, "import os; os.kill(os.getpid(), 9)")
    assert killed.faults == ("the program that was asked has died",)
    silent = ask(qtbot, "import sys; sys.exit(3)")
    assert silent.faults == ("the program ended with code 3",)


def test_what_is_asked_anew_takes_the_place_of_what_was_asked_before(qtbot: QtBot) -> None:
    owner, heard = QObject(), []
    child = Child(owner, (sys.executable, "-S", "-E", "-c", "import sys; print(sys.argv[1])"))
    child.answered.connect(heard.append)
    child.ask(["first"], 5.0)
    child.ask(["second"], 5.0)
    qtbot.waitUntil(lambda: len(heard) == 1, timeout=5000)
    assert heard[0].output.strip() == "second"
    child.close()


def test_a_program_that_is_not_there_is_named(qtbot: QtBot) -> None:
    owner, heard = QObject(), []
    child = Child(owner, ("/no/such/program",))
    child.answered.connect(heard.append)
    child.ask([], 5.0)
    qtbot.waitUntil(lambda: len(heard) == 1, timeout=5000)
    assert heard[0].faults[0].startswith("/no/such/program did not start: ")
