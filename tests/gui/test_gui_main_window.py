"""The window as a whole: what it shows, keeps and survives. The run behind it is a pretence."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made import numbered, run_events, scan_events, started
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDockWidget,
    QMenu,
    QTabWidget,
    QToolBar,
    QWidget,
)
from talking import LOOK, MadeRun, MadeTalker, run_view, until

from spm_auto.data import FILE_NAME, Event, FinishReason, Journal, RunFinished
from spm_auto.errors import RecipeError, SpmError
from spm_auto.gui.application import Hook, run_folder, window_settings
from spm_auto.gui.by_hand.where import HERE
from spm_auto.gui.common.theme import DARK, Theme
from spm_auto.gui.layout import first_size
from spm_auto.gui.main_window import MainWindow
from spm_auto.gui.menus import KEYS
from spm_auto.gui.run.run_model import Part
from spm_auto.gui.run.session import Session
from spm_auto.gui.run.wishes import Pause, Perform
from spm_auto.instrument import PositionProbe
from spm_auto.workflow import Ask, Question

NOBODY = (sys.executable, "-c", "raise SystemExit(3)")  # says nothing, and makes no plan
BY_HAND = Question(1, Ask("by_hand", "What shall be done by hand?", {"instructions": ""}))
Opened = Callable[["Switch"], MainWindow]


def write(folder: Path, events: list[Event]) -> None:
    """Write the journal of a run."""
    folder.mkdir(exist_ok=True)
    with Journal(folder / FILE_NAME, time.monotonic) as journal:
        for record in numbered(events):
            journal.append(record.event)


@pytest.fixture
def run() -> MadeRun:
    return MadeRun()


class Switch:
    """Connects to whichever run is pretended just now."""

    run = MadeRun()

    def connect(self, folder: Path, who: str) -> MadeTalker:
        return self.run.connect(folder, who)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, dressed: Theme) -> Iterator[Opened]:
    """Open windows, and close them when all tests are done: opening one takes a second."""
    home = tmp_path_factory.mktemp("window")
    made: list[MainWindow] = []

    def window(switch: Switch) -> MainWindow:
        session = Session("Ada", home / "runs", switch.connect, NOBODY)
        made.append(MainWindow(session, DARK, window_settings(home / "window.ini")))
        made[-1].resize(1600, 960)  # the screen that is pretended is small
        made[-1].show()
        return made[-1]

    yield window
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def switch() -> Switch:
    return Switch()


@pytest.fixture(scope="module")
def shared(opened: Opened, switch: Switch) -> MainWindow:
    return opened(switch)


@pytest.fixture
def window(shared: MainWindow, switch: Switch, run: MadeRun) -> Iterator[MainWindow]:
    """Give the window that all tests share, with nothing attached."""
    switch.run = run
    yield shared
    shared.detach()
    shared.layout_.show_microscope()
    until(lambda: run.n_open == 0)


def shows(window: MainWindow, happens: Callable[[], object]) -> None:
    """Tick until something is so."""

    def ticked() -> object:
        window.tick()
        return happens()

    until(ticked)


def test_a_run_is_shown_from_its_journal_in_every_view(window: MainWindow, tmp_path: Path) -> None:
    write(tmp_path / "run", run_events(4, is_over=False))
    window.attach(tmp_path / "run")
    parts, session = window.parts, window.session
    shows(window, lambda: session.view and session.look and not session.is_behind)
    assert parts.image.scan is not None
    assert parts.image.scan.is_complete
    assert parts.log.rows.n_all > 5
    assert "a made run" in parts.controls.title.text()
    assert window.windowTitle() == "spm_auto - run"


def test_a_hidden_view_is_told_all_that_it_missed_once_it_is_seen(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Part] = []
    window.attach(tmp_path / "run")
    monkeypatch.setattr(window.parts.agent, "show_run", lambda _, part: told.append(part))
    write(tmp_path / "run", run_events(3, is_over=False))
    shows(window, lambda: window.session.model.n_fits == 3)
    assert not told
    window.layout_.show_agent()
    window.tick()
    assert Part.FIT | Part.CHOICE | Part.SPECTRA in told[0]


def test_row_14_withdraw_stands_in_a_bar_that_is_no_dock_and_cannot_be_hidden(
    window: MainWindow,
) -> None:
    button = window.parts.withdraw
    above: list[QWidget] = []
    widget: QWidget | None = button
    while widget is not None:
        above.append(widget)
        widget = widget.parentWidget()
    assert not any(isinstance(each, QDockWidget) for each in above)
    bar = next(each for each in above if isinstance(each, QToolBar))
    toggle = bar.toggleViewAction()
    assert not bar.isMovable()
    assert not bar.isFloatable()
    assert toggle is not None
    assert not toggle.isVisible()


def test_row_14_withdraw_works_while_the_run_asks_and_while_nothing_is_attached(
    window: MainWindow, tmp_path: Path, run: MadeRun
) -> None:
    assert window.parts.withdraw.button.isEnabled()
    write(tmp_path / "run", [started(), *scan_events(n_lines=3)])
    run.view = run_view(question=BY_HAND, state="paused")
    window.attach(tmp_path / "run")
    shows(window, lambda: run.n_open >= 3)  # wishes, looks, and one for this alone
    window.parts.withdraw.button.pressed.emit()
    until(lambda: run.called("emergency_stop"))


def test_row_12_work_by_hand_is_possible_only_while_the_run_waits_for_it(
    window: MainWindow, tmp_path: Path, run: MadeRun
) -> None:
    write(tmp_path / "run", run_events(1, is_over=False))
    assert window._readiness()[0] is False
    window.attach(tmp_path / "run")
    shows(window, lambda: window.session.view is not None)
    assert window._readiness() == (False, "the run is busy with explore")
    run.view = run_view(question=BY_HAND, state="paused")
    shows(window, lambda: window._readiness() == (True, ""))
    window.session.wish(Perform((PositionProbe(0.0, 0.0),)))
    assert window._readiness() == (False, "what was begun by hand goes on")
    run.view = run_view(question=replace(BY_HAND, number=2), state="paused")
    shows(window, lambda: window._readiness() == (True, ""))


def test_row_14_after_a_withdrawal_status_and_panels_say_what_is_so_and_what_to_do(
    window: MainWindow, tmp_path: Path, run: MadeRun
) -> None:
    write(tmp_path / "run", [started(), *scan_events(n_lines=3)])
    run.view = run_view(question=BY_HAND, state="paused")
    window.attach(tmp_path / "run")
    shows(window, lambda: window._readiness()[0])
    window.parts.withdraw.press()
    until(lambda: window.session.tip)
    assert window._readiness()[0]  # as after somebody else has resumed the run
    run.view = run_view(state="stopping")
    shows(window, lambda: not window._readiness()[0])
    window.tick()
    assert window.parts.parameters.scan.why.text() == f"tip: {window.session.tip}; the run ends"
    ended = RunFinished(FinishReason.EMERGENCY, "the run was stopped")
    window.session.model.take(numbered([ended]))
    run.is_there, run.is_lost = False, True  # its process ends, too
    shows(window, lambda: window.session.look is None)
    assert window.parts.status.cells["tip"].value.full == window.session.tip
    assert window.session.tip.startswith("withdrawn, confirmed at ")
    assert "press: Resume after the emergency" in window.parts.parameters.scan.why.text()


def test_a_wish_of_a_view_reaches_the_run_and_a_refusal_is_told_in_words(
    window: MainWindow, tmp_path: Path, run: MadeRun
) -> None:
    write(tmp_path / "run", run_events(1, is_over=False))
    window.attach(tmp_path / "run")
    window.parts.controls.wished.emit(Pause("a train passes"))
    until(lambda: run.called("pause"))
    run.error = RecipeError("x of 9 um is outside -5 um to 5 um")
    window.parts.range.wished.emit(Perform((PositionProbe(9e-6, 0.0),)))
    shows(window, lambda: "outside" in window.parts.log.rows.shown[-1].text)
    bar = window.statusBar()
    assert bar is not None
    assert "refused: x of 9 um" in bar.currentMessage()


def test_row_23_what_the_instrument_reads_back_is_shown_as_soon_as_it_is_attached(
    window: MainWindow, tmp_path: Path
) -> None:
    write(tmp_path / "run", run_events(1, is_over=False))
    window.attach(tmp_path / "run")
    shows(window, lambda: window.session.look is LOOK and window.session.about is not None)
    assert window.parts.range.tip == LOOK.status.position


def test_a_fault_in_a_slot_is_told_and_the_window_goes_on(
    window: MainWindow, tmp_path: Path
) -> None:
    write(tmp_path / "run", run_events(1, is_over=False))
    window.attach(tmp_path / "run")
    try:
        raise ZeroDivisionError("in a slot")
    except ZeroDivisionError as error:
        Hook(window)(type(error), error, error.__traceback__)
    said = window.parts.log.rows.shown[-1].text
    assert "fault of this window" in said
    assert "in a slot" in said
    shows(window, lambda: window.session.view is not None)


def test_a_fault_in_one_part_keeps_the_others_from_nothing(
    window: MainWindow, tmp_path: Path, run: MadeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown of the instrument is never old because something else is at fault."""

    def faulty(*_: object) -> None:
        raise ZeroDivisionError("in a view")

    write(tmp_path / "run", run_events(1, is_over=False))
    window.attach(tmp_path / "run")
    shows(window, lambda: window.session.look)
    window._timer.stop()  # whose faults are the test's
    run.look = replace(LOOK, status=replace(LOOK.status, bias=-2.5))

    def is_shown() -> bool:
        with pytest.raises(ZeroDivisionError):
            window.tick()
        return window.parts.status.cells["bias"].value.full == "-2.5 V"

    with monkeypatch.context() as patch:
        patch.setattr(window.parts.range, "show_look", faulty)
        patch.setattr(window.parts.image, "show_run", faulty)
        patch.setattr(window.session, "_read", faulty)
        window._owed = dict.fromkeys(window.parts.views, Part.ALL)
        until(is_shown)
    window._timer.start()


