"""Conversations end in time: with the answer, or with an error that says what is missing."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spm_auto.drivers.transport import (
    Connection,
    Meanwhile,
    Patience,
    RecordingLink,
    ReplayLink,
    Talk,
    TcpLink,
)
from spm_auto.drivers.transport.serial_port import SerialLink
from spm_auto.errors import ConnectionLost, DataError, NoReply, OutOfStep, Refused
from spm_auto.simulator.servers import Conversation, Service, WireFault, WireFaults


def echo(conversation: Conversation) -> None:
    """Answer each line with itself."""
    while True:
        line = conversation.receive_until(b"\n")
        conversation.reply(line, line.split()[0].decode())


@pytest.fixture
def service() -> Iterator[Service]:
    serving = Service(echo)
    yield serving
    serving.close()


def faulty(*faults: WireFault) -> Service:
    return Service(echo, faults=WireFaults(faults))


def ask(
    connection: Connection,
    text: bytes,
    timeout: float = 2.0,
    meanwhile: Meanwhile | None = None,
) -> bytes:
    with connection.talk(timeout, meanwhile) as talk:
        talk.link.send(text, talk.patience)
        return talk.link.receive(len(text), talk.patience)


def to(service: Service, **how: object) -> Connection:
    return Connection("echo", lambda: TcpLink("127.0.0.1", service.port), **how)  # type: ignore[arg-type]


def test_a_question_is_answered_and_the_link_kept(service: Service) -> None:
    connection = to(service)
    assert ask(connection, b"one\n") == b"one\n"
    assert ask(connection, b"two\n") == b"two\n"
    assert connection.losses == 0
    connection.close()


@pytest.mark.parametrize("kind", ["split", "late"])
def test_an_answer_in_pieces_or_late_is_still_the_answer(kind: str) -> None:
    service = faulty(WireFault.model_validate({"kind": kind, "delay": "50 ms"}))
    connection = to(service)
    assert ask(connection, b"0123456789\n") == b"0123456789\n"
    connection.close()
    service.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("silent", NoReply),
        ("truncated", NoReply),
        ("half_open", NoReply),
        ("closed", ConnectionLost),
        ("unplugged", ConnectionLost),
    ],
)
def test_no_answer_is_an_error_and_the_next_question_has_a_new_link(
    kind: str, error: type[Exception]
) -> None:
    service = faulty(WireFault.model_validate({"kind": kind}))
    connection = to(service)
    with pytest.raises(error):
        ask(connection, b"first\n", timeout=0.1)
    assert not connection.is_open
    assert ask(connection, b"second\n") == b"second\n"
    assert connection.losses == 1
    connection.close()
    service.close()


def test_an_answer_that_comes_too_late_is_never_taken_for_another_one() -> None:
    service = faulty(WireFault.model_validate({"kind": "late", "delay": "200 ms"}))
    connection = to(service)
    with pytest.raises(NoReply, match=r"0 of 6 bytes"):
        ask(connection, b"first\n", timeout=0.05)
    assert ask(connection, b"other\n") == b"other\n"
    connection.close()
    service.close()


def test_a_refusal_by_the_device_keeps_the_link(service: Service) -> None:
    connection = to(service)

    def refused() -> None:
        with connection.talk(1.0) as talk:
            talk.link.send(b"no\n", talk.patience)
            raise Refused(talk.link.receive_until(b"\n", talk.patience).decode())

    with pytest.raises(Refused, match="no"):
        refused()
    assert connection.is_open
    connection.close()


def test_each_new_link_is_greeted(service: Service) -> None:
    greeted = []

    def greet(talk: Talk) -> None:
        talk.link.send(b"hello\n", talk.patience)
        greeted.append(talk.link.receive_until(b"\n", talk.patience))

    connection = to(service, greet=greet)
    ask(connection, b"one\n")
    connection.close()
    ask(connection, b"two\n")
    assert greeted == [b"hello\n", b"hello\n"]
    connection.close()


def test_nobody_listening_is_said_after_a_few_attempts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        port = taken.getsockname()[1]
        connection = Connection("nobody", lambda: TcpLink("127.0.0.1", port), attempts=2)
        with pytest.raises(ConnectionLost, match="cannot be reached"):
            ask(connection, b"x\n")


def test_while_waiting_something_else_is_looked_after() -> None:
    service = faulty(WireFault.model_validate({"kind": "silent"}))
    connection = to(service)
    looked = threading.Event()

    def meanwhile() -> float:
        looked.set()
        return 0.05

    with pytest.raises(NoReply):
        ask(connection, b"x\n", 60.0, meanwhile)
    assert looked.is_set()
    service.close()


def test_a_line_without_end_is_out_of_step(service: Service) -> None:
    link = TcpLink("127.0.0.1", service.port)
    link.send(b"a" * 50 + b"\n", Patience(2.0))
    with pytest.raises(OutOfStep, match="without the end mark"):
        link.receive_until(b"#", Patience(2.0), most=20)
    link.close()


def test_a_serial_line_speaks_the_same_way() -> None:
    link = SerialLink("loop://")
    link.send(b"GSTS\r\nrest", Patience(1.0))
    assert link.receive_until(b"\r\n", Patience(1.0)) == b"GSTS\r\n"
    assert link.drain() == b"rest"
    with pytest.raises(NoReply):
        link.receive(1, Patience(0.05))
    link.close()


def test_a_serial_line_that_is_not_there_is_said() -> None:
    with pytest.raises(ConnectionLost, match="no_such_port"):
        SerialLink("no_such_port")


def test_what_went_over_the_wire_is_recorded_and_can_be_played_again(
    service: Service, tmp_path: Path
) -> None:
    record = tmp_path / "wire.jsonl"
    recorded = RecordingLink(TcpLink("127.0.0.1", service.port), record)
    recorded.send(b"hello\n", Patience(1.0))
    assert recorded.receive(6, Patience(1.0)) == b"hello\n"
    recorded.close()

    replay = ReplayLink(record)
    replay.send(b"hel", Patience(1.0))
    replay.send(b"lo\n", Patience(1.0))
    assert replay.receive_until(b"\n", Patience(1.0)) == b"hello\n"
    with pytest.raises(OutOfStep, match="the recording has nothing"):
        replay.send(b"more", Patience(1.0))
    with pytest.raises(OutOfStep, match="the recording has b'hello"):
        ReplayLink(record).send(b"other\n", Patience(1.0))


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nonsense", "utf-8")
    with pytest.raises(DataError, match="not a recording"):
        ReplayLink(tmp_path / "x")
