"""`spm-auto run` of hardware: the instrument has a process of its own that belongs to the run."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_files import write_lab
from prompt import RECIPE, SMALL, Command, carry_out

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    AgentAnswered,
    AgentPrepared,
    CommandGiven,
    Event,
    JournalReader,
    LeaseChanged,
    RunStarted,
    ServerStarted,
    ServerStopped,
    SpectrumAcquired,
    TipWithdrawn,
    open_run,
)
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.servers import Server
from spm_auto.simulator.servers.nanonis import NanonisEmulatorSettings

TICK = threading.Event()


def spectra(out: Path) -> list[Event]:
    """Return the spectra that a run has written down so far."""
    if not (out / FILE_NAME).exists():
        return []
    records = JournalReader(out / FILE_NAME).poll()
    return [each.event for each in records if isinstance(each.event, SpectrumAcquired)]


def audit(out: Path) -> list[Event]:
    """Return what the server of a run wrote down."""
    (path,) = (out / "server").glob("*/server.spmj")
    return [record.event for record in JournalReader(path).poll()]


def story(out: Path) -> list[Any]:
    """Return what a run says, but for what a process is called and how long an agent thought."""
    said: list[Any] = []
    for record in open_run(out).records:
        match record.event:
            case RunStarted() | AgentPrepared():
                continue
            case AgentAnswered() as answer:
                said.append((record.time, repr(replace(answer, seconds=0.0, waited=0.0))))
            case event:
                said.append((record.time, repr(event)))
    return said


@pytest.fixture
def controller() -> Iterator[Server]:
    """A Nanonis controller that the driver takes for a real one."""
    clock = InstantClock()
    film = SimulatorSettings(level=1).open(clock, seed=3)
    server = NanonisEmulatorSettings().start(film, clock)
    yield server
    server.close()


@pytest.fixture
def lab(controller: Server, tmp_path: Path) -> Path:
    # it measures no current, so that SafeTip has nothing to look at
    waived = '[watchdog]\nprotection = "waived"\n'
    return write_lab(tmp_path / "lab.toml", {"kind": "nanonis", **controller.address}, waived)


def test_a_run_behind_a_server_says_the_same_as_one_without(
    command: Command, tmp_path: Path
) -> None:
    assert carry_out(command, tmp_path / "plain")[0] == 0
    code, _, err = carry_out(command, tmp_path / "served", "--server")
    assert code == 0, err
    assert story(tmp_path / "served") == story(tmp_path / "plain")


def test_hardware_is_behind_a_server_that_ends_with_the_run(
    command: Command, lab: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    code, said, _ = carry_out(command, out, lab=lab)
    assert code == 0, said
    assert len(open_run(out).spectra) == 6
    events = audit(out)
    assert isinstance(events[0], ServerStarted)
    assert isinstance(events[-1], ServerStopped)
    given = [type(each.instruction).__name__ for each in events if isinstance(each, CommandGiven)]
    assert given == ["Load", "Scan", *6 * ["AcquireSpectrum"]]
    changes = [each.what for each in events if isinstance(each, LeaseChanged)]
    assert changes == ["taken", "released"]


def test_a_killed_run_is_resumed_on_the_server_that_it_left_behind(
    command: Command, lab: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    short = "--set=server.hold_after=2 s"
    words = ["run", str(RECIPE), "--lab", str(lab), "--out", str(out), *SMALL, short]
    with subprocess.Popen([sys.executable, "-m", "spm_auto", *words]) as process:
        while len(spectra(out)) < 2:
            assert process.poll() is None
            TICK.wait(0.01)
        process.kill()
    before = len(spectra(out))
    code, said, err = command("resume", out, "--accept-changes")
    assert code == 0, said + err
    assert 2 <= before < 6
    assert len(open_run(out).spectra) == 6
    changes = [(each.who, each.what) for each in audit(out) if isinstance(each, LeaseChanged)]
    assert changes == [("run", each) for each in ("taken", "lost", "taken", "released")]
    assert not any(isinstance(each, TipWithdrawn) for each in audit(out))


def test_hardware_whose_own_guard_is_not_armed_does_not_run_by_itself(
    command: Command, lab: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    code, said, _ = carry_out(command, out, "--set=watchdog.protection=required", lab=lab)
    assert code == 1
    assert "nothing may run by itself" in said
    assert open_run(out).scans == ()
    assert open_run(out).spectra == ()


def test_no_secret_of_the_run_can_be_read_by_others(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert carry_out(command, out, "--server")[0] == 0
    secrets = list((out / "server").rglob("*.key_secret"))
    assert len(secrets) == 2
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}
    said = (out / "run.spmj").read_bytes() + next((out / "server").glob("*/*.spmj")).read_bytes()
    for path in secrets:
        (line,) = (text for text in path.read_text().splitlines() if "secret-key" in text)
        assert line.split('"')[1].encode() not in said


def test_an_instrument_that_does_not_answer_is_one_clear_line(
    command: Command, lab: Path, controller: Server, tmp_path: Path
) -> None:
    controller.close()
    code, _, err = carry_out(command, tmp_path / "run", lab=lab)
    assert code == 1
    assert "the instrument server did not start: " in err
    assert "cannot be reached" in err
    assert not (tmp_path / "run" / "run.spmj").exists()


def test_a_folder_that_holds_a_run_is_refused_before_a_server_starts(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert carry_out(command, out)[0] == 0
    code, _, err = carry_out(command, out, "--server")
    assert (code, "holds a run already" in err) == (1, True)
    assert not (out / "server").exists()
