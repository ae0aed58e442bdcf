"""A window at an instrument server: it sees what is told, withdraws, and does nothing else."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made import started
from served import Served, served
from talking import until

from spm_auto.data import FILE_NAME, Journal, RunStarted
from spm_auto.errors import AccessError
from spm_auto.gui.run.server_link import ServerLink, announcements
from spm_auto.gui.run.session import Session
from spm_auto.gui.run.wishes import Pause
from spm_auto.gui.run.withdrawal import Stage
from spm_auto.instrument import InstrumentState, Level, Load, Scan, ScanFrame
from spm_auto.server import Role, new_identity, write_identity

FRAME = ScanFrame((0.0, 0.0), (4e-7, 2e-7), (16, 8))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as bench:
        yield bench


@pytest.fixture
def announced(bench: Served, tmp_path: Path) -> Path:
    """The file in which the server says where it listens; a key lies beside it."""
    eve = bench.key("eve", Role.OBSERVER, Level.WATCH)
    write_identity(eve, tmp_path / "keys")
    path = tmp_path / "server.json"
    path.write_text(json.dumps({**bench.server.addresses, "public": bench.public}))
    return path


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session("Eve", tmp_path)
    yield session
    session.close()
    names = ("server", "prepared", "withdraw")
    until(lambda: not [t for t in threading.enumerate() if t.name in names])


def ticks(session: Session, happens: Callable[[], object]) -> None:
    def so() -> object:
        session.tick()
        return happens()

    until(so)


def test_it_sees_the_instrument_and_each_line_of_a_scan(
    bench: Served, announced: Path, session: Session
) -> None:
    session.attach_server(announced)
    session.tick()
    assert session.look or session.fault == "the server has not said anything yet"
    ticks(session, lambda: session.look and session.about and session.model.started)
    assert isinstance(session.model.started, RunStarted)
    assert session.model.started.title == "instrument server of bench"
    assert session.model.limits is not None
    alice = bench.client(bench.key("alice"))
    alice.load(Load())
    lines = list(alice.scan(Scan(FRAME)))
    ticks(session, lambda: session.model.scans and session.model.scans[-1].n_lines == 8)
    forward = session.model.scans[-1].forward
    assert forward is not None
    assert (forward[:, 3] == lines[3].forward).all()
    ticks(session, lambda: session.look is not None and session.look.owner == "alice")
    assert session.fault == ""
    assert session.standing.server == announced


def test_it_withdraws_whoever_has_control_and_does_nothing_else(
    bench: Served, announced: Path, session: Session
) -> None:
    """Row 14: an observer of a server may withdraw, too."""
    alice = bench.client(bench.key("alice"))
    alice.load(Load())
    session.attach_server(announced)
    session.wish(Pause())
    assert session.take_outcomes()[0].error
    until(lambda: session.withdrawal.said.stage is Stage.READY)
    session.withdrawal.press()
    until(lambda: session.withdrawal.said.stage is Stage.CONFIRMED)
    assert bench.guard.status().state is InstrumentState.LATCHED


def test_a_run_behind_its_own_server_is_withdrawn_there_when_it_does_not_listen(
    bench: Served, announced: Path, session: Session, tmp_path: Path
) -> None:
    """Row 14: the way through the server's door for safety."""
    bench.client(bench.key("alice")).load(Load())
    keys = tmp_path / "run" / "server" / "keys-1"
    keys.mkdir(parents=True)
    write_identity(bench.key("run"), keys)
    (keys / "announced.json").write_text(announced.read_text())
    session.attach(tmp_path / "run")
    until(lambda: session.withdrawal.said.stage is Stage.READY)
    session.withdrawal.press()
    until(lambda: session.withdrawal.said.stage is Stage.CONFIRMED)
    assert session.withdrawal.said.detail == "by its server"
    assert bench.guard.status().state is InstrumentState.LATCHED


def test_pressed_again_the_server_takes_its_last_resort(
    bench: Served, announced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 14: the hard path, at the server's door for safety."""
    bench.client(bench.key("alice")).load(Load())
    ordered = threading.Event()
    monkeypatch.setattr(bench.guard, "withdraw_hard", ordered.set)
    link = ServerLink(announced)
    door = link.door()
    door.withdraw(is_hard=True)
    assert ordered.is_set()
    door.close()
    link.close()


def test_a_server_that_is_gone_is_said_to_be_gone(
    bench: Served, announced: Path, session: Session
) -> None:
    bench.server.close()
    session.attach_server(announced)
    ticks(session, lambda: session.fault)
    assert session.look is None
    assert session.withdrawal.said.stage is Stage.NOTHING


def test_a_file_or_a_key_that_is_missing_is_refused(
    announced: Path, session: Session, tmp_path: Path
) -> None:
    with pytest.raises(AccessError, match="no server has said where it listens"):
        session.attach_server(tmp_path / "none.json")
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(AccessError, match="does not say where a server listens"):
        session.attach_server(bad)
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / "server.json"
    copy.write_text(announced.read_text())
    with pytest.raises(AccessError, match="choose a key"):
        session.attach_server(copy)
    assert session.folder is None


def test_a_server_that_was_started_again_elsewhere_is_found(
    announced: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.gui.run.server_link._AGAIN", 0.02)
    now = announced.read_text()
    nobody = dict.fromkeys(("command", "safety", "telemetry"), "tcp://127.0.0.1:1")
    announced.write_text(json.dumps({**json.loads(now), **nobody}))
    session.attach_server(announced)
    ticks(session, lambda: session.fault)
    announced.write_text(now)
    ticks(session, lambda: session.look)


def test_a_run_on_a_server_that_its_lab_names_is_withdrawn_there_when_it_does_not_listen(
    bench: Served, session: Session, tmp_path: Path
) -> None:
    """Row 14: also a server on another computer, which stands in no folder of the run."""
    bench.client(bench.key("alice")).load(Load())
    write_identity(bench.key("eve", Role.OBSERVER, Level.WATCH), tmp_path)
    public = new_identity("their_server")
    write_identity(replace(public, public=bench.public), tmp_path)
    lab = f"""
schema_version = 1
laboratory = "far away"
[instrument]
kind = "remote"
address = "{bench.server.addresses["command"]}"
key = "eve.key_secret"
server_key = "their_server.key"
"""
    began = replace(
        started(), lab=lab, settings={"lab_file": str(tmp_path / "lab.toml"), "overrides": ()}
    )
    (tmp_path / "run").mkdir()
    with Journal(tmp_path / "run" / FILE_NAME, time.monotonic) as journal:
        journal.append(began)
    session.attach(tmp_path / "run")
    until(lambda: session.withdrawal.said.stage is Stage.READY)
    session.withdrawal.press()
    until(lambda: session.withdrawal.said.stage is Stage.CONFIRMED)
    assert session.withdrawal.said.detail == "by its server"


def test_a_server_is_looked_for_where_it_announces_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path))
    assert announcements() == tmp_path
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path / "none"))
    assert announcements() == Path.home()
