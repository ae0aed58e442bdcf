"""LogView: what has happened, with a filter by weight and by human, a search, and a file."""

from pathlib import Path

import made
import pytest
from PyQt6.QtCore import QItemSelectionModel
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import Alarm, Event, Intervention, Waited
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK
from spm_auto.gui.history.log_table import LogTable
from spm_auto.gui.history.log_view import HUMANS, LogView
from spm_auto.gui.run.run_model import KEPT_SAYINGS, Part, RunModel
from spm_auto.gui.run.sayings import Saying, Weight

EVENTS: tuple[Event, ...] = (
    made.started(),
    Waited(2.0),
    Intervention("Ada", "forbid a region", "dirt"),
    Intervention("Bob", "pause"),
    Alarm("the tip has crashed"),
)


@pytest.fixture
def view(qtbot: QtBot, selection: Selection) -> LogView:
    """A log that is seen."""
    view = LogView(selection, DARK)
    qtbot.addWidget(view)
    view.resize(700, 200)
    view.show()
    return view


def run_of(*events: Event) -> RunModel:
    """Return the model of a run that has told of these."""
    model = RunModel()
    model.take(made.numbered(list(events)))
    return model


def texts(view: LogView) -> list[str]:
    """Return what the lines that are shown say."""
    return [saying.text for saying in view.rows.shown]


def test_lines_are_let_through_by_their_weight(view: LogView) -> None:
    """Row 19: the log has a filter by weight."""
    view.show_run(run_of(*EVENTS), Part.ALL)
    assert len(texts(view)) == 5
    assert view.count.text() == "5 lines, 1 alarm"
    view.level.setCurrentText("alarms")
    assert texts(view) == ["the tip has crashed"]
    assert view.count.text() == "1 of 5 lines, 1 alarm"
    view.level.setCurrentText("news and worse")
    assert len(texts(view)) == 4


def test_lines_are_let_through_by_who_did_it_and_what_they_say(view: LogView) -> None:
    """Row 19: the log has a search, and tells who did what."""
    view.show_run(run_of(*EVENTS), Part.ALL)
    view.who.setCurrentText("Ada")
    assert texts(view) == ["forbid a region (dirt)"]
    view.who.setCurrentText(HUMANS)
    assert len(texts(view)) == 2
    view.who.setCurrentIndex(0)
    view.search.setText("TIP crash")
    assert texts(view) == ["the tip has crashed"]
    view.search.setText("bob")
    assert texts(view) == ["pause"]
    view.search.setText("nothing like this")
    assert view.count.text() == "0 of 5 lines, 1 alarm"


def test_the_end_is_followed_until_a_human_scrolls_up(view: LogView, qapp: QApplication) -> None:
    model = run_of(made.started(), *(Waited(float(n)) for n in range(200)))
    view.show_run(model, Part.ALL)
    qapp.processEvents()
    bar = view.table.verticalScrollBar()
    assert bar is not None
    assert bar.value() == bar.maximum() > 0
    model.take(made.numbered([Waited(1.0)] * 10, first=500))
    view.show_run(model, Part.SAYINGS)
    qapp.processEvents()
    assert bar.value() == bar.maximum()
    view.resize(700, 120)
    qapp.processEvents()
    assert bar.value() == bar.maximum()
    bar.setValue(20)
    model.take(made.numbered([Waited(1.0)] * 10, first=600))
    view.show_run(model, Part.SAYINGS)
    qapp.processEvents()
    assert bar.value() == 20


def test_the_log_is_saved_as_it_is_shown(view: LogView, tmp_path: Path, qtbot: QtBot) -> None:
    """Row 19: the log is saved to a file, with times in UTC."""
    view.show_run(run_of(*EVENTS), Part.ALL)
    view.level.setCurrentText("warnings and alarms")
    view.save_button.click()
    view.save_row.path.setText(str(tmp_path / "log.txt"))
    with qtbot.waitSignal(view.save_row.said):
        view.save_row.save_button.click()
    view.save_row.finish()
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert lines[0].split("\t")[1] == "instrument time (s)"
    assert lines[1:] == ["2027-01-15T08:00:04.000000Z\t4.000\tALARM\t\tthe tip has crashed"]


def test_chosen_lines_are_copied(view: LogView) -> None:
    view.show_run(run_of(*EVENTS), Part.ALL)
    rows = view.table.selectionModel()
    assert rows is not None
    flags = QItemSelectionModel.SelectionFlag
    rows.select(view.rows.index(4, 0), flags.ClearAndSelect | flags.Rows)
    view.copy()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text().endswith("ALARM\t\tthe tip has crashed\n")


def test_a_line_that_does_not_fit_is_shown_whole_when_it_is_chosen(view: LogView) -> None:
    long = "the tip has crashed since " + "it came too close to a step, " * 8
    view.show_run(run_of(made.started(), Alarm("short"), Alarm(long)), Part.ALL)
    view.table.selectRow(2)
    assert view.detail.isVisible()
    assert view.detail.text() == long
    view.table.selectRow(1)
    assert not view.detail.isVisible()
    view.table.selectRow(2)
    view.search.setText("short")
    assert not view.detail.isVisible()


def test_another_run_has_another_log(view: LogView) -> None:
    view.show_run(run_of(*EVENTS), Part.ALL)
    view.show_run(run_of(made.started()), Part.NOTHING)
    assert len(texts(view)) == 1
    assert view.who.findText("Ada") < 0


def test_what_came_unseen_is_there_when_the_log_is_seen(view: LogView) -> None:
    view.hide()
    view.show_run(run_of(*EVENTS), Part.ALL)
    assert not texts(view)
    view.show()
    assert len(texts(view)) == 5


def test_only_so_many_lines_are_kept_and_the_newest_are() -> None:
    """Row 19: the log of a night does not grow without end."""
    table = LogTable(DARK)
    table.take(_many(0, KEPT_SAYINGS))
    table.take(_many(10, KEPT_SAYINGS + 10))
    assert table.n_all == table.rowCount() == KEPT_SAYINGS
    assert table.shown[0].number == 10
    assert table.shown[-1].number == KEPT_SAYINGS + 9


def _many(first: int, last: int) -> list[Saying]:
    return [Saying(n, 1e9 + n, float(n), Weight.DETAIL, f"line {n}") for n in range(first, last)]
