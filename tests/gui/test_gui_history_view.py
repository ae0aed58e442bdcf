"""HistoryView: scans of this run and runs of the folder; what was done can be done again."""

import json
import os
import sys
from pathlib import Path

import made
import made_curves
import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.data import FILE_NAME, Event, FinishReason, Journal, RunFinished
from spm_auto.ear import Place
from spm_auto.ear.place import write_place
from spm_auto.errors import DataError
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK
from spm_auto.gui.common.two_parts import TwoParts
from spm_auto.gui.history.history_view import HistoryView
from spm_auto.gui.history.rereading import Rereading, reread
from spm_auto.gui.history.run_lister import RunLister
from spm_auto.gui.history.run_summaries import GOES_ON, NO_END, summarise, tell
from spm_auto.gui.history.scan_icons import SIZE, thumbnail
from spm_auto.gui.history.scan_list import words_of
from spm_auto.gui.run.run_model import KEPT_SCANS, Part, RunModel
from spm_auto.instrument import Scan, ScanFrame

SMALL = ScanFrame(center=(0.0, 0.0), size=(1e-6, 5e-7), pixels=(16, 8))
LONG_AGO = 1.8e9


@pytest.fixture
def view(qtbot: QtBot, selection: Selection) -> HistoryView:
    """A history that is seen."""
    view = HistoryView(selection, DARK)
    qtbot.addWidget(view)
    view.show()
    return view


def write_run(folder: Path, *events: Event, utc: float = LONG_AGO) -> Path:
    """Write the journal of a run."""
    ticks = iter(range(10**6))
    with Journal(folder / FILE_NAME, now=lambda: float(next(ticks)), utc=lambda: utc) as journal:
        for event in (made.started(), *events):
            journal.append(event)
    return folder


def run_of(*events: Event) -> RunModel:
    """Return the model of a run that has told of these."""
    model = RunModel()
    model.take(made.numbered([made.started(), *events]))
    return model


def two_scans() -> RunModel:
    """Return a run with one scan that is complete, and one that goes on."""
    return run_of(*made.scan_events(SMALL), *made.scan_events(SMALL, n_lines=3))


def test_scans_are_listed_with_picture_frame_and_time_the_newest_first(view: HistoryView) -> None:
    """Row 11: the history shows the scans of this run, and which one is which."""
    model = two_scans()
    view.show_run(model, Part.ALL)
    assert view.scans.rowCount() == 2
    first = words_of(view.scans.scan(1))
    assert first.startswith("1  overview, ")
    assert "1 um x 500 nm\n16 x 8 pixels, 1 Hz\ncomplete" in first
    assert words_of(view.scans.scan(0)).endswith("\nline 3 of 8; height, amplitude, phase")
    assert view.scans.picture(0) is not None
    model.take(made.numbered([RunFinished(FinishReason.CANCELLED)], first=90))
    view.show_run(model, Part.RUN)
    assert "broken off after 3 of 8 lines; height," in words_of(view.scans.scan(0))


def test_scans_of_a_run_that_is_opened_late_have_a_picture_too(view: HistoryView) -> None:
    """Row 11: an image that the model has let go of is still known by its picture."""
    model = run_of(*(e for _ in range(KEPT_SCANS + 2) for e in made.scan_events(SMALL)))
    assert model.scans[0].forward is None
    view.show_run(model, Part.ALL)
    pictures = [view.scans.picture(index) for index in (0, KEPT_SCANS + 1)]
    images = [p.pixmap(SIZE, SIZE).toImage() for p in pictures if p is not None]
    assert images[0] == images[1]


def test_a_scan_that_is_chosen_is_shown_by_all_views_until_the_run_is_followed(
    view: HistoryView, selection: Selection, qtbot: QtBot
) -> None:
    view.show_run(two_scans(), Part.ALL)
    assert not view.use.isEnabled()
    with qtbot.waitSignal(selection.scan_chosen) as chosen:
        view.scan_list.setCurrentIndex(view.scans.index(1, 0))
    assert chosen.args == [0]
    assert view.use.isEnabled()
    with qtbot.waitSignal(selection.scan_chosen) as followed:
        view.follow.click()
    assert followed.args == [-1]
    assert not view.use.isEnabled()
    selection.scan_chosen.emit(1)
    assert view.scan_list.currentIndex().row() == 0