def test_a_fault_that_comes_at_every_tick_is_told_once_a_minute(window: MainWindow) -> None:
    now = 0.0
    hook = Hook(window, lambda: now)
    before = window.parts.log.rows.n_all
    for now in (0.0, 0.1, 30.0, 61.0):  # noqa: B007 - the hook sees it
        hook(ZeroDivisionError, ZeroDivisionError("in a slot"), None)
    assert window.parts.log.rows.n_all == before + 2


def test_row_21_the_layout_is_kept_and_closing_leaves_the_run_alone(
    opened: Opened, switch: Switch, run: MadeRun, tmp_path: Path
) -> None:
    switch.run = run
    write(tmp_path / "run", run_events(1, is_over=False))
    first = opened(switch)
    first.attach(tmp_path / "run")
    shows(first, lambda: first.session.view is not None)
    first.layout_.docks["history"].close()
    first.close()
    assert run.calls == []
    until(lambda: run.n_open == 0)
    second = opened(switch)
    assert second.layout_.docks["history"].isHidden()
    assert not second.layout_.docks["log"].isHidden()
    second.layout_.reset()
    assert not second.layout_.docks["history"].isHidden()
    second.close()


def test_the_theme_changes_everywhere_at_once(window: MainWindow) -> None:
    window.set_theme("light")
    assert {view.theme.name for view in window.parts.views} == {"light"}
    window.set_theme(DARK.name)


