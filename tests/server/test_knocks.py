"""Whoever does not speak as a client does is hung up on, and keeps nobody else from a door."""

import contextlib
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq
from attackers import PATIENCE, SILENCE, Site, serving, shout

from spm_auto.instrument import Level
from spm_auto.server import Access, Keyring, Role, new_identity
from spm_auto.server.sockets import HANDSHAKE, Door, introduce
from spm_auto.server.wire import LARGEST

DOORS = ("command", "safety", "telemetry")
OVER = 1e-3 * HANDSHAKE + PATIENCE  # [s] in which everybody is hung up on


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give one server to whom everything is said, one after the other."""
    with serving(tmp_path_factory.mktemp("garbage")) as site:
        yield site


RAW = {
    "nothing": [],
    "zeros": [bytes(1000)],
    "noise": [random.Random(1).randbytes(5000)],
    "a browser": [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    "TLS": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)],
    "half a greeting": [b"\xff\0\0\0\0\0\0\0\1\x7f\3"],
    "a greeting without CURVE": [
        b"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL".ljust(64, b"\0"),
        b"\4\x26\5READY\x0bSocket-Type\0\0\0\6DEALER",
    ],
    "a greeting and noise": [
        b"\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE".ljust(64, b"\0"),
        random.Random(2).randbytes(3000),
    ],
    "a message that never ends": [
        b"\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE".ljust(64, b"\0"),
        b"\6\x7f\xff\xff\xff\xff\xff\xff\xff" + bytes(100_000),
    ],
}


def test_bytes_that_are_no_handshake_are_hung_up_on_at_each_door(site: Site) -> None:
    # what waits for more is hung up on when the time for a handshake is over; all wait at once
    cases = [(site.port(door), pieces, OVER) for door in DOORS for pieces in RAW.values()]
    with ThreadPoolExecutor(len(cases)) as pool:
        answers = list(pool.map(lambda case: shout(*case), cases))
    assert max(map(len, answers)) <= 500  # the greeting of ZeroMQ, and nothing of ours
    assert not any(b"bench" in answer or b"attic" in answer for answer in answers)
    site.check_unharmed()
    site.denied("somebody", "took too long")


def test_those_who_send_a_byte_at_a_time_do_not_keep_a_door_busy(site: Site) -> None:
    slow = [socket.create_connection(("127.0.0.1", site.port("command"))) for _ in range(50)]
    try:
        for each in slow:
            each.sendall(b"\xff")
            each.settimeout(OVER)
        site.check_unharmed()
        for each in slow:
            each.sendall(b"\0")
        for each in slow:  # each is hung up on, and until then has heard a greeting at most
            heard = b""
            with contextlib.suppress(ConnectionError):
                while content := each.recv(1000):
                    heard += content
            assert len(heard) <= 64
    finally:
        for each in slow:
            each.close()
    site.check_unharmed()


def test_who_sends_without_end_is_hung_up_on(site: Site) -> None:
    sent = 0
    with (
        socket.create_connection(("127.0.0.1", site.port("safety")), PATIENCE) as endless,
        contextlib.suppress(ConnectionError),
    ):
        while sent < 1e9:
            sent += endless.send(bytes(65536))
    assert sent < 1e7  # what fits into the buffers on the way
    site.check_unharmed()


def test_where_nobody_looks_at_keys_any_more_nobody_comes_in(tmp_path: Path) -> None:
    keyring, server, anna = Keyring(tmp_path), new_identity("bench"), new_identity("anna")
    keyring.add("anna", anna.public, Role.OPERATOR, Level.EVERYTHING)
    access = Access(keyring, lambda _: None)
    door = Door(zmq.ROUTER, "tcp://127.0.0.1", 0, server, access, LARGEST, lambda _: None)
    heard = []
    with contextlib.closing(door), zmq.Context() as context:
        for is_watched in (True, False):
            if not is_watched:
                door._porter.stop()  # as if its thread had died and let go of everything
            with context.socket(zmq.DEALER) as client:
                client.linger = 0
                introduce(client, anna, server.public)
                client.connect(door.address)
                client.send(b"let me in")
                heard.append(bool(door.socket.poll(SILENCE if heard else 1e3 * PATIENCE)))
                if heard[-1]:
                    door.socket.recv_multipart()
    assert heard == [True, False]
