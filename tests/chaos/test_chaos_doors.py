"""Rows 4, 5, 23, 24 and 27 at a server: wires that break, strangers, sieges, other versions."""

import contextlib
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attackers import Client, serving
from rows import Table
from served import served
from serving import Child, server_process
from siege import CONNECTIONS, besieged, percentile, withdrawals
from test_security import stranger, waited_for

from spm_auto.clock import RealClock
from spm_auto.data import (
    AccessDenied,
    CommandGiven,
)
from spm_auto.errors import (
    ConnectionLost,
    OutOfStep,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    Level,
    Load,
    Scan,
    ScanFrame,
)
from spm_auto.server import Place, RemoteInstrument, Role, new_identity
from spm_auto.server.wire import Ask, Request, Said, pack_request, read_answer

WITHDRAW_WITHIN, LOST_WITHIN = 0.2, 3.0  # [s]
SPECTRUM = AcquireSpectrum(1e-9, 1e-9, BiasWaveform.triangle(0.5, 8, dwell=0.1))

heavy = pytest.mark.chaos
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


class Between:
    """A wire between a client and a server that can be cut, or go silent, after so many bytes."""

    def __init__(self, port: int, bytes_left: float, silently: bool) -> None:
        self._to, self._left, self._silently = port, bytes_left, silently
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[Any] = []
        self._over = threading.Event()
        self.struck_at: float | None = None
        self._listener.settimeout(0.1)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            far = socket.create_connection(("127.0.0.1", self._to))
            self._ends += [near, far]
            for source, sink, counts in ((near, far, False), (far, near, True)):
                threading.Thread(
                    target=self._pump, args=(source, sink, counts), daemon=True
                ).start()

    def _pump(self, source: Any, sink: Any, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                if counts and self.struck_at is None:
                    self._left -= len(content)
                    if self._left <= 0:
                        self.struck_at = time.monotonic()
                if self.struck_at is None:
                    sink.sendall(content)
                elif not self._silently:
                    for end in self._ends:
                        end.close()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for end in (*self._ends, self._listener):
            end.close()


@pytest.mark.parametrize(
    "silently", [pytest.param(False, id="cut"), pytest.param(True, id="silent", marks=heavy)]
)
def test_a_client_whose_server_is_not_to_be_reached_says_so_and_repeats_nothing(
    row: Table, how_many: Callable[..., int], tmp_path: Path, silently: bool
) -> None:
    number, fault = (5, "half-open") if silently else (4, "connection lost")
    counted = row(number, fault, "between a client and the server, after k bytes of a scan")
    rng, slowest = random.Random(4), 0.0
    for turn in range(how_many(quick=1, full=8)):
        with served(tmp_path / f"{turn}") as bench:
            port = int(bench.server.addresses["command"].rpartition(":")[2])
            between = Between(port, rng.randrange(8_000, 20_000), silently)
            place = Place(between.address, bench.public, bench.server.addresses["safety"])
            client = RemoteInstrument(place, bench.key("alice"), RealClock(), is_autonomous=False)
            try:
                with counted.trial():
                    client.load(Load())
                    frame = ScanFrame((0.0, 0.0), (4e-7, 2e-7), (16, 200))
                    with pytest.raises(ConnectionLost):
                        list(client.scan(Scan(frame)))
                    failed = time.monotonic()
                    assert between.struck_at is not None
                    assert failed - between.struck_at <= LOST_WITHIN
                    slowest = max(slowest, failed - between.struck_at)
                    client.emergency_stop()  # which goes another way
                    assert not bench.guard.status().is_engaged
            finally:
                between.close()
                client.close()
        with counted.trial():  # each was given once
            given = [type(each.instruction) for each in bench.events(CommandGiven)]
            assert given == [Load, Scan]
    counted.figure(f"client: noticed within {slowest:.1f} s")


@heavy
@posix
def test_a_server_that_is_frozen_is_noticed_and_taken_for_lost(row: Table, tmp_path: Path) -> None:
    counted = row(5, "half-open", "the server's process is frozen in mid-instruction")
    slowest = 0.0
    for turn in range(3):
        with server_process(tmp_path / f"{turn}") as bench:
            client = bench.client(bench.key("alice"))
            client.load(Load())
            threading.Timer(0.3, bench.freeze).start()
            with counted.trial():
                began = time.monotonic() + 0.3
                with pytest.raises(ConnectionLost):
                    client.acquire_spectrum(SPECTRUM)
                took = time.monotonic() - began
                assert took <= LOST_WITHIN
                slowest = max(slowest, took)
                assert client.status().state is InstrumentState.LOST
            bench.thaw()
    counted.figure(f"frozen server: noticed within {slowest:.1f} s")


@heavy
def test_a_stranger_gets_no_answer_and_is_written_down(row: Table, tmp_path: Path) -> None:
    counted = row(23, "no credentials", "no key, an unknown one, another server's, a revoked one")
    hows = ("no key", "a key that is not known", "the key of another server")
    with serving(tmp_path) as site:
        for door in ("command", "safety", "telemetry"):
            for how in hows:
                for ask in (Ask.HELLO, Ask.WITHDRAW, Ask.BEAT):
                    with counted.trial(), contextlib.closing(stranger(site, how, door)) as client:
                        if door != "telemetry":
                            client.send(*pack_request(Request(1, ask)))
                        assert client.receive(200) is None
        waited_for(site)
        site.check_unharmed()
        for number in range(9):
            name = f"guest-{number}"
            site.people[name] = new_identity(name)
            site.keyring.add(name, site.people[name].public, Role.OBSERVER, Level.WATCH)
            door = ("command", "safety")[number % 2]
            ask = (Ask.STATUS, Ask.BEAT)[number % 2]
            with counted.trial(), contextlib.closing(site.client(name, door)) as client:
                client.done(ask)
                site.keyring.revoke(name)
                client.number += 1
                with contextlib.suppress(Exception):
                    client.send(*pack_request(Request(client.number, ask)))
                frames = client.receive(600)
                assert frames is None or read_answer(frames).said is Said.ERROR
        site.check_unharmed()
    refusals = [r.event for r in site.records if isinstance(r.event, AccessDenied)]
    counted.figure(f"{len(refusals)} refusals in the journal; nothing was done")


@heavy
def test_the_tip_comes_up_at_once_while_a_thousand_knock_a_model_trains_and_a_scan_streams(
    row: Table, tmp_path: Path
) -> None:
    counted = row(24, "overload", f"{CONNECTIONS:,} connections, a training, a scan that streams")
    with server_process(tmp_path) as bench:
        guard = bench.key("guard", Role.SAFETY)
        hand = bench.hand(bench.key("agent"), "scans")
        hand.wait_for("0")
        training = Child("burning.py", "deep_kernel")
        training.wait_for("training")
        ports = [int(address.rpartition(":")[2]) for address in (bench.place.command, bench.safety)]
        try:
            with besieged(ports, bench.place.server_public):
                let_in, took = withdrawals(bench.safety, guard, bench.place.server_public, 300)
        finally:
            training.end()
            hand.end()
        for each in took:
            counted.case(each < WITHDRAW_WITHIN)
    counted.figure(
        f"up after {1e3 * percentile(took, 0.5):.0f} ms, p99 "
        f"{1e3 * percentile(took, 0.99):.0f} ms, most {1e3 * max(took):.0f} ms; "
        f"let in after {let_in:.1f} s"
    )
    assert percentile(took, 0.99) < WITHDRAW_WITHIN


def test_a_client_or_server_of_another_version_is_refused_with_both_numbers(
    row: Table, tmp_path: Path
) -> None:
    counted = row(27, "version skew", "a client of another version at both doors")
    with serving(tmp_path) as site:
        for door, ask in (("command", Ask.STATUS), ("safety", Ask.BEAT)):
            for version in (0, 2, 99):
                with (
                    counted.trial(),
                    contextlib.closing(Client(site, site.people["observer"], door)) as client,
                ):
                    client.send(*pack_request(Request(1, ask, version=version)))
                    frames = client.receive()
                    assert frames is not None
                    with pytest.raises(OutOfStep, match=f"version 1 .* {version}"):
                        read_answer(frames).result()
        site.check_unharmed()
