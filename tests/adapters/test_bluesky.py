"""What a RunEngine does with the devices of a run: plans, documents, pauses, refusals."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import event_model
import numpy as np
import pytest
from bluesky import RunEngine, protocols
from bluesky.simulators import check_limits
from bluesky.utils import FailedStatus, RunEngineInterrupted

import spm_auto as spm
from examples.own_instrument import OhmicMicroscope
from spm_auto.bluesky import Microscope, explore
from spm_auto.clock import Clock, InstantClock
from spm_auto.data import FinishReason, InstructionFailed, Intervention, ProbePositioned
from spm_auto.errors import EmergencyStopped, LimitExceeded, SpmError
from spm_auto.instrument import Limits, NoGoZone, Scan, ScanFrame

ROOT = Path(__file__).resolve().parents[2]
SWEEP = spm.BiasWaveform.sweep("0 V", "1 V", points=11)
SCAN = Scan(ScanFrame((0.0, 0.0), (1e-6, 1e-6), (12, 8)))


@dataclass(eq=False)
class Collected:
    """The documents of a RunEngine, each held against event-model's own schema."""

    documents: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, name: str, document: dict[str, Any]) -> None:
        kind = event_model.DocumentNames[name]
        event_model.schema_validators[kind].validate(document)
        self.documents.append((name, document))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [document for kind, document in self.documents if kind == name]


@pytest.fixture(scope="module")
def engine() -> Iterator[RunEngine]:
    engine = RunEngine({}, context_managers=[])
    yield engine
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(5.0)
    engine.loop.close()


@pytest.fixture
def collected(engine: RunEngine) -> Iterator[Collected]:
    collected = Collected()
    token = engine.subscribe(collected)
    yield collected
    engine.unsubscribe(token)


def start(out: Path, limits: Limits | None = None, clock: Clock | None = None) -> spm.Run:
    clock = clock or InstantClock()
    return spm.start_run(
        instrument=OhmicMicroscope(clock), clock=clock, out=out, seed=1, limits=limits
    )


def devices(run: spm.Run, **more: Any) -> Microscope:
    return Microscope(run, SWEEP, SCAN, worth=["integral"], **more)


def test_the_devices_are_what_the_protocols_of_bluesky_say(tmp_path: Path) -> None:
    with start(tmp_path / "run") as run, devices(run) as scope:
        every = [protocols.Readable, protocols.Configurable, protocols.HasHints]
        every += [protocols.HasParent, protocols.Stoppable, protocols.Pausable]
        moving = [protocols.Movable, protocols.Locatable, protocols.Checkable]
        measuring = [protocols.Triggerable, protocols.Stageable, protocols.Preparable]
        for device, kinds in (
            (scope.x, every + moving),
            (scope.probe, every + moving),
            (scope.spectrum, every + measuring),
            (scope.image, every + measuring),
        ):
            lacking = [kind.__name__ for kind in kinds if not isinstance(device, kind)]
            assert lacking == [], device.name
        status = scope.x.set("100 nm")
        status.wait(10.0)
        assert isinstance(status, protocols.Status)
        assert (status.done, status.success) == (True, True)


