"""Rows 15 and 18: agents gone astray, and disks that are full, read-only, slow or gone."""

import errno
import math
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import PATIENCE
from by_hand import SCAN, SPECTRUM, Microscope, Shown, doing
from killing import (
    Moment,
    Whole,
    essence,
    follow,
    lost,
    read_run_file,
    run_command,
)
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe
from rows import Table
from test_full_disk import NO_RESERVE, WAITS, await_words, empty, fill

from spm_auto.agents import AgentSettings, Candidates, Observation, Proposal
from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    JournalReader,
    SpectrumAcquired,
    open_run,
)
from spm_auto.errors import AgentError
from spm_auto.instrument import Exposure, InstrumentState, Limits
from spm_auto.workflow import RunState

BUDGET = 40
MOST = 5  # spectra of an area


class Astray:
    """An agent that does one thing, whatever it is told.

    Args:
        candidates: What can be chosen.
        how: What it does.
        asked: Set when it was asked.
        free: Lets go of an agent that blocks.
    """

    def __init__(
        self, candidates: Candidates, how: str, asked: threading.Event, free: threading.Event
    ) -> None:
        self.candidates = candidates
        self._how, self._asked, self._free = how, asked, free
        self._count = 0

    def tell(self, observations: Sequence[Observation]) -> None:
        if self._how == "blocks when told":
            self._asked.set()
            self._free.wait(PATIENCE)

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        x, y, bias = self.candidates.points[7].tolist()
        self._count += 1
        match self._how:
            case "the same point for ever":
                return [Proposal(7, x, y, bias, "here")]
            case "one point under many names":
                return [Proposal(self._count % 20, x, y, bias, "here")]
            case "outside the region":
                return [Proposal(7, x + 1e-3, y, bias, "there")]
            case "beyond the instrument":
                return [Proposal(7, 1.0, 1.0, bias, "far")]
            case "nowhere":
                return [Proposal(7, math.nan, math.inf, bias, "nowhere")]
            case "a candidate that there is not":
                return [Proposal(10**9, x, y, bias, "another")]
            case "many at once":
                return [Proposal(7, x, y, bias, "here")] * 1000
            case "something else":
                return [None]  # type: ignore[list-item]
            case "nothing":
                return []
            case "raises":
                raise AgentError("I see nothing")
            case "has a bug":
                return [Proposal(*self.candidates.points[10**9], "bug")]
            case "leaves the program":
                raise SystemExit(3)
            case "blocks":
                self._asked.set()
                self._free.wait(PATIENCE)
        row = self._count % len(self.candidates)
        return [Proposal(row, *self.candidates.points[row].tolist(), "next")]


class AstraySettings(AgentSettings):
    """Settings of an agent that has gone astray."""

    kind: str = "astray"
    how: str
    asked: Any
    free: Any

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Any:
        return Astray(candidates, self.how, self.asked, self.free)


ENDS = (
    *("the same point for ever", "one point under many names", "outside the region"),
    *("beyond the instrument", "nowhere", "a candidate that there is not", "many at once"),
    *("something else", "nothing", "raises", "has a bug", "leaves the program"),
)


def astray(folder: Path, how: str, *events: threading.Event) -> tuple[Any, Microscope]:
    """Give a run whose agent has gone astray, behind a guard that counts what an area bears."""
    asked, free = events or (threading.Event(), threading.Event())
    agent = AstraySettings(how=how, asked=asked, free=free)
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "random"}, "budget": BUDGET}).steps
    steps = (steps[0], steps[1].model_copy(update={"agent": agent}))
    clock = InstantClock()
    microscope = Microscope(clock)
    limits = Limits(exposure=Exposure(radius=10e-9, spectra=MOST))
    runner = new_runner(folder, microscope, clock, limits)
    runner.start(steps, seed=1)
    return runner, microscope


