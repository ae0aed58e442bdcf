"""The window as a whole: what it shows, keeps and survives. The run behind it is a pretence."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made import numbered, run_events, scan_events, started
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QShortcut
from PyQt6.QtWidgets import QAbstractButton, QDockWidget, QToolBar, QWidget
from talking import LOOK, MadeRun, MadeTalker, run_view, until

from spm_auto.data import FILE_NAME, Event, Journal
from spm_auto.errors import RecipeError
from spm_auto.gui.application import Hook, window_settings
from spm_auto.gui.common.theme import DARK, Theme
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
    shows(window, lambda: window.session.view is not None and window.session.look is not None)
    parts = window.parts
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
    keys = [a.shortcut().toString() for a in window.findChildren(QAction) if a.shortcut()]
    keys += [b.shortcut().toString() for b in window.findChildren(QAbstractButton)]
    keys += _shortcuts(window, Qt.ShortcutContext.WindowShortcut)
    twice = {key for key, count in Counter(filter(None, keys)).items() if count > 1}
    assert not set(keys) & set(_shortcuts(window, Qt.ShortcutContext.WidgetWithChildrenShortcut))
    mnemonics = {key for key in twice if key.startswith("Alt+")}  # those cycle
    assert twice <= mnemonics


def test_the_keys_that_the_window_tells_are_those_of_the_page() -> None:
    page = Path(__file__).parents[2] / "docs" / "operator.md"
    rows = page.read_text(encoding="utf-8").partition("## Keys")[2].splitlines()
    told = [row.split("|")[1].strip() for row in rows if row.startswith("|")][2:]
    assert told == [line.partition("\t")[0] for line in KEYS.splitlines()]


def _shortcuts(window: MainWindow, context: Qt.ShortcutContext) -> list[str]:
    """Return the keys of a window that are neither a menu's nor a button's."""
    found = [each for each in window.findChildren(QShortcut) if each.context() == context]
    return [each.key().toString() for each in found]


def test_all_parts_fit_on_a_small_screen(window: MainWindow) -> None:
    least = window.minimumSizeHint()
    assert least.width() <= 1366
    assert least.height() <= 768 - 40  # a bar of the desktop stands below


def test_at_its_first_size_the_window_shows_what_ends_work_by_hand(window: MainWindow) -> None:
    window.layout_.settle()
    button = window.parts.parameters.interrupt
    assert button.visibleRegion().boundingRect() == button.rect()


def test_what_is_pressed_often_can_be_found_by_its_name(window: MainWindow) -> None:
    names = {each.accessibleName() for each in window.findChildren(QAbstractButton)}
    assert {"WITHDRAW the tip", "Pause", "Go on", "Stop"} <= names