def test_no_key_has_two_meanings(window: MainWindow) -> None:
    """Also not the underlined letters, nor a key of one part and one of the whole window."""
    keys = [a.shortcut().toString() for a in window.findChildren(QAction)]
    keys += [b.shortcut().toString() for b in window.findChildren(QAbstractButton)]
    for tabs in window.findChildren(QTabWidget):
        titles = map(tabs.tabText, range(tabs.count()))
        keys += [QKeySequence.mnemonic(title).toString() for title in titles]
    keys += [QKeySequence.mnemonic(m.title()).toString() for m in window.findChildren(QMenu)]
    of_parts: set[str] = set()
    for shortcut in window.findChildren(QShortcut):
        own = set(map(QKeySequence.toString, shortcut.keys())) - {""}
        is_of_all = shortcut.context() == Qt.ShortcutContext.WindowShortcut
        keys += own if is_of_all else ()
        of_parts |= set() if is_of_all else own
    counted = Counter(filter(None, keys))
    assert not {key for key, count in counted.items() if count > 1}
    assert not of_parts & set(counted)


def test_places_that_were_clicked_in_one_run_are_forgotten_in_the_next(
    window: MainWindow, tmp_path: Path
) -> None:
    """A tip that is sent to a place of the run before could crash."""
    write(tmp_path / "first", run_events(4, is_over=False))
    write(tmp_path / "second", [started(), *scan_events(n_lines=3)])
    window.attach(tmp_path / "first")
    shows(window, lambda: window.session.model.n_fits == 4)
    parts, selection = window.parts, window.selection
    selection.place_chosen.emit(1e-7, -2e-7)
    selection.spectra_chosen.emit((1, 2))
    selection.cursor_moved.emit(1e-7, -2e-7)
    selection.pattern_drawn.emit(((0.0, 0.0), (1e-7, 0.0)))
    selection.place_chosen.emit(1e-7, -2e-7)
    parts.parameters.show_answer("refused: x is outside")
    assert parts.range.send.isEnabled()
    assert not parts.profile.newest.isChecked()
    window.attach(tmp_path / "second")
    shows(window, lambda: window.session.model.scans)
    assert not parts.range.send.isEnabled()
    assert parts.range.place is None
    assert parts.image.picture.place.place is None
    assert parts.image.picture.spectra.chosen == ()
    assert parts.image.tools.places == ()
    assert parts.image.readout.text() == " "
    assert parts.profile.newest.isChecked()
    assert parts.agent.readout.text() == ""
    assert parts.parameters.answer.isHidden()
    for panel in (parts.parameters.spectrum, parts.parameters.tip):
        assert panel.where.choice == HERE
        assert all(not field.text() for field in panel.where.fields)


