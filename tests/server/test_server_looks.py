"""What a run sees of an instrument in another process, and the hard way up for its tip."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from felt import Felt
from ohmic_runs import new_runner
from resuming import records_of
from served import Served, served

from spm_auto.clock import InstantClock, ScaledClock
from spm_auto.data import FinishReason, InstructionFailed, RunFinished, TipWithdrawn
from spm_auto.ear import Ear, RunClient
from spm_auto.errors import NotConfirmed
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    GuardedInstrument,
    InstrumentState,
    Scan,
    ScanFrame,
    Vitals,
    Watchdog,
)
from spm_auto.workflow import ByHandStep

PATIENCE = 20.0  # [s] until a test that hangs fails; none waits that long


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as bench:
        yield bench


def test_a_look_shows_vitals_and_owner_of_an_instrument_at_a_server(
    bench: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.server.heart.BEAT", 0.05)
    clock = InstantClock()
    remote = bench.client(bench.key("alice"), clock)
    runner = new_runner(tmp_path / "run", remote, clock)
    with Ear(runner, tmp_path / "run"), RunClient.connect(tmp_path / "run", "Ada") as client:
        runner.load()
        ended = threading.Event()
        for _ in range(400):  # signs of life come once a second
            if client.look().owner or ended.wait(0.01):
                break
        look = client.look()
        assert look.owner == "alice"
        assert look.trip == ""
        assert look.status.state is InstrumentState.READY
        assert look.vitals is not None
        assert look.vitals.is_engaged
        assert look.vitals.unit == bench.guard.vitals().unit
        assert client.about().limits == bench.guard.limits
        runner.finish()


def test_the_hard_way_up_goes_through_the_servers_door_for_safety(tmp_path: Path) -> None:
    microscope, hanging, go_on = Felt(has_last_resort=True), threading.Event(), threading.Event()
    soft = microscope.emergency_stop

    def hang() -> None:
        hanging.set()
        assert go_on.wait(PATIENCE)
        soft()

    microscope.emergency_stop = hang  # type: ignore[method-assign]
    with served(tmp_path, microscope) as bench:
        remote = bench.client(bench.key("alice"), has_control=False)
        first = threading.Thread(target=remote.emergency_stop)
        first.start()
        assert hanging.wait(PATIENCE)
        remote.last_resort()  # waits for nobody
        assert microscope.calls == ["last resort"]
        go_on.set()
        first.join(PATIENCE)
        assert microscope.calls == ["last resort", "emergency stop"]
    # each is written after its answer, so either may stand first
    said = {event.message: event.is_confirmed for event in bench.events(TipWithdrawn)}
    assert said == {"asked for, the hard way": True, "asked for": True}


def test_a_hard_way_that_nobody_confirms_is_said_to_be_none(tmp_path: Path) -> None:
    microscope = Felt(has_last_resort=True)
    microscope.resort = OSError("motor is off")
    microscope.stopping = [OSError("no route to host")] * 3
    with served(tmp_path, microscope) as bench:
        remote = bench.client(bench.key("alice"), has_control=False)
        with pytest.raises(NotConfirmed, match="motor is off"):
            remote.last_resort()


@pytest.mark.parametrize("hard", [False, True])
def test_a_run_is_withdrawn_the_hard_way_only_where_that_is_asked_for(
    hard: bool, tmp_path: Path
) -> None:
    microscope = Felt(has_last_resort=True)
    runner = new_runner(tmp_path / "run", microscope, InstantClock())
    with Ear(runner, tmp_path / "run"), RunClient.connect(tmp_path / "run", "Ada") as client:
        client.emergency_stop("it smokes", hard=hard)
        resorts = ["last resort"] if hard else []
        assert microscope.calls == [*resorts, "emergency stop"]
        runner.finish()


def test_what_is_done_by_hand_at_a_server_is_ended_in_the_middle(tmp_path: Path) -> None:
    clock = ScaledClock(100.0)
    long = AcquireSpectrum(1e-7, 0.0, BiasWaveform((1.0,) * 100, dwell=100.0))
    with served(tmp_path / "server", clock=clock) as bench:
        remote = bench.client(bench.key("alice"), clock, is_autonomous=False)
        runner = new_runner(tmp_path / "run", remote, clock)
        with Ear(runner, tmp_path / "run"), RunClient.connect(tmp_path / "run", "Ada") as client:
            runner.start([ByHandStep(kind="by_hand")], 1)
            until(lambda: runner.question is not None)
            for way in (long, Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7)), line_rate=0.01)):
                client.perform([way])
                at_work = (InstrumentState.SCANNING, InstrumentState.SPECTROSCOPY)
                until(lambda: client.look().status.state in at_work)  # noqa: B023
                client.interrupt("too long")
                until(lambda: runner.question is not None)
            client.finish()
            assert runner.wait(PATIENCE)
    assert runner.finished == RunFinished(FinishReason.COMPLETED)
    failed = [r.event for r in records_of(tmp_path / "run") if type(r.event) is InstructionFailed]
    assert [each.error for each in failed] == ["Interrupted", "Interrupted"]
    assert 0 < failed[0].values["seconds"] < long.waveform.duration


def until(happens: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(int(PATIENCE / 0.002)):
        if happens():
            return
        threading.Event().wait(0.002)
    pytest.fail("it does not happen")


def test_a_look_takes_nothing_from_the_watchdog() -> None:
    microscope, reads = Felt(), []
    real = microscope.vitals

    def vitals() -> Vitals:
        reads.append(1)
        return real()

    microscope.vitals = vitals  # type: ignore[method-assign]
    watchdog = Watchdog(microscope, InstantClock())
    guard = GuardedInstrument(microscope, watchdog=watchdog)
    assert guard.last_vitals() is None  # it has not looked yet
    watchdog.look()
    assert guard.last_vitals() == real()
    for _ in range(100):
        guard.last_vitals()
    assert len(reads) == 1
    microscope.feel(signal=1.0)
    watchdog.look()
    assert guard.trip.startswith("the tip has touched")
