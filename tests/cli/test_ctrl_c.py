"""Ctrl-C: once cancels in order, twice withdraws the tip."""

import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from prompt import LAB, Command, carry_out

from spm_auto import open_run
from spm_auto.agents import Proposal
from spm_auto.agents.chooser import Chooser
from spm_auto.data import FinishReason, LineAcquired, RunFinished
from spm_auto.errors import NotConfirmed
from spm_auto.execute import Presses
from spm_auto.workflow.worker import Worker


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_ctrl_c_cancels_in_order(command: Command, tmp_path: Path) -> None:
    lab = tmp_path / "lab.toml"  # in real time the scan would last a minute
    lab.write_text(LAB.read_text().replace('kind = "instant"', 'kind = "scaled"\nfactor = 40.0'))
    journal = tmp_path / "run" / "run.spmj"
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if journal.exists() and any(
                isinstance(record.event, LineAcquired) for record in _records(journal)
            ):
                signal.pthread_kill(main, signal.SIGINT)
                return

    thread = threading.Thread(target=press)
    thread.start()
    code, _, _ = carry_out(command, tmp_path / "run", lab=lab)
    thread.join()
    run = open_run(tmp_path / "run")
    assert code == 1
    assert run.finished is not None
    assert run.finished.reason == FinishReason.CANCELLED
    assert 0 < run.summary()["n_lines"] < 32
    assert (tmp_path / "run" / "report.html").is_file()


class Recorder:
    """Stands in for a run: notes what it is told."""

    def __init__(self, finished: RunFinished | None = None) -> None:
        self.finished = finished
        self.told: list[str] = []

    def cancel(self) -> None:
        self.told.append("cancel")

    def emergency_stop(self) -> None:
        self.told.append("emergency stop")


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0.0], ["cancel"]),
        ([0.0, 1.9], ["cancel", "emergency stop"]),
        ([0.0, 2.1], ["cancel", "cancel"]),
        ([0.0, 1.0, 1.5], ["cancel", "emergency stop", "emergency stop"]),
    ],
)
def test_two_presses_within_two_seconds_withdraw_the_tip(
    times: list[float], told: list[str]
) -> None:
    runner = Recorder()
    clock = iter(times)
    with Presses(runner, lambda _: None, lambda: next(clock)):
        for _ in times:
            signal.raise_signal(signal.SIGINT)
    assert runner.told == told


def test_after_the_run_s_end_two_presses_still_withdraw_the_tip() -> None:
    runner = Recorder(RunFinished(FinishReason.COMPLETED))
    said: list[str] = []
    with Presses(runner, said.append):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert runner.told == ["emergency stop"]
    assert "the tip is withdrawn" in said[-1]


def test_a_withdrawal_that_is_not_confirmed_is_never_called_one() -> None:
    class Stuck(Recorder):
        def emergency_stop(self) -> None:
            raise NotConfirmed("the controller does not answer")

    said: list[str] = []
    with Presses(Stuck(), said.append):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert "NOT CONFIRMED" in said[-1]
    assert "does not answer" in said[-1]


def test_the_program_does_not_end_inside_an_agent_s_thought(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python ends badly while a thread of its own is in native code, such as torch's."""
    waited_for, join = threading.Event(), Worker.join

    def think(*_: object, **__: object) -> list[Proposal]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        waited_for.wait(60)
        return []

    def waiting(worker: Worker, timeout: float) -> bool:
        waited_for.set()
        return join(worker, timeout)

    monkeypatch.setattr(Chooser, "ask", think)
    monkeypatch.setattr(Worker, "join", waiting)
    code, said, _ = carry_out(command, tmp_path / "run", "--set=steps[1].agent={kind = 'random'}")
    assert (code, "run cancelled" in said) == (1, True)
    assert not any(thread.name == "agent" for thread in threading.enumerate())


def test_afterwards_ctrl_c_is_the_program_s_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Presses(Recorder(), print):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def _records(journal: Path) -> list[object]:
    from spm_auto.data import JournalReader

    return list(JournalReader(journal).poll()) if journal.stat().st_size > 16 else []