def test_on_a_screen_that_is_small_the_window_lies_with_its_withdraw_button(
    window: MainWindow,
) -> None:
    screen = window.screen()
    assert screen is not None
    size, room = first_size(screen), screen.availableGeometry().size()
    assert size == size.boundedTo(room)


def test_the_keys_that_the_window_tells_are_those_of_the_page() -> None:
    page = Path(__file__).parents[2] / "docs" / "operator.md"
    rows = page.read_text(encoding="utf-8").partition("## Keys")[2].splitlines()
    told = [row.split("|")[1].strip() for row in rows if row.startswith("|")][2:]
    assert told == [line.partition("\t")[0] for line in KEYS.splitlines()]


def test_all_parts_fit_on_a_small_screen(window: MainWindow) -> None:
    least = window.minimumSizeHint()
    assert least.width() <= 1366
    assert least.height() <= 768 - 40  # a bar of the desktop stands below


def test_at_its_first_size_the_window_shows_what_ends_work_by_hand(window: MainWindow) -> None:
    window.resize(1600, 960)
    window.layout_.reset()
    QApplication.processEvents()
    button = window.parts.parameters.interrupt
    assert button.visibleRegion().boundingRect() == button.rect()


def test_what_is_pressed_often_can_be_found_by_its_name(window: MainWindow) -> None:
    names = {each.accessibleName() for each in window.findChildren(QAbstractButton)}
    assert {"WITHDRAW the tip", "Pause", "Go on", "Stop"} <= names


def test_a_run_is_named_by_its_folder_or_by_a_file_in_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write(run, [started()])
    (run / "run.h5").touch()
    for path in (run, run / "run.h5", run / FILE_NAME):
        assert run_folder(path, is_over=True) == run
    (tmp_path / "later").mkdir()
    assert run_folder(tmp_path / "later", is_over=False) == tmp_path / "later"
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path, tmp_path / "typo", tmp_path / "notes.txt"):
        with pytest.raises(SpmError, match=r"there is no (run here|folder)"):
            run_folder(path, is_over=True)