def test_the_devices_work_where_neither_bluesky_nor_ophyd_is_installed(tmp_path: Path) -> None:
    code = """
import sys
sys.modules.update(bluesky=None, ophyd=None, event_model=None)
import spm_auto as spm
from examples.own_instrument import OhmicMicroscope
from spm_auto.bluesky import Microscope
from spm_auto.clock import InstantClock

clock, sweep = InstantClock(), spm.BiasWaveform.sweep(0.0, 1.0, points=3)
with spm.start_run(instrument=OhmicMicroscope(clock), clock=clock, out=sys.argv[1]) as run:
    with Microscope(run, sweep) as scope:
        scope.probe.set(("200 nm", "100 nm")).wait(20.0)
        scope.spectrum.trigger().wait(20.0)
        print(len(scope.spectrum.read()["spectrum_current"]["value"]))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout.strip(), done.returncode) == ("3", 0), done.stderr


def test_a_grid_scan_gives_valid_documents_with_the_spectra_that_the_journal_holds(
    engine: RunEngine, collected: Collected, tmp_path: Path
) -> None:
    with start(tmp_path / "run") as run, devices(run) as scope:
        plan = bp.grid_scan([scope.spectrum], scope.y, 0, 2e-7, 3, scope.x, -1e-7, 1e-7, 4)
        engine(plan)
    recorded = spm.open_run(tmp_path / "run")
    events = collected.of("event")
    (stop,) = collected.of("stop")
    assert (stop["exit_status"], stop["num_events"]["primary"]) == ("success", 12)
    assert len(events) == len(recorded.spectra) == 12
    grid = [(event["data"]["x"], event["data"]["y"]) for event in events]
    assert np.allclose(
        sorted(grid), [(x, y) for x in np.linspace(-1e-7, 1e-7, 4) for y in (0, 1e-7, 2e-7)]
    )
    for event, spectrum in zip(events, recorded.spectra, strict=True):
        assert event["data"]["spectrum_current"].tobytes() == spectrum.data[0].tobytes()
        assert event["data"]["spectrum_x"] == event["data"]["x"] == spectrum.x
    (descriptor,) = collected.of("descriptor")
    current = descriptor["data_keys"]["spectrum_current"]
    assert (current["shape"], current["units"], current["dims"]) == ([11], "A", ["point"])
    assert descriptor["configuration"]["spectrum"]["data"]["spectrum_dwell"] == SWEEP.dwell
    assert descriptor["hints"]["spectrum"] == {"fields": ["spectrum_integral"]}


def test_an_image_is_an_event_and_can_be_of_another_frame(
    engine: RunEngine, collected: Collected, tmp_path: Path
) -> None:
    def plan() -> Iterator[Any]:
        yield from bp.count([scope.image])
        yield from bps.prepare(scope.image, ScanFrame((0, 0), (1e-7, 1e-7), (4, 4)), wait=True)
        yield from bp.count([scope.image])

    with start(tmp_path / "run") as run, devices(run, name="afm") as scope:
        engine(plan())
    images = [event["data"]["afm_image_conductance_forward"] for event in collected.of("event")]
    assert [image.shape for image in images] == [(8, 12), (4, 4)]
    scans = spm.open_run(tmp_path / "run").scans
    assert images[0].tobytes() == scans[0].forward[0].tobytes()
    described = [
        d["data_keys"]["afm_image_conductance_forward"] for d in collected.of("descriptor")
    ]
    assert [key["shape"] for key in described] == [[8, 12], [4, 4]]
    widths = [
        d["configuration"]["afm_image"]["data"]["afm_image_width"]
        for d in collected.of("descriptor")
    ]
    assert widths == [1e-6, 1e-7]


def test_an_agent_explores_under_the_engine_and_is_recorded_by_the_run(
    engine: RunEngine, collected: Collected, tmp_path: Path
) -> None:
    with start(tmp_path / "run") as run, devices(run) as scope:
        engine(bp.count([scope.image]))
        overview = scope.image.last
        assert overview is not None
        agent = spm.agents.make("ranking", overview, scalarizer="integral", seed=1)
        engine(explore(scope, agent, budget=5))
    recorded = spm.open_run(tmp_path / "run")
    assert [m.chosen is not None and m.scored is not None for m in recorded.measurements] == [
        True
    ] * 5
    found = [event["data"]["spectrum_integral"] for event in collected.of("event")[1:]]
    assert found == recorded.rewards.tolist()
    assert collected.of("start")[1]["plan_args"] == {"agent": "RankingAgent", "budget": 5}


def test_what_the_guard_refuses_ends_the_plan_and_moves_nothing(
    engine: RunEngine, collected: Collected, tmp_path: Path
) -> None:
    limits = Limits(x=(-3e-7, 3e-7), no_go=(NoGoZone(0.0, 2e-7, 1e-7),))
    with start(tmp_path / "run", limits) as run, devices(run) as scope:
        assert scope.x.limits == (-3e-7, 3e-7)
        for axis, value in ((scope.x, "400 nm"), (scope.probe, (0.0, "150 nm"))):
            with pytest.raises(LimitExceeded):
                axis.check_value(value)
        plan = bp.scan([scope.spectrum], scope.x, 0, 5e-7, 3)
        with pytest.raises(LimitExceeded, match="x of 5e-07 m is outside"):
            check_limits(bp.scan([scope.spectrum], scope.x, 0, 5e-7, 3))
        with pytest.raises(FailedStatus) as error:
            engine(plan)
        assert isinstance(error.value.__cause__, LimitExceeded)
    recorded = spm.open_run(tmp_path / "run")
    assert collected.of("stop")[0]["exit_status"] == "fail"
    moved = [r.event for r in recorded.records if isinstance(r.event, ProbePositioned)]
    refused = [r.event for r in recorded.records if isinstance(r.event, InstructionFailed)]
    assert [move.x for move in moved] == [0.0, 2.5e-7]
    assert [each.error for each in refused] == ["LimitExceeded"]
    assert recorded.finished is not None
    assert recorded.finished.reason == FinishReason.COMPLETED  # the run outlives a plan


class Waiting:
    """A clock on which one wait, once armed, lasts until somebody stops it; the others none."""

    def __init__(self) -> None:
        self._instant = InstantClock()
        self.is_armed, self.begun = False, threading.Event()

    def now(self) -> float:
        return self._instant.now()

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        if self.is_armed and stop is not None:
            self.is_armed = False
            self.begun.set()
            assert stop.wait(20.0), "nobody has stopped it"
        return self._instant.wait(duration, stop)


def test_a_paused_plan_interrupts_the_scan_and_scans_again_when_it_goes_on(
    engine: RunEngine, collected: Collected, tmp_path: Path
) -> None:
    clock = Waiting()
    with start(tmp_path / "run", clock=clock) as run, devices(run) as scope:
        clock.is_armed = True
        pausing = threading.Thread(target=lambda: clock.begun.wait(20) and engine.request_pause())
        pausing.start()
        with pytest.raises(RunEngineInterrupted):
            engine(bp.count([scope.image]))
        pausing.join(20)
        engine.resume()
    recorded = spm.open_run(tmp_path / "run")
    assert [scan.is_complete for scan in recorded.scans] == [False, True]
    assert len(collected.of("event")) == 1
    said = [event.what for event in recorded.interventions if event.who == "bluesky"]
    assert said == ["end what was begun by hand"]
    failed = [r.event.error for r in recorded.records if isinstance(r.event, InstructionFailed)]
    assert failed == ["Interrupted"]


def test_stopping_a_device_ends_what_goes_on_and_what_waits_but_not_the_run(tmp_path: Path) -> None:
    clock = Waiting()
    with start(tmp_path / "run", clock=clock) as run, devices(run) as scope:
        clock.is_armed = True
        statuses = [scope.image.trigger(), scope.x.set(1e-7), scope.spectrum.trigger()]
        assert clock.begun.wait(20)
        scope.x.stop(success=False)
        errors = [status.exception(20.0) for status in statuses]
        assert [type(error).__name__ for error in errors] == ["Interrupted"] * 3
        with pytest.raises(SpmError, match="spectrum has measured nothing"):
            scope.spectrum.read()
        scope.x.set(2e-7).wait(20.0)
        assert scope.x.position == 2e-7
    assert isinstance(spm.open_run(tmp_path / "run").interventions[0], Intervention)


def test_after_an_emergency_stop_a_plan_fails_at_its_next_instruction(
    engine: RunEngine, tmp_path: Path
) -> None:
    with start(tmp_path / "run") as run, devices(run) as scope:
        scope.emergency_stop("smoke")
        assert isinstance(scope.x.set(0.0).exception(20.0), EmergencyStopped)
        with pytest.raises(FailedStatus):
            engine(bps.mv(scope.x, 1e-7))
    finished = spm.open_run(tmp_path / "run").finished
    assert finished is not None
    assert finished.reason == FinishReason.EMERGENCY
