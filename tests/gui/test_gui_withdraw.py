"""The red button: always there, waits for nothing, and says truly what came of it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QDialog, QLineEdit, QMenu, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from talking import HERE, LOOK, PATIENCE, MadeRun, run_view, until

from spm_auto.ear import FILE_NAME
from spm_auto.errors import ConnectionLost, NotConfirmed
from spm_auto.gui.common.theme import Theme
from spm_auto.gui.run.doors import EarDoor, Seen, press_ctrl_c
from spm_auto.gui.run.withdrawal import Stage, Withdrawal
from spm_auto.gui.status.withdraw import WithdrawButton
from spm_auto.instrument import InstrumentState

CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Bench:
    """A withdrawal, the run that it is pointed at, and the processes that were signalled."""

    def __init__(self, folder: Path) -> None:
        self.run = MadeRun()
        self.signalled: list[Seen] = []
        self.withdrawal = Withdrawal(
            "Ada", self.run.connect, self._signal, every=0.05, persistence=0.4
        )
        self.folder = folder

    def _signal(self, seen: Seen) -> str:
        self.signalled.append(seen)
        return ""

    @property
    def stage(self) -> Stage:
        return self.withdrawal.said.stage

    def ready(self) -> None:
        self.withdrawal.point_at(self.folder)
        until(lambda: self.stage is Stage.READY)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.run.gate.set()
    bench.withdrawal.close()
    until(lambda: not [t for t in threading.enumerate() if t.name in ("withdraw", "prepared")])


@pytest.fixture
def button(bench: Bench, qtbot: QtBot, theme: Theme) -> WithdrawButton:
    button = WithdrawButton(bench.withdrawal)
    qtbot.addWidget(button)
    button.show()
    return button


def test_withdraw_is_pressed_and_confirmed_in_words(
    bench: Bench, button: WithdrawButton, qtbot: QtBot
) -> None:
    """Row 14: the button withdraws, and says how long the confirmation took."""
    bench.ready()
    qtbot.mousePress(button.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.words.text().startswith("WITHDRAWN (confirmed after "))
    assert button.words.text().endswith(" ms)")
    assert button.words.property("role") == "good"
    assert bench.run.called("emergency_stop") == [(False,)]


def test_withdraw_is_acknowledged_within_200_ms(bench: Bench) -> None:
    bench.ready()
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    assert bench.withdrawal.said.seconds < 0.2


def test_without_an_answer_it_says_not_confirmed_yet_and_then_what_came(
    bench: Bench, button: WithdrawButton, qtbot: QtBot
) -> None:
    """Row 14: nothing is claimed before it is so."""
    bench.ready()
    bench.run.slow = {"emergency_stop"}
    button.press()
    assert button.words.text() == "withdrawing..."
    qtbot.waitUntil(lambda: button.words.text().startswith("NOT CONFIRMED YET"))
    assert "the controller's own button" in button.words.text()
    assert button.words.property("role") == "alarm"
    bench.run.gate.set()
    qtbot.waitUntil(lambda: button.words.text().startswith("WITHDRAWN (confirmed after "))


def test_an_instrument_that_does_not_say_so_is_not_confirmed(
    bench: Bench, button: WithdrawButton, qtbot: QtBot
) -> None:
    bench.ready()
    bench.run.error = NotConfirmed("the instrument does not answer")
    button.press()
    qtbot.waitUntil(lambda: button.words.text().startswith("NOT CONFIRMED - use the controller's"))
    assert "the instrument does not answer" in button.detail.full
    assert button.words.property("role") == "alarm"


def test_the_second_press_takes_the_hard_path_and_waits_for_nothing(bench: Bench) -> None:
    """Row 14: the first press hangs; the second goes by the last resort, then by signals."""
    bench.ready()
    bench.run.slow = {"emergency_stop"}
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.LATE)
    bench.withdrawal.press()
    until(lambda: bench.signalled)
    assert [each.process for each in bench.signalled] == [HERE]
    bench.run.gate.set()
    until(lambda: len(bench.run.called("emergency_stop")) == 2)
    assert sorted(bench.run.called("emergency_stop")) == [(False,), (True,)]
    until(lambda: bench.stage is Stage.CONFIRMED)


def test_a_double_click_is_one_press(bench: Bench) -> None:
    bench.ready()
    bench.run.slow = {"emergency_stop"}
    bench.withdrawal.press()
    bench.withdrawal.press()
    bench.run.gate.set()
    until(lambda: bench.stage is Stage.CONFIRMED)
    assert bench.run.called("emergency_stop") == [(False,)]
    assert not bench.signalled


def test_who_presses_again_at_once_does_not_undo_the_good_news(bench: Bench) -> None:
    bench.ready()
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    bench.withdrawal.press()
    assert bench.stage is Stage.CONFIRMED
    assert bench.run.called("emergency_stop") == [(False,)]


def test_who_presses_later_is_told_that_it_was_withdrawn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.run.withdrawal.CALM", 0.0)
    bench.ready()
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    bench.run.error = NotConfirmed("the instrument was closed")
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.FAILED)
    assert bench.withdrawal.said.detail.startswith("it was confirmed at ")


def test_withdraw_waits_for_no_other_call(bench: Bench) -> None:
    """Row 14: that the run answers nothing else, does not keep it from withdrawing."""
    bench.ready()
    bench.run.slow = {"state", "look", "perform"}
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    assert bench.withdrawal.said.seconds < 0.2


def test_its_connection_stands_before_it_is_needed(bench: Bench) -> None:
    bench.ready()
    before = bench.run.n_connected
    bench.run.is_there = False  # nobody could connect now
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    assert bench.run.n_connected == before


def test_it_reconnects_by_itself(bench: Bench) -> None:
    bench.ready()
    bench.run.is_lost = True
    until(lambda: bench.stage is Stage.NOTHING)
    assert bench.run.n_open == 0
    bench.run.is_lost = False
    until(lambda: bench.stage is Stage.READY)


def test_a_press_while_the_run_is_still_starting_reaches_it(bench: Bench) -> None:
    bench.run.is_there = False
    bench.withdrawal.point_at(bench.folder)
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.LATE)
    bench.run.is_there = True
    until(lambda: bench.stage is Stage.CONFIRMED)


def test_without_an_instrument_it_can_be_pressed_and_says_so(
    bench: Bench, button: WithdrawButton, qtbot: QtBot
) -> None:
    """Row 14: it is never disabled."""
    assert button.words.text() == "no instrument attached"
    assert button.button.isEnabled()
    qtbot.mousePress(button.button, Qt.MouseButton.LeftButton)
    assert button.words.text() == "no instrument is attached: nothing was withdrawn"


@pytest.mark.parametrize(
    ("key", "modifiers"),
    [(Qt.Key.Key_F12, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_W, CONTROL_SHIFT)],
)
def test_the_keys_work_in_a_field_of_another_window(
    bench: Bench,
    button: WithdrawButton,
    qtbot: QtBot,
    key: Qt.Key,
    modifiers: Qt.KeyboardModifier,
) -> None:
    """Row 14: F12 and Ctrl+Shift+W, wherever the keyboard is."""
    bench.ready()
    other = QWidget()
    qtbot.addWidget(other)
    field = QLineEdit(other)
    other.show()
    qtbot.keyClick(field, key, modifiers)
    until(lambda: bench.stage is Stage.CONFIRMED)
    assert field.text() == ""


def test_the_key_works_with_a_menu_open(bench: Bench, button: WithdrawButton, qtbot: QtBot) -> None:
    bench.ready()
    menu = QMenu(button)
    menu.addAction("something else")
    menu.popup(QPoint(0, 0))
    qtbot.keyClick(menu, Qt.Key.Key_F12)
    until(lambda: bench.stage is Stage.CONFIRMED)
    menu.close()


def test_the_key_works_behind_a_dialog_that_wants_an_answer(
    bench: Bench, button: WithdrawButton, qtbot: QtBot
) -> None:
    bench.ready()
    dialog = QDialog(button)
    dialog.setModal(True)
    field = QLineEdit()
    QVBoxLayout(dialog).addWidget(field)
    dialog.show()
    qtbot.keyClick(field, Qt.Key.Key_F12)
    until(lambda: bench.stage is Stage.CONFIRMED)
    dialog.close()


def test_other_keys_are_left_alone(bench: Bench, button: WithdrawButton, qtbot: QtBot) -> None:
    field = QLineEdit(button)
    qtbot.keyClicks(field, "W w")
    qtbot.keyClick(field, Qt.Key.Key_F11)
    assert field.text() == "W w"
    assert bench.stage is Stage.NOTHING


def test_it_is_ready_again_when_the_tip_is_at_the_sample_again(
    bench: Bench, button: WithdrawButton
) -> None:
    bench.ready()
    button.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    button.show_look(None)
    assert bench.stage is Stage.CONFIRMED
    button.show_look(LOOK)
    button.show_look(replace(LOOK))
    until(lambda: bench.stage is Stage.READY)


def test_what_was_looked_at_before_the_tip_was_up_does_not_take_the_confirmation_away(
    bench: Bench, button: WithdrawButton
) -> None:
    """Row 14: the last look of a run is at hand for ever, and one may have been under way."""
    bench.ready()
    button.show_look(LOOK)
    button.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    for _ in range(3):
        button.show_look(LOOK)
    button.show_look(replace(LOOK))
    assert bench.stage is Stage.CONFIRMED
    button.show_look(replace(LOOK))
    until(lambda: bench.stage is Stage.READY)


def test_a_run_that_may_not_be_spoken_to_is_told_from_none(bench: Bench) -> None:
    bench.run.is_there = False
    (bench.folder / FILE_NAME).write_text("others may read this")
    bench.withdrawal.point_at(bench.folder)
    until(lambda: bench.withdrawal.said.words == "no instrument can be reached")
    assert "no run listens here" in bench.withdrawal.said.detail


def test_a_window_that_went_away_takes_its_connections_with_it(bench: Bench) -> None:
    bench.ready()
    bench.withdrawal.close()
    until(lambda: bench.run.n_open == 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_signals_reach_a_process_one_by_one() -> None:
    script = (
        "import signal, sys, threading\n"
        "n = []\n"
        "signal.signal(signal.SIGINT, lambda *_: n.append(1))\n"
        "print('up', flush=True)\n"
        "while len(n) < 3: threading.Event().wait(0.01)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        run = MadeRun(view=run_view(process=child.pid))
        seen = EarDoor(run.connect(Path(), "Ada")).check()
        assert seen is not None
        assert press_ctrl_c(seen) == ""
        assert child.wait(PATIENCE) == 0
    assert "is gone" in press_ctrl_c(seen)  # by now nobody has that number, or somebody else
    assert "is gone" in press_ctrl_c(Seen(os.getpid(), "another"))


def test_whatever_is_said_the_button_stays_where_it_is(
    bench: Bench, button: WithdrawButton, qtbot: QtBot
) -> None:
    button.resize(500, button.height())
    before = button.button.geometry()
    bench.ready()
    bench.run.error = NotConfirmed("the instrument does not answer " * 20)
    button.press()
    qtbot.waitUntil(lambda: button.words.text().startswith("NOT CONFIRMED - use the controller's"))
    assert button.button.geometry() == before


def test_a_run_that_died_is_said_to_be_so(bench: Bench, button: WithdrawButton) -> None:
    bench.ready()
    bench.run.error = ConnectionLost("the run's process has died")
    bench.run.is_there = False
    button.press()
    until(lambda: bench.stage is Stage.FAILED)
    assert "no run listens here" in bench.withdrawal.said.detail
    assert bench.withdrawal.said.words.startswith("NOT CONFIRMED - ")


def test_whatever_goes_wrong_it_is_said_and_tried_again(bench: Bench) -> None:
    """Row 14: no thread that withdraws, or keeps a connection, may end without a word."""
    bench.ready()
    bench.run.surprise = OSError("too many open files")
    until(lambda: bench.stage is Stage.NOTHING)
    assert bench.withdrawal.said.detail == "OSError: too many open files"
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.FAILED)
    assert "the run: OSError: too many open files" in bench.withdrawal.said.detail
    bench.run.surprise = None
    bench.withdrawal.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    assert bench.withdrawal.said.seconds < 0.35  # since it was pressed again; the first took 0.4 s


@pytest.mark.parametrize("state", [InstrumentState.LOST, InstrumentState.CLOSED])
def test_what_an_instrument_was_before_it_was_let_go_of_takes_no_confirmation_away(
    bench: Bench, button: WithdrawButton, state: InstrumentState
) -> None:
    """Row 14: one that was closed, or does not answer, tells what was so before."""
    bench.ready()
    button.press()
    until(lambda: bench.stage is Stage.CONFIRMED)
    for _ in range(3):
        button.show_look(replace(LOOK, status=replace(LOOK.status, state=state)))
    assert bench.stage is Stage.CONFIRMED


def test_who_closes_the_window_at_once_has_withdrawn_all_the_same(bench: Bench) -> None:
    """Row 14: the end of the program would take its threads with it."""
    bench.ready()
    bench.run.slow = {"emergency_stop"}
    bench.withdrawal.press()
    threading.Timer(0.05, bench.run.gate.set).start()
    bench.withdrawal.close()
    assert bench.run.called("emergency_stop") == [(False,)]