@pytest.mark.parametrize("how", ENDS)
def test_an_agent_gone_astray_cannot_keep_a_run_from_ending(
    row: Table, tmp_path: Path, how: str
) -> None:
    counted = row(15, "agent gone astray", "14 stub agents: stuck, outside, broken, silent")
    with counted.trial():
        runner, microscope = astray(tmp_path, how)
        assert runner.wait(PATIENCE)
        finished = runner.finished
        assert finished is not None
        run = open_run(tmp_path)
        assert run.finished == finished
        taken = [r.event.spectrum for r in run.records if isinstance(r.event, SpectrumAcquired)]
        reach = microscope.capabilities.x_range
        assert all(reach[0] <= spectrum.x <= reach[1] for spectrum in taken)
        places = [(spectrum.x, spectrum.y) for spectrum in taken]
        assert all(places.count(place) <= MOST for place in places)
        if how in ("outside the region", "beyond the instrument", "nowhere", "nothing"):
            assert taken == []


@pytest.mark.parametrize("how", ["blocks", "blocks when told"])
def test_a_run_whose_agent_never_answers_can_be_ended_and_its_tip_withdrawn(
    row: Table, tmp_path: Path, how: str
) -> None:
    counted = row(15, "agent gone astray", "14 stub agents: stuck, outside, broken, silent")
    asked, free = threading.Event(), threading.Event()
    with counted.trial():
        runner, microscope = astray(tmp_path, how, asked, free)
        assert asked.wait(PATIENCE)
        runner.emergency_stop()
        assert microscope.status().state is InstrumentState.LATCHED
        assert runner.wait(PATIENCE)
        assert open_run(tmp_path).finished.reason is FinishReason.EMERGENCY
    free.set()
    runner.wait_for_agent(PATIENCE)


BROKEN = {
    "read-only": ("write", errno.EROFS),
    "unplugged": ("write", errno.ENODEV),
    "an input/output error": ("write", errno.EIO),
    "a share that is gone": ("write", errno.ESTALE),
    "a share that does not answer": ("write", errno.ETIMEDOUT),
    "not synced": ("fsync", errno.EIO),
    "short": ("write", 20),
    "half written": ("write", 100),
}
STEPS = [doing(SCAN, *[SPECTRUM] * 10)]


