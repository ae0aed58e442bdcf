"""A session: it tails a journal, speaks to an ear, starts processes, and nothing in it waits."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made import numbered, run_events, scan_events, started
from talking import CAPABILITIES, HERE, LOOK, MadeRun, run_view, until

from spm_auto.agents import ForcePoint
from spm_auto.data import FILE_NAME, Event, FinishReason, Journal, RunFinished, Verdict
from spm_auto.ear import FILE_NAME as EAR
from spm_auto.errors import DataError, SpmError
from spm_auto.gui.run.orders import Outcome, Planned, StartOrder
from spm_auto.gui.run.run_model import Part
from spm_auto.gui.run.run_process import LOG_NAME
from spm_auto.gui.run.session import Session
from spm_auto.gui.run.wishes import (
    Annotate,
    Finish,
    Interrupt,
    Judge,
    Pause,
    Perform,
    Resume,
    SetApproval,
    Steer,
    Stop,
    Wish,
)
from spm_auto.gui.run.withdrawal import Stage
from spm_auto.instrument import PositionProbe
from spm_auto.workflow import Ask, Question

NOBODY = (sys.executable, "-c", "raise SystemExit(3)")  # says nothing, and makes no plan
Make = Callable[..., Session]


@pytest.fixture
def run() -> MadeRun:
    return MadeRun()


@pytest.fixture
def make(tmp_path: Path, run: MadeRun) -> Iterator[Make]:
    """Make sessions that speak to a pretended run; they are closed at the end."""
    made = []

    def session(program: tuple[str, ...] = NOBODY) -> Session:
        made.append(Session("Ada", tmp_path, run.connect, program))
        return made[-1]

    yield session
    run.gate.set()
    for each in made:
        each.close()


def program(text: str) -> tuple[str, ...]:
    """Return a program that stands in for spm-auto."""
    return (sys.executable, "-c", text)


def write(folder: Path, events: list[Event]) -> Journal:
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / FILE_NAME, time.monotonic)
    for event in events:
        journal.append(event)
    return journal


def ticks(session: Session, happens: Callable[[], object]) -> None:
    """Let the session tick until something is so."""

    def so() -> object:
        session.tick()
        return happens()

    until(so)


def test_it_shows_a_run_from_its_journal_and_its_ear(make: Make, tmp_path: Path) -> None:
    """Row 23: what the instrument has set is read on connecting."""
    with write(tmp_path / "run", run_events(3, is_over=False)):
        session = make()
        session.attach(tmp_path / "run")
        ticks(session, lambda: session.view and session.look and session.about)
    assert len(session.model.spectra) == 3
    assert session.view is not None
    assert session.view.process == HERE
    assert session.look == LOOK
    assert session.about is not None
    assert session.about.capabilities == CAPABILITIES
    assert session.fault == ""


def test_it_reads_on_as_the_journal_grows(make: Make, tmp_path: Path) -> None:
    with write(tmp_path / "run", [started()]) as journal:
        session = make()
        session.attach(tmp_path / "run")
        assert Part.RUN in session.tick()
        before = session.lines_at
        for event in scan_events(n_lines=2):
            journal.append(event)
        assert Part.SCAN in session.tick()
    assert session.model.scans[0].n_lines == 2
    assert session.lines_at > 0
    assert before != session.lines_at


def test_it_never_reads_for_longer_than_it_was_given(make: Make, tmp_path: Path) -> None:
    with write(tmp_path / "run", [started(), *(e for _ in range(40) for e in scan_events())]):
        session = make()
        session.attach(tmp_path / "run")
        session.tick(budget=0.0)
        assert session.is_behind
        assert session.model.n_records == 1
        ticks(session, lambda: not session.is_behind)
    assert session.model.n_records == 1 + 40 * 34


def test_a_run_whose_ear_comes_later_is_heard_when_it_does(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    run.is_there = False
    session = make()
    session.attach(tmp_path / "run")  # not even the folder is there
    ticks(session, lambda: session.fault)
    assert session.fault == "there is no run in this folder yet"
    assert session.withdrawal.said.stage is Stage.NOTHING
    run.is_there = True
    ticks(session, lambda: session.view)
    assert session.fault == ""
    until(lambda: session.withdrawal.said.stage is Stage.READY)


def test_a_finished_run_is_said_to_be_over(make: Make, run: MadeRun, tmp_path: Path) -> None:
    run.is_there = False
    write(tmp_path / "run", run_events(2)).close()
    session = make()
    session.attach(tmp_path / "run")
    ticks(session, lambda: session.fault.startswith("the run is over"))
    assert session.fault == "the run is over: completed"
    assert not session.can_resume


def test_a_run_that_failed_may_be_gone_on_with(make: Make, run: MadeRun, tmp_path: Path) -> None:
    run.is_there = False
    end = RunFinished(FinishReason.FAILED, "the disk is full")
    write(tmp_path / "run", [*run_events(2, is_over=False), end]).close()
    session = make()
    session.attach(tmp_path / "run")
    ticks(session, lambda: session.fault.startswith("the run is over"))
    assert session.fault == "the run is over: failed: the disk is full"
    assert session.standing.can_resume


def test_a_run_that_was_killed_may_be_gone_on_with(
    make: Make, run: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.run.session.QUIET", 0.05)
    write(tmp_path / "run", run_events(2, is_over=False)).close()
    session = make()
    session.attach(tmp_path / "run")
    ticks(session, lambda: session.view)
    assert not session.can_resume
    run.is_there, run.is_lost = False, True
    ticks(session, lambda: session.can_resume)
    assert session.view is None
    ticks(session, lambda: session.look is None)


def test_a_run_that_may_not_be_spoken_to_is_not_taken_for_dead(
    make: Make, run: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.run.session.QUIET", 0.0)
    run.is_there = False
    write(tmp_path / "run", run_events(2, is_over=False)).close()
    (tmp_path / "run" / EAR).write_text("others may read this")
    session = make()
    session.attach(tmp_path / "run")
    ticks(session, lambda: session.fault)
    assert not session.can_resume


def test_the_folder_of_a_run_that_cannot_be_read_says_so(make: Make, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\x00" * 1000)
    session = make()
    session.attach(tmp_path)
    session.tick()
    assert "is no journal of spm_auto" in session.journal.damage
    (tmp_path / FILE_NAME).unlink()
    write(tmp_path, run_events(1)).close()
    session.tick()  # the disk gives it again
    assert session.journal.damage == ""
    assert session.model.n_records


def test_every_wish_is_said_to_the_run(make: Make, run: MadeRun, tmp_path: Path) -> None:
    wishes: dict[Wish, str] = {
        Perform((PositionProbe(0.0, 1e-7),), "there"): "perform",
        Finish("done"): "finish",
        Interrupt(): "interrupt",
        Pause("lunch"): "pause",
        Resume(): "resume",
        Stop(): "cancel",
        Steer(ForcePoint(0.0, 0.0)): "steer",
        SetApproval(5): "set_approval",
        Annotate("clean"): "annotate",
    }
    session = make()
    session.attach(tmp_path)
    outcomes: list[Outcome] = []
    for wish in (*wishes, Judge(Verdict.APPROVED, 3)):
        session.wish(wish)
    until(lambda: outcomes.extend(session.take_outcomes()) or len(outcomes) == len(wishes) + 1)
    assert all(not each.error for each in outcomes)
    assert sorted(name for name, _ in run.calls) == sorted([*wishes.values(), "answer"])
    assert run.called("answer") == [(Verdict.APPROVED, "", {}, 3)]


def test_a_wish_that_is_refused_comes_back_with_the_reason(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    run.error = SpmError("the run asks for nothing by hand")
    session = make()
    session.attach(tmp_path)
    wish = Perform((PositionProbe(0.0, 1e-7),))
    session.wish(wish)
    outcomes: list[Outcome] = []
    until(lambda: outcomes.extend(session.take_outcomes()) or outcomes)
    assert outcomes == [Outcome(wish, "the run asks for nothing by hand")]


def test_a_link_that_hangs_holds_up_neither_ticks_nor_stops(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    """Row 17: a stop does not wait for a wish that is not answered."""
    run.slow = {"look", "perform"}
    session = make()
    session.attach(tmp_path)
    start = time.monotonic()
    session.wish(Perform((PositionProbe(0.0, 1e-7),)))
    session.wish(Stop("enough"))
    session.tick()
    assert time.monotonic() - start < 0.5
    until(lambda: run.called("cancel"))
    assert not run.called("perform")


def test_closing_does_not_wait_for_a_link_that_hangs(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    run.slow = {"state", "look", "about"}
    session = make()
    session.attach(tmp_path)
    until(lambda: run.n_open >= 3)
    start = time.monotonic()
    session.close()
    assert time.monotonic() - start < 1.5
    run.gate.set()
    until(lambda: run.n_open == 0)


def test_a_window_that_only_looks_does_nothing_but_withdraw(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    session = make()
    session.attach(tmp_path, is_looking=True)
    session.wish(Pause())
    assert [each.error for each in session.take_outcomes()] == [
        "this window only looks: open the run again to do something"
    ]
    until(lambda: session.withdrawal.said.stage is Stage.READY)
    session.withdrawal.press()
    until(lambda: run.called("emergency_stop"))
    assert not run.called("pause")


def test_without_a_run_a_wish_is_refused(make: Make) -> None:
    session = make()
    session.wish(Pause())
    assert session.take_outcomes() == [Outcome(Pause(), "there is no run")]


def test_detaching_touches_nothing_of_the_run(make: Make, run: MadeRun, tmp_path: Path) -> None:
    session = make()
    session.attach(tmp_path)
    ticks(session, lambda: session.view)
    session.detach()
    until(lambda: run.n_open == 0)
    assert not run.calls
    assert session.folder is None
    assert session.tick() == Part.ALL


def test_a_process_that_dies_before_its_journal_exists_is_quoted(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    """Row 15: a run that does not start says why."""
    run.is_there = False
    go = tmp_path / "go"
    text = (
        "import pathlib, sys, threading\n"
        f"while not pathlib.Path({str(go)!r}).exists(): threading.Event().wait(0.01)\n"
        "print('error: the lab file names no instrument'); sys.exit(1)"
    )
    session = make(program(text))
    order = StartOrder(Path("a.toml"), Path("b.toml"), tmp_path / "new" / "run")
    session.start(order)
    session.tick()
    assert session.standing.is_starting
    assert session.fault == "the run is being started"
    go.touch()
    ticks(session, lambda: session.fault.startswith("the run did not start"))
    assert session.fault == "the run did not start: the lab file names no instrument"
    assert not session.is_starting
    assert (tmp_path / "new" / "run" / LOG_NAME).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_process_that_was_killed_is_said_to_be_so(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    run.is_there = False
    session = make(program("import os; os.kill(os.getpid(), 9)"))
    session.start(StartOrder(Path("a.toml"), Path("b.toml"), tmp_path / "run"))
    ticks(session, lambda: "killed" in session.fault)
    assert session.fault == "the run did not start: its process was killed by signal 9"


def test_what_is_started_is_what_was_ordered(make: Make, tmp_path: Path) -> None:
    text = "import sys, json; print(json.dumps(sys.argv[1:]))"
    session = make(program(text))
    out = tmp_path / "run"
    session.start(StartOrder(Path("a.toml"), Path("b.toml"), out, 7, ("x=1",), "every 5"))
    log = out / LOG_NAME
    until(lambda: log.exists() and log.read_text().endswith("]\n"))
    assert json.loads(log.read_text()) == [
        "run", "a.toml", "--lab", "b.toml", "--out", str(out), "--seed", "7", "--set=x=1",
        "--json", "--approve=every 5",
    ]  # fmt: skip


def test_a_folder_that_holds_a_run_is_refused_but_gone_on_with_when_that_is_meant(
    make: Make, tmp_path: Path
) -> None:
    write(tmp_path / "run", run_events(1)).close()
    session = make(program("import sys; print(sys.argv[1:])"))
    order = StartOrder(Path("a.toml"), Path("b.toml"), tmp_path / "run")
    with pytest.raises(DataError, match="holds a run already"):
        session.start(order)
    assert session.folder is None
    session.start(StartOrder(Path(), Path(), tmp_path / "run", resume=True))
    log = tmp_path / "run" / LOG_NAME
    until(lambda: log.exists() and log.read_text().startswith("['resume', "))
    with pytest.raises(DataError, match="holds no run"):
        session.start(StartOrder(Path(), Path(), tmp_path / "none", resume=True))


def test_a_folder_that_cannot_be_made_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be used"):
        make().start(StartOrder(Path("a"), Path("b"), tmp_path / "file" / "run"))


def test_what_was_planned_is_asked_for_once(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 16: the plan says how long it takes in all."""
    monkeypatch.setattr("spm_auto.gui.run.session.PLAN_AFTER", 0.0)
    rows = [
        {"operation": "line", "planned_count": 64},
        {"operation": "spectrum", "planned_count": 12},
    ]
    said = json.dumps({"steps": rows, "seconds": 3.0, "planned": 130.5})
    counted = tmp_path / "counted"
    text = f"open({str(counted)!r}, 'a').write('x'); print({said!r})"
    events = run_events(1, is_over=False)
    events[0] = started(recipe="title = 'made'")
    with write(tmp_path / "run", events):
        session = make(program(text))
        session.attach(tmp_path / "run")
        ticks(session, lambda: session.planned)
        session.tick()
    assert session.planned == Planned(130.5, 12)
    assert counted.read_text() == "x"


