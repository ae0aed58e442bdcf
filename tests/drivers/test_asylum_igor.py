"""Igor confirms what it was told, or it is said in time that it did not."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from marked import MarkedMicroscope

from spm_auto.clock import InstantClock
from spm_auto.drivers.asylum import Igor
from spm_auto.drivers.asylum.folder import FolderIgor, Listener, Program
from spm_auto.drivers.asylum.igor import Recording
from spm_auto.drivers.asylum.zeromq import ZmqIgor
from spm_auto.drivers.transport import Patience
from spm_auto.errors import ConnectionLost, NoReply, OutOfStep, Refused
from spm_auto.simulator.servers import WireFault
from spm_auto.simulator.servers.asylum import AsylumEmulatorSettings
from spm_auto.simulator.servers.asylum.settings import AsylumServer
from spm_auto.wire.igor import Call, command_file, gv, parse_readout, pv, readout_text, td_write

SIZE = pv("ScanSize", 3e-7), gv("ScanSize")


def started(transport: str) -> AsylumServer:
    clock = InstantClock()
    return AsylumEmulatorSettings(transport=transport).start(MarkedMicroscope(clock), clock)  # type: ignore[arg-type]


def way_to(server: AsylumServer, recording: Recording | None = None) -> Igor:
    if "zeromq" in server.address:
        return ZmqIgor(server.address["zeromq"], recording)
    host, port = server.address["listener"].split(":")
    return FolderIgor(server.exchange, Listener(host, int(port)), recording=recording)


@pytest.fixture(params=["folder", "zeromq"])
def server(request: pytest.FixtureRequest) -> Iterator[AsylumServer]:
    if request.param == "zeromq":
        pytest.importorskip("zmq")
    running = started(request.param)
    yield running
    running.close()


@pytest.fixture
def folder() -> Iterator[AsylumServer]:
    running = started("folder")
    yield running
    running.close()


def ask(igor: Igor, timeout: float = 2.0) -> tuple[float, ...]:
    return igor.exchange([SIZE[0]], [SIZE[1]], Patience(timeout))


def test_what_is_set_is_read_back_in_the_same_exchange(server: AsylumServer) -> None:
    igor = way_to(server)
    assert ask(igor) == (3e-7,)
    assert igor.read([gv("nonsense")], Patience(2.0)) != igor.read([gv("ScanSize")], Patience(2.0))
    igor.close()


@pytest.mark.parametrize(
    ("kind", "errors"),
    [
        ("late", ()),
        ("split", ()),
        ("silent", (NoReply,)),
        ("half_open", (NoReply,)),
        ("truncated", (NoReply, OutOfStep)),
        ("garbage", (OutOfStep,)),
        ("stale", (OutOfStep,)),
        ("closed", (NoReply,)),
        ("error", (NoReply, Refused)),
    ],
)
def test_every_fault_ends_in_time_and_the_next_question_is_answered(
    server: AsylumServer, kind: str, errors: tuple[type[Exception], ...]
) -> None:
    igor = way_to(server)
    assert ask(igor) == (3e-7,)
    server.faults.arm(WireFault.model_validate({"kind": kind, "after": 0, "delay": "30 ms"}))
    if errors:
        with pytest.raises(errors):
            ask(igor, 0.15)
    else:
        assert ask(igor) == (3e-7,)
    server.faults.arm()
    assert ask(igor) == (3e-7,)
    igor.close()


def test_a_command_that_was_not_confirmed_is_not_executed_later(folder: AsylumServer) -> None:
    igor = way_to(folder)
    folder.faults.arm(WireFault.model_validate({"kind": "late", "delay": "150 ms"}))
    with pytest.raises(NoReply, match="dialog"):
        igor.exchange([td_write("PIDSLoop.0.Setpoint", 1.0)], [], Patience(0.05))
    assert list(folder.exchange.glob("*.arcmd")) == []
    (setpoint,) = igor.read([Call("td_ReadValue", ("PIDSLoop.0.Setpoint",))], Patience(2.0))
    assert setpoint == pytest.approx(0.2)


def test_nothing_is_left_in_the_folder(folder: AsylumServer) -> None:
    igor = way_to(folder)
    for _ in range(3):
        ask(igor)
    assert list(folder.exchange.iterdir()) == []


def test_an_emergency_does_not_wait_for_an_exchange(server: AsylumServer) -> None:
    igor = way_to(server)
    server.faults.arm(WireFault.model_validate({"kind": "silent", "on": "PV"}))

    def unanswered() -> None:
        with pytest.raises(NoReply):
            ask(igor, 0.3)

    waiting = threading.Thread(target=unanswered)
    waiting.start()
    aside = igor.aside()
    assert aside.read([gv("ScanRate")], Patience(0.5)) == (1.0,)
    assert waiting.is_alive()
    waiting.join()
    igor.close()
    aside.close()


def answering(folder: Path, contents: list[bytes]) -> FolderIgor:
    """Return an Igor who finds one content of the readout after the other, asked for number 7."""
    igor = FolderIgor(folder, lambda _file, _patience: lambda: None)
    igor._nonce = 6
    steps = iter(contents)

    def check() -> None:
        content = next(steps, None)
        if content is not None:
            (folder / "readout_000007.txt").write_bytes(content)

    igor._tell = lambda _file, _patience: check
    return igor


def test_an_old_a_half_and_a_doubled_readout_are_not_the_answer(tmp_path: Path) -> None:
    right = readout_text([7, 1.5, 7])
    for wrong in (readout_text([6, 2.5, 6]), right[:-1], right + right, readout_text([7, 1.5])):
        igor = answering(tmp_path, [wrong, b"", right])
        assert igor.read([gv("A")], Patience(2.0)) == (1.5,)


def test_a_readout_that_is_locked_is_read_when_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    igor = answering(tmp_path, [readout_text([7, 1.5, 7])])
    tries = iter([True] * 3)
    read = Path.read_bytes

    def locked(path: Path) -> bytes:
        if path.suffix == ".txt" and path.exists() and next(tries, False):
            raise PermissionError(13, "used by another process")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", locked)
    assert igor.read([gv("A")], Patience(2.0)) == (1.5,)
    assert next(tries, None) is None


def test_igor_sees_the_folder_under_its_own_name(tmp_path: Path) -> None:
    texts: list[str] = []

    def tell(file: Path, _patience: Patience):  # type: ignore[no-untyped-def]
        texts.append(file.read_text())
        raise ConnectionLost("enough")

    igor = FolderIgor(tmp_path, tell, "D:\\exchange")
    with pytest.raises(ConnectionLost):
        ask(igor)
    assert '"D:\\\\exchange\\\\readout_' in texts[0]


def test_a_program_that_hands_the_file_on_is_enough(folder: AsylumServer) -> None:
    host, port = folder.address["listener"].split(":")
    code = (
        "import socket, sys;"
        f"s = socket.create_connection(('{host}', {port}));"
        "s.sendall((sys.argv[1] + '\\n').encode()); s.recv(9)"
    )
    program = Program([sys.executable, "-S", "-c", code])
    assert ask(FolderIgor(folder.exchange, program), 10.0) == (3e-7,)
    assert [child.wait(10.0) for child in program._running] == [0]


def test_a_program_that_fails_or_is_not_there_is_said(tmp_path: Path) -> None:
    failing = FolderIgor(tmp_path, Program([sys.executable, "-S", "-c", "raise SystemExit(3)"]))
    with pytest.raises(ConnectionLost, match="exit code 3"):
        ask(failing, 10.0)
    with pytest.raises(ConnectionLost, match="cannot be started"):
        ask(FolderIgor(tmp_path, Program([str(tmp_path / "Igor.exe")])))
    with pytest.raises(ConnectionLost, match="cannot be reached"):
        ask(FolderIgor(tmp_path, Listener("127.0.0.1", _closed_port())))


def test_the_wire_is_written_down(server: AsylumServer, tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    igor = way_to(server, Recording(path))
    ask(igor)
    igor.close()
    text = path.read_text()
    assert b"PV".hex() in text
    assert '"way": "<"' in text


def test_the_fake_says_what_it_could_not_execute(folder: AsylumServer, tmp_path: Path) -> None:
    readout = tmp_path / "r.txt"
    command = tmp_path / "x.arcmd"
    command.write_text(command_file([Call("Nonsense")], [], 1, f"{readout}.tmp", str(readout)))
    host, port = folder.address["listener"].split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(f"{command}\n".encode())
        while b"done" not in line.recv(99):
            continue
    assert not readout.exists()
    assert "no function Nonsense" in folder.igor.refused[0]
    assert parse_readout(readout_text([1])) == (1,)


def _closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
