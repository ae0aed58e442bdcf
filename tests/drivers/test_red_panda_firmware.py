"""The emulated firmware reads bytes as the real one does, with its traps."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from red_panda_lab import emulated

from spm_auto.drivers.transport import Link, Patience, TcpLink, open_serial
from spm_auto.errors import ConnectionLost, NoReply, OutOfStep
from spm_auto.simulator.servers.red_panda import RedPandaServer
from spm_auto.wire import red_panda as wire

SILENT = 0.15  # [s] after which nothing comes any more


class Client:
    """Somebody who sends bytes and waits for lines."""

    def __init__(self, link: Link, server: RedPandaServer) -> None:
        self.link, self.server = link, server

    def send(self, data: bytes) -> None:
        self.link.send(data, Patience(1.0))

    def line(self, timeout: float = 5.0) -> str:
        return self.link.receive_until(wire.END, Patience(timeout)).decode().strip()

    def status(self) -> wire.Status:
        self.send(b"GSTS")
        status = wire.parse_status(self.line())
        assert status is not None
        return status

    def approach(self) -> None:
        self.send(wire.command("BIAS", 33860) + wire.command("APRH", 32, 5))
        assert self.line() == wire.APPROACHED
        assert wire.parse_number(self.line()) == 33
        self.send(wire.command("PIDS", 0, 0.001, 0) + wire.command("CCON", 32))


@contextmanager
def client(**settings: object) -> Iterator[Client]:
    with emulated(**settings) as (server, _):
        link = TcpLink("127.0.0.1", int(str(server.address["port"]).rsplit(":", 1)[1]))
        try:
            yield Client(link, server)
        finally:
            link.close()


def test_a_newline_behind_a_number_eats_the_command_that_follows_at_once() -> None:
    with client() as they:
        they.send(b"DACX 31000\nGSTS")
        with pytest.raises(NoReply):
            they.line(SILENT)
        assert they.status().x == 31000


def test_after_a_pause_the_newline_is_swallowed_alone() -> None:
    with client() as they:
        they.send(b"DACX 31000\n")
        while "DACX 31000" not in they.server.firmware.heard:
            time.sleep(0)
        they.link.drain(0.02)
        assert they.status().x == 31000


def test_four_bytes_behind_a_number_are_swallowed_as_one_command_without_any_pause() -> None:
    with client() as they:
        they.send(wire.command("DACX", 31000) + wire.command("DACY", 5) + b"GSTS")
        status = wire.parse_status(they.line())
        assert status is not None
        assert (status.x, status.y) == (31000, 5)


def test_a_number_that_does_not_come_is_zero_after_a_silence() -> None:
    with client() as they:
        they.send(wire.command("DACX", 31000) + b"DACX")
        while "DACX 0" not in they.server.firmware.heard:
            time.sleep(0)
        assert they.status().x == 0


def test_the_number_reader_passes_over_letters_so_that_a_lost_digit_costs_a_command() -> None:
    with client() as they:
        they.send(b"DACX GSTSDACY 7    ")
        while "DACX 7" not in they.server.firmware.heard:
            time.sleep(0)
        assert they.status().y == 0


def test_half_a_command_is_none() -> None:
    with client() as they:
        they.send(b"GS")
        with pytest.raises(NoReply):
            they.line(SILENT)
        assert they.status().bias == 0


def test_the_first_four_letters_count_whatever_they_are() -> None:
    with client() as they:
        they.send(b"TESTgstsGSTS")
        assert wire.parse_status(they.line()) is not None


def test_an_approach_says_so_without_being_asked_and_leaves_the_loop_open() -> None:
    with client() as they:
        they.send(wire.command("BIAS", 33860) + wire.command("APRH", 32, 5))
        assert they.line() == wire.APPROACHED
        they.line()
        status = they.status()
        assert not status.is_approaching
        assert not status.has_feedback
        assert wire.MIDDLE < status.z < wire.Z_RANGE[1]
        assert status.steps >= 20


def test_an_approach_away_from_the_sample_is_stopped_by_stop() -> None:
    with client() as they:
        they.send(wire.command("BIAS", 33860) + wire.command("APRH", 32, -5))
        assert they.status().is_approaching
        they.send(b"STOP")
        assert not they.status().is_approaching


def test_an_approach_that_finds_nothing_ends_without_a_word() -> None:
    with client(surface_steps=10**6) as they:
        they.send(wire.command("BIAS", 33860) + wire.command("APRH", 32, 1000))
        while (status := they.status()).is_approaching:
            pass
        assert status.steps == wire.MOST_STEPS
        assert they.link.drain() == b""


def test_without_a_positive_current_an_approach_is_a_crash() -> None:
    with client() as they:
        they.send(wire.command("BIAS", 30000) + wire.command("APRH", 32, 25))
        they.status()
        they.send(b"STOP")
        they.status()
        assert any("not positive" in crash for crash in they.server.firmware.head.crashes)


def test_stop_is_not_heard_during_a_scan_but_right_after_it() -> None:
    with client() as they:
        they.approach()
        assert they.status().has_feedback
        they.send(wire.command("SCST", 100, 200, 2, 100, 400, 3, 4) + b"STOPGSTS")
        rows = [they.line() for _ in range(6)]
        assert [row[:3] for row in rows] == ["A,0", "Z,0", "A,1", "Z,1", "D", rows[5][:3]]
        status = wire.parse_status(rows[5])
        assert status is not None
        assert (status.has_feedback, status.x, status.y) == (False, 150, 100)


def test_closing_the_loop_begins_in_the_middle_whatever_z_was() -> None:
    with client(low_contacts=1) as they:
        they.approach()
        they.status()
        assert any("CCON" in crash for crash in they.server.firmware.head.crashes)


def test_a_sweep_gives_the_mean_of_its_last_five_readings() -> None:
    with client() as they:
        they.approach()
        they.send(wire.command("IVME", 32768, 32768 + 5000, 1000) + b"IVGE")
        row = wire.parse_row(they.line())
        assert row is not None
        assert row.values[0::2] == (32768, 33768, 34768, 35768, 36768)
        # the last is the mean over all five biases, not what flows at its own
        mean = sum(1e-9 * 3 / 32768 * n * 1000 for n in range(5)) / 5 / (10.24 / 100e6 / 32768)
        assert row.values[-1] == pytest.approx(mean, abs=1)
        assert they.status().bias == 33860  # as it was before


def test_a_sweep_downwards_gives_nothing() -> None:
    with client() as they:
        they.send(wire.command("IVME", 40000, 30000, -100) + b"IVGE")
        assert wire.parse_row(they.line()) == wire.Row("IV", 0, ())


def test_reset_lifts_the_tip() -> None:
    with client() as they:
        they.approach()
        assert they.server.station.is_engaged
        they.send(b"RSET")
        assert they.status().z == 0
        assert not they.server.station.is_engaged


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_over_a_pseudo_terminal_it_is_a_serial_port() -> None:
    with emulated(pseudo_terminal=True) as (server, _):
        for _ in range(2):  # somebody else may come when one has left
            link = open_serial(str(server.address["port"]), 115200)
            they = Client(link, server)
            they.send(wire.command("DACX", 31000))
            assert they.status().x == 31000
            link.close()


@given(st.integers(0, wire.LARGEST), st.integers(0, wire.LARGEST), st.integers(1, 500))
def test_the_stops_of_a_scan_never_pass_its_end(start: int, end: int, count: int) -> None:
    stops = wire.steps(start, end, count)
    assert len(stops) == count
    assert stops[0] == start
    assert all(min(start, end) <= stop <= max(start, end) for stop in stops)


@given(st.floats(1.0, 32767.0))
def test_logarithm_and_reading_are_inverse(adc: float) -> None:
    assert wire.reading_of(wire.log_of(adc)) == pytest.approx(adc)


def test_what_goes_over_the_wire_is_what_the_firmware_reads() -> None:
    assert wire.command("GSTS") == b"GSTS"
    assert wire.command("DACX", 31000) == b"DACX 31000\n   "
    assert wire.command("PIDS", 0.25, 1e-5, 0) == b"PIDS 0.25 0.00001 0\n   "
    with pytest.raises(ValueError, match="TEST is no command"):
        wire.command("TEST")
    with pytest.raises(ValueError, match="BIAS takes 1 numbers, got 2"):
        wire.command("BIAS", 1, 2)


def test_lines_are_told_apart() -> None:
    status = wire.Status(1, 2, 3, 4, -5, 6, True, False, False, 7)
    assert wire.parse_status(status.encode()) == status
    assert wire.parse_status("1,2,3,4,5,6,7,8,9,10") is None  # flags are 0 or 1
    assert wire.parse_row("A,3,1,-2") == wire.Row("A", 3, (1, -2))
    assert wire.parse_row(wire.APPROACHED) is None
    with pytest.raises(OutOfStep, match="whole line"):
        wire.parse_row("Z,1,40A,2,3")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_an_unplugged_serial_port_is_an_error_at_once() -> None:
    with emulated(pseudo_terminal=True) as (server, _):
        link = open_serial(str(server.address["port"]), 115200)
    began = time.monotonic()
    with pytest.raises(ConnectionLost):
        Client(link, server).status()
    assert time.monotonic() - began < 1.0
    link.close()
