"""The emulated Nanonis controller on the wire: framing, rules that real clients force, nonsense."""

import random
import socket
import struct

import pytest
from nanonis_client import Client, client_of, controller

from spm_auto.simulator.servers import WireFault
from spm_auto.wire.nanonis import commands, encode_request

MOST_BYTES = 16 * 2**20


@pytest.fixture(scope="module")
def server():
    with controller() as server:
        yield server


def header(name: bytes, size: int, wants_reply: int = 1) -> bytes:
    return struct.pack(">32siHH", name, size, wants_reply, 0)


def test_names_are_read_in_any_case_and_echoed_as_they_came(server):
    with client_of(server) as client:
        client.socket.sendall(header(b"bias.GET", 0))
        echoed = client.take(40)
        assert echoed[:32] == b"bias.GET".ljust(32, b"\0")
        assert struct.unpack(">i", echoed[32:36]) == (12,)
        client.take(12)


def test_a_reply_is_sent_in_one_piece(server):
    with client_of(server) as client:
        client.socket.sendall(header(b"Bias.Get", 0))
        assert len(client.socket.recv(1 << 16)) == 52


def test_an_unknown_command_gets_the_error_block_alone(server):
    with client_of(server) as client:
        client.socket.sendall(header(b"Coffee.Make", 0))
        size = struct.unpack(">i", client.take(40)[32:36])[0]
        status, length = struct.unpack(">Ii", (body := client.take(size))[:8])
        assert (status, length) == (1, size - 8)
        assert b"Coffee.Make" in body


def test_an_error_comes_behind_values_of_zero(server):
    with client_of(server) as client:
        client.socket.sendall(header(b"Motor.PosGet", 8) + bytes(8))
        size = struct.unpack(">i", client.take(40)[32:36])[0]
        body = client.take(size)
        assert body[:24] == bytes(24)
        assert struct.unpack(">I", body[24:28]) == (1,)


def test_requests_come_in_pieces_and_several_at_once(server):
    with client_of(server) as client:
        request = encode_request("Bias.Set", bias=0.25)
        for byte in request:
            client.socket.sendall(bytes([byte]))
        assert client.answer("Bias.Set") == ({}, "")
        quiet = encode_request("Bias.Set", wants_reply=False, bias=0.35)
        client.socket.sendall(quiet + quiet + encode_request("Bias.Get"))
        assert client.answer("Bias.Get")[0]["bias"] == pytest.approx(0.35)


def test_bodies_may_be_shorter_or_longer_than_the_table_says(server):
    with client_of(server) as client:
        body = struct.pack(">ff", 1500.0, 120.0)  # without the axis, which came later
        client.socket.sendall(header(b"Motor.FreqAmpSet", len(body)) + body)
        assert client.answer("Motor.FreqAmpSet") == ({}, "")
        body = struct.pack(">f", 0.3) + b"something new"
        client.socket.sendall(header(b"Bias.Set", len(body)) + body)
        assert client.answer("Bias.Set") == ({}, "")
        client.socket.sendall(header(b"Bias.Set", 2) + b"\0\0")
        assert "bias" in client.answer("Bias.Set")[1]
        assert client.ask("Bias.Get")["bias"] == pytest.approx(0.3)


@pytest.mark.parametrize("size", [-1, MOST_BYTES + 1, 2**31 - 1])
def test_an_absurd_size_ends_the_conversation_and_the_next_client_is_served(server, size):
    with client_of(server) as client:
        client.socket.sendall(header(b"Bias.Get", size))
        assert client.hung_up()
    with client_of(server) as client:
        client.ask("Bias.Get")


def test_a_second_client_is_served_when_the_first_has_left(server):
    first, second = (Client(server.address["ports"][0]) for _ in range(2))
    first.ask("Bias.Get")
    second.socket.sendall(encode_request("Bias.Get"))
    second.socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        second.socket.recv(1)
    first.close()
    second.socket.settimeout(10)
    assert not second.answer("Bias.Get")[1]
    second.close()


def test_clients_that_only_knock_do_no_harm(server):
    for _ in range(20):
        socket.create_connection(("127.0.0.1", server.address["ports"][0]), timeout=5).close()
    with client_of(server) as client:
        client.ask("Bias.Get")


def test_random_bytes_and_malformed_bodies_are_answered_or_hung_up_on(server, caplog):
    rng = random.Random(1)
    waits = {"Scan.WaitEndOfScan", "Scan.WaitEndOfLine"}
    names = [command.name for command in commands() if command.name not in waits]
    for _ in range(10):
        with client_of(server) as client:
            client.socket.sendall(rng.randbytes(rng.randrange(1, 400)))
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(1 << 16):
                pass
    with client_of(server) as client:
        for _ in range(300):
            name, body = rng.choice(names), rng.randbytes(rng.randrange(64))
            client.socket.sendall(header(name.encode(), len(body)) + body)
            client.answer(name)
    with client_of(server) as client:
        client.ask("Bias.Get")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("fault", ["error", "coerced", "meddled"])
def test_the_controller_misbehaves_on_demand(fault):
    faults = (WireFault(kind=fault, on="Bias.Set"),)
    with controller(faults=faults) as server, client_of(server) as client:
        _, error = client.try_to("Bias.Set", bias=0.2)
        got = client.ask("Bias.Get")["bias"]
        assert bool(error) == (fault == "error")
        assert (got == pytest.approx(0.2)) == (fault == "meddled")
        client.ask("Bias.Set", bias=0.2)
        assert client.ask("Bias.Get")["bias"] == pytest.approx(0.2)


def test_a_scan_that_is_stuck_runs_until_it_is_stopped():
    stuck = WireFault(kind="stuck", on="Scan.Action")
    with controller(faults=(stuck,)) as server, client_of(server) as client:
        client.ask("Scan.Action", action=0, direction=1)
        assert client.ask("Scan.StatusGet")["running"]
        assert client.ask("Scan.WaitEndOfScan", timeout=10)["timed_out"]
        client.ask("Scan.Action", action=1, direction=1)
        assert not client.ask("Scan.StatusGet")["running"]
