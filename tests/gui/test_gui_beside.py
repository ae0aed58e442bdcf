"""Beside: work in threads of its own; what comes of it is told in Qt's thread, good or bad."""

import threading

import pytest
from pytestqt.qtbot import QtBot

from spm_auto.errors import DataError
from spm_auto.gui.common.beside import Beside


@pytest.fixture
def beside() -> Beside:
    """Something that works beside."""
    return Beside()


def test_work_is_done_elsewhere_and_told_here(beside: Beside, qtbot: QtBot) -> None:
    threads: list[threading.Thread] = []
    beside.done.connect(lambda *_: threads.append(threading.current_thread()))
    with qtbot.waitSignal(beside.done) as done:
        beside.do("sum", lambda: (1 + 1, threading.current_thread()))
    assert done.args is not None
    what, (result, worker) = done.args
    assert (what, result) == ("sum", 2)
    assert worker is not threading.main_thread()
    assert threads == [threading.main_thread()]
    beside.close()
    assert not beside.is_busy


def _refuse() -> None:
    raise DataError("the disk is full")


def _break() -> None:
    raise PermissionError(13, "Permission denied", "/root/x")


@pytest.mark.parametrize(
    ("work", "words"),
    [(_refuse, "the disk is full"), (_break, "/root/x: Permission denied")],
)
def test_what_goes_wrong_is_told_in_words(
    beside: Beside, qtbot: QtBot, work: object, words: str
) -> None:
    assert callable(work)
    with qtbot.waitSignal(beside.failed) as failed:
        beside.do("it", work)
    assert failed.args == ["it", words]
    beside.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_program_leaves_nobody_waiting(beside: Beside, qtbot: QtBot) -> None:
    with qtbot.waitSignal(beside.failed) as failed:
        beside.do("it", lambda: {}["missing"])
    assert failed.args == ["it", "a fault of this program"]
    beside.close()