def test_the_settings_of_a_scan_are_used_again(
    view: HistoryView, selection: Selection, qtbot: QtBot
) -> None:
    """Row 11: frame, line rate and channels of a scan go back into the panels."""
    model = two_scans()
    view.show_run(model, Part.ALL)
    selection.scan_chosen.emit(0)
    with qtbot.waitSignals([selection.frame_proposed, selection.settings_recalled]):
        view.use.click()
    assert selection.frame == SMALL
    recalled: list[Scan] = []
    selection.settings_recalled.connect(recalled.append)
    view.use.click()
    assert recalled == [model.scans[0].started.instruction]


def test_scans_and_runs_are_arranged_as_there_is_room(
    view: HistoryView, qapp: QApplication
) -> None:
    (parts,) = view.findChildren(TwoParts)
    seen = {}
    for name, size in (("wide", (900, 200)), ("small", (400, 190)), ("high", (400, 600))):
        view.resize(*size)
        qapp.processEvents()
        seen[name] = (parts.is_tabbed, view.scan_list.isVisible(), view.run_table.isVisible())
    assert seen == {
        "wide": (False, True, True),
        "small": (True, True, False),
        "high": (False, True, True),
    }


def test_a_picture_has_the_shape_of_its_frame_and_nothing_where_nothing_is_known() -> None:
    image = np.full((8, 16), np.nan)
    image[:4] = np.arange(16.0)
    picture = thumbnail(image, SMALL.size)
    assert (picture.width(), picture.height()) == (SIZE, SIZE)
    middle = SIZE // 2
    assert picture.pixelColor(middle, middle + SIZE // 8).alpha() == 255  # line 0 is below
    assert picture.pixelColor(middle, middle - SIZE // 8).alpha() == 0
    assert picture.pixelColor(middle, 2).alpha() == 0


def test_runs_are_told_with_their_end_and_best_the_newest_first(tmp_path: Path) -> None:
    """Row 11: the runs of the folder: title, time, how each ended, and its best."""
    names = ("a", "b", "c", "d")
    over = RunFinished(FinishReason.FAILED, "no tip")
    write_run(tmp_path / "a", *made.run_events(3)[1:])
    write_run(tmp_path / "b", *made_curves.loops(1), over)
    write_run(tmp_path / "c")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / FILE_NAME).write_bytes(b"this is no journal of ours")
    (tmp_path / "empty").mkdir()
    for at, name in enumerate(names):
        os.utime(tmp_path / name / FILE_NAME, (1e9 + at, 1e9 + at))
    told = [json.loads(line) for line in tell(tmp_path, {}, LONG_AGO + 10.0)]
    assert told[0] == {"runs": [str(tmp_path / name) for name in reversed(names)], "n_all": 4}
    bad, fresh, failed, good = (each["summary"] for each in told[1:])
    assert "is no journal of spm_auto" in bad["error"]
    assert fresh["ended"] == GOES_ON
    assert (failed["ended"], failed["message"], failed["n_spectra"]) == ("failed", "no tip", 1)
    assert (good["title"], good["ended"], good["best"]) == ("a made run", "completed", "1.24 V")
    assert good["n_scans"] == 1
    known = {each["path"]: each["summary"]["stamp"] for each in told[1:]}
    assert len(list(tell(tmp_path, known, LONG_AGO))) == 1
    late = summarise(tmp_path / "c", "", LONG_AGO + 1000.0)
    assert late.ended == NO_END


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that only looks")
def test_a_run_that_is_silent_goes_on_while_its_process_is_there(tmp_path: Path) -> None:
    write_run(tmp_path)
    write_place(tmp_path, Place("tcp://x", "p", "c", "s", process=os.getpid()))
    assert summarise(tmp_path, "", LONG_AGO + 1000.0).ended == GOES_ON
    write_place(tmp_path, Place("tcp://x", "p", "c", "s", process=2**22 + 1))
    assert summarise(tmp_path, "", LONG_AGO + 1000.0).ended == NO_END


def test_a_folder_that_is_not_there_yet_holds_no_runs(tmp_path: Path) -> None:
    (line,) = tell(tmp_path / "nowhere", {}, 0.0)
    assert json.loads(line) == {"runs": [], "n_all": 0}


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (line,) = tell(tmp_path / "file", {}, 0.0)
    assert "file: " in json.loads(line)["error"]


def test_a_run_of_the_folder_is_opened(view: HistoryView, tmp_path: Path, qtbot: QtBot) -> None:
    """Row 11: the folder is looked through by another process, and a run of it opened."""
    run = write_run(tmp_path / "night", RunFinished(FinishReason.COMPLETED))
    with qtbot.waitSignal(view.lister.ended, timeout=30_000):
        view.set_runs_folder(tmp_path)
    assert view.words.text() == f"1 run in {tmp_path}"
    texts = [view.runs.data(view.runs.index(0, column)) for column in range(1, 4)]
    assert texts == ["a made run", "completed", ""]
    assert view.runs.data(view.runs.index(0, 1), Qt.ItemDataRole.FontRole) is None
    view.set_run_folder(run)
    assert view.runs.data(view.runs.index(0, 1), Qt.ItemDataRole.FontRole).bold()
    view.run_table.setCurrentIndex(view.runs.index(0, 0))
    with qtbot.waitSignal(view.run_opened) as opened:
        view.open.click()
    assert opened.args == [run]


def test_a_process_that_says_nothing_is_given_up(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.history.run_lister.PATIENCE", 1)
    lister = RunLister()
    with qtbot.waitSignal(lister.ended, timeout=10_000):
        lister.look(tmp_path)
    assert "nothing was heard for 0.0 s" in lister.error
    assert not lister.is_busy


def test_a_process_that_dies_is_said(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.history.run_lister.CHILD", "spm_auto.gui.not_there")
    lister = RunLister()
    with qtbot.waitSignal(lister.ended, timeout=30_000):
        lister.look(tmp_path)
    assert "could not be looked through" in lister.error
    assert "not_there" in lister.error
    assert not lister.is_busy


def test_a_scan_that_was_let_go_of_is_read_again_from_the_journal(
    selection: Selection, tmp_path: Path, qtbot: QtBot
) -> None:
    """Row 11: old scans can be looked at; their images are read again when they are chosen."""
    scans = [event for _ in range(KEPT_SCANS + 2) for event in made.scan_events(SMALL)]
    write_run(tmp_path, *scans)
    model = run_of(*scans)
    assert model.scans[0].forward is None
    rereading = Rereading(selection)
    rereading.watch(model, tmp_path / FILE_NAME)
    with qtbot.waitSignal(rereading.put_back) as back:
        selection.scan_chosen.emit(0)
    assert back.args == [0]
    image, newest = model.scans[0].image(), model.scans[-1].image()
    assert image is not None
    assert newest is not None
    assert np.array_equal(image.forward, newest.forward)
    assert np.array_equal(image.backward, newest.backward)
    with qtbot.waitSignal(rereading.put_back):
        selection.scan_chosen.emit(1)
    assert model.scans[0].forward is None  # one at a time is held beside the newest ones
    rereading.finish()


def test_a_scan_that_is_not_in_the_journal_is_said(
    view: HistoryView, selection: Selection, tmp_path: Path, qtbot: QtBot
) -> None:
    write_run(tmp_path)
    with pytest.raises(DataError, match="there is no scan 3, only 0"):
        reread(tmp_path / FILE_NAME, 2)
    model = run_of(*(e for _ in range(KEPT_SCANS + 1) for e in made.scan_events(SMALL)))
    view.show_run(model, Part.ALL)
    view.set_run_folder(tmp_path)
    selection.scan_chosen.emit(0)
    qtbot.waitUntil(lambda: bool(view.fault.text()))
    assert view.fault.text().startswith("scan 1 cannot be shown: ")
    assert "there is no scan 1, only 0" in view.fault.text()
    selection.scan_chosen.emit(-1)
    assert not view.fault.text()
