"""Rows 1 to 5, 14, 16, 23, 24 and 27: those who die, freeze, fight and knock at a server."""

import contextlib
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attackers import Client, serving
from rows import Table
from served import LONG, served
from serving import PATIENCE, Child, ServerProcess, server_process
from siege import CONNECTIONS, besieged, percentile, withdrawals
from test_security import stranger, waited_for

from spm_auto.clock import RealClock
from spm_auto.data import (
    AccessDenied,
    Alarm,
    CommandEnded,
    CommandGiven,
    JournalReader,
    LeaseChanged,
    Outcome,
    Record,
    TipWithdrawn,
)
from spm_auto.errors import (
    ConnectionLost,
    EmergencyStopped,
    NotAcknowledged,
    NotOwner,
    OutOfStep,
    SpmError,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    Level,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.server import Place, RemoteInstrument, Role, new_identity
from spm_auto.server.wire import Ask, Request, Said, pack_request, read_answer

CRASH_WITHIN, WITHDRAW_WITHIN, LOST_WITHIN = 0.1, 0.2, 3.0  # [s]
SPECTRUM = AcquireSpectrum(1e-9, 1e-9, BiasWaveform.triangle(0.5, 8, dwell=0.1))
SCAN = Scan(ScanFrame((0.0, 0.0), (1e-8, 1e-8), (16, 16)), line_rate=20.0)
MOVE = PositionProbe(2e-9, 0.0)

heavy = pytest.mark.chaos
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def crashes(folder: Path, count: int) -> Iterator[tuple[bool, float]]:
    """Let the tip crash in one instruction after the other.

    Yields:
        Whether it went as it should, and how long it took at most until the tip was up, by the
        simulator's clock [s].
    """
    rng = random.Random(1)
    delays = [round(rng.uniform(0.02, 0.5), 3) for _ in range(count)]
    faults = [
        {"kind": "tip_crash", "action": 2 * number + 1, "after": f"{delay} s"}
        for number, delay in enumerate(delays)
    ]
    with server_process(folder, *faults) as bench:
        client = bench.client(bench.key("alice"))
        human = bench.client(bench.key("bob"), has_control=False)
        for number, delay in enumerate(delays):
            client.load(Load())
            already = len(bench.records())
            with pytest.raises(EmergencyStopped):
                client.acquire_spectrum(SPECTRUM) if number % 2 else list(client.scan(SCAN))
            with pytest.raises(EmergencyStopped):
                client.position_probe(MOVE)
            with pytest.raises(NotAcknowledged):
                client.load(Load())
            records = _until_withdrawn(bench, already)
            human.acknowledge()
            yield _judged(records, delay)


def _until_withdrawn(bench: ServerProcess, already: int) -> list[Record]:
    end = time.monotonic() + PATIENCE
    while True:
        records = bench.records()[already:]
        if any(isinstance(each.event, Alarm) for each in records):
            return records
        assert time.monotonic() < end, records
        time.sleep(0.01)


def _judged(records: list[Record], delay: float) -> tuple[bool, float]:
    """Hold a crash against the journal: up in time, nothing given meanwhile, alarm after it."""
    events = [type(each.event) for each in records]
    began = records[events.index(CommandGiven)].time + delay
    up = records[events.index(TipWithdrawn)]
    assert isinstance(up.event, TipWithdrawn)
    took = up.time - began
    given = [r for r in records if isinstance(r.event, CommandGiven) and began < r.time < up.time]
    in_order = events.index(TipWithdrawn) < events.index(Alarm)
    return in_order and not given and up.event.is_confirmed and took <= CRASH_WITHIN, took


@heavy
def test_a_crash_is_answered_within_100_ms(row: Table, tmp_path: Path) -> None:
    counted = row(1, "tip crash", "current ten times the threshold, in scans and spectra, served")
    times = []
    for survived, took in crashes(tmp_path, 30):
        counted.case(survived)
        times.append(1e3 * took)
    counted.figure(
        f"up and written down {percentile(times, 0.5):.0f} ms after the crash, "
        f"at most {max(times):.0f} ms"
    )


@heavy
@posix
def test_a_crash_is_answered_within_100_ms_while_a_model_trains_and_the_window_is_frozen(
    row: Table, tmp_path: Path
) -> None:
    counted = row(2, "crash while busy", "deep-kernel agent, a burning core, a frozen window")
    others = [Child("burning.py", "deep_kernel"), Child("burning.py")]
    others[0].wait_for("training")
    others[1].wait_for("burning")
    times = []
    try:
        looking = None
        for survived, took in crashes(tmp_path, 30):
            if looking is None:  # shows the journal, and is frozen from now on
                (folder,) = (tmp_path / "journals").iterdir()
                looking = Child("onlooker.py", str(folder))
                looking.wait_for("here")
                looking.process.send_signal(signal.SIGSTOP)
                others.append(looking)
            counted.case(survived)
            times.append(1e3 * took)
    finally:
        for each in others:
            each.end()
    counted.figure(
        f"up and written down {percentile(times, 0.5):.0f} ms after the crash, "
        f"at most {max(times):.0f} ms"
    )


@heavy
@pytest.mark.parametrize("how", ["nan", "stale", "raise"])
def test_a_served_microscope_that_feels_nothing_is_withdrawn(
    row: Table, tmp_path: Path, how: str
) -> None:
    counted = row(3, "signal missing", "the same at the server, while nothing is asked for")
    with server_process(tmp_path, {"kind": "blind", "action": 2, "how": how}) as bench:
        client = bench.client(bench.key("alice"))
        client.load(Load())
        client.position_probe(MOVE)
        with counted.trial():
            assert bench.events(TipWithdrawn) == []
            began = time.monotonic()
            with contextlib.suppress(EmergencyStopped):
                client.position_probe(MOVE)
            up = bench.await_event(TipWithdrawn)
            took = time.monotonic() - began
            assert isinstance(up.event, TipWithdrawn)
            assert (up.event.who, up.event.is_confirmed) == ("watchdog", True)
            assert bench.await_event(Alarm)
            assert not client.status().is_engaged
    counted.figure(f"{how}: up after {1e3 * took:.0f} ms")


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


def one_owner(changes: list[LeaseChanged]) -> bool:
    """Say whether a journal tells of at most one owner at any time."""
    owner = ""
    for change in changes:
        if change.what == "taken":
            if owner:
                return False
            owner = change.who
        elif change.what in ("released", "lost"):
            if owner != change.who:
                return False
            owner = ""
    return True


def test_of_all_who_want_control_at_once_one_has_it(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(14, "two clients", "five at once, with stolen tokens among them")
    n, won = how_many(quick=3, full=20), []
    with served(tmp_path, terms=LONG) as bench:
        keys = [bench.key(f"client-{number}") for number in range(5)]
        for _ in range(n):
            inside = threading.Barrier(len(keys))

            def fight(key: Any, inside: threading.Barrier = inside) -> str:
                inside.wait(PATIENCE)
                try:
                    client = bench.client(key, RealClock(), is_autonomous=False)
                except NotOwner as refusal:
                    return str(refusal)
                client.load(Load())
                client.position_probe(PositionProbe(1e-8, 0.0))
                inside.wait(PATIENCE)
                client.close()
                return "owner"

            def stand(key: Any, fight: Any = fight, inside: threading.Barrier = inside) -> str:
                came: str = fight(key)
                if came != "owner":
                    inside.wait(PATIENCE)
                return came

            with counted.trial():
                with ThreadPoolExecutor(len(keys)) as pool:
                    outcomes = list(pool.map(stand, keys))
                won.append(outcomes.index("owner"))
                assert outcomes.count("owner") == 1
                assert sum("owned by" in each for each in outcomes) == len(keys) - 1
        owner = bench.client(keys[0], RealClock(), is_autonomous=False)
        owner.load(Load())
        stolen = owner._living().token
        thief = bench.client(keys[1], RealClock(), has_control=False)
        thief._living().token = stolen
        with counted.trial(), pytest.raises(SpmError):  # the token of another key's lease
            thief.position_probe(PositionProbe(2e-8, 0.0))
        owner.close()
        with counted.trial(), pytest.raises(NotOwner):  # and of a lease that is over
            thief.position_probe(PositionProbe(2e-8, 0.0))
    changes = bench.events(LeaseChanged)
    counted.case(one_owner(changes))
    counted.figure(f"{len(changes)} changes of the lease, one owner at any time")
    assert len(won) == n


@heavy
@posix
def test_who_was_frozen_for_ten_seconds_comes_back_to_another_owner(
    row: Table, tmp_path: Path
) -> None:
    counted = row(14, "two clients", "the owner's process is frozen for 10 s, then thawed")
    with server_process(tmp_path, hold_after=2.0, withdraw_after=60.0) as bench:
        zombie = bench.hand(bench.key("zombie"), "moves")
        zombie.wait_for("3")
        zombie.process.send_signal(signal.SIGSTOP)
        frozen = time.monotonic()
        with counted.trial():
            lost = bench.await_event(LeaseChanged, what="lost")
            assert bench.events(TipWithdrawn) == []  # held, and still at the sample
            heir = bench.client(bench.key("heir"), is_autonomous=False)
            heir.position_probe(MOVE)
            while time.monotonic() - frozen < 10.0:
                heir.position_probe(MOVE)
                time.sleep(0.2)
            zombie.process.send_signal(signal.SIGCONT)
            said = zombie.wait_for("NotOwner")
            assert "heir" in said
            given = [r for r in bench.records() if isinstance(r.event, CommandGiven)]
            late = [r for r in given if r.time > lost.time and r.event.who == "zombie"]  # type: ignore[union-attr]
            assert late == []
            assert one_owner(bench.events(LeaseChanged))
        zombie.end()


@heavy
def test_an_owner_who_is_killed_leaves_a_tip_that_is_held_and_then_withdrawn(
    row: Table, tmp_path: Path
) -> None:
    hold, withdraw, kills, at_once = 1.5, 0.5, 30, 3
    counted = row(16, "kill -9", f"who has control of a server, {kills} times")
    rng = random.Random(16)
    delays = [rng.uniform(0.0, 0.6) for _ in range(kills)]

    def kill_some(first: int) -> list[tuple[bool, float]]:
        outcomes = []
        folder = tmp_path / f"{first}"
        with server_process(folder, hold_after=hold, withdraw_after=withdraw) as bench:
            key = bench.key("agent")
            for delay in delays[first::at_once]:
                hand = bench.hand(key, rng.choice(("moves", "scans")))
                hand.wait_for("control")
                time.sleep(delay)
                already = len(bench.records())
                hand.end()
                killed = time.monotonic()
                done = sum(line.isdigit() for line in hand.said)
                kinds: list[type] = []
                while TipWithdrawn not in kinds:
                    assert time.monotonic() - killed < PATIENCE
                    time.sleep(0.02)
                    kinds = [type(r.event) for r in bench.records()[already:]]
                took = time.monotonic() - killed
                records = bench.records()[already:]
                held = next(r for r in records if isinstance(r.event, LeaseChanged))
                up = next(r for r in records if isinstance(r.event, TipWithdrawn))
                ended = bench.events(CommandEnded)
                assert isinstance(held.event, LeaseChanged)
                assert isinstance(up.event, TipWithdrawn)
                outcomes.append(
                    (
                        held.event.what == "lost"
                        and held.time < up.time  # held first, and withdrawn after the lab's time
                        and up.time - held.time == pytest.approx(withdraw, abs=0.2)
                        and (up.event.who, up.event.is_confirmed) == ("server", True)
                        and sum(each.outcome is Outcome.DONE for each in ended) >= done,
                        took,
                    )
                )
        return outcomes

    times = []
    with ThreadPoolExecutor(at_once) as pool:
        for outcomes in pool.map(kill_some, range(at_once)):
            for survived, took in outcomes:
                counted.case(survived)
                times.append(took)
    counted.figure(
        f"owner killed: tip up {min(times):.1f} to {max(times):.1f} s later, "
        f"with terms of {hold:g} and {withdraw:g} s"
    )


@heavy
def test_a_server_that_is_killed_leaves_its_journal_and_the_next_one_withdraws(
    row: Table, tmp_path: Path
) -> None:
    kills, at_once = 30, 3
    counted = row(16, "kill -9", f"the server itself, {kills} times, then started again")
    rng = random.Random(61)
    delays = [rng.uniform(0.0, 0.8) for _ in range(kills)]

    def kill_some(first: int) -> list[tuple[bool, int]]:
        outcomes = []
        folder = tmp_path / f"{first}"
        with server_process(folder, hold_after=60.0, withdraw_after=0.3) as bench:
            key = bench.key("agent")
            for delay in delays[first::at_once]:
                hand = bench.hand(key, "moves")
                hand.wait_for("control")
                time.sleep(delay)
                bench.kill()
                journal = max((folder / "journals").glob("*/server.spmj"))
                said = hand.wait_for("ConnectionLost")  # it is told, and ends by itself
                done = sum(line.isdigit() for line in hand.said)
                hand.end()
                reader = JournalReader(journal)
                records = list(reader.poll())
                ended = [r.event for r in records if isinstance(r.event, CommandEnded)]
                acknowledged = sum(each.outcome is Outcome.DONE for each in ended)
                bench.again()  # knows whose tip it was, and that nobody gave it back
                up = bench.await_event(TipWithdrawn)
                assert isinstance(up.event, TipWithdrawn)
                outcomes.append(
                    (
                        bool(said)
                        and acknowledged >= done
                        and [r.number for r in records] == list(range(len(records)))
                        and (up.event.who, up.event.is_confirmed) == ("server", True),
                        done,
                    )
                )
        return outcomes

    acknowledged = 0
    with ThreadPoolExecutor(at_once) as pool:
        for outcomes in pool.map(kill_some, range(at_once)):
            for survived, done in outcomes:
                counted.case(survived)
                acknowledged += done
    counted.figure(f"server killed: {acknowledged} acknowledged commands, none lost")


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
