"""A run whose disk has no room waits, and loses nothing of what it has measured."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from by_hand import SCAN, SPECTRUM, Microscope, Shown, doing
from ohmic_runs import new_runner
from resuming import resume

from spm_auto.clock import InstantClock
from spm_auto.data import (
    ROOM,
    Alarm,
    FinishReason,
    Journal,
    Room,
    RunPaused,
    RunResumed,
    SpectrumAcquired,
    open_run,
)
from spm_auto.errors import JournalFull
from spm_auto.workflow import Runner, RunState

PATIENCE = 20.0  # [s] until a test that hangs fails; none waits that long
RESERVE = 1000
SLOW = doing(*[SPECTRUM] * 40)  # of 1 s each, and the disk is looked at every 10 s


class Disk:
    """A disk that a test fills and frees; it tells when it was looked at while it was full."""

    def __init__(self) -> None:
        self.free = 10 * RESERVE
        self.seen_full = threading.Event()
        self.looked = 0

    def __call__(self, _: Path) -> int:
        if self.free < RESERVE:
            self.looked += 1
            if self.looked > 2:  # once to see it, once to say so
                self.seen_full.set()
        return self.free


def runner_on(disk: Disk, folder: Path, shown: Shown) -> Runner:
    clock = InstantClock()
    room = Room(folder, RESERVE, free=disk)
    return new_runner(folder, Microscope(clock), clock, listeners=(shown,), room=room)


def test_a_run_waits_while_too_little_is_free_and_goes_on_by_itself(tmp_path: Path) -> None:
    disk, shown = Disk(), Shown()
    runner = runner_on(disk, tmp_path, shown)
    shown.after["SpectrumAcquired"] = lambda: setattr(disk, "free", RESERVE - 1)
    runner.start([SLOW], seed=1)
    assert disk.seen_full.wait(PATIENCE)
    assert runner.state == RunState.PAUSED
    taken = shown.names.count("SpectrumAcquired")
    assert taken < 40
    disk.free = RESERVE
    assert runner.wait(PATIENCE)
    run = open_run(tmp_path)
    assert run.finished.reason == FinishReason.COMPLETED
    assert len(run.spectra) == 40
    (alarm,) = run.alarms
    assert alarm.cause == ROOM
    assert "999 B are free" in alarm.message
    events = [r.event for r in run.records]
    place = events.index(alarm)
    assert events[place + 1 : place + 3] == [RunPaused(), RunResumed()]


def test_a_run_that_waits_for_room_can_be_cancelled(tmp_path: Path) -> None:
    disk, shown = Disk(), Shown()
    runner = runner_on(disk, tmp_path, shown)
    shown.after["SpectrumAcquired"] = lambda: setattr(disk, "free", 0)
    runner.start([SLOW], seed=1)
    assert disk.seen_full.wait(PATIENCE)
    runner.cancel()
    assert runner.wait(PATIENCE)
    assert open_run(tmp_path).finished.reason == FinishReason.CANCELLED


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Let the journal's disk be full for a while: as many times as there are calls in the list."""
    calls: list[Callable[[], object]] = []
    append = Journal.append

    def limited(self: Journal, event: object, sync: bool = False) -> object:
        if isinstance(event, SpectrumAcquired) and calls:
            calls.pop(0)()
            raise JournalFull(f"{self.path}: {errno.errorcode[errno.ENOSPC]}")
        return append(self, event, sync)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", limited)
    return calls


def test_a_spectrum_that_the_full_disk_did_not_take_is_written_later(
    full: list[Callable[[], object]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = InstantClock()
    microscope = Microscope(clock)
    runner = new_runner(tmp_path, microscope, clock)
    seen: list[RunState] = []
    full += [lambda: None, lambda: seen.append(runner.state)]
    assert runner.run([doing(SCAN, SPECTRUM)], seed=1).reason == FinishReason.COMPLETED
    run = open_run(tmp_path)
    assert seen == [RunState.PAUSED]
    assert len(run.spectra) == 1
    assert microscope.calls.count("acquire spectrum") == 1
    assert "waits for room on the disk" in caplog.text
    assert run.alarms == (Alarm("the disk was full; the run has waited for room", ROOM),)


def test_a_disk_that_is_full_again_for_the_alarm_is_waited_for_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    append, refusals = Journal.append, [Alarm, Alarm, SpectrumAcquired]

    def limited(self: Journal, event: object, sync: bool = False) -> object:
        if refusals and isinstance(event, refusals[-1]):
            refusals.pop()
            raise JournalFull(f"{self.path}: {errno.errorcode[errno.ENOSPC]}")
        return append(self, event, sync)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", limited)
    shown = Shown()
    clock = InstantClock()
    runner = new_runner(tmp_path, Microscope(clock), clock, listeners=(shown,))
    assert runner.run([doing(SCAN, SPECTRUM)], seed=1).reason == FinishReason.COMPLETED
    run = open_run(tmp_path)
    assert (len(run.spectra), len(run.alarms), refusals) == (1, 1, [])
    assert [r.number for r in shown.records] == [r.number for r in run.records]


def test_a_run_on_a_full_disk_can_be_cancelled_and_gone_on_with(
    full: list[Callable[[], object]], tmp_path: Path
) -> None:
    clock = InstantClock()
    runner = new_runner(tmp_path, Microscope(clock), clock)
    full += [lambda: None, runner.cancel, lambda: None]
    assert runner.run([doing(SCAN, SPECTRUM)], seed=1).reason == FinishReason.CANCELLED
    full.clear()
    assert resume(tmp_path, [doing(SCAN, SPECTRUM)]).finished.reason == FinishReason.COMPLETED
    assert len(open_run(tmp_path).spectra) == 1