def test_what_a_run_has_shown_is_on_the_disk_whatever_becomes_of_it(
    row: Table, how_many: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = row(18, "disk", "read-only, unplugged, short writes and a path that vanishes")
    rng = random.Random(18)
    shown_in_all = 0
    for what, (call, fault) in BROKEN.items():
        for number in range(how_many(quick=1, full=6)):
            folder = tmp_path / f"{what.replace('/', ' ')} {number}"
            shown, clock, begins = Shown(), InstantClock(), rng.randrange(1, 16)
            real = getattr(os, call)

            def failing(*arguments: Any, real: Any = real, fault: int = fault) -> Any:
                if fault in (20, 100):
                    file, data = arguments
                    return real(file, data[:fault])
                raise OSError(fault, os.strerror(fault))

            with counted.trial(), monkeypatch.context() as broken:

                def strike(
                    broken: pytest.MonkeyPatch = broken,
                    shown: Shown = shown,
                    begins: int = begins,
                    call: str = call,
                    failing: Any = failing,
                ) -> None:
                    if len(shown.records) >= begins:
                        broken.setattr(os, call, failing)

                runner = new_runner(
                    folder, Microscope(clock), clock, listeners=(shown, lambda _: strike())
                )
                runner.start(STEPS, seed=1)
                if not runner.wait(0.5):  # it waits for room
                    assert runner.state is RunState.PAUSED
                    runner.cancel()
                assert runner.wait(PATIENCE)
                broken.undo()
                assert runner.finished is not None
                assert runner.finished.reason is not FinishReason.COMPLETED
                kept = {
                    record.number: record for record in JournalReader(folder / FILE_NAME).poll()
                }
                for record in shown.records:
                    assert type(kept[record.number].event) is type(record.event)
                shown_in_all += len(shown.records)
    counted.figure(f"{shown_in_all} records shown, all of them there")


def test_a_folder_that_vanishes_under_a_run_ends_it(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(18, "disk", "read-only, unplugged, short writes and a path that vanishes")
    for number in range(how_many(quick=1, full=6)):
        folder, shown, clock = tmp_path / f"{number}", Shown(), InstantClock()
        runner = new_runner(folder, Microscope(clock), clock, listeners=(shown,))
        shown.after["SpectrumAcquired"] = lambda folder=folder: (folder / FILE_NAME).unlink()
        with counted.trial():
            finished = runner.run(STEPS, seed=1)
            assert finished.reason is FinishReason.FAILED
            assert "was deleted while it was written" in finished.message
            assert shown.names[-1] == "SpectrumAcquired"  # nothing was acknowledged after it


def test_a_slow_disk_holds_nobody_up_who_wants_the_tip_away(
    row: Table, how_many: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = row(18, "disk", "a write that takes 5 s, with a withdrawal meanwhile")
    stall = float(how_many(quick=0, full=5)) or 0.2
    stalled, write = threading.Event(), os.write
    is_slow = threading.Event()

    def slow(*arguments: Any) -> int:
        if is_slow.is_set():
            is_slow.clear()
            stalled.set()
            threading.Event().wait(stall)
        return write(*arguments)

    monkeypatch.setattr(os, "write", slow)
    shown, clock = Shown(), InstantClock()
    microscope = Microscope(clock)
    runner = new_runner(tmp_path, microscope, clock, listeners=(shown,))
    shown.after["SpectrumAcquired"] = is_slow.set
    with counted.trial():
        runner.start(STEPS, seed=1)
        assert stalled.wait(PATIENCE)
        began = time.monotonic()
        runner.emergency_stop()
        took = time.monotonic() - began
        assert microscope.status().state is InstrumentState.LATCHED
        assert took < stall
        assert runner.wait(PATIENCE)
        kept = list(JournalReader(tmp_path / FILE_NAME).poll())
        assert [r.number for r in kept[: len(shown.records)]] == [r.number for r in shown.records]
    counted.figure(f"withdrawn {1e3 * took:.1f} ms after the order while the disk stood still")


@pytest.mark.chaos
def test_a_run_waits_for_room_and_loses_nothing_that_it_acknowledged(
    row: Table, tmp_path: Path, disk: Path, whole: Whole
) -> None:
    counted = row(18, "disk", "a real disk of 8 MiB filled at random, then freed")
    rng, acknowledged = random.Random(8), 0
    for number in range(3):
        folder, log = disk / f"run-{number}", tmp_path / f"{number}.log"

        def fill_and_empty(_: object, log: Path = log) -> None:
            fill(disk)
            await_words(log, WAITS)
            empty(disk)

        with counted.trial():
            moment = Moment(rng.randrange(5, whole.records - 10), 0.0)
            told = follow(run_command(folder, NO_RESERVE), log, moment, fill_and_empty)
            assert told.code == 0, log.read_text()
            assert lost(folder, told.digests) == []
            assert essence(folder) == whole.essence
            assert read_run_file(folder)
            acknowledged += len(told.digests)
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
    counted.figure(f"{acknowledged} acknowledged records, none lost")


@pytest.fixture
def read_only(disk: Path) -> Iterator[Path]:
    """Give a small disk that nobody can write."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield disk
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


@pytest.mark.chaos
def test_a_run_does_not_begin_where_nothing_can_be_written(
    row: Table, tmp_path: Path, read_only: Path
) -> None:
    counted = row(18, "disk", "a real disk that is read-only")
    log = tmp_path / "run.log"
    with counted.trial():
        told = follow(run_command(read_only / "run", NO_RESERVE), log)
        assert (told.code, told.digests) == (1, {})
        assert log.read_text().startswith("error: ")
        assert "Read-only file system" in log.read_text()