def test_the_journal_says_how_large_it_is_and_what_room_is_left(make: Make, tmp_path: Path) -> None:
    """Row 13: journal and disk."""
    events = run_events(2)
    write(tmp_path / "run", events).close()
    session = make()
    session.attach(tmp_path / "run")
    session.tick(budget=10.0)
    assert session.journal.n_records == len(events) == len(numbered(events))
    assert session.journal.size == (tmp_path / "run" / FILE_NAME).stat().st_size
    assert session.journal.free > 0
    assert session.journal.damage == ""


def test_a_question_of_the_run_changes_what_is_to_be_shown(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    session = make()
    session.attach(tmp_path)
    ticks(session, lambda: session.view)
    session.tick()
    run.view = run_view(state="paused", is_held=True)
    changed = Part.NOTHING

    def so() -> object:
        nonlocal changed
        changed |= session.tick()
        return session.view is not None and session.view.is_held

    until(so)
    assert Part.RUN in changed


def test_a_line_that_broke_in_a_way_that_nobody_foresaw_says_so_and_mends(
    make: Make, run: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.run.link.AGAIN", 0.02)
    run.surprise = OSError("too many open files")
    session = make()
    write(tmp_path, [started()]).close()
    session.attach(tmp_path)
    ticks(session, lambda: session.fault == "OSError: too many open files")
    session.wish(Pause())
    outcomes: list[Outcome] = []
    until(lambda: outcomes.extend(session.take_outcomes()) or outcomes)
    assert outcomes == [Outcome(Pause(), "OSError: too many open files")]
    run.surprise = None
    ticks(session, lambda: session.view)
    session.wish(Pause())
    until(lambda: run.called("pause"))


def test_a_folder_at_which_one_may_not_even_look_is_no_fault_of_the_window(tmp_path: Path) -> None:
    session = Session("Ada", tmp_path, program=NOBODY)
    session.attach(tmp_path / ("long" * 100))
    ticks(session, lambda: "name too long" in session.fault.lower())
    assert not session.standing.can_resume
    until(lambda: "too long" in session.withdrawal.said.detail.lower())
    session.close()


def test_work_by_hand_that_comes_late_answers_no_later_question(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    """A pulse that was asked for twice, as the run did not answer, is given once."""
    run.view = run_view(question=Question(7, Ask("by_hand", "What?", {})), state="paused")
    session = make()
    session.attach(tmp_path)
    ticks(session, lambda: session.view)
    wish = Perform((PositionProbe(0.0, 1e-7),))
    session.wish(wish)
    session.wish(wish)
    until(lambda: len(run.numbers) == 2)
    assert run.numbers == [7, 7]
    assert session.performed == 7
    run.error = SpmError("question 7 was answered already")
    session.wish(wish)
    ticks(session, lambda: [each for each in session.take_outcomes() if each.error])
    assert session.performed is None


def test_another_journal_in_the_place_of_the_one_that_is_read_is_read_from_its_beginning(
    make: Make, tmp_path: Path
) -> None:
    write(tmp_path / "run", run_events(3)).close()
    session = make()
    session.attach(tmp_path / "run")
    ticks(session, lambda: session.model.finished)
    before, path = session.model, tmp_path / "run" / FILE_NAME
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)  # as a program does that fetches it from elsewhere
    session.tick()
    assert session.model is before
    longer = [started(), *(event for _ in range(20) for event in run_events(1)[1:])]
    for events in (run_events(1, is_over=False), longer):
        path.unlink()
        session.tick()
        assert session.journal.damage
        write(tmp_path / "run", events).close()
        ticks(session, lambda: session.model.n_records == len(events))  # noqa: B023
        assert session.journal.damage == ""
    assert session.model is not before


def test_what_is_allowed_is_asked_for_again_as_it_moves_with_the_sample(
    make: Make, run: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.run.hearing.ABOUT_EVERY", 0.02)
    session = make()
    session.attach(tmp_path)
    ticks(session, lambda: session.about)
    first = session.about
    session.tick()
    assert session.about is first
    run.limits = replace(run.limits, x=(-3e-7, 5e-7))
    ticks(session, lambda: session.about is not first)
    assert session.about is not None
    assert session.about.limits.x == (-3e-7, 5e-7)


def test_what_comes_of_a_wish_is_not_told_of_another_run(
    make: Make, run: MadeRun, tmp_path: Path
) -> None:
    run.slow, run.error = {"perform"}, SpmError("refused")
    session = make()
    session.attach(tmp_path / "one")
    session.wish(Perform((PositionProbe(0.0, 1e-7),)))
    session.attach(tmp_path / "two")
    run.gate.set()
    until(lambda: run.called("perform"))
    session.wish(Pause())
    outcomes: list[Outcome] = []
    until(lambda: outcomes.extend(session.take_outcomes()) or outcomes)
    assert outcomes == [Outcome(Pause(), "refused")]
