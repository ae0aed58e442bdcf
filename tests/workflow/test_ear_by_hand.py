"""The ear of a run that is worked with by hand: orders, looks, and ends."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from bench import PATIENCE, Bench
from by_hand import SCAN, SPECTRUM, doing

from spm_auto.data import FILE_NAME, FinishReason, InstructionFailed, Intervention
from spm_auto.ear import Ear, RunClient, look_at
from spm_auto.ear.lookout import Lookout
from spm_auto.errors import NoReply, RecipeError, SpmError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    PositionProbe,
    Status,
)
from spm_auto.server import Caller
from spm_auto.workflow import ByHandStep

STEP = ByHandStep(kind="by_hand")
NEAR = PositionProbe(1e-7, 0.0)
_TICK = 0.002  # [s]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


@pytest.fixture
def client(bench: Bench) -> Iterator[RunClient]:
    with (
        Ear(bench.runner, bench.folder, "by hand"),
        RunClient.connect(bench.folder, "Ada") as client,
    ):
        yield client


def asked(bench: Bench, client: RunClient, number: int) -> None:
    """Wait until the run asks what shall be done, for the so many-th time."""
    for _ in range(int(PATIENCE / _TICK)):
        question = client.question()
        if question is not None and question.number == number:
            assert question.ask.kind == "by_hand"
            return
        assert not bench.runner.wait(_TICK)
    pytest.fail("the run does not ask")


def test_a_run_is_worked_with_by_hand_through_the_socket(bench: Bench, client: RunClient) -> None:
    with pytest.raises(SpmError, match="asks nothing just now"):
        client.perform([NEAR])
    bench.runner.start([STEP], seed=1)
    asked(bench, client, 1)
    client.perform([SCAN, NEAR], "to see where I am", 1)
    asked(bench, client, 2)
    with pytest.raises(SpmError, match="question 1 was answered already"):
        client.perform([NEAR], number=1)
    with pytest.raises(SpmError, match="nothing is being done by hand"):
        client.interrupt()
    client.finish("enough")
    assert bench.runner.wait(PATIENCE)
    assert bench.microscope.calls[-2:] == ["position probe", "close"]
    assert bench.recorded.finished is not None
    assert bench.recorded.finished.reason == FinishReason.COMPLETED


def test_a_grid_of_two_thousand_points_is_one_order(bench: Bench, client: RunClient) -> None:
    waveform = BiasWaveform.triangle(1.0, 64)
    grid = [
        AcquireSpectrum(1e-6 * math.cos(0.7) * n / 3000, 1e-6 * math.sin(0.7) * n / 3000, waveform)
        for n in range(2000)
    ]
    bench.shown.after = {"SpectrumAcquired": lambda: bench.runner.interrupt("Ada")}
    bench.runner.start([STEP], seed=1)
    asked(bench, client, 1)
    client.perform(grid)
    asked(bench, client, 2)
    (failed,) = [r.event for r in bench.recorded.records if isinstance(r.event, InstructionFailed)]
    assert failed.instruction == grid[1]
    with pytest.raises(RecipeError, match="20000"):
        client.perform(10 * grid)
    with pytest.raises(RecipeError, match=r"8000 instructions are .* kB, at most"):
        client.perform(4 * grid)
    client.finish()
    assert bench.runner.wait(PATIENCE)


def test_a_scan_by_hand_is_interrupted_through_the_socket(bench: Bench, client: RunClient) -> None:
    going, told = threading.Event(), threading.Event()

    def wait_for_it() -> None:
        going.set()
        assert told.wait(PATIENCE)

    bench.microscope.first = {"line 1": wait_for_it}
    bench.runner.start([STEP], seed=1)
    asked(bench, client, 1)
    client.perform([SCAN])
    assert going.wait(PATIENCE)
    client.interrupt("that was the wrong place")
    told.set()
    asked(bench, client, 2)
    client.finish()
    assert bench.runner.wait(PATIENCE)
    events = [record.event for record in bench.recorded.records]
    (said,) = [event for event in events if isinstance(event, Intervention)]
    assert (said.kind, said.who, said.why) == ("interrupt", "Ada", "that was the wrong place")
    assert [e.error for e in events if isinstance(e, InstructionFailed)] == ["Interrupted"]


def test_a_look_tells_what_is_read_back_and_what_the_instrument_is(
    bench: Bench, client: RunClient
) -> None:
    assert client.look().status.state is InstrumentState.EMPTY
    bench.runner.start([STEP], seed=1)
    asked(bench, client, 1)
    client.perform([NEAR])
    asked(bench, client, 2)
    look = client.look()
    assert look.status == bench.microscope.status()
    assert look.status.position == (NEAR.x, NEAR.y)
    assert (look.vitals, look.trip, look.owner) == (None, "", "")
    about = client.about()
    assert about.capabilities == bench.microscope.capabilities
    guard = bench.runner.guard
    assert guard is not None
    assert about.limits == guard.limits
    client.finish()
    assert bench.runner.wait(PATIENCE)


def test_a_thousand_looks_change_nothing_of_what_a_run_does(tmp_path: Path) -> None:
    looked, alone = Bench(tmp_path / "looked"), Bench(tmp_path / "alone")
    with Ear(looked.runner, looked.folder), RunClient.connect(looked.folder, "") as client:

        def look() -> None:
            for _ in range(20):
                client.look()
            for _ in range(80):
                look_at(looked.runner)

        names = ("LineAcquired", "SpectrumAcquired", "LoadFinished", "ScanStarted", "ScanFinished")
        looked.shown.after = dict.fromkeys(names, look)
        looked.run(doing(SCAN, SPECTRUM))
        for _ in range(5):
            look()
    alone.run(doing(SCAN, SPECTRUM))
    assert looked.shown.after == {}
    one, other = looked.recorded.records, alone.recorded.records
    assert [(r.number, r.time, str(r.event)) for r in one[1:]] == [
        (r.number, r.time, str(r.event)) for r in other[1:]
    ]
    assert (looked.folder / FILE_NAME).stat().st_size == (alone.folder / FILE_NAME).stat().st_size


def test_nobody_else_waits_for_a_look_that_takes_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, go_on, real = threading.Event(), threading.Event(), bench.microscope.status

    def status() -> Status:
        looking.set()
        assert go_on.wait(PATIENCE)
        return real()

    monkeypatch.setattr(bench.microscope, "status", status)
    with (
        Ear(bench.runner, bench.folder),
        RunClient.connect(bench.folder, "") as slow,
        RunClient.connect(bench.folder, "Ada") as quick,
    ):
        for client in (slow, slow, quick):
            with pytest.raises(NoReply):
                client.look(within=0.05)
        assert looking.is_set()
        assert [t.name for t in threading.enumerate()].count("look") == 1
        assert quick.state().title == ""
        quick.emergency_stop("while somebody looks")
        assert "emergency stop" in bench.microscope.calls
        go_on.set()
    assert not [thread for thread in threading.enumerate() if thread.name == "look"]


def test_closing_waits_for_answers_that_are_on_their_way() -> None:
    answering, go_on, answered = threading.Event(), threading.Event(), []

    def answer(caller: Caller, reply: object) -> None:
        answering.set()
        assert go_on.wait(PATIENCE)
        answered.append(caller)

    lookout = Lookout(dict, answer)
    lookout.ask(cast(Caller, "Ada"), 1)
    assert answering.wait(PATIENCE)
    closing = threading.Thread(target=lookout.close, args=(PATIENCE,))
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    go_on.set()
    closing.join(PATIENCE)
    assert answered == ["Ada"]


def test_a_look_that_breaks_is_told_and_the_next_one_is_tried(
    bench: Bench, client: RunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> Status:
        raise OSError("no such register")

    with monkeypatch.context() as patched:
        patched.setattr(bench.microscope, "status", breaks)
        with pytest.raises(SpmError, match="cannot be looked at: no such register"):
            client.look()
    assert client.look().status.state is InstrumentState.EMPTY
